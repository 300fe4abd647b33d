package smtpd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/textproto"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/channels/email/smtpd"
)

// house is a server with what it took.
type house struct {
	smtpd.Server
	addr string
	stop context.CancelFunc
	done chan error

	mu    sync.Mutex
	taken []taken
}

type taken struct {
	smtpd.Envelope
	raw string
}

// open starts a server that takes mail for shop.example. Changes come before it starts.
func open(t testing.TB, changes ...func(*house)) *house {
	t.Helper()
	h := &house{done: make(chan error, 1)}
	h.Server = smtpd.Server{Name: "mx.shop.example", MaxSize: 100_000, MaxRecipients: 3, MaxConns: 20, Log: slog.New(slog.DiscardHandler),
		Accepts: func(to string) bool { return strings.HasSuffix(to, "@shop.example") },
		Deliver: func(_ context.Context, e smtpd.Envelope, raw []byte) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.taken = append(h.taken, taken{e, string(raw)})
			return nil
		}}
	for _, c := range changes {
		c(h)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	go func() { h.done <- h.Serve(ctx, l); close(h.done) }()
	t.Cleanup(func() {
		stop()
		for range h.done {
		}
	})
	return h
}

func (h *house) mails() []taken {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.taken)
}

// client is one connection, by hand.
type client struct {
	t testing.TB
	net.Conn
	r *textproto.Reader
}

func (h *house) dial(t testing.TB) *client {
	t.Helper()
	c, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{t, c, textproto.NewReader(bufio.NewReader(c))}
}

func (h *house) greeted(t testing.TB) *client {
	c := h.dial(t)
	c.want("220")
	c.say("EHLO client.example", "250")
	return c
}

func (c *client) write(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// want reads an answer of one or more lines.
func (c *client) want(begin string) string {
	c.t.Helper()
	got := c.answer()
	if !strings.HasPrefix(got, begin) {
		c.t.Fatalf("the answer is %q, want %q", got, begin)
	}
	return got
}

func (c *client) answer() string {
	c.t.Helper()
	var all []string
	for {
		line, err := c.r.ReadLine()
		if err != nil {
			c.t.Fatalf("after %q: %v", all, err)
		}
		all = append(all, line)
		if len(line) < 4 || line[3] != '-' {
			return strings.Join(all, "\n")
		}
	}
}

func (c *client) say(line, want string) string {
	c.t.Helper()
	c.write(line + "\r\n")
	return c.want(want)
}

// gone says that the server has hung up.
func (c *client) gone() {
	c.t.Helper()
	if line, err := c.r.ReadLine(); err == nil {
		c.t.Fatalf("the server goes on: %q", line)
	}
}

func TestServe_TakesAMailWithItsEnvelope(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := h.dial(t)
	c.want("220 mx.shop.example ESMTP")
	if got := c.say("EHLO client.example", "250"); !strings.Contains(got, "250-PIPELINING\n250-SIZE 100000\n250-8BITMIME\n250-SMTPUTF8\n250 ENHANCEDSTATUSCODES") || strings.Contains(got, "CHUNKING") || strings.Contains(got, "STARTTLS") {
		t.Errorf("offered: %q", got)
	}
	c.say("MAIL FROM:<anna@customers.example> SIZE=100 BODY=8BITMIME", "250")
	c.say("RCPT TO:<support@shop.example>", "250")
	c.say("rcpt to: <sales@shop.example>", "250")
	c.say("DATA", "354")
	c.write("Subject: Hi\r\n\r\n..a dot\r\n.hidden\r\nbare\nlines\rstay\r\n.\r\n")
	c.want("250 2.0.0")
	c.write("MAIL FROM:<>\r\nRCPT TO:<support@shop.example>\r\nDATA\r\n") // a bounce, in one piece
	c.want("250")
	c.want("250")
	c.want("354")
	c.write("Subject: Undelivered\r\n\r\n.\r\nQUIT\r\n")
	c.want("250")
	c.want("221")
	c.gone()
	got := h.mails()
	if len(got) != 2 || got[0].From != "anna@customers.example" || !slices.Equal(got[0].To, []string{"support@shop.example", "sales@shop.example"}) || got[0].Helo != "client.example" ||
		got[0].Host.String() != "127.0.0.1" || got[0].With != "ESMTP" || got[0].raw != "Subject: Hi\r\n\r\n.a dot\r\nhidden\r\nbare\nlines\rstay\r\n" {
		t.Errorf("taken: %+v", got)
	}
	if got[1].From != "" || got[1].raw != "Subject: Undelivered\r\n\r\n" {
		t.Errorf("the bounce: %+v", got[1])
	}
}

// What ends a message for another server, and not by RFC 5321, ends none here: the rest is text.
func TestServe_NothingIsSmuggled(t *testing.T) {
	t.Parallel()
	const inner = "MAIL FROM:<boss@shop.example>\r\nRCPT TO:<support@shop.example>\r\nDATA\r\nSubject: smuggled\r\n\r\npay\r\n"
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\n.\r", "\r\n\x00.\r\n", "\r\n.\x00\r\n", "\r\n .\r\n", "\r\r\n.\r\r\n", "\n\r.\n\r", "\r\n.\r\r\n",
		"\u2028.\u2028", "\u0085.\u0085", "\r\n..\r\n", "\v\n.\v\n"} {
		for _, filler := range []int{0, 16<<10 - 20, 16<<10 - 2} { // also across the edge of the buffer
			t.Run(fmt.Sprintf("%q after %d", end, filler), func(t *testing.T) {
				t.Parallel()
				h := open(t)
				c := h.greeted(t)
				c.say("MAIL FROM:<a@customers.example>", "250")
				c.say("RCPT TO:<support@shop.example>", "250")
				c.say("DATA", "354")
				c.write("Subject: outer\r\n\r\n" + strings.Repeat("x", filler) + end + inner + "\r\n.\r\n")
				c.want("250")
				c.say("NOOP", "250 2.0.0 Done") // no answers to inner commands stand before
				got := h.mails()
				if len(got) != 1 || !strings.Contains(got[0].raw, "boss@shop.example") || got[0].From != "a@customers.example" {
					t.Errorf("%d mails: %.200q", len(got), got)
				}
			})
		}
	}
}

