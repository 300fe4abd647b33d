package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
)

func TestSubmit_OneKeyFromFortyClientsIsOneMessage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		doors := []*gateway.Gateway{w.g, w.g}
		if w.st.Engine() == "postgres" { // SQLite belongs to one process
			doors[1] = gateway.New(w.st, w.hub, w.g.Log, w.set)
			if err := doors[1].Start(t.Context(), "another", gateway.Role{Name: "api"}); err != nil {
				t.Fatal(err)
			}
			defer doors[1].Stop(context.Background())
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		ids := map[string]int{}
		var refused []error
		for i := range 40 {
			wg.Go(func() {
				res, _, err := doors[i%2].SubmitMessage(t.Context(), gateway.Caller{Key: 7}, single("+37120000001"), &gateway.Idempotency{Key: 7, Scope: "POST /v1/messages k1", BodyHash: "h"})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					refused = append(refused, err)
				} else {
					ids[res.ID]++
				}
			})
		}
		wg.Wait()
		if len(ids) != 1 {
			t.Errorf("ids: %v", ids)
		}
		for _, err := range refused {
			if rapport.CodeOf(err) != rapport.CodeInProgress {
				t.Errorf("refused with %v", err)
			}
		}
		res, replayed, err := w.g.SubmitMessage(t.Context(), gateway.Caller{Key: 7}, single("+37120000001"), &gateway.Idempotency{Key: 7, Scope: "POST /v1/messages k1", BodyHash: "h"})
		if err != nil || !replayed || ids[res.ID] == 0 {
			t.Errorf("%v, replayed %t: %+v, %v", err, replayed, res, ids)
		}
		if _, _, err = w.g.SubmitMessage(t.Context(), gateway.Caller{Key: 7}, single("+37120000001"), &gateway.Idempotency{Key: 7, Scope: "POST /v1/messages k1", BodyHash: "other"}); rapport.CodeOf(err) != rapport.CodeInvalid {
			t.Errorf("another body: %v", err)
		}
		w.until("it is sent", func() bool { return w.sms.count("+37120000001") > 0 })
		if n := w.sms.count("+37120000001"); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
}

func TestSubmit_ManyAtOnceAreAllSent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		var wg sync.WaitGroup
		errs := make([]error, 200)
		for i := range errs {
			wg.Go(func() {
				_, _, errs[i] = w.g.SubmitMessage(t.Context(), gateway.Caller{}, single(addressOf(rapport.SMS, i)), nil)
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		w.until("all are sent", func() bool { n, _ := w.sms.total(); return n == 200 })
		if _, most := w.sms.total(); most != 1 {
			t.Errorf("one was sent %d times", most)
		}
	})
}

func TestSubmit_CancelledByKeyIsNotRetried(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.sms.behave(func(int, *channels.Outgoing) (bool, *channels.Verdict) {
			return false, &channels.Verdict{Kind: channels.Temporary, Reason: "busy", Scope: channels.ScopeRecipient}
		})
		open := w.sms.hold()
		defer open()
		in := single("+37120000001")
		in.CancellationKey = "order-1"
		res, _, err := w.g.SubmitMessage(t.Context(), gateway.Caller{}, in, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.until("it is under way", func() bool { return w.sms.tried() == 1 })
		if n, _, err := w.g.CancelByKey(t.Context(), gateway.Caller{}, "order-1", nil); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		open()
		id, err := rapport.KindMessage.Parse(res.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.until("the retry is closed", func() bool {
			w.clock.forward(200 * time.Millisecond)
			m, err := w.st.Message(t.Context(), id)
			return err == nil && m.State == rapport.Cancelled
		})
		if n := w.sms.tried(); n != 1 {
			t.Errorf("tried %d times", n)
		}
	})
}

func TestSubmit_BrokenAudienceLeavesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		var b strings.Builder
		b.WriteString(`{"name":"x","purpose":"transactional","template":"news","data":{"what":"x"},"audience":{"customers":[`)
		for i := range 1200 {
			fmt.Fprintf(&b, `{"external_id":"c-%d","name":"A","addresses":[{"channel":"sms","address":"+3712%07d"}]},`, i, i)
		}
		b.WriteString(`{"external_id":"bad","name":"A","addresses":[{"channel":"sms","address":"12"}]}]}}`)
		_, _, err := w.g.SubmitCampaign(t.Context(), gateway.Caller{}, strings.NewReader(b.String()), nil)
		if rapport.CodeOf(err) != rapport.CodeInvalid {
			t.Fatal(err)
		}
		w.until("the stage is gone", func() bool {
			open, err := w.st.OpenCampaigns(t.Context(), 10, rapport.CampaignAccepting)
			return err == nil && len(open) == 0
		})
		if n, _, err := w.st.CountCustomers(t.Context()); err != nil || n != 0 {
			t.Errorf("%d customers, %v", n, err)
		}
	})
}

