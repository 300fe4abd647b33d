package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

// TestProfilesAfter_KnowsWhatProfilesKnows compares a page of customers, read as a range, with the same customers
// read one by one: what was said later wins although it was recorded earlier, and nothing hangs on a neighbour.
func TestProfilesAfter_KnowsWhatProfilesKnows(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		now := s.Now().Truncate(time.Millisecond)
		var patches []store.CustomerPatch
		for i := range 40 { // more than the 16 from which on bulk statements hold common values once
			address := fmt.Sprintf("c%d@x.example", i)
			p := store.CustomerPatch{Addresses: []store.AddressPatch{{Channel: rapport.Email, Value: address}, {Channel: rapport.Email, Value: "second-" + address},
				{Channel: rapport.SMS, Value: fmt.Sprintf("+3712000%04d", i)}}}
			said := func(granted bool, at time.Time) {
				p.Consents = append(p.Consents, rapport.Consent{Channel: rapport.Email, Purpose: rapport.Marketing, Granted: granted, Source: "form", Proof: at.String(), At: at})
			}
			said(i%2 == 0, now.Add(-time.Hour))
			said(i%2 == 1, now.Add(-2*time.Hour)) // an older word, recorded later
			if i%3 == 0 {
				p.Prefs = []rapport.Preference{{Topic: "*", Channel: rapport.Email, Enabled: true}, {Topic: "news", Channel: rapport.Email, Enabled: false}}
			}
			patches = append(patches, p)
		}
		up, err := s.UpsertCustomers(ctx, patches)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Suppress(ctx, []rapport.Suppression{{Channel: rapport.Email, Address: "c7@x.example", Reason: "stop", Scope: rapport.SuppressAll, At: now},
			{Channel: rapport.SMS, Address: "c8@x.example", Reason: "stop", Scope: rapport.SuppressAll, At: now}}); err != nil {
			t.Fatal(err)
		}
		var fresh map[rapport.ID]*store.Profile
		enough := errors.New("to be taken back")
		err = s.Tx(ctx, func(s *store.Store) error {
			for i := range patches { // others like them, who are known only from having been stored
				patches[i].Addresses = slices.Clone(patches[i].Addresses)
				for j := range patches[i].Addresses {
					patches[i].Addresses[j].Value += "0"
				}
			}
			others, err := s.UpsertCustomers(ctx, patches)
			if err != nil {
				return err
			}
			if err := s.Suppress(ctx, []rapport.Suppression{{Channel: rapport.Email, Address: "c9@x.example0", Reason: "stop", Scope: rapport.SuppressAll, At: now}}); err != nil {
				return err
			}
			if fresh, err = s.ProfilesOf(ctx, others, rapport.Marketing, "news", rapport.Email); err != nil {
				return err
			}
			for i, o := range others {
				read, err := s.Profiles(ctx, []rapport.ID{o.ID}, rapport.Marketing, "news", rapport.Email)
				if err != nil {
					return err
				}
				if got, want := fresh[o.ID].Facts, read[o.ID].Facts; len(got) != 2 || !o.Created || i == 9 && got[0].Suppressed == nil {
					t.Errorf("customer %d: %+v", i, got)
				} else {
					for j := range got { // bumped by the suppression
						got[j].Epoch = want[j].Epoch
					}
					if !reflect.DeepEqual(got, want) {
						t.Errorf("customer %d as stored %+v, as read %+v", i, got, want)
					}
				}
			}
			return enough
		})
		if !errors.Is(err, enough) {
			t.Fatal(err)
		}
		page, err := s.ProfilesAfter(ctx, up[4].ID, 20, rapport.Marketing, "news")
		if err != nil || len(page) != 20 || page[0].ID != up[5].ID || page[19].ID != up[24].ID {
			t.Fatalf("%d customers, %v; want the 20 after the fifth", len(page), err)
		}
		for i, got := range page {
			one, err := s.Profiles(ctx, []rapport.ID{got.ID}, rapport.Marketing, "news")
			if err != nil || !reflect.DeepEqual(&got, one[got.ID]) {
				t.Errorf("read in a page %+v, alone %+v, %v", got, one[got.ID], err)
			}
			n := i + 5
			f := got.Facts
			want := rapport.ConsentWithdrawn
			if n%2 == 0 {
				want = rapport.ConsentGranted
			}
			narrow, err := s.ProfilesAfter(ctx, got.ID-1, 1, rapport.Marketing, "news", rapport.Email, rapport.Telegram)
			if err != nil || !reflect.DeepEqual(narrow[0].Facts, f[:2]) || f[2].Channel != rapport.SMS || f[2].Consent != rapport.ConsentNone {
				t.Errorf("of all channels %+v, of email and Telegram %+v, %v", f, narrow, err)
			}
			f = f[:2]
			if f[0].Value != fmt.Sprintf("c%d@x.example", n) || f[0].Consent != want || f[1].Consent != want ||
				(f[0].Suppressed != nil) != (n == 7) || f[1].Suppressed != nil || (f[0].Preference != nil) != (n%3 == 0) || n%3 == 0 && (*f[0].Preference || f[0].PrefTopic != "news") {
				t.Errorf("customer %d: %+v", n, f)
			}
		}
	})
}

func TestEveryone_LeavesPartnersOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		partner := "partner"
		ids := upsert(t, s, store.CustomerPatch{ExternalID: "supplier", Audience: &partner}, store.CustomerPatch{ExternalID: "a"})
		page, err := s.ProfilesAfter(ctx, 0, 10, rapport.Marketing, "news")
		if err != nil || len(page) != 1 || page[0].ID != ids[1] {
			t.Errorf("%+v, %v", page, err)
		}
		if n, err := s.CountEveryone(ctx); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
	})
}
