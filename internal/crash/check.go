package crash

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
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
	again      map[rapport.Channel]int // Duplicates and Repeated, by channel
	Moves      int                     // of messages from state to state that were replayed
	Settled    time.Duration           // after the last kill, until only held doubt was left
	Finished   time.Duration
	First      Spread // from a restart to the first message after it
	Orphaned   Spread // from a kill until a row that was being sent was declared doubtful or sent again
	Exits      Spread // from SIGTERM to the end of the process
}

// What a run must keep to, besides losing nothing.
const (
	firstLimit  = 2 * time.Second  // Verdict.First, each
	sharedLimit = 15 * time.Second // the same beside other scenarios: only make sure that it comes
	orphanLimit = 15 * time.Second // Verdict.Orphaned, 99 of 100
	exitLimit   = time.Minute      // Verdict.Exits, each
)

// String is the line of figures.
func (v Verdict) String() string {
	return fmt.Sprintf("lost %d, duplicates %d, repeated webhooks %d, unknown %d (%d of them had arrived), arrived %d, %d moves replayed", v.Lost, v.Duplicates, v.Repeated, v.Unknown, v.Proven, v.Arrived, v.Moves)
}

// Summary is the one line that a run prints.
func (h *Harness) Summary(name string, v Verdict) string {
	engine := h.engine()
	if h.Database != "" {
		engine = fmt.Sprintf("postgres, %d workers", h.Workers)
	}
	line := fmt.Sprintf("crash: %s on %s: seed %d, %d messages, %d faults: %s; settled after %v, finished after %v", name, engine, h.Seed, h.Messages, h.Kills, v,
		v.Settled.Round(time.Millisecond), v.Finished.Round(time.Millisecond))
	for _, x := range []struct {
		what string
		took Spread
	}{{"first send after a restart", v.First}, {"rows of the dead in doubt", v.Orphaned}, {"exit", v.Exits}} {
		if len(x.took) > 0 {
			line += fmt.Sprintf("; %s %v", x.what, x.took)
		}
	}
	return line
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
	var left int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM messages m WHERE m.state = 2 AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = m.owner AND w.dead = 0)`).Scan(&left)
	if err != nil {
		return v, err
	}
	if left != 0 {
		breach("%d rows are still being sent by the dead", left)
	}
	if v.Moves, err = h.replay(ctx, db, breach); err != nil {
		return v, err
	}
	if v.Orphaned, err = h.orphaned(ctx, db); err != nil {
		return v, err
	}
	v.First, v.Exits = h.first, h.exits
	first := firstLimit
	if h.Shared {
		first = sharedLimit
	}
	if worst := v.First.At(1); worst > first {
		breach("the first send after a restart came after %v", worst)
	}
	if worst := v.Orphaned.At(0.99); worst > orphanLimit {
		breach("rows of the dead waited %v to be declared doubtful", worst)
	}
	if worst := v.Exits.At(1); worst > exitLimit {
		breach("a process ended %v after SIGTERM", worst)
	}
	sent := states[rapport.Sent] + states[rapport.Delivered]
	if total := h.Sinks.Total(); total != v.Arrived || total != sent-v.Lost+v.Proven+v.Duplicates+v.Repeated {
		breach("%d arrived in all, %d at recipients; %d are sent, %d unknown were proven, %d came twice", total, v.Arrived, sent, v.Proven, v.Duplicates+v.Repeated)
	}
	if v.Lost > 0 {
		breach("%d are lost", v.Lost)
	}
	// What nobody can be asked about is sent again when it is transactional, and held when it is marketing.
	bound := h.Window * h.Kills
	for _, ch := range channels {
		resends := ch == rapport.Webhook || ch != rapport.SMS && h.Purpose == rapport.Transactional
		switch n := v.again[ch]; {
		case !resends && n > 0:
			breach("%d by %s arrived twice, and nothing of that may be sent again", n, ch)
		case n > bound:
			breach("%d by %s arrived again, more than window × faults = %d", n, ch, bound)
		}
	}
	if dropped := h.Sinks.Hook.Repeated(); dropped != v.Repeated {
		breach("%d webhooks were repeated, but only %d of them under an id that was known", v.Repeated, dropped)
	}
	if err := h.Sinks.Hook.Err(); err != nil {
		broken = append(broken, err)
	}
	return v, errors.Join(broken...)
}

// rows looks at every recipient of the campaign: one row, at an end, that says what the sink says.
func (h *Harness) rows(ctx context.Context, db *sql.DB, v *Verdict, breach func(string, ...any)) (map[rapport.State]int, error) {
	campaign, err := rapport.KindCampaign.Parse(h.campaign)
	if err != nil {
		return nil, err
	}
	states := map[rapport.State]int{}
	v.again = map[rapport.Channel]int{}
	rows, err := db.QueryContext(ctx, `SELECT a.channel, a.address, m.state, m.reason FROM messages m JOIN addresses a ON a.id = m.address_id WHERE m.campaign_id = $1`, int64(campaign))
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
			if ch == rapport.SMS || ch == rapport.Webhook || h.Purpose == rapport.Transactional {
				breach("%s %s ended as unknown (%s), although it could be asked or repeated", ch, address, reason)
			}
		default:
			breach("%s %s ended as %s (%s), and %d arrived", ch, address, state, reason, n)
		}
		v.again[ch] += max(n-1, 0)
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
	campaign, err := rapport.KindCampaign.Parse(h.campaign)
	if err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, `SELECT what, sum(n) FROM campaign_counts WHERE campaign_id = $1 GROUP BY what`, int64(campaign))
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
