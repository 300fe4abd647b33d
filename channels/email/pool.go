package email

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/puddle/v2"
)

// pool keeps connections open between messages: dialling, TLS and login cost more than twenty mails.
type pool struct {
	*puddle.Pool[*line]
	idle time.Duration

	mu     sync.Mutex
	timer  *time.Timer // set while a connection may be idle; so a pool that was never used holds nothing
	closed bool
}

func newPool(r relay, connections int, idle time.Duration) (*pool, error) {
	p := &pool{idle: idle}
	var err error
	p.Pool, err = puddle.NewPool(&puddle.Config[*line]{
		MaxSize: int32(connections),
		Constructor: func(ctx context.Context) (*line, error) {
			l, err := r.connect(ctx)
			if err == nil {
				p.watch()
			}
			return l, err
		},
		Destructor: func(l *line) { l.hangUp() },
	})
	return p, err
}

// watch makes sure that idle connections are looked at.
func (p *pool) watch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil && !p.closed {
		p.timer = time.AfterFunc(p.idle, p.closeIdle)
	}
}

// closeIdle closes what nobody has used for the idle time, and comes back while any connection is left.
func (p *pool) closeIdle() {
	for _, r := range p.AcquireAllIdle() {
		if r.IdleDuration() >= p.idle {
			r.Destroy()
		} else {
			r.ReleaseUnused()
		}
	}
	p.mu.Lock()
	p.timer = nil
	p.mu.Unlock()
	if p.Stat().TotalResources() > 0 {
		p.watch()
	}
}

// close waits for running transactions, then says goodbye on every connection.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	p.Close()
}
