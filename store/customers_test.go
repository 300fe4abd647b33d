package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

var ctx = context.Background()

func ptr[T any](v T) *T { return &v }

func mail(value string) []store.AddressPatch {
	return []store.AddressPatch{{Channel: rapport.Email, Value: value}}
}

// upsert stores patches none of which may be refused, and returns the ids.
func upsert(t *testing.T, s *store.Store, patches ...store.CustomerPatch) []rapport.ID {
	t.Helper()
	results, err := s.UpsertCustomers(ctx, patches)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]rapport.ID, len(results))
	for i, r := range results {
		if r.Refusal != "" {
			t.Fatalf("patch %d was refused: %s (%s)", i, r.Refusal, r.Detail)
		}
		ids[i] = r.ID
	}
	return ids
}

func customer(t *testing.T, s *store.Store, id rapport.ID) *rapport.Customer {
	t.Helper()
	c, err := s.Customer(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func epochs(c *rapport.Customer) (sum int64) {
	for _, a := range c.Addresses {
		sum += a.Epoch
	}
	return
}

func TestUpsert_KeepsEverythingItWasGiven(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id := upsert(t, s, store.CustomerPatch{
			ExternalID: "crm-1", Audience: ptr("partner"), Name: ptr("Žanna O'Neil"), Locale: ptr("lv"), Timezone: ptr("Europe/Riga"),
			Attributes: json.RawMessage(`{"tier":"gold","n":1.50,"gone":null}`),
			Addresses: []store.AddressPatch{{Channel: rapport.Email, Value: "Zanna@example.com"}, {Channel: rapport.Email, Value: "z@example.com", Primary: true},
				{Channel: rapport.SMS, Value: "+37120000001"}},
			Order: ptr([]rapport.Channel{rapport.SMS, rapport.Email}), Quiet: &rapport.QuietHours{From: 1260, Until: 540}, Cap: &rapport.Cap{Max: 3, Per: 168 * time.Hour},
			Prefs:    []rapport.Preference{{Topic: "news", Channel: rapport.Email, Enabled: true}},
			Consents: []rapport.Consent{{Channel: rapport.Email, Purpose: rapport.Marketing, Granted: true, Source: "form", Proof: "p"}},
		})[0]
		c := customer(t, s, id)
		if c.ExternalID != "crm-1" || c.Audience != "partner" || c.Name != "Žanna O'Neil" || c.Locale != "lv" || c.Timezone != "Europe/Riga" {
			t.Errorf("plain fields: %+v", c)
		}
		if string(c.Attributes) != `{"n":1.50,"tier":"gold"}` {
			t.Errorf("attributes: %s", c.Attributes)
		}
		if !slices.Equal(c.Order, []rapport.Channel{rapport.SMS, rapport.Email}) || *c.Quiet != (rapport.QuietHours{From: 1260, Until: 540}) || *c.Cap != (rapport.Cap{Max: 3, Per: 168 * time.Hour}) {
			t.Errorf("rules: %v %v %v", c.Order, c.Quiet, c.Cap)
		}
		if len(c.Addresses) != 3 || c.Addresses[0].Primary || !c.Addresses[1].Primary || !c.Addresses[2].Primary || c.Addresses[0].Value != "Zanna@example.com" {
			t.Errorf("addresses: %+v", c.Addresses)
		}
		if len(c.Prefs) != 1 || c.Prefs[0] != (rapport.Preference{Topic: "news", Channel: rapport.Email, Enabled: true}) {
			t.Errorf("preferences: %+v", c.Prefs)
		}
		history, _, err := s.Consents(ctx, id, store.Page{Limit: 10})
		if err != nil || len(history) != 1 || !history[0].Granted || history[0].Proof != "p" {
			t.Errorf("consents: %+v, %v", history, err)
		}
		for _, ref := range []string{"ext:crm-1", rapport.KindCustomer.Format(id)} {
			if f, err := s.FindCustomer(ctx, ref); err != nil || f.ID != id {
				t.Errorf("%s: %v, %v", ref, f, err)
			}
		}
	})
}

