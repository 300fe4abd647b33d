package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// The room that an agent makes is filled at once, by whoever waited longest.
func TestAssign_RoomIsFilledAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		if err := w.g.PutAssignment(ctx, gateway.Caller{}, rapport.Assignment{Automatic: true, Cap: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.g.SetPresence(ctx, "Ann", rapport.Online); err != nil {
			t.Fatal(err)
		}
		var all []rapport.Thread
		for n := range 5 {
			all = append(all, w.writes(fmt.Sprintf("+3712000%04d", n), "Hello?"))
		}
		resolved, snoozed, until, bob := rapport.ThreadResolved, rapport.ThreadSnoozed, w.clock.now().Add(time.Hour), "Bob"
		for n, p := range []store.ThreadPatch{{Status: &resolved}, {Status: &snoozed, SnoozedUntil: &until}, {Assignee: &bob}} {
			if a, b := w.thread(all[n].ID).Assignee, w.thread(all[n+1].ID).Assignee; a != "Ann" || b != "" {
				t.Fatalf("%d: %q has it, and %q the next", n, a, b)
			}
			if _, err := w.g.PatchThread(ctx, gateway.Caller{Name: "Ann"}, all[n].ID, p); err != nil {
				t.Fatal(err)
			}
			if got := w.thread(all[n+1].ID).Assignee; got != "Ann" {
				t.Errorf("after %d: %q has the next", n, got)
			}
		}
		w.answer(all[3].ID, gateway.ReplyInput{Text: "Here."})
		if got := w.thread(all[4].ID).Assignee; got != "Ann" {
			t.Errorf("after an answer %q has the next", got)
		}
	})
}

// What is split off and answered waits for the customer, as the thread it came from.
func TestSplit_OfWhatIsAnsweredIsPending(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th := w.writes("+37120000001", "One?")
		w.writes("+37120000001", "Two?")
		second := w.last(th.ID)
		answer := w.answer(th.ID, gateway.ReplyInput{Text: "Both."})
		split := func(entries ...rapport.ID) rapport.Thread {
			t.Helper()
			in := gateway.SplitInput{}
			for _, e := range entries {
				in.Entries = append(in.Entries, rapport.KindEntry.Format(e))
			}
			fresh, err := w.g.SplitThread(t.Context(), gateway.Caller{}, th.ID, in)
			if err != nil {
				t.Fatal(err)
			}
			return fresh
		}
		fresh := split(second.ID, answer.ID)
		if fresh.Status != rapport.ThreadPending || !fresh.WaitingSince.IsZero() {
			t.Errorf("answered: %s, waiting since %s", fresh.Status, fresh.WaitingSince)
		}
		w.writes("+37120000002", "Three?")
		th = w.threads()[0]
		w.writes("+37120000002", "Four?")
		fourth := w.last(th.ID)
		w.answer(th.ID, gateway.ReplyInput{Text: "Both."})
		if fresh := split(fourth.ID); fresh.Status != rapport.ThreadOpen || fresh.WaitingSince.IsZero() {
			t.Errorf("unanswered: %s, waiting since %s", fresh.Status, fresh.WaitingSince)
		}
	})
}
