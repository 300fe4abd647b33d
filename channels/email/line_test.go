package email

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rapport/channels"
	"rapport/channels/email/emailtest"
)

// dialogue is the server's side of one connection, played line by line.
type dialogue struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
}

func (d *dialogue) say(lines ...string) {
	_, _ = d.c.Write([]byte(strings.Join(lines, "\r\n") + "\r\n"))
}

func (d *dialogue) hear(prefix string) string {
	s, err := d.r.ReadString('\n')
	if err != nil || !strings.HasPrefix(s, prefix) {
		d.t.Errorf("heard %q (%v), want %q", s, err, prefix)
	}
	return s
}

// message reads up to the final dot.
func (d *dialogue) message() {
	for {
		if s, err := d.r.ReadString('\n'); err != nil || s == ".\r\n" {
			return
		}
	}
}

// greet goes through the beginning of every connection.
func (d *dialogue) greet(extensions ...string) {
	d.say("220 stub ESMTP")
	d.hear("EHLO ")
	lines := append([]string{"stub"}, extensions...)
	for i, l := range lines {
		if i == len(lines)-1 {
			lines[i] = "250 " + l
		} else {
			lines[i] = "250-" + l
		}
	}
	d.say(lines...)
}

// stub plays one function for each connection, in the order in which they come.
func stub(t *testing.T, plays ...func(d *dialogue)) channels.Settings {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, play := range plays {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				play(&dialogue{t: t, c: c, r: bufio.NewReader(c)})
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return channels.Settings{"host": "127.0.0.1", "port": l.Addr().(*net.TCPAddr).Port, "tls": "none", "from": "news@shop.example", "timeout": "2s"}
}

// verdict sends o and wants a verdict of one kind.
func verdict(t *testing.T, c *conn, o *channels.Outgoing, kind channels.Kind, reason string) *channels.Verdict {
	t.Helper()
	id, err := c.Send(t.Context(), o)
	v := channels.VerdictOf(err)
	if v == nil {
		t.Fatalf("the message was sent as %q, want %s (%s)", id, kind, reason)
	}
	if v.Kind != kind || v.Reason != reason {
		t.Errorf("verdict %v, want %s (%s)", v, kind, reason)
	}
	return v
}

func sent(t *testing.T, c *conn, o *channels.Outgoing) {
	t.Helper()
	if _, err := c.Send(t.Context(), o); err != nil {
		t.Fatalf("sending: %v", err)
	}
}

func TestSend_GoAheadAfterARefusedRecipientIsAnsweredWithALoneDot(t *testing.T) {
	t.Parallel()
	c := openConn(t, stub(t, func(d *dialogue) {
		d.greet("PIPELINING")
		d.hear("MAIL FROM:<news@shop.example>\r\n")
		d.hear("RCPT TO:<anna@customers.example>\r\n")
		d.hear("DATA\r\n")
		d.say("250 ok", "550 5.1.1 no such user", "354 go ahead")
		d.hear(".\r\n")
		d.say("554 5.5.1 no valid recipients")
		d.hear("RSET\r\n") // and the connection serves the next message
		d.hear("MAIL")
		d.hear("RCPT")
		d.hear("DATA")
		d.say("250 reset", "250 ok", "250 ok", "354 go ahead")
		d.message()
		d.say("250 2.0.0 queued")
		d.hear("QUIT")
		d.say("221 bye")
	}))
	verdict(t, c, outgoing(), channels.AddressDead, "hard_bounce")
	sent(t, c, outgoing())
}

func TestSend_PlainDialogueWithoutPipelining(t *testing.T) {
	t.Parallel()
	c := openConn(t, stub(t, func(d *dialogue) {
		d.greet("SIZE")
		for _, to := range []string{"250 ok", "550 5.1.1 no such user", "250 ok"} {
			d.hear("MAIL FROM:<news@shop.example> SIZE=")
			if n := d.r.Buffered(); n > 0 {
				d.t.Errorf("%d bytes came before the answer to MAIL", n)
			}
			d.say("250 ok")
			d.hear("RCPT")
			d.say(to)
			if to != "250 ok" {
				d.hear("RSET")
				d.say("250 reset")
				continue
			}
			d.hear("DATA")
			d.say("354 go ahead")
			d.message()
			d.say("250 queued")
		}
		d.hear("QUIT")
	}))
	sent(t, c, outgoing())
	verdict(t, c, outgoing(), channels.AddressDead, "hard_bounce")
	sent(t, c, outgoing())
}

func TestSend_OneRefusedRecipientFailsNoOther(t *testing.T) {
	t.Parallel()
	for _, o := range []emailtest.Options{{}, {NoPipelining: true}} {
		sink := start(t, o)
		sink.Script(emailtest.Rule{To: "b@customers.example", At: emailtest.Rcpt, Reply: "550 5.1.1 User unknown"})
		c := openConn(t, settings(sink))
		for _, to := range []string{"a@customers.example", "b@customers.example", "c@customers.example"} {
			o := outgoing()
			if o.To = to; to[0] == 'b' {
				verdict(t, c, o, channels.AddressDead, "hard_bounce")
			} else {
				sent(t, c, o)
			}
		}
		if got := fmt.Sprint(sink.Counts()); got != "map[a@customers.example:1 c@customers.example:1]" {
			t.Errorf("taken: %s", got)
		}
		if accepted, _ := sink.Connections(); accepted != 1 {
			t.Errorf("%d connections, want the one that is kept open", accepted)
		}
	}
}

func TestSend_ServerThatClosedIdleConnectionsIsDialledAgain(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{})
	c := openConn(t, settings(sink))
	for range 3 {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { sent(t, c, outgoing()) })
		}
		wg.Wait()
		sink.Drop()
	}
	if got := sink.Total(); got != 12 {
		t.Errorf("%d messages were taken, want 12", got)
	}
}

