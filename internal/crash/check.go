package crash

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx"
	_ "modernc.org/sqlite"             // registers "sqlite"

	"rapport"
)

// database opens the run's database beside the processes: the checker believes rows, not answers.
func (h *Harness) database() (*sql.DB, error) {
	if h.Database != "" {
		return sql.Open("pgx", h.Database)
	}
	return sql.Open("sqlite", "file:"+filepath.Join(h.Dir, "data", "rapport.db")+"?_pragma=busy_timeout(5000)")
}

// wind brings forward the end of doubt that nobody can settle, when Impatient: the shortest hold that can be
// configured is a minute, and a short test would be nothing but that minute.
func (h *Harness) wind(ctx context.Context) error {
	if !h.Impatient {
		return nil
	}
	db, err := h.database()
	if err != nil {
		return err
	}
	defer db.Close()
	now := time.Now().UnixMilli()
	for _, q := range []string{
		`UPDATE messages SET due_at = $1 WHERE state = 3 AND channel IN ('email', 'telegram') AND due_at > $1`,
		`UPDATE batches SET due_at = $1 WHERE what = 'settle' AND channel IN ('email', 'telegram') AND due_at > $1`} {
		if _, err := db.ExecContext(ctx, q, now); err != nil {
			return fmt.Errorf("winding doubt forward: %w", err)
		}
	}
	return nil
}

// Verdict is what the checker found.
type Verdict struct {
	Lost       int // recorded as sent, or not at an end, and never arrived
	Duplicates int // arrivals beyond the first of a recipient, without webhooks
	Repeated   int // the same of webhooks, whose receivers drop what they know
	Unknown    int // ended as unknown
	Proven     int // of them, how many had arrived
	Arrived    int
	Settled    time.Duration // after the last kill, until only held doubt was left
	Finished   time.Duration
}

// String is the line of figures.
func (v Verdict) String() string {
	return fmt.Sprintf("lost %d, duplicates %d, repeated webhooks %d, unknown %d (%d of them had arrived), arrived %d", v.Lost, v.Duplicates, v.Repeated, v.Unknown, v.Proven, v.Arrived)
}

// Summary is the one line that a run prints.
func (h *Harness) Summary(name string, v Verdict) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var worst time.Duration
	if len(h.first) > 0 {
		worst = slices.Max(h.first)
	}
	engine := "sqlite"
	if h.Database != "" {
		engine = fmt.Sprintf("postgres, %d workers", h.Workers)
	}
	return fmt.Sprintf("crash: %s on %s: seed %d, %d messages, %d kills: %s; first send after restart at most %v (of %d), settled after %v, finished after %v",
		name, engine, h.Seed, h.Messages, h.Kills, v, worst.Round(time.Millisecond), len(h.first), v.Settled.Round(time.Millisecond), v.Finished.Round(time.Millisecond))
}

