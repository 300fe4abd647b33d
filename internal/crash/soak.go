package crash

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"rapport"
)

// Soak is a long run under steady load and random faults.
type Soak struct {
	h      *Harness
	Faults map[string]int // so many of each
	// Measured are the processes that are never killed, so that a leak has time to show: the API and the last
	// worker.
	Measured []*Measured
	Accepted int // recipients, of campaigns and single messages
	Singles  int // of them, single messages
}

// Measured is one process, looked at every second.
type Measured struct {
	Name       string
	RSS        []float64 // bytes
	Goroutines []float64
}

// Nemesis is what a soak may do besides to processes.
type Nemesis struct {
	FlushRedis      func(context.Context) error
	RestartPostgres func(context.Context) error
}

// soakCampaign is how many recipients a campaign of a soak has, soakSingle how often a single message is sent.
const (
	soakCampaign = 200
	soakSingle   = 200 * time.Millisecond
)

// Soak keeps campaigns and single messages going and lets faults happen, for d; then it waits until everything
// that was accepted is settled.
func (h *Harness) Soak(ctx context.Context, d time.Duration, nemesis Nemesis) (*Soak, error) {
	s := &Soak{h: h, Faults: map[string]int{}}
	if err := h.Template(ctx); err != nil {
		return s, err
	}
	for _, p := range []*process{h.procs[0], h.procs[len(h.procs)-1]} {
		s.Measured = append(s.Measured, &Measured{Name: p.name})
	}
	run, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	try := func(what string, work func() error) {
		all.Go(func() {
			if err := work(); err != nil {
				mu.Lock()
				failed = errors.Join(failed, fmt.Errorf("%s: %w", what, err))
				mu.Unlock()
				cancel()
			}
		})
	}
	try("the load", func() error { return s.load(ctx, run) })
	try("the faults", func() error { return s.faults(ctx, run, nemesis) })
	try("looking at processes", func() error { return s.look(run) })
	all.Wait()
	if failed != nil {
		return s, failed
	}
	h.Messages = s.Accepted
	return s, s.settle(ctx)
}

// load sends a campaign when the last one has gone out, and single messages all the time.
func (s *Soak) load(ctx, run context.Context) error {
	h := s.h
	tick := time.NewTicker(soakSingle)
	defer tick.Stop()
	for campaign, began := 0, time.Now(); ; {
		if campaign*soakCampaign+s.Singles == 0 || h.Sinks.Total() >= s.Accepted-soakCampaign/2 || time.Since(began) > 20*time.Second {
			people := make([]any, soakCampaign)
			for i := range people {
				people[i] = h.recipient(s.Accepted + i)
			}
			name := fmt.Sprintf("soak-%d", campaign)
			err := h.insist(ctx, "/v1/campaigns", name, map[string]any{"name": name, "purpose": "marketing", "template": "crash", "audience": map[string]any{"customers": people}})
			if err != nil {
				return err
			}
			campaign, began = campaign+1, time.Now()
			s.Accepted += soakCampaign
		}
		select {
		case <-run.Done():
			return nil
		case <-tick.C:
		}
		err := h.insist(ctx, "/v1/messages", fmt.Sprintf("single-%d", s.Accepted), map[string]any{"purpose": "transactional", "template": "crash", "to": h.recipient(s.Accepted)})
		if err != nil {
			return err
		}
		s.Accepted++
		s.Singles++
	}
}

