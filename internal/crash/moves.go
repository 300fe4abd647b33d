package crash

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport"
)

// witnesses make the run's own database write down every move of every message, so that the checker can replay
// them: a state that moved back and forth again between two looks would be seen by nobody else. Workers are
// kept too, because the product forgets the dead. old is 0 for a new row, new is 0 for one that was deleted.
func witnesses(engine string) []string {
	if engine == "postgres" {
		return []string{
			`CREATE TABLE crash_workers (id BIGINT PRIMARY KEY, name TEXT NOT NULL)`,
			`CREATE TABLE crash_moves (n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id BIGINT NOT NULL, old SMALLINT NOT NULL, new SMALLINT NOT NULL,
				tried SMALLINT NOT NULL, attempt SMALLINT NOT NULL, owner BIGINT NOT NULL, at BIGINT NOT NULL)`,
			`CREATE FUNCTION crash_worker() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO crash_workers VALUES (NEW.id, NEW.name); RETURN NULL; END $$`,
			`CREATE FUNCTION crash_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				INSERT INTO crash_moves (id, old, new, tried, attempt, owner, at) VALUES (coalesce(NEW.id, OLD.id), coalesce(OLD.state, 0), coalesce(NEW.state, 0),
					coalesce(OLD.attempt, 0), coalesce(NEW.attempt, 0), coalesce(OLD.owner, 0), (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
				RETURN NULL; END $$`,
			`CREATE TRIGGER crash_worker AFTER INSERT ON workers FOR EACH ROW EXECUTE FUNCTION crash_worker()`,
			`CREATE TRIGGER crash_ends AFTER INSERT OR DELETE ON messages FOR EACH ROW EXECUTE FUNCTION crash_move()`,
			`CREATE TRIGGER crash_move AFTER UPDATE OF state, attempt ON messages FOR EACH ROW
				WHEN (OLD.state <> NEW.state OR OLD.attempt <> NEW.attempt) EXECUTE FUNCTION crash_move()`,
		}
	}
	const note, now = `INSERT INTO crash_moves (id, old, new, tried, attempt, owner, at) VALUES `, `CAST(unixepoch('subsec') * 1000 AS INTEGER)`
	return []string{
		`CREATE TABLE crash_workers (id INTEGER PRIMARY KEY, name TEXT NOT NULL)`,
		`CREATE TABLE crash_moves (n INTEGER PRIMARY KEY, id INTEGER NOT NULL, old INTEGER NOT NULL, new INTEGER NOT NULL,
			tried INTEGER NOT NULL, attempt INTEGER NOT NULL, owner INTEGER NOT NULL, at INTEGER NOT NULL)`,
		`CREATE TRIGGER crash_worker AFTER INSERT ON workers BEGIN INSERT INTO crash_workers VALUES (NEW.id, NEW.name); END`,
		`CREATE TRIGGER crash_begins AFTER INSERT ON messages BEGIN ` + note + `(NEW.id, 0, NEW.state, 0, NEW.attempt, 0, ` + now + `); END`,
		`CREATE TRIGGER crash_ends AFTER DELETE ON messages BEGIN ` + note + `(OLD.id, OLD.state, 0, OLD.attempt, 0, OLD.owner, ` + now + `); END`,
		`CREATE TRIGGER crash_move AFTER UPDATE OF state, attempt ON messages WHEN OLD.state <> NEW.state OR OLD.attempt <> NEW.attempt BEGIN ` +
			note + `(NEW.id, OLD.state, NEW.state, OLD.attempt, NEW.attempt, OLD.owner, ` + now + `); END`,
	}
}

// witness makes the migrated database write its moves down.
func (h *Harness) witness(ctx context.Context) error {
	db, err := h.database()
	if err != nil {
		return err
	}
	defer db.Close()
	for _, q := range witnesses(h.engine()) {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("preparing the witness: %w", err)
		}
	}
	return nil
}

func (h *Harness) engine() string {
	if h.Database != "" {
		return "postgres"
	}
	return "sqlite"
}

// move is one of a message. attempt is the one after it, tried the one before.
type move struct {
	id             int64
	old, new       rapport.State
	tried, attempt int
}

func (m move) String() string {
	return fmt.Sprintf("message %d went from %s (attempt %d) to %s (attempt %d)", m.id, m.old, m.tried, m.new, m.attempt)
}