func TestSend_GoodbyeOnAKeptConnectionIsNoVerdict(t *testing.T) {
	t.Parallel()
	good := func(d *dialogue) {
		d.greet("PIPELINING")
		d.hear("MAIL")
		d.hear("RCPT")
		d.hear("DATA")
		d.say("250 ok", "250 ok", "354 go")
		d.message()
		d.say("250 queued")
	}
	c := openConn(t, stub(t, func(d *dialogue) {
		good(d)
		d.hear("MAIL")
		d.say("421 4.4.2 idle for too long, closing")
	}, good))
	sent(t, c, outgoing())
	sent(t, c, outgoing())
}

func TestSend_421ClosesTheConnection(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{})
	sink.Script(emailtest.Rule{At: emailtest.Rcpt, Times: 1, Reply: "421 4.7.28 Unusual rate"})
	c := openConn(t, settings(sink))
	if v := verdict(t, c, outgoing(), channels.Throttled, "domain_rate"); v.Scope != channels.ScopeDomain || v.Code != "421 4.7.28" {
		t.Errorf("verdict %+v", v)
	}
	sent(t, c, outgoing())
	if accepted, _ := sink.Connections(); accepted != 2 {
		t.Errorf("%d connections, want a second one after 421", accepted)
	}
}

func TestSend_RefusalAtEachStage(t *testing.T) {
	t.Parallel()
	for at, name := range map[emailtest.Stage]string{emailtest.Mail: "MAIL", emailtest.Rcpt: "RCPT", emailtest.Data: "DATA", emailtest.Dot: "dot"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, o := range []emailtest.Options{{}, {NoPipelining: true}} {
				sink := start(t, o)
				sink.Script(emailtest.Rule{At: at, Times: 1, Reply: "451 4.3.0 Not now"})
				c := openConn(t, settings(sink))
				if v := verdict(t, c, outgoing(), channels.Temporary, "deferred"); v.Code != "451 4.3.0" || v.Detail != "Not now" {
					t.Errorf("verdict %+v", v)
				}
				sent(t, c, outgoing())
				if sink.Total() != 1 {
					t.Errorf("%d messages were taken, want one", sink.Total())
				}
			}
		})
	}
}

