package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"rapport"
)

// What a batch wants done with its rows.
const (
	WhatSend     = "send"     // pending rows: claim, send, record
	WhatSettle   = "settle"   // rows in doubt: ask, resend or close, as channel and purpose demand
	WhatEscalate = "escalate" // rows of a fallback routing that failed or stayed undelivered
)

// Batch is a unit of waking up: at most MaxRows messages that can be worked on together.
type Batch struct {
	ID       rapport.ID
	Campaign rapport.ID // 0: messages of many campaigns of one
	What     string
	Lane     rapport.Lane
	Channel  rapport.Channel
	Provider string // the only one that may carry it; empty: whoever is well
	Sandbox  bool
	Due      time.Time
	Owner    rapport.ID
	Size     int
	// First and Last bound the ids of its rows, which planning wrote side by side. 0: its rows came from
	// elsewhere, and are marked so.
	First, Last rapport.ID
}

const batchColumns = `id, campaign_id, what, lane, channel, provider, sandbox, due_at, owner, size, first_id, last_id`

// rows is the condition for the rows of b among messages m, after one id; its parameters are $1 to $3.
func (b *Batch) rows(after rapport.ID) (where string, args []any) {
	if b.First == 0 {
		return `m.batch_id = $1 AND m.moved = 1 AND m.id > $2 AND m.id <= $3`, []any{b.ID, after, rapport.ID(math.MaxInt64)}
	}
	return `m.batch_id = $1 AND m.id > $2 AND m.id <= $3`, []any{b.ID, max(after, b.First-1), b.Last}
}

func scanBatch(scan func(...any) error) (b Batch, err error) {
	var sandbox int
	var due int64
	err = scan(&b.ID, &b.Campaign, &b.What, &b.Lane, &b.Channel, &b.Provider, &sandbox, &due, &b.Owner, &b.Size, &b.First, &b.Last)
	b.Sandbox, b.Due = sandbox == 1, at(due)
	return
}

var batchCols = []column{{"id", "bigint"}, {"campaign_id", "bigint"}, {"what", "text"}, {"lane", "smallint"}, {"channel", "text"},
	{"provider", "text"}, {"sandbox", "integer"}, {"due_at", "bigint"}, {"owner", "bigint"}, {"size", "integer"}, {"first_id", "bigint"}, {"last_id", "bigint"}}

// insertBatches writes new batches.
func (s *Store) insertBatches(ctx context.Context, bs []Batch) error {
	rows := make([][]any, len(bs))
	for i, b := range bs {
		rows[i] = []any{b.ID, b.Campaign, b.What, b.Lane, string(b.Channel), b.Provider, b.Sandbox, ms(b.Due), b.Owner, b.Size, b.First, b.Last}
	}
	return s.bulkLater(ctx, "batches", batchCols, rows, "")
}

// DueBatches lists what nobody works on and whose time has come, of one lane, oldest first. Batches to send
// of campaigns that are paused or cancelled are left out; doubt is settled all the same.
func (s *Store) DueBatches(ctx context.Context, lane rapport.Lane, limit int) ([]Batch, error) {
	return collect(ctx, s, scanBatch, `SELECT `+batchColumns+` FROM batches b WHERE b.owner = 0 AND b.lane = $1 AND b.due_at <= $2
		AND (b.campaign_id = 0 OR b.what = 'settle' OR EXISTS (SELECT 1 FROM campaigns c WHERE c.id = b.campaign_id AND c.status IN ('planning', 'running', 'scheduled', 'finished')))
		ORDER BY b.due_at LIMIT $3`, lane, ms(s.Now()), limit)
}

// NextDue is when the next batch of a lane will be due; zero: none is waiting.
func (s *Store) NextDue(ctx context.Context, lane rapport.Lane) (time.Time, error) {
	var due int64
	err := s.row(ctx, `SELECT coalesce(min(due_at), 0) FROM batches WHERE owner = 0 AND lane = $1`, lane).Scan(&due)
	return at(due), err
}

