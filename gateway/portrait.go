package gateway

import (
	"encoding/json"

	"rapport"
	"rapport/store"
	"rapport/templates"
)

// portrait is what a message row keeps of its customer and of the data that came for them: what the template may
// read, and what every message is sent with. What nobody reads need not be written for each of a million messages,
// nor be kept about a person. One portrait serves a campaign, customer after customer.
type portrait struct {
	all     bool // the template may read everything
	members []member
	place   map[string]int  // in members, by name
	data    map[string]bool // the wanted members of data; nil: all
	buf     []byte
}

// member of the object that templates see as customer.
type member struct {
	name, text string
	raw        bool // text is JSON, and not yet to be quoted
	given      bool
}

// always are members that are read without a template: the name in a mail's To, the language and the zone.
var always = [...]string{"name", "locale", "timezone"}

func newPortrait(r templates.Reads) *portrait {
	p := &portrait{all: r.Customer == nil, place: make(map[string]int, len(r.Customer)+len(always)), data: r.Data}
	add := func(name string) {
		if _, known := p.place[name]; !known {
			p.place[name] = len(p.members)
			p.members = append(p.members, member{name: name})
		}
	}
	for name := range r.Customer {
		add(name)
	}
	for _, name := range always {
		add(name)
	}
	return p
}

// take replaces whom the portrait shows: the attributes, and over them what every customer has.
func (p *portrait) take(c *store.Profile) {
	if p.all {
		clear(p.place)
		p.members = p.members[:0]
	}
	for i := range p.members {
		p.members[i] = member{name: p.members[i].name}
	}
	if len(c.Attributes) > 2 {
		p.attributes(c.Attributes)
	}
	if p.wants("id") {
		p.put("id", rapport.KindCustomer.Format(c.ID), false)
	}
	set := func(name, text string) {
		if text != "" {
			p.put(name, text, false)
		}
	}
	set("external_id", c.ExternalID)
	set("name", c.Name)
	set("locale", c.Locale)
	set("timezone", c.Timezone)
	set("audience", c.Audience)
	for i := range c.Facts {
		if a := &c.Facts[i]; a.Primary || !p.has(string(a.Channel)) {
			p.put(string(a.Channel), a.Value, false)
		}
	}
}

func (p *portrait) attributes(object json.RawMessage) {
	s := scanner{text: string(object)}
	if s.members(func(name string) bool {
		text, ok := s.raw()
		p.put(name, text, true)
		return ok
	}) {
		return
	}
	var m map[string]json.RawMessage
	_ = json.Unmarshal(object, &m) // the store holds nothing but objects
	for name, text := range m {
		p.put(name, string(text), true)
	}
}

func (p *portrait) wants(name string) bool {
	_, ok := p.place[name]
	return ok || p.all
}

func (p *portrait) put(name, text string, raw bool) {
	i, ok := p.place[name]
	switch {
	case !ok && !p.all:
		return
	case !ok:
		i = len(p.members)
		p.place[name] = i
		p.members = append(p.members, member{})
	}
	p.members[i] = member{name, text, raw, true}
}

// has tells whether the customer has something by this name.
func (p *portrait) has(name string) bool {
	i, ok := p.place[name]
	return ok && p.members[i].given && (!p.members[i].raw || p.members[i].text != "null")
}

// supplies tells whether a variable has a value: of the customer, in own data or in the campaign's.
func (p *portrait) supplies(path []string, own, campaign map[string]any) bool {
	switch path[0] {
	case "customer":
		if len(path) == 2 || !p.has(path[1]) {
			return p.has(path[1])
		}
		var v any
		if m := p.members[p.place[path[1]]]; m.raw {
			_ = json.Unmarshal([]byte(m.text), &v)
		} else {
			v = m.text
		}
		return templates.Supplied(v, path[2:])
	case "data":
		v, ok := own[path[1]]
		if !ok {
			v = campaign[path[1]]
		}
		return templates.Supplied(v, path[2:])
	}
	return false
}

// encode writes the portrait and the data as vars are stored. encoding/json would take several times as long, most of
// it to sort keys that nobody reads in order.
func (p *portrait) encode(data map[string]any, noTrack bool) (json.RawMessage, error) {
	b := append(p.buf[:0], `{"customer":{`...)
	var err error
	for i := range p.members {
		if m := &p.members[i]; m.given && m.raw {
			b = append(appendName(b, m.name), m.text...)
		} else if m.given {
			b = appendString(appendName(b, m.name), m.text)
		}
	}
	b = append(b, '}')
	if len(data) > 0 {
		b = append(b, `,"data":{`...)
		for name, v := range data {
			if p.data != nil && !p.data[name] {
				continue
			}
			if b, err = appendValue(appendName(b, name), v); err != nil {
				return nil, err
			}
		}
		b = append(b, '}')
	}
	if noTrack {
		b = append(b, `,"no_track":true`...)
	}
	p.buf = append(b, '}')
	return append(make(json.RawMessage, 0, len(p.buf)), p.buf...), nil
}
