package store_test

import (
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestSuppress_AWiderScopeReplacesANarrowerOneOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		complaint := rapport.Suppression{Channel: rapport.Email, Address: "A@example.com", Reason: "complaint", Scope: rapport.SuppressMarketing, At: time.UnixMilli(1000).UTC()}
		bounce := rapport.Suppression{Channel: rapport.Email, Address: "a@example.com", Reason: "hard_bounce", Scope: rapport.SuppressAll, Source: "smtp", Message: 7, At: time.UnixMilli(2000).UTC()}
		for i, c := range []struct {
			give []rapport.Suppression
			want rapport.Suppression
		}{
			{[]rapport.Suppression{complaint}, complaint},
			{[]rapport.Suppression{bounce}, bounce},
			{[]rapport.Suppression{complaint}, bounce},
		} {
			if err := s.Suppress(ctx, c.give); err != nil {
				t.Fatal(err)
			}
			c.want.Address = "a@EXAMPLE.com"
			if got, err := s.Suppression(ctx, rapport.Email, "a@EXAMPLE.com"); err != nil || got != c.want {
				t.Errorf("step %d: %+v, %v", i, got, err)
			}
		}
		for _, both := range [][]rapport.Suppression{{complaint, bounce}, {bounce, complaint}} {
			if err := s.Unsuppress(ctx, rapport.Email, "a@example.com"); err != nil {
				t.Fatal(err)
			}
			if err := s.Suppress(ctx, both); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Suppression(ctx, rapport.Email, "a@example.com"); err != nil || got.Reason != "hard_bounce" {
				t.Errorf("both in one call: %+v, %v", got, err)
			}
		}
	})
}

func TestSuppress_MovesTheEpochOfThatAddressAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id := upsert(t, s, store.CustomerPatch{ExternalID: "a", Addresses: append(mail("A@example.com"), store.AddressPatch{Channel: rapport.SMS, Value: "+37120000001"})})[0]
		if err := s.Suppress(ctx, []rapport.Suppression{{Channel: rapport.Email, Address: "a@example.com", Scope: rapport.SuppressAll}}); err != nil {
			t.Fatal(err)
		}
		if c := customer(t, s, id); c.Addresses[0].Epoch != 1 || c.Addresses[1].Epoch != 0 {
			t.Errorf("%+v", c.Addresses)
		}
		if err := s.Unsuppress(ctx, rapport.Email, "a@example.com"); err != nil {
			t.Fatal(err)
		}
		if c := customer(t, s, id); c.Addresses[0].Epoch != 2 {
			t.Errorf("%+v", c.Addresses)
		}
		if err := s.Unsuppress(ctx, rapport.Email, "a@example.com"); rapport.CodeOf(err) != rapport.CodeNotFound {
			t.Errorf("twice: %v", err)
		}
		if _, err := s.Suppression(ctx, rapport.Email, "a@example.com"); rapport.CodeOf(err) != rapport.CodeNotFound {
			t.Errorf("%v", err)
		}
	})
}

func TestSuppressions_PagesThroughAChannel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var list []rapport.Suppression
		for _, a := range []string{"+37120000001", "+37120000002", "+37120000003"} {
			list = append(list, rapport.Suppression{Channel: rapport.SMS, Address: a, Reason: "stop", Scope: rapport.SuppressAll},
				rapport.Suppression{Channel: rapport.WhatsApp, Address: a, Reason: "stop", Scope: rapport.SuppressAll})
		}
		if err := s.Suppress(ctx, list); err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		for after, pages := "", 0; ; pages++ {
			page, next, err := s.Suppressions(ctx, rapport.SMS, after, 2)
			if err != nil || pages > 2 {
				t.Fatal(pages, err)
			}
			for _, x := range page {
				seen[x.Address]++
			}
			if after = next; next == "" {
				break
			}
		}
		if len(seen) != 3 || seen["+37120000001"] != 1 {
			t.Errorf("%v", seen)
		}
	})
}

func TestSuppress_NeedsAHashKey(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLite(t), nil)
	s.SetHashKey(nil)
	if err := s.Suppress(ctx, []rapport.Suppression{{Channel: rapport.Email, Address: "a@example.com"}}); err == nil {
		t.Error("hashed without a key")
	}
}
