package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"rapport"
)

// Once notes an event of a provider, in the transaction of its effects. False: it was seen before, and
// its effects must not happen again.
func (s *Store) Once(ctx context.Context, provider, eventID string) (bool, error) {
	n, err := s.exec(ctx, `INSERT INTO inbound (provider, event_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, provider, eventID, ms(s.Now()))
	return n == 1, err
}

// Heard tells whether an event of a provider was noted before.
func (s *Store) Heard(ctx context.Context, provider, eventID string) (bool, error) {
	var n int
	err := s.row(ctx, `SELECT count(*) FROM inbound WHERE provider = $1 AND event_id = $2`, provider, eventID).Scan(&n)
	return n > 0, err
}

// AddressOf finds an address by its normalised value.
func (s *Store) AddressOf(ctx context.Context, c rapport.Channel, value string) (rapport.Address, error) {
	a := rapport.Address{Channel: c}
	var primary int
	err := s.row(ctx, `SELECT id, customer_id, address, is_primary, epoch, off_reason FROM addresses WHERE channel = $1 AND akey = $2`,
		string(c), rapport.AddressKey(c, value)).Scan(&a.ID, &a.Customer, &a.Value, &primary, &a.Epoch, &a.Off)
	a.Primary = primary == 1
	if errors.Is(err, sql.ErrNoRows) {
		return a, rapport.NotFound("address")
	}
	return a, err
}

// Address finds an address by id.
func (s *Store) Address(ctx context.Context, id rapport.ID) (rapport.Address, error) {
	a := rapport.Address{ID: id}
	var primary int
	err := s.row(ctx, `SELECT customer_id, channel, address, is_primary, epoch, off_reason FROM addresses WHERE id = $1`, id).
		Scan(&a.Customer, &a.Channel, &a.Value, &primary, &a.Epoch, &a.Off)
	a.Primary = primary == 1
	if errors.Is(err, sql.ErrNoRows) {
		return a, rapport.NotFound("address")
	}
	return a, err
}

// LockAddress makes every other transaction that locks the same address wait for this one, so that two
// messages from one person cannot both open a thread.
func (s *Store) LockAddress(ctx context.Context, id rapport.ID) error {
	_, err := s.exec(ctx, `UPDATE addresses SET epoch = epoch WHERE id = $1`, id)
	return err
}

// SwitchAddress turns an address off for a reason, or on again (empty reason), and moves its epoch, so
// that whatever is queued for it is decided again.
func (s *Store) SwitchAddress(ctx context.Context, id rapport.ID, reason string) error {
	_, err := s.exec(ctx, `UPDATE addresses SET off_reason = $1, epoch = epoch + 1 WHERE id = $2 AND off_reason <> $1`, reason, id)
	return err
}

// MoveAddress gives an address a new value (a chat that migrated). A value that is taken already turns
// the old address off instead.
func (s *Store) MoveAddress(ctx context.Context, a rapport.Address, value string) error {
	taken, err := s.AddressOf(ctx, a.Channel, value)
	if err == nil && taken.ID != a.ID {
		return s.SwitchAddress(ctx, a.ID, "moved")
	}
	if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
		return err
	}
	_, err = s.exec(ctx, `UPDATE addresses SET address = $1, akey = $2 WHERE id = $3`, value, rapport.AddressKey(a.Channel, value), a.ID)
	return err
}

// MessageByRef finds the message that a provider knows by an id: ours, or one of its own, which is looked for among
// those to a customer. 0: none.
func (s *Store) MessageByRef(ctx context.Context, provider, providerID string, customer rapport.ID) (id rapport.ID, err error) {
	if own := ownID(providerID); own != 0 {
		err = s.row(ctx, `SELECT id FROM messages WHERE id = $1 AND provider = $2`, own, provider).Scan(&id)
	} else if providerID != "" {
		err = s.row(ctx, `SELECT id FROM messages WHERE customer_id = $1 AND provider = $2 AND provider_ref = $3 ORDER BY id DESC LIMIT 1`, customer, provider, providerID).Scan(&id)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return
}

// LatestTo is the newest message that went out to an address since then; 0: none.
func (s *Store) LatestTo(ctx context.Context, a rapport.Address, since time.Time) (id rapport.ID, err error) {
	err = s.row(ctx, `SELECT id FROM messages WHERE customer_id = $1 AND address_id = $2 AND channel = $3 AND sent_at >= $4 AND state IN (3, 4, 5, 10)
		ORDER BY id DESC LIMIT 1`, a.Customer, a.ID, string(a.Channel), ms(since)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return
}

// ApplyReceipt moves a message as its provider reports, never back, and keeps the report. changed tells
// whether the state moved; from and to are the states.
func (s *Store) ApplyReceipt(ctx context.Context, worker rapport.ID, message rapport.ID, provider string, r ReceiptRow) (from, to rapport.State, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		var campaign rapport.ID
		var of rapport.CampaignKind
		q := `SELECT m.state, c.id, c.kind FROM messages m JOIN campaigns c ON c.id = m.campaign_id WHERE m.id = $1`
		if s.d.name() == "postgres" {
			q += ` FOR UPDATE OF m`
		}
		if err := s.row(ctx, q, message).Scan(&from, &campaign, &of); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				return rapport.NotFound("message")
			}
			return err
		}
		to = rapport.Advance(from, r.Kind)
		if to != from {
			_, err := s.exec(ctx, `UPDATE messages SET state = $1, reason = CASE WHEN $2 = '' THEN reason ELSE $2 END, updated_at = $3,
				sent_at = CASE WHEN sent_at = 0 THEN $3 ELSE sent_at END WHERE id = $4`, int64(to), r.Reason, ms(s.Now()), message)
			if err != nil {
				return err
			}
			if of == rapport.KindOfCampaign {
				d := deltas{}
				d.move(campaign, from, to)
				if err := s.apply(ctx, worker, d); err != nil {
					return err
				}
			}
		}
		_, err := s.exec(ctx, `INSERT INTO receipts (id, message_id, provider, kind, reason, code, detail, at, class, file_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			s.NewID(), message, provider, string(r.Kind), r.Reason, r.Code, cut(r.Detail, 500), ms(r.At), r.Class, r.Original)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("applying a receipt: %w", err)
	}
	return from, to, nil
}

