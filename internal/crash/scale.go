package crash

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport"
)

// Share is what so many workers sent in a measured time.
type Share struct {
	Workers int
	For     time.Duration
	Rates   map[rapport.Channel]float64 // messages a second that came to each provider
	Sent    []int                       // by each worker, the idlest first
}

func (s Share) String() string {
	var rates []string
	for _, ch := range channels {
		rates = append(rates, fmt.Sprintf("%s %.2f", ch, s.Rates[ch]))
	}
	return fmt.Sprintf("%d workers for %v: %s a second; shares %v", s.Workers, s.For.Round(time.Millisecond), strings.Join(rates, ", "), s.Sent)
}

// Off is how far the provider that is furthest off its rate is, as a part of it: negative when it is too slow.
func (s Share) Off(rate float64) (worst float64) {
	for _, r := range s.Rates {
		if off := r/rate - 1; max(off, -off) > max(worst, -worst) {
			worst = off
		}
	}
	return worst
}

// Fair is the idlest worker's part of an equal share.
func (s Share) Fair() float64 {
	total := 0
	for _, n := range s.Sent {
		total += n
	}
	if total == 0 {
		return 0
	}
	return float64(s.Sent[0]*s.Workers) / float64(total)
}

// Grow starts workers until there are n.
func (h *Harness) Grow(ctx context.Context, n int) error {
	for len(h.senders()) < n {
		p := &process{h: h, name: fmt.Sprintf("worker%d", len(h.procs)), role: "worker"}
		h.procs = append(h.procs, p)
		if err := p.start(); err != nil {
			return err
		}
	}
	h.Workers = n
	for _, p := range h.senders() {
		if err := p.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Measure counts for a while what comes to each sink, and who sent it. Between two arrivals at a rate nothing can
// be said, so each provider's time runs from one arrival to another.
func (h *Harness) Measure(ctx context.Context, d time.Duration) (s Share, err error) {
	db, err := h.database()
	if err != nil {
		return s, err
	}
	defer db.Close()
	s.Workers, s.Rates = len(h.senders()), map[rapport.Channel]float64{}
	type mark struct {
		n  int
		at time.Time
	}
	was, is := map[rapport.Channel]mark{}, map[rapport.Channel]mark{}
	first := h.arrivals()
	seen := first
	begin := time.Now()
	for time.Since(begin) < d {
		if err := pause(ctx, time.Millisecond); err != nil {
			return s, err
		}
		now := h.arrivals()
		for _, ch := range channels {
			if now[ch] == seen[ch] {
				continue
			}
			m := mark{now[ch], time.Now()}
			if _, ok := was[ch]; !ok {
				was[ch] = m
			}
			is[ch] = m
		}
		seen = now
	}
	s.For = time.Since(begin)
	for _, ch := range channels {
		if took := is[ch].at.Sub(was[ch].at); took > 0 {
			s.Rates[ch] = float64(is[ch].n-was[ch].n) / took.Seconds()
		} else {
			s.Rates[ch] = 0
		}
	}
	rows, err := db.QueryContext(ctx, `SELECT w.id, count(m.n) FROM workers w LEFT JOIN crash_moves m ON m.owner = w.id AND m.old = 2 AND m.new = 4 AND m.at >= $1
		WHERE w.dead = 0 AND w.role = 'worker' GROUP BY w.id`, begin.UnixMilli())
	if err != nil {
		return s, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return s, err
		}
		s.Sent = append(s.Sent, n)
	}
	slices.Sort(s.Sent)
	return s, rows.Err()
}

// arrivals are the sinks' counts so far.
func (h *Harness) arrivals() map[rapport.Channel]int {
	return map[rapport.Channel]int{rapport.Email: h.Sinks.Mail.Total(), rapport.SMS: len(h.Sinks.Twilio.Messages()),
		rapport.Telegram: len(h.Sinks.Bot.Messages()), rapport.Webhook: h.Sinks.Hook.Total()}
}
