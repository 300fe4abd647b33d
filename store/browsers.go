package store

import (
	"context"
	"time"

	"rapport"
)

// mostSessions is how many browsers an agent may be signed in with at once; the oldest gives way.
const mostSessions = 50

const sessionColumns = `id, agent_id, browser, address, created_at, seen_at, expires_at`

func scanSession(scan func(...any) error) (x rapport.Session, err error) {
	var created, seen, expires int64
	err = scan(&x.ID, &x.Agent, &x.Browser, &x.Address, &created, &seen, &expires)
	x.CreatedAt, x.SeenAt, x.ExpiresAt = at(created), at(seen), at(expires)
	return
}

// CreateSession stores a new one under the hash of its token and fills in its ID and times.
func (s *Store) CreateSession(ctx context.Context, x *rapport.Session, hash string) error {
	now := s.Now()
	x.ID, x.CreatedAt, x.SeenAt, x.ExpiresAt = s.NewID(), now, now, now.Add(rapport.SessionLife)
	return s.Tx(ctx, func(s *Store) error {
		_, err := s.exec(ctx, `INSERT INTO sessions (id, agent_id, hash, browser, address, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			x.ID, x.Agent, hash, x.Browser, x.Address, ms(now), ms(now), ms(x.ExpiresAt))
		if err != nil {
			return err
		}
		if _, err = s.exec(ctx, `DELETE FROM sessions WHERE agent_id = $1 AND id NOT IN (SELECT id FROM sessions WHERE agent_id = $1 ORDER BY id DESC LIMIT $2)`, x.Agent, mostSessions); err != nil {
			return err
		}
		_, err = s.exec(ctx, `UPDATE agents SET seen_at = $1 WHERE id = $2`, ms(now), x.Agent)
		return err
	})
}

// SessionByHash finds a session, also one that has ended: see rapport.Session.Valid.
func (s *Store) SessionByHash(ctx context.Context, hash string) (rapport.Session, error) {
	x, err := scanSession(s.row(ctx, `SELECT `+sessionColumns+` FROM sessions WHERE hash = $1`, hash).Scan)
	return x, missing(err, "session")
}

// Sessions lists an agent's that have not ended, newest first.
func (s *Store) Sessions(ctx context.Context, agent rapport.ID, p Page) ([]rapport.Session, rapport.ID, error) {
	now := s.Now()
	rows, err := collect(ctx, s, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE agent_id = $1 AND id < $2 AND expires_at > $3 AND seen_at > $4 ORDER BY id DESC LIMIT $5`,
		agent, p.after(), ms(now), ms(now.Add(-rapport.SessionIdle)), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(x rapport.Session) rapport.ID { return x.ID })
	return out, next, nil
}

// TouchSession notes that x, as it was read, was used now from address: at most once a minute, so that reading costs no
// write.
func (s *Store) TouchSession(ctx context.Context, x rapport.Session, address string) error {
	now := s.Now()
	if now.Sub(x.SeenAt) < time.Minute {
		return nil
	}
	return s.Tx(ctx, func(s *Store) error {
		n, err := s.exec(ctx, `UPDATE sessions SET seen_at = $1, address = $2 WHERE id = $3 AND seen_at <= $4`, ms(now), address, x.ID, ms(now.Add(-time.Minute)))
		if err == nil && n == 1 {
			_, err = s.exec(ctx, `UPDATE agents SET seen_at = $1 WHERE id = $2`, ms(now), x.Agent)
		}
		return err
	})
}

// DropSession ends one of an agent's.
func (s *Store) DropSession(ctx context.Context, agent, id rapport.ID) error {
	n, err := s.exec(ctx, `DELETE FROM sessions WHERE id = $1 AND agent_id = $2`, id, agent)
	if err == nil && n == 0 {
		return rapport.NotFound("session")
	}
	return err
}

// DropSessions ends all of an agent's but one; 0: all.
func (s *Store) DropSessions(ctx context.Context, agent, but rapport.ID) error {
	_, err := s.exec(ctx, `DELETE FROM sessions WHERE agent_id = $1 AND id <> $2`, agent, but)
	return err
}
