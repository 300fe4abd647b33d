package crash_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"rapport/internal/crash"
	"rapport/store/storetest"
)

// TestMain builds the binary once when nobody has: RAPPORT_TEST_BIN names it.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv("RAPPORT_TEST_BIN") == "" {
		dir, err := os.MkdirTemp("", "rapport-crash")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		bin := filepath.Join(dir, "rapport")
		if out, err := exec.Command("go", "build", "-o", bin, "rapport/cmd/rapport").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the binary: %v\n%s", err, out)
			return 1
		}
		os.Setenv("RAPPORT_TEST_BIN", bin)
	}
	return m.Run()
}

func long() bool { return os.Getenv("RAPPORT_TEST_CRASH") == "long" }

// seed is RAPPORT_TEST_CRASH_SEED, or a new one.
func seed(t *testing.T) uint64 {
	text := os.Getenv("RAPPORT_TEST_CRASH_SEED")
	if text == "" {
		return uint64(time.Now().UnixNano()) % 1_000_000
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("RAPPORT_TEST_CRASH_SEED: %v", err)
	}
	return n
}

// base is a run of the size that this mode has.
func base(t *testing.T) (crash.Run, int) {
	r := crash.Run{Seed: seed(t), Bin: os.Getenv("RAPPORT_TEST_BIN"), Dir: t.TempDir(), Messages: 2400, Latency: 120 * time.Millisecond, Window: 24, Impatient: true}
	kills := 8
	if long() {
		r.Messages, r.Window, r.Impatient, kills = 100_000, 100, false, 100
	}
	return r, kills
}

// onPostgres makes r use a database of its own, and database db of the Redis.
func onPostgres(t *testing.T, r *crash.Run, db int) bool {
	var ok bool
	if r.Database, ok = storetest.Postgres(t); !ok {
		return false
	}
	u, err := url.Parse(os.Getenv("RAPPORT_TEST_REDIS_URL"))
	if err != nil || u.Host == "" {
		t.Fatalf("RAPPORT_TEST_REDIS_URL: %v", err)
	}
	u.Path = "/" + strconv.Itoa(db)
	r.Redis, r.Workers = u.String(), 2
	flush(t, r.Redis)
	return true
}

// flush empties the run's own database of the Redis, which is all of Redis that the run has.
func flush(t *testing.T, address string) {
	t.Helper()
	o, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	defer c.Close()
	if err := c.FlushDB(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
}

// prove runs r, lets disturb do its worst while the campaign goes out, and checks every recipient.
func prove(t *testing.T, r crash.Run, disturb func(context.Context, *crash.Harness) error) (*crash.Harness, crash.Verdict) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	h, err := crash.Start(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	defer func() {
		if t.Failed() {
			t.Logf("the seed was %d; the processes said last:\n%s", r.Seed, tail(h.Log(), 40))
		}
	}()
	if err := h.Launch(ctx); err != nil {
		t.Fatal(err)
	}
	if err := disturb(ctx, h); err != nil {
		t.Fatal(err)
	}
	limit := 45 * time.Second
	if long() {
		limit = 10 * time.Minute
	}
	settled, finished, err := h.Drain(ctx, limit)
	if err != nil {
		t.Fatal(err)
	}
	v, err := h.Check(ctx)
	v.Settled, v.Finished = settled, finished
	t.Log(h.Summary(t.Name(), v))
	if err != nil {
		t.Error(err)
	}
	return h, v
}

func tail(path string, lines int) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func kill(kills int) func(context.Context, *crash.Harness) error {
	return func(ctx context.Context, h *crash.Harness) error { return h.Kill(ctx, kills, false) }
}

// enough fails a run in which everything had arrived before the kills could hurt.
func enough(t *testing.T, h *crash.Harness, kills int) {
	t.Helper()
	if h.Kills < kills {
		t.Errorf("only %d of %d kills found anything left to do: the run proves too little", h.Kills, kills)
	}
}

func TestCrash_KillOnSQLite(t *testing.T) {
	r, kills := base(t)
	h, _ := prove(t, r, kill(kills))
	enough(t, h, kills)
}

func TestCrash_KillOnPostgresWithTwoWorkers(t *testing.T) {
	r, kills := base(t)
	if !onPostgres(t, &r, 9) {
		return
	}
	h, _ := prove(t, r, kill(kills))
	enough(t, h, kills)
}

func TestCrash_RedisFlushedHalfWay(t *testing.T) {
	r, _ := base(t)
	if !onPostgres(t, &r, 10) {
		return
	}
	_, v := prove(t, r, func(ctx context.Context, h *crash.Harness) error {
		for h.Sinks.Total() < r.Messages/2 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(5 * time.Millisecond):
			}
		}
		flush(t, r.Redis)
		return nil
	})
	if v.Unknown+v.Repeated != 0 {
		t.Errorf("nobody died, but %v", v)
	}
}

func TestCrash_TerminateSendsNothingTwice(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			r, _ := base(t)
			if engine == "postgres" && !onPostgres(t, &r, 11) {
				return
			}
			times := 3
			if long() {
				times = 20
			}
			h, v := prove(t, r, func(ctx context.Context, h *crash.Harness) error { return h.Terminate(ctx, times) })
			enough(t, h, times)
			if v.Unknown+v.Repeated != 0 {
				t.Errorf("a drained process left doubt: %v", v)
			}
		})
	}
}

// What got its 202 is there once, however often the server died while it was asked.
func TestCrash_AcceptUnderKills(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			r, kills := base(t)
			if engine == "postgres" && !onPostgres(t, &r, 12) {
				return
			}
			const each = 800
			campaigns := 10
			if long() {
				campaigns = 100
			}
			r.Messages, r.Latency = campaigns*each, 5*time.Millisecond
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			h, err := crash.Start(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(h.Close)
			if err := h.Template(ctx); err != nil {
				t.Fatal(err)
			}
			killing, stop := context.WithCancel(ctx)
			killed := make(chan error, 1)
			go func() { killed <- h.Kill(killing, kills, true) }()
			var names []string
			for i := range campaigns {
				names = append(names, fmt.Sprintf("campaign-%d", i))
				if err = h.Submit(ctx, names[i], i*each, each); err != nil {
					break
				}
			}
			stop()
			if failed := <-killed; err == nil {
				err = failed
			}
			if err == nil {
				var summary string
				summary, err = h.Accepted(ctx, names, each)
				t.Log(summary)
			}
			if err != nil {
				t.Errorf("%v\nthe seed was %d; the processes said last:\n%s", err, r.Seed, tail(h.Log(), 40))
			}
			if h.Kills == 0 {
				t.Error("nobody was killed")
			}
		})
	}
}