func TestUpsert_NamesACustomerByIDThenExternalIDThenAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ids := upsert(t, s, store.CustomerPatch{ExternalID: "a", Addresses: mail("a@example.com")}, store.CustomerPatch{ExternalID: "b", Addresses: mail("b@example.com")},
			store.CustomerPatch{Addresses: mail("anonymous@example.com")})
		a, b := ids[0], ids[1]
		for _, c := range []struct {
			name    string
			patch   store.CustomerPatch
			want    rapport.ID
			refusal string
		}{
			{"by id", store.CustomerPatch{ID: a, Addresses: mail("a@example.com")}, a, ""},
			{"by external id", store.CustomerPatch{ExternalID: "b"}, b, ""},
			{"by address, whatever its case", store.CustomerPatch{Addresses: mail("A@example.com")}, a, ""},
			{"an id that nobody has", store.CustomerPatch{ID: 12345, ExternalID: "a"}, 0, store.ReasonUnknownCustomer},
			{"an address of another customer, by id", store.CustomerPatch{ID: a, Addresses: mail("b@example.com")}, 0, rapport.ReasonConflict},
			{"an address of another customer, by external id", store.CustomerPatch{ExternalID: "a", Name: ptr("changed"), Addresses: mail("b@example.com")}, 0, rapport.ReasonConflict},
			{"a new external id with a known address", store.CustomerPatch{ExternalID: "c", Addresses: mail("b@example.com")}, 0, rapport.ReasonConflict},
			{"an external id of another customer", store.CustomerPatch{ID: a, ExternalID: "b"}, 0, rapport.ReasonConflict},
			{"addresses of two customers", store.CustomerPatch{Addresses: append(mail("a@example.com"), mail("b@example.com")...)}, 0, rapport.ReasonConflict},
			{"nobody", store.CustomerPatch{Name: ptr("x")}, 0, rapport.ReasonInvalid},
			{"attributes that are no object", store.CustomerPatch{ID: a, Attributes: json.RawMessage(`[1]`)}, 0, rapport.ReasonInvalid},
			{"attributes that are null", store.CustomerPatch{ID: a, Attributes: json.RawMessage(`null`)}, 0, rapport.ReasonInvalid},
			{"a NUL in the name", store.CustomerPatch{ID: a, Name: ptr("a\x00b")}, 0, rapport.ReasonInvalid},
			{"broken UTF-8", store.CustomerPatch{ExternalID: "\xff"}, 0, rapport.ReasonInvalid},
		} {
			got, err := s.UpsertCustomers(ctx, []store.CustomerPatch{c.patch})
			if err != nil || got[0].ID != c.want || got[0].Refusal != c.refusal || got[0].Created || (got[0].Err() == nil) != (c.refusal == "") {
				t.Errorf("%s: %+v, %v", c.name, got, err)
			}
		}
		if c := customer(t, s, a); c.Name != "" || c.ExternalID != "a" {
			t.Errorf("a refused patch left traces: %+v", c)
		}
		all, _, err := s.Customers(ctx, store.CustomerFilter{Page: store.Page{Limit: 10}})
		if err != nil || len(all) != 3 {
			t.Errorf("%d customers, %v", len(all), err)
		}
	})
}

func TestUpsert_RowsOfOneCallSeeEachOther(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		got, err := s.UpsertCustomers(ctx, []store.CustomerPatch{
			{ExternalID: "n", Name: ptr("first")},
			{ExternalID: "n", Name: ptr("second"), Addresses: mail("n@example.com")},
			{Addresses: mail("N@example.com"), Locale: ptr("de")},
			{ExternalID: "m", Addresses: mail("n@example.com")},
			{Addresses: mail("q@example.com")},
			{Addresses: mail("q@example.com")},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got[0].ID == 0 || !got[0].Created || got[1].Created || got[1].ID != got[0].ID || got[2].ID != got[0].ID || got[3].Refusal != rapport.ReasonConflict ||
			!got[4].Created || got[5].ID != got[4].ID {
			t.Errorf("%+v", got)
		}
		if c := customer(t, s, got[0].ID); c.Name != "second" || c.Locale != "de" || len(c.Addresses) != 1 {
			t.Errorf("%+v", c)
		}
	})
}

