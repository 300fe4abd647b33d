package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
	"rapport/store/storetest"
)

// conversation begins a thread by a text message, and returns it.
func (w *world) conversation(n int, event string) rapport.Thread {
	w.t.Helper()
	w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, n), "Hello from "+event, event))
	ts, _, err := w.st.Threads(w.t.Context(), store.ThreadFilter{Limit: 1})
	if err != nil || len(ts) != 1 {
		w.t.Fatal(ts, err)
	}
	return ts[0]
}

func (w *world) thread(id rapport.ID) rapport.Thread {
	w.t.Helper()
	th, err := w.st.Thread(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return th
}

func (w *world) entries(thread rapport.ID) []rapport.Entry {
	w.t.Helper()
	es, next, err := w.st.Entries(w.t.Context(), thread, store.Page{Limit: 500})
	if err != nil || next != 0 {
		w.t.Fatal(err, next)
	}
	return es
}

func (w *world) answer(thread rapport.ID, in gateway.ReplyInput) *rapport.Entry {
	w.t.Helper()
	e, err := w.g.ReplyInThread(w.t.Context(), gateway.Caller{Name: "Ivan"}, thread, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) state(e *rapport.Entry) rapport.State {
	w.t.Helper()
	m, err := w.st.Message(w.t.Context(), e.Message)
	if err != nil {
		w.t.Fatal(err)
	}
	return m.State
}

func (w *world) patch(thread rapport.ID, p store.ThreadPatch) rapport.Thread {
	w.t.Helper()
	th, err := w.g.PatchThread(w.t.Context(), gateway.Caller{Name: "Ivan"}, thread, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return th
}

func set[T any](v T) *T { return &v }

func refused(t *testing.T, err error, code rapport.Code, says string) {
	t.Helper()
	text := fmt.Sprint(err)
	if e, ok := errors.AsType[*rapport.Error](err); ok {
		text += fmt.Sprint(e.Fields)
	}
	if rapport.CodeOf(err) != code || !strings.Contains(text, says) {
		t.Errorf("%s, want %s that says %q", text, code, says)
	}
}

func TestThread_SpamStaysTogetherAndOutOfSight(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th := w.conversation(1, "e1")
		w.patch(th.ID, store.ThreadPatch{Status: set(rapport.ThreadSpam)})
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), "Buy now", "e2"))
		if ts := w.threads(); len(ts) != 0 {
			t.Errorf("listed: %+v", ts)
		}
		ts, _, err := w.st.Threads(t.Context(), store.ThreadFilter{Status: []rapport.ThreadStatus{rapport.ThreadSpam}, Limit: 9})
		if err != nil || len(ts) != 1 || ts[0].ID != th.ID || !ts[0].WaitingSince.IsZero() || ts[0].Status != rapport.ThreadSpam {
			t.Errorf("%+v, %v", ts, err)
		}
		if es := w.entries(th.ID); es[len(es)-1].Text != "Buy now" {
			t.Errorf("%+v", es)
		}
		n, err := w.st.CountThreads(t.Context(), store.ThreadFilter{}, "")
		if err != nil || n.Status[rapport.ThreadSpam] != 1 || n.Status[rapport.ThreadOpen] != 0 || n.Unread != 0 || n.Waiting != 0 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

func TestThread_SnoozeEndsWithItsTimeOrWithAReply(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		until := w.conversation(1, "e1")
		w.patch(until.ID, store.ThreadPatch{Status: set(rapport.ThreadSnoozed), SnoozedUntil: set(w.clock.now().Add(48 * time.Hour))})
		forever := w.conversation(2, "e2")
		w.patch(forever.ID, store.ThreadPatch{Status: set(rapport.ThreadSnoozed)})
		early := w.conversation(3, "e3")
		w.patch(early.ID, store.ThreadPatch{Status: set(rapport.ThreadSnoozed), SnoozedUntil: set(w.clock.now().Add(48 * time.Hour))})
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 3), "Any news?", "e4"))
		if th := w.thread(early.ID); th.Status != rapport.ThreadOpen || !th.SnoozedUntil.IsZero() {
			t.Errorf("the customer wrote: %+v", th)
		}
		w.clock.forward(90 * 24 * time.Hour) // nobody was there
		w.until("the first wakes", func() bool { return w.thread(until.ID).Status == rapport.ThreadOpen })
		if !w.says(until.ID, "The snooze is over.") || w.says(early.ID, "The snooze is over.") {
			t.Error("a snooze that ends by its time, and only that one, is an event")
		}
		if th := w.thread(forever.ID); th.Status != rapport.ThreadSnoozed {
			t.Errorf("it waits for a reply: %+v", th)
		}
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 2), "Me again", "e5"))
		if th := w.thread(forever.ID); th.Status != rapport.ThreadOpen {
			t.Errorf("the customer wrote: %+v", th)
		}
		_, err := w.g.PatchThread(t.Context(), gateway.Caller{}, early.ID, store.ThreadPatch{SnoozedUntil: set(w.clock.now().Add(time.Hour))})
		refused(t, err, rapport.CodeInvalid, "snoozed_until")
	})
}

