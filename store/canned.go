package store

import (
	"context"
	"encoding/json"
	"time"

	"rapport"
)

// Canned is an answer that agents give often.
type Canned struct {
	Key       string
	Title     string
	Bodies    json.RawMessage // a JSON array of the caller's
	CreatedAt time.Time
	UpdatedAt time.Time
}

func scanCanned(scan func(...any) error) (c Canned, err error) {
	var bodies string
	var created, updated int64
	err = scan(&c.Key, &c.Title, &bodies, &created, &updated)
	c.Bodies, c.CreatedAt, c.UpdatedAt = json.RawMessage(bodies), at(created), at(updated)
	return
}

// SaveCanned stores one and tells whether it is new.
func (s *Store) SaveCanned(ctx context.Context, c *Canned) (fresh bool, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		now := s.Now()
		n, err := s.exec(ctx, `INSERT INTO canned (key, title, bodies, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT (key) DO NOTHING`, c.Key, c.Title, string(c.Bodies), ms(now))
		if fresh = n == 1; err == nil && !fresh {
			_, err = s.exec(ctx, `UPDATE canned SET title = $1, bodies = $2, updated_at = $3 WHERE key = $4`, c.Title, string(c.Bodies), ms(now), c.Key)
		}
		if err != nil {
			return err
		}
		*c, err = s.Canned(ctx, c.Key)
		return err
	})
	return fresh, err
}

// Canned finds one.
func (s *Store) Canned(ctx context.Context, key string) (Canned, error) {
	if !storable(key) {
		return Canned{}, rapport.NotFound("canned reply")
	}
	c, err := scanCanned(s.row(ctx, `SELECT key, title, bodies, created_at, updated_at FROM canned WHERE key = $1`, key).Scan)
	return c, missing(err, "canned reply")
}

// AllCanned lists them by key; after is the key of the last one that is known.
func (s *Store) AllCanned(ctx context.Context, after string, limit int) ([]Canned, string, error) {
	rows, err := collect(ctx, s, scanCanned, `SELECT key, title, bodies, created_at, updated_at FROM canned WHERE key > $1 ORDER BY key LIMIT $2`, after, limit+1)
	if err != nil || len(rows) <= limit {
		return rows, "", err
	}
	return rows[:limit], rows[limit-1].Key, nil
}

// DropCanned deletes one. False: there was none.
func (s *Store) DropCanned(ctx context.Context, key string) (bool, error) {
	if !storable(key) {
		return false, nil
	}
	n, err := s.exec(ctx, `DELETE FROM canned WHERE key = $1`, key)
	return n == 1, err
}
