package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rapport"
)

// A restored database knows nothing of what went out after the copy was taken: those rows stand as pending.
// So whatever was open then is held until a person decides (docs/adr/0008-quarantine.md). A campaign is
// held by its status: everything that may send asks for the statuses that may, and quarantined is none of
// them. Single messages are held by the due time of their batches. Both cost the hot path nothing.
const (
	quarantineMark = "quarantine"
	// held is the due time of a batch of single messages in quarantine: the last second of the year 9999.
	held = 253402300799000
	// pausedBefore stands before what a campaign was paused from when it came into quarantine.
	pausedBefore = "paused/"
)

// ReasonRestored is the reason of a row in doubt that may have been sent after the copy was taken. Such a row's
// UpdatedAt is the earliest time at which it can have been.
const ReasonRestored = "restored"

// Quarantine is when the database was copied, and when the copy came into use: what was sent between the
// two is not in it.
type Quarantine struct {
	Since time.Time `json:"since"`
	Began time.Time `json:"began"`
}

// Quarantine is the latest one; ok: there has been one.
func (s *Store) Quarantine(ctx context.Context) (q Quarantine, ok bool, err error) {
	ok, err = s.meta(ctx, quarantineMark, &q)
	return q, ok, err
}

// BeginQuarantine holds everything that is open. Call it before anything runs on a restored database; since
// is when the copy was taken. Rows that were being sent then are in doubt, as after a crash. What an
// earlier quarantine still holds goes on being held, with its own, earlier moment.
func (s *Store) BeginQuarantine(ctx context.Context, since time.Time) (q Quarantine, err error) {
	q = Quarantine{Since: since, Began: s.Now()}
	if before, ok, err := s.Quarantine(ctx); err != nil {
		return q, err
	} else if ok && before.Since.Before(since) {
		still, err := s.Held(ctx)
		if err != nil {
			return q, err
		}
		if still {
			q.Since = before.Since
		}
	}
	if err := s.buryWorkers(ctx, q.Began); err != nil {
		return q, err
	}
	// One transaction, however large: nobody else writes yet.
	return q, s.Tx(ctx, func(s *Store) error {
		_, err := s.exec(ctx, `UPDATE campaigns SET status = 'quarantined', paused_from = CASE WHEN status = 'paused' THEN '`+pausedBefore+`' || paused_from ELSE status END
			WHERE kind = 'campaign' AND dry_run = 0 AND (status IN ('scheduled', 'planning', 'running', 'paused') OR status = 'draft' AND (audience > 0 OR everyone = 1))`)
		if err != nil {
			return err
		}
		if _, err = s.exec(ctx, `UPDATE batches SET due_at = $1 WHERE campaign_id = 0`, held); err != nil {
			return err
		}
		for _, table := range []string{"sessions", "passes"} { // some may have been ended since: whoever was signed in signs in again
			if _, err = s.exec(ctx, `DELETE FROM `+table); err != nil {
				return err
			}
		}
		if err = s.putMeta(ctx, quarantineMark, q); err != nil {
			return err
		}
		if _, err = s.exec(ctx, `DELETE FROM meta WHERE key = $1`, backupMark); err != nil {
			return err
		}
		detail, err := json.Marshal(q)
		if err != nil {
			return err
		}
		return s.Audit(ctx, AuditEntry{Action: "quarantine.began", Subject: "database", Detail: detail})
	})
}

// buryWorkers declares every process dead that was alive when the copy was taken, and settles what only the
// sweeper would: half stored audiences go, single messages that were being sent are in doubt. (Those of
// campaigns are held by their campaign; the sweeper knows better when to settle them.)
func (s *Store) buryWorkers(ctx context.Context, now time.Time) error {
	if _, err := s.exec(ctx, `UPDATE workers SET dead = 1 WHERE dead = 0`); err != nil {
		return err
	}
	for {
		ids, err := s.OrphanStages(ctx)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		for _, id := range ids {
			for done := false; !done; {
				if done, err = s.DiscardStage(ctx, id); err != nil {
					return err
				}
			}
		}
	}
	owned, err := collect(ctx, s, scanBatch, `SELECT `+batchColumns+` FROM batches WHERE campaign_id = 0 AND owner <> 0`)
	if err != nil {
		return err
	}
	for _, b := range owned {
		if _, err := s.TakeOver(ctx, b, 0, func(InFlight) (rapport.State, time.Time) { return rapport.Doubtful, now }); err != nil {
			return err
		}
	}
	// Nobody's: the journal of a process that was killed after the backup (docs/adr/0009-journal.md) must not settle them.
	_, err = s.exec(ctx, `UPDATE messages SET owner = 0 WHERE state = 3 AND moved = 1 AND batch_id IN (SELECT id FROM batches WHERE campaign_id = 0 AND what = 'settle')`)
	return err
}

