package store_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func thread(t *testing.T, s *store.Store, th rapport.Thread) rapport.Thread {
	t.Helper()
	if err := s.CreateThread(ctx, &th); err != nil {
		t.Fatal(err)
	}
	return th
}

func TestThreads_KeepWhatTheyAreGiven(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		want := thread(t, s, rapport.Thread{Customer: 1, Address: 2, Channel: rapport.Email, Subject: "Re: order", Assignee: "ann", Labels: []string{"vip", "a \"b\""}, Priority: rapport.High, Campaign: 3})
		got, err := s.Thread(ctx, want.ID)
		want.CreatedAt, want.UpdatedAt, want.LastEntryAt = got.CreatedAt, got.UpdatedAt, got.LastEntryAt
		if err != nil || !reflect.DeepEqual(got, want) || got.Status != rapport.ThreadOpen || got.CreatedAt.IsZero() {
			t.Errorf("%+v, %v", got, err)
		}
		code(t, second(s.Thread(ctx, 5)), rapport.CodeNotFound)
	})
}

func TestOpenThread_IsTheNewestThatIsNotResolved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		code(t, second(s.OpenThread(ctx, 2)), rapport.CodeNotFound)
		old := thread(t, s, rapport.Thread{Address: 2, Status: rapport.ThreadSnoozed})
		newest := thread(t, s, rapport.Thread{Address: 2})
		thread(t, s, rapport.Thread{Address: 9})
		if got, err := s.OpenThread(ctx, 2); err != nil || got.ID != newest.ID {
			t.Errorf("%+v, %v", got, err)
		}
		s.PatchThread(ctx, newest.ID, store.ThreadPatch{Status: ptr(rapport.ThreadResolved)})
		if got, err := s.OpenThread(ctx, 2); err != nil || got.ID != old.ID {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestAddEntry_MovesTheThreadUpAndShowsItsBeginning(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		a := thread(t, s, rapport.Thread{Customer: 1, Address: 2})
		b := thread(t, s, rapport.Thread{Customer: 1, Address: 3})
		now.pass(time.Minute)
		in := rapport.Entry{Thread: a.ID, Customer: 1, Kind: rapport.Inbound, Channel: rapport.Telegram, Text: "Hallo\n  " + strings.Repeat("ж", 200), HTML: "<p>", Author: "Žanna", Address: 2,
			Answers: rapport.Answered{Message: 11, Campaign: 12, Template: 13}, MatchedBy: "provider_id", Provider: "bot", ProviderID: "99", Files: []rapport.ID{5}, Meta: json.RawMessage(`{"button":"yes"}`)}
		if err := s.AddEntry(ctx, &in); err != nil {
			t.Fatal(err)
		}
		now.pass(time.Minute)
		note := rapport.Entry{Thread: a.ID, Customer: 1, Kind: rapport.Note, Text: "call him"}
		if err := s.AddEntry(ctx, &note); err != nil {
			t.Fatal(err)
		}
		got, _, err := s.Entries(ctx, a.ID, store.Page{Limit: 10})
		if err != nil || len(got) != 2 || !reflect.DeepEqual(got[0], in) || got[1].Text != "call him" {
			t.Errorf("%+v, %v", got, err)
		}
		back, next, err := s.EntriesBack(ctx, a.ID, store.Page{Limit: 1})
		if err != nil || len(back) != 1 || back[0].ID != note.ID || next == 0 {
			t.Errorf("%+v, %v, %v", back, next, err)
		}
		if rest, next, err := s.EntriesBack(ctx, a.ID, store.Page{Limit: 1, After: next}); err != nil || len(rest) != 1 || rest[0].ID != in.ID || next != 0 {
			t.Errorf("%+v, %v, %v", rest, next, err)
		}
		list, _, err := s.Threads(ctx, store.ThreadFilter{Limit: 10})
		if err != nil || len(list) != 2 || list[0].ID != a.ID || list[1].ID != b.ID {
			t.Fatalf("%+v, %v", list, err)
		}
		if p := list[0].Preview; !strings.HasPrefix(p, "Hallo ж") || !strings.HasSuffix(p, "ж…") || len([]rune(p)) != 140 {
			t.Errorf("preview %q", p)
		}
		if !list[0].LastEntryAt.Equal(in.CreatedAt) {
			t.Error("a note moved the thread")
		}
		if e, err := s.EntryByProvider(ctx, "bot", "99"); err != nil || e.ID != in.ID {
			t.Errorf("%+v, %v", e, err)
		}
		code(t, second(s.EntryByProvider(ctx, "bot", "")), rapport.CodeNotFound)
		if err := s.EditEntry(ctx, in.ID, "changed", ""); err != nil {
			t.Fatal(err)
		}
		if e, err := s.Entry(ctx, in.ID); err != nil || e.Text != "changed" || e.MatchedBy != "provider_id" {
			t.Errorf("%+v, %v", e, err)
		}
		code(t, s.AddEntry(ctx, &rapport.Entry{Thread: 5, Kind: rapport.Note}), rapport.CodeNotFound)
	})
}

