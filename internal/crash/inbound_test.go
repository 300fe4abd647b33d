package crash_test

import (
	"context"
	"testing"
	"time"

	"rapport/internal/crash"
)

// Whatever customers answer is stored once and in its order, though each answer comes three times, all of them shuffled and
// from many callers at once, and who takes them is killed again and again.
func TestCrash_AnswersUnderKills(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r, _ := base(t)
			r.Messages, r.Latency = 0, 0
			if engine == "postgres" && !onPostgres(t, &r, 15) {
				return
			}
			in := crash.Inbound{Events: 300, Customers: 12, Copies: 3, Callers: 16, Kills: 3}
			if long() {
				in.Events, in.Customers, in.Kills = 10_000, 200, 20
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			h, err := crash.Start(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(h.Close)
			begin := time.Now()
			a, err := h.Answer(ctx, in)
			ordered := 0
			if err == nil {
				ordered, err = h.Stored(ctx, a)
			}
			if err != nil {
				t.Fatalf("%v\nthe seed was %d; the processes said last:\n%s", err, r.Seed, tail(h.Log(), 40))
			}
			if h.Kills < in.Kills || a.Retries.Load() == 0 || ordered < in.Events/4 {
				t.Errorf("%d kills, %d retries, %d in a known order: the run proves too little", h.Kills, a.Retries.Load(), ordered)
			}
			t.Logf("crash: %s: seed %d: %d answers of %d customers, %d copies each, shuffled, %d kills, %d requests again, in %v: each stored once, %d beside another whose order is known: all in it",
				t.Name(), r.Seed, in.Events, in.Customers, in.Copies, h.Kills, a.Retries.Load(), time.Since(begin).Round(100*time.Millisecond), ordered)
		})
	}
}
