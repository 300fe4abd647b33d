package crash_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"

	"rapport"
	"rapport/internal/crash"
	"rapport/store/storetest"
)

// TestMain builds the binary once when nobody has (RAPPORT_TEST_BIN names it), and gives every scenario the
// same seed: RAPPORT_TEST_CRASH_SEED, or a new one.
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
	if os.Getenv("RAPPORT_TEST_CRASH_SEED") == "" {
		os.Setenv("RAPPORT_TEST_CRASH_SEED", strconv.FormatInt(time.Now().UnixNano()%1_000_000, 10))
	}
	fmt.Printf("crash: RAPPORT_TEST_CRASH_SEED=%s repeats this run\n", os.Getenv("RAPPORT_TEST_CRASH_SEED"))
	flag.Parse()
	parallel := "4" // they mostly wait; the default is the number of cores
	if long() {
		parallel = "1" // figures matter more than time
	}
	if err := flag.Set("test.parallel", parallel); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	table.print(os.Stdout)
	return code
}

// table is what the scenarios of this run found, for the end of it.
var table results

type results struct {
	mu   sync.Mutex
	rows [][5]string
}

// add prints a scenario's line and keeps its figures for the table.
func (r *results) add(t *testing.T, h *crash.Harness, v crash.Verdict, line string) {
	t.Helper()
	t.Log(line)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, [5]string{strings.TrimPrefix(t.Name(), "TestCrash_"), strconv.Itoa(h.Messages), strconv.Itoa(h.Kills),
		strconv.Itoa(v.Lost), fmt.Sprintf("%d + %d, %d unknown", v.Duplicates, v.Repeated, v.Unknown)})
}

