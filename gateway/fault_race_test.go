package gateway_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
)

// starts notes when each message was handed to the provider.
type starts struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (s *starts) note(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := s.at[o.To]; !again {
		s.at[o.To] = time.Now()
	}
	return true, nil
}

func (s *starts) of(address string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.at[address]
	return at, ok
}

// slowly makes the mail provider take its time, so that there is something queued to race with.
func (w *world) slowly(rate float64) {
	w.t.Helper()
	if err := w.hub.Configure([]channels.Entry{{Name: "mail", Driver: "mailish", Channel: rapport.Email, Rate: rate}}); err != nil {
		w.t.Fatal(err)
	}
}

// A thousand customers unsubscribe while their message is queued, claimed or on the wire: none is begun more than a
// second after the unsubscribe was kept.
func TestFault_UnsubscribeRacesTheQueue(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const n = 1000
		seed := uint64(time.Now().UnixNano())
		draw := rand.New(rand.NewPCG(seed, 1))
		begun := &starts{at: map[string]time.Time{}}
		w.email.behave(begun.note)
		w.slowly(250)
		c := w.campaign(persons(n, rapport.Email))
		w.until("all are planned and it goes out", func() bool {
			rows := int64(0)
			for _, k := range w.states(c) {
				rows += k
			}
			return rows == n && w.email.tried() > 0
		})
		order := draw.Perm(n)
		kept := make([]time.Time, n)
		var all sync.WaitGroup
		for part := range 4 {
			all.Go(func() {
				for i := part; i < n; i += 4 {
					k := order[i]
					cu, err := w.st.FindCustomer(context.Background(), fmt.Sprintf("ext:c-%d", k+1))
					if err == nil {
						err = w.st.AddConsents(context.Background(), []rapport.Consent{{Customer: cu.ID, Channel: rapport.Email, Purpose: rapport.Marketing, Topic: "news", Source: "link", At: w.clock.now()}})
					}
					if err != nil {
						t.Errorf("unsubscribing: %v", err)
						return
					}
					kept[k] = time.Now()
				}
			})
		}
		all.Wait()
		w.status(c, rapport.CampaignFinished)
		counts := w.ledger(c)
		late, worst := 0, time.Duration(0)
		for k := range n {
			at, ok := begun.of(addressOf(rapport.Email, k+1))
			if !ok {
				continue
			}
			if after := at.Sub(kept[k]); after > 0 {
				worst = max(worst, after)
				if after > time.Second {
					late++
				}
			}
		}
		if late > 0 {
			t.Errorf("%d sends began more than a second after the unsubscribe, the last %v after (seed %d)", late, worst, seed)
		}
		if counts.Sent+counts.Skipped != n || counts.Skipped == 0 {
			t.Errorf("%+v", *counts)
		}
		w.agree(c)
		t.Logf("fault: %d unsubscribe races: seed %d: %d were sent before, %d stopped, none begun later than %v after", n, seed, counts.Sent, counts.Skipped, worst.Round(time.Millisecond))
	})
}

// Campaigns are cancelled while they go out, a thousand messages in all: none is begun more than a second after.
func TestFault_CancelRacesTheQueue(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const campaigns, each = 20, 50
		seed := uint64(time.Now().UnixNano())
		draw := rand.New(rand.NewPCG(seed, 2))
		begun := &starts{at: map[string]time.Time{}}
		w.email.behave(begun.note)
		w.slowly(200)
		worst, sent, stopped := time.Duration(0), int64(0), int64(0)
		for i := range campaigns {
			people := make([]map[string]any, each)
			for k := range people {
				people[k] = person(i*each+k+1, rapport.Email)
			}
			c := w.campaign(people)
			time.Sleep(time.Duration(draw.IntN(250)) * time.Millisecond)
			if _, err := w.g.Cancel(t.Context(), gateway.Caller{}, c.ID); err != nil {
				if rapport.CodeOf(err) != rapport.CodeConflict {
					t.Fatal(err)
				}
				continue // it was through before
			}
			kept := time.Now()
			w.until("nothing is open", func() bool {
				s := w.states(c)
				b, err := w.st.HasBatches(t.Context(), c.ID)
				return s["pending"]+s["sending"] == 0 && err == nil && !b
			})
			n := w.status(c, rapport.CampaignCancelled)
			sent, stopped = sent+n.Sent, stopped+each-n.Sent
			for k := range each {
				if at, ok := begun.of(addressOf(rapport.Email, i*each+k+1)); ok {
					worst = max(worst, at.Sub(kept))
				}
			}
		}
		if worst > time.Second {
			t.Errorf("a send began %v after the campaign was cancelled (seed %d)", worst, seed)
		}
		if taken, most := w.email.total(); int64(taken) < sent || most != 1 {
			t.Errorf("taken %d, one %d times; the ledgers say %d", taken, most, sent)
		}
		if stopped == 0 {
			t.Error("every campaign was through before it was cancelled")
		}
		t.Logf("fault: %d messages of %d cancelled campaigns: seed %d: %d sent before, %d stopped, none begun later than %v after", campaigns*each, campaigns, seed, sent, stopped, max(0, worst).Round(time.Millisecond))
	})
}
