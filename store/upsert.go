package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rapport"
)

// CustomerPatch is what a caller knows about a customer; nil and empty fields stay as they are.
type CustomerPatch struct {
	ID         rapport.ID
	ExternalID string
	Audience   *string
	Name       *string
	Locale     *string
	Timezone   *string
	Track      *bool           // false: opens and clicks are not recorded
	Attributes json.RawMessage // an object, merged key by key; null deletes a key
	Addresses  []AddressPatch  // added to those that are known
	// ReplaceAddresses takes away the known addresses that are not among Addresses.
	ReplaceAddresses bool
	Order            *[]rapport.Channel
	Quiet            *rapport.QuietHours
	ClearQuiet       bool
	Cap              *rapport.Cap
	ClearCap         bool
	Prefs            []rapport.Preference
	// Consents are evidence: one that is on record already, with the same words, source and proof, is not
	// given anew, so that importing an old file again does not undo a withdrawal. AddConsents always adds.
	Consents []rapport.Consent
}

// AddressPatch is one address, normalised already. The first of a channel becomes its primary one;
// later ones only when they say so.
type AddressPatch struct {
	Channel rapport.Channel
	Value   string
	Primary bool
}

// Upserted is what became of one patch.
type Upserted struct {
	ID      rapport.ID
	Created bool
	Refusal string // "", rapport.ReasonConflict, ReasonUnknownCustomer or rapport.ReasonInvalid; nothing of the patch was stored
	Detail  string // a sentence about the refusal, without personal data

	known *person // as it stands now, for ProfilesOf
}

// ReasonUnknownCustomer refuses a patch whose ID nobody has.
const ReasonUnknownCustomer = "unknown_customer"

// Err is the refusal as an error for people, nil without one.
func (u Upserted) Err() error {
	switch u.Refusal {
	case "":
		return nil
	case ReasonUnknownCustomer:
		return rapport.NotFound("customer")
	case rapport.ReasonConflict:
		return &rapport.Error{Code: rapport.CodeConflict, Message: "The customer cannot be stored: " + u.Detail + "."}
	}
	return &rapport.Error{Code: rapport.CodeInvalid, Message: "The customer cannot be stored: " + u.Detail + "."}
}

