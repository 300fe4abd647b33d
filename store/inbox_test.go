package store_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestThreads_InEachOrderBothWays(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		var ids []rapport.ID
		for i, p := range []rapport.Priority{rapport.Normal, rapport.Urgent, rapport.Low, rapport.High, rapport.Urgent, rapport.Normal} {
			th := thread(t, s, rapport.Thread{Customer: 1, Address: rapport.ID(i + 1), Priority: p, Status: rapport.ThreadStatuses[i%3]})
			ids = append(ids, th.ID)
			if i%2 == 0 {
				now.pass(time.Second)
			}
		}
		for _, i := range []int{3, 0, 5, 1} { // who waits, the longest first; 5 and 1 since the same moment
			if err := s.AddEntry(ctx, &rapport.Entry{Thread: ids[i], Kind: rapport.Inbound, Text: "x"}); err != nil {
				t.Fatal(err)
			}
			if i != 5 {
				now.pass(time.Second)
			}
		}
		for _, c := range []struct {
			sort store.ThreadSort
			want []int
		}{
			{store.ByActivity, []int{5, 1, 0, 3, 4, 2}},
			{store.ByCreation, []int{5, 4, 3, 2, 1, 0}},
			{store.ByPriority, []int{1, 4, 3, 5, 0, 2}},
			{store.ByWaiting, []int{3, 0, 1, 5}},
		} {
			for _, reverse := range []bool{false, true} {
				want := []rapport.ID{}
				for _, i := range c.want {
					want = append(want, ids[i])
				}
				if reverse {
					slices.Reverse(want)
				}
				for limit := 1; limit <= 4; limit++ {
					got := []rapport.ID{}
					for f := (store.ThreadFilter{Sort: c.sort, Reverse: reverse, Limit: limit}); len(got) < 20; {
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
					if !slices.Equal(got, want) {
						t.Errorf("%q, reversed %t, %d a page: %v, want %v", c.sort, reverse, limit, got, want)
					}
				}
			}
		}
		f := store.ThreadFilter{Status: []rapport.ThreadStatus{rapport.ThreadOpen, rapport.ThreadSnoozed}, Limit: 10}
		if rows, _, err := s.Threads(ctx, f); err != nil || len(rows) != 4 {
			t.Errorf("two statuses: %v, %v", rows, err)
		}
		if rows, _, err := s.Threads(ctx, store.ThreadFilter{Waiting: true, Limit: 10}); err != nil || len(rows) != 4 || rows[0].ID != ids[5] {
			t.Errorf("who waits, by activity: %v, %v", rows, err)
		}
		if rows, _, err := s.Threads(ctx, store.ThreadFilter{Status: []rapport.ThreadStatus{"' OR 1=1 --"}, Limit: 10}); err != nil || len(rows) != 0 {
			t.Errorf("a status that is none: %v, %v", rows, err)
		}
	})
}

// wholeTable is a scan in SQLite's words; where the pages of all statuses are put together, their rows are t as well.
var wholeTable = regexp.MustCompile(`(?m)SCAN t$`)

