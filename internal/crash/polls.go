package crash

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rapport"
)

// Write lets people write to the bot, one message each with a text of its own, as fast as a busy bot is
// written to.
func (h *Harness) Write(ctx context.Context, from, n int) error {
	for i := range n {
		if err := h.Sinks.Bot.Push("message", h.Sinks.Bot.Text(int64(5_000_000+(from+i)%50), fmt.Sprintf("update %d", from+i), nil)); err != nil {
			return err
		}
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// poller is the process whose turn it is to poll the bot.
func (h *Harness) poller(ctx context.Context, but *process) (found *process, err error) {
	db, err := h.database()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	err = h.until(ctx, 30*time.Second, "a process polls", func() (bool, error) {
		var name string
		if db.QueryRowContext(ctx, `SELECT w.name FROM cursors c JOIN workers w ON w.id = c.owner WHERE c.provider = 'bot' AND w.dead = 0`).Scan(&name) != nil {
			return false, nil // nobody yet
		}
		for _, p := range h.procs {
			if p != but && strings.HasSuffix(name, ":"+strconv.Itoa(p.cmd.Process.Pid)) {
				found = p
			}
		}
		return found != nil, nil
	})
	return found, err
}

// KillPoller kills whoever polls and starts it again. It returns how long it took until somebody polled.
func (h *Harness) KillPoller(ctx context.Context) (time.Duration, error) {
	p, err := h.poller(ctx, nil)
	if err != nil {
		return 0, err
	}
	p.kill()
	h.Kills++
	begin := time.Now()
	if err := p.start(); err != nil {
		return 0, err
	}
	_, err = h.poller(ctx, nil)
	return time.Since(begin), err
}

// StopPoller stops whoever polls (SIGSTOP) until another one does, and lets it go on.
func (h *Harness) StopPoller(ctx context.Context) (time.Duration, error) {
	p, err := h.poller(ctx, nil)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	h.stopped++
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return 0, err
	}
	_, err = h.poller(ctx, p)
	took := time.Since(begin)
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return 0, err
	}
	return took, err
}

// Polled waits until n written messages are stored, and demands that each is stored once, and that no two
// processes ever polled at the same time.
func (h *Harness) Polled(ctx context.Context, n int) error {
	db, err := h.database()
	if err != nil {
		return err
	}
	defer db.Close()
	var entries, texts, events int
	count := func() error {
		return db.QueryRowContext(ctx, `SELECT count(*), count(DISTINCT text), (SELECT count(*) FROM inbound WHERE provider = 'bot') FROM entries WHERE channel = $1 AND text LIKE 'update %'`,
			string(rapport.Telegram)).Scan(&entries, &texts, &events)
	}
	err = h.until(ctx, time.Minute, "every update is stored", func() (bool, error) {
		if err := count(); err != nil {
			return false, err
		}
		return texts == n, nil
	})
	if err == nil { // one that comes twice may come late
		if err = pause(ctx, 2*time.Second); err == nil {
			err = count()
		}
	}
	if err != nil || entries != n || texts != n || events != n {
		return fmt.Errorf("%d updates: %d entries with %d texts of %d events: %w", n, entries, texts, events, err)
	}
	log, err := os.ReadFile(h.Log())
	if err != nil {
		return err
	}
	if k := strings.Count(string(log), "another process polls with this token"); k > h.stopped { // who was stopped hears of it from Telegram
		return fmt.Errorf("two processes polled at once %d times", k)
	}
	return nil
}
