package main

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Sink stands where a provider would, and counts. It checks nothing: what arrives where, and how often, is
// internal/crash's question; this one must cost little, because it shares the machine with what is measured.
type Sink struct {
	taken atomic.Int64 // messages
	bytes atomic.Int64 // of those, as they came in
	odd   atomic.Int64 // requests that it could not read
	ids   atomic.Int64
	first atomic.Int64 // when the first one since Expect began to arrive, as UnixNano; 0: none has

	reply   func(line []byte) (status, body string, counts bool)
	gate    atomic.Pointer[chan struct{}] // nil: open
	latency time.Duration                 // before the answer to a message
	l       net.Listener
	closing chan struct{}
	mu      sync.Mutex
	conns   map[net.Conn]struct{}
}

func newSink() *Sink {
	return &Sink{closing: make(chan struct{}), conns: map[net.Conn]struct{}{}}
}

// SinkOptions make a sink slower or safer than the plain one.
type SinkOptions struct {
	Latency time.Duration // before the answer to a message
	TLS     *tls.Config   // nil: clear text
}

// openSink listens on a free port of this machine for the mail (email) or the requests of a channel.
func openSink(channel string, o SinkOptions) (*Sink, error) {
	s := newSink()
	s.latency = o.Latency
	serve := s.serveHTTP
	switch channel {
	case "email":
		serve = s.serveSMTP
	case "sms":
		s.reply = s.twilioReply
	case "telegram":
		s.reply = s.telegramReply
	default:
		s.reply = s.webhookReply
	}
	var err error
	if s.l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := s.l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[c] = struct{}{}
			s.mu.Unlock()
			go func() {
				talk := c
				if o.TLS != nil {
					talk = tls.Server(c, o.TLS)
				}
				serve(talk)
				talk.Close()
				s.mu.Lock()
				delete(s.conns, c)
				s.mu.Unlock()
			}()
		}
	}()
	return s, nil
}

// Addr is host:port, URL the same as http://.
func (s *Sink) Addr() string { return s.l.Addr().String() }
func (s *Sink) URL() string  { return "http://" + s.Addr() }
func (s *Sink) Port() int    { return s.l.Addr().(*net.TCPAddr).Port }

// Taken is how many messages have arrived so far.
func (s *Sink) Taken() int64 { return s.taken.Load() }

// Expect forgets when the first message arrived, and First says when the next one began to.
func (s *Sink) Expect() { s.first.Store(0) }

func (s *Sink) First() time.Time {
	if n := s.first.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

func (s *Sink) arrive() {
	if s.first.Load() == 0 {
		s.first.CompareAndSwap(0, time.Now().UnixNano())
	}
}

// Hold keeps every answer back until the gate that it returns is closed.
func (s *Sink) Hold() chan struct{} {
	gate := make(chan struct{})
	s.gate.Store(&gate)
	return gate
}

// Release lets everything through again.
func (s *Sink) Release(gate chan struct{}) {
	s.gate.Store(nil)
	close(gate)
}

func (s *Sink) wait() {
	if s.latency > 0 {
		time.Sleep(s.latency)
	}
	if gate := s.gate.Load(); gate != nil {
		<-*gate
	}
}

func (s *Sink) Close() {
	close(s.closing)
	s.l.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}
