package store

import (
	"context"
	"fmt"

	"rapport"
)

// eachPreference calls fn for the preferences of the customers in list (see dialect.list).
func (s *Store) eachPreference(ctx context.Context, list any, fn func(rapport.ID, rapport.Preference)) error {
	return s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var p rapport.Preference
		var enabled int
		if err := scan(&id, &p.Topic, &p.Channel, &enabled); err != nil {
			return err
		}
		p.Enabled = enabled == 1
		fn(id, p)
		return nil
	}, `SELECT customer_id, topic, channel, enabled FROM preferences WHERE customer_id `+s.d.in(1)+` ORDER BY customer_id, topic, channel`, list)
}

// Preferences of one customer, by topic and channel.
func (s *Store) Preferences(ctx context.Context, customer rapport.ID) ([]rapport.Preference, error) {
	out := []rapport.Preference{}
	return out, s.eachPreference(ctx, s.d.list([]rapport.ID{customer}), func(_ rapport.ID, p rapport.Preference) { out = append(out, p) })
}

// SetPreferences stores answers of one customer (at most MaxRows); earlier answers to other questions
// stay. Of two to the same question the later one counts.
func (s *Store) SetPreferences(ctx context.Context, customer rapport.ID, prefs []rapport.Preference) error {
	if len(prefs) > MaxRows {
		return fmt.Errorf("storing preferences: %d in one call, at most %d", len(prefs), MaxRows)
	}
	results, err := s.UpsertCustomers(ctx, []CustomerPatch{{ID: customer, Prefs: prefs}})
	if err != nil {
		return err
	}
	return results[0].Err()
}
