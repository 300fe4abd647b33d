package crash_test

import (
	"testing"
	"time"

	"rapport"
	"rapport/internal/crash"
)

// Three times as many requests as it can take: each is accepted soon or refused cleanly, what was accepted is sent
// once, and memory stays where it is.
func TestCrash_OverloadIsRefusedCleanly(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		if engine == "postgres" && !long() {
			continue
		}
		t.Run(engine, func(t *testing.T) {
			r, _ := base(t)
			r.Messages, r.Latency, r.Window = 0, 0, 200
			if engine == "postgres" && !onPostgres(t, &r, 3) {
				return
			}
			h := start(t, r)
			measure, flood := 2*time.Second, 3*time.Second
			if long() {
				measure, flood = 10*time.Second, 30*time.Second
			}
			able, err := h.Offer(t.Context(), crash.Offer{Connections: 200, For: measure})
			if err != nil {
				t.Fatal(err)
			}
			if len(able.Accepted) == 0 {
				t.Fatalf("nothing was accepted: %v %v", able, able.Wrong)
			}
			over, err := h.Offer(t.Context(), crash.Offer{First: 1_000_000, Rate: 3 * able.Rate(), Connections: 1000, For: flood})
			if err != nil {
				t.Fatal(err)
			}
			memory, err := h.Memory()
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			if err := h.Finished(t.Context(), 3*time.Minute); err != nil {
				t.Fatal(err)
			}
			lost, twice := 0, 0
			for _, n := range append(able.Accepted, over.Accepted...) {
				switch c := h.Sinks.Count(rapport.Webhook, h.Sinks.Address(rapport.Webhook, n)); {
				case c == 0:
					lost++
				case c > 1:
					twice++
				}
			}
			t.Logf("crash: %s: seed %d: capacity %.0f/s; overload: %v; answers that were neither %v; memory at most %d MB; lost %d, twice %d of %d accepted; all sent %v after the flood",
				t.Name(), r.Seed, able.Rate(), over, over.Wrong, memory.Peak>>20, lost, twice, len(able.Accepted)+len(over.Accepted), time.Since(begin).Round(time.Millisecond))
			if lost+twice > 0 || h.Sinks.Hook.Err() != nil {
				t.Errorf("lost %d, twice %d, %v", lost, twice, h.Sinks.Hook.Err())
			}
			if len(over.Wrong) > 0 {
				t.Errorf("answers that are neither 202 nor 429 or 503 with Retry-After: %v", over.Wrong)
			}
			if over.Refused == 0 && over.Rate() < 1.5*able.Rate() {
				t.Error("nothing was refused")
			}
			limit := 250 * time.Millisecond
			if !long() {
				limit = 5 * time.Second // a short run shares the machine with whatever else is tested
			}
			if p := over.P(0.99); p > limit {
				t.Errorf("the p99 of what was accepted is %v, more than %v", p, limit)
			}
			if memory.Peak > 512<<20 {
				t.Errorf("memory rose to %d MB", memory.Peak>>20)
			}
		})
	}
}
