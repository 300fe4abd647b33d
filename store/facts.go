package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
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

// crowd says which customers queries are about: those in list or, when there is none, all with ids from first
// to last. A range costs half of what a list of the same customers does.
type crowd struct {
	list        any
	first, last rapport.ID
}

// about is the condition that column is one of a crowd, as parameters n and, for a range, n + 1.
func (s *Store) about(c crowd, column string, n int) (where string, args []any) {
	if c.list != nil {
		return column + " " + s.d.in(n), []any{c.list}
	}
	return fmt.Sprintf("%s >= $%d AND %s <= $%d", column, n, column, n+1), []any{c.first, c.last}
}

const profileColumns = `id, external_id, audience, name, locale, timezone, attributes, channel_order, quiet_from, quiet_until, cap_max, cap_per, track`

func scanProfile(scan func(...any) error) (*Profile, error) {
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
	return p, err
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
		p, err := scanProfile(scan)
		out[p.ID] = p
		return err
	}, `SELECT `+profileColumns+` FROM customers WHERE id `+s.d.in(1), list)
	if err != nil {
		return nil, err
	}
	return out, s.addFacts(ctx, out, crowd{list: list}, purpose, topic)
}

// ProfilesAfter is Profiles for a page of all customers that may be written to: those with an id larger than
// after, in the order of their ids.
func (s *Store) ProfilesAfter(ctx context.Context, after rapport.ID, limit int, purpose rapport.Purpose, topic string) ([]*Profile, error) {
	list, err := collect(ctx, s, scanProfile, `SELECT `+profileColumns+` FROM customers WHERE id > $1 AND merged_into IS NULL ORDER BY id LIMIT $2`, after, limit)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	out := make(map[rapport.ID]*Profile, len(list))
	for _, p := range list {
		out[p.ID] = p
	}
	return list, s.addFacts(ctx, out, crowd{first: list[0].ID, last: list[len(list)-1].ID}, purpose, topic)
}

// ProfilesOf is Profiles for customers that were just stored in this transaction, which need not be read again.
func (s *Store) ProfilesOf(ctx context.Context, stored []Upserted, purpose rapport.Purpose, topic string) (map[rapport.ID]*Profile, error) {
	out := make(map[rapport.ID]*Profile, len(stored))
	ids := make([]rapport.ID, 0, len(stored))
	for _, u := range stored {
		if u.known != nil && out[u.ID] == nil {
			out[u.ID] = &Profile{Customer: u.known.Customer, Track: u.known.track}
			ids = append(ids, u.ID)
		}
	}
	return out, s.addFacts(ctx, out, crowd{list: s.d.list(ids)}, purpose, topic)
}

// addFacts completes the profiles of a crowd with what hangs on them.
func (s *Store) addFacts(ctx context.Context, out map[rapport.ID]*Profile, who crowd, purpose rapport.Purpose, topic string) error {
	if len(out) == 0 {
		return nil
	}
	hashes := map[rapport.Channel][]string{}
	where, args := s.about(who, "customer_id", 1)
	var a rapport.AddressFacts
	var primary int
	dest := []any{&a.ID, &a.Customer, (*string)(&a.Channel), &a.Value, &primary, &a.Epoch, &a.Off}
	err := s.each(ctx, func(scan func(...any) error) error {
		err := scan(dest...)
		a.Primary = primary == 1
		if p := out[a.Customer]; p != nil {
			p.Facts = append(p.Facts, a)
			hashes[a.Channel] = append(hashes[a.Channel], s.addressHash(a.Channel, a.Value))
		}
		return err
	}, `SELECT id, customer_id, channel, address, is_primary, epoch, off_reason FROM addresses WHERE `+where, args...)
	if err != nil {
		return err
	}
	for _, p := range out {
		if len(p.Facts) > 1 {
			slices.SortFunc(p.Facts, func(a, b rapport.AddressFacts) int { return cmp.Compare(a.ID, b.ID) })
		}
	}
	if err := s.addSuppressions(ctx, out, hashes); err != nil {
		return err
	}
	if err := s.addConsents(ctx, out, who, purpose, topic); err != nil {
		return err
	}
	if err := s.addPreferences(ctx, out, who, topic); err != nil {
		return err
	}
	for _, p := range out {
		p.Addresses = make([]rapport.Address, len(p.Facts))
		for i := range p.Facts {
			p.Addresses[i] = p.Facts[i].Address
		}
		if p.Cap != nil && purpose == rapport.Marketing {
			if p.CapUsed, err = s.MarketingSince(ctx, p.ID, s.Now().Add(-p.Cap.Per)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) addSuppressions(ctx context.Context, out map[rapport.ID]*Profile, hashes map[rapport.Channel][]string) error {
	found := map[string]*rapport.Suppression{}
	for channel, list := range hashes { // one query each: the table's key begins with the channel
		err := s.each(ctx, func(scan func(...any) error) error {
			var hash string
			var created int64
			x := &rapport.Suppression{Channel: channel}
			err := scan(&hash, &x.Reason, &x.Scope, &created)
			x.At = at(created)
			found[string(channel)+hash] = x
			return err
		}, `SELECT hash, reason, scope, created_at FROM suppressions WHERE channel = $1 AND hash `+s.d.in(2), string(channel), s.d.list(list))
		if err != nil {
			return err
		}
	}
	if len(found) == 0 {
		return nil
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
func (s *Store) addConsents(ctx context.Context, out map[rapport.ID]*Profile, who crowd, purpose rapport.Purpose, topic string) error {
	type said struct {
		customer    rapport.ID
		channel     rapport.Channel
		created, id int64
		granted     int
	}
	var x said
	all := make([]said, 0, len(out))
	dest := []any{&x.customer, (*string)(&x.channel), &x.created, &x.id, &x.granted}
	where, args := s.about(who, "customer_id", 3)
	err := s.each(ctx, func(scan func(...any) error) error {
		err := scan(dest...)
		all = append(all, x)
		return err
	}, `SELECT customer_id, channel, created_at, id, granted FROM consents WHERE purpose = $1 AND topic IN ($2, '') AND `+where, append([]any{string(purpose), topic}, args...)...)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b said) int { return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.id, b.id)) })
	for _, x := range all {
		p := out[x.customer]
		if p == nil {
			continue
		}
		for i := range p.Facts {
			if p.Facts[i].Channel == x.channel {
				p.Facts[i].Consent = rapport.ConsentWithdrawn
				if x.granted == 1 {
					p.Facts[i].Consent = rapport.ConsentGranted
				}
			}
		}
	}
	return nil
}

// addPreferences: what is said about this topic beats what is said about every topic ("*").
func (s *Store) addPreferences(ctx context.Context, out map[rapport.ID]*Profile, who crowd, topic string) error {
	var customer rapport.ID
	var about string
	var channel rapport.Channel
	var enabled int
	dest := []any{&customer, &about, (*string)(&channel), &enabled}
	where, args := s.about(who, "customer_id", 2)
	return s.each(ctx, func(scan func(...any) error) error {
		if err := scan(dest...); err != nil {
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
	}, `SELECT customer_id, topic, channel, enabled FROM preferences WHERE topic IN ($1, '*') AND `+where, append([]any{topic}, args...)...)
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
