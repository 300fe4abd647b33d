// Package deadline is context.WithTimeout for work that nearly always ends long before: a message's way through its
// provider. A context of context makes a timer, a channel and five objects for each message, and takes them apart again,
// whether anybody waits on them or not; this one makes them when somebody does.
package deadline

import (
	"context"
	"sync"
	"time"
)

// Context ends at a time, with its parent, or by End. It may be used concurrently.
type Context struct {
	context.Context // the parent
	at              time.Time
	parents         bool // at is the parent's own: then the parent says when it is over, and nobody is ahead of it

	mu     sync.Mutex
	over   bool            // by End
	real   context.Context // what somebody waits on; nil: nobody does
	cancel context.CancelFunc
}

// New ends after d at the latest. End must be called.
func New(parent context.Context, d time.Duration) *Context {
	c := &Context{Context: parent, at: time.Now().Add(d)}
	if end, ok := parent.Deadline(); ok && !end.After(c.at) {
		c.at, c.parents = end, true
	}
	return c
}

// End is what a CancelFunc is to the contexts of context.
func (c *Context) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.cancel != nil {
		c.cancel()
	}
}

// Deadline is the time of New.
func (c *Context) Deadline() (time.Time, bool) { return c.at, true }

// Done makes what it returns.
func (c *Context) Done() <-chan struct{} { return c.wait().Done() }

func (c *Context) wait() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real == nil {
		if c.parents {
			c.real, c.cancel = context.WithCancel(c.Context)
		} else {
			c.real, c.cancel = context.WithDeadline(c.Context, c.at)
		}
		if c.over {
			c.cancel()
		}
	}
	return c.real
}

// Err looks at the clock, and so may be a moment ahead of Done.
func (c *Context) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real != nil {
		if err := c.real.Err(); err != nil {
			return err
		}
	} else if c.over {
		return context.Canceled
	} else if err := c.Context.Err(); err != nil {
		return err
	}
	if !c.parents && !time.Now().Before(c.at) {
		return context.DeadlineExceeded
	}
	return nil
}

// AfterFunc keeps contexts that are derived from this one from needing a goroutine each.
func (c *Context) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(c.wait(), f) }

// Only tells whether nothing but its deadline can end ctx before whoever made it does. Then a deadline on a connection
// is as good as to watch ctx.
func Only(ctx context.Context) bool {
	for {
		c, ok := ctx.(*Context)
		if !ok {
			return ctx.Done() == nil
		}
		ctx = c.Context
	}
}