func TestUpsert_ReplacedAddressIsFreeForOthersInTheSameCall(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := upsert(t, s, store.CustomerPatch{ExternalID: "a", Addresses: append(mail("x@example.com"), mail("y@example.com")...)})[0]
		ids := upsert(t, s, store.CustomerPatch{ID: a, ReplaceAddresses: true, Addresses: mail("y@example.com")},
			store.CustomerPatch{ExternalID: "b", Addresses: mail("x@example.com")})
		if c := customer(t, s, a); len(c.Addresses) != 1 || c.Addresses[0].Value != "y@example.com" || !c.Addresses[0].Primary {
			t.Errorf("a: %+v", c.Addresses)
		}
		if c := customer(t, s, ids[1]); len(c.Addresses) != 1 || c.Addresses[0].Value != "x@example.com" {
			t.Errorf("b: %+v", c.Addresses)
		}
		upsert(t, s, store.CustomerPatch{ID: a, ReplaceAddresses: true}, store.CustomerPatch{ID: a, Addresses: mail("Y@example.com")})
		if c := customer(t, s, a); len(c.Addresses) != 1 || c.Addresses[0].Value != "Y@example.com" || !c.Addresses[0].Primary {
			t.Errorf("taken away and given back: %+v", c.Addresses)
		}
	})
}

func TestUpsert_ExternalIDGivenAndUsedInOneCall(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := upsert(t, s, store.CustomerPatch{Addresses: mail("x@example.com")})[0]
		ids := upsert(t, s, store.CustomerPatch{ID: a, ExternalID: "new"}, store.CustomerPatch{ExternalID: "new", Addresses: mail("y@example.com")})
		c := customer(t, s, a)
		if ids[1] != a || len(c.Addresses) != 2 || !c.Addresses[0].Primary || c.Addresses[1].Primary {
			t.Errorf("%+v", c)
		}
		// The old external id is free again, for a customer of the same call.
		ids = upsert(t, s, store.CustomerPatch{ID: a, ExternalID: "newer"}, store.CustomerPatch{ExternalID: "new"})
		if ids[1] == a || customer(t, s, ids[1]).ExternalID != "new" {
			t.Errorf("%v", ids)
		}
	})
}

func TestUpsert_MergesAttributesKeyByKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id := upsert(t, s, store.CustomerPatch{ExternalID: "a", Attributes: json.RawMessage(`{"a":1,"b":{"c":2},"d":"<&>"}`)})[0]
		upsert(t, s, store.CustomerPatch{ID: id, Attributes: json.RawMessage(`{"a":null,"b":{"e":3},"f":true,"never":null}`)})
		if c := customer(t, s, id); string(c.Attributes) != `{"b":{"e":3},"d":"\u003c\u0026\u003e","f":true}` {
			t.Errorf("%s", c.Attributes)
		}
	})
}

