package gateway_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
)

// Every receipt comes three times, out of order, from four callers at once: each is stored once, and the messages stand
// where an ordered run would have left them.
func TestFault_ReceiptsShuffledThrice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		n := many(400, 10_000)
		seed := uint64(time.Now().UnixNano())
		draw := rand.New(rand.NewPCG(seed, 3))
		c := w.campaign(persons(n, rapport.SMS))
		w.status(c, rapport.CampaignFinished)
		rows := w.rows(c)
		if len(rows) != n {
			t.Fatalf("%d rows", len(rows))
		}
		stories := [][]rapport.Receipt{{rapport.ReceiptSent, rapport.ReceiptDelivered}, {rapport.ReceiptSent, rapport.ReceiptFailed}, {rapport.ReceiptDelayed, rapport.ReceiptSent, rapport.ReceiptDelivered},
			{rapport.ReceiptSent, rapport.ReceiptDelivered, rapport.ReceiptRead}, {rapport.ReceiptSent}}
		var updates []channels.Update
		want := map[rapport.ID]rapport.State{}
		for i, m := range rows {
			story := stories[i%len(stories)]
			want[m.ID] = rapport.Sent
			to, err := w.st.Address(t.Context(), m.Address)
			if err != nil {
				t.Fatal(err)
			}
			for k, kind := range story {
				want[m.ID] = rapport.Advance(want[m.ID], kind)
				u := channels.Update{EventID: fmt.Sprintf("%d-%d", m.ID, k), Receipt: &channels.Receipted{ProviderID: "p-" + rapport.KindMessage.Format(m.ID), Channel: rapport.SMS, To: to.Value, Kind: kind}}
				updates = append(updates, u, u, u)
			}
		}
		draw.Shuffle(len(updates), func(i, j int) { updates[i], updates[j] = updates[j], updates[i] })
		p, _ := w.hub.Provider("sms")
		var callers sync.WaitGroup
		for part := range 4 {
			callers.Go(func() {
				mine := updates[part*len(updates)/4 : (part+1)*len(updates)/4]
				for len(mine) > 0 {
					k := min(len(mine), 8)
					// Copies of one receipt at the same moment may get in each other's way: then the provider calls again.
					for try := 0; ; try++ {
						err := w.g.Ingest(t.Context(), p.Entry(), mine[:k], nil)
						if err == nil {
							break
						}
						if try > 100 || !w.st.Duplicate(err) && !w.st.Unavailable(err) {
							t.Errorf("ingesting (seed %d): %v", seed, err)
							return
						}
						time.Sleep(5 * time.Millisecond)
					}
					mine = mine[k:]
				}
			})
		}
		callers.Wait()
		wrong, stored := 0, 0
		for i, m := range w.rows(c) {
			rs, err := w.st.Receipts(t.Context(), m.ID)
			if err != nil {
				t.Fatal(err)
			}
			stored += len(rs)
			if m.State != want[m.ID] || len(rs) != len(stories[i%len(stories)]) {
				wrong++
				if wrong < 5 {
					t.Errorf("message %d is %s with %d receipts, an ordered run leaves it %s (seed %d)", i, m.State, len(rs), want[m.ID], seed)
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%d of %d are wrong", wrong, n)
		}
		w.agree(c)
		t.Logf("fault: %d messages, %d receipts three times each, shuffled: seed %d: %d stored, %d wrong", n, len(updates)/3, seed, stored, wrong)
	})
}

// The provider reports delivery before it has answered the request: the report stands, whatever the answer says.
func TestFault_ReceiptBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer *channels.Verdict
	}{
		{"the answer is yes", nil},
		{"the answer is lost", &channels.Verdict{Kind: channels.Ambiguous, Reason: "no_answer", Scope: channels.ScopeRecipient}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				p, _ := w.hub.Provider("sms")
				w.sms.behave(func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
					err := w.g.Ingest(t.Context(), p.Entry(), []channels.Update{{EventID: "early " + o.Token, Receipt: &channels.Receipted{MessageID: o.ID, Kind: rapport.ReceiptDelivered}}}, nil)
					if err != nil {
						t.Error(err)
					}
					return true, tt.answer
				})
				c := w.campaign(persons(50, rapport.SMS))
				w.status(c, rapport.CampaignFinished)
				w.want(c, "delivered=50")
				if taken, most := w.sms.total(); taken != 50 || most != 1 {
					t.Errorf("taken %d, one %d times", taken, most)
				}
			})
		})
	}
}