// What was refused is read to its end and never as commands, in SMTP and in LMTP.
func TestServe_ARefusedMessageIsNoCommands(t *testing.T) {
	t.Parallel()
	body := "Subject: large\r\n\r\n" + strings.Repeat(strings.Repeat("x", 3000)+"\r\nMAIL FROM:<boss@shop.example>\r\nRCPT TO:<support@shop.example>\r\nDATA\r\n", 50) + "\r\n.\r\n"
	for _, lmtp := range []bool{false, true} {
		t.Run(fmt.Sprint("lmtp ", lmtp), func(t *testing.T) {
			t.Parallel()
			h := open(t, func(h *house) { h.LMTP = lmtp })
			c := h.dial(t)
			c.want("220")
			c.say(map[bool]string{true: "LHLO", false: "EHLO"}[lmtp]+" client.example", "250")
			c.say("MAIL FROM:<a@customers.example> SIZE=100001", "552 5.3.4")
			c.say("MAIL FROM:<a@customers.example> SIZE=99999999999999999999", "552 5.3.4")
			c.say("MAIL FROM:<a@customers.example>", "250")
			c.say("RCPT TO:<one@shop.example>", "250")
			c.say("RCPT TO:<stranger@other.example>", "550 5.7.1")
			c.say("RCPT TO:<two@shop.example>", "250")
			c.say("DATA", "354")
			c.write(body)
			c.want("552 5.3.4")
			if lmtp {
				c.want("552 5.3.4") // one for each that was accepted (RFC 2033 §4.2)
			}
			c.say("NOOP", "250 2.0.0 Done")
			c.say("DATA", "503")
			c.say("MAIL FROM:<a@customers.example>", "250")
			c.say("RCPT TO:<stranger@other.example>", "550")
			c.say("DATA", "554 5.5.1")
			c.say("RCPT TO:<one@shop.example>", "250")
			c.say("DATA", "354")
			c.write("small\r\n.\r\n")
			c.want("250")
			if got := h.mails(); len(got) != 1 || got[0].raw != "small\r\n" {
				t.Errorf("taken: %.200v", got)
			}
			c.say("BDAT 30 LAST\r\nMAIL FROM:<boss@shop.example>\r\n", "421")
			c.gone()
		})
	}
}

// The sender hears 250 after the message is stored, and keeps it when it could not be.
func TestServe_AnswersWhenItIsStored(t *testing.T) {
	t.Parallel()
	for _, lmtp := range []bool{false, true} {
		t.Run(fmt.Sprint("lmtp ", lmtp), func(t *testing.T) {
			t.Parallel()
			result := make(chan error)
			h := open(t, func(h *house) {
				h.LMTP = lmtp
				h.Deliver = func(context.Context, smtpd.Envelope, []byte) error { return <-result }
			})
			c := h.dial(t)
			c.want("220")
			c.say(map[bool]string{true: "LHLO", false: "EHLO"}[lmtp]+" client.example", "250")
			for _, one := range []struct {
				err  error
				want string
			}{{nil, "250 2.0.0"}, {errors.New("disk full"), "451 4.3.0"}, {&smtpd.Refusal{Answer: "554 5.4.6 Too many hops"}, "554 5.4.6"}, {fmt.Errorf("x: %w", context.Canceled), "451 4.3.0"}} {
				c.say("MAIL FROM:<a@customers.example>", "250")
				c.say("RCPT TO:<one@shop.example>", "250")
				c.say("RCPT TO:<two@shop.example>", "250")
				c.say("DATA", "354")
				c.write("x\r\n.\r\n")
				_ = c.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
				if line, err := c.r.R.Peek(1); err == nil {
					t.Fatalf("%q came before the message was stored", line)
				}
				_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
				result <- one.err
				c.want(one.want)
				if lmtp {
					c.want(one.want)
				}
			}
			close(result)
		})
	}
}

