package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"rapport"
)

func (u *upsert) dirty() bool {
	return slices.ContainsFunc(u.order, func(c *person) bool { return c.created || c.changed || c.bump })
}

// write stores the differences. errOvertaken: nothing was stored, and reading again is right.
func (u *upsert) write(ctx context.Context) error {
	s := u.s
	if _, err := s.exec(ctx, `SAVEPOINT customers`); err != nil {
		return err
	}
	err := u.store(ctx)
	if s.Duplicate(err) || errors.Is(err, errOvertaken) {
		if _, err := s.exec(ctx, `ROLLBACK TO SAVEPOINT customers`); err != nil {
			return err
		}
		err = errOvertaken
	} else if err != nil {
		return err // the transaction is lost
	}
	if _, release := s.exec(ctx, `RELEASE SAVEPOINT customers`); release != nil {
		return release
	}
	return err
}

var customerCols = []column{{"id", "bigint"}, {"updated_at", "bigint"}, {"external_id", "text"}, {"audience", "text"}, {"name", "text"}, {"locale", "text"},
	{"timezone", "text"}, {"attributes", "text"}, {"channel_order", "text"}, {"quiet_from", "integer"}, {"quiet_until", "integer"},
	{"cap_max", "integer"}, {"cap_per", "bigint"}, {"track", "integer"}}

func (u *upsert) store(ctx context.Context) error {
	s := u.s
	now := ms(s.Now())
	var born, changed, newPlaces, places, prefs, consents [][]any
	var bumped, gone []rapport.ID
	// One order for all writers, so that two of them do not wait for each other.
	slices.SortFunc(u.order, func(a, b *person) int {
		if a.created && b.created {
			return cmp.Compare(a.ExternalID, b.ExternalID)
		}
		return cmp.Compare(a.ID, b.ID)
	})
	for _, c := range u.order {
		switch {
		case c.created:
			born = append(born, append(c.row(now), now))
		case c.changed:
			// updated_at is also the fence: it always moves, and the row must still stand where we read it.
			changed = append(changed, append([]any{c.ID, c.seen, max(now, c.seen+1)}, c.row(now)[2:]...))
		}
		if c.bump && !c.created {
			bumped = append(bumped, c.ID)
		}
		for _, a := range c.places {
			switch {
			case a.created && !a.gone:
				newPlaces = append(newPlaces, []any{a.ID, a.Customer, string(a.Channel), a.key.akey, a.Value, a.Primary, now})
			case a.created:
			case a.gone:
				gone = append(gone, a.ID)
			case a.changed:
				places = append(places, []any{a.ID, a.Value, a.Primary})
			}
		}
		for _, k := range c.newPrefs {
			prefs = append(prefs, []any{c.ID, k.topic, string(k.channel), c.prefs[k], now})
		}
		for _, k := range c.consents[c.fresh:] {
			consents = append(consents, consentRow(k))
		}
	}
	slices.SortFunc(newPlaces, func(a, b []any) int {
		return cmp.Or(strings.Compare(a[2].(string), b[2].(string)), strings.Compare(a[3].(string), b[3].(string)))
	})
	cols := slices.Concat(customerCols[:2], customerCols[1:]) // updated_at twice: as it was, and as it shall be
	if n, err := s.update(ctx, "customers", 2, cols, changed); err != nil {
		return err
	} else if n != int64(len(changed)) {
		return errOvertaken
	}
	if _, err := s.bulk(ctx, "customers", append(slices.Clone(customerCols), column{"created_at", "bigint"}), born, ""); err != nil {
		return err
	}
	if len(gone) > 0 {
		if _, err := s.exec(ctx, `DELETE FROM addresses WHERE id `+s.d.in(1), s.d.list(gone)); err != nil {
			return err
		}
	}
	if _, err := s.update(ctx, "addresses", 1, []column{{"id", "bigint"}, {"address", "text"}, {"is_primary", "integer"}}, places); err != nil {
		return err
	}
	if _, err := s.bulk(ctx, "addresses", []column{{"id", "bigint"}, {"customer_id", "bigint"}, {"channel", "text"}, {"akey", "text"},
		{"address", "text"}, {"is_primary", "integer"}, {"created_at", "bigint"}}, newPlaces, ""); err != nil {
		return err
	}
	if _, err := s.bulk(ctx, "preferences", []column{{"customer_id", "bigint"}, {"topic", "text"}, {"channel", "text"}, {"enabled", "integer"}, {"updated_at", "bigint"}},
		prefs, `ON CONFLICT (customer_id, topic, channel) DO UPDATE SET enabled = excluded.enabled, updated_at = excluded.updated_at`); err != nil {
		return err
	}
	if _, err := s.bulk(ctx, "consents", consentCols, consents, ""); err != nil {
		return err
	}
	return s.bumpEpoch(ctx, bumped)
}

// row holds the values of customerCols.
func (c *person) row(now int64) []any {
	var external, from, until, max, per any
	if c.ExternalID != "" {
		external = c.ExternalID
	}
	if c.Quiet != nil {
		from, until = c.Quiet.From, c.Quiet.Until
	}
	if c.Cap != nil {
		max, per = c.Cap.Max, c.Cap.Per.Milliseconds()
	}
	order := make([]string, len(c.Order))
	for i, k := range c.Order {
		order[i] = string(k)
	}
	return []any{c.ID, now, external, c.Audience, c.Name, c.Locale, c.Timezone, string(c.Attributes), strings.Join(order, " "), from, until, max, per, c.track}
}