// UpsertCustomers finds or creates up to MaxRows customers and brings them up to date, with a handful of
// statements however many they are. A patch names its customer by ID (a merged one stands for the one
// it was merged into), else by ExternalID, else by any of its addresses. An address that belongs to
// somebody else refuses the whole patch. Customers that are so already cost no write. Patches are
// applied in order, so two that name the same new customer create one.
func (s *Store) UpsertCustomers(ctx context.Context, patches []CustomerPatch) ([]Upserted, error) {
	if len(patches) > MaxRows {
		return nil, fmt.Errorf("storing customers: %d in one call, at most %d", len(patches), MaxRows)
	}
	var out []Upserted
	err := s.Tx(ctx, func(s *Store) error {
		var contested []rapport.ID
		for range 5 {
			u := newUpsert(s)
			// Nobody is locked before somebody else was faster: planning reads 500 customers and changes few.
			if err := s.lockCustomers(ctx, contested); err != nil {
				return fmt.Errorf("locking customers: %w", err)
			}
			if err := u.load(ctx, patches); err != nil {
				return fmt.Errorf("loading customers: %w", err)
			}
			out = out[:0]
			for i := range patches {
				out = append(out, u.apply(&patches[i]))
			}
			if !u.dirty() {
				return nil
			}
			switch err := u.write(ctx); {
			case err == nil:
				return nil
			case !errors.Is(err, errOvertaken):
				return fmt.Errorf("storing customers: %w", err)
			}
			for _, c := range u.order {
				contested = append(contested, c.ID)
			}
		}
		return &rapport.Error{Code: rapport.CodeUnavailable, Message: "Other requests are changing the same customers; try again."}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// lockCustomers makes others that want to change these customers wait; in the order of their ids, so
// that two who want the same do not wait for each other.
func (s *Store) lockCustomers(ctx context.Context, ids []rapport.ID) error {
	if len(ids) == 0 {
		return nil
	}
	return s.each(ctx, func(func(...any) error) error { return nil },
		`SELECT id FROM customers WHERE id `+s.d.in(1)+` ORDER BY id `+s.d.forUpdate(), s.d.list(ids))
}

// errOvertaken: between our reading and our writing another transaction changed one of the customers.
var errOvertaken = errors.New("overtaken by another transaction")

// upsert is the working set of one call: the customers as they shall be.
type upsert struct {
	s          *Store
	people     map[rapport.ID]*person
	byExternal map[string]*person
	places     map[placeKey]*place
	order      []*person // those that apply touched, each once
}

type person struct {
	rapport.Customer
	seen     int64 // updated_at as it was read
	track    bool
	places   []*place
	prefs    map[prefKey]bool
	consents []rapport.Consent // the history, newest last; those from fresh on are to be added
	fresh    int

	created, touched, changed, bump bool
	newPrefs                        []prefKey
}

type place struct {
	rapport.Address
	key                    placeKey
	created, changed, gone bool
}

type placeKey struct {
	channel rapport.Channel
	akey    string
}

type prefKey struct {
	topic   string
	channel rapport.Channel
}

func newUpsert(s *Store) *upsert {
	return &upsert{s: s, people: map[rapport.ID]*person{}, byExternal: map[string]*person{}, places: map[placeKey]*place{}}
}

// load reads what the patches may be about. Addresses, preferences and consents of a customer are read
// whole only where a patch may change them.
func (u *upsert) load(ctx context.Context, patches []CustomerPatch) error {
	s := u.s
	var ids []rapport.ID
	var externals []string
	akeys := map[rapport.Channel][]string{}
	for i := range patches {
		p := &patches[i]
		if p.ID != 0 {
			ids = append(ids, p.ID)
		}
		if storable(p.ExternalID) && p.ExternalID != "" {
			externals = append(externals, p.ExternalID)
		}
		for _, a := range p.Addresses {
			if k := keyOf(a); storable(k.akey) {
				akeys[k.channel] = append(akeys[k.channel], k.akey)
			}
		}
	}
	for channel, keys := range akeys {
		if err := u.loadPlaces(ctx, s.d.among(2, "text", "addresses", "a", "channel = $1", "akey"), string(channel), s.d.list(keys)); err != nil {
			return err
		}
	}
	for _, a := range u.places {
		ids = append(ids, a.Customer)
	}
	if len(externals) > 0 {
		if err := u.loadPeople(ctx, `external_id `+s.d.in(1), s.d.list(externals)); err != nil {
			return err
		}
	}
	for range maxMerges {
		for _, c := range u.people {
			if c.MergedInto != 0 {
				ids = append(ids, c.MergedInto)
			}
		}
		ids = slices.DeleteFunc(ids, func(id rapport.ID) bool { return u.people[id] != nil })
		if len(ids) == 0 {
			break
		}
		if err := u.loadPeople(ctx, `id `+s.d.in(1), s.d.list(ids)); err != nil {
			return err
		}
		ids = ids[:0]
	}
	return u.loadParts(ctx, patches)
}

func (u *upsert) loadPeople(ctx context.Context, where string, list any) error {
	return u.s.each(ctx, func(scan func(...any) error) error {
		var track int
		c, err := scanCustomer(func(to ...any) error { return scan(append(to, &track)...) })
		if err != nil || u.people[c.ID] != nil {
			return err
		}
		p := &person{Customer: *c, seen: ms(c.UpdatedAt), track: track == 1}
		u.people[c.ID] = p
		if c.ExternalID != "" {
			u.byExternal[c.ExternalID] = p
		}
		return nil
	}, `SELECT `+customerColumns+`, track FROM customers WHERE `+where, list)
}

func (u *upsert) loadPlaces(ctx context.Context, from string, args ...any) error {
	return u.s.each(ctx, func(scan func(...any) error) error {
		var akey string
		a, err := scanAddress(func(to ...any) error { return scan(append(to, &akey)...) })
		key := placeKey{a.Channel, akey}
		if err == nil && u.places[key] == nil {
			u.places[key] = &place{Address: a, key: key}
		}
		return err
	}, `SELECT `+addressColumns+`, a.akey FROM `+from+` ORDER BY a.id`, args...)
}

// loadParts reads what hangs on the customers whose patches touch it.
func (u *upsert) loadParts(ctx context.Context, patches []CustomerPatch) error {
	s := u.s
	var addresses, prefs, consents []rapport.ID
	named := map[string]*person{} // external ids that an earlier patch is about to give
	for i := range patches {
		p := &patches[i]
		c, _ := u.find(p)
		if c == nil {
			c = named[p.ExternalID]
		}
		if c == nil {
			continue
		}
		if p.ExternalID != "" {
			named[p.ExternalID] = c
		}
		if p.ReplaceAddresses || slices.ContainsFunc(p.Addresses, func(a AddressPatch) bool { return !u.stands(c, a) }) {
			addresses = append(addresses, c.ID)
		}
		if len(p.Prefs) > 0 {
			prefs = append(prefs, c.ID)
			c.prefs = map[prefKey]bool{}
		}
		if len(p.Consents) > 0 {
			consents = append(consents, c.ID)
		}
	}
	if len(addresses) > 0 {
		if err := u.loadPlaces(ctx, `addresses a WHERE customer_id `+s.d.in(1), s.d.list(addresses)); err != nil {
			return err
		}
		for _, a := range u.places {
			if c := u.people[a.Customer]; c != nil {
				c.places = append(c.places, a)
			}
		}
		for _, c := range u.people {
			slices.SortFunc(c.places, func(a, b *place) int { return cmp.Compare(a.ID, b.ID) })
		}
	}
	if len(prefs) > 0 {
		err := s.eachPreference(ctx, s.d.list(prefs), func(id rapport.ID, p rapport.Preference) {
			u.people[id].prefs[prefKey{p.Topic, p.Channel}] = p.Enabled
		})
		if err != nil {
			return err
		}
	}
	if len(consents) == 0 {
		return nil
	}
	err := s.each(ctx, func(scan func(...any) error) error {
		c, err := scanConsent(scan)
		if err == nil {
			p := u.people[c.Customer]
			p.consents = append(p.consents, c)
			p.fresh++
		}
		return err
	}, `SELECT `+consentColumns+` FROM consents WHERE customer_id `+s.d.in(1)+` ORDER BY id`, s.d.list(consents))
	return err
}

func keyOf(a AddressPatch) placeKey {
	return placeKey{a.Channel, rapport.AddressKey(a.Channel, a.Value)}
}

// stands tells whether c has the address just so, so that nothing of it is to be written.
func (u *upsert) stands(c *person, a AddressPatch) bool {
	has := u.places[keyOf(a)]
	if has == nil || has.gone || u.root(u.people[has.Customer]) != c {
		return false
	}
	return has.Customer != c.ID || has.Value == a.Value && (has.Primary || !a.Primary) // under a merged customer it stays as it is
}

// find names the customer of a patch; nil without a refusal: a new one.
func (u *upsert) find(p *CustomerPatch) (*person, string) {
	c := u.people[p.ID]
	if p.ID != 0 && c == nil {
		return nil, ReasonUnknownCustomer
	}
	if c == nil && p.ExternalID != "" {
		c = u.byExternal[p.ExternalID]
	}
	if c == nil {
		for _, a := range p.Addresses {
			if has := u.places[keyOf(a)]; has != nil && !has.gone {
				// With a new external id only somebody who has none is meant: a stranger who wrote first, or was
				// first written to by a bare address, becomes known here.
				if o := u.root(u.people[has.Customer]); p.ExternalID == "" || o != nil && o.ExternalID == "" {
					c = u.people[has.Customer]
				}
				break
			}
		}
	}
	if c == nil {
		return nil, ""
	}
	if c = u.root(c); c == nil {
		return nil, ReasonUnknownCustomer
	}
	return c, ""
}

// root is the customer that c was merged into at last; c itself when it was not merged.
func (u *upsert) root(c *person) *person {
	for range maxMerges {
		if c == nil || c.MergedInto == 0 {
			return c
		}
		c = u.people[c.MergedInto]
	}
	return nil
}

// apply brings one customer of the working set up to date, or refuses the patch and changes nothing.
func (u *upsert) apply(p *CustomerPatch) Upserted {
	invalid := func(format string, args ...any) Upserted {
		return Upserted{Refusal: rapport.ReasonInvalid, Detail: fmt.Sprintf(format, args...)}
	}
	if p.ID == 0 && p.ExternalID == "" && len(p.Addresses) == 0 {
		return invalid("it names nobody: an id, an external id or an address is needed")
	}
	if where := p.unstorable(); where != "" {
		return invalid("%s holds broken UTF-8 or a NUL character", where)
	}
	var attributes map[string]json.RawMessage
	if len(p.Attributes) > 0 && (json.Unmarshal(p.Attributes, &attributes) != nil || attributes == nil) {
		return invalid("its attributes are not a JSON object")
	}
	c, refusal := u.find(p)
	if refusal != "" {
		return Upserted{Refusal: refusal, Detail: "there is no customer with this id"}
	}
	if conflict := u.conflict(c, p); conflict != "" {
		return Upserted{Refusal: rapport.ReasonConflict, Detail: conflict}
	}
	if c == nil {
		now := u.s.Now()
		c = &person{Customer: rapport.Customer{ID: u.s.NewID(), ExternalID: p.ExternalID, Audience: "customer", Attributes: json.RawMessage(`{}`),
			CreatedAt: now, UpdatedAt: now}, track: true, created: true}
		u.people[c.ID] = c
	}
	if p.ExternalID != "" && u.byExternal[p.ExternalID] == nil && c.ExternalID != p.ExternalID {
		c.changed = true
		delete(u.byExternal, c.ExternalID)
		c.ExternalID = p.ExternalID
	}
	if c.ExternalID != "" {
		u.byExternal[c.ExternalID] = c
	}
	first := c.created && !c.touched
	if !c.touched {
		c.touched = true
		u.order = append(u.order, c)
	}
	c.describe(p)
	c.merge(attributes)
	c.choose(p.Prefs)
	u.consent(c, p.Consents)
	u.house(c, p)
	return Upserted{ID: c.ID, Created: first, known: c}
}

// unstorable names a part of the patch whose text no database can keep.
func (p *CustomerPatch) unstorable() string {
	deref := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	for _, f := range []struct{ name, text string }{{"the external id", p.ExternalID}, {"the name", deref(p.Name)}, {"the audience", deref(p.Audience)},
		{"the locale", deref(p.Locale)}, {"the timezone", deref(p.Timezone)}, {"the attributes", string(p.Attributes)}} {
		if !storable(f.text) {
			return f.name
		}
	}
	for _, a := range p.Addresses {
		if !storable(a.Value) || a.Value == "" {
			return "an address"
		}
	}
	for _, f := range p.Prefs {
		if !storable(f.Topic) {
			return "a preference"
		}
	}
	for _, k := range p.Consents {
		if !storable(k.Topic + k.Source + k.TextVersion + k.Proof + k.IP) {
			return "a consent"
		}
	}
	return ""
}

// conflict tells what of the patch belongs to another customer than c.
func (u *upsert) conflict(c *person, p *CustomerPatch) string {
	if owner := u.byExternal[p.ExternalID]; owner != nil && p.ExternalID != "" && c != nil && u.root(owner) != c {
		return "the external id belongs to another customer"
	}
	for _, a := range p.Addresses {
		if has := u.places[keyOf(a)]; has != nil && !has.gone && (c == nil || u.root(u.people[has.Customer]) != c) {
			return fmt.Sprintf("the %s address belongs to another customer", a.Channel)
		}
	}
	return ""
}

func (c *person) describe(p *CustomerPatch) {
	set := func(to *string, from *string) bool {
		if from == nil || *to == *from {
			return false
		}
		*to, c.changed = *from, true
		return true
	}
	set(&c.Audience, p.Audience)
	set(&c.Name, p.Name)
	set(&c.Locale, p.Locale)
	if set(&c.Timezone, p.Timezone) {
		c.bump = true
	}
	if p.Track != nil && *p.Track != c.track {
		c.track, c.changed = *p.Track, true
	}
	if p.Order != nil && !slices.Equal(c.Order, *p.Order) {
		c.Order, c.changed, c.bump = slices.Clone(*p.Order), true, true
	}
	if quiet := p.Quiet; p.ClearQuiet || quiet != nil {
		if p.ClearQuiet {
			quiet = nil
		}
		if (quiet == nil) != (c.Quiet == nil) || quiet != nil && *quiet != *c.Quiet {
			c.Quiet, c.changed, c.bump = quiet, true, true
		}
	}
	if limit := p.Cap; p.ClearCap || limit != nil {
		if p.ClearCap {
			limit = nil
		}
		if (limit == nil) != (c.Cap == nil) || limit != nil && *limit != *c.Cap {
			c.Cap, c.changed, c.bump = limit, true, true
		}
	}
}

func (c *person) merge(attributes map[string]json.RawMessage) {
	if len(attributes) == 0 {
		return
	}
	have := map[string]json.RawMessage{}
	if json.Unmarshal(c.Attributes, &have) != nil || have == nil {
		have = map[string]json.RawMessage{}
	}
	differs := false
	for k, v := range attributes {
		var compact bytes.Buffer
		if json.Compact(&compact, v) == nil {
			v = compact.Bytes()
		}
		old, known := have[k]
		switch {
		case string(v) == "null" && known:
			delete(have, k)
			differs = true
		case string(v) != "null" && !bytes.Equal(old, v):
			have[k] = v
			differs = true
		}
	}
	if differs {
		c.Attributes, _ = json.Marshal(have) // of what was just read: cannot fail
		c.changed = true
	}
}

func (c *person) choose(prefs []rapport.Preference) {
	for _, p := range prefs {
		if c.prefs == nil {
			c.prefs = map[prefKey]bool{}
		}
		key := prefKey{p.Topic, p.Channel}
		if was, known := c.prefs[key]; known && was == p.Enabled {
			continue
		}
		c.prefs[key] = p.Enabled
		c.bump = true
		if !slices.Contains(c.newPrefs, key) {
			c.newPrefs = append(c.newPrefs, key)
		}
	}
}

func (u *upsert) consent(c *person, consents []rapport.Consent) {
	for _, k := range consents {
		if slices.ContainsFunc(c.consents, func(old rapport.Consent) bool { return sameEvidence(old, k) }) {
			continue
		}
		k.ID, k.Customer = u.s.NewID(), c.ID
		if k.At.IsZero() {
			k.At = u.s.Now()
		}
		c.consents = append(c.consents, k)
		c.bump = true
	}
}

// sameEvidence tells whether k says again what old has said. Without a time of its own it does.
func sameEvidence(old, k rapport.Consent) bool {
	if !k.At.IsZero() && ms(k.At) != ms(old.At) {
		return false
	}
	return old.Channel == k.Channel && old.Purpose == k.Purpose && old.Topic == k.Topic && old.Granted == k.Granted &&
		old.Source == k.Source && old.TextVersion == k.TextVersion && old.Proof == k.Proof
}

// house gives c its addresses and each channel one primary among them.
func (u *upsert) house(c *person, p *CustomerPatch) {
	channels := map[rapport.Channel]bool{}
	if p.ReplaceAddresses {
		for _, has := range c.places {
			if !has.gone && !slices.ContainsFunc(p.Addresses, func(a AddressPatch) bool { return keyOf(a) == has.key }) {
				has.gone, has.Primary, has.changed, c.changed = true, false, true, true
				channels[has.Channel] = true
			}
		}
	}
	for _, a := range p.Addresses {
		if u.stands(c, a) {
			continue
		}
		key := keyOf(a)
		has := u.places[key]
		if has == nil || has.Customer != c.ID {
			has = &place{Address: rapport.Address{ID: u.s.NewID(), Customer: c.ID, Channel: a.Channel, Value: a.Value}, key: key, created: true}
			u.places[key] = has
			c.places = append(c.places, has)
		}
		if has.Value != a.Value {
			has.Value, has.changed = a.Value, true
		}
		has.gone, c.changed = false, true
		if a.Primary {
			for _, other := range c.places {
				if other.Channel == a.Channel && other.Primary != (other == has) {
					other.Primary, other.changed = other == has, true
				}
			}
		}
		channels[a.Channel] = true
	}
	for channel := range channels {
		var first *place
		for _, has := range c.places {
			if has.Channel == channel && !has.gone && (first == nil || has.Primary) {
				first = has
			}
		}
		if first != nil && !first.Primary {
			first.Primary, first.changed = true, true
		}
	}
}

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
