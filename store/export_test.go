package store

import (
	"context"
	"database/sql"
)

// MigrateDown takes the schema back to a version.
func (s *Store) MigrateDown(ctx context.Context, version int64) error {
	p, err := s.provider(true)
	if err == nil {
		_, err = p.DownTo(ctx, version)
	}
	return err
}

// DB is for what only an older schema has.
func (s *Store) DB() *sql.DB { return s.db }