func TestSend_CutAtEachStage(t *testing.T) {
	t.Parallel()
	big := outgoing()
	big.Attachments = []channels.Attachment{file("big", "", "", strings.Repeat("0123456789", 2<<20))}
	for name, tc := range map[string]struct {
		at     emailtest.Stage
		o      *channels.Outgoing
		kind   channels.Kind
		reason string
	}{
		"at MAIL": {emailtest.Mail, outgoing(), channels.Temporary, "connection_lost"},
		"at RCPT": {emailtest.Rcpt, outgoing(), channels.Temporary, "connection_lost"},
		"at DATA": {emailtest.Data, outgoing(), channels.Temporary, "connection_lost"},
		// 20 MB do not fit into the kernel's buffers, so the dot was never handed over.
		"in the message, before the dot": {emailtest.Body, big, channels.Temporary, "connection_lost"},
		"after the dot":                  {emailtest.Dot, outgoing(), channels.Ambiguous, "no_answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, o := range []emailtest.Options{{}, {NoPipelining: true}, {TLS: "starttls"}} {
				if o.TLS != "" && tc.at == emailtest.Data {
					continue // the sink cannot reach into TLS there
				}
				sink := start(t, o)
				c := openConn(t, secured(t, sink, o.TLS))
				sent(t, c, outgoing()) // so that it is a kept connection that breaks, too
				sink.Script(emailtest.Rule{At: tc.at, Cut: true})
				verdict(t, c, tc.o, tc.kind, tc.reason)
				sink.Script()
				sent(t, c, outgoing())
			}
		})
	}
}

// secured are settings for a sink with or without TLS.
func secured(t testing.TB, sink *emailtest.Sink, mode string) channels.Settings {
	t.Helper()
	s := settings(sink)
	if mode == "" {
		return s
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, sink.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	s["tls"], s["tls_ca_file"] = mode, ca
	return s
}

func TestSend_TimeoutsAreByStage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		at   emailtest.Stage
		kind channels.Kind
	}{
		"the server says nothing to RCPT":    {emailtest.Rcpt, channels.Temporary},
		"the server says nothing to the dot": {emailtest.Dot, channels.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := start(t, emailtest.Options{})
			s := settings(sink)
			s["timeout"], s["dot_timeout"] = "300ms", "600ms"
			c := openConn(t, s)
			sent(t, c, outgoing())
			sink.Script(emailtest.Rule{At: tc.at, Hang: true, Times: 1})
			begin := time.Now()
			_, err := c.Send(t.Context(), outgoing())
			if v := channels.VerdictOf(err); v == nil || v.Kind != tc.kind {
				t.Errorf("verdict %v, want %s", v, tc.kind)
			}
			if took := time.Since(begin); took > 15*time.Second {
				t.Errorf("it took %v", took)
			}
			sent(t, c, outgoing())
		})
	}
}

func TestSend_ServerOfOneByteASecondFreesTheSlot(t *testing.T) {
	t.Parallel()
	s := stub(t, func(d *dialogue) {
		d.greet("PIPELINING")
		for _, b := range []byte("250 very slow\r\n") {
			if _, err := d.c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	})
	s["timeout"] = "500ms"
	verdict(t, openConn(t, s), outgoing(), channels.Temporary, "connection_lost")
}

func TestSend_SlowReplyToTheDotIsWaitedFor(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{Latency: 600 * time.Millisecond})
	s := settings(sink)
	s["timeout"] = "200ms"
	sent(t, openConn(t, s), outgoing())
}

