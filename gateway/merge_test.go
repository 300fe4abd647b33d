package gateway_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

func ids(es []rapport.Entry) (out []rapport.ID) {
	for _, e := range es {
		if e.Kind != rapport.Happened {
			out = append(out, e.ID)
		}
	}
	return
}

func TestMerge_ShowsBothInOrderAndCanBeUndone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		by := gateway.Caller{Name: "Ivan"}
		old := w.conversation(1, "e1")
		w.patch(old.ID, store.ThreadPatch{Status: set(rapport.ThreadResolved)})
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), "New matter", "e2"))
		ts := w.threads()
		if len(ts) != 2 {
			t.Fatalf("%+v", ts)
		}
		fresh := ts[0]
		if fresh.ID == old.ID {
			fresh = ts[1]
		}
		answer := w.answer(fresh.ID, gateway.ReplyInput{Text: "Yes?"})
		w.until("it is sent", func() bool { return w.state(answer) == rapport.Sent })
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), "Sorry, wrong shop", "e3"))
		before := ids(w.entries(fresh.ID))

		into, err := w.g.MergeThread(t.Context(), by, fresh.ID, old.ID)
		if err != nil {
			t.Fatal(err)
		}
		if into.ID != old.ID || into.Status != rapport.ThreadOpen || !into.Unread || into.WaitingSince.IsZero() || into.Preview != "Sorry, wrong shop" {
			t.Errorf("%+v", into)
		}
		if th := w.thread(fresh.ID); th.ID != old.ID {
			t.Errorf("the old id leads to %+v", th)
		}
		all := w.entries(old.ID)
		if got := ids(all); len(got) != 4 || !slices.IsSorted(got) {
			t.Errorf("%v", got)
		}
		for _, e := range all {
			if e.Kind == rapport.Happened {
				continue // the new matter says which one it goes on from
			}
			if theirs := slices.Contains(before, e.ID); e.Thread != old.ID || theirs != (e.Origin == fresh.ID) {
				t.Errorf("origin of %+v", e)
			}
		}
		if ts := w.threads(); len(ts) != 1 || ts[0].ID != old.ID {
			t.Errorf("listed: %+v", ts)
		}

		if found, _, err := w.st.Threads(t.Context(), store.ThreadFilter{Q: "wrong shop", Limit: 5}); err != nil || len(found) != 1 || found[0].ID != old.ID {
			t.Errorf("what was said in the merged thread finds %+v, %v", found, err)
		}

		// What refers to the merged thread comes to the other one, and so does what refers to nothing.
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), "About your answer", "e4", "p-"+rapport.KindMessage.Format(answer.Message)))
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), "And another thing", "e5"))
		if n := len(ids(w.entries(old.ID))); n != 6 || len(w.threads()) != 1 {
			t.Errorf("%d entries, threads %+v", n, w.threads())
		}
		if _, err := w.g.AddNote(t.Context(), by, fresh.ID, "by the old id", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.g.TakeBack(t.Context(), by, fresh.ID, answer.ID); rapport.CodeOf(err) != rapport.CodeConflict {
			t.Errorf("taking back by the old id: %v", err)
		}

		_, err = w.g.MergeThread(t.Context(), by, fresh.ID, old.ID)
		refused(t, err, rapport.CodeConflict, "merged already")
		_, err = w.g.MergeThread(t.Context(), by, old.ID, fresh.ID)
		refused(t, err, rapport.CodeInvalid, "same thread")
		_, err = w.g.MergeThread(t.Context(), by, old.ID, 5)
		refused(t, err, rapport.CodeInvalid, "no such thread")
		stranger := w.conversation(2, "e6")
		_, err = w.g.MergeThread(t.Context(), by, stranger.ID, old.ID)
		refused(t, err, rapport.CodeConflict, "two customers")

		// Much has happened; taking it out again gives back what was its own.
		back, err := w.g.UnmergeThread(t.Context(), by, fresh.ID)
		if err != nil || back.ID != fresh.ID || back.Preview != "Sorry, wrong shop" {
			t.Errorf("%+v, %v", back, err)
		}
		if got := ids(w.entries(fresh.ID)); !slices.Equal(got, before) {
			t.Errorf("%v, before %v", got, before)
		}
		if th := w.thread(old.ID); th.Preview != "And another thing" {
			t.Errorf("%+v", th)
		}
		if !w.says(old.ID, "was taken out of this one") || !w.says(fresh.ID, `"event":"unmerged"`) {
			t.Error("an unmerge is an event in both")
		}
		_, err = w.g.UnmergeThread(t.Context(), by, fresh.ID)
		refused(t, err, rapport.CodeConflict, "not merged")
	})
}

