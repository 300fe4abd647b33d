package crash

import (
	"context"
	"errors"
	"time"
)

// Reader begins to read the SQLite file as a long report would, and holds on to what it sees until end is called, which
// checks that it saw the same all the time.
func (h *Harness) Reader(ctx context.Context) (end func() error, err error) {
	db, err := h.database()
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	count := func() (n int, err error) {
		return n, tx.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM customers)`).Scan(&n)
	}
	before, err := count()
	if err != nil {
		return nil, errors.Join(err, tx.Rollback(), db.Close())
	}
	return func() error {
		after, err := count()
		if err == nil && after != before {
			err = errors.New("a reader saw two states of the database in one transaction")
		}
		return errors.Join(err, tx.Rollback(), db.Close())
	}, nil
}

// Lock takes SQLite's write lock as a stranger with a tool of their own may, and keeps it.
func (h *Harness) Lock(ctx context.Context, d time.Duration) error {
	db, err := h.database()
	if err != nil {
		return err
	}
	defer db.Close()
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	held := pause(ctx, d)
	_, err = c.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
	return errors.Join(held, err)
}
