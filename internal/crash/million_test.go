package crash_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"rapport/internal/crash"
)

// A campaign to very many costs a message what a campaign to few does, takes no more memory, and keeps nobody waiting.
func TestCrash_AMillionRecipients(t *testing.T) {
	few, many := 2_000, 10_000
	if long() {
		few, many = 10_000, 1_000_000
	}
	for i, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			r, _ := base(t)
			r.Messages, r.Latency, r.Window = 0, 0, 100
			if engine == "postgres" && !onPostgres(t, &r, 3+i) {
				return
			}
			r.Workers = min(r.Workers, 1) // two cores: a second worker would share them and add nothing
			tally, err := crash.StartTally(3*few + many)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(tally.Close)
			r.Settings = func(cfg map[string]any) {
				mail := cfg["providers"].([]any)[0].(map[string]any)["settings"].(map[string]any)
				mail["port"], mail["connections"] = tally.Port(), 50
			}
			h := start(t, r)

			send := func(first, n int) (accepted, took, cpu time.Duration) {
				before, err := h.Processor()
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				id, accepted, err := h.Audience(t.Context(), first, n)
				if err != nil {
					t.Fatal(err)
				}
				counts, err := h.Counts(t.Context(), id, 10*time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				took = time.Since(begin)
				after, err := h.Processor()
				if err != nil {
					t.Fatal(err)
				}
				none, twice := tally.Count(first, n)
				if counts.Sent != int64(n) || counts.Planned != int64(n) || none+twice > 0 {
					t.Errorf("of %d the ledger says %+v; %d got nothing and %d more than one", n, counts, none, twice)
				}
				return accepted, took, (after - before) / time.Duration(n)
			}
			var small []time.Duration
			for i := range 3 {
				_, _, cpu := send(i*few, few)
				small = append(small, cpu)
			}
			slices.Sort(small)
			probing, stop := context.WithCancel(t.Context())
			waits := make(chan []time.Duration, 1)
			go func() { waits <- probe(probing, t, h, tally) }()
			accepted, took, cpu := send(3*few, many)
			stop()
			lags := <-waits
			slices.Sort(lags)
			p99, p50 := lags[len(lags)*99/100], lags[len(lags)/2]
			memory, err := h.Memory()
			if err != nil {
				t.Fatal(err)
			}
			more := float64(cpu)/float64(small[1]) - 1
			t.Logf("crash: %s: seed %d: %d recipients accepted in %.1f s, all sent after %.1f s; memory at most %d MB; %v of processor a message, %+.0f %% against %v at %d; %d transactional messages meanwhile: p50 %v, p99 %v, most %v to the sink",
				t.Name(), r.Seed, many, accepted.Seconds(), took.Seconds(), memory.Peak>>20, cpu.Round(time.Microsecond), 100*more, small[1].Round(time.Microsecond), few,
				len(lags), p50.Round(time.Millisecond), p99.Round(time.Millisecond), lags[len(lags)-1].Round(time.Millisecond))
			if accepted > time.Minute {
				t.Errorf("accepting took %v", accepted)
			}
			if memory.Peak > 256<<20 {
				t.Errorf("memory rose to %d MB", memory.Peak>>20)
			}
			if long() && more > 0.1 { // a short run is mostly its beginning and its end
				t.Errorf("a message costs %.0f %% more than at %d", 100*more, few)
			}
			// A short run shares the machine with whatever else is tested, so it asks only that nobody waits for the
			// campaign; the long one has the machine for itself, and asks for the figure.
			limit := took / 3
			if long() {
				limit = 250 * time.Millisecond
			}
			if p99 > limit {
				t.Errorf("the p99 of transactional messages is %v, more than %v", p99, limit)
			}
		})
	}
}

// probe sends a transactional mail every 50 ms until ctx ends, and returns how long each took from the request to
// the mail server.
func probe(ctx context.Context, t *testing.T, h *crash.Harness, tally *crash.Tally) (lags []time.Duration) {
	var mu sync.Mutex
	var all sync.WaitGroup
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	patience, enough := context.WithTimeout(context.Background(), 15*time.Minute)
	defer enough()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			all.Wait()
			return lags
		case <-tick.C:
		}
		all.Go(func() {
			came, begin := tally.Probe(n), time.Now()
			status, _, err := h.Ask(patience, http.MethodPost, "/v1/messages", map[string]any{"purpose": "transactional", "template": "crash", "to": map[string]any{"external_id": fmt.Sprintf("p-%d", n),
				"name": "Probe", "data": map[string]any{"n": n}, "addresses": []any{map[string]any{"channel": "email", "address": fmt.Sprintf("p%d@tally.example", n)}}}}, nil)
			if err != nil || status != http.StatusAccepted {
				t.Errorf("a transactional message beside the campaign: %d %v", status, err)
				return
			}
			select {
			case at := <-came:
				mu.Lock()
				defer mu.Unlock()
				lags = append(lags, at.Sub(begin))
			case <-time.After(30 * time.Second):
				t.Errorf("a transactional message did not arrive within 30 s")
			}
		})
	}
}