// A page must cost what it shows. 20,000 threads are enough for the planners to choose as they would with a million.
func TestThreads_StayOnIndexes(t *testing.T) {
	t.Parallel()
	for _, url := range urls(t) {
		s := storetest.Open(t, url, nil)
		t.Run(s.Engine(), func(t *testing.T) {
			db := raw(t, url)
			for _, q := range []string{`INSERT INTO threads (id, customer_id, address_id, channel, status, assignee, labels, priority, campaign_id, last_entry_at, created_at, updated_at, unread, waiting_since)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
				SELECT i, i / 3, i / 2, 'sms', CASE WHEN i % 50 = 0 THEN 'open' ELSE 'resolved' END, CASE WHEN i % 7 = 0 THEN 'eva' ELSE '' END, CASE WHEN i % 100 = 0 THEN '["vip"]' ELSE '[]' END,
				CASE WHEN i % 30 = 0 THEN 'urgent' ELSE 'normal' END, CASE WHEN i % 40 = 0 THEN 9 ELSE 0 END, i, i, i, 0, CASE WHEN i % 50 = 0 THEN i ELSE 0 END FROM n`, `ANALYZE`} {
				if _, err := db.Exec(q); err != nil {
					t.Fatal(err)
				}
			}
			after := store.ThreadCursor{Rank: 1, At: time.UnixMilli(10_000), ID: 10_000}
			for name, c := range map[string]struct {
				filter store.ThreadFilter
				index  string
			}{
				"by activity":       {store.ThreadFilter{}, "threads_status"},
				"of one status":     {store.ThreadFilter{Status: []rapport.ThreadStatus{rapport.ThreadOpen}}, "threads_status"},
				"by creation":       {store.ThreadFilter{Sort: store.ByCreation}, "threads_created"},
				"by priority":       {store.ThreadFilter{Sort: store.ByPriority}, "threads_priority"},
				"who waits":         {store.ThreadFilter{Sort: store.ByWaiting}, "threads_waiting"},
				"an agent's":        {store.ThreadFilter{Assignee: "eva"}, "threads_assignee"},
				"of a campaign":     {store.ThreadFilter{Campaign: 9}, "threads_campaign"},
				"of a customer":     {store.ThreadFilter{Customer: 77}, "threads_customer"},
				"with a label":      {store.ThreadFilter{Label: "VIP"}, "threads_labels"},
				"the other way":     {store.ThreadFilter{Reverse: true}, "threads_status"},
				"the agent's order": {store.ThreadFilter{Assignee: "eva", Reverse: true}, "threads_assignee"},
			} {
				for _, at := range []store.ThreadCursor{{}, after} {
					c.filter.After, c.filter.Limit = at, 50
					plan, err := s.PlanOfThreads(ctx, c.filter)
					if err != nil {
						t.Fatal(name, err)
					}
					scans := strings.Contains(plan, "Seq Scan") || wholeTable.MatchString(plan) && !strings.Contains(plan, "CO-ROUTINE t\n")
					if !strings.Contains(plan, c.index) || scans {
						t.Errorf("%s, after %d, should use %s:\n%s", name, at.ID, c.index, plan)
					}
				}
			}
		})
	}
}

func TestCountThreads_TellsMineFromNobodys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i, assignee := range []string{"eva", "eva", "", "bob", ""} {
			thread(t, s, rapport.Thread{Customer: rapport.ID(i), Address: rapport.ID(i + 1), Assignee: assignee, Labels: []string{"x"}, Status: rapport.ThreadStatuses[i%2]})
		}
		for _, f := range []store.ThreadFilter{{}, {Label: "X"}} {
			n, err := s.CountThreads(ctx, f, "eva")
			if err != nil || n.Status[rapport.ThreadOpen] != 3 || n.Mine[rapport.ThreadOpen] != 1 || n.Mine[rapport.ThreadPending] != 1 || n.Nobodys[rapport.ThreadOpen] != 2 || n.Nobodys[rapport.ThreadPending] != 0 || n.Unassigned != 2 {
				t.Errorf("%+v: %+v, %v", f, n, err)
			}
		}
	})
}

func TestInboxRows_ShowWhatStandsOnALine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ann := upsert(t, s, store.CustomerPatch{Name: ptr("Ann"), ExternalID: "a"})[0]
		campaign := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfCampaign, Name: "Spring", Status: rapport.CampaignDraft}
		if err := s.InsertCampaigns(ctx, campaign); err != nil {
			t.Fatal(err)
		}
		one, two, three := thread(t, s, rapport.Thread{Customer: ann, Address: 1, Campaign: campaign.ID}), thread(t, s, rapport.Thread{Customer: ann, Address: 2}), thread(t, s, rapport.Thread{Customer: 99, Address: 3})
		say := func(th rapport.Thread, kind rapport.EntryKind, meta string) rapport.Entry {
			e := rapport.Entry{Thread: th.ID, Customer: ann, Kind: kind, Channel: rapport.SMS, Text: "x", Author: string(kind), Meta: json.RawMessage(meta), Files: []rapport.ID{7}}
			if err := s.AddEntry(ctx, &e); err != nil {
				t.Fatal(err)
			}
			return e
		}
		say(one, rapport.Inbound, `{"unverified":"forwarded"}`)
		last := say(one, rapport.Outbound, `{}`)
		say(one, rapport.Note, `{}`)
		merged := say(two, rapport.Inbound, `{"unverified":false}`)
		for _, agent := range []string{"Eva", "Bob"} {
			if err := s.SaveDraft(ctx, &store.Draft{Thread: one.ID, Agent: agent, Content: json.RawMessage(`{}`)}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.InboxRows(ctx, []rapport.Thread{one, two, three})
		if err != nil {
			t.Fatal(err)
		}
		words := func(e rapport.Entry) store.LastWords {
			return store.LastWords{ID: e.ID, Kind: e.Kind, Channel: e.Channel, Author: e.Author, Files: 1, At: e.CreatedAt}
		}
		want := map[rapport.ID]store.InboxRow{
			one.ID:   {Customer: "Ann", Campaign: "Spring", Last: words(last), Unverified: true, Drafts: []string{"Bob", "Eva"}},
			two.ID:   {Customer: "Ann", Last: words(merged)},
			three.ID: {},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("rows:\n%+v\n%+v", got, want)
		}
		if err := s.MergeThread(ctx, two.ID, one.ID); err != nil {
			t.Fatal(err)
		}
		if got, err = s.InboxRows(ctx, []rapport.Thread{one}); err != nil || got[one.ID].Last.ID != merged.ID || got[one.ID].Unverified {
			t.Errorf("after the merge: %+v, %v", got, err)
		}
	})
}

