package queue

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Embedded is a Redis inside the process, for installations of one process. Nothing in it survives a
// restart, and nothing needs to.
type Embedded struct {
	redis *miniredis.Miniredis
	pass  string
	done  chan struct{}
}

// StartEmbedded listens on a free port of the loopback interface, behind a random password.
func StartEmbedded() (*Embedded, error) {
	m := miniredis.NewMiniRedis()
	pass := rand.Text()
	m.RequireAuth(pass)
	if err := m.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("starting the embedded Redis: %w", err)
	}
	e := &Embedded{redis: m, pass: pass, done: make(chan struct{})}
	go e.age()
	return e, nil
}

// age moves the time of keys: miniredis lets nothing expire by itself.
func (e *Embedded) age() {
	last := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-e.done:
			return
		case now := <-tick.C:
			e.redis.FastForward(now.Sub(last))
			last = now
		}
	}
}

// URL is where clients connect.
func (e *Embedded) URL() string { return "redis://:" + e.pass + "@" + e.redis.Addr() }

// Close stops it.
func (e *Embedded) Close() {
	close(e.done)
	e.redis.Close()
}