func TestUnmerge_GivesEachThreadItsOwnState(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		by := gateway.Caller{Name: "Ivan"}
		old := w.conversation(1, "e1")
		w.answer(old.ID, gateway.ReplyInput{Text: "Done"})
		w.patch(old.ID, store.ThreadPatch{Status: set(rapport.ThreadResolved)})
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), "New matter", "e2"))
		fresh := w.threads()[0]
		if fresh.ID == old.ID {
			t.Fatalf("%+v", fresh)
		}
		was := w.thread(old.ID)
		if th, err := w.g.MergeThread(t.Context(), by, fresh.ID, old.ID); err != nil || th.Status != rapport.ThreadOpen || !th.Unread {
			t.Fatalf("%+v, %v", th, err)
		}
		back, err := w.g.UnmergeThread(t.Context(), by, fresh.ID)
		if err != nil || back.Status != rapport.ThreadOpen || !back.Unread || !back.WaitingSince.Equal(fresh.WaitingSince) || !back.LastEntryAt.Equal(fresh.LastEntryAt) {
			t.Errorf("%+v, %v", back, err)
		}
		th := w.thread(old.ID)
		if th.Status != rapport.ThreadResolved || th.Unread || !th.WaitingSince.IsZero() || th.Preview != "Done" || !th.LastEntryAt.Equal(was.LastEntryAt) {
			t.Errorf("it was resolved before: %+v", th)
		}
		// The same for an answer that is taken back.
		e := w.answer(fresh.ID, gateway.ReplyInput{Text: "Oops", UndoFor: "1h"})
		if _, err := w.g.TakeBack(t.Context(), by, fresh.ID, e.ID); err != nil {
			t.Fatal(err)
		}
		if th := w.thread(fresh.ID); th.Status != rapport.ThreadOpen || !th.Unread || th.Preview != "New matter" || !th.LastEntryAt.Equal(fresh.LastEntryAt) || !th.WaitingSince.Equal(fresh.WaitingSince) {
			t.Errorf("taken back: %+v", th)
		}
	})
}

func TestSplit_TakesEntriesAndTheirAnswersAlong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		by := gateway.Caller{Name: "Ivan"}
		th := w.conversation(1, "e1")
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), "And where is my invoice?", "e2"))
		e := w.answer(th.ID, gateway.ReplyInput{Text: "Here it is"})
		w.until("it is sent", func() bool { return w.state(e) == rapport.Sent })
		all := w.entries(th.ID)
		fresh, err := w.g.SplitThread(t.Context(), by, th.ID, gateway.SplitInput{FromEntry: rapport.KindEntry.Format(all[1].ID), Subject: "Invoice"})
		if err != nil || fresh.Subject != "Invoice" || fresh.Preview != "Here it is" || !fresh.WaitingSince.IsZero() {
			t.Fatalf("%+v, %v", fresh, err)
		}
		if got := ids(w.entries(fresh.ID)); !slices.Equal(got, []rapport.ID{all[1].ID, e.ID}) {
			t.Errorf("%v", got)
		}
		if left := w.thread(th.ID); left.Preview != all[0].Text || left.WaitingSince.IsZero() {
			t.Errorf("%+v", left)
		}
		for _, x := range w.entries(fresh.ID) {
			if x.Kind != rapport.Happened && x.Origin != th.ID {
				t.Errorf("origin of %+v", x)
			}
		}
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), "Thanks for the invoice", "e3", "p-"+rapport.KindMessage.Format(e.Message)))
		if now := w.thread(fresh.ID); now.Preview != "Thanks for the invoice" {
			t.Errorf("an answer to what was split off: %+v", now)
		}
		for in, says := range map[*gateway.SplitInput]string{
			{}: "from_entry",
			{FromEntry: rapport.KindEntry.Format(all[0].ID)}:                             "nothing would be left",
			{FromEntry: rapport.KindEntry.Format(e.ID)}:                                  "no entry of this thread",
			{Entries: []string{rapport.KindEntry.Format(e.ID)}}:                          "no entry of this thread",
			{Entries: []string{"msg_1"}}:                                                 "entries[0]",
			{Entries: []string{rapport.KindEntry.Format(all[0].ID)}, FromEntry: "ent_0"}: "not both",
		} {
			_, err := w.g.SplitThread(t.Context(), by, th.ID, *in)
			refused(t, err, rapport.CodeInvalid, says)
		}
		if _, err := w.g.MergeThread(t.Context(), by, fresh.ID, th.ID); err != nil {
			t.Fatal(err)
		}
		if got := ids(w.entries(th.ID)); len(got) != 4 || !slices.IsSorted(got) {
			t.Errorf("after merging it back: %v", got)
		}
	})
}