func TestThread_WaitsFromTheOldestUnansweredWord(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th := w.conversation(1, "e1")
		began := th.WaitingSince
		if began.IsZero() || !th.Unread {
			t.Fatalf("%+v", th)
		}
		w.clock.forward(time.Minute)
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), "Hello?", "e2"))
		if th = w.thread(th.ID); !th.WaitingSince.Equal(began) {
			t.Errorf("waits since %v, the first word came at %v", th.WaitingSince, began)
		}
		if th = w.patch(th.ID, store.ThreadPatch{Unread: set(false)}); th.Unread || th.WaitingSince.IsZero() {
			t.Errorf("reading answers nothing: %+v", th)
		}
		other := w.conversation(2, "e3")
		ts, _, err := w.st.Threads(t.Context(), store.ThreadFilter{Sort: store.ByWaiting, Limit: 9})
		if err != nil || len(ts) != 2 || ts[0].ID != th.ID || ts[1].ID != other.ID {
			t.Errorf("%+v, %v", ts, err)
		}
		w.answer(th.ID, gateway.ReplyInput{Text: "Hi"})
		if th = w.thread(th.ID); !th.WaitingSince.IsZero() || th.Status != rapport.ThreadPending {
			t.Errorf("answered: %+v", th)
		}
		// Resolved or spam by mistake: who waited waits again, since the same word.
		for _, status := range []rapport.ThreadStatus{rapport.ThreadResolved, rapport.ThreadSpam} {
			w.patch(other.ID, store.ThreadPatch{Status: &status})
			if now := w.patch(other.ID, store.ThreadPatch{Status: set(rapport.ThreadOpen)}); !now.WaitingSince.Equal(other.WaitingSince) {
				t.Errorf("%s and open again: %+v", status, now)
			}
			w.patch(th.ID, store.ThreadPatch{Status: &status})
			if now := w.patch(th.ID, store.ThreadPatch{Status: set(rapport.ThreadOpen)}); !now.WaitingSince.IsZero() {
				t.Errorf("%s and open again, though it was answered: %+v", status, now)
			}
		}
		machine := reply(rapport.SMS, addressOf(rapport.SMS, 1), "I am on holiday", "e4")
		machine.Message.Auto = channels.AutoReply
		w.ingest("sms", machine)
		if th = w.thread(th.ID); !th.WaitingSince.IsZero() || th.Unread {
			t.Errorf("a machine waits for nothing: %+v", th)
		}
		if th = w.patch(other.ID, store.ThreadPatch{Status: set(rapport.ThreadResolved)}); !th.WaitingSince.IsZero() {
			t.Errorf("resolved: %+v", th)
		}
	})
}