// Idle tells whether no worker's counter moves for as long as two beats may take: no server is running on the
// database, whatever the rows of a copy say.
func (s *Store) Idle(ctx context.Context) (bool, error) {
	before, err := s.Workers(ctx)
	if err != nil || len(before) == 0 {
		return err == nil, err
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-time.After(2500 * time.Millisecond):
	}
	after, err := s.Workers(ctx)
	beats := map[rapport.ID]int64{}
	for _, w := range before {
		beats[w.ID] = w.Beats
	}
	for _, w := range after {
		if n, known := beats[w.ID]; !known || n != w.Beats {
			return false, err
		}
	}
	return true, err
}

// HeldMessages are the single messages in quarantine.
type HeldMessages struct {
	Batches  int64
	Pending  int64
	Doubtful int64
	Oldest   time.Time // when the oldest of them was accepted
}

// HeldMessages counts them.
func (s *Store) HeldMessages(ctx context.Context) (h HeldMessages, err error) {
	if err = s.row(ctx, `SELECT count(*) FROM batches WHERE due_at = $1`, held).Scan(&h.Batches); err != nil || h.Batches == 0 {
		return h, err
	}
	var oldest rapport.ID
	// Each half finds its rows as Batch.rows does; no row is in both, since only a batch without a range gets moved ones.
	const of = `SELECT m.id, m.state FROM batches b JOIN messages m ON m.batch_id = b.id WHERE b.due_at = $1 AND b.campaign_id = 0 AND m.state IN (1, 3) AND `
	err = s.row(ctx, `SELECT coalesce(sum(CASE WHEN h.state = 1 THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN h.state = 3 THEN 1 ELSE 0 END), 0), coalesce(min(h.id), 0)
		FROM (`+of+`m.moved = 1 UNION ALL `+of+`m.id >= b.first_id AND m.id <= b.last_id) h`, held).Scan(&h.Pending, &h.Doubtful, &oldest)
	if oldest != 0 {
		h.Oldest = oldest.Time()
	}
	return h, err
}

// Held tells whether anything is.
func (s *Store) Held(ctx context.Context) (bool, error) {
	var n int
	err := s.row(ctx, `SELECT count(*) FROM (SELECT 1 FROM campaigns WHERE status = 'quarantined' AND status NOT IN ('finished', 'cancelled', 'draft')
		UNION ALL SELECT 1 FROM batches WHERE due_at = $1) held`, held).Scan(&n)
	return n > 0, err
}

// FreeCampaign ends a campaign's quarantine: it stands again where it stood. False: it is in none.
func (s *Store) FreeCampaign(ctx context.Context, id rapport.ID) (ok bool, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		n, err := s.exec(ctx, `UPDATE campaigns SET status = CASE WHEN paused_from LIKE '`+pausedBefore+`%' THEN 'paused' ELSE paused_from END,
			paused_from = CASE WHEN paused_from LIKE '`+pausedBefore+`%' THEN substr(paused_from, 8) ELSE '' END WHERE id = $1 AND status = 'quarantined'`, id)
		if ok = n == 1; err != nil || !ok {
			return err
		}
		_, err = s.exec(ctx, `UPDATE batches SET due_at = $1 WHERE campaign_id = $2 AND due_at = $3`, ms(s.Now()), id, held)
		return err
	})
	return ok, err
}

// PlannedInQuarantine notes that a campaign in quarantine has no recipients left to plan.
func (s *Store) PlannedInQuarantine(ctx context.Context, id rapport.ID) error {
	_, err := s.exec(ctx, `UPDATE campaigns SET paused_from = CASE WHEN paused_from LIKE '`+pausedBefore+`%' THEN '`+pausedBefore+`' ELSE '' END || 'running'
		WHERE id = $1 AND status = 'quarantined'`, id)
	return err
}

// HeldBatches lists up to 50 batches that hold rows of a quarantined campaign, with ids above after; campaign
// 0: the single messages.
func (s *Store) HeldBatches(ctx context.Context, campaign, after rapport.ID) ([]Batch, error) {
	return collect(ctx, s, scanBatch, `SELECT `+batchColumns+` FROM batches WHERE campaign_id = $1 AND id > $2 AND what <> 'escalate' AND (due_at = $3) = (campaign_id = 0) ORDER BY id LIMIT 50`,
		campaign, after, held)
}

// HeldEscalations is HeldBatches for rows of fallback routings, which were sent and wait for nothing but time.
func (s *Store) HeldEscalations(ctx context.Context) ([]Batch, error) {
	return collect(ctx, s, scanBatch, `SELECT `+batchColumns+` FROM batches WHERE campaign_id = 0 AND what = 'escalate' AND due_at = $1 ORDER BY id LIMIT 50`, held)
}

