package gateway_test

import (
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
)

func (w *world) responses() []rapport.Response {
	w.t.Helper()
	facts, _, err := w.st.Responses(w.t.Context(), store.ResponseFilter{}, store.Page{Limit: 50})
	if err != nil {
		w.t.Fatal(err)
	}
	return facts
}

// says tells whether a thread has an event whose words hold these.
func (w *world) says(thread rapport.ID, words string) bool {
	w.t.Helper()
	for _, e := range w.entries(thread) {
		if e.Kind == rapport.Happened && strings.Contains(e.Text+string(e.Meta), words) {
			return true
		}
	}
	return false
}

func TestReply_OneThatFailsLeavesTheCustomerWaiting(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.sms.behave(func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
			if strings.Contains(o.Text.String(), "wrong") {
				return false, &channels.Verdict{Kind: channels.Rejected, Reason: "bad_content"}
			}
			return true, nil
		})
		waits := func(was rapport.Thread, reason string) {
			t.Helper()
			w.until("the thread says so", func() bool { return w.says(was.ID, reason) })
			if th := w.thread(was.ID); th.Status != rapport.ThreadOpen || !th.Unread || !th.WaitingSince.Equal(was.WaitingSince) {
				t.Errorf("%s: %+v", reason, th)
			}
			for _, r := range w.responses() {
				if r.Thread == was.ID {
					t.Errorf("%s: a response: %+v", reason, r)
				}
			}
		}
		refused := w.conversation(1, "e1")
		w.answer(refused.ID, gateway.ReplyInput{Text: "something wrong"})
		waits(refused, "bad_content")

		// By the time that it is due, the customer has said STOP on another way: the rules skip it.
		later := w.conversation(2, "e2")
		e := w.answer(later.ID, gateway.ReplyInput{Text: "Tomorrow", SendAt: set(w.clock.now().Add(24 * time.Hour))})
		if err := w.st.Suppress(t.Context(), []rapport.Suppression{{Channel: rapport.SMS, Address: addressOf(rapport.SMS, 2), Reason: "stop", Scope: rapport.SuppressAll, At: w.clock.now()}}); err != nil {
			t.Fatal(err)
		}
		w.clock.forward(25 * time.Hour)
		w.until("it is skipped", func() bool { return w.state(e) == rapport.Skipped })
		waits(later, rapport.KindEntry.Format(e.ID))

		// It seemed sent, and a receipt says otherwise; the agent tries again.
		bounced := w.conversation(3, "e3")
		e = w.answer(bounced.ID, gateway.ReplyInput{Text: "Hello"})
		w.until("it is sent", func() bool { return w.state(e) == rapport.Sent })
		w.until("it counts", func() bool { return len(w.responses()) == 1 })
		w.ingest("sms", channels.Update{EventID: "r1", Receipt: &channels.Receipted{ProviderID: "p-" + rapport.KindMessage.Format(e.Message), Channel: rapport.SMS,
			To: addressOf(rapport.SMS, 3), Kind: rapport.ReceiptFailed, Reason: "unreachable"}})
		waits(bounced, "unreachable")
		if _, err := w.g.Retry(t.Context(), gateway.Caller{}, bounced.ID, e.ID); err != nil {
			t.Fatal(err)
		}
		w.until("it counts again", func() bool { return len(w.responses()) == 1 })
		if th := w.thread(bounced.ID); th.Status != rapport.ThreadPending || th.Unread || !th.WaitingSince.IsZero() {
			t.Errorf("it went out after all: %+v", th)
		}
	})
}

func TestReply_CountsWhenItWasReallySent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th := w.conversation(1, "e1")
		w.answer(th.ID, gateway.ReplyInput{Text: "Tomorrow", SendAt: set(w.clock.now().Add(24 * time.Hour))})
		time.Sleep(3 * tick)
		if facts := w.responses(); len(facts) != 0 {
			t.Fatalf("nothing was sent yet: %+v", facts)
		}
		w.clock.forward(30 * time.Hour) // nobody was there at the time it was due
		w.until("it counts", func() bool { return len(w.responses()) == 1 })
		if r := w.responses()[0]; r.Kind != rapport.FirstReply || r.Waited < 30*time.Hour || r.Agent != "Ivan" {
			t.Errorf("%+v", r)
		}
	})
}
