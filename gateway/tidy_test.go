package gateway_test

import (
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
	"rapport/store/storetest"
)

func TestPatchThread_TidiesLabelsAndBoundsThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	th := w.conversation(1, "e1")
	if got := w.patch(th.ID, store.ThreadPatch{Labels: &[]string{" VIP ", "late order"}}); strings.Join(got.Labels, "|") != "VIP|late order" {
		t.Errorf("%q", got.Labels)
	}
	if got := w.patch(th.ID, store.ThreadPatch{Labels: &[]string{"vip"}}); strings.Join(got.Labels, "|") != "VIP" {
		t.Errorf("%q", got.Labels)
	}
	for name, labels := range map[string][]string{"empty": {" "}, "twice": {"a", "b", "A "}, "too long": {strings.Repeat("я", 101)}, "control": {"a\nb"}, "too many": make([]string, 51), "not UTF-8": {"\xff"}} {
		if _, err := w.g.PatchThread(t.Context(), gateway.Caller{}, th.ID, store.ThreadPatch{Labels: &labels}); rapport.CodeOf(err) != rapport.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPatchThread_NobodySnoozesForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	th := w.conversation(1, "e1")
	snoozed := rapport.ThreadSnoozed
	for ahead, ok := range map[time.Duration]bool{time.Hour: true, 365 * 24 * time.Hour: true, 400 * 24 * time.Hour: false, -time.Hour: false} {
		until := w.clock.now().Add(ahead)
		if _, err := w.g.PatchThread(t.Context(), gateway.Caller{}, th.ID, store.ThreadPatch{Status: &snoozed, SnoozedUntil: &until}); ok != (err == nil) || !ok && rapport.CodeOf(err) != rapport.CodeInvalid {
			t.Errorf("%s ahead: %v", ahead, err)
		}
	}
}

func TestPutHours_RefusesSlotsThatOverlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	slot := func(s string) gateway.SlotInput {
		from, until, _ := strings.Cut(s, "-")
		return gateway.SlotInput{From: from, Until: until}
	}
	slots := func(all ...string) (out []gateway.SlotInput) {
		for _, s := range all {
			out = append(out, slot(s))
		}
		return out
	}
	for name, tt := range map[string]struct {
		in   gateway.HoursInput
		path string
	}{
		"side by side":            {gateway.HoursInput{Week: map[string][]gateway.SlotInput{"mon": slots("09:00-13:00", "13:00-18:00")}}, ""},
		"one within another":      {gateway.HoursInput{Week: map[string][]gateway.SlotInput{"mon": slots("09:00-18:00", "12:00-13:00")}}, "week.mon[1]"},
		"the later one first":     {gateway.HoursInput{Week: map[string][]gateway.SlotInput{"tue": slots("12:00-18:00", "09:00-12:01")}}, "week.tue[1]"},
		"past midnight":           {gateway.HoursInput{Week: map[string][]gateway.SlotInput{"sat": slots("22:00-04:00"), "sun": slots("04:00-10:00")}}, ""},
		"into the next day":       {gateway.HoursInput{Week: map[string][]gateway.SlotInput{"sat": slots("22:00-04:00"), "sun": slots("03:00-10:00")}}, "week.sun[0]"},
		"all day, every day":      {gateway.HoursInput{Week: map[string][]gateway.SlotInput{"sat": slots("00:00-24:00"), "sun": slots("00:00-00:00")}}, ""},
		"on a holiday":            {gateway.HoursInput{Holidays: []gateway.HolidayInput{{Date: "2026-12-24", Slots: slots("09:00-12:00", "11:00-13:00")}}}, "holidays[0].slots[1]"},
		"on a day and a holiday":  {gateway.HoursInput{Week: map[string][]gateway.SlotInput{"thu": slots("09:00-18:00")}, Holidays: []gateway.HolidayInput{{Date: "2026-12-24", Slots: slots("09:00-12:00")}}}, ""},
		"past midnight, same day": {gateway.HoursInput{Week: map[string][]gateway.SlotInput{"mon": slots("20:00-02:00", "23:00-23:30")}}, "week.mon[1]"},
	} {
		tt.in.Timezone = "Europe/Riga"
		err := w.g.PutHours(t.Context(), gateway.Caller{}, tt.in)
		if tt.path == "" && err != nil || tt.path != "" && (rapport.CodeOf(err) != rapport.CodeInvalid || strings.Join(refusals(err), " ") != tt.path) {
			t.Errorf("%s: %v %s", name, err, fieldsOf(err))
		}
	}
}

