package email

import "context"

// Setup opens a connection as far as the login, which proves name, certificate and password. It is kept
// for the first message.
func (c *conn) Setup(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	l, _, err := c.pool.take(ctx, &waiter{last: true, turn: make(chan turn, 1)})
	if err != nil {
		return err
	}
	c.pool.give(l, nil)
	return nil
}
