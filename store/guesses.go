package store

import (
	"context"
	"slices"
	"time"
)

// mostThrottles bounds the table: beyond it the oldest are forgotten. Each costs an attacker a password hash of ours, so
// it takes hours to get there.
const mostThrottles = 100_000

// Guess counts an attempt at each of the keys before it is known whether it is right, so that many at once are not
// more than one after the other. delay says how long to wait after so many; forget, after what silence a count begins
// anew. A wait that is not over is returned, and nothing is counted.
func (s *Store) Guess(ctx context.Context, keys []string, delay func(key string, failures int) time.Duration, forget time.Duration) (wait time.Duration, err error) {
	keys = slices.Sorted(slices.Values(keys)) // so that two processes do not wait for each other
	now := s.Now()
	err = s.Tx(ctx, func(s *Store) error {
		wait = 0
		failures := make([]int, len(keys))
		for i, key := range keys {
			if _, err := s.exec(ctx, `INSERT INTO throttles (key, failures, until, updated_at) VALUES ($1, 0, 0, $2) ON CONFLICT (key) DO NOTHING`, key, ms(now)); err != nil {
				return err
			}
			var until, updated int64
			if err := s.row(ctx, `SELECT failures, until, updated_at FROM throttles WHERE key = $1 `+s.d.forUpdate(), key).Scan(&failures[i], &until, &updated); err != nil {
				return err
			}
			if now.Sub(at(updated)) > forget {
				failures[i] = 0
			}
			wait = max(wait, at(until).Sub(now))
		}
		if wait > 0 {
			return nil
		}
		for i, key := range keys {
			n := failures[i] + 1
			if _, err := s.exec(ctx, `UPDATE throttles SET failures = $1, until = $2, updated_at = $3 WHERE key = $4`, n, ms(now.Add(delay(key, n))), ms(now), key); err != nil {
				return err
			}
		}
		return nil
	})
	return wait, err
}

// Forgive takes one attempt back that was no wrong guess.
func (s *Store) Forgive(ctx context.Context, key string) error {
	_, err := s.exec(ctx, `UPDATE throttles SET failures = failures - 1, until = 0 WHERE key = $1 AND failures > 0`, key)
	return err
}

// ForgetGuesses begins a count anew: somebody proved who they are.
func (s *Store) ForgetGuesses(ctx context.Context, key string) error {
	_, err := s.exec(ctx, `DELETE FROM throttles WHERE key = $1`, key)
	return err
}

func (s *Store) forgetGuesses(ctx context.Context, before time.Time) error {
	if _, err := s.exec(ctx, `DELETE FROM throttles WHERE key IN (SELECT key FROM throttles WHERE updated_at < $1 LIMIT $2)`, ms(before), MaxRows); err != nil {
		return err
	}
	_, err := s.exec(ctx, `DELETE FROM throttles WHERE key IN (SELECT key FROM throttles ORDER BY updated_at DESC LIMIT $1 OFFSET $2)`, MaxRows, mostThrottles)
	return err
}