// allowed tells whether a message may make this move, by docs/states.md. A new attempt begins where a waiting
// row is claimed, and nowhere else; within one nothing moves back, and back to pending only from an attempt
// that has not succeeded. Receipts make the moves of rapport.Advance.
func (m move) allowed() bool {
	if m.old == rapport.Pending && m.new == rapport.Sending {
		return m.attempt == m.tried+1
	}
	if m.attempt != m.tried || m.new == m.old || m.new == 0 {
		return false
	}
	to := func(states ...rapport.State) bool { return slices.Contains(states, m.new) }
	switch m.old {
	case 0:
		return to(rapport.Pending, rapport.Skipped, rapport.Expired)
	case rapport.Pending:
		if to(rapport.Skipped, rapport.Expired, rapport.Cancelled) {
			return true
		}
		if m.attempt == 0 {
			return false // nobody can report about what was never tried
		}
	case rapport.Sending:
		if to(rapport.Doubtful, rapport.Pending) {
			return true
		}
	case rapport.Doubtful:
		if to(rapport.Unknown, rapport.Pending) {
			return true
		}
	}
	for _, r := range []rapport.Receipt{rapport.ReceiptSent, rapport.ReceiptDelivered, rapport.ReceiptFailed, rapport.ReceiptBounced, rapport.ReceiptRead} {
		if rapport.Advance(m.old, r) == m.new {
			return true
		}
	}
	return false
}

// replay follows every message from its first row to its last, and holds its moves against the rules and
// against where it stands now. It returns how many moves there were.
func (h *Harness) replay(ctx context.Context, db *sql.DB, breach func(string, ...any)) (moves int, err error) {
	stands := map[int64]rapport.State{}
	rows, err := db.QueryContext(ctx, `SELECT id, state FROM messages`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var s rapport.State
		if err := rows.Scan(&id, &s); err != nil {
			return 0, err
		}
		stands[id] = s
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	wrong := 0
	odd := func(format string, args ...any) {
		if wrong++; wrong <= 10 {
			breach(format, args...)
		}
	}
	var last move
	end := func() {
		if s := stands[last.id]; s != last.new {
			odd("message %d stands at %s, but its last move led to %s", last.id, s, last.new)
		}
		delete(stands, last.id)
	}
	log, err := db.QueryContext(ctx, `SELECT id, old, new, tried, attempt FROM crash_moves ORDER BY id, n`)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	for log.Next() {
		var m move
		if err := log.Scan(&m.id, &m.old, &m.new, &m.tried, &m.attempt); err != nil {
			return 0, err
		}
		if m.id != last.id {
			if moves > 0 {
				end()
			}
			last = move{id: m.id} // nothing, attempt 0
		}
		moves++
		if m.old != last.new || m.tried != last.attempt {
			odd("%v, but it stood at %s (attempt %d)", m, last.new, last.attempt)
		}
		if !m.allowed() {
			odd("%v: no rule allows that", m)
		}
		last = m
	}
	if moves > 0 {
		end()
	}
	for id := range stands {
		odd("message %d is there without a move", id)
	}
	if wrong > 10 {
		breach("in all %d moves were wrong", wrong)
	}
	return moves, log.Err()
}

// workers tells by id which processes the product knew: their pids, the dead too.
func (h *Harness) workers(ctx context.Context, db *sql.DB) (map[int64]int, error) {
	rows, err := db.QueryContext(ctx, `SELECT id, name FROM crash_workers`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64]int{}
	for rows.Next() {
		var id int64
		var name string // host:pid
		if err := rows.Scan(&id, &name); err != nil {
			return nil, err
		}
		if out[id], err = strconv.Atoi(name[strings.LastIndexByte(name, ':')+1:]); err != nil {
			return nil, fmt.Errorf("worker %q: %w", name, err)
		}
	}
	return out, rows.Err()
}

// orphaned is how long rows that a killed process was sending waited until they were declared doubtful or sent
// again.
func (h *Harness) orphaned(ctx context.Context, db *sql.DB) (Spread, error) {
	pids, err := h.workers(ctx, db)
	if err != nil {
		return nil, err
	}
	log, err := db.QueryContext(ctx, `SELECT owner, at FROM crash_moves WHERE old = 2`)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	var out Spread
	for log.Next() {
		var owner, at int64
		if err := log.Scan(&owner, &at); err != nil {
			return nil, err
		}
		if died, ok := h.killed[pids[owner]]; ok {
			if d := time.UnixMilli(at).Sub(died); d > 0 {
				out = append(out, d)
			}
		}
	}
	return out, log.Err()
}

// Spread is how long something took, each time.
type Spread []time.Duration

// At is the duration that the part p of them did not exceed; 0 when there are none.
func (s Spread) At(p float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func (s Spread) String() string {
	if len(s) == 0 {
		return "never"
	}
	at := func(p float64) time.Duration { return s.At(p).Round(time.Millisecond) }
	return fmt.Sprintf("p50 %v p99 %v max %v of %d", at(0.5), at(0.99), at(1), len(s))
}
