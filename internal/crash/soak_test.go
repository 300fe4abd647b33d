package crash_test

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"rapport/internal/crash"
)

// TestSoak keeps a load and random faults going for RAPPORT_TEST_SOAK (make soak: half an hour), or for some
// seconds, which show no leak but that nothing is lost.
func TestSoak(t *testing.T) {
	t.Parallel()
	d := 15 * time.Second
	if text := os.Getenv("RAPPORT_TEST_SOAK"); text != "" {
		var err error
		if d, err = time.ParseDuration(text); err != nil {
			t.Fatalf("RAPPORT_TEST_SOAK: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), d+8*time.Minute)
	defer cancel()
	r, _ := base(t)
	r.Rate, r.Latency, r.Window, r.Impatient = 15, 60*time.Millisecond, 24, true
	if !onPostgres(t, &r, 5) {
		return
	}
	pg, err := crash.StartPostgres(ctx)
	if pg != nil {
		t.Cleanup(pg.Close)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Database, r.Workers = pg.URL(), 3
	h, err := crash.Start(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	s, err := h.Soak(ctx, d, crash.Nemesis{
		FlushRedis: func(context.Context) error { flush(t, r.Redis); return nil },
		RestartPostgres: func(ctx context.Context) error {
			if err := pg.Stop(syscall.SIGINT); err != nil {
				return err
			}
			_, err := pg.Up(ctx)
			return err
		},
	})
	var v crash.Verdict
	if err == nil {
		v, err = s.Check(ctx)
	}
	table.add(t, h, v, fmt.Sprintf("crash: %s for %v: seed %d, %d accepted (%d of them single messages), faults %v: %v; rows of the dead in doubt %v; exit %v",
		t.Name(), d, r.Seed, s.Accepted, s.Singles, s.Faults, v, v.Orphaned, v.Exits))
	if err != nil {
		t.Errorf("%v\nthe seed was %d; the processes said last:\n%s", err, r.Seed, tail(h.Log(), 40))
	}
	for _, m := range s.Measured {
		rss, n := crash.Growth(m.RSS), crash.Growth(m.Goroutines)
		t.Logf("crash: %s: %s: %d figures, memory %+.1f %%, goroutines %+.1f %%", t.Name(), m.Name, len(m.RSS), 100*rss, 100*n)
		if d >= 5*time.Minute && (rss > 0.05 || n > 0.05) { // before that a heap is still finding its size
			t.Errorf("%s grows: memory by %.1f %%, goroutines by %.1f %%", m.Name, 100*rss, 100*n)
		}
	}
}
