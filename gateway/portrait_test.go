package gateway

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"rapport"
	"rapport/internal/fuzzing"
	"rapport/store"
	"rapport/templates"
)

func profile(attributes string) *store.Profile {
	fact := func(c rapport.Channel, value string, primary bool) rapport.AddressFacts {
		return rapport.AddressFacts{Address: rapport.Address{Channel: c, Value: value, Primary: primary}}
	}
	return &store.Profile{Customer: rapport.Customer{ID: 7 << 40, ExternalID: "crm-1", Name: "a\"b\\c\nd\x00\u2028<&>", Audience: "customer", Attributes: json.RawMessage(attributes)},
		Facts: []rapport.AddressFacts{fact(rapport.Email, "first@x.example", false), fact(rapport.Email, "second@x.example", true), fact(rapport.Email, "third@x.example", false), fact(rapport.SMS, "+37120000000", false)}}
}

// seen is what templates see of a profile, read by encoding/json.
func seen(c *store.Profile) map[string]any {
	m := map[string]any{}
	_ = json.Unmarshal(c.Attributes, &m)
	m["id"], m["external_id"], m["name"], m["audience"] = rapport.KindCustomer.Format(c.ID), c.ExternalID, c.Name, c.Audience
	m["email"] = "second@x.example"
	if m["sms"] == nil { // an attribute stands before an address that is not the primary one
		m["sms"] = "+37120000000"
	}
	return m
}

func TestPortrait_ShowsTheAttributesAndWhatEveryCustomerHas(t *testing.T) {
	t.Parallel()
	p := newPortrait(templates.Reads{})
	for _, attributes := range []string{``, `{}`, `{"city":"Riga","n":-1.5e3,"t":true,"z":null,"list":[1,"]",{"a":"}"}],"deep":{"a":{"b":"\"}"}}}`,
		`{"id":"own","name":"own","email":"own","sms":"own"}`, `{"sms":null}`, ` { "spaced" : [ 1 , 2 ] , "x" : "y" } `,
		`{"a":1,"a":2}`, `{"\u00e9":"\u00e9","Zoë 😀":"عربى"}`} {
		c := profile(attributes)
		p.take(c)
		data := map[string]any{"n": 1.5, "big": 1e21, "list": []any{"x", nil, map[string]any{}}, "nil": map[string]any(nil), "deep": map[string]any{"é": "\xff"}}
		stored, err := p.encode(data, true)
		if err != nil {
			t.Fatal(err)
		}
		check(t, stored)
		var got vars
		if err := json.Unmarshal(stored, &got); err != nil {
			t.Fatalf("%s: %v", stored, err)
		}
		if want := seen(c); !reflect.DeepEqual(got.Customer, want) || !got.NoTrack || len(got.Data) != len(data) || got.Data["n"] != 1.5 {
			t.Errorf("%s: stored %s, want of the customer %v", attributes, stored, want)
		}
		for name, v := range seen(c) {
			if p.supplies([]string{"customer", name}, nil, nil) != (v != nil) {
				t.Errorf("%s: has no %s", attributes, name)
			}
		}
	}
	if _, err := p.encode(map[string]any{"x": func() {}}, false); err == nil {
		t.Error("wrote a function")
	}
}

func TestPortrait_KeepsOnlyWhatTheTemplateReads(t *testing.T) {
	t.Parallel()
	compiled, err := templates.Compile(templates.Source{Topic: "news", Required: []string{"customer.tier", "code"}, Variants: []templates.Variant{
		{Channel: rapport.Email, Subject: "{{ customer.city }}", Text: "{{ customer.email }} {{ data.order.id }} {{ customer.missing | default: '-' }}"},
		{Channel: rapport.SMS, Text: "{{ customer.deep.a.b }}{{ customer.deep.none }}"}}})
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := templates.Load("tpl_1", compiled)
	if err != nil {
		t.Fatal(err)
	}
	p := newPortrait(tmpl.Reads())
	p.take(profile(`{"city":"Riga","secret":"x","tier":null,"deep":{"a":{"b":1}}}`))
	own := map[string]any{"order": map[string]any{"id": 1.0}, "unread": "x"}
	stored, err := p.encode(own, false)
	if err != nil {
		t.Fatal(err)
	}
	var got vars
	if err := json.Unmarshal(stored, &got); err != nil {
		t.Fatal(err)
	}
	want := vars{Customer: map[string]any{"city": "Riga", "email": "second@x.example", "tier": nil, "deep": map[string]any{"a": map[string]any{"b": 1.0}}, "name": profile("").Name},
		Data: map[string]any{"order": map[string]any{"id": 1.0}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("stored %s", stored)
	}
	missing := tmpl.Lacking(func(path []string) bool { return p.supplies(path, own, map[string]any{"code": "campaign's"}) }, map[rapport.Channel]bool{rapport.Email: true, rapport.SMS: true})
	if !slices.Equal(missing, []string{"customer.deep.none", "customer.tier"}) {
		t.Errorf("missing %v", missing)
	}
	p.take(profile(`{}`))
	if stored, _ := p.encode(nil, false); p.supplies([]string{"customer", "city"}, nil, nil) || json.Unmarshal(stored, &got) != nil {
		t.Errorf("the one before shows: %s", stored)
	}
}

func FuzzPortrait(f *testing.F) {
	f.Add(`{"city":"Riga","n":-1.5e3,"list":[1,"]",{"a":"}"}],"deep":{"a":"\"}"}}`)
	f.Fuzz(func(t *testing.T, attributes string) {
		defer fuzzing.Budget(t)()
		if json.Unmarshal([]byte(attributes), &map[string]any{}) != nil {
			return // the store holds nothing but objects
		}
		c := profile(attributes)
		p := newPortrait(templates.Reads{})
		p.take(c)
		stored, err := p.encode(nil, false)
		if err != nil {
			t.Fatal(err)
		}
		var got vars
		if err := json.Unmarshal(stored, &got); err != nil || !reflect.DeepEqual(got.Customer, seen(c)) {
			t.Errorf("%s: stored %s, %v", attributes, stored, err)
		}
	})
}
