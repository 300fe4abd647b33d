package store

import (
	"context"
	"fmt"
)

// Analyze tells the query planner about tables that have grown by half since it last looked. Call it
// every ten seconds or so: PostgreSQL's own autovacuum looks once a minute, and until then the pages of
// a new installation's first import are read with plans made for empty tables (measured: 500 known
// customers in 250 ms instead of 13). SQLite needs nothing: without figures it prefers the unique indexes.
func (s *Store) Analyze(ctx context.Context) error {
	q := s.d.grown()
	if q == "" {
		return nil
	}
	tables, err := collect(ctx, s, func(scan func(...any) error) (name string, err error) { err = scan(&name); return }, q)
	if err != nil {
		return fmt.Errorf("looking for grown tables: %w", err)
	}
	for _, table := range tables {
		if _, err := s.exec(ctx, `ANALYZE `+table); err != nil {
			return fmt.Errorf("analyzing %s: %w", table, err)
		}
	}
	return nil
}
