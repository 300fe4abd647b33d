package smtpd

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

const (
	maxLine   = 4096 // of a command; RFC 5321 §4.5.3.1.4 asks for 512, RFC 6531 §3.4 for more
	maxErrors = 20   // commands that make no sense
	maxRefuse = 100  // recipients that are not ours, of one connection
)

// session is one connection.
type session struct {
	*house
	raw  net.Conn
	conn net.Conn // raw, or TLS over it
	r    *bufio.Reader
	w    *bufio.Writer
	host netip.Addr // that limits count

	helo     string
	extended bool // EHLO or LHLO
	secured  bool
	errs     int
	refused  int
	over     bool // the answer that was just written is the last
	mail     transaction
	held     bool // it has one of the places of large messages

	mu      sync.Mutex
	busy    bool      // a message is under way: it may end although the server does
	closing bool      // the server ends
	until   time.Time // of the message that is under way
}

// transaction is one message from MAIL to its final answer.
type transaction struct {
	open bool
	from string
	utf8 bool
	to   []string
}

func newSession(h *house, c net.Conn) *session {
	s := &session{house: h, raw: c, host: hostOf(c.RemoteAddr())}
	s.use(c)
	return s
}

func (s *session) use(c net.Conn) {
	s.conn = c
	s.r, s.w = bufio.NewReaderSize(reader{s}, 16<<10), bufio.NewWriter(c)
}

// reader gives each read its time.
type reader struct{ s *session }

func (r reader) Read(p []byte) (int, error) {
	if err := r.s.arm(); err != nil {
		return 0, err
	}
	return r.s.conn.Read(p)
}

var errClosing = errors.New("the server ends")

func (s *session) arm() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing && !s.busy {
		return errClosing
	}
	wait := s.Patience
	if wait == 0 {
		wait = patience
	}
	end := time.Now().Add(wait)
	if s.busy && s.until.Before(end) {
		end = s.until
	}
	return s.conn.SetReadDeadline(end)
}

// leave ends the session, unless a message is under way: then after it.
func (s *session) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing = true; !s.busy {
		_ = s.raw.SetReadDeadline(time.Unix(1, 0))
	}
}

func (s *session) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy, s.until = true, time.Now().Add(dataTime)
}

func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
}

func (s *session) serve() {
	defer func() {
		if r := recover(); r != nil {
			s.Log.Error("a mail session panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
		_ = s.raw.Close()
	}()
	kind := "ESMTP"
	if s.LMTP {
		kind = "LMTP"
	}
	s.say("220 " + s.Name + " " + kind)
	for !s.over {
		if s.r.Buffered() == 0 && s.flush() != nil { // the answers to a pipeline go in one piece (RFC 2920 §3.2)
			return
		}
		line, err := s.command()
		switch {
		case errors.Is(err, errLine):
			s.bad("500 5.5.2 Commands are lines of at most 4096 bytes that end with CR LF")
		case errors.Is(err, errClosing) || errors.Is(err, os.ErrDeadlineExceeded) && s.isClosing():
			s.last("421 4.3.2 " + s.Name + " is closing")
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.last("421 4.4.2 You took too long")
		case err != nil:
			return
		default:
			s.handle(line)
		}
	}
	_ = s.flush()
}

func (s *session) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

var errLine = errors.New("not a command line")

// command reads one line, without its CR LF. After errLine the line has been read to its end.
func (s *session) command() (string, error) {
	line, err := s.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for n := len(line); errors.Is(err, bufio.ErrBufferFull); n += len(line) {
			if n > 1<<20 {
				return "", io.ErrUnexpectedEOF
			}
			line, err = s.r.ReadSlice('\n')
		}
		if err == nil {
			err = errLine
		}
	}
	if err != nil {
		return "", err
	}
	text, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || len(text) > maxLine || bytes.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", errLine
	}
	return string(text), nil
}