func TestUpsert_UnchangedCustomersCostNoWrite(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	for _, url := range urls(t) {
		s := storetest.Open(t, url, clock)
		patch := store.CustomerPatch{ExternalID: "a", Name: ptr("A"), Timezone: ptr("Europe/Riga"), Attributes: json.RawMessage(`{"x": [1, 2]}`),
			Addresses: append(mail("a@example.com"), store.AddressPatch{Channel: rapport.SMS, Value: "+37120000001", Primary: true}),
			Quiet:     &rapport.QuietHours{From: 1, Until: 2}, Cap: &rapport.Cap{Max: 1, Per: time.Hour}, Order: ptr([]rapport.Channel{rapport.SMS}), Track: ptr(false),
			Prefs:    []rapport.Preference{{Topic: "news", Channel: rapport.Email, Enabled: true}},
			Consents: []rapport.Consent{{Channel: rapport.Email, Purpose: rapport.Marketing, Topic: "news", Granted: true, Source: "csv"}}}
		id := upsert(t, s, patch)[0]
		before := customer(t, s, id)
		now = now.Add(time.Hour)
		upsert(t, s, patch)
		after := customer(t, s, id)
		if !after.UpdatedAt.Equal(before.UpdatedAt) || epochs(after) != epochs(before) {
			t.Errorf("%s: written: %+v, then %+v", s.Engine(), before, after)
		}
		history, _, _ := s.Consents(ctx, id, store.Page{Limit: 10})
		if len(history) != 1 {
			t.Errorf("%s: consents: %+v", s.Engine(), history)
		}
	}
}

func urls(t testing.TB) []string {
	out := []string{storetest.SQLite(t)}
	if url, ok := storetest.Postgres(t); ok {
		out = append(out, url)
	}
	return out
}

func TestUpsert_WhatDecideLooksAtMovesTheEpoch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id := upsert(t, s, store.CustomerPatch{ExternalID: "a", Addresses: append(mail("a@example.com"), store.AddressPatch{Channel: rapport.SMS, Value: "+37120000001"})})[0]
		other := upsert(t, s, store.CustomerPatch{ExternalID: "b", Addresses: mail("b@example.com")})[0]
		for _, c := range []struct {
			name  string
			patch store.CustomerPatch
			moves bool
		}{
			{"name", store.CustomerPatch{Name: ptr("x")}, false},
			{"locale", store.CustomerPatch{Locale: ptr("de")}, false},
			{"timezone", store.CustomerPatch{Timezone: ptr("Asia/Tokyo")}, true},
			{"order", store.CustomerPatch{Order: ptr([]rapport.Channel{rapport.SMS})}, true},
			{"quiet hours", store.CustomerPatch{Quiet: &rapport.QuietHours{From: 1, Until: 2}}, true},
			{"no quiet hours", store.CustomerPatch{ClearQuiet: true}, true},
			{"cap", store.CustomerPatch{Cap: &rapport.Cap{Max: 1, Per: time.Hour}}, true},
			{"no cap", store.CustomerPatch{ClearCap: true}, true},
			{"no cap again", store.CustomerPatch{ClearCap: true}, false},
			{"preference", store.CustomerPatch{Prefs: []rapport.Preference{{Topic: "*", Channel: rapport.SMS}}}, true},
			{"consent", store.CustomerPatch{Consents: []rapport.Consent{{Channel: rapport.SMS, Purpose: rapport.Marketing, Source: "x"}}}, true},
		} {
			before := epochs(customer(t, s, id))
			c.patch.ID = id
			upsert(t, s, c.patch)
			if moved := epochs(customer(t, s, id)) - before; (moved == 2) != c.moves || moved != 0 != c.moves {
				t.Errorf("%s: epochs moved by %d", c.name, moved)
			}
		}
		if epochs(customer(t, s, other)) != 0 {
			t.Error("another customer's epoch moved")
		}
	})
}

func TestUpsert_OldEvidenceDoesNotUndoAWithdrawal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		patch := store.CustomerPatch{ExternalID: "a", Addresses: mail("a@example.com"),
			Consents: []rapport.Consent{{Channel: rapport.Email, Purpose: rapport.Marketing, Topic: "news", Granted: true, Source: "csv", Proof: "row 7"}}}
		id := upsert(t, s, patch)[0]
		if err := s.AddConsents(ctx, []rapport.Consent{{Customer: id, Channel: rapport.Email, Purpose: rapport.Marketing, Topic: "news", Source: "unsubscribe"}}); err != nil {
			t.Fatal(err)
		}
		upsert(t, s, patch)
		history, next, err := s.Consents(ctx, id, store.Page{Limit: 1})
		if err != nil || len(history) != 1 || history[0].Granted || next == 0 {
			t.Errorf("%+v, %v", history, err)
		}
		patch.Consents[0].Proof = "row 9 of a newer file"
		upsert(t, s, patch)
		if history, _, _ = s.Consents(ctx, id, store.Page{Limit: 9}); len(history) != 3 || !history[0].Granted {
			t.Errorf("new evidence: %+v", history)
		}
	})
}

