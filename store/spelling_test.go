package store_test

import (
	"sync"
	"testing"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestNames_AreSpelledAsTheyWereFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		a, b := thread(t, s, rapport.Thread{Customer: 1, Address: 2}), thread(t, s, rapport.Thread{Customer: 1, Address: 3})
		give := func(id rapport.ID, agent string, labels ...string) rapport.Thread {
			t.Helper()
			got, err := s.PatchThread(ctx, id, store.ThreadPatch{Assignee: &agent, Labels: &labels})
			must(err)
			return got
		}
		give(a.ID, "Ева", "VIP", "Größe")
		got := give(b.ID, "ЕВА", "gröSSe", "vip")
		if got.Assignee != "Ева" || len(got.Labels) != 2 || got.Labels[0] != "gröSSe" || got.Labels[1] != "VIP" {
			t.Errorf("%+v", got)
		}
		for _, f := range []store.ThreadFilter{{Assignee: "ева"}, {Label: "Vip"}, {Assignee: "еВа", Label: " vIp "}} {
			f.Limit = 10
			rows, _, err := s.Threads(ctx, f)
			n, err2 := s.CountThreads(ctx, f, "")
			if err != nil || err2 != nil || len(rows) != 2 || n.Status[rapport.ThreadOpen] != 2 {
				t.Errorf("%+v: %d, %+v, %v, %v", f, len(rows), n, err, err2)
			}
		}
		if rows, _, err := s.Threads(ctx, store.ThreadFilter{Assignee: "Eve", Limit: 10}); err != nil || len(rows) != 0 {
			t.Errorf("%+v, %v", rows, err)
		}
		// Drafts and presence are the same person's.
		must(s.SaveDraft(ctx, &store.Draft{Thread: a.ID, Agent: "Ева", Content: []byte(`{"text":"1"}`)}))
		must(s.SaveDraft(ctx, &store.Draft{Thread: a.ID, Agent: "ева", Content: []byte(`{"text":"2"}`)}))
		if all, _, err := s.Drafts(ctx, a.ID, "", 10); err != nil || len(all) != 1 || all[0].Agent != "Ева" || string(all[0].Content) != `{"text":"2"}` {
			t.Errorf("%+v, %v", all, err)
		}
		if _, err := s.Draft(ctx, a.ID, "ЕВА"); err != nil {
			t.Error(err)
		}
		if was, err := s.DropDraft(ctx, a.ID, "еВА"); err != nil || !was {
			t.Errorf("%t, %v", was, err)
		}
		for _, name := range []string{"Ева", "ева"} {
			if p, err := s.SetPresence(ctx, name, rapport.Online); err != nil || p.Agent != "Ева" {
				t.Errorf("%+v, %v", p, err)
			}
		}
		if all, err := s.Presences(ctx); err != nil || len(all) != 1 {
			t.Errorf("%+v, %v", all, err)
		}
		if agent, err := s.NextAgent(ctx, 2); err != nil || agent != "" {
			t.Errorf("%q gets a third thread, %v", agent, err)
		}
	})
}

// Two who use the same new names at once agree on a spelling, in whatever order they name them.
func TestNames_AreSpelledOneWayWhoeverIsFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var threads []rapport.Thread
		for i := range 8 {
			threads = append(threads, thread(t, s, rapport.Thread{Customer: 1, Address: rapport.ID(10 + i)}))
		}
		var wg sync.WaitGroup
		errs := make([]error, len(threads))
		for i, th := range threads {
			wg.Go(func() {
				labels := []string{"Alpha", "Beta"}
				if i%2 == 1 {
					labels = []string{"BETA", "ALPHA"}
				}
				_, errs[i] = s.PatchThread(ctx, th.ID, store.ThreadPatch{Labels: &labels})
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, label := range []string{"alpha", "beta"} {
			if rows, _, err := s.Threads(ctx, store.ThreadFilter{Label: label, Limit: 20}); err != nil || len(rows) != len(threads) {
				t.Errorf("%s: %d, %v", label, len(rows), err)
			}
		}
	})
}