func TestSend_TLSIsVerifiedAndNeverFallsBack(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"starttls", "implicit"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			sink := start(t, emailtest.Options{TLS: mode, Username: "rapport", Password: password})
			s := secured(t, sink, mode)
			s["username"], s["password"] = "rapport", password
			sent(t, openConn(t, s), outgoing())
			if m := sink.Messages(); len(m) != 1 || !m[0].TLS {
				t.Errorf("the message did not come over TLS")
			}
			s["password"] = "wrong-password"
			if v := verdict(t, openConn(t, s), outgoing(), channels.Misconfigured, "login"); strings.Contains(v.Error(), "wrong") {
				t.Errorf("the verdict shows the password: %v", v)
			}
			s["tls_server_name"] = "mail.other.example"
			verdict(t, openConn(t, s), outgoing(), channels.Misconfigured, "tls_certificate")
			delete(s, "tls_server_name")
			delete(s, "tls_ca_file")
			verdict(t, openConn(t, s), outgoing(), channels.Misconfigured, "tls_certificate")

			clear := start(t, emailtest.Options{})
			s["port"] = clear.Port()
			verdict(t, openConn(t, s), outgoing(), channels.Misconfigured, "tls")
			if sink.Total() != 1 || clear.Total() != 0 {
				t.Errorf("%d messages over TLS and %d in clear text, want 1 and 0", sink.Total(), clear.Total())
			}
		})
	}
}

func TestSend_RefusedConnections(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		play   func(d *dialogue)
		kind   channels.Kind
		reason string
	}{
		"not now":            {func(d *dialogue) { d.say("421 4.3.2 Service not available") }, channels.Temporary, "unavailable"},
		"too many":           {func(d *dialogue) { d.say("421 4.7.0 Too many connections") }, channels.Throttled, "connections"},
		"not you":            {func(d *dialogue) { d.say("554 5.7.1 Go away") }, channels.Misconfigured, "refused_by_server"},
		"not SMTP":           {func(d *dialogue) { d.say("HTTP/1.1 400 Bad Request") }, channels.Temporary, "unreachable"},
		"closed at once":     {func(*dialogue) {}, channels.Temporary, "unreachable"},
		"garbage after EHLO": {func(d *dialogue) { d.greet("PIPELINING"); d.say("what?") }, channels.Temporary, "connection_lost"},
		"a yes out of turn":  {func(d *dialogue) { d.greet("PIPELINING"); d.say("354 go", "354 go", "354 go") }, channels.Temporary, "protocol"},
		"STARTTLS stripped":  {func(d *dialogue) { d.greet("PIPELINING") }, channels.Misconfigured, "tls"},
		"STARTTLS not now":   {func(d *dialogue) { d.greet("STARTTLS"); d.hear("STARTTLS"); d.say("454 4.7.0 TLS not available") }, channels.Temporary, "unavailable"},
		"an old server": {func(d *dialogue) {
			d.say("220 old")
			d.hear("EHLO")
			d.say("502 what?")
			d.hear("HELO")
			d.say("250 hi")
		}, channels.Misconfigured, "tls"},
		"closed in handshake": {func(d *dialogue) { d.greet("STARTTLS"); d.hear("STARTTLS"); d.say("220 go") }, channels.Temporary, "unreachable"},
		"no TLS after all": {func(d *dialogue) {
			d.greet("STARTTLS")
			d.hear("STARTTLS")
			d.say("220 go")
			_, _ = d.r.ReadByte()
			d.say("hello in clear text")
		}, channels.Misconfigured, "tls"},
		"injected before TLS": {func(d *dialogue) {
			d.greet("STARTTLS")
			d.hear("STARTTLS")
			d.say("220 go\r\n250-evil\r\n250 PIPELINING")
		}, channels.Temporary, "unreachable"},
		"says nothing for 10s": {func(d *dialogue) { _, _ = d.r.ReadByte() }, channels.Temporary, "unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stub(t, tc.play)
			s["timeout"] = "500ms"
			if strings.Contains(name, "TLS") || name == "an old server" || name == "closed in handshake" {
				s["tls"] = "starttls"
			}
			verdict(t, openConn(t, s), outgoing(), tc.kind, tc.reason)
		})
	}
}

