package store

import (
	"context"
	"encoding/json"
	"time"

	"rapport"
)

// Row is a message to be written, with the variables it is rendered with.
type Row struct {
	Message rapport.Message
	Counted bool
	Lane    rapport.Lane
	Sandbox bool
	Vars    json.RawMessage
	Own     bool // when it is due now, its batch is the worker's from the beginning: nobody else takes it
}

var messageCols = []column{{"id", "bigint"}, {"campaign_id", "bigint"}, {"customer_id", "bigint"}, {"address_id", "bigint"}, {"batch_id", "bigint"},
	{"epoch", "bigint"}, {"due_at", "bigint"}, {"window_end", "bigint"}, {"expires_at", "bigint"}, {"updated_at", "bigint"}, {"state", "smallint"},
	{"seq", "bigint"}, {"channel", "text"}, {"reason", "text"}, {"vars", "text"}}

// AddMessages writes message rows, in the order of their ids, with their variables, counters and batches,
// in the caller's transaction, and returns the batches that are due now. Where the (campaign, customer, channel) of one
// is there already the error is ErrPlannedTwice, and the transaction is lost.
func (s *Store) AddMessages(ctx context.Context, worker rapport.ID, rows []Row) (due []Batch, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	now := s.Now()
	type group struct {
		campaign rapport.ID
		lane     rapport.Lane
		channel  rapport.Channel
		sandbox  bool
		due      int64
		owner    rapport.ID
	}
	made := map[group]*Batch{}
	var order []*Batch
	d := deltas{}
	var campaign, customer, batches, dueAt, end, expires, epoch boxed[int64]
	var channel, reason, said boxed[string]
	stamp := any(ms(now))
	values, all := make([]any, 0, len(rows)*len(messageCols)), make([][]any, len(rows))
	for i := range rows {
		m := &rows[i].Message
		var batch rapport.ID
		if m.State == rapport.Pending {
			g := group{0, rows[i].Lane, m.Channel, rows[i].Sandbox, ms(m.Due) / 60000, 0}
			if !m.Due.After(now) {
				g.due = 0
				if rows[i].Own {
					g.owner = worker
				}
			}
			if rows[i].Counted {
				g.campaign = m.Campaign
			}
			b := made[g]
			if b == nil || b.Size == MaxRows {
				b = &Batch{ID: s.NewID(), Campaign: g.campaign, What: WhatSend, Lane: g.lane, Channel: m.Channel, Sandbox: g.sandbox, Due: m.Due, Owner: g.owner}
				made[g] = b
				order = append(order, b)
			}
			if m.Due.Before(b.Due) {
				b.Due = m.Due
			}
			b.Size++
			b.Last = m.ID
			if b.First == 0 {
				b.First = m.ID
			}
			batch = b.ID
		}
		m.Batch = batch
		vars := rows[i].Vars
		if m.State != rapport.Pending {
			vars = nil
		}
		from := len(values)
		values = append(values, int64(m.ID), campaign.of(int64(m.Campaign)), customer.of(int64(m.Customer)), int64(m.Address), batches.of(int64(batch)), epoch.of(m.Epoch),
			dueAt.of(ms(m.Due)), end.of(ms(m.WindowEnd)), expires.of(ms(m.ExpiresAt)), stamp, int64(m.State), customer.of(m.Seq), channel.of(string(m.Channel)), reason.of(m.Reason), said.of(string(vars)))
		all[i] = values[from:]
		if rows[i].Counted {
			d.add(m.Campaign, m.State.String(), 1)
			d.add(m.Campaign, "planned", 1)
		}
	}
	// Without ON CONFLICT, which makes PostgreSQL look into the indexes twice and log each row twice.
	_, err = s.bulk(ctx, "messages", messageCols, all, "")
	if s.Duplicate(err) {
		err = ErrPlannedTwice
	}
	if err != nil {
		return nil, err
	}
	bs := make([]Batch, len(order))
	for i, b := range order {
		bs[i] = *b
		if !b.Due.After(now) {
			due = append(due, *b)
		}
	}
	if err = s.insertBatches(ctx, bs); err != nil {
		return nil, err
	}
	return due, s.apply(ctx, worker, d)
}

// boxed makes an interface of a value once for all rows that have it one after the other: boxes are most of the garbage
// of a bulk statement.
type boxed[T comparable] struct {
	value T
	box   any
}

func (b *boxed[T]) of(value T) any {
	if b.box == nil || b.value != value {
		b.value, b.box = value, value
	}
	return b.box
}

// ErrPlannedTwice means that a page holds a customer whose message of this campaign and channel exists;
// find out with PlannedAlready and leave those out.
var ErrPlannedTwice = rapport.Errorf(rapport.CodeConflict, "a message of this campaign to this customer on this channel exists already")

// PlannedAlready tells which of customers have a message of the campaign, by channel.
func (s *Store) PlannedAlready(ctx context.Context, campaign rapport.ID, customers []rapport.ID) (map[rapport.ID][]rapport.Channel, error) {
	out := map[rapport.ID][]rapport.Channel{}
	if len(customers) == 0 {
		return out, nil
	}
	err := s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var c rapport.Channel
		err := scan(&id, &c)
		out[id] = append(out[id], c)
		return err
	}, `SELECT m.customer_id, m.channel FROM `+s.d.among(2, "bigint", "messages", "m", "campaign_id = $1", "customer_id"), campaign, s.d.list(customers))
	return out, err
}

