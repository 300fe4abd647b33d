package store

import (
	"context"
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

// Beat says that worker is alive. False: somebody has declared it dead, and it must register anew.
func (s *Store) Beat(ctx context.Context, worker rapport.ID) (bool, error) {
	n, err := s.exec(ctx, `UPDATE workers SET beats = beats + 1 WHERE id = $1 AND dead = 0`, worker)
	return n == 1, err
}

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