func TestThreads_FilterAndPage(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		ann := upsert(t, s, store.CustomerPatch{Name: ptr("Ann Smith"), ExternalID: "a"})[0]
		one := thread(t, s, rapport.Thread{Customer: ann, Address: 1, Channel: rapport.Email, Labels: []string{"vip"}, Subject: "Where is 100% of it"})
		now.pass(time.Second)
		two := thread(t, s, rapport.Thread{Customer: 8, Address: 2, Channel: rapport.SMS, Assignee: "bob", Labels: []string{"VIP", "x"}, Campaign: 4})
		three := thread(t, s, rapport.Thread{Customer: 9, Address: 3, Channel: rapport.SMS, Status: rapport.ThreadResolved}) // of the same millisecond
		if err := s.AddEntry(ctx, &rapport.Entry{Thread: one.ID, Customer: ann, Kind: rapport.Note, Text: "She called twice"}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name   string
			filter store.ThreadFilter
			want   []rapport.ID
		}{
			{"all", store.ThreadFilter{}, []rapport.ID{three.ID, two.ID, one.ID}},
			{"status", store.ThreadFilter{Status: []rapport.ThreadStatus{rapport.ThreadOpen}}, []rapport.ID{two.ID, one.ID}},
			{"assignee", store.ThreadFilter{Assignee: "bob"}, []rapport.ID{two.ID}},
			{"channel", store.ThreadFilter{Channel: rapport.SMS}, []rapport.ID{three.ID, two.ID}},
			{"label, in whatever case", store.ThreadFilter{Label: "vip"}, []rapport.ID{two.ID, one.ID}},
			{"part of a label", store.ThreadFilter{Label: "vi"}, nil},
			{"customer", store.ThreadFilter{Customer: ann}, []rapport.ID{one.ID}},
			{"campaign", store.ThreadFilter{Campaign: 4}, []rapport.ID{two.ID}},
			{"subject", store.ThreadFilter{Q: "100%"}, []rapport.ID{one.ID}},
			{"what was said", store.ThreadFilter{Q: "calling"}, []rapport.ID{one.ID}},
			{"a wildcard is none", store.ThreadFilter{Q: "10%_"}, nil},
			{"nothing but signs", store.ThreadFilter{Q: "%"}, nil},
			{"name", store.ThreadFilter{Q: "smith"}, []rapport.ID{one.ID}},
			{"two filters", store.ThreadFilter{Q: "smith", Status: []rapport.ThreadStatus{rapport.ThreadResolved}}, nil},
			{"what no database holds", store.ThreadFilter{Q: "\x00"}, nil},
		} {
			for limit := 1; limit <= 4; limit++ {
				var got []rapport.ID
				for f := c.filter; ; {
					f.Limit = limit
					page, next, err := s.Threads(ctx, f)
					if err != nil || len(page) > limit || len(got) > 9 {
						t.Fatal(c.name, page, err)
					}
					for _, th := range page {
						got = append(got, th.ID)
					}
					if f.After = next; next.ID == 0 {
						break
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%s, %d a page: %v, want %v", c.name, limit, got, c.want)
				}
			}
		}
	})
}

