package store

import (
	"context"

	"rapport"
)

const callColumns = `id, door, call_id, direction, number, line, customer_id, agent, answered_by, cause, started_at, answered_at, ended_at, thread_id, entry_id`

func scanCall(scan func(...any) error) (c rapport.Call, err error) {
	var started, answered, ended int64
	err = scan(&c.ID, &c.Door, &c.CallID, (*string)(&c.Direction), &c.Number, &c.Line, &c.Customer, &c.Agent, &c.AnsweredBy, &c.Cause, &started, &answered, &ended, &c.Thread, &c.Entry)
	c.StartedAt, c.AnsweredAt, c.EndedAt = at(started), at(answered), at(ended)
	return
}

// ReportedCall finds the call that a PBX means, or makes it of first, and keeps other reports of it waiting until the
// transaction ends. fresh tells that it was made.
func (s *Store) ReportedCall(ctx context.Context, first rapport.Call) (c rapport.Call, fresh bool, err error) {
	n, err := s.exec(ctx, `INSERT INTO calls (id, door, call_id, direction, number, line, customer_id, agent, started_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (door, call_id) DO NOTHING`,
		s.NewID(), first.Door, first.CallID, string(first.Direction), first.Number, first.Line, first.Customer, first.Agent, ms(first.StartedAt))
	if err != nil {
		return c, false, err
	}
	c, err = scanCall(s.row(ctx, `SELECT `+callColumns+` FROM calls WHERE door = $1 AND call_id = $2 `+s.d.forUpdate(), first.Door, first.CallID).Scan)
	return c, n == 1, missing(err, "call")
}

// KeepCall stores what became of a call.
func (s *Store) KeepCall(ctx context.Context, c rapport.Call) error {
	_, err := s.exec(ctx, `UPDATE calls SET customer_id = $1, agent = $2, answered_by = $3, cause = $4, started_at = $5, answered_at = $6, ended_at = $7, thread_id = $8, entry_id = $9 WHERE id = $10`,
		c.Customer, c.Agent, c.AnsweredBy, c.Cause, ms(c.StartedAt), ms(c.AnsweredAt), ms(c.EndedAt), c.Thread, c.Entry, c.ID)
	return err
}

// callsOf selects the ids of calls with the customers of list parameter n: their own, and those that nobody's number
// was when they came, but is theirs by now.
func (s *Store) callsOf(n int) string {
	who := s.d.in(n)
	return `SELECT id FROM calls WHERE customer_id ` + who + ` AND customer_id <> 0
		UNION ALL SELECT c.id FROM addresses a JOIN calls c ON c.number = a.address AND c.customer_id = 0 WHERE a.customer_id ` + who + ` AND a.channel IN ('sms', 'whatsapp')`
}

func (e *erasure) calls(ctx context.Context) error {
	for {
		ids, err := collect(ctx, e.s, scanID, `SELECT id FROM (`+e.s.callsOf(1)+`) AS theirs LIMIT $2`, e.who, MaxRows)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := e.s.run(ctx, ids, `DELETE FROM calls WHERE id`); err != nil {
			return err
		}
	}
}
