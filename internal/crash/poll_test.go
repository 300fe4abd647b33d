package crash_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"rapport/internal/crash"
)

// twoPollers gives two workers one bot: one polls it, the other waits for its turn. The one that polls is
// killed, and at last stopped, while people write.
func twoPollers(t *testing.T) {
	r, _ := base(t)
	r.Messages = 0
	if !onPostgres(t, &r, 13) {
		return
	}
	updates, kills := 600, 2
	if long() {
		updates, kills = 10_000, 10
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	h, err := crash.Start(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	wrote := make(chan error, 1)
	go func() { wrote <- h.Write(ctx, 0, updates) }()
	var took []time.Duration
	for n := range kills + 1 {
		change := h.KillPoller
		if n == kills {
			change = h.StopPoller
		}
		d, failed := change(ctx)
		if err = errors.Join(err, failed); err != nil {
			break
		}
		took = append(took, d)
		if err = h.Write(ctx, updates*(n+2), 100); err != nil { // also when the first writer has ended by now
			break
		}
	}
	if err = errors.Join(err, <-wrote); err == nil {
		err = h.Polled(ctx, updates+100*len(took))
	}
	if err != nil {
		t.Fatalf("%v\nthe seed was %d; the processes said last:\n%s", err, r.Seed, tail(h.Log(), 40))
	}
	t.Logf("crash: %s: seed %d, %d updates, %d pollers killed and one stopped: each stored once, never two at once; another polled after at most %v", t.Name(), r.Seed,
		updates+100*len(took), h.Kills, slices.Max(took).Round(time.Millisecond))
}
