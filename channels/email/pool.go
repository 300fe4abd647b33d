package email

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// pool keeps connections open between messages: dialling, TLS and login cost more than twenty mails. It has a place for
// each connection; who has a place has its connection, or may open one.
//
// While others wait for a place, who has one takes the first of them along: it writes that one's envelope behind its own
// message and hands the connection over with the answers on their way (line.transfer).
type pool struct {
	connect func(context.Context) (*line, error)
	idleFor time.Duration

	mu      sync.Mutex
	free    int       // places that nobody has; idle has at most so many
	idle    []*line   // the one used last at the end
	waiting []*waiter // in the order in which they came; nobody waits while a place is free
	timer   *time.Timer
	closed  bool
	places  int
	back    *sync.Cond // a place was given back after close
}

// waiter is a send that may have to wait for a place. It is used again, unless it is gone.
type waiter struct {
	d    *draft
	size int
	last bool // takes no part in being taken along; it gets the first place that becomes free

	turn chan turn // of one place; gets one turn, after which the place is the waiter's
	// Under pool.mu:
	gone bool // it has given up
}

// turn is a place.
type turn struct {
	line  *line // nil: none is open
	begun bool  // the envelope has been written
}

var errClosed = errors.New("closed")

func newPool(r relay, connections int, idle time.Duration) *pool {
	p := &pool{connect: r.connect, idleFor: idle, free: connections, places: connections}
	p.back = sync.NewCond(&p.mu)
	return p
}

// take waits for a place and returns its connection. Unless it fails, give must be called.
func (p *pool) take(ctx context.Context, w *waiter) (_ *line, begun bool, err error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, false, errClosed
	}
	var t turn
	if p.free > 0 {
		p.free--
		if n := len(p.idle); n > 0 {
			t.line, p.idle[n-1], p.idle = p.idle[n-1], nil, p.idle[:n-1]
		}
		p.mu.Unlock()
	} else if t, err = p.wait(ctx, w); err != nil {
		return nil, false, err
	}
	if t.line == nil {
		if t.line, err = p.connect(ctx); err != nil {
			p.give(nil, nil)
			return nil, false, err
		}
	}
	return t.line, t.begun, nil
}

// wait is called with mu, and gives it back.
func (p *pool) wait(ctx context.Context, w *waiter) (turn, error) {
	p.waiting = append(p.waiting, w)
	p.mu.Unlock()
	select {
	case t := <-w.turn:
		return t, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	i := slices.Index(p.waiting, w)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	w.gone = true
	p.mu.Unlock()
	if i < 0 {
		select {
		case t := <-w.turn:
			if t.begun {
				t.line.broken = true // it waits for a message that will not come
			}
			p.give(t.line, nil)
		default: // who takes it along will see
		}
	}
	return turn{}, context.Cause(ctx)
}

// along returns the first that waits, if its envelope may be written to l now. Then give must be called with it.
func (p *pool) along(l *line) *waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		return nil
	}
	w := p.waiting[0]
	if w.last || !l.pipelining || l.refuses(w.d, w.size) != nil {
		return nil
	}
	p.waiting[0] = nil
	p.waiting = p.waiting[1:]
	return w
}

// give hands a place on: to next, whose envelope stands on l already, or to who has waited longest. l may be nil, or
// broken.
func (p *pool) give(l *line, next *waiter) {
	t := turn{l, next != nil}
	p.mu.Lock()
	if next != nil && next.gone {
		l.broken = true // it waits for a message that will not come
		next = nil
	}
	broken := l != nil && l.broken // once handed on, it is not ours to look at
	if broken {
		t = turn{}
	}
	if next == nil && len(p.waiting) > 0 {
		next, p.waiting[0] = p.waiting[0], nil
		p.waiting = p.waiting[1:]
	}
	switch {
	case next != nil:
		next.turn <- t
	default:
		p.free++
		if t.line != nil {
			p.keep(t.line)
		}
		if p.closed {
			p.back.Signal()
		}
	}
	p.mu.Unlock()
	if broken {
		l.hangUp()
	}
}

// keep is called with mu.
func (p *pool) keep(l *line) {
	l.since = time.Now()
	p.idle = append(p.idle, l)
	if p.timer == nil && !p.closed {
		p.timer = time.AfterFunc(p.idleFor, p.closeIdle)
	}
}

// closeIdle closes what nobody has used for the idle time, and comes back while any connection lies idle.
func (p *pool) closeIdle() {
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && time.Since(p.idle[n].since) >= p.idleFor { // the oldest stand first
		n++
	}
	old := slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	p.free -= n // until they are closed
	p.timer = nil
	if len(p.idle) > 0 && !p.closed {
		p.timer = time.AfterFunc(time.Until(p.idle[0].since.Add(p.idleFor)), p.closeIdle)
	}
	p.mu.Unlock()
	hangUp(old)
	for range old {
		p.give(nil, nil)
	}
}

// close waits for running transactions, then says goodbye on every connection.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	for p.free < p.places {
		p.back.Wait()
	}
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	hangUp(idle)
}

func hangUp(lines []*line) {
	var all sync.WaitGroup
	for _, l := range lines {
		all.Go(l.hangUp)
	}
	all.Wait()
}
