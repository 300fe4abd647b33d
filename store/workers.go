package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"rapport"
)

// Worker is one running process as the others see it.
type Worker struct {
	ID    rapport.ID
	Node  int
	Name  string
	Role  string
	Beats int64
	Dead  bool
}

// Register gives this process an identity: the node of its ids, and the owner of what it claims. On
// SQLite the caller holds the file's lock, so every earlier process is dead and is marked so.
func (s *Store) Register(ctx context.Context, name, role string) (rapport.ID, error) {
	if s.lock != nil {
		if _, err := s.exec(ctx, `UPDATE workers SET dead = 1 WHERE dead = 0`); err != nil {
			return 0, fmt.Errorf("registering: %w", err)
		}
	}
	for range 100 {
		var nodes []int
		err := s.each(ctx, func(scan func(...any) error) error {
			var n int
			err := scan(&n)
			nodes = append(nodes, n)
			return err
		}, `SELECT node FROM workers WHERE dead = 0 ORDER BY node`)
		if err != nil {
			return 0, fmt.Errorf("registering: %w", err)
		}
		node := 1 // 0 is for processes that only look
		for _, n := range nodes {
			if n == node {
				node++
			}
		}
		if node > 1023 {
			return 0, errors.New("registering: 1023 processes are alive already")
		}
		id := rapport.NewMinter(node, s.now).Next()
		if err := s.hold(ctx, id); err != nil {
			return 0, fmt.Errorf("registering: %w", err)
		}
		_, err = s.exec(ctx, `INSERT INTO workers (id, node, name, role, started_at) VALUES ($1, $2, $3, $4, $5)`,
			id, node, name, role, ms(s.Now()))
		if s.Duplicate(err) {
			continue // another process took the node first
		}
		if err != nil {
			return 0, fmt.Errorf("registering: %w", err)
		}
		s.ids.Settle(node)
		return id, nil
	}
	return 0, errors.New("registering: no free node")
}

// hold takes worker's lock, and lets go of that of an earlier identity. The lock is held by the session of
// s.pulse, so the server frees it when this process dies, at the latest when it notices. Where the file's
// lock says it already there is none.
func (s *Store) hold(ctx context.Context, worker rapport.ID) error {
	if s.pulse == nil {
		return nil
	}
	if _, err := s.pulse.ExecContext(ctx, `SELECT pg_advisory_unlock_all()`); err != nil {
		return err
	}
	_, err := s.pulse.ExecContext(ctx, `SELECT pg_try_advisory_lock($1)`, worker)
	return err
}

// Beat says that worker is alive. False: somebody has declared it dead, and it must register anew.
func (s *Store) Beat(ctx context.Context, worker rapport.ID) (bool, error) {
	if s.pulse == nil {
		n, err := s.exec(ctx, `UPDATE workers SET beats = beats + 1 WHERE id = $1 AND dead = 0`, worker)
		return n == 1, err
	}
	// Each beat takes the lock (again: a session may hold it many times), because the connection may be another
	// one than a moment ago. A beat that a crash of the server forgets has done its work, so it does not wait for
	// the disk; for this transaction alone, since a pooler may give the session to others.
	r, err := s.pulse.ExecContext(ctx, `UPDATE workers SET beats = beats + 1 WHERE id = $1 AND dead = 0
		AND pg_try_advisory_lock($1) IS NOT NULL AND set_config('synchronous_commit', 'off', true) IS NOT NULL`, worker)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// Beats is how often worker has said that it is alive. known is false when the worker is forgotten.
func (s *Store) Beats(ctx context.Context, worker rapport.ID) (n int64, known bool, err error) {
	err = s.row(ctx, `SELECT beats FROM workers WHERE id = $1`, worker).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return n, err == nil, err
}

// Gone tells whether nobody holds worker's lock: its process has died, or its connection was cut and its next
// beat will take the lock again. So this proves death only together with a counter that stands still. Without
// locks it is always false.
func (s *Store) Gone(ctx context.Context, worker rapport.ID) (gone bool, err error) {
	if s.pulse == nil {
		return false, nil
	}
	err = s.row(ctx, `SELECT NOT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (classid::bigint << 32 | objid::bigint) = $1)`, worker).Scan(&gone)
	return gone, err
}

// Alone tells whether no other process can be working on this database: this one holds the file's lock.
func (s *Store) Alone() bool { return s.lock != nil }

// Workers lists the living.
func (s *Store) Workers(ctx context.Context) ([]Worker, error) {
	return collect(ctx, s, func(scan func(...any) error) (w Worker, err error) {
		err = scan(&w.ID, &w.Node, &w.Name, &w.Role, &w.Beats)
		return
	}, `SELECT id, node, name, role, beats FROM workers WHERE dead = 0 ORDER BY id`)
}

// DeclareDead marks a worker whose counter still stands at beats. False: it has moved, or is dead already.
func (s *Store) DeclareDead(ctx context.Context, worker rapport.ID, beats int64) (bool, error) {
	n, err := s.exec(ctx, `UPDATE workers SET dead = 1 WHERE id = $1 AND beats = $2 AND dead = 0`, worker, beats)
	return n == 1, err
}

// Resign marks this worker dead at its own wish: what it still owns is taken over at once.
func (s *Store) Resign(ctx context.Context, worker rapport.ID) error {
	_, err := s.exec(ctx, `UPDATE workers SET dead = 1 WHERE id = $1`, worker)
	return err
}

// ForgetDead drops dead workers that own nothing any more.
func (s *Store) ForgetDead(ctx context.Context) error {
	_, err := s.exec(ctx, `DELETE FROM workers WHERE dead = 1 AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.owner = workers.id)
		AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.owner = workers.id AND j.status = 'running')`)
	return err
}