func TestServe_RefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, one := range [][2]string{
		{"MAIL FROM:<a@b.example>", "503"}, {"EHLO", "501"}, {"EHLO a b", "501"}, {"LHLO x", "500"}, {"EHLO c.example\nNOOP", "500"}, {"NO\x00OP", "500"}, {"\x80\x81", "500"},
		{"", "500"}, {strings.Repeat("x", 5000), "500"}, {strings.Repeat("y", 40_000), "500"}, {"STARTTLS", "502"}, {"AUTH PLAIN AGEAYg==", "502"}, {"VRFY anna", "252"}, {"EXPN all", "502"},
		{"EHLO c.example", "250"}, {"RCPT TO:<a@shop.example>", "503"}, {"DATA", "503"},
	} {
		t.Run(fmt.Sprintf("%.20q", one[0]), func(t *testing.T) {
			t.Parallel()
			c := open(t).dial(t)
			c.want("220")
			c.say(one[0], one[1])
		})
	}
	for _, one := range [][2]string{
		{"MAIL FROM:<@>", "501"}, {"MAIL FROM:a@b.example", "501"}, {"MAIL FROM:<a@b.example", "501"}, {"MAIL FROM:<a@b c>", "501"}, {"MAIL FROM:<a@b>x", "501"}, {"MAIL FROM:<a\\>@b>", "501"}, {"MAIL FROM:<a@b> SIZE=-1", "501"}, {"MAIL FROM:<a@b> SIZE=", "501"},
		{"MAIL FROM:<a@b> SIZE=1 SIZE=2", "501"}, {"MAIL FROM:<a@b> BODY=BINARYMIME", "555"}, {"MAIL FROM:<a@b> RET=FULL", "555"}, {"MAIL FROM:<a@b> =", "501"}, {"MAIL TO:<a@b>", "501"},
		{"MAIL FROM:<анна@b.example>", "553 5.6.7"}, {"MAIL FROM:<анна@b.example> SMTPUTF8", "250"}, {`MAIL FROM:<"a b>"@c.example>`, "250"}, {"MAIL FROM:<@hop.example,@hop2.example:a@b.example>", "250"},
		{"MAIL FROM:<a" + strings.Repeat("a", 300) + "@b.example>", "501"}, {"MAIL FROM: <>", "250"}, {"mail from:<A@B.example>", "250"}, {"MAIL FROM:<\xff@b.example> SMTPUTF8", "501"},
	} {
		t.Run(fmt.Sprintf("%.40q", one[0]), func(t *testing.T) {
			t.Parallel()
			c := open(t).greeted(t)
			c.say(one[0], one[1])
		})
	}
	t.Run("too often", func(t *testing.T) {
		t.Parallel()
		c := open(t).greeted(t)
		for range 20 {
			c.say("XYZZY", "500")
		}
		c.say("XYZZY", "421")
		c.gone()
	})
	t.Run("a browser", func(t *testing.T) {
		t.Parallel()
		c := open(t).dial(t)
		c.want("220")
		c.say("POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\nMAIL FROM:<a@b.example>\r\n", "421")
		c.gone()
	})
	t.Run("guessing recipients", func(t *testing.T) {
		t.Parallel()
		c := open(t).greeted(t)
		c.say("MAIL FROM:<a@b.example>", "250")
		for range 100 {
			c.say("RCPT TO:<x@other.example>", "550 5.7.1")
		}
		c.say("RCPT TO:<x@other.example>", "421")
		c.gone()
	})
}

