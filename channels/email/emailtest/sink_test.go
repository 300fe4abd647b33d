package emailtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"testing"
	"time"
)

func start(t *testing.T, o Options) *Sink {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func addr(s *Sink) string { return net.JoinHostPort(s.Host(), strconv.Itoa(s.Port())) }

// send uses the standard library's client, so that the sink is judged by a stranger.
func send(s *Sink, to string) error {
	return smtp.SendMail(addr(s), nil, "a@shop.example", []string{to}, []byte("Subject: x\r\n\r\n.dot\r\n"))
}

func TestSink_CountsAndKeeps(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Keep: 2})
	for _, to := range []string{"a@x.example", "b@x.example", "b@x.example"} {
		if err := send(s, to); err != nil {
			t.Fatal(err)
		}
	}
	if s.Total() != 3 || s.Count("b@x.example") != 2 || s.Counts()["a@x.example"] != 1 {
		t.Errorf("total %d, counts %v", s.Total(), s.Counts())
	}
	m := s.Messages()
	if len(m) != 2 || m[1].To != "b@x.example" || m[1].From != "a@shop.example" || string(m[1].Data) != "Subject: x\r\n\r\n.dot\r\n" {
		t.Errorf("kept %d: %+v", len(m), m)
	}
}

func TestSink_PlaysItsScript(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule  Rule
		code  int // 0: the connection breaks
		total int
	}{
		"reply at MAIL":           {Rule{At: Mail, Times: 1, Reply: "451 4.3.0 later"}, 451, 1},
		"reply at RCPT":           {Rule{To: "*@x.example", At: Rcpt, Times: 1, Reply: "550 5.1.1 unknown"}, 550, 1},
		"reply at DATA":           {Rule{At: Data, Times: 1, Reply: "452 4.3.1 full"}, 452, 1},
		"reply at the dot":        {Rule{At: Dot, Times: 1, Reply: "554 5.7.1 spam"}, 554, 1},
		"reply without enhanced":  {Rule{At: Rcpt, Times: 1, Reply: "550 no"}, 550, 1},
		"goodbye":                 {Rule{At: Rcpt, Times: 1, Reply: "421 4.7.28 slow down"}, 421, 1},
		"cut at MAIL":             {Rule{At: Mail, Times: 1, Cut: true}, 0, 1},
		"cut at DATA":             {Rule{At: Data, Times: 1, Cut: true}, 0, 1},
		"cut after the dot":       {Rule{At: Dot, Times: 1, Cut: true}, 0, 2},
		"cut within the message":  {Rule{At: Body, Times: 1, Cut: true}, 0, 1},
		"somebody else's address": {Rule{To: "*@y.example", At: Rcpt, Reply: "550 no"}, -1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Options{})
			s.Script(tc.rule)
			err := send(s, "a@x.example")
			reply, replied := errors.AsType[*textproto.Error](err)
			switch {
			case tc.code == -1 && err != nil:
				t.Errorf("the rule is not about this address: %v", err)
			case tc.code > 0 && (!replied || reply.Code != tc.code):
				t.Errorf("got %v, want %d", err, tc.code)
			case tc.code == 0 && (err == nil || replied):
				t.Errorf("got %v, want a broken connection", err)
			}
			if err := send(s, "a@x.example"); err != nil {
				t.Errorf("the rule was for one message: %v", err)
			}
			if s.Total() != tc.total {
				t.Errorf("%d were taken, want %d", s.Total(), tc.total)
			}
		})
	}
}

func TestSink_CountsInTheMiddleOfItsLatency(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Latency: 400 * time.Millisecond})
	begin := time.Now()
	done := make(chan error, 1)
	go func() { done <- send(s, "a@x.example") }()
	for s.Total() == 0 && time.Since(begin) < 5*time.Second {
		time.Sleep(time.Millisecond)
	}
	counted := time.Since(begin)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	answered := time.Since(begin)
	if counted < 200*time.Millisecond || answered-counted < 150*time.Millisecond {
		t.Errorf("counted after %v, answered after %v", counted, answered)
	}
}

func TestSink_HangsUntilItIsClosed(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	s.Script(Rule{At: Dot, Hang: true})
	done := make(chan error, 1)
	go func() { done <- send(s, "a@x.example") }()
	select {
	case err := <-done:
		t.Fatalf("it answered: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	s.Close()
	if err := <-done; err == nil {
		t.Errorf("the message was answered with a yes")
	}
	s.Close()
}

func TestSink_HidesPipelining(t *testing.T) {
	t.Parallel()
	for _, hidden := range []bool{false, true} {
		s := start(t, Options{NoPipelining: hidden})
		c, err := smtp.Dial(addr(s))
		if err != nil {
			t.Fatal(err)
		}
		if ok, _ := c.Extension("PIPELINING"); ok == hidden {
			t.Errorf("hidden %t, offered %t", hidden, ok)
		}
		_ = c.Quit()
	}
	if _, err := Start(Options{NoPipelining: true, TLS: "starttls"}); err == nil {
		t.Errorf("what cannot be hidden was promised")
	}
}

func TestSink_CertificateIsOfItsAuthority(t *testing.T) {
	t.Parallel()
	s := start(t, Options{TLS: "implicit"})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	c, err := tls.Dial("tcp", addr(s), &tls.Config{RootCAs: roots, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 3)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "220" {
		t.Errorf("greeted with %q, %v", b, err)
	}
}

func TestSink_DropClosesWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	c, err := smtp.Dial(addr(s))
	if err != nil {
		t.Fatal(err)
	}
	s.Drop()
	if err := c.Noop(); err == nil {
		t.Errorf("the connection is still open")
	}
	if err := send(s, "a@x.example"); err != nil {
		t.Errorf("it does not listen any more: %v", err)
	}
	if accepted, _ := s.Connections(); accepted != 2 {
		t.Errorf("%d connections", accepted)
	}
}