func TestUpsert_ManyAtOnceCreateEachCustomerOnce(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, _ *clock) { // at one instant: a time alone does not tell two writers apart
		var wg sync.WaitGroup
		for g := range 12 {
			wg.Go(func() {
				patches := make([]store.CustomerPatch, 40)
				for i := range patches {
					n := (i*7 + g*11) % 40 // each in an order of its own
					patches[i] = store.CustomerPatch{ExternalID: fmt.Sprint("e", n), Addresses: mail(fmt.Sprintf("e%d@example.com", n)),
						Attributes: json.RawMessage(fmt.Sprintf(`{"g%d":%d}`, g, n))}
				}
				results, err := s.UpsertCustomers(ctx, patches)
				if err != nil {
					t.Error(err)
				}
				for _, r := range results {
					if r.Refusal != "" {
						t.Errorf("%+v", r)
					}
				}
			})
		}
		wg.Wait()
		all, _, err := s.Customers(ctx, store.CustomerFilter{Page: store.Page{Limit: 100}})
		if err != nil || len(all) != 40 {
			t.Fatalf("%d customers, %v", len(all), err)
		}
		for _, c := range all {
			var have map[string]int
			if json.Unmarshal(c.Attributes, &have); len(have) != 12 || len(c.Addresses) != 1 {
				t.Errorf("an update was lost: %s %v", c.Attributes, c.Addresses)
			}
		}
	})
}

func TestUpsert_InsideATransactionGoesAndComesWithIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		boom := fmt.Errorf("boom")
		err := s.Tx(ctx, func(s *store.Store) error {
			upsert(t, s, store.CustomerPatch{ExternalID: "a"})
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		if _, err := s.FindCustomer(ctx, "ext:a"); rapport.CodeOf(err) != rapport.CodeNotFound {
			t.Error(err)
		}
	})
}

func TestUpsert_MoreThanMaxRowsIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if _, err := s.UpsertCustomers(ctx, make([]store.CustomerPatch, store.MaxRows+1)); err == nil {
			t.Error("taken")
		}
	})
}

func TestCustomers_FindsByNameExternalIDAndAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ids := upsert(t, s, store.CustomerPatch{ExternalID: "crm_1", Name: ptr("Ann 100%"), Addresses: mail("ann@example.com")},
			store.CustomerPatch{ExternalID: "crm-2", Name: ptr("Bob"), Addresses: mail("bob@example.org")},
			store.CustomerPatch{ExternalID: "crm-3", Name: ptr("Anton"), Audience: ptr("partner")})
		for q, want := range map[string][]rapport.ID{"": {ids[2], ids[1], ids[0]}, "AN": {ids[2], ids[0]}, "00%": {ids[0]}, "m_": {ids[0]}, "example.org": {ids[1]}, "zzz": nil, "\x00": nil} {
			got, next, err := s.Customers(ctx, store.CustomerFilter{Q: q, Page: store.Page{Limit: 10}})
			if err != nil || next != 0 || !slices.EqualFunc(got, want, func(c *rapport.Customer, id rapport.ID) bool { return c.ID == id }) {
				t.Errorf("%q: %v, %v", q, got, err)
			}
		}
		page, next, err := s.Customers(ctx, store.CustomerFilter{Page: store.Page{Limit: 2}})
		if err != nil || len(page) != 2 || next != ids[1] {
			t.Fatalf("%v %v %v", page, next, err)
		}
		page, next, err = s.Customers(ctx, store.CustomerFilter{Page: store.Page{Limit: 2, After: next}})
		if err != nil || len(page) != 1 || page[0].ID != ids[0] || next != 0 {
			t.Errorf("%v %v %v", page, next, err)
		}
		if got, _, err := s.Customers(ctx, store.CustomerFilter{Audience: "partner", Page: store.Page{Limit: 2}}); err != nil || len(got) != 1 || got[0].ID != ids[2] {
			t.Errorf("%v %v", got, err)
		}
	})
}

