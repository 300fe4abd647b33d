package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"rapport"
)

// AddResponse writes how long a thread's customer waited, up to an entry that answered or resolved. It finds since when: the
// oldest word of theirs since the last such entry. No word waited: nothing is written, and r.Waited stays 0. measure says how
// much of a stretch lies within business hours. An automatic answer is no entry that may be given.
func (s *Store) AddResponse(ctx context.Context, t rapport.Thread, entry rapport.Entry, r *rapport.Response, measure func(from, until time.Time) time.Duration) error {
	// A resolution looks back to the last one; an answer to the last answer, and to a resolution, which asks for none.
	kinds := `'first_reply', 'reply', 'resolution'`
	if r.Kind == rapport.Resolution {
		kinds = `'resolution'`
	}
	var last int64
	err := s.row(ctx, `SELECT coalesce(max(entry_id), 0) FROM responses WHERE thread_id = $1 AND kind IN (`+kinds+`)`, t.ID).Scan(&last)
	if err != nil {
		return fmt.Errorf("measuring an answer: %w", err)
	}
	var since int64
	err = s.row(ctx, `SELECT created_at FROM entries WHERE thread_id = $1 AND kind = 'inbound' AND id > $2 AND id < $3 AND meta NOT LIKE '%"auto":%' AND meta NOT LIKE '%"command":%' AND meta NOT LIKE '%"aside":true%' ORDER BY id LIMIT 1`, t.ID, last, entry.ID).Scan(&since)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("measuring an answer: %w", err)
	}
	if r.Kind != rapport.Resolution {
		var answered int
		if err := s.row(ctx, `SELECT count(*) FROM responses WHERE thread_id = $1 AND kind = 'first_reply'`, t.ID).Scan(&answered); err != nil {
			return fmt.Errorf("measuring an answer: %w", err)
		}
		if r.Kind = rapport.FirstReply; answered > 0 {
			r.Kind = rapport.NextReply
		}
	}
	if r.Agent, err = s.KeepAgent(ctx, r.Agent); err != nil {
		return err
	}
	r.ID, r.Thread, r.Channel, r.Campaign, r.WaitedFrom, r.At = s.NewID(), t.ID, entry.Channel, t.Campaign, at(since), entry.CreatedAt
	r.Waited, r.Business = max(0, r.At.Sub(r.WaitedFrom)), measure(r.WaitedFrom, r.At)
	_, err = s.exec(ctx, `INSERT INTO responses (id, thread_id, entry_id, kind, agent, channel, campaign_id, waited_from, waited_ms, business_ms, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, r.ID, r.Thread, entry.ID, string(r.Kind), r.Agent, string(r.Channel), r.Campaign, since,
		r.Waited.Milliseconds(), r.Business.Milliseconds(), ms(r.At))
	return err
}

// DropResponse forgets the fact that an entry was: the answer was not sent.
func (s *Store) DropResponse(ctx context.Context, thread, entry rapport.ID) error {
	_, err := s.exec(ctx, `DELETE FROM responses WHERE thread_id = $1 AND entry_id = $2`, thread, entry)
	return err
}

// HasResponse tells whether an entry is a fact of one of these threads.
func (s *Store) HasResponse(ctx context.Context, entry rapport.ID, threads ...rapport.ID) (bool, error) {
	var n int
	err := s.row(ctx, `SELECT count(*) FROM responses WHERE entry_id = $1 AND thread_id `+s.d.in(2), entry, s.d.list(threads)).Scan(&n)
	return n > 0, err
}

// ResponseFilter narrows Responses; empty fields do not.
type ResponseFilter struct {
	Kind        rapport.ResponseKind
	Agent       string
	Channel     rapport.Channel
	Campaign    rapport.ID
	From, Until time.Time // Until exclusive
}

// Responses lists the facts, the newest first.
func (s *Store) Responses(ctx context.Context, f ResponseFilter, p Page) ([]rapport.Response, rapport.ID, error) {
	if !storable(f.Agent) {
		return []rapport.Response{}, 0, nil
	}
	var err error
	if f.Agent, err = s.SpelledAgent(ctx, f.Agent); err != nil {
		return nil, 0, err
	}
	where, args := f.where()
	args = append(args, p.after(), p.Limit+1)
	rows, err := collect(ctx, s, scanResponse, `SELECT id, thread_id, kind, agent, channel, campaign_id, waited_from, waited_ms, business_ms, created_at FROM responses WHERE `+
		where+fmt.Sprintf(` AND id < $%d ORDER BY id DESC LIMIT $%d`, len(args)-1, len(args)), args...)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(r rapport.Response) rapport.ID { return r.ID })
	return out, next, nil
}

func scanResponse(scan func(...any) error) (r rapport.Response, err error) {
	var from, waited, business, created int64
	err = scan(&r.ID, &r.Thread, &r.Kind, &r.Agent, &r.Channel, &r.Campaign, &from, &waited, &business, &created)
	r.WaitedFrom, r.Waited, r.Business, r.At = at(from), time.Duration(waited)*time.Millisecond, time.Duration(business)*time.Millisecond, at(created)
	return
}

func (f ResponseFilter) where() (string, []any) {
	until := int64(1) << 62
	if !f.Until.IsZero() {
		until = ms(f.Until)
	}
	return `created_at >= $1 AND created_at < $2 AND ($3 = '' OR kind = $3) AND ($4 = '' OR agent = $4) AND ($5 = '' OR channel = $5) AND ($6 = 0 OR campaign_id = $6)`,
		[]any{ms(f.From), until, string(f.Kind), f.Agent, string(f.Channel), int64(f.Campaign)}
}

// ResponseSummary tells how facts of one kind are spread.
type ResponseSummary struct {
	Kind           rapport.ResponseKind
	Count          int64
	Median, P90    time.Duration // as the clock goes
	BusinessMedian time.Duration
	BusinessP90    time.Duration
}

// SummarizeResponses counts and ranks what the filter leaves, by kind. A percentile is the smallest value that so many of a
// hundred do not exceed (nearest rank), by the database: each is one row at an offset.
func (s *Store) SummarizeResponses(ctx context.Context, f ResponseFilter) ([]ResponseSummary, error) {
	out := []ResponseSummary{}
	var err error
	if f.Agent, err = s.SpelledAgent(ctx, f.Agent); err != nil {
		return nil, err
	}
	for _, kind := range rapport.ResponseKinds {
		if f.Kind != "" && f.Kind != kind {
			continue
		}
		one := f
		one.Kind = kind
		where, args := one.where()
		sum := ResponseSummary{Kind: kind}
		if err := s.row(ctx, `SELECT count(*) FROM responses WHERE `+where, args...).Scan(&sum.Count); err != nil {
			return nil, fmt.Errorf("counting answers: %w", err)
		}
		if sum.Count > 0 {
			for _, x := range []struct {
				column  string
				percent int64
				to      *time.Duration
			}{{"waited_ms", 50, &sum.Median}, {"waited_ms", 90, &sum.P90}, {"business_ms", 50, &sum.BusinessMedian}, {"business_ms", 90, &sum.BusinessP90}} {
				var millis int64
				err := s.row(ctx, `SELECT `+x.column+` FROM responses WHERE `+where+fmt.Sprintf(` ORDER BY %s LIMIT 1 OFFSET %d`, x.column, (sum.Count*x.percent+99)/100-1), args...).Scan(&millis)
				if err != nil && !errors.Is(err, sql.ErrNoRows) { // rows may have gone since they were counted
					return nil, fmt.Errorf("ranking answers: %w", err)
				}
				*x.to = time.Duration(millis) * time.Millisecond
			}
		}
		out = append(out, sum)
	}
	return out, nil
}