func (s *session) handle(line string) {
	verb, arg, _ := strings.Cut(line, " ")
	arg = strings.TrimSpace(arg)
	switch strings.ToUpper(verb) {
	case "HELO", "EHLO", "LHLO":
		s.greet(strings.ToUpper(verb), arg)
	case "MAIL":
		s.from(arg)
	case "RCPT":
		s.rcpt(arg)
	case "DATA":
		s.data(arg)
	case "RSET":
		s.mail = transaction{}
		s.say("250 2.0.0 Done")
	case "NOOP":
		s.say("250 2.0.0 Done")
	case "VRFY":
		s.say("252 2.5.0 Send some mail, and we shall see") // RFC 5321 §3.5.3: who exists is not told
	case "HELP":
		s.say("214 2.0.0 RFC 5321")
	case "QUIT":
		s.last("221 2.0.0 Bye")
	case "STARTTLS":
		s.startTLS(arg)
	case "AUTH":
		s.bad("502 5.5.1 There is no login here")
	case "EXPN", "SEND", "SOML", "SAML", "TURN":
		s.bad("502 5.5.1 Not implemented")
	case "BDAT", "GET", "POST", "PUT", "CONNECT", "OPTIONS":
		// What follows is no command: a chunk that was never offered (RFC 3030), or a browser that was sent here.
		s.last("421 4.7.0 This is not spoken here")
	default:
		s.bad("500 5.5.2 Unknown command")
	}
}

func (s *session) greet(verb, arg string) {
	if s.LMTP != (verb == "LHLO") {
		s.bad("500 5.5.1 " + map[bool]string{true: "This is LMTP: say LHLO", false: "This is SMTP: say EHLO"}[s.LMTP])
		return
	}
	if arg == "" || len(arg) > 255 || strings.ContainsAny(arg, " ()<>\\\"") {
		s.bad("501 5.5.4 Say your host name")
		return
	}
	s.mail, s.helo, s.extended = transaction{}, arg, verb != "HELO"
	if !s.extended {
		s.say("250 " + s.Name)
		return
	}
	offers := []string{s.Name, "PIPELINING", fmt.Sprint("SIZE ", s.MaxSize), "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"}
	if s.TLS != nil && !s.secured {
		offers = append(offers, "STARTTLS")
	}
	for _, o := range offers[:len(offers)-1] {
		s.say("250-" + o)
	}
	s.say("250 " + offers[len(offers)-1])
}

// startTLS forgets all that came in clear text (RFC 3207 §4.2). Commands that were sent behind it without waiting are an
// attack or a grave mistake.
func (s *session) startTLS(arg string) {
	switch {
	case s.TLS == nil || s.secured:
		s.bad("502 5.5.1 Not offered")
		return
	case arg != "":
		s.bad("501 5.5.4 No parameters")
		return
	case s.r.Buffered() > 0:
		s.last("421 4.7.0 Wait for the answer to STARTTLS")
		return
	}
	s.say("220 2.0.0 Go ahead")
	if s.flush() != nil || s.arm() != nil {
		s.over = true
		return
	}
	c := tls.Server(s.raw, s.TLS)
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		s.over = true // neither side knows what the other reads
		return
	}
	s.mail, s.helo, s.secured = transaction{}, "", true
	s.use(c)
}

func (s *session) from(arg string) {
	switch {
	case s.helo == "":
		s.bad("503 5.5.1 Introduce yourself first")
		return
	case s.mail.open:
		s.bad("503 5.5.1 One message at a time")
		return
	case s.RequireTLS && !s.secured:
		s.bad("530 5.7.0 Say STARTTLS first")
		return
	}
	p, err := readPath(arg, "FROM:", true)
	if err != nil {
		s.bad("501 5.1.7 " + err.Error())
		return
	}
	utf8 := false
	for name, value := range p.params {
		switch {
		case name == "SIZE":
			if size, ok := number(value); !ok {
				s.bad("501 5.5.4 SIZE takes a number")
				return
			} else if size > s.MaxSize {
				s.say(fmt.Sprintf("552 5.3.4 At most %d bytes", s.MaxSize))
				return
			}
		case name == "BODY" && (strings.EqualFold(value, "7BIT") || strings.EqualFold(value, "8BITMIME")):
		case name == "SMTPUTF8" && value == "":
			utf8 = true
		default:
			s.bad("555 5.5.4 Unknown parameter")
			return
		}
	}
	if !p.ascii() && !utf8 {
		s.bad("553 5.6.7 Addresses beyond ASCII need SMTPUTF8")
		return
	}
	if s.slowDown(s.host) {
		s.say("450 4.7.1 Too many messages from your address, try again in a minute")
		return
	}
	s.mail = transaction{open: true, from: p.address, utf8: utf8}
	s.say("250 2.1.0 Sender is fine")
}