// Thaw gives a batch of single messages back to the engine. Its rows know when they are due; the engine
// looks, and lets the batch rest until then. An escalation looks only once, so it waits for its last row.
func (s *Store) Thaw(ctx context.Context, b Batch) error {
	due := ms(s.Now())
	if b.What == WhatEscalate {
		where, args := b.rows(0)
		if err := s.row(ctx, `SELECT coalesce(max(m.due_at), $4) FROM messages m WHERE `+where, append(args, due)...).Scan(&due); err != nil {
			return err
		}
	}
	_, err := s.exec(ctx, `UPDATE batches SET due_at = $1 WHERE id = $2 AND due_at = $3`, due, b.ID, held)
	return err
}

// CancelSingles cancels the campaigns of one to which the waiting rows of a batch belong. The engine closes the
// rows when it comes to them.
func (s *Store) CancelSingles(ctx context.Context, b Batch) error {
	where, args := b.rows(0)
	_, err := s.exec(ctx, `UPDATE campaigns SET status = 'cancelled' WHERE kind <> 'campaign' AND id IN (SELECT m.campaign_id FROM messages m WHERE `+where+` AND m.state IN (1, 3))`, args...)
	return err
}

// Doubts says how DoubtBatch makes rows doubtful.
type Doubts struct {
	Quarantine
	Worker   rapport.ID
	Provider string // who would have carried them; rows that were tried know better
	// When each purpose's doubt is settled.
	Marketing, Transactional time.Time
}

// DoubtBatch declares the rows of a held batch doubtful that may have been sent since the copy was taken: those
// that were due before it came into use, those that have come back from an earlier doubt since (and are due
// since), and those planned since, about whose earlier selves nothing is known. The others stay pending. They have no owner, whose journal would know better. Rows in doubt already are noted as ones that may have been sent again since.
// It works in the caller's transaction.
func (s *Store) DoubtBatch(ctx context.Context, b Batch, d Doubts) (n int64, err error) {
	where, args := b.rows(0)
	if b.What == WhatSettle {
		if _, err := s.exec(ctx, `UPDATE messages AS m SET reason = $4, owner = 0 WHERE `+where+` AND m.state = 3`, append(args, ReasonRestored)...); err != nil || b.Campaign != 0 {
			return 0, err
		}
		return 0, s.Thaw(ctx, b)
	}
	to := Batch{ID: s.NewID(), Campaign: b.Campaign, What: WhatSettle, Lane: b.Lane, Channel: b.Channel, Sandbox: b.Sandbox, Due: at(held)}
	if b.Campaign == 0 {
		to.Due = s.Now() // its rows know better
	}
	n, err = s.exec(ctx, `UPDATE messages AS m SET state = 3, owner = 0, reason = $4, batch_id = $5, moved = 1, updated_at = $6, provider = CASE WHEN m.provider = '' THEN $7 ELSE m.provider END,
		due_at = CASE WHEN (SELECT purpose FROM campaigns c WHERE c.id = m.campaign_id) = 'marketing' THEN CAST($8 AS BIGINT) ELSE CAST($9 AS BIGINT) END
		WHERE `+where+` AND m.state = 1 AND (m.due_at <= $10 OR m.updated_at >= $10 OR m.id >= $11)`,
		append(args, ReasonRestored, to.ID, ms(d.Since), d.Provider, ms(d.Marketing), ms(d.Transactional), ms(d.Began), firstIDAt(d.Began))...)
	if err != nil {
		return 0, fmt.Errorf("declaring rows doubtful: %w", err)
	}
	if n > 0 {
		to.Size = int(n)
		if err := s.insertBatches(ctx, []Batch{to}); err != nil {
			return 0, err
		}
		if b.Campaign != 0 {
			ds := deltas{}
			ds.add(b.Campaign, rapport.Pending.String(), -n)
			ds.add(b.Campaign, rapport.Doubtful.String(), n)
			if err := s.apply(ctx, d.Worker, ds); err != nil {
				return 0, err
			}
		}
	}
	var waiting, sending int
	var due int64
	where, args = b.rows(0)
	err = s.row(ctx, `SELECT coalesce(sum(CASE WHEN m.state = 1 THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN m.state = 2 THEN 1 ELSE 0 END), 0), coalesce(min(CASE WHEN m.state = 1 THEN m.due_at END), 0)
		FROM messages m WHERE `+where, args...).Scan(&waiting, &sending, &due)
	switch {
	case err != nil:
	case waiting > 0:
		_, err = s.exec(ctx, `UPDATE batches SET due_at = $1 WHERE id = $2`, due, b.ID)
	case sending == 0:
		_, err = s.exec(ctx, `DELETE FROM batches WHERE id = $1`, b.ID)
	}
	return n, err
}

// firstIDAt is the smallest id that can be minted at t.
func firstIDAt(t time.Time) rapport.ID {
	return rapport.ID(t.Sub(rapport.IDEpoch).Milliseconds() << 22)
}
