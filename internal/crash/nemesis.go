package crash

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"rapport"
)

// Kill ends processes with SIGKILL and starts them again, until there were so many kills, everything has
// arrived, or ctx has ended, which is no error. With doors only what serves the API is hit. Each fourth time all
// that send die at once, so that nobody is left to notice; each third time the next kill comes before the last
// one has been recovered from. However fast the machine is, the kills are spread over nine tenths of the campaign:
// each comes after its share has arrived, and not long after the share of the next one.
func (h *Harness) Kill(ctx context.Context, kills int, doors bool) error {
	for n := 1; h.Kills < kills && h.Sinks.Total() < h.Messages; n++ {
		rest := 400 * time.Millisecond
		if doors {
			rest /= 4 // requests take no longer
		}
		share := func(n int) bool { return h.Sinks.Total() >= h.Messages*9/10*n/kills }
		for at := time.Now().Add(50*time.Millisecond + time.Duration(h.rand.Int64N(int64(rest)))); ; {
			if (doors || share(h.Kills)) && (time.Now().After(at) || !doors && share(h.Kills+1)) {
				break
			}
			if pause(ctx, 5*time.Millisecond) != nil {
				return nil
			}
		}
		victims := h.procs[:1]
		if !doors {
			one := h.rand.IntN(len(h.procs))
			victims = h.procs[one : one+1]
			if all := h.senders(); n%4 == 2 && len(all) <= kills-h.Kills {
				victims = all
			}
		}
		for _, p := range victims {
			p.kill()
			h.Kills++
		}
		at := time.Now()
		for _, p := range victims {
			if err := p.start(); err != nil {
				return err
			}
		}
		if doors || n%3 == 0 {
			continue
		}
		if err := h.resumed(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// KillOwners kills all that send at once, n times, while they own every batch there is.
func (h *Harness) KillOwners(ctx context.Context, n int) error {
	db, err := h.database()
	if err != nil {
		return err
	}
	defer db.Close()
	for range n {
		if err := pause(ctx, 300*time.Millisecond+time.Duration(h.rand.Int64N(int64(time.Second)))); err != nil {
			return err
		}
		err := h.until(ctx, time.Minute, "all is planned and every batch to send has an owner", func() (bool, error) {
			var planning, due, free int
			err := db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM campaigns WHERE status <> 'running'), count(*), count(CASE WHEN owner = 0 THEN 1 END) FROM batches WHERE what = 'send'`).Scan(&planning, &due, &free)
			return planning == 0 && due > 0 && free == 0, err
		})
		if err != nil {
			return err
		}
		for _, p := range h.senders() {
			p.kill()
			h.Kills++
		}
		at := time.Now()
		for _, p := range h.senders() {
			if err := p.start(); err != nil {
				return err
			}
		}
		if err := h.resumed(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// Arrived waits until so many messages have.
func (h *Harness) Arrived(ctx context.Context, n int) error {
	return h.until(ctx, time.Minute, fmt.Sprintf("%d messages have arrived", n), func() (bool, error) { return h.Sinks.Total() >= n, nil })
}

// senders are the processes that deliver.
func (h *Harness) senders() []*process {
	if h.Database != "" {
		return h.procs[1:]
	}
	return h.procs
}

// resumed waits for the first message that was not on the wire before the restart, and notes how long that took,
// unless nothing is due.
func (h *Harness) resumed(ctx context.Context, from time.Time) error {
	db, err := h.database()
	if err != nil {
		return err
	}
	defer db.Close()
	if pause(ctx, h.Latency) != nil { // what the dead had on the wire arrives meanwhile
		return nil
	}
	before := h.Sinks.Total()
	for n := 1; h.Sinks.Total() == before; n++ {
		if pause(ctx, 2*time.Millisecond) != nil {
			return nil
		}
		if n%250 != 0 {
			continue
		}
		var due int
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM messages WHERE state = 1 AND due_at <= $1 OR state = 2`, time.Now().UnixMilli()).Scan(&due)
		if err != nil {
			return err
		}
		if due == 0 {
			return nil
		}
		if time.Since(from) > time.Minute {
			return fmt.Errorf("nothing was sent for a minute after a restart, and %d were due", due)
		}
	}
	h.first = append(h.first, time.Since(from))
	return nil
}

// Terminate ends a random process with SIGTERM and starts it again, n times.
func (h *Harness) Terminate(ctx context.Context, n int) error {
	for range n {
		if err := pause(ctx, 200*time.Millisecond+time.Duration(h.rand.Int64N(int64(400*time.Millisecond)))); err != nil {
			return err
		}
		p := h.procs[h.rand.IntN(len(h.procs))]
		if err := p.ready(ctx); err != nil {
			return err
		}
		if err := h.terminate(p); err != nil {
			return err
		}
	}
	return nil
}

func (h *Harness) terminate(p *process) error {
	begin := time.Now()
	if err := p.end(syscall.SIGTERM, 2*exitLimit); err != nil { // an exit code too
		return err
	}
	h.exits = append(h.exits, time.Since(begin))
	h.Kills++
	return p.start()
}

// Freeze is what happened to a worker that was stopped and went on.
type Freeze struct {
	Dead    time.Duration // from SIGSTOP until it was declared dead
	Back    time.Duration // from SIGCONT until it had a new identity
	Again   time.Duration // from SIGCONT until it had sent something under it
	Doubted int           // rows that it left in doubt
	Proved  int           // of them, how many its own late outcome settled
}

func (f Freeze) String() string {
	return fmt.Sprintf("dead after %v, %d rows in doubt, %d settled by its own late outcome, a new identity %v after it went on, and sending after %v",
		f.Dead.Round(time.Millisecond), f.Doubted, f.Proved, f.Back.Round(time.Millisecond), f.Again.Round(time.Millisecond))
}

// Freeze stops the first worker with SIGSTOP until it has been declared dead and for longer, and lets it go on.
func (h *Harness) Freeze(ctx context.Context, longer time.Duration) (f Freeze, err error) {
	db, err := h.database()
	if err != nil {
		return f, err
	}
	defer db.Close()
	p := h.senders()[0]
	pid := p.cmd.Process.Pid
	name := fmt.Sprintf("%%:%d", pid)
	var was int64
	if err := db.QueryRowContext(ctx, `SELECT id FROM workers WHERE name LIKE $1 AND dead = 0`, name).Scan(&was); err != nil {
		return f, fmt.Errorf("looking for %s: %w", p.name, err)
	}
	count := func(n *int, q string, args ...any) error { return db.QueryRowContext(ctx, q, args...).Scan(n) }
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, p.cmd.Process.Signal(syscall.SIGCONT)) }()
	h.Kills++
	err = h.until(ctx, 30*time.Second, "the stopped worker is declared dead", func() (bool, error) {
		var alive int
		err := count(&alive, `SELECT count(*) FROM workers WHERE id = $1 AND dead = 0`, was)
		return alive == 0, err
	})
	if err != nil {
		return f, err
	}
	f.Dead = time.Since(begin)
	if err := pause(ctx, longer); err != nil {
		return f, err
	}
	if err := count(&f.Doubted, `SELECT count(*) FROM crash_moves WHERE owner = $1 AND old = 2 AND new = 3`, was); err != nil {
		return f, err
	}
	var before int
	if err := count(&before, `SELECT coalesce(max(n), 0) FROM crash_moves`); err != nil {
		return f, err
	}
	begin = time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return f, err
	}
	var is int64
	err = h.until(ctx, 10*time.Second, "the worker has a new identity", func() (bool, error) {
		var n int
		if err := count(&n, `SELECT count(*) FROM workers WHERE name LIKE $1 AND dead = 0`, name); err != nil || n == 0 {
			return false, err
		}
		return true, db.QueryRowContext(ctx, `SELECT id FROM workers WHERE name LIKE $1 AND dead = 0`, name).Scan(&is)
	})
	if err != nil {
		return f, err
	}
	f.Back = time.Since(begin)
	err = h.until(ctx, 20*time.Second, "the worker sends under its new identity", func() (bool, error) {
		var n int
		err := count(&n, `SELECT count(*) FROM messages WHERE owner = $1 AND state = $2`, is, int64(rapport.Sent))
		return n > 0, err
	})
	f.Again = time.Since(begin)
	if err != nil {
		return f, err
	}
	// The rows were the dead one's until somebody claimed them again, so a doubt that ended as sent with nobody
	// asking was ended by its own outcome.
	return f, count(&f.Proved, `SELECT count(*) FROM crash_moves m JOIN messages x ON x.id = m.id WHERE m.n > $1 AND m.owner = $2 AND m.old = 3 AND m.new = 4 AND x.reason = ''`, before, was)
}
