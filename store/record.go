package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport"
)

// Outcome is what became of one attempt.
type Outcome struct {
	ID       rapport.ID
	Campaign rapport.ID
	Counted  bool // the campaign keeps a ledger of its own (kind campaign)
	Channel  rapport.Channel
	Lane     rapport.Lane
	Sandbox  bool
	Attempt  int // the fence: an outcome of an older attempt changes nothing
	Provider string

	To         rapport.State
	Reason     string
	ProviderID string
	SentAt     time.Time
	Segments   int
	Micros     int64

	Miss bool // it failed for the provider's sake, and counts towards giving up

	Verdict, Code, Detail string // what the attempt said, when it did not simply succeed

	// What, when not empty, puts the row into a new batch: send (a retry), settle or escalate, at Due.
	What string
	Due  time.Time
	Pin  string // the only provider that may carry the retry

	// Effect, when not nil, runs in the same transaction if the outcome counts: a suppression, a pause.
	Effect func(context.Context, *Store) error

	// Notice, when not nil, is told in the same transaction if the outcome counts.
	Notice *rapport.Notice
}

// Commit is the one transaction of the delivery's hot path: it records what gathered, then serves claims.
// applied tells which outcomes counted; the others came too late.
func (s *Store) Commit(ctx context.Context, worker rapport.ID, outs []Outcome, reqs []ClaimRequest) (applied []bool, res []ClaimResult, err error) {
	// An outcome that has an effect, or puts its row into another batch, is seen through before rows are claimed.
	// Others need not be waited for.
	first := slices.ContainsFunc(outs, func(o Outcome) bool { return o.Effect != nil || o.What != "" })
	err = s.Tx(ctx, func(s *Store) (err error) {
		res = make([]ClaimResult, len(reqs))
		d := deltas{}
		now := ms(s.Now())
		if applied, err = s.recordStates(ctx, outs, now); err != nil {
			return fmt.Errorf("recording outcomes: %w", err)
		}
		if first {
			if err := s.recorded(ctx, worker, outs, applied, d, now); err != nil {
				return fmt.Errorf("recording outcomes: %w", err)
			}
		}
		// By provider, in the same order everywhere: a claim locks the provider's rate, and two processes that lock
		// several in an order of their own wait for each other until PostgreSQL breaks the knot, a second later.
		order := make([]int, len(reqs))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(reqs[a].Provider, reqs[b].Provider) })
		for _, i := range order {
			if res[i], err = s.claim(ctx, reqs[i], d); err != nil {
				return fmt.Errorf("claiming: %w", err)
			}
		}
		if !first {
			if err := s.recorded(ctx, worker, outs, applied, d, now); err != nil {
				return fmt.Errorf("recording outcomes: %w", err)
			}
		}
		return s.apply(ctx, worker, d)
	})
	return applied, res, err
}

// record writes outcomes in the caller's transaction and counts them in d.
func (s *Store) record(ctx context.Context, worker rapport.ID, outs []Outcome, d deltas) (applied []bool, err error) {
	now := ms(s.Now())
	if applied, err = s.recordStates(ctx, outs, now); err == nil {
		err = s.recorded(ctx, worker, outs, applied, d, now)
	}
	return applied, err
}