func (s *session) rcpt(arg string) {
	if !s.mail.open {
		s.bad("503 5.5.1 Say MAIL first")
		return
	}
	p, err := readPath(arg, "TO:", false)
	switch {
	case err != nil:
		s.bad("501 5.1.3 " + err.Error())
	case len(p.params) > 0:
		s.bad("555 5.5.4 Unknown parameter")
	case !p.ascii() && !s.mail.utf8:
		s.bad("553 5.6.7 Addresses beyond ASCII need SMTPUTF8")
	case !s.Accepts(p.address):
		if s.refused++; s.refused > maxRefuse {
			s.last("421 4.7.0 Too many recipients that are not ours")
			return
		}
		s.say("550 5.7.1 Not a mailbox of ours, and nothing is relayed")
	case len(s.mail.to) >= s.MaxRecipients:
		s.say("452 4.5.3 Too many recipients of one message; send the rest in another")
	default:
		s.mail.to = append(s.mail.to, p.address)
		s.say("250 2.1.5 Recipient is fine")
	}
}

// data takes the message in. Its final answer, or in LMTP one for each recipient (RFC 2033 §4.2), waits for Deliver.
func (s *session) data(arg string) {
	switch {
	case arg != "":
		s.bad("501 5.5.4 No parameters")
		return
	case !s.mail.open:
		s.bad("503 5.5.1 Say MAIL first")
		return
	case len(s.mail.to) == 0:
		s.say("554 5.5.1 No valid recipients") // behind a pipeline of refused ones this is no mistake
		return
	}
	s.begin()
	defer s.end()
	defer s.drop()
	s.say("354 End with <CR><LF>.<CR><LF>")
	if s.flush() != nil {
		s.over = true
		return
	}
	m := s.mail
	s.mail = transaction{}
	raw, err := s.body()
	answer := ""
	switch {
	case errors.Is(err, errTooLarge):
		answer = fmt.Sprintf("552 5.3.4 At most %d bytes", s.MaxSize)
	case errors.Is(err, errBusy):
		answer = "452 4.3.1 Too many large messages at once, try again later"
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.last("421 4.4.2 You took too long; nothing was taken")
		return
	case err != nil:
		s.over = true // it is gone, with half a message: nothing was taken
		return
	default:
		answer = s.deliver(m, raw)
	}
	n := 1
	if s.LMTP {
		n = len(m.to)
	}
	for range n {
		s.say(answer)
	}
}

func (s *session) deliver(m transaction, raw []byte) string {
	e := Envelope{From: m.from, To: m.to, Helo: s.helo, With: s.with(m.utf8)}
	if t, ok := s.raw.RemoteAddr().(*net.TCPAddr); ok {
		e.Host = t.AddrPort().Addr().Unmap()
	}
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	err := s.Deliver(ctx, e, raw)
	if err == nil {
		return "250 2.0.0 Taken"
	}
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Answer
	}
	s.Log.Warn("a mail could not be stored; its sender keeps it", "error", err)
	return "451 4.3.0 It could not be stored, try again later"
}

// with is the protocol's name by https://www.iana.org/assignments/mail-parameters (RFC 3848, RFC 6531 §3.7.1).
func (s *session) with(utf8 bool) string {
	name := "SMTP"
	switch {
	case s.LMTP:
		name = "LMTP"
	case s.extended && !utf8:
		name = "ESMTP"
	}
	if utf8 {
		name = "UTF8" + name
	}
	if s.secured {
		name += "S"
	}
	return name
}

func (s *session) say(line string) {
	_ = s.raw.SetWriteDeadline(time.Now().Add(time.Minute))
	_, _ = s.w.WriteString(line + "\r\n")
}

func (s *session) last(line string) { s.say(line); s.over = true }

// bad answers a command that makes no sense; too many of them end the session.
func (s *session) bad(line string) {
	if s.errs++; s.errs > maxErrors {
		s.last("421 4.7.0 Too many errors")
		return
	}
	s.say(line)
}

func (s *session) flush() error { return s.w.Flush() }