func (r *results) print(to io.Writer) {
	if len(r.rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nscenario\tmessages\tfaults\tlost\tduplicates + repeated webhooks")
	for _, row := range r.rows {
		fmt.Fprintln(w, strings.Join(row[:], "\t"))
	}
	w.Flush()
}

func long() bool { return os.Getenv("RAPPORT_TEST_CRASH") == "long" }

func seed(t *testing.T) uint64 {
	n, err := strconv.ParseUint(os.Getenv("RAPPORT_TEST_CRASH_SEED"), 10, 64)
	if err != nil {
		t.Fatalf("RAPPORT_TEST_CRASH_SEED: %v", err)
	}
	return n
}

// base is a run of the size that this mode has, and how many kills belong to it. The long one has a rate, so
// that the kills fall into all of it.
func base(t *testing.T) (crash.Run, int) {
	r := crash.Run{Seed: seed(t), Bin: os.Getenv("RAPPORT_TEST_BIN"), Dir: t.TempDir(), Messages: 2400, Latency: 120 * time.Millisecond, Window: 24, Impatient: true, Shared: true}
	kills := 8
	if long() {
		r.Messages, r.Window, r.Impatient, r.Shared, kills = 100_000, 100, false, false, 100
	}
	return r, kills
}

// onPostgres makes r use a database of its own, and database db of the Redis.
func onPostgres(t *testing.T, r *crash.Run, db int) bool {
	var ok bool
	if r.Database, ok = storetest.EmptyPostgres(t); !ok {
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
	limit := 90 * time.Second
	if long() {
		limit = 10 * time.Minute
	}
	settled, finished, err := h.Drain(ctx, limit)
	if err != nil {
		t.Fatal(err)
	}
	v, err := h.Check(ctx)
	v.Settled, v.Finished = settled, finished
	table.add(t, h, v, h.Summary(t.Name(), v))
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

// The four channels mixed, under both policies: marketing that nobody can be asked about is held, transactional
// is sent again.
func TestCrash_Kill(t *testing.T) {
	for _, tt := range []struct {
		name    string
		purpose rapport.Purpose
		redis   int
		long    bool // in the long mode only: the short one has each engine and each policy once
	}{
		{"sqlite marketing", rapport.Marketing, 0, false},
		{"postgres transactional", rapport.Transactional, 9, false},
		{"sqlite transactional", rapport.Transactional, 0, true},
		{"postgres marketing", rapport.Marketing, 9, true},
	} {
		if tt.long && !long() {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			r, kills := base(t)
			r.Purpose = tt.purpose
			if long() {
				r.Rate = 250 // of each of the four: a kill a second
			}
			if tt.redis != 0 && !onPostgres(t, &r, tt.redis) {
				return
			}
			h, v := prove(t, r, kill(kills))
			enough(t, h, kills)
			if len(v.First) == 0 || len(v.Orphaned) == 0 {
				t.Errorf("no kill was measured: %v, %v", v.First, v.Orphaned)
			}
		})
	}
}

// The worst that a crash of all workers can do: each batch that there is belonged to somebody dead.
func TestCrash_KillTheOwnersOfEverything(t *testing.T) {
	r, _ := base(t)
	t.Parallel()
	r.Messages, r.Rate = 960, 15 // batches enough for all places of the workers, and not more
	if !onPostgres(t, &r, 8) {
		return
	}
	times := 3
	if long() {
		r.Rate, times = 8, 10
	}
	h, v := prove(t, r, func(ctx context.Context, h *crash.Harness) error { return h.KillOwners(ctx, times) })
	enough(t, h, times*r.Workers)
	if len(v.First) == 0 {
		t.Error("no first send was measured")
	}
}

// A worker that is stopped and goes on: the others declare it dead and settle its rows, and what it says of them
// when it wakes is proof at most.
func TestCrash_StoppedWorkerGoesOn(t *testing.T) {
	r, _ := base(t)
	t.Parallel()
	r.Rate, r.Messages, r.Latency = 25, 2200, 400*time.Millisecond // some are always in flight
	if !onPostgres(t, &r, 7) {
		return
	}
	times := 1
	if long() {
		r.Rate, r.Messages, times = 100, 40_000, 5
	}
	h, _ := prove(t, r, func(ctx context.Context, h *crash.Harness) error {
		if err := h.Arrived(ctx, h.Messages/20); err != nil {
			return err
		}
		for range times {
			f, err := h.Freeze(ctx, 5*time.Second) // long enough for the provider to have been asked
			t.Logf("crash: %s: %v", t.Name(), f)
			if err != nil {
				return err
			}
			if f.Doubted == 0 {
				t.Error("it was stopped with nothing in flight: the run proves too little")
			}
			if f.Dead < 9*time.Second {
				t.Errorf("it was declared dead after %v, although its connection stood", f.Dead)
			}
		}
		return nil
	})
	enough(t, h, times)
}

// One worker, two, four: they share the work, and each provider's rate stays what it is.
func TestCrash_ScaleSharesOneRate(t *testing.T) {
	t.Parallel()
	r, _ := base(t)
	window, slack := 5*time.Second, 0.25 // beside other scenarios a machine stands still for moments; never faster, all the same
	r.Messages, r.Rate, r.Latency = 9600, 60, 20*time.Millisecond
	if long() {
		window, slack = time.Minute, 0.02
		r.Messages, r.Rate = 100_000, 70
	}
	if !onPostgres(t, &r, 6) {
		return
	}
	r.Workers = 1
	prove(t, r, func(ctx context.Context, h *crash.Harness) error {
		counts := []int{1, 2, 4}
		for i, n := range counts {
			if err := h.Grow(ctx, n); err != nil {
				return err
			}
			// What was owned before goes on being sent by its owner, so the newcomers get their share in time.
			var s crash.Share
			for range 3 { // too slow is measured again, too fast never
				time.Sleep(time.Second)
				var err error
				if s, err = h.Measure(ctx, window); err != nil {
					return err
				}
				t.Logf("crash: %s: %v, %+.2f %% off the rate, the idlest has %.0f %% of its share", t.Name(), s, 100*s.Off(r.Rate), 100*s.Fair())
				left := time.Duration(float64(r.Messages-h.Sinks.Total())/(4*r.Rate)) * time.Second
				if s.Off(r.Rate) > -slack && s.Fair() >= 0.5 || s.Off(r.Rate) > 0.02 || left < time.Duration(len(counts)-i)*(window+2*time.Second) {
					break
				}
			}
			if off := s.Off(r.Rate); off < -slack || off > 0.02 {
				t.Errorf("%d workers were %.2f %% off the rate", n, 100*off)
			}
			if s.Fair() < 0.5 {
				t.Errorf("of %d workers the idlest has %.0f %% of its share", n, 100*s.Fair())
			}
		}
		return nil
	})
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
			const each, least, most = 200, 12, 500 // campaigns: as many as the kills last
			r.Messages, r.Latency = most*each, 5*time.Millisecond
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
			for i := 0; err == nil && i < most && (i < least || len(killed) == 0); i++ {
				names = append(names, fmt.Sprintf("campaign-%d", i))
				err = h.Submit(ctx, names[i], i*each, each)
			}
			stop()
			if failed := <-killed; err == nil {
				err = failed
			}
			h.Messages = each * len(names)
			if err == nil {
				var summary string
				summary, err = h.Accepted(ctx, names, each)
				table.add(t, h, crash.Verdict{Repeated: h.Sinks.Hook.Repeated()}, summary)
			}
			if err != nil {
				t.Errorf("%v\nthe seed was %d; the processes said last:\n%s", err, r.Seed, tail(h.Log(), 40))
			}
			enough(t, h, kills)
		})
	}
}