// recorded is what follows recordStates: it waits for the answer, and completes applied by outcomes that prove what
// became of a row in doubt.
func (s *Store) recorded(ctx context.Context, worker rapport.ID, outs []Outcome, applied []bool, d deltas, now int64) error {
	if len(outs) == 0 {
		return nil
	}
	if err := s.tx.flush(ctx); err != nil {
		return err
	}
	for i := range outs {
		o := &outs[i]
		from := rapport.Sending
		if !applied[i] {
			if o.To == rapport.Doubtful {
				continue // somebody else declared it doubtful already
			}
			// A row that was declared doubtful while its sender was only slow: the sender's certain outcome, or
			// what settling found out, is proof. Anything else came too late.
			n, err := s.exec(ctx, `UPDATE messages SET state = $1, reason = $2, updated_at = $3, sent_at = $4,
				due_at = CASE WHEN CAST($5 AS BIGINT) = 0 THEN due_at ELSE CAST($5 AS BIGINT) END, misses = misses + $8
				WHERE id = $6 AND attempt = $7 AND state = 3`, int64(o.To), o.Reason, now, ms(o.SentAt), ms(o.Due), o.ID, o.Attempt, bit(o.Miss))
			// Also when the row has moved on: a receipt may have come before us. What a later attempt is called stays.
			if ref := o.ref(); err == nil && ref != "" {
				_, err = s.exec(ctx, `UPDATE messages SET provider_ref = $1 WHERE id = $2 AND provider = $3 AND provider_ref = ''`, ref, o.ID, o.Provider)
			}
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			applied[i], from = true, rapport.Doubtful
		}
		if o.Counted {
			d.move(o.Campaign, from, o.To)
		}
	}
	if err := s.details(ctx, worker, outs, applied, now); err != nil {
		return err
	}
	if err := s.rebatch(ctx, outs, applied); err != nil {
		return err
	}
	if err := s.tellOutcomes(ctx, outs, applied); err != nil {
		return err
	}
	for i := range outs {
		if applied[i] && outs[i].Effect != nil {
			if err := outs[i].Effect(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// recordStates sets the new state of rows that are still in this attempt. A row that becomes doubtful keeps
// the time of its claim: settling asks the provider about that time, which may lie long before a crash was
// noticed. On SQLite one prepared statement by
// id a row (an UPDATE from a VALUES list scans the table there); on PostgreSQL one statement over arrays, and what
// it returns is known after the next flush.
func (s *Store) recordStates(ctx context.Context, outs []Outcome, now int64) ([]bool, error) {
	applied := make([]bool, len(outs))
	if len(outs) == 0 {
		return applied, nil
	}
	if s.d.name() == "postgres" {
		ids, sent, due := make([]int64, len(outs)), make([]int64, len(outs)), make([]int64, len(outs))
		states, attempts, misses := make([]int16, len(outs)), make([]int16, len(outs)), make([]int16, len(outs))
		reasons, refs := make([]string, len(outs)), make([]string, len(outs))
		place := make(map[rapport.ID]int, len(outs))
		alike, named := true, false
		for i := range outs {
			o := &outs[i]
			ids[i], states[i], attempts[i], sent[i], due[i], reasons[i] = int64(o.ID), int16(o.To), int16(o.Attempt), ms(o.SentAt), ms(o.Due), o.Reason
			misses[i], refs[i] = int16(bit(o.Miss)), o.ref()
			named = named || refs[i] != ""
			place[o.ID] = i
			alike = alike && o.To == outs[0].To && o.Reason == outs[0].Reason && o.Attempt == outs[0].Attempt && o.To != rapport.Doubtful && o.Due.IsZero() && !o.Miss
		}
		found := func(scan func(...any) error) error {
			var id rapport.ID
			err := scan(&id)
			applied[place[id]] = true
			return err
		}
		// Nearly always: what all have in common travels once.
		if alike && !named {
			return applied, s.tx.later(ctx, found, `UPDATE messages m SET state = $1, reason = $2, updated_at = $3, sent_at = u.sent
				FROM unnest($4::bigint[], $5::bigint[]) AS u(id, sent) WHERE m.id = u.id AND m.attempt = $6 AND m.state = 2 RETURNING m.id`,
				[]any{states[0], reasons[0], now, ids, sent, attempts[0]})
		}
		if alike {
			return applied, s.tx.later(ctx, found, `UPDATE messages m SET state = $1, reason = $2, updated_at = $3, sent_at = u.sent, provider_ref = u.ref
				FROM unnest($4::bigint[], $5::bigint[], $7::text[]) AS u(id, sent, ref) WHERE m.id = u.id AND m.attempt = $6 AND m.state = 2 RETURNING m.id`,
				[]any{states[0], reasons[0], now, ids, sent, attempts[0], refs})
		}
		return applied, s.tx.later(ctx, found, `UPDATE messages m SET state = u.state, reason = u.reason, updated_at = CASE WHEN u.state = 3 THEN m.updated_at ELSE $7 END, sent_at = u.sent, due_at = CASE WHEN u.due = 0 THEN m.due_at ELSE u.due END, misses = m.misses + u.miss, provider_ref = CASE u.ref WHEN '' THEN m.provider_ref ELSE u.ref END
			FROM unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::text[], $5::bigint[], $6::bigint[], $8::smallint[], $9::text[]) AS u(id, state, attempt, reason, sent, due, miss, ref)
			WHERE m.id = u.id AND m.attempt = u.attempt AND m.state = 2 RETURNING m.id`, []any{ids, states, attempts, reasons, sent, due, now, misses, refs})
	}
	for i := range outs {
		o := &outs[i]
		if o.To != rapport.Doubtful && o.Due.IsZero() && !o.Miss { // nearly all: fewer values, without numbers, are bound in half the time
			q := `UPDATE messages SET state = ?, reason = ?, updated_at = ?, sent_at = ? WHERE id = ? AND attempt = ? AND state = 2`
			args := []any{int64(o.To), o.Reason, now, ms(o.SentAt), int64(o.ID), o.Attempt}
			if ref := o.ref(); ref != "" {
				q = `UPDATE messages SET state = ?, reason = ?, updated_at = ?, sent_at = ?, provider_ref = ? WHERE id = ? AND attempt = ? AND state = 2`
				args = []any{int64(o.To), o.Reason, now, ms(o.SentAt), ref, int64(o.ID), o.Attempt}
			}
			n, err := s.exec(ctx, q, args...)
			if err != nil {
				return nil, err
			}
			applied[i] = n == 1
			continue
		}
		n, err := s.exec(ctx, `UPDATE messages SET state = $1, reason = $2, updated_at = CASE WHEN $1 = 3 THEN updated_at ELSE $3 END, sent_at = $4,
			due_at = CASE WHEN $5 = 0 THEN due_at ELSE $5 END, misses = misses + $8, provider_ref = CASE $9 WHEN '' THEN provider_ref ELSE $9 END
			WHERE id = $6 AND attempt = $7 AND state = 2`, int64(o.To), o.Reason, now, ms(o.SentAt), ms(o.Due), int64(o.ID), o.Attempt, bit(o.Miss), o.ref())
		if err != nil {
			return nil, err
		}
		applied[i] = n == 1
	}
	return applied, nil
}

// ownID is the message that a provider's id names by itself, because it is the token that we gave, or begins
// with it as a Message-ID does; 0: none. Such an id need not be stored.
func ownID(providerID string) rapport.ID {
	token, _, _ := strings.Cut(providerID, "@")
	id, err := rapport.KindMessage.Parse(token)
	if err != nil {
		return 0
	}
	return id
}

// ref is what the provider calls the message, as far as it must be stored.
func (o *Outcome) ref() string {
	if o.ProviderID == "" || ownID(o.ProviderID) == o.ID {
		return ""
	}
	return o.ProviderID
}

// details stores costs, and what attempts said that did not simply succeed.
func (s *Store) details(ctx context.Context, worker rapport.ID, outs []Outcome, applied []bool, now int64) error {
	var said, costs [][]any
	sums := map[rapport.ID]map[rapport.Channel][2]int64{}
	for i := range outs {
		o := &outs[i]
		if !applied[i] {
			continue
		}
		if o.Verdict != "" {
			said = append(said, []any{o.ID, o.Attempt, o.Provider, o.Verdict, o.Reason, o.Code, cut(o.Detail, 500), now})
		}
		if (o.Segments > 0 || o.Micros > 0) && o.Counted {
			m := sums[o.Campaign]
			if m == nil {
				m = map[rapport.Channel][2]int64{}
				sums[o.Campaign] = m
			}
			m[o.Channel] = [2]int64{m[o.Channel][0] + int64(o.Segments), m[o.Channel][1] + o.Micros}
		}
	}
	if err := s.bulkLater(ctx, "attempts", []column{{"message_id", "bigint"}, {"attempt", "smallint"}, {"provider", "text"}, {"verdict", "text"},
		{"reason", "text"}, {"code", "text"}, {"detail", "text"}, {"at", "bigint"}}, said, "ON CONFLICT DO NOTHING"); err != nil {
		return err
	}
	for campaign, m := range sums {
		for ch, v := range m {
			costs = append(costs, []any{campaign, worker, string(ch), v[0], v[1]})
		}
	}
	return s.bulkLater(ctx, "campaign_costs", []column{{"campaign_id", "bigint"}, {"worker", "bigint"}, {"channel", "text"}, {"segments", "bigint"}, {"micros", "bigint"}}, costs,
		"ON CONFLICT (campaign_id, channel, worker) DO UPDATE SET segments = campaign_costs.segments + excluded.segments, micros = campaign_costs.micros + excluded.micros")
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

// tellOutcomes writes the notices of outcomes that count: none, unless somebody subscribes to them.
func (s *Store) tellOutcomes(ctx context.Context, outs []Outcome, applied []bool) error {
	var notices []rapport.Notice
	for i := range outs {
		if outs[i].Notice != nil && applied[i] {
			notices = append(notices, *outs[i].Notice)
		}
	}
	return s.Tell(ctx, notices...)
}

// rebatch puts rows that wait for something new into batches of their own: the same campaign, lane,
// channel, purpose and due second (a minute when it is further away).
func (s *Store) rebatch(ctx context.Context, outs []Outcome, applied []bool) error {
	type group struct {
		campaign rapport.ID
		what     string
		lane     rapport.Lane
		channel  rapport.Channel
		sandbox  bool
		pin      string
		due      int64
	}
	made := map[group]*Batch{}
	var moves [][]any
	for i, o := range outs {
		if !applied[i] || o.What == "" {
			continue
		}
		g := group{0, o.What, o.Lane, o.Channel, o.Sandbox, o.Pin, ms(o.Due) / 1000}
		if o.Counted {
			g.campaign = o.Campaign
		}
		if o.Due.Sub(s.Now()) > 2*time.Minute {
			g.due = g.due / 60 * 60
		}
		b := made[g]
		if b == nil {
			b = &Batch{ID: s.NewID(), Campaign: g.campaign, What: o.What, Lane: o.Lane, Channel: o.Channel, Provider: o.Pin, Sandbox: o.Sandbox, Due: o.Due}
			made[g] = b
		}
		if o.Due.Before(b.Due) != (o.What == WhatEscalate) {
			b.Due = o.Due // an escalation looks once, so it waits for the last of its rows
		}
		b.Size++
		moves = append(moves, []any{o.ID, b.ID, 1})
	}
	if len(moves) == 0 {
		return nil
	}
	bs := make([]Batch, 0, len(made))
	for _, b := range made {
		bs = append(bs, *b)
	}
	if err := s.insertBatches(ctx, bs); err != nil {
		return err
	}
	_, err := s.update(ctx, "messages", 1, []column{{"id", "bigint"}, {"batch_id", "bigint"}, {"moved", "smallint"}}, moves)
	return err
}
