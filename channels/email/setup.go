package email

import (
	"context"

	"rapport/channels"
)

// Setup opens a connection as far as the login, which proves name, certificate and password. It is kept
// for the first message. Then it looks at what mail is to come in by.
func (c *conn) Setup(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	l, _, err := c.pool.take(limited, &waiter{last: true, turn: make(chan turn, 1)})
	if err != nil {
		return err
	}
	c.pool.give(l, nil)
	if c.mailbox != nil {
		if err := c.mailbox.check(ctx); err != nil {
			return err
		}
	}
	if c.door != nil {
		if err := c.door.check(); err != nil {
			return &channels.Verdict{Kind: channels.Misconfigured, Reason: "listen", Err: err}
		}
	}
	return nil
}
