package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"
	"time"

	"rapport"
)

// fastShare is the part of a provider's rate that the bulk lane leaves to the fast one.
const fastShare = 0.2

// bucket is a rate as one transaction sees it: the row of key (a provider, or a provider and a mail domain)
// holds the theoretical arrival time (TAT) of the generic cell rate algorithm, in microseconds. It is
// advanced in the claim's transaction and so shared by all processes.
type bucket struct {
	key   string
	now   float64 // all in microseconds
	step  float64 // between two messages
	limit float64 // how far ahead of now the TAT may be
	ahead float64 // how far it is
	spent bool
}

// bucket reads a rate. The bulk lane must stay fastShare of the burst behind the fast one.
//
// A clock that jumps does not stop sending: a TAT further ahead than any burst could have put it is read
// as now.
func (s *Store) bucket(ctx context.Context, key string, rate float64, lane rapport.Lane, now time.Time) (*bucket, error) {
	tat, err := s.lockRate(ctx, key)
	if err != nil {
		return nil, err
	}
	b := &bucket{key: key, now: float64(now.UnixMicro()), step: 1e6 / rate}
	burst := math.Max(rate/4, 1) * b.step // a quarter of a second's worth, at least one message
	b.limit = burst
	if lane == rapport.Bulk {
		b.limit = math.Max(burst*(1-fastShare), b.step)
	}
	if b.ahead = float64(tat) - b.now; b.ahead < 0 || b.ahead > 2*burst+1e6 {
		b.ahead = 0
	}
	return b, nil
}

// lockRate reads the row of key and keeps it from others until the transaction ends.
func (s *Store) lockRate(ctx context.Context, key string) (tat int64, err error) {
	q := `SELECT tat FROM rates WHERE provider = $1 ` + s.d.forUpdate()
	err = s.row(ctx, q, key).Scan(&tat)
	if errors.Is(err, sql.ErrNoRows) {
		if _, err = s.exec(ctx, `INSERT INTO rates (provider, tat) VALUES ($1, 0) ON CONFLICT DO NOTHING`, key); err != nil {
			return 0, err
		}
		err = s.row(ctx, q, key).Scan(&tat)
	}
	return tat, err
}

// free is how many messages may go now.
func (b *bucket) free() int { return max(0, int((b.limit-b.ahead)/b.step)) }

// wait is how long until the next one may.
func (b *bucket) wait() time.Duration {
	return time.Duration((b.ahead+b.step-b.limit)*1e3) + time.Millisecond
}

func (b *bucket) spend(n int) {
	b.ahead += float64(n) * b.step
	b.spent = b.spent || n > 0
}

// keep writes what was spent.
func (s *Store) keep(ctx context.Context, b *bucket) error {
	if !b.spent {
		return nil
	}
	_, err := s.exec(ctx, `UPDATE rates SET tat = $1 WHERE provider = $2`, int64(b.now+b.ahead), b.key)
	return err
}

// domains are the rates of one claim's mail domains. Rows over the rate are spread over the time that it
// needs, so that they are not all looked at again each time.
type domains struct {
	s    *Store
	r    ClaimRequest
	now  time.Time
	open map[string]*bucket
	late map[string]time.Duration
}

// until is zero when c may go now, and then it has been counted; else when it may be tried again.
func (d *domains) until(ctx context.Context, c *Claimed) (time.Time, error) {
	_, domain, ok := strings.Cut(c.Address, "@")
	if d.r.DomainRate <= 0 || !ok {
		return time.Time{}, nil
	}
	b := d.open[domain]
	if b == nil {
		var err error
		if b, err = d.s.bucket(ctx, d.r.Provider+" "+domain, d.r.DomainRate, d.r.Batch.Lane, d.now); err != nil {
			return time.Time{}, err
		}
		d.open[domain] = b
	}
	if b.free() > 0 {
		b.spend(1)
		return time.Time{}, nil
	}
	d.late[domain] += time.Duration(b.step * 1e3)
	return d.now.Add(b.wait() + d.late[domain]), nil
}

// Pause keeps a scope (provider, domain, recipient) from being used until then.
func (s *Store) Pause(ctx context.Context, scope, key string, until time.Time, reason string) error {
	_, err := s.exec(ctx, `INSERT INTO pauses (scope, key, until, reason) VALUES ($1, $2, $3, $4)
		ON CONFLICT (scope, key) DO UPDATE SET until = excluded.until, reason = excluded.reason WHERE pauses.until < excluded.until`, scope, key, ms(until), reason)
	return err
}

// Pauses lists what is paused now: until when, by "scope key".
func (s *Store) Pauses(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := s.each(ctx, func(scan func(...any) error) error {
		var scope, key string
		var until int64
		err := scan(&scope, &key, &until)
		out[scope+" "+key] = at(until)
		return err
	}, `SELECT scope, key, until FROM pauses WHERE until > $1`, ms(s.Now()))
	return out, err
}

// ForgetPauses drops those that are over.
func (s *Store) ForgetPauses(ctx context.Context) error {
	_, err := s.exec(ctx, `DELETE FROM pauses WHERE until < $1`, ms(s.Now()))
	return err
}
