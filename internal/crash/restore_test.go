package crash_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"rapport"
	"rapport/internal/crash"
	"rapport/store/storetest"
)

// restored backs a campaign up in the middle, lets it go on until so many have arrived, kills everything, puts
// the backup in place, and sees that nothing of the campaign moves while something new goes out. nil: there is no
// such engine here.
func restored(t *testing.T, engine string, until func(r crash.Run) int) *crash.Harness {
	t.Helper()
	r, _ := base(t)
	r.Messages = 1600
	if engine == "postgres" {
		r.Messages = 6400 // two workers, and a dump that takes its time
	}
	if long() {
		r.Messages = 20_000
	}
	if engine == "postgres" && !onPostgres(t, &r, 13) {
		return nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	h, err := crash.Start(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the seed was %d; the processes said last:\n%s", r.Seed, tail(h.Log(), 40))
		}
	})
	arrived := func(n int) {
		t.Helper()
		for h.Sinks.Total() < n {
			select {
			case <-ctx.Done():
				t.Fatalf("only %d of %d arrived", h.Sinks.Total(), n)
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	if err := h.Launch(ctx); err != nil {
		t.Fatal(err)
	}
	arrived(r.Messages / 4)
	// A webhook that is planned only after the restore has a new id, and ends as unknown: here all are planned.
	for v, err := h.View(ctx); v.Status != rapport.CampaignRunning; v, err = h.View(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	file := filepath.Join(r.Dir, "backup")
	after := h.Sinks.Total()
	if err := h.Backup(ctx, file); err != nil {
		t.Fatal(err)
	}
	arrived(until(r))
	fresh := ""
	if engine == "postgres" {
		fresh, _ = storetest.EmptyPostgres(t)
	}
	begin := time.Now()
	if err := h.Restore(ctx, file, fresh); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	q, err := h.Held(ctx)
	if err != nil || !q.Active || len(q.Campaigns) != 1 {
		t.Fatalf("held is %+v, %v", q, err)
	}
	before := h.Sinks.Total()
	if before <= after {
		t.Fatal("nothing went out after the backup: this proves nothing")
	}
	if err := h.Single(ctx, r.Messages); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	if n := h.Sinks.Total(); n != before+1 {
		t.Errorf("in quarantine %d messages went out, one is new", n-before)
	}
	t.Logf("%d of %d had arrived at the backup, %d at the kill; restored and ready after %v", after, r.Messages, before, took.Round(time.Millisecond))
	return h
}

// settled waits for the end and checks every recipient.
func settled(t *testing.T, h *crash.Harness, released bool) crash.Verdict {
	t.Helper()
	ctx := t.Context()
	settled, finished, err := h.Drain(ctx, 3*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	v, err := h.CheckRestored(ctx, released)
	v.Settled, v.Finished = settled, finished
	t.Log(h.Summary(t.Name(), v))
	if err != nil {
		t.Error(err)
	}
	return v
}

// Closed: what may have been sent is asked about, repeated under its id, or counted as unknown.
func TestCrash_RestoreAndClose(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			h := restored(t, engine, func(r crash.Run) int { return r.Messages * 3 / 4 })
			if h == nil {
				return
			}
			if err := h.Decide(t.Context(), "close"); err != nil {
				t.Fatal(err)
			}
			if v := settled(t, h, false); v.Unknown == 0 || v.Repeated == 0 {
				t.Errorf("nothing was in doubt: %v", v)
			}
		})
	}
}

// Released: everybody gets it, and those of between the backup and the crash twice.
func TestCrash_RestoreAndRelease(t *testing.T) {
	h := restored(t, "sqlite", func(r crash.Run) int { return r.Messages })
	if err := h.Decide(t.Context(), "release"); err != nil {
		t.Fatal(err)
	}
	if v := settled(t, h, true); v.Duplicates == 0 {
		t.Errorf("nothing was sent again, so nothing was held: %v", v)
	}
}