func TestReply_IsRefusedWhenOthersHaveWritten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th := w.conversation(1, "e1")
		seen := rapport.KindEntry.Format(w.entries(th.ID)[0].ID)
		note, err := w.g.AddNote(t.Context(), gateway.Caller{Name: "Eva"}, th.ID, "I am on it, @Ivan", "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.g.ReplyInThread(t.Context(), gateway.Caller{Name: "Ivan"}, th.ID, gateway.ReplyInput{Text: "Yes", Seen: seen})
		refused(t, err, rapport.CodeConflict, rapport.KindEntry.Format(note.ID))
		seen = rapport.KindEntry.Format(note.ID)
		elsewhere := w.conversation(2, "e2")
		for _, id := range []rapport.ID{w.entries(elsewhere.ID)[0].ID, w.st.NewID()} {
			_, err = w.g.ReplyInThread(t.Context(), gateway.Caller{Name: "Ivan"}, th.ID, gateway.ReplyInput{Text: "Yes", Seen: rapport.KindEntry.Format(id)})
			refused(t, err, rapport.CodeInvalid, "no entry of this thread")
		}
		// Two colleagues answer what both have seen: one of them is told.
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, gateway.ReplyInput{Text: "Yes", Seen: seen, Agent: fmt.Sprint("agent ", i)})
			})
		}
		wg.Wait()
		sent := 0
		for _, err := range errs {
			if err == nil {
				sent++
				continue
			}
			refused(t, err, rapport.CodeConflict, "ent_")
		}
		if sent != 1 {
			t.Errorf("%d of 8 answers were taken", sent)
		}
		es := w.entries(th.ID)
		last := es[len(es)-1]
		_, err = w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, gateway.ReplyInput{Text: "Yes", Seen: seen})
		refused(t, err, rapport.CodeConflict, rapport.KindEntry.Format(last.ID))
		w.answer(th.ID, gateway.ReplyInput{Text: "Yes", Seen: seen, Force: true})
		es = w.entries(th.ID)
		w.answer(th.ID, gateway.ReplyInput{Text: "And more", Seen: rapport.KindEntry.Format(es[len(es)-1].ID)})
		w.answer(th.ID, gateway.ReplyInput{Text: "One does not surprise oneself", Seen: rapport.KindEntry.Format(es[len(es)-1].ID)})
		es = w.entries(th.ID)
		back, err := w.g.ReplyInThread(t.Context(), gateway.Caller{Name: "Eva"}, th.ID, gateway.ReplyInput{Text: "Oops", UndoFor: "1h"})
		if err == nil {
			_, err = w.g.TakeBack(t.Context(), gateway.Caller{Name: "Eva"}, th.ID, back.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.answer(th.ID, gateway.ReplyInput{Text: "Nor does what was taken back", Seen: rapport.KindEntry.Format(es[len(es)-1].ID)})
		if ms, _, err := w.st.Mentions(t.Context(), "IVAN", store.Page{Limit: 5}); err != nil || len(ms) != 1 || ms[0].Entry.Thread != th.ID || ms[0].Entry.Kind != rapport.Note {
			t.Errorf("mentions: %+v, %v", ms, err)
		}
	})
}

func TestNote_TellsWhomItCalls(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th := w.conversation(1, "e1")
		if _, err := w.g.AddNote(t.Context(), gateway.Caller{Name: "Eva"}, th.ID, "@Ivan and @Olga, look (not ivan@shop.example)", ""); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var told []string
		err := follow(ctx, w.g, 0, func(page []rapport.Notice) bool {
			for _, n := range page {
				if n.Type == rapport.EntryCreated {
					var f rapport.Fact
					if err := json.Unmarshal(n.Data, &f); err != nil {
						t.Error(err)
					}
					told = append(told, fmt.Sprint(f.Kind, f.Mentions))
				}
			}
			return len(told) >= 2
		})
		if want := []string{"inbound[]", "note[ivan olga]"}; err != nil || !slices.Equal(told, want) {
			t.Errorf("%q, %v", told, err)
		}
	})
}

