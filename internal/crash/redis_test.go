package crash_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rapport/internal/crash"
	"rapport/store/storetest"
)

// pace is a run whose rate is set by window and latency and not by the machine, so that a full rate can be
// told from a low one, also beside other tests: two workers, bulk's three quarters of each window.
func pace(t *testing.T) (r crash.Run, ok bool) {
	r, _ = base(t)
	r.Messages, r.Latency, r.Window, r.Workers, r.Impatient = 3200, time.Second, 24, 2, true
	if long() {
		r.Messages, r.Latency = 42_000, 300*time.Millisecond
	}
	r.Database, ok = storetest.EmptyPostgres(t)
	return r, ok
}

// together runs scenarios that mostly wait: at once, and one after the other in the long mode, where figures
// matter more than time. t.Parallel would run as many as there are cores.
func together(t *testing.T, scenarios map[string]func(*testing.T)) {
	var all sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		if long() {
			t.Run(name, scenarios[name])
		} else {
			all.Go(func() { t.Run(name, scenarios[name]) })
		}
	}
	all.Wait()
}

// outage is how long a server stays away.
func outage() time.Duration {
	if long() {
		return time.Minute
	}
	return 5 * time.Second
}

// disturbed runs a campaign and callers beside it, lets a fault begin and end, and demands that nothing is
// lost or twice, that the rate is full again within 30 s, and that callers did not notice.
func disturbed(t *testing.T, r crash.Run, begin, end func(context.Context) error) {
	t.Helper()
	var line string
	_, v := prove(t, r, func(ctx context.Context, h *crash.Harness) error {
		load, err := h.StartCallers(3, 40*time.Millisecond)
		if err != nil {
			return err
		}
		defer load.Close()
		meter := h.StartMeter()
		defer meter.Stop()
		wait := func(d time.Duration) { time.Sleep(d) }
		wait(2 * time.Second)
		calm := time.Now()
		wait(4 * time.Second)
		fault := time.Now()
		if err := begin(ctx); err != nil {
			return fmt.Errorf("beginning the fault: %w", err)
		}
		wait(outage())
		during := time.Now()
		if err := end(ctx); err != nil {
			return fmt.Errorf("ending the fault: %w", err)
		}
		over := time.Now()
		was := meter.Rate(calm, fault)
		lost, err := h.LostHints()
		if err != nil {
			return err
		}
		back, err := meter.Recovered(ctx, fault, over, was, 0.85)
		if err != nil {
			return err
		}
		hinting, err := h.Hinting(ctx, over)
		load.Stop()
		if err != nil {
			return err
		}
		before, n := load.P99(calm, fault)
		in, m := load.P99(fault, during)
		refused, slowest := load.Refusals()
		line = fmt.Sprintf("%.0f/s before, %.0f/s during, full again %v after; %d hints lost, heard again %v after; API p99 %v before (of %d), %v during (of %d), slowest %v, refused %v",
			was, meter.Rate(fault, during), back.Round(100*time.Millisecond), lost, hinting.Round(100*time.Millisecond), before.Round(time.Millisecond), n, in.Round(time.Millisecond), m, slowest.Round(time.Millisecond), refused)
		if back > 30*time.Second || hinting > 30*time.Second {
			t.Errorf("the full rate was back only after %v, hints were heard after %v", back, hinting)
		}
		if lost == 0 {
			t.Error("no hint was lost: the fault was none")
		}
		// A call that waits for Redis would wait for its time-outs, which are seconds.
		if n < 50 || m < 50 || in > 2*before+time.Second {
			t.Errorf("the API's p99 was %v before and %v during the fault (of %d and %d)", before, in, n, m)
		}
		if len(refused) > 0 {
			t.Errorf("callers were refused: %v", refused)
		}
		return load.Check(ctx)
	})
	t.Logf("crash: %s: seed %d: %s", t.Name(), r.Seed, line)
	if v.Unknown+v.Repeated != 0 {
		t.Errorf("nobody died, but %v", v)
	}
}

func TestCrash_Redis(t *testing.T) {
	together(t, map[string]func(*testing.T){
		"stopped":               redisStopped,
		"slow":                  redisSlow,
		"sentinel failover":     redisSentinel,
		"cluster node away":     func(t *testing.T) { redisCluster(t, false) },
		"cluster node replaced": func(t *testing.T) { redisCluster(t, true) },
	})
}

// redisOf starts a server of its own, which keeps nothing: stopped, it has forgotten every hint.
func redisOf(t *testing.T) *crash.Redis {
	t.Helper()
	server, err := crash.StartRedis(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(syscall.SIGKILL) })
	return server
}

func redisStopped(t *testing.T) {
	r, ok := pace(t)
	if !ok {
		return
	}
	server := redisOf(t)
	r.Redis = fmt.Sprintf("redis://default:%s@%s/0", server.Password, server.Addr())
	disturbed(t, r, func(context.Context) error { return server.Stop(syscall.SIGKILL) }, server.Up)
}

// redisSlow makes each reply two seconds late.
func redisSlow(t *testing.T) {
	r, ok := pace(t)
	if !ok {
		return
	}
	server := redisOf(t)
	proxy, err := crash.StartProxy(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	r.Redis = fmt.Sprintf("redis://default:%s@%s/0", server.Password, proxy.Addr())
	disturbed(t, r, func(context.Context) error { proxy.Delay(2 * time.Second); return nil }, func(context.Context) error { proxy.Delay(0); return nil })
}

// redisSentinel kills the primary for good; three sentinels make the replica the new one.
func redisSentinel(t *testing.T) {
	r, ok := pace(t)
	if !ok {
		return
	}
	s, err := crash.StartSentinel(t.Context(), t.TempDir())
	if s != nil {
		t.Cleanup(s.Close)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Redis = s.URL()
	disturbed(t, r, func(context.Context) error { return s.Primary.Stop(syscall.SIGKILL) }, func(ctx context.Context) error {
		if said, err := s.Replica.Do(ctx, "ROLE"); err != nil || !strings.Contains(said, "master") {
			return fmt.Errorf("the replica has not taken over: %s %w", said, err)
		}
		return used(ctx, s.Replica)
	})
}

// used waits until the product's processes have written to a Redis by themselves.
func used(ctx context.Context, r *crash.Redis) error {
	if _, err := r.Do(ctx, "DEL", "asynq:servers"); err != nil {
		return err
	}
	return r.Says(ctx, "1", "EXISTS", "asynq:servers") // each server's sign of life, every five seconds
}

// redisCluster kills the node that holds the hints of single messages, and brings it back empty; or, where nodes
// have replicas, leaves it dead.
func redisCluster(t *testing.T, replicas bool) {
	r, ok := pace(t)
	if !ok {
		return
	}
	c, err := crash.StartCluster(t.Context(), t.TempDir(), replicas)
	if c != nil {
		t.Cleanup(c.Close)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Redis = c.URL()
	node, err := c.Holder(t.Context(), "asynq:{fast}:pending")
	if err != nil {
		t.Fatal(err)
	}
	disturbed(t, r, func(context.Context) error { return node.Stop(syscall.SIGKILL) }, func(ctx context.Context) error {
		if replicas {
			return nil
		}
		return node.Up(ctx)
	})
}
