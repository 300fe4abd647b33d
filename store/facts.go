package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"rapport"
)

// Profile is a customer with everything about the addresses that a decision looks at.
type Profile struct {
	rapport.Customer
	Facts   []rapport.AddressFacts
	CapUsed int
	Track   bool // opens and clicks of this customer may be recorded
}

// Profiles loads many customers for one purpose and topic with a handful of queries, whatever their
// number. Missing customers are left out.
func (s *Store) Profiles(ctx context.Context, ids []rapport.ID, purpose rapport.Purpose, topic string) (map[rapport.ID]*Profile, error) {
	out := make(map[rapport.ID]*Profile, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	list := s.d.list(ids)
	err := s.each(ctx, func(scan func(...any) error) error {
		p := &Profile{}
		var external sql.NullString
		var order, attributes string
		var from, until, max, per sql.NullInt64
		var track int
		err := scan(&p.ID, &external, &p.Audience, &p.Name, &p.Locale, &p.Timezone, &attributes, &order, &from, &until, &max, &per, &track)
		p.ExternalID, p.Attributes, p.Track = external.String, json.RawMessage(attributes), track == 1
		for _, c := range strings.Fields(order) {
			p.Order = append(p.Order, rapport.Channel(c))
		}
		if from.Valid {
			p.Quiet = &rapport.QuietHours{From: int(from.Int64), Until: int(until.Int64)}
		}
		if max.Valid {
			p.Cap = &rapport.Cap{Max: int(max.Int64), Per: time.Duration(per.Int64) * time.Millisecond}
		}
		out[p.ID] = p
		return err
	}, `SELECT id, external_id, audience, name, locale, timezone, attributes, channel_order, quiet_from, quiet_until, cap_max, cap_per, track
		FROM customers WHERE id `+s.d.in(1), list)
	if err != nil {
		return nil, err
	}
	var hashes []string
	err = s.each(ctx, func(scan func(...any) error) error {
		var a rapport.AddressFacts
		var primary int
		err := scan(&a.ID, &a.Customer, &a.Channel, &a.Value, &primary, &a.Epoch, &a.Off)
		a.Primary = primary == 1
		if p := out[a.Customer]; p != nil {
			p.Facts = append(p.Facts, a)
			hashes = append(hashes, s.addressHash(a.Channel, a.Value))
		}
		return err
	}, `SELECT id, customer_id, channel, address, is_primary, epoch, off_reason FROM addresses WHERE customer_id `+s.d.in(1)+` ORDER BY id`, list)
	if err != nil {
		return nil, err
	}
	if err := s.addSuppressions(ctx, out, hashes); err != nil {
		return nil, err
	}
	if err := s.addConsents(ctx, out, list, purpose, topic); err != nil {
		return nil, err
	}
	if err := s.addPreferences(ctx, out, list, topic); err != nil {
		return nil, err
	}
	for _, p := range out {
		for i := range p.Facts {
			p.Addresses = append(p.Addresses, p.Facts[i].Address)
		}
		if p.Cap != nil && purpose == rapport.Marketing {
			if p.CapUsed, err = s.MarketingSince(ctx, p.ID, s.Now().Add(-p.Cap.Per)); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (s *Store) addSuppressions(ctx context.Context, out map[rapport.ID]*Profile, hashes []string) error {
	if len(hashes) == 0 {
		return nil
	}
	found := map[string]*rapport.Suppression{}
	err := s.each(ctx, func(scan func(...any) error) error {
		var hash string
		var created int64
		x := &rapport.Suppression{}
		err := scan(&x.Channel, &hash, &x.Reason, &x.Scope, &created)
		x.At = at(created)
		found[string(x.Channel)+hash] = x
		return err
	}, `SELECT channel, hash, reason, scope, created_at FROM suppressions WHERE hash `+s.d.in(1), s.d.list(hashes))
	if err != nil || len(found) == 0 {
		return err
	}
	for _, p := range out {
		for i := range p.Facts {
			a := &p.Facts[i]
			a.Suppressed = found[string(a.Channel)+s.addressHash(a.Channel, a.Value)]
		}
	}
	return nil
}

// addConsents derives the current state: the newest entry for this channel and purpose that is about
// this topic or about every topic wins.
func (s *Store) addConsents(ctx context.Context, out map[rapport.ID]*Profile, list any, purpose rapport.Purpose, topic string) error {
	return s.each(ctx, func(scan func(...any) error) error {
		var customer rapport.ID
		var channel rapport.Channel
		var granted int
		if err := scan(&customer, &channel, &granted); err != nil {
			return err
		}
		if p := out[customer]; p != nil {
			for i := range p.Facts {
				if p.Facts[i].Channel == channel {
					p.Facts[i].Consent = rapport.ConsentWithdrawn
					if granted == 1 {
						p.Facts[i].Consent = rapport.ConsentGranted
					}
				}
			}
		}
		return nil
	}, `SELECT customer_id, channel, granted FROM consents WHERE customer_id `+s.d.in(1)+` AND purpose = $2 AND topic IN ($3, '') ORDER BY created_at, id`,
		list, string(purpose), topic)
}

// addPreferences: what is said about this topic beats what is said about every topic ("*").
func (s *Store) addPreferences(ctx context.Context, out map[rapport.ID]*Profile, list any, topic string) error {
	return s.each(ctx, func(scan func(...any) error) error {
		var customer rapport.ID
		var about string
		var channel rapport.Channel
		var enabled int
		if err := scan(&customer, &about, &channel, &enabled); err != nil {
			return err
		}
		if p := out[customer]; p != nil {
			for i := range p.Facts {
				if a := &p.Facts[i]; a.Channel == channel && (about == topic || a.Preference == nil) {
					on := enabled == 1
					a.Preference, a.PrefTopic = &on, about
				}
			}
		}
		return nil
	}, `SELECT customer_id, topic, channel, enabled FROM preferences WHERE customer_id `+s.d.in(1)+` AND topic IN ($2, '*')`, list, topic)
}

// MarketingSince counts the marketing messages a customer got, or is about to get, since then.
func (s *Store) MarketingSince(ctx context.Context, customer rapport.ID, since time.Time) (int, error) {
	from := rapport.ID(0)
	if since.After(rapport.IDEpoch) {
		from = rapport.ID(since.Sub(rapport.IDEpoch).Milliseconds() << 22)
	}
	var n int
	err := s.row(ctx, `SELECT count(*) FROM messages m JOIN campaigns c ON c.id = m.campaign_id
		WHERE m.customer_id = $1 AND m.id >= $2 AND c.purpose = 'marketing' AND m.state IN (1, 2, 3, 4, 5, 10)`, customer, from).Scan(&n)
	return n, err
}
