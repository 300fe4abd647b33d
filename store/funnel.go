package store

import (
	"context"
	"time"

	"rapport"
)

// Funnel is how a campaign's messages fared, and when.
type Funnel struct {
	States  []FunnelState
	Engaged []FunnelEngaged
	Step    time.Duration // of Points
	Points  []FunnelPoint
}

// FunnelState is how many messages of a channel stand at a state, for a reason.
type FunnelState struct {
	Channel rapport.Channel
	State   rapport.State
	Reason  string
	N       int64
}

// FunnelEngaged is with how many messages of a channel people did something.
type FunnelEngaged struct {
	Channel rapport.Channel
	Kind    rapport.Engagement
	N       int64
}

// FunnelPoint is what happened within a step: how many were sent, delivered (by the provider's word), opened and so on for
// the first time.
type FunnelPoint struct {
	At   time.Time
	What string // sent, delivered, or an engagement
	N    int64
}

// mostPoints is how many steps a campaign's time is cut into at most.
const mostPoints = 300

var funnelSteps = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour}

// stepFor is the shortest step that cuts a time into few enough.
func stepFor(span time.Duration) time.Duration {
	for _, step := range funnelSteps {
		if span/step < mostPoints {
			return step
		}
	}
	return funnelSteps[len(funnelSteps)-1]
}

// Funnel counts a campaign's rows themselves, so that what it says adds up. It reads them three times over: the caller
// keeps the answer for a while.
func (s *Store) Funnel(ctx context.Context, campaign rapport.ID) (f Funnel, err error) {
	var first, last int64
	span := func(from, to int64) {
		if from > 0 && (first == 0 || from < first) {
			first = from
		}
		last = max(last, to)
	}
	err = s.each(ctx, func(scan func(...any) error) error {
		var x FunnelState
		var from, to int64
		err := scan(&x.Channel, &x.State, &x.Reason, &x.N, &from, &to)
		f.States = append(f.States, x)
		span(from, to)
		return err
	}, `SELECT channel, state, reason, count(*), coalesce(min(nullif(sent_at, 0)), 0), max(sent_at) FROM messages WHERE campaign_id = $1 GROUP BY channel, state, reason ORDER BY channel, state, count(*) DESC, reason`, campaign)
	if err != nil {
		return f, err
	}
	err = s.each(ctx, func(scan func(...any) error) error {
		var x FunnelEngaged
		var from, to int64
		err := scan(&x.Channel, &x.Kind, &x.N, &from, &to)
		f.Engaged = append(f.Engaged, x)
		span(from, to)
		return err
	}, `SELECT m.channel, e.kind, count(*), min(e.first_at), max(e.first_at) FROM engagements e JOIN messages m ON m.id = e.message_id WHERE e.campaign_id = $1 AND e.n > 0 GROUP BY m.channel, e.kind ORDER BY 1, 2`, campaign)
	if err != nil || first == 0 {
		return f, err
	}
	f.Step = stepFor(time.Duration(last-first) * time.Millisecond)
	step := f.Step.Milliseconds()
	point := func(scan func(...any) error) error {
		var x FunnelPoint
		var n int64
		err := scan(&x.What, &n, &x.N)
		x.At = at(n * step)
		f.Points = append(f.Points, x)
		return err
	}
	for _, q := range []string{
		`SELECT 'sent', sent_at / $2 AS step, count(*) FROM messages WHERE campaign_id = $1 AND sent_at > 0 GROUP BY 2 ORDER BY 2`,
		`SELECT 'delivered', r.at / $2 AS step, count(*) FROM messages m JOIN receipts r ON r.message_id = m.id WHERE m.campaign_id = $1 AND r.kind = 'delivered' GROUP BY 2 ORDER BY 2`,
		`SELECT kind, first_at / $2 AS step, count(*) FROM engagements WHERE campaign_id = $1 AND n > 0 GROUP BY 1, 2 ORDER BY 1, 2`,
	} {
		if err := s.each(ctx, point, q, campaign, step); err != nil {
			return f, err
		}
	}
	return f, nil
}
