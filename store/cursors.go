package store

import (
	"context"
	"database/sql"
	"errors"

	"rapport"
)

// Cursor is how far a polled provider has been read; "": from the beginning.
func (s *Store) Cursor(ctx context.Context, provider string) (cursor string, err error) {
	err = s.row(ctx, `SELECT cursor FROM cursors WHERE provider = $1`, provider).Scan(&cursor)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return
}

// MoveCursor stores how far worker has read, in the transaction of what it read. CodeConflict: another process
// polls by now (this one was taken for dead), and knows better where to go on.
func (s *Store) MoveCursor(ctx context.Context, provider string, worker rapport.ID, cursor string) error {
	n, err := s.exec(ctx, `UPDATE cursors SET cursor = $1, updated_at = $2 WHERE provider = $3 AND owner = $4`, cursor, ms(s.Now()), provider, worker)
	if err == nil && n == 0 {
		err = &rapport.Error{Code: rapport.CodeConflict, Message: "Another process polls this provider by now."}
	}
	return err
}
