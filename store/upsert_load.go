package store

import (
	"cmp"
	"context"
	"slices"

	"rapport"
)

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
