package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// follow reads the stream from after on until stop tells it to, and returns the ids in the order in which they came.
func follow(ctx context.Context, g *gateway.Gateway, after rapport.ID, have func([]rapport.Notice) bool) error {
	f := g.Follow(after)
	defer f.Close()
	for {
		page, err := f.Next(ctx)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if have(page) {
			return nil
		}
	}
}

func fact(name string) rapport.Notice {
	return rapport.Fact{Name: name}.Notice(rapport.ThreadUpdated, 0)
}

// Publishers commit in any order and some roll back, readers join and leave at any place, and the relay changes hands:
// each reader gets every notice once, in the order of ids without a gap.
func TestStream_MissesNothingUnderConcurrentCommits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		gs := []*gateway.Gateway{w.g}
		if w.st.Engine() == "postgres" { // SQLite belongs to one process
			second := gateway.New(w.st, w.hub, w.g.Log, w.set)
			if err := second.Start(t.Context(), "another", gateway.Role{Name: "api"}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { second.Stop(context.Background()) })
			gs = append(gs, second)
		}
		oldest, newest, err := w.st.StreamBounds(t.Context())
		if err != nil || oldest != newest+1 {
			t.Fatal(oldest, newest, err)
		}
		const publishers, each = 8, 20
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var publishing, reading sync.WaitGroup
		told := make(map[string]bool)
		var mu sync.Mutex
		errRolledBack := errors.New("rolled back")
		for p := range publishers {
			publishing.Go(func() {
				for i := range each {
					name := fmt.Sprintf("%d-%d", p, i)
					fail := rand.IntN(5) == 0
					err := w.st.Tx(ctx, func(s *store.Store) error {
						if err := s.Tell(ctx, fact(name), fact(name+"b")); err != nil {
							return err
						}
						if s.Engine() == "postgres" {
							time.Sleep(rand.N(5 * time.Millisecond)) // ids of the outbox are older than the commit
						}
						if fail {
							return errRolledBack
						}
						return nil
					})
					if fail && !errors.Is(err, errRolledBack) || !fail && err != nil {
						t.Error(err)
					}
					if !fail {
						mu.Lock()
						told[name], told[name+"b"] = true, true
						mu.Unlock()
					}
				}
			})
		}
		const last = "the last"
		for r := range 6 {
			reading.Go(func() {
				g := gs[r%len(gs)]
				at, seen := newest, map[string]bool{}
				for done := false; !done; { // it leaves after some, and comes again with the id that it has
					some := 1 + rand.IntN(60)
					err := follow(ctx, g, at, func(page []rapport.Notice) bool {
						for _, n := range page {
							if n.ID != at+1 {
								t.Errorf("after %d comes %d", at, n.ID)
							}
							at = n.ID
							var f rapport.Fact
							decode(t, n.Data, &f)
							if seen[f.Name] {
								t.Errorf("%s twice", f.Name)
							}
							seen[f.Name] = true
							done = done || f.Name == last
							some--
						}
						return done || some <= 0
					})
					if err != nil {
						t.Errorf("reader %d has %d: %v", r, len(seen), err)
						return
					}
				}
				mu.Lock()
				defer mu.Unlock()
				for name := range told {
					if !seen[name] {
						t.Errorf("reader %d missed %s", r, name)
					}
				}
				if len(seen) != len(told)+1 {
					t.Errorf("reader %d has %d, told were %d", r, len(seen), len(told)+1)
				}
			})
		}
		publishing.Wait()
		if err := w.st.Tell(ctx, fact(last)); err != nil {
			t.Fatal(err)
		}
		reading.Wait()
	})
}

// The process whose turn it is dies, with some untold: the next one goes on with the next id.
func TestStream_GoesOnWhenTheRelayDies(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		tell := func(names ...string) {
			t.Helper()
			for _, n := range names {
				if err := w.st.Tell(ctx, fact(n)); err != nil {
					t.Fatal(err)
				}
			}
		}
		tell("a", "b")
		w.until("both are told", func() bool { _, newest, err := w.st.StreamBounds(ctx); return err == nil && newest == 2 })
		relay := w.g.Worker()
		limit, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		w.g.Stop(limit)
		tell("c", "d")
		if some, err := w.st.Untold(ctx); err != nil || !some {
			t.Fatal("somebody relays although nobody runs", err)
		}
		// One who was the relay and does not know that it is over.
		next := gateway.New(w.st, w.hub, w.g.Log, w.set)
		if err := next.Start(ctx, "next", gateway.Role{Name: "api"}); err != nil {
			t.Fatal(err)
		}
		defer next.Stop(context.Background())
		w.until("the rest is told", func() bool { _, newest, err := w.st.StreamBounds(ctx); return err == nil && newest == 4 })
		if told, mine, _, err := w.st.Relay(ctx, relay); err != nil || mine || len(told) > 0 {
			t.Errorf("the old relay may still relay: %v, %t, %v", told, mine, err)
		}
		page, err := w.st.Stream(ctx, 0, 10)
		if err != nil || len(page) != 4 {
			t.Fatal(page, err)
		}
		for i, n := range page {
			var f rapport.Fact
			decode(t, n.Data, &f)
			if n.ID != rapport.ID(i+1) || f.Name != string(rune('a'+i)) {
				t.Errorf("%d: %d %s", i, n.ID, n.Data)
			}
		}
	})
}

