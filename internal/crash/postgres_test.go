package crash_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"syscall"
	"testing"
	"time"

	"rapport/internal/crash"
)

func TestCrash_Postgres(t *testing.T) {
	together(t, map[string]func(*testing.T){
		"two pollers":        twoPollers,
		"restarted":          postgresRestarted,
		"commit replies cut": func(t *testing.T) { postgresCut(t, "commits") },
		"any reply cut":      func(t *testing.T) { postgresCut(t, "any") },
	})
}

// postgresRestarted stops the database again and again, in turn as an administrator does (fast) and as a
// crash does (immediate), while a campaign goes out and callers send.
func postgresRestarted(t *testing.T) {
	r, ok := pace(t)
	if !ok {
		return
	}
	server, err := crash.StartPostgres(t.Context())
	if server != nil {
		t.Cleanup(server.Close)
	}
	if err != nil {
		t.Fatal(err)
	}
	redis := redisOf(t)
	r.Database, r.Redis = server.URL(), fmt.Sprintf("redis://default:%s@%s/0", redis.Password, redis.Addr())
	times := 4
	if long() {
		times = 10
	}
	var line string
	_, v := prove(t, r, func(ctx context.Context, h *crash.Harness) error {
		load, err := h.StartCallers(4, 20*time.Millisecond)
		if err != nil {
			return err
		}
		defer load.Close()
		var down, first []time.Duration
		for n := range times {
			time.Sleep(1500 * time.Millisecond)
			begin := time.Now()
			if err := server.Stop([]syscall.Signal{syscall.SIGINT, syscall.SIGQUIT}[n%2]); err != nil {
				return err
			}
			time.Sleep(time.Duration(n%3) * 400 * time.Millisecond)
			up, err := server.Up(ctx)
			if err != nil {
				return err
			}
			down = append(down, up.Sub(begin))
			if h.Sinks.Total() >= r.Messages {
				t.Error("the campaign ended before the last restart: it is too small to tell")
			}
			after, err := h.FirstAfter(ctx, up)
			if err != nil {
				return err
			}
			first = append(first, after)
		}
		load.Stop()
		refused, slowest := load.Refusals()
		line = fmt.Sprintf("%d restarts of at most %v, first send at most %v after; API: slowest answer %v, refused %v", times, slices.Max(down).Round(time.Millisecond),
			slices.Max(first).Round(time.Millisecond), slowest.Round(time.Millisecond), refused)
		if len(refused) == 0 {
			t.Error("no caller noticed that the database was away: it proves too little")
		}
		if worst := slices.Max(first); worst > 10*time.Second {
			t.Errorf("the first send came %v after the restart", worst)
		}
		return load.Check(ctx)
	})
	t.Logf("crash: %s: seed %d: %s", t.Name(), r.Seed, line)
	if v.Unknown+v.Repeated != 0 {
		t.Errorf("nobody died, but %v", v)
	}
}

// postgresCut lets the database do what it is asked, and cuts the connection before it says so.
func postgresCut(t *testing.T, what string) {
	r, ok := pace(t)
	if !ok {
		return
	}
	u, err := url.Parse(r.Database)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := crash.StartProxy(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	u.Host = proxy.Addr()
	redis := redisOf(t)
	r.Database, r.Redis = u.String(), fmt.Sprintf("redis://default:%s@%s/0", redis.Password, redis.Addr())
	seconds, each := 6, 40
	if long() {
		seconds = 60
	}
	var line string
	_, v := prove(t, r, func(ctx context.Context, h *crash.Harness) error {
		load, err := h.StartCallers(3, 30*time.Millisecond)
		if err != nil {
			return err
		}
		defer load.Close()
		if what == "commits" {
			proxy.Cut(crash.Commits(r.Seed, 8))
		} else {
			proxy.Cut(crash.Replies(r.Seed, 60))
		}
		campaigns := 0
		for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); campaigns++ {
			load.Campaign(fmt.Sprintf("cut-%d", campaigns), each)
			time.Sleep(200 * time.Millisecond)
		}
		load.Stop()
		proxy.Cut(nil)
		refused, slowest := load.Refusals()
		line = fmt.Sprintf("%d replies cut, %d campaigns of %d; API: slowest answer %v, refused %v", proxy.Cuts.Load(), campaigns, each, slowest.Round(time.Millisecond), refused)
		if proxy.Cuts.Load() < 20 {
			t.Errorf("only %d replies were cut: it proves too little", proxy.Cuts.Load())
		}
		return load.Check(ctx)
	})
	t.Logf("crash: %s: seed %d: %s", t.Name(), r.Seed, line)
	if v.Unknown+v.Repeated != 0 {
		t.Errorf("nobody died, but %v", v)
	}
}
