package httpx

import (
	"bufio"
	"container/list"
	"context"
	"net"
	"sync"
	"time"
)

// pool keeps connections open between requests: at most perHost to one host, maxIdle idle ones in all, none
// idle for longer than idleTimeout. The zero value with perHost set is ready.
type pool struct {
	perHost int

	mu    sync.Mutex
	hosts map[host]*hosted
	idle  list.List // of *kept, the one idle for longest last
	timer *time.Timer
}

// host is a place to connect to.
type host struct{ scheme, authority string }

// hosted is what is known of a host. It is forgotten when nobody uses it and nothing is kept.
type hosted struct {
	places chan struct{} // one taken by each exchange
	users  int           // exchanges that run, or wait for a place
	idle   []*kept       // the newest last
}

// kept is a connection. One exchange uses it at a time.
type kept struct {
	pool   *pool
	key    host
	raw    net.Conn // below TLS
	conn   net.Conn
	in     *bufio.Reader
	header limitedHeader
	out    []byte
	stop   func() bool // ends the watch over the exchange's context; nil: it needs none
	used   bool        // an exchange was made before
	probe  probe
	until  time.Time // the deadline for reading and writing, as it was last set
	since  time.Time // idle
	at     *list.Element
}

// enter waits for a place at a host. Then leave must be called, or a connection's settle or drop.
func (p *pool) enter(ctx context.Context, key host) error {
	p.mu.Lock()
	h := p.hosts[key]
	if h == nil {
		if p.hosts == nil {
			p.hosts = map[host]*hosted{}
		}
		h = &hosted{places: make(chan struct{}, p.perHost)}
		p.hosts[key] = h
	}
	h.users++
	p.mu.Unlock()
	select {
	case h.places <- struct{}{}:
		return nil
	default:
	}
	select {
	case h.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		p.gone(key, h)
		return context.Cause(ctx)
	}
}

// leave gives a place back.
func (p *pool) leave(key host) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[key]
	<-h.places
	p.gone(key, h)
}

func (p *pool) gone(key host, h *hosted) {
	h.users--
	p.forget(key, h)
}

func (p *pool) forget(key host, h *hosted) {
	if h.users == 0 && len(h.idle) == 0 {
		delete(p.hosts, key)
	}
}

// take returns the connection to a host that was used last, or nil. The caller has a place.
func (p *pool) take(key host) *kept {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[key]
	if len(h.idle) == 0 {
		return nil
	}
	c := h.idle[len(h.idle)-1]
	h.idle[len(h.idle)-1] = nil
	h.idle = h.idle[:len(h.idle)-1]
	p.idle.Remove(c.at)
	return c
}

// keep gives back the place of c's exchange, and c for the next.
func (p *pool) keep(c *kept) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[c.key]
	c.since = time.Now()
	h.idle = append(h.idle, c)
	c.at = p.idle.PushFront(c)
	<-h.places
	h.users--
	if p.idle.Len() > maxIdle {
		p.evict()
	}
	if p.timer == nil {
		p.timer = time.AfterFunc(idleTimeout, p.tidy)
	}
}

// evict closes the connection that has been idle for longest: it is the oldest of its host, too.
func (p *pool) evict() {
	c := p.idle.Remove(p.idle.Back()).(*kept)
	h := p.hosts[c.key]
	h.idle = append(h.idle[:0], h.idle[1:]...)
	p.forget(c.key, h)
	c.raw.Close() // without TLS's goodbye, which could wait for the other side
}

// tidy closes what has been idle for too long, and comes back while anything is kept.
func (p *pool) tidy() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.idle.Len() > 0 && time.Since(p.idle.Back().Value.(*kept).since) >= idleTimeout {
		p.evict()
	}
	p.timer = nil
	if p.idle.Len() > 0 {
		p.timer = time.AfterFunc(idleTimeout/4, p.tidy)
	}
}

func (p *pool) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.idle.Len() > 0 {
		p.evict()
	}
}

// settle ends an exchange whose answer was read to its end.
// last: the other side closes the connection.
func (c *kept) settle(last bool) {
	unhurt := c.stop == nil || c.stop() // else its watch may yet run, and must not hit the next exchange
	if !unhurt || last || c.in.Buffered() > 0 {
		c.close()
		c.pool.leave(c.key)
		return
	}
	c.stop = nil
	c.pool.keep(c)
}

// deadline bounds what is read and written from now on. One that was set a moment ago, and differs by no more than
// slack, serves as well: to set it costs more than to write the request. slack is a small part of the time that is
// left, or the one that was set may be over.
func (c *kept) deadline(until time.Time, slack time.Duration) {
	if until.Sub(c.until).Abs() > slack {
		c.until = until
		_ = c.raw.SetDeadline(until)
	}
}

// drop ends an exchange that went wrong.
func (c *kept) drop() {
	c.close()
	c.pool.leave(c.key)
}

// close keeps the exchange's place.
func (c *kept) close() {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
	c.conn.Close()
}
