package store

import (
	"context"
	"database/sql"
	"errors"
)

// Cursor is how far a polled provider has been read; "": from the beginning.
func (s *Store) Cursor(ctx context.Context, provider string) (cursor string, err error) {
	err = s.row(ctx, `SELECT cursor FROM cursors WHERE provider = $1`, provider).Scan(&cursor)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return
}

// SetCursor stores it, in the transaction of what was read.
func (s *Store) SetCursor(ctx context.Context, provider, cursor string) error {
	_, err := s.exec(ctx, `INSERT INTO cursors (provider, cursor, updated_at) VALUES ($1, $2, $3)
		ON CONFLICT (provider) DO UPDATE SET cursor = excluded.cursor, updated_at = excluded.updated_at`, provider, cursor, ms(s.Now()))
	return err
}
