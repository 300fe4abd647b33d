package store_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

// clocked are values that only ever move on: an epoch says that something was decided anew, updated_at fences writers.
var clocked = regexp.MustCompile(` (epoch|updated_at)=\d+`)

// standing is all that is stored, but the log, the merges themselves, what was told to others and what only moves on.
func standing(t *testing.T, url string) []string {
	t.Helper()
	lines := strings.Split(clocked.ReplaceAllString(dump(t, url), ""), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return regexp.MustCompile(`^(merges|audit|outbox|stream):`).MatchString(l) })
	slices.Sort(lines)
	return lines
}

func differ(t *testing.T, what string, before, after []string) {
	t.Helper()
	for _, l := range before {
		if !slices.Contains(after, l) {
			t.Errorf("%s: gone: %s", what, l)
		}
	}
	for _, l := range after {
		if !slices.Contains(before, l) {
			t.Errorf("%s: new: %s", what, l)
		}
	}
}

// unite merges as gateway does.
func unite(t *testing.T, s *store.Store, from, into rapport.ID) store.CustomerMerge {
	t.Helper()
	m := store.CustomerMerge{From: from, Into: into, Actor: "Eva"}
	err := s.Tx(ctx, func(s *store.Store) error {
		a, err := s.MergeSide(ctx, from)
		if err != nil {
			return err
		}
		b, err := s.MergeSide(ctx, into)
		if err != nil {
			return err
		}
		if err := s.LockCustomers(ctx, from, into); err != nil {
			return err
		}
		return s.MergeCustomers(ctx, &m, a, b, rapport.Unite(a, b, s.Now()))
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func part(t *testing.T, s *store.Store, m store.CustomerMerge) {
	t.Helper()
	m.UndoneBy = "Eva"
	if err := s.Tx(ctx, func(s *store.Store) error { return s.UndoMerge(ctx, &m) }); err != nil {
		t.Fatal(err)
	}
}

// someone is a person with a bit of everything, chosen by r; shared is a campaign that others are in too.
func someone(t *testing.T, s *store.Store, r *rand.Rand, n int, shared *rapport.Campaign) rapport.ID {
	t.Helper()
	maybe := func() bool { return r.IntN(2) == 0 }
	id, _, _ := life(t, s, fmt.Sprint("p", n))
	patch := store.CustomerPatch{ID: id, Attributes: json.RawMessage(fmt.Sprintf(`{"a%d":1,"both":%d}`, r.IntN(3), r.IntN(2)))}
	for _, f := range []**string{&patch.Name, &patch.Locale} {
		if maybe() {
			*f = ptr([]string{"", "Anna", "de"}[r.IntN(3)])
		}
	}
	if maybe() {
		patch.Timezone = ptr([]string{"Europe/Riga", "Europe/Berlin"}[r.IntN(2)])
	}
	if maybe() {
		patch.ClearQuiet = true
	}
	if maybe() {
		patch.Cap = &rapport.Cap{Max: 1 + r.IntN(5), Per: 24 * time.Hour}
	}
	patch.Track = ptr(maybe())
	if maybe() {
		patch.Order = &[]rapport.Channel{rapport.SMS, rapport.Email}
	}
	for _, ch := range []rapport.Channel{rapport.Email, rapport.SMS, rapport.WhatsApp} {
		if maybe() {
			patch.Prefs = append(patch.Prefs, rapport.Preference{Topic: []string{"*", "news"}[r.IntN(2)], Channel: ch, Enabled: maybe()})
		}
		for range r.IntN(3) {
			patch.Consents = append(patch.Consents, rapport.Consent{Channel: ch, Purpose: rapport.Marketing, Topic: []string{"", "news", "sale"}[r.IntN(3)], Granted: maybe(), Source: "form", At: s.Now().Add(-time.Duration(r.IntN(1000)) * time.Hour)})
		}
	}
	patch.Addresses = append(patch.Addresses, store.AddressPatch{Channel: rapport.SMS, Value: fmt.Sprintf("+3712%07d", n)}, store.AddressPatch{Channel: rapport.Email, Value: fmt.Sprintf("second%d@example.com", n)})
	upsert(t, s, patch)
	c := customer(t, s, id)
	state := []rapport.State{rapport.Pending, rapport.Sent, rapport.Skipped, rapport.Doubtful}[r.IntN(4)]
	err := s.Tx(ctx, func(s *store.Store) error {
		_, err := s.AddMessages(ctx, 0, []store.Row{{Message: rapport.Message{ID: s.NewID(), Campaign: shared.ID, Customer: id, Address: c.Addresses[0].ID, Channel: rapport.Email, State: state, Seq: int64(n), Due: s.Now()}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	say(t, s, c.Addresses[r.IntN(len(c.Addresses))], "words")
	return id
}

// say is what a customer writes from an address, in a thread of its own.
func say(t *testing.T, s *store.Store, a rapport.Address, text string) (rapport.Thread, rapport.Entry) {
	t.Helper()
	th := rapport.Thread{Customer: a.Customer, Address: a.ID, Channel: a.Channel}
	if err := s.CreateThread(ctx, &th); err != nil {
		t.Fatal(err)
	}
	e := rapport.Entry{Thread: th.ID, Customer: a.Customer, Address: a.ID, Kind: rapport.Inbound, Channel: a.Channel, Text: text}
	if err := s.AddEntry(ctx, &e); err != nil {
		t.Fatal(err)
	}
	return th, e
}

func TestMergeCustomers_UndoneAllIsAsItWas(t *testing.T) {
	t.Parallel()
	for _, url := range urls(t) {
		s := storetest.Open(t, url, nil)
		t.Run(s.Engine(), func(t *testing.T) {
			t.Parallel()
			shared := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfCampaign, Name: "shared", Purpose: rapport.Marketing, Topic: "news", Status: rapport.CampaignRunning, CreatedAt: s.Now()}
			if err := s.InsertCampaigns(ctx, shared); err != nil {
				t.Fatal(err)
			}
			for round := range 6 {
				seed := uint64(round + 1)
				r := rand.New(rand.NewPCG(seed, 7))
				a, b, c := someone(t, s, r, 10*round+1, shared), someone(t, s, r, 10*round+2, shared), someone(t, s, r, 10*round+3, shared)
				before := standing(t, url)
				size := func(id rapport.ID) int {
					items, _, err := s.Timeline(ctx, id, store.Moment{}, 1000)
					if err != nil {
						t.Fatal(err)
					}
					return len(items)
				}
				sum := size(a) + size(b)
				first := unite(t, s, a, b)
				if got := customer(t, s, a); got.ID != b {
					t.Fatalf("seed %d: %v leads to %v", seed, a, got.ID)
				}
				if got, err := s.FindCustomer(ctx, fmt.Sprintf("ext:secret-p%d", 10*round+1)); err != nil || got.ID != b || len(got.Addresses) < 4 {
					t.Fatalf("seed %d: %+v, %v", seed, got, err)
				}
				if got := size(b); got < sum { // and what the merge has said of consents
					t.Errorf("seed %d: %d things in the timeline, of %d", seed, got, sum)
				}
				for _, ch := range rapport.Channels {
					primaries := 0
					for _, p := range customer(t, s, b).Addresses {
						if p.Channel == ch && p.Primary {
							primaries++
						}
					}
					if primaries > 1 {
						t.Errorf("seed %d: %d first addresses on %s", seed, primaries, ch)
					}
				}
				middle := standing(t, url)
				second := unite(t, s, b, c)
				if customer(t, s, a).ID != c || customer(t, s, b).ID != c {
					t.Errorf("seed %d: a chain does not lead to its end", seed)
				}
				part(t, s, second)
				differ(t, fmt.Sprint("seed ", seed, ", second undone"), middle, standing(t, url))
				part(t, s, first)
				differ(t, fmt.Sprint("seed ", seed, ", both undone"), before, standing(t, url))
				if t.Failed() {
					return
				}
			}
		})
	}
}

func TestMergeCustomers_WhatHappenedSinceGoesToTheAddressesOwner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := upsert(t, s, store.CustomerPatch{ExternalID: "a", Name: ptr("Anna"), Addresses: mail("a@example.com"), Consents: []rapport.Consent{{Channel: rapport.Email, Purpose: rapport.Marketing, Granted: false, Source: "form"}}})[0]
		b := upsert(t, s, store.CustomerPatch{ExternalID: "b", Addresses: mail("b@example.com"), Consents: []rapport.Consent{{Channel: rapport.Email, Purpose: rapport.Marketing, Granted: true, Source: "form"}}})[0]
		if err := s.Suppress(ctx, []rapport.Suppression{{Channel: rapport.Email, Address: "a@example.com", Reason: "stop", Scope: rapport.SuppressAll}}); err != nil {
			t.Fatal(err)
		}
		m := unite(t, s, a, b)
		profiles, err := s.Profiles(ctx, []rapport.ID{b}, rapport.Marketing, "news")
		if err != nil || len(profiles[b].Facts) != 2 {
			t.Fatalf("%+v, %v", profiles[b], err)
		}
		for _, f := range profiles[b].Facts {
			if f.Consent != rapport.ConsentWithdrawn || (f.Suppressed != nil) != (f.Value == "a@example.com") {
				t.Errorf("%+v", f)
			}
		}
		if profiles[b].Name != "Anna" {
			t.Errorf("name %q", profiles[b].Name)
		}
		mine, err := s.AddressOf(ctx, rapport.Email, "a@example.com")
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := s.AddressOf(ctx, rapport.Email, "b@example.com")
		if err != nil {
			t.Fatal(err)
		}
		ta, _ := say(t, s, mine, "from a")
		tb, _ := say(t, s, theirs, "from b")
		note := rapport.Entry{Thread: ta.ID, Customer: b, Kind: rapport.Note, Text: "a note"}
		if err := s.AddEntry(ctx, &note); err != nil {
			t.Fatal(err)
		}
		if err := s.MergeThread(ctx, ta.ID, tb.ID); err != nil {
			t.Fatal(err)
		}
		// A word that no message belongs to: nobody can tell whose it is.
		if err := s.AddConsents(ctx, []rapport.Consent{{Customer: b, Channel: rapport.SMS, Purpose: rapport.Marketing, Granted: false, Source: "api"}}); err != nil {
			t.Fatal(err)
		}
		upsert(t, s, store.CustomerPatch{ID: b, Locale: ptr("de")})
		part(t, s, m)

		for id, want := range map[rapport.ID]string{a: "from a", b: "from b"} {
			items, _, err := s.Timeline(ctx, id, store.Moment{}, 100)
			if err != nil {
				t.Fatal(err)
			}
			var words []string
			withdrawn := false
			for _, i := range items {
				if i.Entry != nil && i.Entry.Kind == rapport.Inbound {
					words = append(words, i.Entry.Text)
				}
				withdrawn = withdrawn || i.Consent != nil && i.Consent.Channel == rapport.SMS && !i.Consent.Granted
			}
			if !slices.Equal(words, []string{want}) || !withdrawn {
				t.Errorf("%s: %v, withdrawn %t", want, words, withdrawn)
			}
		}
		if e, err := s.Entry(ctx, note.ID); err != nil || e.Customer != a {
			t.Errorf("%+v, %v", e, err)
		}
		if th, err := s.ThreadItself(ctx, ta.ID); err != nil || th.Customer != a || th.MergedInto != 0 {
			t.Errorf("%+v, %v", th, err)
		}
		if c := customer(t, s, b); c.Locale != "de" || c.Name != "" || len(c.Addresses) != 1 {
			t.Errorf("%+v", c)
		}
		profiles, err = s.Profiles(ctx, []rapport.ID{a, b}, rapport.Marketing, "news")
		if err != nil || profiles[a].Facts[0].Consent != rapport.ConsentWithdrawn || profiles[b].Facts[0].Consent != rapport.ConsentGranted {
			t.Errorf("%+v, %v", profiles, err)
		}
	})
}

func TestMergeCustomers_ErasedAndExportedTogether(t *testing.T) {
	t.Parallel()
	for _, url := range urls(t) {
		s := storetest.Open(t, url, nil)
		t.Run(s.Engine(), func(t *testing.T) {
			t.Parallel()
			a, _, _ := life(t, s, "a")
			b, _, _ := life(t, s, "b")
			unite(t, s, a, b)
			e, err := s.ExportCustomer(ctx, b)
			if err != nil {
				t.Fatal(err)
			}
			if len(e.Addresses) != 4 || len(e.Messages) != 2 || len(e.Events) != 2 || len(e.Merges) != 1 || len(e.MergedIDs) != 1 {
				t.Errorf("%+v", e)
			}
			if err := s.DeleteCustomer(ctx, b); err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(dump(t, url), "\n") {
				if strings.Contains(line, "secret-") {
					t.Errorf("left behind: %s", line)
				}
			}
		})
	}
}

func TestProposals_HaveReasonsAndNothingIsMerged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		phone := func(ch rapport.Channel, v string) []store.AddressPatch {
			return []store.AddressPatch{{Channel: ch, Value: v}}
		}
		ids := upsert(t, s,
			store.CustomerPatch{Addresses: phone(rapport.SMS, "+37120000001")},
			store.CustomerPatch{Addresses: phone(rapport.WhatsApp, "+37120000001")},
			store.CustomerPatch{Addresses: mail("anna.b+shop@gmail.com")},
			store.CustomerPatch{Addresses: mail("annab@gmail.com")},
			store.CustomerPatch{Addresses: mail("tag+x@example.com")},
			store.CustomerPatch{Addresses: mail("tag@example.com")},
			store.CustomerPatch{Addresses: mail("dots.count@example.com")},
			store.CustomerPatch{Addresses: mail("dotscount@example.com")},
			store.CustomerPatch{ExternalID: "n1", Name: ptr("Eva Berg"), Timezone: ptr("Europe/Riga")},
			store.CustomerPatch{ExternalID: "n2", Name: ptr("Eva Berg"), Timezone: ptr("Europe/Riga")},
			store.CustomerPatch{ExternalID: "n3", Name: ptr("Eva Berg"), Timezone: ptr("Asia/Tokyo")},
			store.CustomerPatch{ExternalID: "n4", Name: ptr("Eva Berg")})
		var got []string
		place := func(id rapport.ID) int { return slices.Index(ids, id) }
		for after, pages := rapport.ID(0), 0; ; pages++ {
			page, next, err := s.Proposals(ctx, after, 5)
			if err != nil || pages > 5 {
				t.Fatal(pages, err)
			}
			for _, p := range page {
				got = append(got, fmt.Sprint(max(place(p.From), place(p.Into)), min(place(p.From), place(p.Into)), p.Reasons))
			}
			if after = next; next == 0 {
				break
			}
		}
		slices.Sort(got)
		if want := []string{"1 0 [same_phone]", "3 2 [same_mailbox]", "5 4 [same_mailbox]", "9 8 [same_name_and_zone]"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		for _, id := range ids {
			if customer(t, s, id).ID != id {
				t.Error("somebody was merged")
			}
		}
		m := unite(t, s, ids[1], ids[0])
		part(t, s, m)
		if page, _, err := s.Proposals(ctx, 0, 2); err != nil || len(page) != 0 {
			t.Errorf("what was undone is proposed again: %v, %v", page, err)
		}
		if left, err := s.SamePhones(ctx, 0, 10, true); err != nil || len(left) != 0 {
			t.Errorf("%v, %v", left, err)
		}
	})
}