func TestPatchThread_ChangesOnlyWhatItNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		th := thread(t, s, rapport.Thread{Customer: 1, Address: 1, Subject: "s", Labels: []string{"a"}})
		until := time.Now().Add(time.Hour).Truncate(time.Millisecond).UTC()
		got, err := s.PatchThread(ctx, th.ID, store.ThreadPatch{Status: ptr(rapport.ThreadSnoozed), SnoozedUntil: &until})
		if err != nil || got.Status != rapport.ThreadSnoozed || !got.SnoozedUntil.Equal(until) || got.Subject != "s" || !slices.Equal(got.Labels, th.Labels) {
			t.Errorf("%+v, %v", got, err)
		}
		got, err = s.PatchThread(ctx, th.ID, store.ThreadPatch{Assignee: ptr("ann"), Labels: &[]string{}, Priority: ptr(rapport.Urgent), Subject: ptr("t")})
		if err != nil || !got.SnoozedUntil.Equal(until) {
			t.Errorf("%+v, %v", got, err)
		}
		got, err = s.PatchThread(ctx, th.ID, store.ThreadPatch{Status: ptr(rapport.ThreadOpen)})
		if err != nil || !got.SnoozedUntil.IsZero() {
			t.Errorf("%+v, %v", got, err)
		}
		if stored, err := s.Thread(ctx, th.ID); err != nil || !reflect.DeepEqual(stored, got) || got.Assignee != "ann" || got.Priority != rapport.Urgent || len(got.Labels) != 0 || got.Subject != "t" {
			t.Errorf("%+v, %+v, %v", stored, got, err)
		}
		code(t, second(s.PatchThread(ctx, 5, store.ThreadPatch{})), rapport.CodeNotFound)
	})
}

func TestWakeThreads_OpensThoseWhoseTimeHasCome(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		early := thread(t, s, rapport.Thread{Status: rapport.ThreadSnoozed, SnoozedUntil: now.now().Add(time.Minute)})
		late := thread(t, s, rapport.Thread{Status: rapport.ThreadSnoozed, SnoozedUntil: now.now().Add(time.Hour)})
		forever := thread(t, s, rapport.Thread{Status: rapport.ThreadSnoozed})
		if ids, err := s.WakeThreads(ctx); err != nil || len(ids) != 0 {
			t.Errorf("%v, %v", ids, err)
		}
		now.pass(2 * time.Minute)
		if ids, err := s.WakeThreads(ctx); err != nil || !slices.Equal(ids, []rapport.ID{early.ID}) {
			t.Errorf("%v, %v", ids, err)
		}
		for id, want := range map[rapport.ID]rapport.ThreadStatus{early.ID: rapport.ThreadOpen, late.ID: rapport.ThreadSnoozed, forever.ID: rapport.ThreadSnoozed} {
			if th, _ := s.Thread(ctx, id); th.Status != want || (want == rapport.ThreadOpen && !th.SnoozedUntil.IsZero()) {
				t.Errorf("%+v", th)
			}
		}
	})
}

func TestReplies_AreTheInboundEntriesOfACampaign(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		th := thread(t, s, rapport.Thread{})
		for i, kind := range []rapport.EntryKind{rapport.Inbound, rapport.Outbound, rapport.Inbound, rapport.Inbound} {
			e := rapport.Entry{Thread: th.ID, Kind: kind, Answers: rapport.Answered{Campaign: 7}}
			if i == 3 {
				e.Answers.Campaign = 0
			}
			if err := s.AddEntry(ctx, &e); err != nil {
				t.Fatal(err)
			}
		}
		page, next, err := s.Replies(ctx, 7, store.ReadingFilter{}, store.Page{Limit: 1})
		if err != nil || len(page) != 1 || next == 0 {
			t.Fatalf("%+v, %v", page, err)
		}
		rest, next, err := s.Replies(ctx, 7, store.ReadingFilter{}, store.Page{Limit: 1, After: next})
		if err != nil || len(rest) != 1 || next != 0 || rest[0].ID >= page[0].ID {
			t.Errorf("%+v, %v", rest, err)
		}
		if none, _, err := s.Replies(ctx, 0, store.ReadingFilter{}, store.Page{Limit: 5}); err != nil || len(none) != 0 {
			t.Errorf("%+v, %v", none, err)
		}
	})
}