func TestReply_GoesOutLaterOrIsTakenBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th := w.conversation(1, "e1")
		later := w.answer(th.ID, gateway.ReplyInput{Text: "Tomorrow", SendAt: set(w.clock.now().Add(24 * time.Hour))})
		undone := w.answer(th.ID, gateway.ReplyInput{Text: "Oops", UndoFor: "1h"})
		if _, err := w.g.TakeBack(t.Context(), gateway.Caller{Name: "Ivan"}, th.ID, undone.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.g.TakeBack(t.Context(), gateway.Caller{Name: "Ivan"}, th.ID, undone.ID); err != nil {
			t.Errorf("taking it back again: %v", err)
		}
		time.Sleep(3 * tick)
		if s := w.state(later); s != rapport.Pending || w.sms.count(addressOf(rapport.SMS, 1)) != 0 {
			t.Errorf("sent before its time: %s", s)
		}
		w.clock.forward(25 * time.Hour)
		w.until("it is sent", func() bool { return w.state(later) == rapport.Sent })
		if s, n := w.state(undone), w.sms.count(addressOf(rapport.SMS, 1)); s != rapport.Cancelled || n != 1 {
			t.Errorf("taken back: %s, %d messages", s, n)
		}
		_, err := w.g.TakeBack(t.Context(), gateway.Caller{}, th.ID, later.ID)
		refused(t, err, rapport.CodeConflict, "too late")

		w.until("it counts", func() bool { return len(w.responses()) > 0 })
		facts, _, err := w.st.Responses(t.Context(), store.ResponseFilter{}, store.Page{Limit: 9})
		if err != nil || len(facts) != 1 || facts[0].Waited < 23*time.Hour {
			t.Errorf("the customer waited until it was sent: %+v, %v", facts, err)
		}

		// The only answer is taken back: the customer waits as before, and nobody has answered.
		other := w.conversation(2, "e2")
		only := w.answer(other.ID, gateway.ReplyInput{Text: "Hm", UndoFor: "1h"})
		if _, err := w.g.TakeBack(t.Context(), gateway.Caller{}, other.ID, only.ID); err != nil {
			t.Fatal(err)
		}
		if facts, _, err = w.st.Responses(t.Context(), store.ResponseFilter{}, store.Page{Limit: 9}); err != nil || len(facts) != 1 {
			t.Errorf("taken back: %+v, %v", facts, err)
		}
		if now := w.thread(other.ID); now.Status != rapport.ThreadOpen || !now.WaitingSince.Equal(other.WaitingSince) {
			t.Errorf("%+v", now)
		}
		_, err = w.g.TakeBack(t.Context(), gateway.Caller{}, th.ID, only.ID)
		refused(t, err, rapport.CodeNotFound, "reply in this thread")
		for _, c := range []struct {
			in   gateway.ReplyInput
			says string
		}{
			{gateway.ReplyInput{Text: "x", SendAt: set(w.clock.now().Add(-time.Second))}, "send_at"},
			{gateway.ReplyInput{Text: "x", SendAt: set(w.clock.now().Add(400 * 24 * time.Hour))}, "send_at"},
			{gateway.ReplyInput{Text: "x", UndoFor: "2h"}, "undo_for"},
			{gateway.ReplyInput{Text: "x", UndoFor: "soon"}, "undo_for"},
			{gateway.ReplyInput{Text: "x", UndoFor: "5s", SendAt: set(w.clock.now().Add(time.Hour))}, "undo_for"},
			{gateway.ReplyInput{Text: "Dear {{ customer.name }}, {{ other }}"}, "customer.name"},
			{gateway.ReplyInput{Text: strings.Repeat("x", 5000)}, "text"},
			{gateway.ReplyInput{Text: "x", Channel: "pigeon"}, "channel"},
			{gateway.ReplyInput{Text: "x", Seen: "thr_1"}, "seen"},
			{gateway.ReplyInput{Text: "x", Attachments: []string{"fil_0b8t9g3kq8x1w"}}, "attachments[0]"},
			{gateway.ReplyInput{}, "text"},
		} {
			_, err := w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, c.in)
			refused(t, err, rapport.CodeInvalid, c.says)
		}
	})
}