// TakeBatch makes worker the owner of a batch that has none and is due. False: somebody else has it, it
// is done, or its time has not come.
func (s *Store) TakeBatch(ctx context.Context, id, worker rapport.ID) (b Batch, ok bool, err error) {
	err = s.Tx(ctx, func(s *Store) (err error) {
		b, err = scanBatch(s.row(ctx, `UPDATE batches SET owner = $1 WHERE id = $2 AND owner = 0 AND due_at <= $3
			AND EXISTS (SELECT 1 FROM workers w WHERE w.id = $1 AND w.dead = 0) RETURNING `+batchColumns, worker, id, ms(s.Now())).Scan)
		ok = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return b, ok && err == nil, err
}

// ReleaseBatch gives a batch back: deleted when no row of it waits any more, else due when the first of
// its rows is. The caller must have no row of it in flight; see unclaim.
func (s *Store) ReleaseBatch(ctx context.Context, b Batch) (deleted bool, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		deleted = false
		if mine, err := s.unclaim(ctx, b); err != nil || !mine {
			return err
		}
		state := rapport.Pending
		if b.What == WhatSettle {
			state = rapport.Doubtful
		}
		var n int
		var due int64
		where, args := b.rows(0)
		err := s.row(ctx, `SELECT count(*), coalesce(min(m.due_at), 0) FROM messages m WHERE `+where+` AND m.state = $4`, append(args, state)...).Scan(&n, &due)
		if err != nil {
			return err
		}
		if n == 0 || b.What == WhatEscalate {
			deleted = true
			return s.tx.later(ctx, nil, `DELETE FROM batches WHERE id = $1`, []any{b.ID})
		}
		return s.tx.later(ctx, nil, `UPDATE batches SET owner = 0, due_at = CASE WHEN $1 > due_at THEN $1 ELSE due_at END WHERE id = $2`, []any{due, b.ID})
	})
	return deleted, err
}

// DeferBatch gives a batch back and lets it rest until then (a throttled provider, an open breaker).
func (s *Store) DeferBatch(ctx context.Context, b Batch, until time.Time) error {
	return s.Tx(ctx, func(s *Store) error {
		if mine, err := s.unclaim(ctx, b); err != nil || !mine {
			return err
		}
		_, err := s.exec(ctx, `UPDATE batches SET owner = 0, due_at = $1 WHERE id = $2`, ms(until), b.ID)
		return err
	})
}

// unclaim locks a batch that its owner gives back (false: it has been taken over) and puts rows that are
// still marked as being sent back to pending. The owner has nothing of the batch in flight, so it never
// learned that it had claimed them: the answer to its commit was lost.
func (s *Store) unclaim(ctx context.Context, b Batch) (mine bool, err error) {
	n, err := s.exec(ctx, `UPDATE batches SET owner = owner WHERE id = $1 AND owner = $2`, b.ID, b.Owner)
	if err != nil || n == 0 {
		return false, err
	}
	where, args := b.rows(0)
	n, err = s.exec(ctx, `UPDATE messages AS m SET state = 1 WHERE `+where+` AND m.state = 2 AND m.owner = $4`, append(args, b.Owner)...)
	if err != nil || n == 0 || b.Campaign == 0 {
		return err == nil, err
	}
	d := deltas{}
	d.add(b.Campaign, rapport.Sending.String(), -n)
	d.add(b.Campaign, rapport.Pending.String(), n)
	return true, s.apply(ctx, b.Owner, d)
}

// OrphanBatches lists batches whose owner is dead: one of these, or anybody when none is named.
func (s *Store) OrphanBatches(ctx context.Context, dead []rapport.ID, limit int) ([]Batch, error) {
	q := `SELECT ` + batchColumns + ` FROM batches b WHERE b.owner <> 0 AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = b.owner AND w.dead = 0)`
	args := []any{limit}
	if len(dead) > 0 {
		q, args = q+` AND b.owner `+s.d.in(2), append(args, s.d.list(dead))
	}
	return collect(ctx, s, scanBatch, q+` ORDER BY b.due_at LIMIT $1`, args...)
}

// InFlight is a row that was being sent.
type InFlight struct {
	ID       rapport.ID
	Campaign rapport.ID
	Purpose  rapport.Purpose
	Kind     rapport.CampaignKind
	Channel  rapport.Channel
	Provider string
	Attempt  int
	Updated  time.Time
}

