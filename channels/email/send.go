package email

import (
	"context"
	"errors"
	"net/mail"
	"sync"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"rapport"
	"rapport/channels"
)

// conn is an opened entry: one relay, one sender.
type conn struct {
	env            channels.Env
	pool           *pool
	sign           *dkim.SignOptions // nil: the relay signs
	drafts         *drafts
	mailboxes      mailboxes
	date           dateLine
	from           mail.Address
	replyDomain    string // "": answers go to from
	envelopeDomain string // "": bounces go to from
	idDomain       string
	relayHost      string
	timeout        time.Duration
	dotTimeout     time.Duration

	mailbox *mailbox // nil: no IMAP
	door    *door    // nil: nothing is listened on

	closing sync.Once
	waiters sync.Pool     // of *waiter
	large   chan struct{} // a place for each message with attachments that is in memory
}

const (
	largeAtOnce = 4       // up to 35 MB each once encoded
	keepBuffer  = 1 << 20 // bytes; larger buffers are left to the garbage collector
)

// Send renders, signs and hands over one message to one recipient. The id is the Message-ID.
func (c *conn) Send(ctx context.Context, o *channels.Outgoing) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", cancelled(err)
	}
	if len(o.Attachments) > 0 {
		select {
		case c.large <- struct{}{}:
			defer func() { <-c.large }()
		case <-ctx.Done():
			return "", cancelled(ctx.Err())
		}
	}
	w := c.waiter()
	defer c.release(w)
	d := w.d

	// The signature stands before what it signs, so room is left for it.
	d.b = d.b[:maxSignature]
	if err := c.render(d, o); err != nil {
		return "", err
	}
	start := maxSignature
	if c.sign != nil {
		s, err := signature(c.sign, d.b[maxSignature:])
		if err != nil || len(s) > maxSignature {
			return "", &channels.Verdict{Kind: channels.Misconfigured, Reason: "dkim", Err: err}
		}
		start -= len(s)
		copy(d.b[start:], s)
	}
	d.b = append(d.b, ".\r\n"...)
	if err := c.handOver(ctx, o, w, start); err != nil {
		return "", err
	}
	return d.id, nil
}

// handOver takes a connection. When the server has closed it in the meantime another one is taken, until
// one is fresh; nothing was written on the others.
func (c *conn) handOver(ctx context.Context, o *channels.Outgoing, w *waiter, start int) error {
	d := w.d
	for {
		w.size, w.last = len(d.b)-start, o.Purpose == rapport.Transactional || len(d.also) > 0
		l, begun, err := c.pool.take(ctx, w)
		if err != nil {
			if v, ok := errors.AsType[*channels.Verdict](err); ok {
				return v
			}
			return cancelled(err)
		}
		v := l.refuses(d, w.size)
		if !o.ValidUntil.IsZero() && !c.env.Now().Before(o.ValidUntil) {
			v = &channels.Verdict{Kind: channels.Temporary, Reason: "window_closed"}
		}
		if err := ctx.Err(); v == nil && err != nil {
			v = &channels.Verdict{Kind: channels.Temporary, Reason: "cancelled", Err: err} // while it waited for its turn
		}
		if v != nil {
			l.broken = begun // it waits for a message that will not come
			c.pool.give(l, nil)
			return v
		}
		if o.Wire != nil {
			o.Wire()
		}
		next, err := l.transfer(ctx, d, start, begun, c.pool.along, timeouts{step: c.timeout, dot: c.dotTimeout})
		c.pool.give(l, next)
		if !errors.Is(err, errStale) {
			return err
		}
	}
}

// cancelled is the verdict when we stopped before anything was written.
func cancelled(err error) *channels.Verdict {
	return &channels.Verdict{Kind: channels.Temporary, Reason: "cancelled", Err: err}
}

// Close ends Poll and Listen, and waits for running Sends.
func (c *conn) Close() error {
	c.closing.Do(func() {
		if c.mailbox != nil {
			c.mailbox.close()
		}
		if c.door != nil {
			close(c.door.closed)
		}
	})
	c.pool.close()
	return nil
}

// waiter returns one with a draft that has room.
func (c *conn) waiter() *waiter {
	if w, ok := c.waiters.Get().(*waiter); ok {
		return w
	}
	return &waiter{d: &draft{b: make([]byte, maxSignature, 16<<10)}, turn: make(chan turn, 1)}
}

func (c *conn) release(w *waiter) {
	if !w.gone && cap(w.d.b) <= keepBuffer { // else somebody may still look at it
		*w.d = draft{b: w.d.b}
		c.waiters.Put(w)
	}
}