// Whoever takes an answer back at the moment it goes out is told the truth: it was sent, or it was cancelled. Rounds go on
// until both have happened: how soon one has to be, to be in time, is the machine's affair.
func TestReply_IsSentOrCancelledNeverBoth(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th := w.conversation(1, "e1")
		race := func(most int, pause time.Duration) (sent, cancelled int) {
			const races = 100
			es, took := make([]*rapport.Entry, races), make([]error, races)
			var wg sync.WaitGroup
			gate := make(chan struct{}, most)
			for i := range races {
				gate <- struct{}{}
				wg.Go(func() {
					defer func() { <-gate }()
					var err error
					if es[i], err = w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, gateway.ReplyInput{Text: "x"}); err != nil {
						t.Error(err)
						return
					}
					time.Sleep(rand.N(pause))
					_, took[i] = w.g.TakeBack(t.Context(), gateway.Caller{}, th.ID, es[i].ID)
				})
			}
			wg.Wait()
			if t.Failed() {
				return
			}
			w.until("all are settled", func() bool {
				return !slices.ContainsFunc(es, func(e *rapport.Entry) bool { return !w.state(e).Final() })
			})
			for i, e := range es {
				w.sms.mu.Lock()
				n := w.sms.taken[e.Message]
				w.sms.mu.Unlock()
				switch s := w.state(e); {
				case took[i] == nil && s == rapport.Cancelled && n == 0:
					cancelled++
				case rapport.CodeOf(took[i]) == rapport.CodeConflict && s == rapport.Sent && n == 1:
					sent++
				default:
					t.Errorf("answer %d: %v, %s, sent %d times", i, took[i], s, n)
				}
			}
			return sent, cancelled
		}
		sent, cancelled, most, pause := 0, 0, 8, 2*tick
		for range 8 {
			s, c := race(most, pause)
			if sent, cancelled = sent+s, cancelled+c; t.Failed() || sent > 0 && cancelled > 0 {
				return
			}
			if most = max(1, most/2); sent == 0 {
				pause *= 2
			} else {
				pause /= 2
			}
		}
		t.Errorf("%d were sent and %d cancelled: there was no race", sent, cancelled)
	})
}

func TestReply_ThatFailedIsSentAgainOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th := w.conversation(1, "e1")
		w.sms.behave(func(int, *channels.Outgoing) (bool, *channels.Verdict) {
			return false, &channels.Verdict{Kind: channels.Rejected, Reason: "policy"}
		})
		e := w.answer(th.ID, gateway.ReplyInput{Text: "Hi"})
		w.until("it fails", func() bool { return w.state(e) == rapport.Failed })
		w.sms.behave(nil)
		var wg sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			wg.Go(func() { _, errs[i] = w.g.Retry(t.Context(), gateway.Caller{}, th.ID, e.ID) })
		}
		wg.Wait()
		again := 0
		for _, err := range errs {
			if err == nil {
				again++
			} else {
				refused(t, err, rapport.CodeConflict, "")
			}
		}
		w.until("it is sent", func() bool { return w.state(e) == rapport.Sent })
		time.Sleep(3 * tick)
		if n := w.sms.count(addressOf(rapport.SMS, 1)); n != 1 || again != 1 {
			t.Errorf("%d of 6 were taken, %d messages", again, n)
		}
		_, err := w.g.Retry(t.Context(), gateway.Caller{}, th.ID, e.ID)
		refused(t, err, rapport.CodeConflict, "not failed")
		if m, err := w.st.Message(t.Context(), e.Message); err != nil || m.Attempt != 2 {
			t.Errorf("%+v, %v", m, err)
		}
		w.sms.behave(func(int, *channels.Outgoing) (bool, *channels.Verdict) {
			return false, &channels.Verdict{Kind: channels.Rejected, Reason: "policy"}
		})
		e = w.answer(th.ID, gateway.ReplyInput{Text: "Still there?"})
		w.until("it fails", func() bool { return w.state(e) == rapport.Failed })
		later := w.answer(th.ID, gateway.ReplyInput{Text: "Tomorrow", UndoFor: "30m"})
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), "STOP", "e2"))
		_, err = w.g.Retry(t.Context(), gateway.Caller{}, th.ID, e.ID)
		refused(t, err, rapport.CodeConflict, "cannot be written to")
		w.sms.behave(nil)
		w.clock.forward(time.Hour)
		w.until("what waited is decided again", func() bool { return w.state(later).Final() })
		w.sms.mu.Lock()
		n := w.sms.taken[later.Message] // the STOP itself is confirmed
		w.sms.mu.Unlock()
		if s := w.state(later); s != rapport.Skipped || n != 0 {
			t.Errorf("after STOP: %s, sent %d times", s, n)
		}
	})
}

