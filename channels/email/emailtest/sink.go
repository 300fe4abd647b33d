// Package emailtest is a mail server for tests: it listens on loopback, takes every message, counts them by
// recipient, and refuses, delays, hangs or cuts the connection where a script says so.
package emailtest

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Options of a Sink. The zero value takes everything at once, in clear text.
type Options struct {
	Keep     int           // raw messages kept, the newest; 0: 1000, negative: none
	Latency  time.Duration // between the final dot and the reply; the message counts in the middle of it
	MaxBytes int64         // announced as SIZE; 0: no limit
	TLS      string        // "", "starttls" or "implicit", with a certificate of CA for 127.0.0.1 and localhost
	Username string        // asked for when not empty
	Password string
	// NoPipelining hides the extension. Only in clear text, and so are rules At Data.
	NoPipelining bool
	// NoUTF8 hides SMTPUTF8.
	NoUTF8 bool
}

// Message is one that was taken in full.
type Message struct {
	From, To string   // envelope
	Also     []string // further recipients
	Data     []byte   // as sent, without dot-stuffing
	TLS      bool
	At       time.Time
}

// Sink is a running server. All methods are safe for concurrent use.
type Sink struct {
	o      Options
	server *smtp.Server
	listen *listener
	ca     []byte
	done   chan struct{}

	mu       sync.Mutex
	rules    []Rule
	counts   map[string]int
	total    int
	messages []Message
}

// Start starts a Sink on a free port. Close it.
func Start(o Options) (*Sink, error) {
	if o.Keep == 0 {
		o.Keep = 1000
	}
	if o.NoPipelining && o.TLS != "" {
		return nil, errors.New("emailtest: PIPELINING can be hidden in clear text only")
	}
	s := &Sink{o: o, counts: map[string]int{}, done: make(chan struct{})}
	s.server = smtp.NewServer(smtp.BackendFunc(s.session))
	s.server.Domain = "sink.test"
	s.server.AllowInsecureAuth = true
	s.server.MaxMessageBytes = o.MaxBytes
	s.server.EnableSMTPUTF8 = !o.NoUTF8
	s.server.ErrorLog = log.New(io.Discard, "", 0)

	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.listen = &listener{Listener: tcp, noPipelining: o.NoPipelining, conns: map[net.Conn]struct{}{}}
	var l net.Listener = s.listen
	if o.TLS != "" {
		var certificate tls.Certificate
		if s.ca, certificate, err = Certificate(); err != nil {
			_ = tcp.Close()
			return nil, err
		}
		s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
		if o.TLS == "implicit" {
			l = tls.NewListener(l, s.server.TLSConfig)
		}
	}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

// Host and Port are where the Sink listens.
func (s *Sink) Host() string { return "127.0.0.1" }
func (s *Sink) Port() int    { return s.listen.Addr().(*net.TCPAddr).Port }

// CA is the authority of the Sink's certificate, in PEM form.
func (s *Sink) CA() []byte { return s.ca }

// Script replaces the rules; it holds for commands that come from now on.
func (s *Sink) Script(rules ...Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = slices.Clone(rules)
}

// Count is how many messages were taken for one recipient, Counts for each, Total for all.
func (s *Sink) Count(to string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[to]
}

func (s *Sink) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

func (s *Sink) Total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// Messages are the newest that were kept, oldest first.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages[max(0, len(s.messages)-max(0, s.o.Keep)):])
}

// Connections is how many were accepted, and how many are open.
func (s *Sink) Connections() (accepted, open int) { return s.listen.count() }

// Drop closes all connections and keeps listening, as a server does that has waited long enough.
func (s *Sink) Drop() { s.listen.drop() }

// Close stops listening and closes all connections. A second call does nothing.
func (s *Sink) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
	default:
		close(s.done)
		_ = s.listen.Close() // go-smtp's Close does not know it before Serve has begun
		_ = s.server.Close()
		s.listen.drop()
	}
}

func (s *Sink) took(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[m.To]++
	for _, to := range m.Also {
		s.counts[to]++
	}
	s.total++
	if s.o.Keep < 0 {
		return
	}
	if len(s.messages) >= 2*s.o.Keep {
		s.messages = slices.Clone(s.messages[len(s.messages)-s.o.Keep+1:])
	}
	s.messages = append(s.messages, m)
}
