package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"rapport"
)

// Said lists the names of automatic answers to an address after since, of one to three names: the newest first, at most 100.
func (s *Store) Said(ctx context.Context, a rapport.Address, names []string, since time.Time) ([]string, error) {
	return collect(ctx, s, func(scan func(...any) error) (name string, err error) { err = scan(&name); return }, `SELECT c.name FROM messages m JOIN campaigns c ON c.id = m.campaign_id
		WHERE m.customer_id = $1 AND m.address_id = $2 AND c.kind = 'system' AND c.created_at > $3 AND c.name `+s.d.in(4)+` ORDER BY m.id DESC LIMIT 100`,
		a.Customer, a.ID, ms(since), s.d.list(names))
}

// Anonymous tells whether nothing is known of a customer but one address.
func (s *Store) Anonymous(ctx context.Context, customer rapport.ID) (bool, error) {
	var n int
	err := s.row(ctx, `SELECT count(*) FROM customers WHERE id = $1 AND external_id IS NULL AND (SELECT count(*) FROM addresses WHERE customer_id = $1) = 1`, customer).Scan(&n)
	return n == 1, err
}

// HeardAt is when the customer last wrote from an address; zero: never. A call is no writing, and what was written on a
// page of ours opens no channel.
func (s *Store) HeardAt(ctx context.Context, customer, address rapport.ID) (time.Time, error) {
	var created int64
	err := s.row(ctx, `SELECT created_at FROM entries WHERE customer_id = $1 AND address_id = $2 AND kind = 'inbound' AND channel <> 'phone' AND matched_by <> 'reply_link' ORDER BY id DESC LIMIT 1`, customer, address).Scan(&created)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return at(created), err
}

// Overtaken lists those of at most MaxRows messages whose address is not any more as it was when they were decided: it said
// stop, blocked us, or changed in some other way.
func (s *Store) Overtaken(ctx context.Context, messages []rapport.ID) ([]rapport.ID, error) {
	return collect(ctx, s, scanID, `SELECT m.id FROM messages m LEFT JOIN addresses a ON a.id = m.address_id
		WHERE m.id `+s.d.in(1)+` AND (a.id IS NULL OR a.epoch <> m.epoch)`, s.d.list(messages))
}
