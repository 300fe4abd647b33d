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

// Profile is a customer with everything about the addresses that a decision looks at. The addresses stand in Facts,
// by id, and not in the customer.
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

// on is the condition that a row is about one of the channels. It stands in the text because it makes few texts, and
// in coalesce because a fifth of all addresses are on a channel: no engine shall look them up by it.
func on(channels []rapport.Channel) string {
	var names []string
	for _, c := range rapport.Channels {
		if slices.Contains(channels, c) {
			names = append(names, "'"+string(c)+"'")
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ` AND coalesce(channel, '') IN (` + strings.Join(names, ", ") + `)`
}

// profileColumns ends in what most customers have none of: of NULL SQLite's driver asks nothing but its type.
const profileColumns = `id, external_id, audience, name, attributes, track, nullif(locale, ''), nullif(timezone, ''), nullif(channel_order, ''), quiet_from, quiet_until, cap_max, cap_per`

// profileRow is where the columns of a profile are read into, row after row.
type profileRow struct {
	p                                     Profile
	external, locale, zone, order         sql.NullString
	attributes                            string
	quietFrom, quietUntil, capMax, capPer sql.NullInt64
	track                                 int
	dest                                  [13]any
}

func newProfileRow() *profileRow {
	r := &profileRow{}
	r.dest = [13]any{&r.p.ID, &r.external, &r.p.Audience, &r.p.Name, &r.attributes, &r.track, &r.locale, &r.zone, &r.order, &r.quietFrom, &r.quietUntil, &r.capMax, &r.capPer}
	return r
}

// scan reads the next row into to.
func (r *profileRow) scan(scan func(...any) error, to *Profile) error {
	err := scan(r.dest[:]...)
	*to = r.p
	to.ExternalID, to.Attributes, to.Track, to.Locale, to.Timezone = r.external.String, json.RawMessage(r.attributes), r.track == 1, r.locale.String, r.zone.String
	if r.order.Valid {
		for _, c := range strings.Fields(r.order.String) {
			to.Order = append(to.Order, rapport.Channel(c))
		}
	}
	if r.quietFrom.Valid {
		to.Quiet = &rapport.QuietHours{From: int(r.quietFrom.Int64), Until: int(r.quietUntil.Int64)}
	}
	if r.capMax.Valid {
		to.Cap = &rapport.Cap{Max: int(r.capMax.Int64), Per: time.Duration(r.capPer.Int64) * time.Millisecond}
	}
	return err
}

// Profiles loads many customers for one purpose and topic with a handful of queries, whatever their
// number. Missing customers are left out. Where channels are named, only what concerns them is read.
func (s *Store) Profiles(ctx context.Context, ids []rapport.ID, purpose rapport.Purpose, topic string, channels ...rapport.Channel) (map[rapport.ID]*Profile, error) {
	out := make(map[rapport.ID]*Profile, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	list := s.d.list(ids)
	row := newProfileRow()
	err := s.each(ctx, func(scan func(...any) error) error {
		p := &Profile{}
		err := row.scan(scan, p)
		out[p.ID] = p
		return err
	}, `SELECT `+profileColumns+` FROM customers WHERE id `+s.d.in(1), list)
	if err != nil {
		return nil, err
	}
	return out, s.addFacts(ctx, out, crowd{list: list}, purpose, topic, channels)
}

// everyone is whom a campaign to everyone is for. A partner is somebody whom we know from the conversation of another, such as a
// supplier to whom it was forwarded: they asked for nothing, and whoever means them has a segment that says so.
const everyone = `merged_into IS NULL AND audience <> 'partner'`

// ProfilesAfter is Profiles for a page of everyone that may be written to: those with an id larger than
// after, in the order of their ids.
func (s *Store) ProfilesAfter(ctx context.Context, after rapport.ID, limit int, purpose rapport.Purpose, topic string, channels ...rapport.Channel) ([]Profile, error) {
	list := make([]Profile, 0, limit)
	row := newProfileRow()
	err := s.each(ctx, func(scan func(...any) error) error {
		list = append(list, Profile{})
		return row.scan(scan, &list[len(list)-1])
	}, `SELECT `+profileColumns+` FROM customers WHERE id > $1 AND `+everyone+` ORDER BY id LIMIT $2`, after, limit)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	out := make(map[rapport.ID]*Profile, len(list))
	for i := range list {
		out[list[i].ID] = &list[i]
	}
	return list, s.addFacts(ctx, out, crowd{first: list[0].ID, last: list[len(list)-1].ID}, purpose, topic, channels)
}

// ProfilesOf is Profiles for customers that were just stored in this transaction, which need not be read again: of
// those that are new nothing needs to.
func (s *Store) ProfilesOf(ctx context.Context, stored []Upserted, purpose rapport.Purpose, topic string, channels ...rapport.Channel) (map[rapport.ID]*Profile, error) {
	out := make(map[rapport.ID]*Profile, len(stored))
	old := make(map[rapport.ID]*Profile, len(stored))
	ids := make([]rapport.ID, 0, len(stored))
	facts := make([]rapport.AddressFacts, 0, len(stored))
	for _, u := range stored {
		if u.known == nil || out[u.ID] != nil {
			continue
		}
		p := &Profile{Customer: u.known.Customer, Track: u.known.track}
		out[u.ID] = p
		if u.known.created {
			facts = u.known.facts(facts, purpose, topic, channels)
			continue
		}
		old[u.ID] = p
		ids = append(ids, u.ID)
	}
	if err := s.addSuppressions(ctx, facts); err != nil {
		return nil, err
	}
	share(facts, out)
	return out, s.addFacts(ctx, old, crowd{list: s.d.list(ids)}, purpose, topic, channels)
}

// facts appends those of a customer that has just been created, and has nothing but what it was created with.
func (c *person) facts(to []rapport.AddressFacts, purpose rapport.Purpose, topic string, channels []rapport.Channel) []rapport.AddressFacts {
	for _, has := range c.places {
		if has.gone || len(channels) > 0 && !slices.Contains(channels, has.Channel) {
			continue
		}
		a := rapport.AddressFacts{Address: has.Address}
		var newest int64
		for _, k := range c.consents {
			said := ms(k.At)
			if k.Channel != a.Channel || k.Purpose != purpose || k.Topic != "" && k.Topic != topic || a.Consent != rapport.ConsentNone && said < newest {
				continue
			}
			newest = said
			if a.Consent = rapport.ConsentWithdrawn; k.Granted {
				a.Consent = rapport.ConsentGranted
			}
		}
		for _, about := range []string{"*", topic} {
			if on, ok := c.prefs[prefKey{about, a.Channel}]; ok {
				a.Preference, a.PrefTopic = &on, about
			}
		}
		to = append(to, a)
	}
	return to
}

// share gives each customer those of the facts that are theirs, by id.
func share(facts []rapport.AddressFacts, out map[rapport.ID]*Profile) {
	slices.SortFunc(facts, func(a, b rapport.AddressFacts) int {
		return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.ID, b.ID))
	})
	for i := 0; i < len(facts); {
		first := i
		for i++; i < len(facts) && facts[i].Customer == facts[first].Customer; i++ {
		}
		if p := out[facts[first].Customer]; p != nil {
			p.Facts = facts[first:i:i]
		}
	}
}

// addFacts completes the profiles of a crowd with what hangs on them. The addresses are read first: what changes after
// that changes their epoch too, and is found when the message is claimed.
func (s *Store) addFacts(ctx context.Context, out map[rapport.ID]*Profile, who crowd, purpose rapport.Purpose, topic string, channels []rapport.Channel) error {
	if len(out) == 0 {
		return nil
	}
	only := on(channels)
	where, args := s.about(who, "customer_id", 1)
	facts := make([]rapport.AddressFacts, 0, len(out))
	var a rapport.AddressFacts
	var primary int
	var off sql.NullString
	dest := []any{&a.ID, &a.Customer, (*string)(&a.Channel), &a.Value, &primary, &a.Epoch, &off}
	err := s.each(ctx, func(scan func(...any) error) error {
		err := scan(dest...)
		a.Primary, a.Off = primary == 1, off.String
		facts = append(facts, a)
		return err
	}, `SELECT id, customer_id, channel, address, is_primary, epoch, nullif(off_reason, '') FROM addresses WHERE `+where+only, args...)
	if err != nil {
		return err
	}
	share(facts, out)
	if err := s.addSuppressions(ctx, facts); err != nil {
		return err
	}
	if err := s.addConsents(ctx, out, who, purpose, topic, only); err != nil {
		return err
	}
	if err := s.addPreferences(ctx, out, who, topic); err != nil {
		return err
	}
	if purpose != rapport.Marketing {
		return nil
	}
	for _, p := range out {
		if p.Cap != nil {
			if p.CapUsed, err = s.MarketingSince(ctx, p.ID, s.Now().Add(-p.Cap.Per)); err != nil {
				return err
			}
		}
	}
	return nil
}

// addSuppressions hashes addresses only of channels on which any is suppressed.
func (s *Store) addSuppressions(ctx context.Context, facts []rapport.AddressFacts) error {
	byChannel := map[rapport.Channel][]*rapport.AddressFacts{}
	for i := range facts {
		a := &facts[i]
		byChannel[a.Channel] = append(byChannel[a.Channel], a)
	}
	for channel, on := range byChannel { // one query each: the table's key begins with the channel
		var some bool
		if err := s.row(ctx, `SELECT EXISTS (SELECT 1 FROM suppressions WHERE channel = $1)`, string(channel)).Scan(&some); err != nil {
			return err
		}
		if !some {
			continue
		}
		hashes := make([]string, len(on))
		for i, a := range on {
			hashes[i] = s.addressHash(a.Channel, a.Value)
		}
		found := map[string]*rapport.Suppression{}
		err := s.each(ctx, func(scan func(...any) error) error {
			var hash string
			var created int64
			x := &rapport.Suppression{Channel: channel}
			err := scan(&hash, &x.Reason, &x.Scope, &created)
			x.At = at(created)
			found[hash] = x
			return err
		}, `SELECT hash, reason, scope, created_at FROM suppressions WHERE channel = $1 AND hash `+s.d.in(2), string(channel), s.d.list(hashes))
		if err != nil {
			return err
		}
		for i, a := range on {
			a.Suppressed = found[hashes[i]]
		}
	}
	return nil
}

// addConsents derives the current state: the newest entry for this channel and purpose that is about
// this topic or about every topic wins; of two of the same time the one recorded later.
func (s *Store) addConsents(ctx context.Context, out map[rapport.ID]*Profile, who crowd, purpose rapport.Purpose, topic, only string) error {
	var customer rapport.ID
	var channel rapport.Channel
	var word int64 // when it was said, and in the lowest bit what: a column less to read
	newest := map[rapport.Channel]int64{}
	var of rapport.ID // whose words are in newest
	dest := []any{&customer, (*string)(&channel), &word}
	where, args := s.about(who, "customer_id", 3)
	return s.each(ctx, func(scan func(...any) error) error {
		if err := scan(dest...); err != nil {
			return err
		}
		if customer != of {
			of = customer
			clear(newest)
		}
		if last, ok := newest[channel]; ok && last>>1 > word>>1 {
			return nil
		}
		newest[channel] = word
		if p := out[customer]; p != nil {
			for i := range p.Facts {
				if a := &p.Facts[i]; a.Channel == channel && word&1 == 1 {
					a.Consent = rapport.ConsentGranted
				} else if a.Channel == channel {
					a.Consent = rapport.ConsentWithdrawn
				}
			}
		}
		return nil
	}, `SELECT customer_id, channel, 2 * created_at + granted FROM consents WHERE purpose = $1 AND topic IN ($2, '') AND `+where+only+` ORDER BY customer_id, id`,
		append([]any{string(purpose), topic}, args...)...)
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