func TestThreads_WaitingOnesComeInTheOrderOfTheirPatience(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		var want []rapport.ID
		for i := range 5 {
			th := thread(t, s, rapport.Thread{Customer: 1, Address: rapport.ID(i + 1), Channel: rapport.SMS, Assignee: []string{"", "ann"}[i%2]})
			if err := s.AddEntry(ctx, &rapport.Entry{Thread: th.ID, Kind: rapport.Inbound, Text: "x"}); err != nil {
				t.Fatal(err)
			}
			want = append(want, th.ID)
			if i%2 == 0 {
				now.pass(time.Second) // every second pair is of one millisecond
			}
		}
		machine := thread(t, s, rapport.Thread{Customer: 1, Address: 9})
		if err := s.AddEntry(ctx, &rapport.Entry{Thread: machine.ID, Kind: rapport.Inbound, Text: "x", Meta: json.RawMessage(`{"auto":"auto_reply"}`)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.PatchThread(ctx, want[4], store.ThreadPatch{Status: ptr(rapport.ThreadSpam)}); err != nil {
			t.Fatal(err)
		}
		for limit := 1; limit <= 5; limit++ {
			var got []rapport.ID
			for f := (store.ThreadFilter{Sort: store.ByWaiting, Limit: limit}); len(got) < 9; {
				page, next, err := s.Threads(ctx, f)
				if err != nil {
					t.Fatal(err)
				}
				for _, th := range page {
					got = append(got, th.ID)
				}
				if f.After = next; next.ID == 0 {
					break
				}
			}
			if !slices.Equal(got, want[:4]) {
				t.Errorf("%d a page: %v, want %v", limit, got, want[:4])
			}
		}
		if _, err := s.PatchThread(ctx, want[0], store.ThreadPatch{Answered: true}); err != nil {
			t.Fatal(err)
		}
		if err := s.MergeThread(ctx, want[1], want[2]); err != nil {
			t.Fatal(err)
		}
		n, err := s.CountThreads(ctx, store.ThreadFilter{}, "")
		if err != nil || n.Status[rapport.ThreadOpen] != 4 || n.Status[rapport.ThreadSpam] != 1 || n.Unassigned != 3 || n.Unread != 3 || n.Waiting != 2 {
			t.Errorf("%+v, %v", n, err)
		}
		if n, err = s.CountThreads(ctx, store.ThreadFilter{Assignee: "ann"}, ""); err != nil || n.Status[rapport.ThreadOpen] != 1 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

func TestOpenThread_FollowsMerges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a, b, c := thread(t, s, rapport.Thread{Address: 1}), thread(t, s, rapport.Thread{Address: 2}), thread(t, s, rapport.Thread{Address: 3})
		for from, into := range map[rapport.ID]rapport.ID{a.ID: b.ID, b.ID: c.ID} {
			if err := s.MergeThread(ctx, from, into); err != nil {
				t.Fatal(err)
			}
		}
		for address := range rapport.ID(3) {
			if got, err := s.OpenThread(ctx, address+1); err != nil || got.ID != c.ID {
				t.Errorf("address %d: %+v, %v", address+1, got, err)
			}
		}
		for _, id := range []rapport.ID{a.ID, b.ID, c.ID} {
			e := rapport.Entry{Thread: id, Kind: rapport.Inbound, Text: "x"}
			if err := s.AddEntry(ctx, &e); err != nil || e.Thread != c.ID {
				t.Errorf("written by the id %d: %+v, %v", id, e, err)
			}
		}
		if all, err := s.Merged(ctx, c.ID); err != nil || !slices.Equal(all, []rapport.ID{a.ID, b.ID}) {
			t.Errorf("%v, %v", all, err)
		}
		s.PatchThread(ctx, c.ID, store.ThreadPatch{Status: ptr(rapport.ThreadResolved)})
		code(t, second(s.OpenThread(ctx, 1)), rapport.CodeNotFound)
		code(t, s.UnmergeThread(ctx, c.ID), rapport.CodeNotFound)
	})
}
