package store

import (
	"context"
	"encoding/json"
	"time"

	"rapport"
)

const (
	// TallySlot is how finely it is kept what providers made of what they were handed.
	TallySlot = 10 * time.Second
	tallyKept = 2 * time.Hour
)

// ProviderTally counts what a provider took and did not take.
type ProviderTally struct {
	Provider string
	Sent     int64
	Failed   int64
}

// ProviderState is how a provider looked to one process when it wrote State last.
type ProviderState struct {
	Provider string
	Worker   rapport.ID
	State    json.RawMessage
	At       time.Time
}

// ReportProviders adds tallies to the slot of now and replaces states, in one transaction.
func (s *Store) ReportProviders(ctx context.Context, worker rapport.ID, tallies []ProviderTally, states []ProviderState) error {
	return s.Tx(ctx, func(s *Store) error {
		now := s.Now()
		for _, t := range tallies {
			if _, err := s.exec(ctx, `INSERT INTO provider_slots (provider, slot, worker, sent, failed) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (provider, slot, worker) DO UPDATE SET sent = provider_slots.sent + excluded.sent, failed = provider_slots.failed + excluded.failed`,
				t.Provider, ms(now)/TallySlot.Milliseconds(), worker, t.Sent, t.Failed); err != nil {
				return err
			}
		}
		for _, x := range states {
			if _, err := s.exec(ctx, `INSERT INTO provider_states (provider, worker, state, updated_at) VALUES ($1, $2, $3, $4)
				ON CONFLICT (provider, worker) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at`, x.Provider, worker, string(x.State), ms(now)); err != nil {
				return err
			}
		}
		return nil
	})
}

// ProviderTallies sums what every process has reported since then, of providers that were handed anything.
func (s *Store) ProviderTallies(ctx context.Context, since time.Time) (map[string]ProviderTally, error) {
	rows, err := collect(ctx, s, func(scan func(...any) error) (t ProviderTally, err error) {
		err = scan(&t.Provider, &t.Sent, &t.Failed)
		return
	}, `SELECT provider, CAST(sum(sent) AS BIGINT), CAST(sum(failed) AS BIGINT) FROM provider_slots WHERE slot > $1 GROUP BY provider`, ms(since)/TallySlot.Milliseconds())
	out := make(map[string]ProviderTally, len(rows))
	for _, t := range rows {
		out[t.Provider] = t
	}
	return out, err
}

// ProviderStates lists what the living processes say of their providers, the newest first.
func (s *Store) ProviderStates(ctx context.Context) ([]ProviderState, error) {
	return collect(ctx, s, func(scan func(...any) error) (x ProviderState, err error) {
		var state string
		var updated int64
		err = scan(&x.Provider, &x.Worker, &state, &updated)
		x.State, x.At = json.RawMessage(state), at(updated)
		return
	}, `SELECT p.provider, p.worker, p.state, p.updated_at FROM provider_states p JOIN workers w ON w.id = p.worker WHERE w.dead = 0 ORDER BY p.updated_at DESC, p.worker`)
}

// ForgetReports drops old tallies, and the states of processes that are gone.
func (s *Store) ForgetReports(ctx context.Context) error {
	if _, err := s.exec(ctx, `DELETE FROM provider_slots WHERE slot < $1`, ms(s.Now().Add(-tallyKept))/TallySlot.Milliseconds()); err != nil {
		return err
	}
	_, err := s.exec(ctx, `DELETE FROM provider_states WHERE worker NOT IN (SELECT id FROM workers WHERE dead = 0)`)
	return err
}

// PausedProviders tells until when providers are left alone as a whole.
func (s *Store) PausedProviders(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := s.each(ctx, func(scan func(...any) error) error {
		var key string
		var until int64
		err := scan(&key, &until)
		out[key] = at(until)
		return err
	}, `SELECT key, until FROM pauses WHERE scope = 'provider' AND until > $1`, ms(s.Now()))
	return out, err
}