// PlannedBetween tells which customers with ids from first to last have a message of the campaign.
func (s *Store) PlannedBetween(ctx context.Context, campaign, first, last rapport.ID) (map[rapport.ID]bool, error) {
	out := map[rapport.ID]bool{}
	err := s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		err := scan(&id)
		out[id] = true
		return err
	}, `SELECT customer_id FROM messages WHERE campaign_id = $1 AND customer_id >= $2 AND customer_id <= $3`, campaign, first, last)
	return out, err
}

// AdvancePlan moves a campaign's planning cursor. False: another planner was here, or the campaign is
// paused or ended; nothing of the page may be written then. (In quarantine only closing it plans.)
func (s *Store) AdvancePlan(ctx context.Context, campaign rapport.ID, from, to int64, refused int64) (bool, error) {
	n, err := s.exec(ctx, `UPDATE campaigns SET cursor = $1, refused = refused + $2 WHERE id = $3 AND cursor = $4 AND status IN ('planning', 'quarantined')`, to, refused, campaign, from)
	return n == 1, err
}

// Redecide writes what deciding again made of pending rows: a new due time, or an end.
type Redecided struct {
	ID        rapport.ID
	Campaign  rapport.ID
	Counted   bool
	Lane      rapport.Lane
	Sandbox   bool
	Channel   rapport.Channel
	State     rapport.State // Pending, Skipped, Expired, Cancelled
	Reason    string
	Epoch     int64
	Due       time.Time
	WindowEnd time.Time
	Stay      bool // pending and due now: it stays in its batch
	Pin       string
	Notice    *rapport.Notice // told if the row was still pending
}

// Redecide applies rs to rows that are still pending.
func (s *Store) Redecide(ctx context.Context, worker rapport.ID, rs []Redecided) error {
	return s.Tx(ctx, func(s *Store) error {
		d := deltas{}
		outs := make([]Outcome, len(rs))
		applied := make([]bool, len(rs))
		var notices []rapport.Notice
		now := ms(s.Now())
		for i, r := range rs {
			n, err := s.exec(ctx, `UPDATE messages SET state = $1, reason = $2, epoch = $3, due_at = $4, window_end = $5, updated_at = $6 WHERE id = $7 AND state = 1`,
				int64(r.State), r.Reason, r.Epoch, ms(r.Due), ms(r.WindowEnd), now, r.ID)
			if err != nil {
				return err
			}
			applied[i] = n == 1 && r.State == rapport.Pending && !r.Stay
			outs[i] = Outcome{ID: r.ID, Campaign: r.Campaign, Counted: r.Counted, Lane: r.Lane, Channel: r.Channel, Sandbox: r.Sandbox, What: WhatSend, Due: r.Due, Pin: r.Pin}
			if n == 1 && r.State != rapport.Pending && r.Counted {
				d.move(r.Campaign, rapport.Pending, r.State)
			}
			if n == 1 && r.Notice != nil {
				notices = append(notices, *r.Notice)
			}
		}
		if err := s.Tell(ctx, notices...); err != nil {
			return err
		}
		if err := s.rebatch(ctx, outs, applied); err != nil {
			return err
		}
		return s.apply(ctx, worker, d)
	})
}

// CancelRows closes up to MaxRows pending rows of a cancelled campaign (customers: only theirs, when
// not nil). It returns how many it closed; fewer than MaxRows means that no more are waiting.
func (s *Store) CancelRows(ctx context.Context, worker rapport.ID, c *rapport.Campaign, customers []rapport.ID) (int, error) {
	n := 0
	err := s.Tx(ctx, func(s *Store) error {
		q := `SELECT id FROM messages WHERE campaign_id = $1 AND state = 1`
		args := []any{c.ID, MaxRows}
		if customers != nil {
			q += ` AND customer_id ` + s.d.in(3)
			args = append(args, s.d.list(customers))
		}
		ids, err := collect(ctx, s, func(scan func(...any) error) (id rapport.ID, err error) { err = scan(&id); return }, q+` LIMIT $2`, args...)
		if err != nil || len(ids) == 0 {
			return err
		}
		closed, err := s.exec(ctx, `UPDATE messages SET state = 9, reason = 'cancelled', updated_at = $1 WHERE state = 1 AND id `+s.d.in(2), ms(s.Now()), s.d.list(ids))
		if err != nil {
			return err
		}
		n = int(closed)
		if c.Kind == rapport.KindOfCampaign {
			d := deltas{}
			d.add(c.ID, rapport.Pending.String(), -closed)
			d.add(c.ID, rapport.Cancelled.String(), closed)
			return s.apply(ctx, worker, d)
		}
		return nil
	})
	return n, err
}

// DropIdleBatches deletes a cancelled campaign's batches that nobody works on.
func (s *Store) DropIdleBatches(ctx context.Context, campaign rapport.ID) error {
	_, err := s.exec(ctx, `DELETE FROM batches WHERE campaign_id = $1 AND owner = 0 
		AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.batch_id = batches.id AND m.moved = 1 AND m.state IN (1, 2, 3))
		AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.batch_id = batches.id AND m.id >= batches.first_id AND m.id <= batches.last_id AND m.state IN (1, 2, 3))`, campaign)
	return err
}

// Postpone lets rows wait until then, where they are.
func (s *Store) Postpone(ctx context.Context, ids []rapport.ID, until time.Time) error {
	_, err := s.exec(ctx, `UPDATE messages SET due_at = $1 WHERE id `+s.d.in(2), ms(until), s.d.list(ids))
	return err
}