func TestFindCustomer_UnknownOnesAreNotFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, ref := range []string{"", "ext:", "ext:nobody", "ext:\x00", "cus_", "cus_0000000000001", "msg_0000000000001", "1"} {
			if c, err := s.FindCustomer(ctx, ref); rapport.CodeOf(err) != rapport.CodeNotFound {
				t.Errorf("%q: %v, %v", ref, c, err)
			}
		}
	})
}

func TestSetPreferences_TheLastAnswerCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id := upsert(t, s, store.CustomerPatch{ExternalID: "a", Addresses: mail("a@example.com")})[0]
		off := rapport.Preference{Topic: "news", Channel: rapport.Email}
		on := off
		on.Enabled = true
		if err := s.SetPreferences(ctx, id, []rapport.Preference{off, on, {Topic: "*", Channel: rapport.SMS}}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetPreferences(ctx, id, []rapport.Preference{on}); err != nil {
			t.Fatal(err)
		}
		got, err := s.Preferences(ctx, id)
		if err != nil || !slices.Equal(got, []rapport.Preference{{Topic: "*", Channel: rapport.SMS}, on}) {
			t.Errorf("%+v, %v", got, err)
		}
		if e := epochs(customer(t, s, id)); e != 1 {
			t.Errorf("epoch %d", e)
		}
		if err := s.SetPreferences(ctx, 7, []rapport.Preference{on}); rapport.CodeOf(err) != rapport.CodeNotFound {
			t.Errorf("%v", err)
		}
	})
}

// The figures that planning counts on: a page of 500 known customers, and one of 500 new ones.
func BenchmarkUpsert(b *testing.B) {
	for _, url := range urls(b) {
		s, err := store.Open(ctx, store.Options{URL: url})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		if err := s.Migrate(ctx); err != nil {
			b.Fatal(err)
		}
		n := 0
		page := func(from int) []store.CustomerPatch {
			out := make([]store.CustomerPatch, 500)
			for i := range out {
				out[i] = store.CustomerPatch{ExternalID: fmt.Sprint("e", from+i), Name: ptr("Ann"), Locale: ptr("de"), Timezone: ptr("Europe/Berlin"),
					Attributes: json.RawMessage(`{"tier":"gold","points":120}`), Addresses: append(mail(fmt.Sprintf("e%d@example.com", from+i)),
						store.AddressPatch{Channel: rapport.SMS, Value: fmt.Sprintf("+3712%07d", from+i)})}
			}
			return out
		}
		ids := make([]store.CustomerPatch, 500)
		b.Run(s.Engine()+"/500 new", func(b *testing.B) {
			for b.Loop() {
				r, err := s.UpsertCustomers(ctx, page(n))
				if err != nil {
					b.Fatal(err)
				}
				for i := range r {
					ids[i].ID = r[i].ID
				}
				n += 500
				if err := s.Analyze(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
		run := func(name string, known []store.CustomerPatch) {
			b.Run(s.Engine()+"/"+name, func(b *testing.B) {
				for b.Loop() {
					if _, err := s.UpsertCustomers(ctx, known); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("500 known, whole", page(n-500))
		run("500 known, by id", ids)
		changed := page(n - 500)
		b.Run(s.Engine()+"/500 changed", func(b *testing.B) {
			for b.Loop() {
				n++
				for i := range changed {
					changed[i].Name = ptr(fmt.Sprint("Ann ", n))
				}
				if _, err := s.UpsertCustomers(ctx, changed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