func TestUnmerge_WhatOnlyAMergeHadOpenedIsResolvedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		resolved := rapport.ThreadResolved
		first := w.conversation(1, "e1")
		w.patch(first.ID, store.ThreadPatch{Status: &resolved})
		w.clock.forward(30 * 24 * time.Hour) // so that the next word begins a thread of its own
		second := w.conversation(1, "e2")
		if first.ID == second.ID {
			t.Fatal("one thread")
		}
		merge := func(from, into rapport.ID) {
			t.Helper()
			if _, err := w.g.MergeThread(t.Context(), gateway.Caller{Name: "Eva"}, from, into); err != nil {
				t.Fatal(err)
			}
		}
		unmerge := func(id rapport.ID) {
			t.Helper()
			if _, err := w.g.UnmergeThread(t.Context(), gateway.Caller{Name: "Eva"}, id); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(when string, one, two rapport.ThreadStatus) {
			t.Helper()
			a, b := w.thread(first.ID), w.thread(second.ID)
			if a.Status != one || b.Status != two || (b.Status == rapport.ThreadOpen) == b.WaitingSince.IsZero() || one == rapport.ThreadResolved && (a.Unread || !a.WaitingSince.IsZero()) {
				t.Errorf("%s: %s (waits %v, unread %t) and %s (waits %v)", when, a.Status, a.WaitingSince, a.Unread, b.Status, b.WaitingSince)
			}
		}
		merge(second.ID, first.ID)
		expect("merged", rapport.ThreadOpen, rapport.ThreadOpen)
		unmerge(second.ID)
		expect("taken out", rapport.ThreadResolved, rapport.ThreadOpen)
		merge(first.ID, second.ID)
		unmerge(first.ID)
		expect("the other way round", rapport.ThreadResolved, rapport.ThreadOpen)
		// What was answered in between was ours to say there: it stays, and so does its state.
		merge(second.ID, first.ID)
		w.sentIn(w.answer(first.ID, gateway.ReplyInput{Text: "Here"}))
		unmerge(second.ID)
		expect("answered in between", rapport.ThreadPending, rapport.ThreadOpen)
	})
}

// Who writes their name in another case is the same colleague.
func TestAgents_AreOnePersonInWhateverCase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th := w.conversation(1, "e1")
		if _, err := w.g.SaveDraft(t.Context(), th.ID, "Eva", gateway.DraftInput{Text: "Dear"}); err != nil {
			t.Fatal(err)
		}
		seen := rapport.KindEntry.Format(w.last(th.ID).ID)
		first := w.answer(th.ID, gateway.ReplyInput{Text: "One", Agent: "EVA", Seen: seen})
		if first.Author != "Eva" {
			t.Errorf("the answer is of %q", first.Author)
		}
		if _, err := w.st.Draft(t.Context(), th.ID, "Eva"); rapport.CodeOf(err) != rapport.CodeNotFound {
			t.Errorf("the draft is still there: %v", err)
		}
		w.answer(th.ID, gateway.ReplyInput{Text: "Two", Agent: "eva", Seen: seen}) // her own words are no news to her
		if rs, _, err := w.st.Responses(t.Context(), store.ResponseFilter{Agent: "eVa"}, store.Page{Limit: 9}); err != nil || len(rs) != 1 || rs[0].Agent != "Eva" {
			t.Errorf("%+v, %v", rs, err)
		}
		note, err := w.g.AddNote(t.Context(), gateway.Caller{}, th.ID, "@EVA, look", "")
		if err != nil {
			t.Fatal(err)
		}
		if ms, _, err := w.st.Mentions(t.Context(), "Eva", store.Page{Limit: 9}); err != nil || len(ms) != 1 || ms[0].Entry.ID != note.ID {
			t.Errorf("%+v, %v", ms, err)
		}
		eva := "eva"
		if got := w.patch(th.ID, store.ThreadPatch{Assignee: &eva}); got.Assignee != "Eva" {
			t.Errorf("assigned to %q", got.Assignee)
		}
	})
}