func TestLabels_AreCountedWhateverTheirCase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i, labels := range [][]string{{"Refund", "vip"}, {"vip", "Ёлка"}, {"VIP"}, nil} {
			thread(t, s, rapport.Thread{Customer: 1, Address: rapport.ID(i + 1), Labels: labels})
		}
		for name, colour := range map[string]string{"Vip": "#c2410c", "new": "#000000", "gone": "#ffffff"} {
			if err := s.SaveLabel(ctx, name, colour); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.SaveLabel(ctx, "GONE", ""); err != nil {
			t.Fatal(err)
		}
		got, err := s.Labels(ctx)
		want := []store.Label{{"new", "#000000", 0}, {"Refund", "", 1}, {"Vip", "#c2410c", 3}, {"Ёлка", "", 1}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v", got, err)
		}
		for label, n := range map[string]int{"vip": 3, "ёлка": 1, "vi": 0, `"`: 0} {
			if rows, _, err := s.Threads(ctx, store.ThreadFilter{Label: label, Limit: 9}); err != nil || len(rows) != n {
				t.Errorf("%s: %d, %v", label, len(rows), err)
			}
		}
	})
}

func TestPatchThread_AddsAndDropsLabels(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		th := thread(t, s, rapport.Thread{Customer: 1, Address: 1, Labels: []string{"a", "B"}})
		got, err := s.PatchThread(ctx, th.ID, store.ThreadPatch{AddLabels: []string{"b", " c "}, DropLabels: []string{"A", "none"}})
		if err != nil || !slices.Equal(got.Labels, []string{"B", "c"}) {
			t.Errorf("%v, %v", got.Labels, err)
		}
	})
}

func TestViews_AreSharedOrAnAgents(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var all []string
		for i, v := range []store.View{{Name: "c", Position: 2}, {Name: "a", Position: 1}, {Name: "evas", Agent: "eva", Position: 1}, {Name: "bobs", Agent: "bob"}} {
			v.Filter = json.RawMessage(fmt.Sprintf(`{"n":%d}`, i))
			if err := s.CreateView(ctx, &v); err != nil {
				t.Fatal(err)
			}
		}
		for after := (store.ViewCursor{}); len(all) < 9; {
			page, next, err := s.Views(ctx, "eva", after, 1)
			if err != nil || len(page) != 1 {
				t.Fatal(page, err)
			}
			all = append(all, page[0].Name)
			v := page[0]
			if v.Position++; v.Name == "c" {
				v.Name, v.Agent = "mine", "eva"
				if got, err := s.ChangeView(ctx, v); err != nil || got.Name != "mine" || got.Agent != "eva" || got.Position != 3 {
					t.Errorf("%+v, %v", got, err)
				}
			}
			if after = next; next.ID == 0 {
				break
			}
		}
		if !slices.Equal(all, []string{"a", "evas", "c"}) {
			t.Errorf("%v", all)
		}
		if n, err := s.CountViews(ctx, "bob"); err != nil || n != 2 {
			t.Errorf("bob sees %d, %v", n, err)
		}
		code(t, second(s.View(ctx, 5)), rapport.CodeNotFound)
		code(t, second(s.ChangeView(ctx, store.View{ID: 5, Filter: json.RawMessage(`{}`)})), rapport.CodeNotFound)
		rows, _, err := s.Views(ctx, "bob", store.ViewCursor{}, 9)
		if err != nil || len(rows) != 2 {
			t.Fatal(rows, err)
		}
		if ok, err := s.DropView(ctx, rows[0].ID); !ok || err != nil {
			t.Error(ok, err)
		}
		if ok, err := s.DropView(ctx, rows[0].ID); ok || err != nil {
			t.Error(ok, err)
		}
	})
}