// Whatever is merged, taken out and split, in whatever order: each entry is shown exactly once, in order, and once
// everything is taken out again each thread that was never split shows what was its own.
func TestMerge_LosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		by := gateway.Caller{Name: "Ivan"}
		rounds := 0
		rapid.Check(t, func(r *rapid.T) {
			if rounds++; rounds > 25 {
				return // the time of a test is short; each failing case is found again from its seed
			}
			customer := upsertOne(t, w, rounds)
			var threads []rapport.ID
			own := map[rapport.ID][]rapport.ID{}
			var all []rapport.ID
			for range 4 {
				th := rapport.Thread{Customer: customer.Customer, Address: customer.ID, Channel: rapport.SMS}
				if err := w.st.CreateThread(t.Context(), &th); err != nil {
					t.Fatal(err)
				}
				threads = append(threads, th.ID)
				for range 3 {
					e := rapport.Entry{Thread: th.ID, Customer: th.Customer, Kind: rapport.Inbound, Channel: rapport.SMS, Text: "x"}
					if err := w.st.AddEntry(t.Context(), &e); err != nil {
						t.Fatal(err)
					}
					own[th.ID] = append(own[th.ID], e.ID)
					all = append(all, e.ID)
				}
			}
			pick := rapid.SampledFrom(threads)
			split := map[rapport.ID]bool{}
			for range rapid.IntRange(1, 10).Draw(r, "steps") {
				a, b := pick.Draw(r, "a"), pick.Draw(r, "b")
				var err error
				switch rapid.IntRange(0, 4).Draw(r, "what") {
				case 0, 1:
					_, err = w.g.MergeThread(t.Context(), by, a, b)
				case 2, 3:
					_, err = w.g.UnmergeThread(t.Context(), by, a)
				case 4:
					from := rapid.SampledFrom(all).Draw(r, "entry")
					var fresh rapport.Thread
					if fresh, err = w.g.SplitThread(t.Context(), by, a, gateway.SplitInput{Entries: []string{rapport.KindEntry.Format(from)}}); err == nil {
						threads = append(threads, fresh.ID)
						for id, entries := range own {
							if slices.Contains(entries, from) {
								split[id] = true
							}
						}
						own[fresh.ID], split[fresh.ID] = nil, true
						pick = rapid.SampledFrom(threads)
					}
				}
				if c := rapport.CodeOf(err); err != nil && c != rapport.CodeConflict && c != rapport.CodeInvalid {
					t.Fatal(err)
				}
				var shown []rapport.ID
				for _, id := range threads {
					if w.thread(id).ID == id {
						got := ids(w.entries(id))
						if !slices.IsSorted(got) {
							r.Fatalf("out of order: %v", got)
						}
						shown = append(shown, got...)
					}
				}
				if slices.Sort(shown); !slices.Equal(shown, all) {
					r.Fatalf("shown %v, there are %v", shown, all)
				}
			}
			for _, id := range threads {
				if _, err := w.g.UnmergeThread(t.Context(), by, id); err != nil && rapport.CodeOf(err) != rapport.CodeConflict {
					t.Fatal(err)
				}
			}
			for id, want := range own {
				if got := ids(w.entries(id)); !split[id] && !slices.Equal(got, want) {
					r.Fatalf("thread %d shows %v, its own are %v", id, got, want)
				}
			}
		})
	})
}

func upsertOne(t *testing.T, w *world, n int) rapport.Address {
	t.Helper()
	value := addressOf(rapport.SMS, 5000+n)
	if _, err := w.st.UpsertCustomers(t.Context(), []store.CustomerPatch{{Addresses: []store.AddressPatch{{Channel: rapport.SMS, Value: value}}}}); err != nil {
		t.Fatal(err)
	}
	a, err := w.st.AddressOf(t.Context(), rapport.SMS, value)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
