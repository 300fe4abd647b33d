package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/email/emailtest"
)

// listener is an entry that listens, and what it handed on.
type opened struct {
	t    *testing.T
	conn channels.Conn
	addr string
	stop func() error

	mu      sync.Mutex
	updates []channels.Update
	refuse  error
	dropped []string
}

func listen(t *testing.T, inbound map[string]any) *opened {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{t: t, addr: l.Addr().String()}
	l.Close()
	if at, ok := inbound["listen"].(string); ok {
		o.addr = strings.TrimPrefix(at, "unix:")
	} else {
		inbound["listen"] = o.addr
	}
	o.conn, err = Driver.Open(channels.Settings{"host": "127.0.0.1", "port": 1, "tls": "none", "from": "Shop <news@shop.example>", "helo": "mx.shop.example", "reply_domain": "reply.shop.example", "envelope_domain": "bounces.shop.example",
		"inbound": inbound}, channels.Env{Name: "mail", Now: time.Now, Log: slog.New(slog.DiscardHandler), Dropped: func(w string) { o.mu.Lock(); o.dropped = append(o.dropped, w); o.mu.Unlock() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.conn.(io.Closer).Close() })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- o.conn.(channels.Listener).Listen(ctx, func(_ context.Context, u []channels.Update) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.refuse != nil {
				return o.refuse
			}
			o.updates = append(o.updates, u...)
			return nil
		})
	}()
	o.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = o.stop() })
	network := "tcp"
	if strings.HasPrefix(o.addr, "/") {
		network = "unix"
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial(network, o.addr)
		if err == nil {
			c.Close()
			return o
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func (o *opened) send(from string, to []string, raw string) error {
	return smtp.SendMail(o.addr, nil, from, to, []byte(raw))
}

func (o *opened) taken() []channels.Update {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.updates)
}

func TestListen_TakesAnswersAndRelaysNothing(t *testing.T) {
	t.Parallel()
	o := listen(t, map[string]any{"addresses": []any{"Support@shop.example"}})
	for _, to := range []string{"anna@customers.example", "reply@reply.shop.example", "reply+@reply.shop.example", "reply+abc@shop.example", "news@shop.example", "other+abc@reply.shop.example",
		"reply+abc@reply.shop.example.evil.example", "reply+abc%customers.example@other.example", `"reply+abc"@reply.shop.example`, "postmaster@reply.shop.example"} {
		err := o.send("anna@customers.example", []string{to}, letter("relay"))
		if e, ok := errors.AsType[*textproto.Error](err); !ok || e.Code != 550 || !strings.HasPrefix(e.Msg, "5.7.1") {
			t.Errorf("%s: %v", to, err)
		}
	}
	for _, to := range []string{"reply+abc123@reply.shop.example", "REPLY+abc124@Reply.Shop.example", "bounce+abc125@bounces.shop.example", "reply+abc126@bounces.shop.example", "support@shop.example"} {
		if err := o.send("anna@customers.example", []string{to}, letter("to "+strings.ToLower(to))); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
	var tokens []string
	updates := o.taken()
	for _, u := range updates {
		tokens = append(tokens, u.Message.Tokens...)
	}
	same(t, "the tokens of the envelope", tokens, "abc123", "abc124", "abc125", "abc126")
	if n := len(updates); n != 5 || updates[4].Message.Subject != "to support@shop.example" {
		t.Errorf("%d mails: %+v", n, updates)
	}
}

func TestListen_AMailThatCannotBeStoredStaysWithItsSender(t *testing.T) {
	t.Parallel()
	o := listen(t, map[string]any{})
	o.refuse = errors.New("no disk")
	err := o.send("anna@customers.example", []string{"reply+abc@reply.shop.example"}, letter("one"))
	if e, ok := errors.AsType[*textproto.Error](err); !ok || e.Code != 451 {
		t.Errorf("the answer is %v", err)
	}
	o.mu.Lock()
	o.refuse = nil
	o.mu.Unlock()
	for range 2 { // the sender tries again, and once more because it has not heard our 250
		if err := o.send("anna@customers.example", []string{"reply+abc@reply.shop.example"}, letter("one")); err != nil {
			t.Fatal(err)
		}
	}
	if u := o.taken(); len(u) != 2 || u[0].EventID == "" || u[0].EventID != u[1].EventID {
		t.Errorf("the same mail twice: %+v", u)
	}
}

func TestListen_LeavesLoopsAlone(t *testing.T) {
	t.Parallel()
	o := listen(t, map[string]any{})
	for _, raw := range []string{strings.Replace(letter("own"), "anna@customers.example", "news@shop.example", 1), strings.Replace(letter("own id"), "<own.id@customers.example>", "<"+rapport.KindMessage.Format(1<<40)+"@reply.shop.example>", 1),
		strings.Repeat("Received: from a by b; Sun, 22 Nov 2026 10:00:00 +0000\r\n", 50) + letter("circle"), "\x01no header\r\n"} {
		if err := o.send("anna@customers.example", []string{"reply+abc@reply.shop.example"}, raw); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "dropped", o.dropped, "own", "own", "loop")
	if u := o.taken(); len(u) != 1 || u[0].Message.From != "anna@customers.example" {
		t.Errorf("who wrote no From is who sent it, but taken was %+v", u)
	}
}

// Whoever speaks SMTP to us may write what he likes about SPF and DKIM. Over LMTP it is our own mail server that does.
func TestListen_BelievesChecksOfOurServerOnly(t *testing.T) {
	t.Parallel()
	o := listen(t, map[string]any{})
	raw := "Authentication-Results: mx.shop.example; spf=pass smtp.mailfrom=customers.example; dkim=pass\r\n" + letter("forged")
	if err := o.send("anna@customers.example", []string{"reply+abc@reply.shop.example"}, raw); err != nil {
		t.Fatal(err)
	}
	if u := o.taken(); len(u) != 1 || len(u[0].Message.Checks) != 0 {
		t.Errorf("believed: %+v", u[0].Message.Checks)
	}
	o = listen(t, map[string]any{"authserv_id": "mx.shop.example"})
	if err := o.send("anna@customers.example", []string{"reply+abc@reply.shop.example"}, raw); err != nil {
		t.Fatal(err)
	}
	if u := o.taken(); len(u) != 1 || u[0].Message.Checks["spf"] != "pass" {
		t.Errorf("named, and not believed: %+v", u[0].Message.Checks)
	}
}

// A bounce has no sender, and its token stands in the envelope alone.
func TestListen_TakesBounces(t *testing.T) {
	t.Parallel()
	o := listen(t, map[string]any{})
	c, err := smtp.Dial(o.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := errors.Join(c.Mail(""), c.Rcpt("bounce+abc123@bounces.shop.example")); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, "From: MAILER-DAEMON@mx.customers.example\r\nTo: undisclosed\r\nSubject: Undelivered\r\nMessage-ID: <dsn1@mx.customers.example>\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.customers.example\r\n\r\n"+
		"Final-Recipient: rfc822; gone@customers.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	u := o.taken()
	if len(u) != 1 || u[0].Receipt == nil || u[0].Receipt.Kind != rapport.ReceiptBounced || u[0].Receipt.To != "gone@customers.example" || u[0].Receipt.Token != "abc123" {
		t.Errorf("taken: %+v", u)
	}
}

func TestListen_EndsWithItsContextOrItsEntry(t *testing.T) {
	t.Parallel()
	o := listen(t, map[string]any{})
	second := listenAgain(o)
	if second == nil || !strings.Contains(second.Error(), "in use") {
		t.Errorf("two on one address: %v", second)
	}
	if err := o.conn.(channels.Setup).Setup(t.Context()); err == nil || channels.VerdictOf(err).Reason != "unreachable" { // its relay is
		t.Errorf("Setup: %v", err)
	}
	begin := time.Now()
	if err := o.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("it ended after %v", took)
	}
	o = listen(t, map[string]any{})
	o.conn.(io.Closer).Close()
	if _, err := net.DialTimeout("tcp", o.addr, time.Second); err == nil {
		time.Sleep(300 * time.Millisecond)
		if c, err := net.DialTimeout("tcp", o.addr, time.Second); err == nil {
			c.Close()
			t.Error("it listens although its entry is closed")
		}
	}
}

// listenAgain is another process with the same settings.
func listenAgain(o *opened) error {
	c, err := Driver.Open(channels.Settings{"host": "127.0.0.1", "port": 1, "tls": "none", "from": "Shop <news@shop.example>", "reply_domain": "reply.shop.example", "inbound": map[string]any{"listen": o.addr}},
		channels.Env{Name: "mail", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer c.(io.Closer).Close()
	return c.(channels.Listener).Listen(o.t.Context(), nil)
}

// A socket that a killed process has left behind does not keep the next one out; one that is in use does.
func TestListen_OnAUnixSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if len(dir) > 90 { // sun_path holds 108 bytes
		t.Fatalf("%s is too long for a socket: set TMPDIR to a shorter one", dir)
	}
	path := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	o := listen(t, map[string]any{"listen": "unix:" + path})
	if err := listenAgain(&opened{t: t, addr: "unix:" + path}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("two on one socket: %v", err)
	}
	if err := o.stop(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := listenAgain(&opened{t: t, addr: "unix:" + path}); err == nil {
		t.Error("a file was taken for a socket")
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("and removed: %v", err)
	}
}

func TestSetup_LooksWhetherItMayListen(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{})
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, c := range []struct{ at, want string }{
		{"127.0.0.1:0", ""}, {busy.Addr().String(), ""}, {"192.0.2.1:2525", "listen"}, {"lmtp://192.0.2.1:24", "listen"}, {"unix:" + t.TempDir() + "/s", ""}, {"unix:/does/not/exist/s", "listen"},
	} {
		s := settings(sink)
		s["inbound"] = map[string]any{"listen": c.at}
		err := openInbound(t, s).(channels.Setup).Setup(t.Context())
		if c.want == "" && err != nil || c.want != "" && (err == nil || channels.VerdictOf(err).Reason != c.want) {
			t.Errorf("%s: %v, want %q", c.at, err, c.want)
		}
	}
}
