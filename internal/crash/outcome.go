package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"rapport"
)

// Ask is one request to the API, for scenarios that look at the answer itself. in may be nil; out gets the body
// when it is JSON.
func (h *Harness) Ask(ctx context.Context, method, path string, in, out any) (status int, header http.Header, err error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return 0, nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, h.url+path, body)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err == nil && out != nil && len(said) > 0 {
		err = json.Unmarshal(said, out)
	}
	return resp.StatusCode, resp.Header, err
}

// Sends starts an inline campaign to these addresses of one channel, a customer each.
func (h *Harness) Sends(ctx context.Context, name string, purpose rapport.Purpose, ch rapport.Channel, addresses ...string) error {
	people := make([]any, len(addresses))
	for i, a := range addresses {
		people[i] = map[string]any{"external_id": fmt.Sprintf("%s-%d", name, i), "name": "Recipient", "data": map[string]any{"n": i},
			"addresses": []any{map[string]any{"channel": ch, "address": a}},
			"consents":  []any{map[string]any{"channel": ch, "purpose": "marketing", "topic": "crash", "granted": true, "source": "test"}}}
	}
	return h.send(ctx, http.MethodPost, "/v1/campaigns", map[string]any{"name": name, "purpose": purpose, "template": "crash", "audience": map[string]any{"customers": people}}, nil)
}

// Outcome is all that became of the message to one address.
type Outcome struct {
	State      rapport.State
	Reason     string
	Waits      time.Duration // until its next attempt, where it is pending
	Tries      []string      // of the attempts that did not simply succeed: "temporary connection_lost"
	Suppressed bool
	Came       int
}

func (o Outcome) String() string {
	return fmt.Sprintf("%s (%s), waits %v, tries [%s], suppressed %t, came %d times", o.State, o.Reason, o.Waits.Round(time.Second), strings.Join(o.Tries, ", "), o.Suppressed, o.Came)
}

// Outcomes is what became of every message on a channel, by address.
func (h *Harness) Outcomes(ctx context.Context, ch rapport.Channel) (map[string]Outcome, error) {
	db, err := h.database()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	out := map[string]Outcome{}
	rows, err := db.QueryContext(ctx, `SELECT a.address, m.state, m.reason, m.due_at, coalesce(t.verdict, ''), coalesce(t.reason, ''),
		(SELECT count(*) FROM suppressions s WHERE s.channel = a.channel AND s.address = a.address)
		FROM messages m JOIN addresses a ON a.id = m.address_id LEFT JOIN attempts t ON t.message_id = m.id
		WHERE m.channel = $1 ORDER BY m.id, t.attempt, t.at`, string(ch))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var address, verdict, why string
		var due int64
		var suppressed int
		var o Outcome
		if err := rows.Scan(&address, &o.State, &o.Reason, &due, &verdict, &why, &suppressed); err != nil {
			return nil, err
		}
		o.Tries = out[address].Tries
		if verdict != "" {
			o.Tries = append(o.Tries, verdict+" "+why)
		}
		if o.State == rapport.Pending {
			o.Waits = max(0, time.Until(time.UnixMilli(due)))
		}
		o.Suppressed, o.Came = suppressed > 0, h.Sinks.Count(ch, address)
		out[address] = o
	}
	return out, rows.Err()
}

// Wind brings everything that waits for its time forward to now: retries, doubt that is held, pauses. Servers
// that ask for patience ask for five minutes at least, and a test has not got them.
func (h *Harness) Wind(ctx context.Context) error {
	db, err := h.database()
	if err != nil {
		return err
	}
	defer db.Close()
	now := time.Now().UnixMilli()
	for _, q := range []string{`UPDATE messages SET due_at = $1 WHERE state IN (1, 3) AND due_at > $1`,
		`UPDATE batches SET due_at = $1 WHERE due_at > $1`, `UPDATE pauses SET until = $1 WHERE until > $1`} {
		if _, err := db.ExecContext(ctx, q, now); err != nil {
			return fmt.Errorf("winding forward: %w", err)
		}
	}
	return nil
}

// Settled waits until ok says of every outcome on a channel that it is as far as it gets, doing between first when
// it is not nil.
func (h *Harness) Settled(ctx context.Context, ch rapport.Channel, n int, limit time.Duration, between func() error, ok func(Outcome) bool) (out map[string]Outcome, err error) {
	err = h.until(ctx, limit, fmt.Sprintf("all messages by %s are settled", ch), func() (bool, error) {
		if between != nil {
			if err := between(); err != nil {
				return false, err
			}
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return false, err
		}
		var err error
		if out, err = h.Outcomes(ctx, ch); err != nil || len(out) < n {
			return false, err
		}
		for _, o := range out {
			if !ok(o) {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		for a, o := range out {
			if !ok(o) {
				return out, fmt.Errorf("%w; %s is %v", err, a, o)
			}
		}
	}
	return out, err
}

// Finished waits until the API says that every campaign is finished.
func (h *Harness) Finished(ctx context.Context, limit time.Duration) error {
	db, err := h.database()
	if err != nil {
		return err
	}
	defer db.Close()
	return h.until(ctx, limit, "every campaign is finished", func() (bool, error) {
		var open int
		err := db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM campaigns WHERE status <> 'finished') + (SELECT count(*) FROM batches)`).Scan(&open)
		return open == 0, err
	})
}

// Doubt brings forward doubt that nobody can settle, where the run is impatient.
func (h *Harness) Doubt(ctx context.Context) func() error {
	return func() error { return h.wind(ctx) }
}