// reply is an incoming message as a provider reports it.
func reply(ch rapport.Channel, from, text, event string, answers ...string) channels.Update {
	return channels.Update{EventID: event, Message: &channels.Incoming{Channel: ch, From: from, ProviderID: "in-" + event, Text: text, InReplyTo: answers}}
}

func (w *world) ingest(provider string, us ...channels.Update) {
	w.t.Helper()
	p, ok := w.hub.Provider(provider)
	if !ok {
		w.t.Fatal("no provider", provider)
	}
	if err := w.g.Ingest(w.t.Context(), p.Entry(), us, nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) threads() []rapport.Thread {
	w.t.Helper()
	ts, _, err := w.st.Threads(w.t.Context(), store.ThreadFilter{Limit: 50})
	if err != nil {
		w.t.Fatal(err)
	}
	return ts
}

func TestIngest_AnswerLandsOnceInAThreadOfItsCampaign(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.campaign(persons(2, rapport.SMS))
		w.status(c, rapport.CampaignFinished)
		from := addressOf(rapport.SMS, 1)
		for range 3 {
			w.ingest("sms", reply(rapport.SMS, from, "Is it still on?", "e1"))
		}
		ts := w.threads()
		if len(ts) != 1 || ts[0].Campaign != c.ID || ts[0].Status != rapport.ThreadOpen {
			t.Fatalf("%+v", ts)
		}
		entries, _, err := w.st.Entries(t.Context(), ts[0].ID, store.Page{Limit: 10})
		if err != nil || len(entries) != 1 || entries[0].Answers.Campaign != c.ID || entries[0].MatchedBy != "latest" {
			t.Fatalf("%v %+v", err, entries)
		}
		if n := w.ledger(c); n.Replied != 1 {
			t.Errorf("%+v", *n)
		}
		w.ingest("sms", reply(rapport.SMS, from, "Hello?", "e2"))
		if ts := w.threads(); len(ts) != 1 {
			t.Errorf("%d threads", len(ts))
		}

		// A colleague answers, and the answer goes out by the fast lane.
		e, err := w.g.ReplyInThread(t.Context(), gateway.Caller{Name: "Ivan"}, ts[0].ID, gateway.ReplyInput{Text: "Yes, until Friday."})
		if err != nil {
			t.Fatal(err)
		}
		w.until("the answer is sent", func() bool {
			m, err := w.st.Message(t.Context(), e.Message)
			return err == nil && m.State == rapport.Sent
		})
		if n := w.sms.count(from); n != 2 {
			t.Errorf("the customer got %d messages", n)
		}
		if th, err := w.st.Thread(t.Context(), ts[0].ID); err != nil || th.Status != rapport.ThreadPending {
			t.Errorf("%v %+v", err, th)
		}
		w.ingest("sms", reply(rapport.SMS, from, "Thanks", "e3"))
		if ts := w.threads(); len(ts) != 1 || ts[0].Status != rapport.ThreadOpen {
			t.Errorf("%+v", ts)
		}
	})
}

func TestIngest_AnswerNamesItsMessage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		first := w.campaign(persons(1, rapport.Email))
		w.status(first, rapport.CampaignFinished)
		second := w.campaign(persons(1, rapport.Email))
		w.status(second, rapport.CampaignFinished)
		m := w.only(first)
		w.ingest("mail", reply(rapport.Email, "C1@example.com", "About the first", "e1", rapport.KindMessage.Format(m.ID)+"@example.com"))
		ts := w.threads()
		if len(ts) != 1 || ts[0].Campaign != first.ID {
			t.Fatalf("%+v, first %d, second %d", ts, first.ID, second.ID)
		}
		// In a chat an id proves nothing: whoever names somebody else's message by it is not heard there.
		w.ingest("sms", reply(rapport.SMS, "+37120000099", "me too", "e2", rapport.KindMessage.Format(m.ID)))
		ts = w.threads()
		if len(ts) != 2 || ts[0].Customer == ts[1].Customer || ts[0].Campaign != 0 {
			t.Errorf("%+v", ts)
		}
	})
}

