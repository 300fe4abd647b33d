package crash

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy stands before a server and may misbehave as networks do: be slow, or pass a request on and cut the
// connection before its reply, so that the server has done what the client will never hear of.
type Proxy struct {
	to     string
	l      net.Listener
	delay  atomic.Int64
	cut    atomic.Pointer[Cut]
	Cuts   atomic.Int64 // connections that were cut
	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

// Cut says which replies are lost: those for which it returns true. It is called from many goroutines, with
// the end of each complete reply: the server has done by then what was asked.
type Cut func(reply []byte) bool

// StartProxy listens on loopback and passes everything on to a server. Close it.
func StartProxy(to string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a proxy: %w", err)
	}
	p := &Proxy{to: to, l: l, conns: map[net.Conn]bool{}}
	go p.accept()
	return p, nil
}

// Addr is where it listens.
func (p *Proxy) Addr() string { return p.l.Addr().String() }

// Delay makes each reply of the server later by d.
func (p *Proxy) Delay(d time.Duration) { p.delay.Store(int64(d)) }

// Cut sets which replies are lost; nil: none.
func (p *Proxy) Cut(c Cut) { p.cut.Store(&c) }

// Close ends the proxy and all its connections.
func (p *Proxy) Close() {
	_ = p.l.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *Proxy) accept() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		go p.serve(c)
	}
}

// keep notes a connection, so that Close finds it. False: the proxy is closed.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
	return !p.closed
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.DialTimeout("tcp", p.to, time.Second)
	if err != nil {
		return // as if the server had refused
	}
	defer server.Close()
	defer func() {
		p.mu.Lock()
		delete(p.conns, client)
		delete(p.conns, server)
		p.mu.Unlock()
	}()
	if !p.keep(client) || !p.keep(server) {
		return
	}
	go func() {
		defer server.Close()
		_ = pass(client, server, func([]byte) bool { return true })
	}()
	_ = pass(server, client, func(piece []byte) bool {
		if c := p.cut.Load(); c != nil && *c != nil && complete(piece) && (*c)(piece) {
			p.Cuts.Add(1)
			return false
		}
		if d := time.Duration(p.delay.Load()); d > 0 {
			time.Sleep(d)
		}
		return true
	})
}

var errStopped = errors.New("stopped")

// pass copies piece by piece, until the end of either side or until look returns false.
func pass(from io.Reader, to io.Writer, look func([]byte) bool) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if !look(buf[:n]) {
				return errStopped
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// complete tells whether PostgreSQL has said all that it has to say about a request: the piece ends with
// ReadyForQuery. https://www.postgresql.org/docs/15/protocol-message-formats.html
func complete(piece []byte) bool {
	n := len(piece)
	return n >= 6 && bytes.HasPrefix(piece[n-6:], []byte{'Z', 0, 0, 0, 5})
}

// Commits is the Cut of one commit in n, picked by the seed.
func Commits(seed uint64, n int) Cut {
	d := newDice(seed)
	return func(reply []byte) bool {
		return bytes.Contains(reply, []byte("C\x00\x00\x00\x0bCOMMIT\x00")) && d.one(n)
	}
}

// Replies is the Cut of one reply in n, whatever it is: a statement outside a transaction commits by
// itself, and its reply can be lost too.
func Replies(seed uint64, n int) Cut {
	d := newDice(seed)
	return func([]byte) bool { return d.one(n) }
}

type dice struct {
	mu   sync.Mutex
	rand *rand.Rand
}

func newDice(seed uint64) *dice { return &dice{rand: rand.New(rand.NewPCG(seed, 1))} }

func (d *dice) one(n int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rand.IntN(n) == 0
}