func TestServe_KeepsItsLimits(t *testing.T) {
	t.Parallel()
	t.Run("recipients", func(t *testing.T) {
		t.Parallel()
		c := open(t).greeted(t)
		c.say("MAIL FROM:<a@b.example>", "250")
		for range 3 {
			c.say("RCPT TO:<x@shop.example>", "250")
		}
		c.say("RCPT TO:<x@shop.example>", "452 4.5.3")
	})
	t.Run("connections", func(t *testing.T) {
		t.Parallel()
		h := open(t, func(h *house) { h.MaxConns = 2 })
		one, two := h.greeted(t), h.greeted(t)
		c := h.dial(t)
		c.want("421 4.3.2")
		c.gone()
		one.say("QUIT", "221")
		one.gone()
		two.say("NOOP", "250")
		for end := time.Now().Add(5 * time.Second); ; { // its place is free a moment later
			c := h.dial(t)
			if strings.HasPrefix(c.answer(), "220") {
				break
			}
			if time.Now().After(end) {
				t.Fatal("no place became free")
			}
		}
	})
	t.Run("connections of one host", func(t *testing.T) {
		t.Parallel()
		h := open(t, func(h *house) { h.MaxPerHost = 1 })
		h.greeted(t)
		h.dial(t).want("421 4.7.0")
	})
	t.Run("messages a minute", func(t *testing.T) {
		t.Parallel()
		h := open(t, func(h *house) { h.Rate = 2 })
		c := h.greeted(t)
		for range 2 {
			c.say("MAIL FROM:<a@b.example>", "250")
			c.say("RSET", "250")
		}
		c.say("MAIL FROM:<a@b.example>", "450 4.7.1")
	})
	t.Run("patience", func(t *testing.T) {
		t.Parallel()
		h := open(t, func(h *house) { h.Patience = 600 * time.Millisecond })
		c := h.greeted(t)
		c.want("421 4.4.2")
		c.gone()
		c = h.greeted(t)
		c.say("MAIL FROM:<a@b.example>", "250")
		c.say("RCPT TO:<x@shop.example>", "250")
		c.say("DATA", "354")
		c.write("half a mess")
		c.want("421 4.4.2")
		c.gone()
		if n := len(h.mails()); n != 0 {
			t.Errorf("%d halves were taken", n)
		}
	})
	t.Run("large messages at once", func(t *testing.T) {
		t.Parallel()
		h := open(t, func(h *house) { h.MaxSize = 4 << 20 })
		var all sync.WaitGroup
		for range 8 { // four in memory at a time, and all arrive
			c := h.greeted(t)
			all.Go(func() {
				c.say("MAIL FROM:<a@b.example>", "250")
				c.say("RCPT TO:<x@shop.example>", "250")
				c.say("DATA", "354")
				c.write(strings.Repeat(strings.Repeat("z", 998)+"\r\n", 3000) + ".\r\n")
				c.want("250")
			})
		}
		all.Wait()
		if n := len(h.mails()); n != 8 {
			t.Errorf("%d of 8 arrived", n)
		}
	})
}

func TestServe_EndsInTime(t *testing.T) {
	t.Parallel()
	stored := make(chan struct{})
	h := open(t, func(h *house) {
		h.Deliver = func(context.Context, smtpd.Envelope, []byte) error { close(stored); return nil }
	})
	idle, busy := h.greeted(t), h.greeted(t)
	busy.say("MAIL FROM:<a@b.example>", "250")
	busy.say("RCPT TO:<x@shop.example>", "250")
	busy.say("DATA", "354")
	busy.write("half\r\n")
	h.stop()
	idle.want("421 4.3.2")
	idle.gone()
	if c, err := net.Dial("tcp", h.addr); err == nil {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if b, _ := io.ReadAll(c); strings.HasPrefix(string(b), "220") {
			t.Error("a new connection was taken")
		}
		c.Close()
	}
	select {
	case err := <-h.done:
		t.Fatalf("it ended with a message under way: %v", err)
	default:
	}
	busy.write("whole\r\n.\r\n")
	busy.want("250")
	<-stored
	busy.want("421 4.3.2")
	begin := time.Now()
	if err := <-h.done; err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it ended after %v", took)
	}
}

func TestServe_OverAUnixSocket(t *testing.T) {
	t.Parallel()
	h := open(t, func(h *house) { h.LMTP, h.Rate, h.MaxPerHost = true, 1, 1 })
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "lmtp"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.Serve(ctx, l) }()
	for range 3 { // no host, so nothing is counted for it
		conn, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		c := &client{t, conn, textproto.NewReader(bufio.NewReader(conn))}
		c.want("220 mx.shop.example LMTP")
		c.say("LHLO client.example", "250")
		c.say("MAIL FROM:<a@b.example>", "250")
		c.say("RCPT TO:<x@shop.example>", "250")
		c.say("DATA", "354")
		c.write("x\r\n.\r\n")
		c.want("250")
	}
	if got := h.mails(); len(got) != 3 || got[0].Host.IsValid() || got[0].With != "LMTP" {
		t.Errorf("taken: %+v", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