// What nobody subscribes to is not written for each message; what somebody does, is.
func TestPublish_MessagesOnlyForSubscribers(t *testing.T) {
	t.Parallel()
	couriers(t, func(t *testing.T, w *world) {
		types := func() map[rapport.NoticeType]int {
			out := map[rapport.NoticeType]int{}
			for after := rapport.ID(0); ; {
				page, err := w.st.Stream(t.Context(), after, 500)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					return out
				}
				for _, n := range page {
					out[n.Type]++
					after = n.ID
				}
			}
		}
		people := append(persons(30, rapport.Email), map[string]any{"external_id": "nobody", "name": "No address"})
		w.status(w.campaign(people), rapport.CampaignFinished)
		w.until("the end is told", func() bool { return types()[rapport.CampaignEnded] == 1 })
		got := types()
		if got[rapport.MessageSent]+got[rapport.MessageSkipped]+got[rapport.CustomerCreated] != 0 || got[rapport.CampaignLaunched] != 1 {
			t.Errorf("without subscribers: %v", got)
		}
		e := w.tells(newReceiver(t), "message.*", "customer.created")
		w.until("the subscription is known", func() bool { return w.g.Listens(rapport.MessageSent) })
		people[0] = person(31, rapport.Email)
		w.status(w.campaign(people), rapport.CampaignFinished)
		w.until("the end is told", func() bool { return types()[rapport.CampaignEnded] == 2 })
		got = types()
		if got[rapport.MessageSent] != 30 || got[rapport.MessageSkipped] != 1 || got[rapport.CustomerCreated] != 1 {
			t.Errorf("with a subscriber: %v", got)
		}
		if rows, _, err := w.st.Deliveries(t.Context(), store.DeliveryFilter{Endpoint: e.ID, Page: store.Page{Limit: 100}}); err != nil || len(rows) != 32 {
			t.Errorf("%d deliveries, %v", len(rows), err)
		}
	})
}

// The stream is capped by age and by size. What an endpoint still waits for is kept from the second, and given up with
// the first.
func TestStream_ForgetsTheOldest(t *testing.T) {
	t.Parallel()
	couriers(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		tell := func(n int) {
			t.Helper()
			many := make([]rapport.Notice, n)
			for i := range many {
				many[i] = fact("x")
			}
			if err := w.st.Tell(ctx, many...); err != nil {
				t.Fatal(err)
			}
		}
		bounds := func(oldest, newest rapport.ID) {
			t.Helper()
			w.until(fmt.Sprintf("the stream is %d to %d", oldest, newest), func() bool { o, n, err := w.st.StreamBounds(ctx); return err == nil && o == oldest && n == newest })
		}
		tell(400)
		bounds(1, 400)
		for more, err := true, error(nil); more; {
			if more, err = w.st.PurgeStream(ctx, time.Time{}.Add(time.Hour), 100); err != nil {
				t.Fatal(err)
			}
		}
		bounds(301, 400)
		r := newReceiver(t)
		r.behave(func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusTeapot) })
		e := w.tells(r, "thread.*")
		tell(10)
		bounds(301, 410)
		if _, err := w.st.ChangeEndpoint(ctx, e.ID, func(e *rapport.Endpoint) error { e.Disabled = rapport.DisabledByHand; return nil }); err != nil {
			t.Fatal(err)
		}
		w.until("ten wait", func() bool { return len(w.deliveries(e, rapport.DeliveryPending)) == 10 })
		if _, err := w.st.PurgeStream(ctx, time.Time{}.Add(time.Hour), 5); err != nil {
			t.Fatal(err)
		}
		bounds(401, 410)
		w.clock.forward(8 * 24 * time.Hour)
		tell(1)
		w.until("what came before a week is gone", func() bool {
			if _, err := w.st.PurgeStream(ctx, w.clock.now().Add(-7*24*time.Hour), 1000); err != nil {
				t.Fatal(err)
			}
			o, _, err := w.st.StreamBounds(ctx)
			return err == nil && o == 411
		})
		w.until("deliveries of it are given up", func() bool {
			rows, _, err := w.st.Deliveries(ctx, store.DeliveryFilter{Endpoint: e.ID, State: rapport.DeliveryFailed, Page: store.Page{Limit: 100}})
			return err == nil && len(rows) == 10
		})
	})
}
