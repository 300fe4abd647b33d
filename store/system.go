package store

import (
	"context"
	"time"

	"rapport"
)

// seenMost bounds what is counted for people: more than that is "very many".
const seenMost = 10_000

// Due is what waits in one lane for one channel, and nobody works on yet.
type Due struct {
	Lane    rapport.Lane
	Channel rapport.Channel
	Batches int
	Rows    int64     // messages in them
	Overdue int       // batches that have been due for more than a minute
	Oldest  time.Time // when the oldest was due
}

// DueNow sums up what is due, of the first ten thousand batches. It reads an index of batches, never messages.
func (s *Store) DueNow(ctx context.Context) ([]Due, error) {
	now := s.Now()
	return collect(ctx, s, func(scan func(...any) error) (d Due, err error) {
		var oldest int64
		err = scan(&d.Lane, &d.Channel, &d.Batches, &d.Rows, &d.Overdue, &oldest)
		d.Oldest = at(oldest)
		return
	}, `SELECT lane, channel, count(*), CAST(sum(size) AS BIGINT), CAST(sum(CASE WHEN due_at < $1 THEN 1 ELSE 0 END) AS BIGINT), min(due_at) FROM (
			SELECT b.lane, b.channel, b.size, b.due_at FROM batches b WHERE b.owner = 0 AND b.due_at <= $2
			AND (b.campaign_id = 0 OR b.what = 'settle' OR EXISTS (SELECT 1 FROM campaigns c WHERE c.id = b.campaign_id AND c.status IN ('planning', 'running', 'scheduled', 'finished')))
			ORDER BY b.due_at LIMIT $3) x GROUP BY lane, channel ORDER BY lane, channel`, ms(now.Add(-time.Minute)), ms(now), seenMost)
}

// heldAhead is how far ahead a batch is looked for that rests because nobody can carry it: what was not tried rests for
// less than a minute.
const heldAhead = 2 * time.Minute

// HeldBack counts, by channel, the messages that are to be sent now or within two minutes, of the first ten thousand
// batches. Those that found no provider well are among them: they were put off by less. At most: of a batch that is
// being worked on some have gone.
func (s *Store) HeldBack(ctx context.Context) (map[rapport.Channel]int64, error) {
	type row struct {
		channel rapport.Channel
		rows    int64
	}
	rows, err := collect(ctx, s, func(scan func(...any) error) (x row, err error) {
		err = scan(&x.channel, &x.rows)
		return
	}, `SELECT channel, CAST(sum(size) AS BIGINT) FROM (
			SELECT b.channel, b.size FROM batches b WHERE b.due_at <= $1 AND b.what = 'send' AND b.sandbox = 0
			AND (b.campaign_id = 0 OR EXISTS (SELECT 1 FROM campaigns c WHERE c.id = b.campaign_id AND c.status IN ('planning', 'running', 'scheduled', 'finished')))
			ORDER BY b.due_at LIMIT $2) x GROUP BY channel`, ms(s.Now().Add(heldAhead)), seenMost)
	out := map[rapport.Channel]int64{}
	for _, x := range rows {
		out[x.channel] = x.rows
	}
	return out, err
}

// Queues are counts that cost little: of short tables, or of what an index holds.
type Queues struct {
	Doubtful      int64 // messages in doubt, until they are settled
	Told          int64 // events that the relay has not moved on, up to ten thousand
	OldestTold    time.Time
	Deliveries    int64 // to endpoints, open, up to ten thousand
	Endpoints     int
	Failing       int // endpoints that failed last time
	Disabled      int // endpoints that nothing is sent to any more
	Jobs          int // queued or running
	CampaignsOpen int // up to ten thousand
}

// Queues counts what waits.
func (s *Store) Queues(ctx context.Context) (q Queues, err error) {
	var told int64
	for _, x := range []struct {
		query string
		args  []any
		to    []any
	}{
		{`SELECT COALESCE(CAST(sum(size) AS BIGINT), 0) FROM batches WHERE what = 'settle'`, nil, []any{&q.Doubtful}}, // one row for up to 500 messages
		{`SELECT count(*), COALESCE(min(created_at), 0) FROM (SELECT created_at FROM outbox ORDER BY id LIMIT $1) x`, []any{seenMost}, []any{&q.Told, &told}},
		{`SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE state IN ('pending', 'sending') LIMIT $1) x`, []any{seenMost}, []any{&q.Deliveries}},
		{`SELECT count(*), COALESCE(CAST(sum(CASE WHEN disabled = '' AND failing_since > 0 THEN 1 ELSE 0 END) AS BIGINT), 0), COALESCE(CAST(sum(CASE WHEN disabled <> '' THEN 1 ELSE 0 END) AS BIGINT), 0) FROM endpoints`, nil, []any{&q.Endpoints, &q.Failing, &q.Disabled}},
		{`SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')`, nil, []any{&q.Jobs}},
		{`SELECT count(*) FROM (SELECT 1 FROM campaigns WHERE status NOT IN ('finished', 'cancelled', 'draft') LIMIT $1) x`, []any{seenMost}, []any{&q.CampaignsOpen}},
	} {
		if err := s.row(ctx, x.query, x.args...).Scan(x.to...); err != nil {
			return q, err
		}
	}
	q.OldestTold = at(told)
	return q, nil
}

// Size is the engine with its version, and how many bytes the database has.
func (s *Store) Size(ctx context.Context) (version string, bytes int64, err error) {
	query, _ := s.d.about()
	var clock int64
	if err = s.row(ctx, query).Scan(&version, &clock); err != nil {
		return "", 0, err
	}
	err = s.row(ctx, s.d.size()).Scan(&bytes)
	return version, bytes, err
}