// Judge tells what became of a row that a dead worker had claimed, as far as anybody knows: Sent, Pending (nothing of
// it has left) or Doubtful, to be settled at due.
type Judge func(InFlight) (to rapport.State, due time.Time)

const inFlightColumns = `m.id, m.campaign_id, c.purpose, c.kind, m.channel, m.provider, m.attempt, m.updated_at`

func scanInFlight(scan func(...any) error) (f InFlight, err error) {
	var updated int64
	err = scan(&f.ID, &f.Campaign, &f.Purpose, &f.Kind, &f.Channel, &f.Provider, &f.Attempt, &updated)
	f.Updated = at(updated)
	return
}

// TakeOver gives an orphan batch free and records what judge says of every row of it that was being sent. It returns
// how many of them are in doubt.
func (s *Store) TakeOver(ctx context.Context, b Batch, worker rapport.ID, judge Judge) (doubtful int, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		doubtful = 0
		took, err := s.exec(ctx, `UPDATE batches SET owner = 0 WHERE id = $1 AND owner = $2`, b.ID, b.Owner)
		if err != nil || took == 0 {
			return err
		}
		where, args := b.rows(0)
		rows, err := collect(ctx, s, scanInFlight, `SELECT `+inFlightColumns+` FROM messages m JOIN campaigns c ON c.id = m.campaign_id WHERE `+where+` AND m.state = 2`, args...)
		if err != nil {
			return err
		}
		out := make([]Outcome, len(rows))
		for i, f := range rows {
			out[i] = f.outcome(s, b, judge)
			if out[i].To == rapport.Doubtful {
				doubtful++
			}
		}
		d := deltas{}
		if _, err = s.record(ctx, worker, out, d); err != nil {
			return err
		}
		return s.apply(ctx, worker, d)
	})
	return doubtful, err
}

func (f *InFlight) outcome(s *Store, b Batch, judge Judge) Outcome {
	o := Outcome{ID: f.ID, Campaign: f.Campaign, Counted: f.Kind == rapport.KindOfCampaign, Attempt: f.Attempt, Provider: f.Provider, Channel: f.Channel, Lane: b.Lane, Sandbox: b.Sandbox}
	switch o.To, o.Due = judge(*f); o.To {
	case rapport.Sent:
		o.SentAt, o.Due = s.Now(), time.Time{}
	case rapport.Doubtful:
		o.Reason, o.Verdict, o.What = "worker_died", "ambiguous", WhatSettle
	}
	return o
}

// Reconsider asks judge about rows of dead workers that somebody has declared doubtful meanwhile, and records what it
// knows better. It returns how many it settled.
func (s *Store) Reconsider(ctx context.Context, worker rapport.ID, dead []rapport.ID, judge Judge) (settled int, err error) {
	batches, err := collect(ctx, s, scanBatch, `SELECT `+batchColumns+` FROM batches WHERE what = 'settle'`)
	if err != nil {
		return 0, err
	}
	for _, b := range batches {
		err := s.Tx(ctx, func(s *Store) error {
			where, args := b.rows(0)
			rows, err := collect(ctx, s, scanInFlight, `SELECT `+inFlightColumns+` FROM messages m JOIN campaigns c ON c.id = m.campaign_id
				WHERE `+where+` AND m.state = 3 AND m.owner `+s.d.in(4), append(args, s.d.list(dead))...)
			if err != nil {
				return err
			}
			var out []Outcome
			for _, f := range rows {
				o := f.outcome(s, b, judge)
				switch o.To {
				case rapport.Doubtful:
					continue
				case rapport.Pending:
					o.What, o.Due = WhatSend, s.Now()
				}
				out = append(out, o)
			}
			d := deltas{}
			applied, err := s.record(ctx, worker, out, d)
			if err != nil {
				return err
			}
			for _, ok := range applied {
				settled += bit(ok)
			}
			return s.apply(ctx, worker, d)
		})
		if err != nil {
			return settled, err
		}
	}
	return settled, nil
}