// OpaqueKey names an address in places that hold no addresses (pauses, logs).
func OpaqueKey(c rapport.Channel, value string) string {
	sum := sha256.Sum256([]byte(string(c) + "\x00" + rapport.AddressKey(c, value)))
	return hex.EncodeToString(sum[:12])
}

// GiveAddress makes an address a customer's: a new one, or one that belonged to a customer of whom nothing
// else is known. One that belongs to somebody known stays theirs.
func (s *Store) GiveAddress(ctx context.Context, customer rapport.ID, c rapport.Channel, value string) (rapport.Address, error) {
	a, err := s.AddressOf(ctx, c, value)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		_, err = s.exec(ctx, `INSERT INTO addresses (id, customer_id, channel, akey, address, is_primary, created_at) VALUES ($1, $2, $3, $4, $5, 1, $6)`,
			s.NewID(), customer, string(c), rapport.AddressKey(c, value), value, ms(s.Now()))
		if err != nil {
			return a, err
		}
		return s.AddressOf(ctx, c, value)
	}
	if err != nil || a.Customer == customer {
		return a, err
	}
	if anonymous, err := s.Anonymous(ctx, a.Customer); err != nil || !anonymous {
		return a, err
	}
	for _, q := range []string{
		`UPDATE addresses SET customer_id = $1, epoch = epoch + 1 WHERE id = $2`,
		`UPDATE threads SET customer_id = $1 WHERE address_id = $2`,
		`UPDATE entries SET customer_id = $1 WHERE address_id = $2`} {
		if _, err := s.exec(ctx, q, customer, a.ID); err != nil {
			return a, err
		}
	}
	if _, err = s.exec(ctx, `UPDATE customers SET merged_into = $1 WHERE id = $2`, customer, a.Customer); err != nil {
		return a, err
	}
	was := a.Customer
	a.Customer = customer
	return a, s.Tell(ctx, rapport.Fact{Into: rapport.KindCustomer.Format(customer)}.Notice(rapport.CustomerMerged, was))
}

// ThreadOfMessage is the thread in which a message was answered before; 0: none.
func (s *Store) ThreadOfMessage(ctx context.Context, message rapport.ID) (id rapport.ID, err error) {
	err = s.row(ctx, `SELECT e.thread_id FROM messages m JOIN entries e ON e.customer_id = m.customer_id AND e.answers_message = m.id WHERE m.id = $1 ORDER BY e.id DESC LIMIT 1`, message).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return
}

// PollTurn makes worker the one that polls a provider, if nobody alive is.
func (s *Store) PollTurn(ctx context.Context, provider string, worker rapport.ID) (bool, error) {
	if _, err := s.exec(ctx, `INSERT INTO cursors (provider, cursor, updated_at) VALUES ($1, '', $2) ON CONFLICT DO NOTHING`, provider, ms(s.Now())); err != nil {
		return false, err
	}
	n, err := s.exec(ctx, `UPDATE cursors SET owner = $1 WHERE provider = $2 AND (owner = $1 OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = cursors.owner AND w.dead = 0))`, worker, provider)
	return n == 1, err
}

// FailingSince is since when every message to an address has failed: the first failure after the newest
// success. Zero: none has.
func (s *Store) FailingSince(ctx context.Context, customer, address rapport.ID) (time.Time, error) {
	var since int64
	err := s.row(ctx, `SELECT coalesce(min(updated_at), 0) FROM messages WHERE customer_id = $1 AND address_id = $2 AND state = 6 AND id >
		(SELECT coalesce(max(id), 0) FROM messages WHERE customer_id = $1 AND address_id = $2 AND state IN (4, 5))`, customer, address).Scan(&since)
	return at(since), err
}

// SoftBounces counts the messages to an address that came back since then though the address may be well, after the
// newest that is known to have arrived.
func (s *Store) SoftBounces(ctx context.Context, a rapport.Address, since time.Time) (n int, err error) {
	err = s.row(ctx, `SELECT count(DISTINCT r.message_id) FROM messages m JOIN receipts r ON r.message_id = m.id
		WHERE m.customer_id = $1 AND m.address_id = $2 AND r.class = 'soft' AND r.at >= $3 AND r.at > (SELECT coalesce(max(d.at), 0)
			FROM messages k JOIN receipts d ON d.message_id = k.id WHERE k.customer_id = $1 AND k.address_id = $2 AND d.kind IN ('delivered', 'read'))`,
		a.Customer, a.ID, ms(since)).Scan(&n)
	return n, err
}

// TakeAutoAnswer takes the turn to say something of a kind to an address automatically, if nobody did since then.
func (s *Store) TakeAutoAnswer(ctx context.Context, address rapport.ID, kind string, since time.Time) (bool, error) {
	n, err := s.exec(ctx, `INSERT INTO auto_answers (address_id, kind, answered_at) VALUES ($1, $2, $3) ON CONFLICT (address_id, kind) DO UPDATE SET answered_at = excluded.answered_at
		WHERE auto_answers.answered_at <= $4`, address, kind, ms(s.Now()), ms(since))
	return n == 1, err
}