// Accepted checks what Submit was told: one campaign a name with n recipients each, all settled, all arrived.
func (h *Harness) Accepted(ctx context.Context, names []string, n int) (summary string, err error) {
	for _, p := range h.procs {
		if err := p.ready(ctx); err != nil {
			return "", err
		}
	}
	db, err := h.database()
	if err != nil {
		return "", err
	}
	defer db.Close()
	var open int
	err = h.until(ctx, 45*time.Second, "every campaign is finished and every stage discarded", func() (bool, error) {
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM campaigns WHERE status <> 'finished'`).Scan(&open)
		return open == 0, err
	})
	if err != nil {
		return "", fmt.Errorf("%w; %d are open", err, open)
	}
	var broken []error
	for i, name := range names {
		var campaigns, rows, sent int
		err := db.QueryRowContext(ctx, `SELECT count(DISTINCT c.id), count(m.id), count(CASE WHEN m.state IN (4, 5) THEN 1 END)
			FROM campaigns c LEFT JOIN messages m ON m.campaign_id = c.id WHERE c.name = $1`, name).Scan(&campaigns, &rows, &sent)
		if err != nil {
			return "", err
		}
		if campaigns != 1 || rows != n || sent != n {
			broken = append(broken, fmt.Errorf("%s: %d campaigns, %d rows, %d sent of %d", name, campaigns, rows, sent, n))
		}
		for k := range n {
			if h.Sinks.Count(rapport.Webhook, h.Sinks.Address(rapport.Webhook, i*n+k)) == 0 {
				broken = append(broken, fmt.Errorf("recipient %d of %s is lost", k, name))
			}
		}
	}
	if extra := h.Sinks.Total() - n*len(names); extra != h.Sinks.Hook.Repeated() {
		broken = append(broken, fmt.Errorf("%d arrived too much, %d of them under an id that was known", extra, h.Sinks.Hook.Repeated()))
	}
	broken = append(broken, h.Sinks.Hook.Err())
	return fmt.Sprintf("crash: accept: seed %d, %d campaigns of %d in %d requests, %d kills, %d webhooks repeated", h.Seed, len(names), n, h.submits, h.Kills, h.Sinks.Hook.Repeated()), errors.Join(broken...)
}

// Check compares the rows, the API's ledger and the sinks. Every breach is in the error.
func (h *Harness) Check(ctx context.Context) (v Verdict, err error) {
	view, err := h.View(ctx)
	if err != nil {
		return v, err
	}
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
	h.ledger(view, states, breach)
	if err := h.counters(ctx, db, states, breach); err != nil {
		return v, err
	}
	var batches int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM batches`).Scan(&batches); err != nil {
		return v, err
	}
	if batches != 0 {
		breach("%d batches are left", batches)
	}
	sent := states[rapport.Sent] + states[rapport.Delivered]
	if total := h.Sinks.Total(); total != v.Arrived || total != sent-v.Lost+v.Proven+v.Duplicates+v.Repeated {
		breach("%d arrived in all, %d at recipients; %d are sent, %d unknown were proven, %d came twice", total, v.Arrived, sent, v.Proven, v.Duplicates+v.Repeated)
	}
	if v.Lost > 0 {
		breach("%d are lost", v.Lost)
	}
	if v.Duplicates > 0 {
		breach("%d arrived twice where nothing may be sent again", v.Duplicates)
	}
	if bound := h.Window * h.Kills; v.Repeated > bound {
		breach("%d webhooks were repeated, more than window × kills = %d", v.Repeated, bound)
	}
	if dropped := h.Sinks.Hook.Repeated(); dropped != v.Repeated {
		breach("%d webhooks were repeated, but only %d of them under an id that was known", v.Repeated, dropped)
	}
	if err := h.Sinks.Hook.Err(); err != nil {
		broken = append(broken, err)
	}
	return v, errors.Join(broken...)
}

// rows looks at every recipient: one row, at an end, that says what the sink says.
func (h *Harness) rows(ctx context.Context, db *sql.DB, v *Verdict, breach func(string, ...any)) (map[rapport.State]int, error) {
	states := map[rapport.State]int{}
	rows, err := db.QueryContext(ctx, `SELECT a.channel, a.address, m.state, m.reason FROM messages m JOIN addresses a ON a.id = m.address_id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	seen := make(map[string]bool, h.Messages)
	for rows.Next() {
		var ch rapport.Channel
		var address, reason string
		var state rapport.State
		if err := rows.Scan(&ch, &address, &state, &reason); err != nil {
			return nil, err
		}
		states[state]++
		if key := string(ch) + " " + address; seen[key] {
			breach("%s has two rows", key)
		} else {
			seen[key] = true
		}
		n := h.Sinks.Count(ch, address)
		v.Arrived += n
		switch state {
		case rapport.Sent, rapport.Delivered:
			if n == 0 {
				v.Lost++
			}
		case rapport.Unknown:
			v.Unknown++
			v.Proven += min(n, 1)
			if ch == rapport.SMS || ch == rapport.Webhook {
				breach("%s %s ended as unknown (%s), although it could be asked or repeated", ch, address, reason)
			}
		default:
			breach("%s %s ended as %s (%s), and %d arrived", ch, address, state, reason, n)
		}
		if ch == rapport.Webhook {
			v.Repeated += max(n-1, 0)
		} else {
			v.Duplicates += max(n-1, 0)
		}
	}
	if len(seen) != h.Messages {
		breach("%d recipients have a row, %d were accepted", len(seen), h.Messages)
	}
	return states, rows.Err()
}

// ledger holds the API's counts against the rows.
func (h *Harness) ledger(view View, states map[rapport.State]int, breach func(string, ...any)) {
	if view.Status != rapport.CampaignFinished || view.Refused != 0 || view.Counts.Audience != int64(h.Messages) || view.Counts.Planned != int64(h.Messages) {
		breach("the API says %+v", view)
	}
	for _, s := range rapport.States() {
		if n := *view.Counts.Of(s); n != int64(states[s]) {
			breach("the API says %d are %s, the rows say %d", n, s, states[s])
		}
	}
}

// counters holds the counter rows against the rows.
func (h *Harness) counters(ctx context.Context, db *sql.DB, states map[rapport.State]int, breach func(string, ...any)) error {
	rows, err := db.QueryContext(ctx, `SELECT what, sum(n) FROM campaign_counts GROUP BY what`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var what string
		var n int
		if err := rows.Scan(&what, &n); err != nil {
			return err
		}
		if s, ok := rapport.ParseState(what); ok && n != states[s] || what == "planned" && n != h.Messages {
			breach("the counters say %d are %s, the rows say %d", n, what, states[s])
		}
	}
	return rows.Err()
}
