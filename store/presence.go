package store

import (
	"context"
	"fmt"

	"rapport"
)

const assignmentKey = "assignment"

// Assignment is the rule of who gets threads that nobody has.
func (s *Store) Assignment(ctx context.Context) (a rapport.Assignment, err error) {
	_, err = s.meta(ctx, assignmentKey, &a)
	return a, err
}

// PutAssignment replaces the rule.
func (s *Store) PutAssignment(ctx context.Context, a rapport.Assignment) error {
	return s.putMeta(ctx, assignmentKey, a)
}

// SetPresence notes what an agent says of themselves.
func (s *Store) SetPresence(ctx context.Context, agent string, status rapport.PresenceStatus) (rapport.Presence, error) {
	agent, err := s.KeepAgent(ctx, agent)
	p := rapport.Presence{Agent: agent, Status: status, SeenAt: s.Now()}
	if err != nil {
		return p, err
	}
	_, err = s.exec(ctx, `INSERT INTO presence (agent, status, seen_at) VALUES ($1, $2, $3) ON CONFLICT (agent) DO UPDATE SET status = excluded.status, seen_at = excluded.seen_at`,
		agent, string(status), ms(p.SeenAt))
	return p, err
}

// LookAt notes which thread an agent looks at; 0: none.
func (s *Store) LookAt(ctx context.Context, agent string, thread rapport.ID) error {
	_, err := s.exec(ctx, `UPDATE presence SET thread_id = $2 WHERE agent = $1`, agent, thread)
	return err
}

// DropPresence forgets what an agent has said: they are gone.
func (s *Store) DropPresence(ctx context.Context, agent string) error {
	_, err := s.exec(ctx, `DELETE FROM presence WHERE agent = $1`, agent)
	return err
}

// Presences lists who has ever said whether they are there, by name.
func (s *Store) Presences(ctx context.Context) ([]rapport.Presence, error) {
	return collect(ctx, s, func(scan func(...any) error) (p rapport.Presence, err error) {
		var seen int64
		err = scan(&p.Agent, &p.Status, &seen, &p.Thread)
		p.SeenAt = at(seen)
		return
	}, `SELECT agent, status, seen_at, thread_id FROM presence ORDER BY agent`)
}

// NextAgent takes the agent whose turn it is: of those online with fewer open threads than most (0: any number) the one who has
// waited longest for work. "": nobody. It locks the round until the transaction ends, so that two threads go to two.
func (s *Store) NextAgent(ctx context.Context, most int) (agent string, err error) {
	now := s.Now()
	if most <= 0 {
		most = 1 << 30
	}
	names, err := collect(ctx, s, func(scan func(...any) error) (name string, err error) { err = scan(&name); return },
		`SELECT agent FROM presence WHERE status = 'online' AND seen_at > $1 ORDER BY assigned_at, agent `+s.d.forUpdate(), ms(now.Add(-rapport.PresentFor)))
	if err != nil {
		return "", fmt.Errorf("looking for an agent: %w", err)
	}
	for _, name := range names {
		var open int
		if err := s.row(ctx, `SELECT count(*) FROM threads WHERE assignee = $1 AND status = 'open' AND merged_into = 0`, name).Scan(&open); err != nil {
			return "", fmt.Errorf("looking for an agent: %w", err)
		}
		if open >= most {
			continue
		}
		// The round goes on behind everybody who was served, also within one millisecond.
		_, err := s.exec(ctx, `UPDATE presence SET assigned_at = (SELECT max(assigned_at) FROM presence) + 1 WHERE agent = $1`, name)
		return name, err
	}
	return "", nil
}

// Unassigned lists open threads that nobody has, those that waited longest first.
func (s *Store) Unassigned(ctx context.Context, limit int) ([]rapport.Thread, error) {
	return collect(ctx, s, scanThread, `SELECT `+threadColumns+` FROM threads t WHERE t.assignee = '' AND t.status = 'open' AND t.merged_into = 0 ORDER BY t.last_entry_at, t.id LIMIT $1`, limit)
}

// hoursKey is where business hours stand; see gateway.HoursInput for their form.
const hoursKey = "hours"

// Hours reads business hours into to; false: none were set.
func (s *Store) Hours(ctx context.Context, to any) (bool, error) { return s.meta(ctx, hoursKey, to) }

// PutHours replaces them.
func (s *Store) PutHours(ctx context.Context, hours any) error {
	return s.putMeta(ctx, hoursKey, hours)
}