func TestReply_DeletesTheDraftOfItsAgent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th := w.conversation(1, "e1")
		for _, agent := range []string{"Ivan", "Eva"} {
			if _, err := w.g.SaveDraft(t.Context(), th.ID, agent, gateway.DraftInput{Text: "first"}); err != nil {
				t.Fatal(err)
			}
		}
		d, err := w.g.SaveDraft(t.Context(), th.ID, "Ivan", gateway.DraftInput{Text: "second", Channel: rapport.SMS})
		if err != nil || d.Text != "second" || d.Kind != "reply" || d.UpdatedAt.IsZero() {
			t.Errorf("%+v, %v", d, err)
		}
		if _, err := w.g.SaveDraft(t.Context(), th.ID, "Ann", gateway.DraftInput{Text: "third", Kind: "note"}); err != nil {
			t.Fatal(err)
		}
		w.answer(th.ID, gateway.ReplyInput{Text: "done"})
		w.answer(th.ID, gateway.ReplyInput{Text: "not what was begun", Agent: "Ann"})
		if _, err := w.st.Draft(t.Context(), th.ID, "Ann"); err != nil {
			t.Error("an answer deleted the draft of a note")
		}
		if _, err := w.g.AddNote(t.Context(), gateway.Caller{}, th.ID, "third", "Ann"); err != nil {
			t.Fatal(err)
		}
		left, _, err := w.st.Drafts(t.Context(), th.ID, "", 9)
		if err != nil || len(left) != 1 || left[0].Agent != "Eva" {
			t.Errorf("%+v, %v", left, err)
		}
		_, err = w.g.SaveDraft(t.Context(), th.ID, "a\nb", gateway.DraftInput{Kind: "poem", Channel: "pigeon"})
		for _, says := range []string{"agent", "kind", "channel"} {
			refused(t, err, rapport.CodeInvalid, says)
		}
		_, err = w.g.SaveDraft(t.Context(), 5, "Eva", gateway.DraftInput{})
		refused(t, err, rapport.CodeNotFound, "thread")
		refused(t, w.g.DropDraft(t.Context(), th.ID, "Ivan"), rapport.CodeNotFound, "draft")
	})
}

func TestReply_AttachmentsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	th := w.conversation(1, "e1")
	var refs []string
	for range 2 {
		id, err := w.st.CreateFile(t.Context(), "a.bin", "application/octet-stream")
		if err == nil {
			err = w.st.FinishFile(t.Context(), id, 13<<20, "")
		}
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, rapport.KindFile.Format(id))
	}
	_, err := w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, gateway.ReplyInput{Text: "x", Attachments: refs})
	refused(t, err, rapport.CodeTooLarge, "25 MiB")
	_, err = w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, gateway.ReplyInput{Text: "x", Attachments: refs[:1]})
	refused(t, err, rapport.CodeInvalid, "attachments_not_supported")
	_, err = w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, gateway.ReplyInput{Attachments: refs[:1]})
	refused(t, err, rapport.CodeInvalid, "attachments: cannot be sent on sms: messages there carry no files")
	if es := w.entries(th.ID); len(es) != 1 {
		t.Errorf("a refused answer left something: %+v", es)
	}
}
