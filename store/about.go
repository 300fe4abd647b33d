package store

import (
	"context"
	"fmt"
	"time"
)

// About is what rapport doctor wants to know about the database.
type About struct {
	Version string        // "SQLite 3.50.4", "PostgreSQL 17.2"
	Write   time.Duration // one small transaction, until it is durable
	Clock   time.Time     // of the database's machine; zero: it is this one
	Unsafe  string        // what a power failure could lose, in words; empty: nothing
}

// About looks at the database. It writes the row that Ping writes.
func (s *Store) About(ctx context.Context) (a About, err error) {
	query, safety := s.d.about()
	var clock int64
	if err = s.row(ctx, query).Scan(&a.Version, &clock); err != nil {
		return a, err
	}
	a.Clock = at(clock)
	a.Write = time.Hour
	for range 3 { // the first may pay for opening the connection
		begin := time.Now()
		if err = s.Ping(ctx); err != nil {
			return a, err
		}
		a.Write = min(a.Write, time.Since(begin))
	}
	for _, setting := range safety {
		var value string
		if err = s.row(ctx, `SELECT current_setting($1)`, setting).Scan(&value); err != nil {
			return a, err
		}
		if value == "off" {
			a.Unsafe = fmt.Sprintf("%s is off", setting)
		}
	}
	return a, nil
}