func TestSend_WindowThatClosesWhileWaiting(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{})
	c := openConn(t, settings(sink))
	o := outgoing()
	o.ValidUntil = noon
	verdict(t, c, o, channels.Temporary, "window_closed")
	o.ValidUntil = noon.Add(time.Second)
	sent(t, c, o)
	if sink.Total() != 1 {
		t.Errorf("%d messages were taken", sink.Total())
	}
}

func TestSend_WaitingForAConnectionEndsWithTheContext(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{})
	sink.Script(emailtest.Rule{At: emailtest.Dot, Hang: true})
	s := settings(sink)
	s["connections"] = 1
	c := openConn(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var kinds [2]channels.Kind
	var wg sync.WaitGroup
	for i := range kinds {
		wg.Go(func() {
			_, err := c.Send(ctx, outgoing())
			if v := channels.VerdictOf(err); v != nil {
				kinds[i] = v.Kind
			}
		})
	}
	wg.Wait()
	if got := fmt.Sprint(kinds); got != "[ambiguous temporary]" && got != "[temporary ambiguous]" {
		t.Errorf("kinds are %s: one was on the wire, one never was", got)
	}
	sink.Script()
	sent(t, c, outgoing())
}

// A context that ends just after the reply must not poison the connection for whoever comes next.
func TestSend_LateCancellationHitsNobodyElse(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{})
	s := settings(sink)
	s["connections"] = 2
	c := openConn(t, s)
	var wg sync.WaitGroup
	var odd atomic.Int64
	for range 4 {
		wg.Go(func() {
			for i := range 100 {
				ctx, cancel := context.WithCancel(t.Context())
				go func() { time.Sleep(time.Duration(i) * 3 * time.Microsecond); cancel() }()
				_, _ = c.Send(ctx, outgoing())
				if _, err := c.Send(t.Context(), outgoing()); err != nil {
					odd.Add(1)
					t.Logf("after a cancelled send: %v", err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if odd.Load() > 0 {
		t.Errorf("%d sends failed by somebody else's cancellation", odd.Load())
	}
}

func TestPool_ClosesIdleConnectionsAndLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	sink, err := emailtest.Start(emailtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { sink.Close(); time.Sleep(50 * time.Millisecond) }()
	s := settings(sink)
	s["idle_timeout"] = "100ms"
	opened, err := Driver.Open(s, env())
	if err != nil {
		t.Fatal(err)
	}
	c := opened.(*conn)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { sent(t, c, outgoing()) })
	}
	wg.Wait()
	deadline := time.Now().Add(5 * time.Second)
	for {
		if _, open := sink.Connections(); open == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("idle connections stay open")
		}
		time.Sleep(20 * time.Millisecond)
	}
	sent(t, c, outgoing())
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	verdict(t, c, outgoing(), channels.Temporary, "cancelled")
}

func TestClose_WaitsForRunningSends(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{Latency: 400 * time.Millisecond})
	c := openConn(t, settings(sink))
	done := make(chan error, 1)
	go func() {
		_, err := c.Send(t.Context(), outgoing())
		done <- err
	}()
	for {
		if accepted, _ := sink.Connections(); accepted == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	_ = c.Close()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("the running send was broken: %v", err)
		}
	case <-time.After(time.Second):
		t.Errorf("Close came back before the running send")
	}
}

func TestSend_LargeMessageOverTLS(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{TLS: "starttls"})
	o := outgoing()
	o.Attachments = []channels.Attachment{file("big", "", "", strings.Repeat("0123456789", 300_000))}
	sent(t, openConn(t, secured(t, sink, "starttls")), o)
	m := sink.Messages()
	if len(m) != 1 || len(m[0].Data) < 4_000_000 {
		t.Fatalf("%d messages", len(m))
	}
	wellFormed(t, m[0].Data)
}
