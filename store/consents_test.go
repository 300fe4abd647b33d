package store_test

import (
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestAddConsents_AppendsAndMovesTheEpoch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id := upsert(t, s, store.CustomerPatch{ExternalID: "a", Addresses: mail("a@example.com")})[0]
		other := upsert(t, s, store.CustomerPatch{ExternalID: "b", Addresses: mail("b@example.com")})[0]
		when := time.UnixMilli(1_700_000_000_000).UTC()
		want := rapport.Consent{Customer: id, Channel: rapport.Email, Purpose: rapport.Marketing, Topic: "news", Granted: true, Source: "form", TextVersion: "2", Proof: "p", IP: "192.0.2.1", Message: 9, At: when}
		for range 2 {
			given := []rapport.Consent{want, {Customer: id, Channel: rapport.SMS, Purpose: rapport.Marketing}}
			if err := s.AddConsents(ctx, given); err != nil {
				t.Fatal(err)
			}
			want.ID = given[0].ID
			if given[0].ID == 0 || given[1].At.IsZero() {
				t.Errorf("not filled in: %+v", given)
			}
		}
		history, next, err := s.Consents(ctx, id, store.Page{Limit: 9})
		if err != nil || len(history) != 4 || history[1] != want || next != 0 {
			t.Errorf("%+v, %v", history, err)
		}
		if e := epochs(customer(t, s, id)); e != 2 {
			t.Errorf("epoch %d", e)
		}
		if epochs(customer(t, s, other)) != 0 {
			t.Error("another customer's epoch moved")
		}
		page, next, err := s.Consents(ctx, id, store.Page{Limit: 3})
		if err != nil || len(page) != 3 || next != history[2].ID {
			t.Errorf("%+v, %v, %v", page, next, err)
		}
		if err := s.AddConsents(ctx, make([]rapport.Consent, store.MaxRows+1)); err == nil {
			t.Error("took more than MaxRows")
		}
	})
}