func TestIngest_ManyCopiesAtOnceAreStoredOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, _ := w.hub.Provider("sms")
		var wg sync.WaitGroup
		errs := make([]error, 24)
		for i := range errs {
			wg.Go(func() {
				errs[i] = w.g.Ingest(t.Context(), p.Entry(), []channels.Update{reply(rapport.SMS, "+37120000009", fmt.Sprint("text ", i%4), fmt.Sprint("e", i%4))}, nil)
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil && !w.st.Duplicate(err) && !w.st.Unavailable(err) {
				t.Errorf("%v", err)
			}
		}
		for i := range 4 { // the provider calls again where we did not answer
			w.ingest("sms", reply(rapport.SMS, "+37120000009", fmt.Sprint("text ", i), fmt.Sprint("e", i)))
		}
		ts := w.threads()
		if len(ts) != 1 {
			t.Fatalf("%d threads", len(ts))
		}
		if entries, _, err := w.st.Entries(t.Context(), ts[0].ID, store.Page{Limit: 50}); err != nil || len(entries) != 4 {
			t.Errorf("%v, %d entries", err, len(entries))
		}
	})
}

func TestIngest_StopWordBindsEveryPurpose(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.campaign(persons(2, rapport.SMS))
		w.status(c, rapport.CampaignFinished)
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), " STОP! ", "e1")) // with a Cyrillic О
		if n := w.ledger(c); n.Unsubscribed != 1 {
			t.Errorf("%+v", *n)
		}
		d := w.campaign(persons(2, rapport.SMS))
		w.status(d, rapport.CampaignFinished)
		w.want(d, "sent=1 skipped=1")
		_, err := w.g.ReplyInThread(t.Context(), gateway.Caller{}, w.threads()[0].ID, gateway.ReplyInput{Text: "Why?"})
		if rapport.CodeOf(err) != rapport.CodeConflict {
			t.Errorf("answering somebody who said stop: %v", err)
		}
		w.ingest("sms", reply(rapport.SMS, addressOf(rapport.SMS, 1), "start", "e2"))
		if _, err := w.st.Suppression(t.Context(), rapport.SMS, addressOf(rapport.SMS, 1)); rapport.CodeOf(err) != rapport.CodeNotFound {
			t.Errorf("after START: %v", err)
		}
	})
}

func TestIngest_ReceiptsNeverMoveBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.campaign(persons(1, rapport.SMS))
		w.until("it is sent", func() bool { return w.states(c)["sent"] == 1 })
		id := w.only(c).ID
		receipt := func(event string, k rapport.Receipt) channels.Update {
			return channels.Update{EventID: event, Receipt: &channels.Receipted{ProviderID: "p-" + rapport.KindMessage.Format(id), Channel: rapport.SMS, To: addressOf(rapport.SMS, 1), Kind: k}}
		}
		w.ingest("sms", receipt("1", rapport.ReceiptDelivered), receipt("2", rapport.ReceiptSent), receipt("3", rapport.ReceiptFailed), receipt("1", rapport.ReceiptDelivered))
		w.status(c, rapport.CampaignFinished)
		w.want(c, "delivered=1")
		if rs, err := w.st.Receipts(t.Context(), id); err != nil || len(rs) != 3 {
			t.Errorf("%v %+v", err, rs)
		}
		w.ingest("sms", channels.Update{EventID: "4", Receipt: &channels.Receipted{ProviderID: "nobody's", Channel: rapport.SMS, To: addressOf(rapport.SMS, 1), Kind: rapport.ReceiptDelivered}})
	})
}

func TestIngest_ProofSettlesDoubt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.email.behave(func(int, *channels.Outgoing) (bool, *channels.Verdict) {
			return true, &channels.Verdict{Kind: channels.Ambiguous, Scope: channels.ScopeRecipient}
		})
		c := w.campaign(persons(2, rapport.Email))
		w.until("both are in doubt", func() bool { return w.states(c)["doubtful"] == 2 })
		w.ingest("mail", channels.Update{EventID: "1", Receipt: &channels.Receipted{MessageID: w.rows(c)[0].ID, Kind: rapport.ReceiptDelivered}})
		w.status(c, rapport.CampaignFinished)
		w.want(c, "delivered=1 unknown=1")
		// Proof raises what ended as unknown.
		for _, m := range w.rows(c) {
			w.ingest("mail", channels.Update{EventID: "late" + fmt.Sprint(m.ID), Receipt: &channels.Receipted{MessageID: m.ID, Kind: rapport.ReceiptDelivered}})
		}
		w.want(c, "delivered=2")
	})
}
