package store

import (
	"context"
	"fmt"

	"rapport"
)

const consentColumns = `id, customer_id, channel, purpose, topic, granted, source, text_version, proof, ip, message_id, created_at`

var consentCols = []column{{"id", "bigint"}, {"customer_id", "bigint"}, {"channel", "text"}, {"purpose", "text"}, {"topic", "text"}, {"granted", "integer"},
	{"source", "text"}, {"text_version", "text"}, {"proof", "text"}, {"ip", "text"}, {"message_id", "bigint"}, {"created_at", "bigint"}}

func consentRow(c rapport.Consent) []any {
	return []any{c.ID, c.Customer, string(c.Channel), string(c.Purpose), c.Topic, c.Granted, c.Source, c.TextVersion, c.Proof, c.IP, c.Message, ms(c.At)}
}

func scanConsent(scan func(...any) error) (c rapport.Consent, err error) {
	var granted int
	var created int64
	err = scan(&c.ID, &c.Customer, &c.Channel, &c.Purpose, &c.Topic, &granted, &c.Source, &c.TextVersion, &c.Proof, &c.IP, &c.Message, &created)
	c.Granted, c.At = granted == 1, at(created)
	return
}

// AddConsents appends at most MaxRows entries to the history, also those that repeat what was said
// before, and fills in their ID and, where it is zero, At.
func (s *Store) AddConsents(ctx context.Context, consents []rapport.Consent) error {
	if len(consents) > MaxRows {
		return fmt.Errorf("storing consents: %d in one call, at most %d", len(consents), MaxRows)
	}
	rows := make([][]any, len(consents))
	customers := make([]rapport.ID, len(consents))
	for i := range consents {
		c := &consents[i]
		c.ID = s.NewID()
		if c.At.IsZero() {
			c.At = s.Now()
		}
		rows[i], customers[i] = consentRow(*c), c.Customer
	}
	return s.Tx(ctx, func(s *Store) error {
		if _, err := s.bulk(ctx, "consents", consentCols, rows, ""); err != nil {
			return err
		}
		if err := s.bumpEpoch(ctx, customers); err != nil {
			return err
		}
		return s.tellConsents(ctx, consents)
	})
}

// Consents is the history of one customer, newest entry first.
func (s *Store) Consents(ctx context.Context, customer rapport.ID, p Page) ([]rapport.Consent, rapport.ID, error) {
	rows, err := collect(ctx, s, scanConsent, `SELECT `+consentColumns+` FROM consents WHERE customer_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
		customer, p.after(), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(c rapport.Consent) rapport.ID { return c.ID })
	return out, next, nil
}
