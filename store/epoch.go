package store

import (
	"context"

	"rapport"
)

// bumpEpoch makes every message that waits for one of these customers go back to decide before it is
// sent. Whoever changes consent, preferences, order, quiet hours, cap or zone calls it in the same transaction.
func (s *Store) bumpEpoch(ctx context.Context, customers []rapport.ID) error {
	if len(customers) == 0 {
		return nil
	}
	_, err := s.exec(ctx, `UPDATE addresses SET epoch = epoch + 1 WHERE customer_id `+s.d.in(1), s.d.list(customers))
	return err
}

// bumpAddresses does the same for single addresses, given as they are compared (rapport.AddressKey).
func (s *Store) bumpAddresses(ctx context.Context, keys map[rapport.Channel][]string) error {
	for _, c := range rapport.Channels {
		if len(keys[c]) == 0 {
			continue
		}
		if _, err := s.exec(ctx, `UPDATE addresses SET epoch = epoch + 1 WHERE channel = $1 AND akey `+s.d.in(2), string(c), s.d.list(keys[c])); err != nil {
			return err
		}
	}
	return nil
}
