package emailtest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// session is one connection's dialogue.
type session struct {
	sink     *Sink
	conn     *smtp.Conn
	loggedIn bool
	from, to string
	also     []string // further recipients
}

func (s *Sink) session(c *smtp.Conn) (smtp.Session, error) {
	return &session{sink: s, conn: c, loggedIn: s.o.Username == ""}, nil
}

func (s *session) AuthMechanisms() []string {
	if s.sink.o.Username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != s.sink.o.Username || password != s.sink.o.Password {
			return smtp.ErrAuthFailed
		}
		s.loggedIn = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.loggedIn {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	s.from = from
	return s.play(Mail)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if rule, ok := s.sink.rule(Rcpt, to); ok {
		return s.act(rule)
	}
	if s.to != "" {
		s.also = append(s.also, to)
	} else {
		s.to = to
	}
	if r, ok := s.sink.rule(Data, to); ok {
		if c, ok := s.conn.Conn().(*conn); ok {
			c.instead(r)
		}
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	// The envelope may have come ahead of a message that then is not sent, which uses up no rule for its middle.
	var head bytes.Buffer
	if _, err := io.CopyN(&head, r, 512); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if rule, ok := s.sink.rule(Body, s.to); ok {
		return s.act(rule)
	}
	data, err := io.ReadAll(io.MultiReader(&head, r))
	if err != nil {
		return err
	}
	rule, ruled := s.sink.rule(Dot, s.to)
	if ruled && rule.Reply != "" {
		return s.act(rule)
	}
	half := s.sink.o.Latency / 2
	if err := s.wait(half); err != nil {
		return err
	}
	_, secure := s.conn.TLSConnectionState()
	s.sink.took(Message{From: s.from, To: s.to, Also: s.also, Data: data, TLS: secure, At: time.Now()})
	if ruled {
		return s.act(rule)
	}
	return s.wait(half)
}

func (s *session) Reset() { s.from, s.to, s.also = "", "", nil }

func (s *session) Logout() error { return nil }

func (s *session) play(at Stage) error {
	if rule, ok := s.sink.rule(at, s.to); ok {
		return s.act(rule)
	}
	return nil
}

// errGone is what go-smtp would write on the connection that was just closed.
var errGone = errors.New("emailtest: the script has cut the connection")

func (s *session) act(r Rule) error {
	switch {
	case r.Hang:
		<-s.sink.done
		return errGone
	case r.Cut:
		c := s.conn.Conn()
		if t, ok := c.(interface{ NetConn() net.Conn }); ok { // below TLS
			c = t.NetConn()
		}
		if t, ok := c.(*conn); ok {
			t.reset()
		}
		return errGone
	}
	e := parse(r.Reply)
	if e.Code == 421 {
		go func() { // after go-smtp has written it
			time.Sleep(20 * time.Millisecond)
			_ = s.conn.Conn().Close()
		}()
	}
	return e
}

func (s *session) wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-s.sink.done:
		return errGone
	}
}
