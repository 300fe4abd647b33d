package crash

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"rapport"
)

// Backup runs "rapport backup" beside the running server.
func (h *Harness) Backup(ctx context.Context, file string) error {
	_, err := h.command(ctx, "backup", file)
	return err
}

// Restore kills every process, restores the file and starts them again. SQLite: in place of what is there.
// PostgreSQL: into database, which is empty.
func (h *Harness) Restore(ctx context.Context, file, database string) error {
	for _, p := range h.procs {
		p.kill()
	}
	h.Kills++
	time.Sleep(2 * h.Latency) // what was on the wire arrives
	args := []string{"restore", file}
	if database == "" {
		args = append(args, "--replace")
	} else {
		h.Database = database
		if err := h.configure(); err != nil {
			return err
		}
	}
	if _, err := h.command(ctx, args...); err != nil {
		return err
	}
	for _, p := range h.procs {
		if err := p.start(); err != nil {
			return err
		}
	}
	for _, p := range h.procs {
		if err := p.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Held is what the API says about the quarantine.
type Held struct {
	Active    bool
	Campaigns []struct{ ID string }
	More      bool
}

// Held asks.
func (h *Harness) Held(ctx context.Context) (q Held, err error) {
	err = h.call(ctx, http.MethodGet, "/v1/quarantine", "", nil, &q)
	return q, err
}

// Decide releases, closes or cancels all that is held.
func (h *Harness) Decide(ctx context.Context, verb string) error {
	for {
		var q Held
		if err := h.send(ctx, http.MethodPost, "/v1/quarantine/"+verb, map[string]any{"all": true}, &q); err != nil {
			return err
		}
		if !q.More {
			if q.Active {
				return fmt.Errorf("after %s something is held still: %+v", verb, q)
			}
			return nil
		}
	}
}

// Single sends one message to recipient n, by webhook, and waits until it has arrived.
func (h *Harness) Single(ctx context.Context, n int) error {
	address := h.Sinks.Address(rapport.Webhook, n)
	body := map[string]any{"purpose": "transactional", "template": "crash", "to": map[string]any{"external_id": fmt.Sprintf("r-%d", n), "name": "Recipient", "data": map[string]any{"n": n},
		"addresses": []any{map[string]any{"channel": rapport.Webhook, "address": address}}}}
	if err := h.send(ctx, http.MethodPost, "/v1/messages", body, nil); err != nil {
		return err
	}
	return h.until(ctx, 30*time.Second, "the single message arrives", func() (bool, error) { return h.Sinks.Count(rapport.Webhook, address) > 0, nil })
}

// CheckRestored compares the campaign's rows, after a restore, with what arrived before and after it. released:
// what is pending was sent again knowingly, so that repetitions are counted and are no breach.
func (h *Harness) CheckRestored(ctx context.Context, released bool) (v Verdict, err error) {
	db, err := h.database()
	if err != nil {
		return v, err
	}
	defer db.Close()
	var broken []error
	breach := func(format string, args ...any) { broken = append(broken, fmt.Errorf(format, args...)) }
	states, err := h.rows(ctx, db, &v, breach)
	if err != nil {
		return v, err
	}
	view, err := h.View(ctx)
	if err != nil {
		return v, err
	}
	h.ledger(view, states, breach)
	if err := h.counters(ctx, db, states, breach); err != nil {
		return v, err
	}
	if v.Lost > 0 {
		breach("%d are lost", v.Lost)
	}
	if v.Duplicates > 0 && !released {
		breach("%d arrived twice where nothing may be sent again", v.Duplicates)
	}
	if dropped := h.Sinks.Hook.Repeated(); dropped != v.Repeated {
		breach("%d webhooks were repeated, but only %d of them under an id that was known", v.Repeated, dropped)
	}
	return v, errors.Join(append(broken, h.Sinks.Hook.Err())...)
}