// faults makes one every few seconds.
func (s *Soak) faults(ctx, run context.Context, nemesis Nemesis) error {
	h := s.h
	names := []string{"kill", "term", "stop", "flush Redis", "restart PostgreSQL"}
	victims := h.senders()[:len(h.senders())-1]
	for {
		wait := time.Second + time.Duration(h.rand.Int64N(int64(4*time.Second)))
		what, p := names[h.rand.IntN(len(names))], victims[h.rand.IntN(len(victims))]
		if pause(run, wait) != nil {
			return nil
		}
		if err := p.ready(ctx); err != nil {
			return err
		}
		var err error
		switch what {
		case "kill":
			p.kill()
			h.Kills++
			err = p.start()
		case "term":
			err = h.terminate(p)
		case "stop":
			h.Kills++
			if err = p.cmd.Process.Signal(syscall.SIGSTOP); err == nil {
				_ = pause(ctx, time.Second+time.Duration(h.rand.Int64N(int64(12*time.Second)))) // some longer than it takes to be declared dead
				err = p.cmd.Process.Signal(syscall.SIGCONT)
			}
		case "flush Redis":
			err = nemesis.FlushRedis(ctx)
		case "restart PostgreSQL":
			h.Kills++
			err = nemesis.RestartPostgres(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		s.Faults[what]++
	}
}

// look notes memory and goroutines every second.
func (s *Soak) look(run context.Context) error {
	procs := []*process{s.h.procs[0], s.h.procs[len(s.h.procs)-1]}
	for pause(run, time.Second) == nil {
		for i, p := range procs {
			rss, err := resident(p.cmd.Process.Pid)
			if err != nil {
				return err
			}
			n, err := goroutines("http://" + p.door + "/metrics")
			if err != nil {
				continue // a second without an answer is a second without a figure
			}
			m := s.Measured[i]
			m.RSS, m.Goroutines = append(m.RSS, rss), append(m.Goroutines, n)
		}
	}
	return nil
}

// resident is a process's RSS in bytes (proc_pid_statm(5)).
func resident(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	var size, pages float64
	if _, err := fmt.Sscan(string(b), &size, &pages); err != nil {
		return 0, err
	}
	return pages * float64(os.Getpagesize()), nil
}

func goroutines(url string) (float64, error) {
	client := http.Client{Timeout: 2 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var page bytes.Buffer
	if _, err := page.ReadFrom(resp.Body); err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(&page); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			return strconv.ParseFloat(text, 64)
		}
	}
	return 0, errors.New("the metrics say nothing about goroutines")
}

// Growth is by what part the median of the last quarter lies above that of the second.
func Growth(samples []float64) float64 {
	quarter := len(samples) / 4
	if quarter == 0 {
		return 0
	}
	median := func(s []float64) float64 { return slices.Sorted(slices.Values(s))[len(s)/2] }
	was, is := median(samples[quarter:2*quarter]), median(samples[3*quarter:])
	return is/was - 1
}

// settle waits until no campaign is open and no batch is left.
func (s *Soak) settle(ctx context.Context) error {
	h := s.h
	db, err := h.database()
	if err != nil {
		return err
	}
	defer db.Close()
	for _, p := range h.procs {
		if err := p.ready(ctx); err != nil {
			return err
		}
	}
	var open, batches int
	err = h.until(ctx, 3*time.Minute, "everything is settled", func() (bool, error) {
		if err := h.wind(ctx); err != nil {
			return false, err
		}
		err := db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM campaigns WHERE kind = 'campaign' AND status NOT IN ('finished', 'draft')), (SELECT count(*) FROM batches)`).Scan(&open, &batches)
		if err != nil || open+batches > 0 {
			return false, errors.Join(err, pause(ctx, 500*time.Millisecond))
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("%w; %d campaigns are open, %d batches are left", err, open, batches)
	}
	return nil
}

// Check demands of everything that was accepted what Harness.Check demands of one campaign.
func (s *Soak) Check(ctx context.Context) (v Verdict, err error) {
	h := s.h
	db, err := h.database()
	if err != nil {
		return v, err
	}
	defer db.Close()
	var broken []error
	breach := func(format string, args ...any) { broken = append(broken, fmt.Errorf(format, args...)) }
	if err := s.rows(ctx, db, &v, breach); err != nil {
		return v, err
	}
	if v.Lost > 0 {
		breach("%d are lost", v.Lost)
	}
	bound := h.Window * h.Kills
	for ch, n := range v.again {
		if n > bound {
			breach("%d by %s arrived again, more than window × faults = %d", n, ch, bound)
		}
	}
	var drifted int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT campaign_id, what, sum(n) AS n FROM campaign_counts GROUP BY campaign_id, what) k
		JOIN (VALUES ('pending', 1), ('sending', 2), ('doubtful', 3), ('sent', 4), ('delivered', 5), ('failed', 6), ('skipped', 7), ('expired', 8), ('cancelled', 9), ('unknown', 10)) AS s(what, state) ON s.what = k.what
		LEFT JOIN (SELECT campaign_id, state, count(*) AS n FROM messages GROUP BY campaign_id, state) m ON m.campaign_id = k.campaign_id AND m.state = s.state
		WHERE k.n <> coalesce(m.n, 0)`).Scan(&drifted)
	if err != nil {
		return v, err
	}
	if drifted > 0 {
		breach("%d counters disagree with a real count", drifted)
	}
	if v.Moves, err = h.replay(ctx, db, breach); err != nil {
		return v, err
	}
	if v.Orphaned, err = h.orphaned(ctx, db); err != nil {
		return v, err
	}
	v.Exits = h.exits
	if worst := v.Orphaned.At(0.99); worst > orphanLimit {
		breach("rows of the dead waited %v to be declared doubtful", worst)
	}
	if worst := v.Exits.At(1); worst > exitLimit {
		breach("a process ended %v after SIGTERM", worst)
	}
	return v, errors.Join(append(broken, h.Sinks.Hook.Err())...)
}

func (s *Soak) rows(ctx context.Context, db *sql.DB, v *Verdict, breach func(string, ...any)) error {
	h := s.h
	rows, err := db.QueryContext(ctx, `SELECT a.channel, a.address, m.state, m.reason, c.purpose FROM messages m JOIN addresses a ON a.id = m.address_id JOIN campaigns c ON c.id = m.campaign_id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	v.again = map[rapport.Channel]int{}
	seen := map[string]bool{}
	for rows.Next() {
		var ch rapport.Channel
		var purpose rapport.Purpose
		var address, reason string
		var state rapport.State
		if err := rows.Scan(&ch, &address, &state, &reason, &purpose); err != nil {
			return err
		}
		if seen[string(ch)+" "+address] {
			breach("%s %s has two rows", ch, address)
		}
		seen[string(ch)+" "+address] = true
		n := h.Sinks.Count(ch, address)
		v.Arrived += n
		v.again[ch] += max(n-1, 0)
		resends := ch == rapport.Webhook || ch != rapport.SMS && purpose == rapport.Transactional
		if ch == rapport.Webhook {
			v.Repeated += max(n-1, 0)
		} else {
			v.Duplicates += max(n-1, 0)
		}
		switch {
		case state == rapport.Unknown && !resends && ch != rapport.SMS:
			v.Unknown++
			v.Proven += min(n, 1)
		case state != rapport.Sent && state != rapport.Delivered:
			breach("%s %s ended as %s (%s), and %d arrived", ch, address, state, reason, n)
		case n == 0:
			v.Lost++
		}
		if n > 1 && !resends {
			breach("%s %s arrived %d times, and may not be sent again", ch, address, n)
		}
	}
	if len(seen) != s.Accepted {
		breach("%d recipients have a row, %d were accepted", len(seen), s.Accepted)
	}
	if total := h.Sinks.Total(); total != v.Arrived {
		breach("%d arrived in all, %d at recipients", total, v.Arrived)
	}
	return rows.Err()
}
