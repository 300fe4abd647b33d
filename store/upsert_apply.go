package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"rapport"
)

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
