package crash

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rapport"
)

// Callers send single messages while a campaign goes out, each under an Idempotency-Key of its own, and ask
// again with the same key until they get a 202. Their messages go to a webhook receiver of their own, so
// that the campaign's figures stay apart.
type Callers struct {
	h       *Harness
	hook    *Hook
	url     string
	server  *http.Server
	cancel  context.CancelFunc
	clients sync.WaitGroup
	next    atomic.Int64

	mu        sync.Mutex
	answers   []answer
	broken    []error
	campaigns []string
	each      int // recipients of each of them
}

// answer is one answer of the API.
type answer struct {
	at     time.Time
	took   time.Duration
	status int
}

// patience is how long an answer may take, whatever is broken behind the API.
const patience = 20 * time.Second

// StartCallers sets clients going, each with a request every so often. Stop it, then Check it.
func (h *Harness) StartCallers(clients int, every time.Duration) (*Callers, error) {
	l, err := h.newCallers()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	for range clients {
		l.clients.Go(func() {
			for ctx.Err() == nil {
				l.one(ctx)
				_ = pause(ctx, every)
			}
		})
	}
	return l, nil
}

func (h *Harness) newCallers() (*Callers, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hookSecret, "whsec_"))
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Callers{h: h, hook: &Hook{key: key, byPath: map[string]int{}, byID: map[string]int{}, pathOf: map[string]string{}}, url: "http://" + listener.Addr().String(), cancel: func() {}}
	l.server = &http.Server{Handler: l.hook, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = l.server.Serve(listener) }()
	return l, nil
}

// person is a recipient of the load, by the path where they are reached.
func (l *Callers) person(path string) map[string]any {
	return map[string]any{"external_id": path, "name": "Caller", "data": map[string]any{"n": path},
		"addresses": []any{map[string]any{"channel": rapport.Webhook, "address": l.url + path}}}
}

// one sends one message, again and again until it is taken.
func (l *Callers) one(ctx context.Context) {
	n := l.next.Add(1)
	path := fmt.Sprintf("/s/%d", n)
	l.insist("/v1/messages", path, map[string]any{"purpose": "transactional", "template": "crash", "to": l.person(path)})
}

// Campaign sends an inline campaign of n recipients under one Idempotency-Key, until it is taken.
func (l *Callers) Campaign(name string, n int) {
	people := make([]any, n)
	for i := range people {
		people[i] = l.person(fmt.Sprintf("/c/%s/%d", name, i))
	}
	l.mu.Lock()
	l.campaigns, l.each = append(l.campaigns, name), n
	l.mu.Unlock()
	l.insist("/v1/campaigns", name, map[string]any{"name": name, "purpose": "transactional", "template": "crash", "audience": map[string]any{"customers": people}})
}

// insist repeats one request under one key until a 202 comes. What is neither that nor a refusal that says
// when to come again is a breach.
func (l *Callers) insist(path, key string, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		l.breach("%w", err)
		return
	}
	client := &http.Client{Timeout: patience}
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); {
		req, err := http.NewRequest(http.MethodPost, l.h.url+path, bytes.NewReader(raw))
		if err != nil {
			l.breach("%w", err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+l.h.key)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
		begin := time.Now()
		resp, err := client.Do(req)
		if err != nil {
			l.breach("%s got no answer within %v: %w", key, time.Since(begin).Round(time.Millisecond), err)
			return
		}
		said, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			l.breach("the answer to %s broke off: %w", key, err)
			return
		}
		l.mu.Lock()
		l.answers = append(l.answers, answer{begin, time.Since(begin), resp.StatusCode})
		l.mu.Unlock()
		switch resp.StatusCode {
		case http.StatusAccepted:
			return
		case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusConflict:
			if resp.Header.Get("Retry-After") == "" {
				l.breach("%s was refused with %s and no Retry-After: %.300s", key, resp.Status, said)
			}
		default:
			l.breach("%s was answered with %s: %.300s", key, resp.Status, said)
			return
		}
		time.Sleep(200 * time.Millisecond) // sooner than Retry-After asks: more requests meet the fault
	}
	l.breach("%s was refused for three minutes", key)
}

func (l *Callers) breach(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.broken) < 20 {
		l.broken = append(l.broken, fmt.Errorf(format, args...))
	}
}

// Stop lets each client end the message it is at.
func (l *Callers) Stop() {
	l.cancel()
	l.clients.Wait()
}

// Close ends the receiver.
func (l *Callers) Close() { _ = l.server.Close() }

// P99 is how long the slowest hundredth of the messages taken between two times waited for their 202, and
// how many these messages were.
func (l *Callers) P99(from, to time.Time) (p99 time.Duration, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var took []time.Duration
	for _, a := range l.answers {
		if a.status == http.StatusAccepted && !a.at.Before(from) && a.at.Before(to) {
			took = append(took, a.took)
		}
	}
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	return took[len(took)*99/100], len(took)
}

// Refusals counts the answers that were none, and tells the slowest answer of all.
func (l *Callers) Refusals() (byStatus map[int]int, slowest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	byStatus = map[int]int{}
	for _, a := range l.answers {
		if a.status != http.StatusAccepted {
			byStatus[a.status]++
		}
		slowest = max(slowest, a.took)
	}
	return byStatus, slowest
}

// Check waits until every message that was taken has arrived, and demands that each came once, that each
// key made one campaign, and that every refusal was a proper one.
func (l *Callers) Check(ctx context.Context) error {
	l.mu.Lock()
	broken := slices.Clone(l.broken)
	names, each := slices.Clone(l.campaigns), l.each
	l.mu.Unlock()
	if len(broken) > 0 {
		return errors.Join(broken...)
	}
	var paths []string
	for n := range l.next.Load() {
		paths = append(paths, fmt.Sprintf("/s/%d", n+1))
	}
	for _, name := range names {
		for i := range each {
			paths = append(paths, fmt.Sprintf("/c/%s/%d", name, i))
		}
	}
	missing := ""
	err := l.h.until(ctx, 45*time.Second, "every message that got a 202 arrives", func() (bool, error) {
		for _, p := range paths {
			if l.hook.Count(p) == 0 {
				missing = p
				return false, pause(ctx, 100*time.Millisecond)
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("%w; not yet %s: %s", err, missing, l.explain(ctx, missing))
	}
	db, err := l.h.database()
	if err != nil {
		return err
	}
	defer db.Close()
	if err := l.keys(ctx, db, names, each); err != nil {
		return err
	}
	for _, p := range paths {
		if n := l.hook.Count(p); n != 1 {
			broken = append(broken, fmt.Errorf("%s arrived %d times", p, n))
		}
	}
	return errors.Join(append(broken, l.hook.Err())...)
}

// explain tells how a message that does not arrive stands in the database.
func (l *Callers) explain(ctx context.Context, path string) string {
	db, err := l.h.database()
	if err != nil {
		return err.Error()
	}
	defer db.Close()
	var state, attempt, due, owner, batchOwner, batchDue int64
	var reason string
	err = db.QueryRowContext(ctx, `SELECT m.state, m.reason, m.attempt, m.due_at, m.owner, coalesce(b.owner, -1), coalesce(b.due_at, -1) FROM messages m
		JOIN addresses a ON a.id = m.address_id LEFT JOIN batches b ON b.id = m.batch_id WHERE a.address = $1`, l.url+path).Scan(&state, &reason, &attempt, &due, &owner, &batchOwner, &batchDue)
	if err != nil {
		return err.Error()
	}
	now := time.Now().UnixMilli()
	return fmt.Sprintf("it is %v (%s) at attempt %d of %d, due %d ms ago; its batch belongs to %d and was due %d ms ago", rapport.State(state), reason, attempt, owner, now-due, batchOwner, now-batchDue)
}

// keys demands one campaign for each key, with each recipient once, and waits for the end of all of them.
func (l *Callers) keys(ctx context.Context, db *sql.DB, names []string, each int) error {
	var open int
	err := l.h.until(ctx, 30*time.Second, "every campaign of the load ends and no refused audience is left", func() (bool, error) {
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM campaigns WHERE name <> 'crash' AND status <> 'finished'`).Scan(&open)
		return open == 0, err
	})
	if err != nil {
		var status, kind string
		var left, batches int
		_ = db.QueryRowContext(ctx, `SELECT status, kind, (SELECT count(*) FROM messages m WHERE m.campaign_id = c.id AND m.state IN (1, 2, 3)), (SELECT count(*) FROM batches b WHERE b.campaign_id = c.id)
			FROM campaigns c WHERE name <> 'crash' AND status <> 'finished'`).Scan(&status, &kind, &left, &batches)
		return fmt.Errorf("%w; %d are open, one is a %s that is %s, with %d messages not at an end and %d batches", err, open, kind, status, left, batches)
	}
	for _, name := range names {
		var campaigns, rows int
		if err := db.QueryRowContext(ctx, `SELECT count(DISTINCT c.id), count(m.id) FROM campaigns c LEFT JOIN messages m ON m.campaign_id = c.id WHERE c.name = $1`, name).Scan(&campaigns, &rows); err != nil {
			return err
		}
		if campaigns != 1 || rows != each {
			return fmt.Errorf("the key of %s made %d campaigns with %d rows, instead of one with %d", name, campaigns, rows, each)
		}
	}
	var rows int64
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM messages m JOIN campaigns c ON c.id = m.campaign_id WHERE c.kind = 'message'`).Scan(&rows); err != nil {
		return err
	}
	if rows != l.next.Load() {
		return fmt.Errorf("%d keys made %d messages", l.next.Load(), rows)
	}
	return nil
}

// LostHints is how many wake-ups the processes could not hand to Redis since they started.
func (h *Harness) LostHints() (lost int, err error) {
	for _, p := range h.procs {
		resp, err := http.Get("http://" + p.door + "/metrics")
		if err != nil {
			return 0, err
		}
		said, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return 0, err
		}
		_, rest, ok := strings.Cut(string(said), "\nrapport_hints_lost_total ")
		text, _, _ := strings.Cut(rest, "\n")
		n, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return 0, fmt.Errorf("%s tells no lost hints: %q", p.name, text)
		}
		lost += int(n)
	}
	return lost, nil
}

// Hinting waits until no hint has been lost for two seconds, in which the callers gave reason for many, and
// tells how long after since that began.
func (h *Harness) Hinting(ctx context.Context, since time.Time) (time.Duration, error) {
	last, err := h.LostHints()
	if err != nil {
		return 0, err
	}
	calm := since
	err = h.until(ctx, time.Minute, "hints arrive again", func() (bool, error) {
		n, err := h.LostHints()
		if n != last {
			last, calm = n, time.Now()
		}
		return time.Since(calm) >= 2*time.Second, err
	})
	return calm.Sub(since), err
}

// Meter notes the sinks' total all the time, for rates.
type Meter struct {
	h    *Harness
	stop context.CancelFunc
	done sync.WaitGroup
	mu   sync.Mutex
	seen []mark
}

type mark struct {
	at    time.Time
	total int
}

// StartMeter begins to note.
func (h *Harness) StartMeter() *Meter {
	ctx, cancel := context.WithCancel(context.Background())
	m := &Meter{h: h, stop: cancel}
	m.done.Go(func() {
		for ctx.Err() == nil {
			m.mu.Lock()
			m.seen = append(m.seen, mark{time.Now(), h.Sinks.Total()})
			m.mu.Unlock()
			_ = pause(ctx, 100*time.Millisecond)
		}
	})
	return m
}

// Stop ends the noting.
func (m *Meter) Stop() { m.stop(); m.done.Wait() }

// Rate is messages a second between two times.
func (m *Meter) Rate(from, to time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var first, last mark
	for _, s := range m.seen {
		if s.at.Before(from) || first.at.IsZero() {
			first = s
		}
		if !s.at.After(to) {
			last = s
		}
	}
	if d := last.at.Sub(first.at).Seconds(); d > 0 {
		return float64(last.total-first.total) / d
	}
	return 0
}

// Recovered waits until the rate of the last two seconds is at least share of what it was, and tells how long after
// over that took: 0 when it had not fallen from the fault to the campaign's end, which may come before over. It fails
// when the campaign ended slower: nothing would be proved.
func (m *Meter) Recovered(ctx context.Context, fault, over time.Time, was, share float64) (after time.Duration, err error) {
	err = m.h.until(ctx, time.Minute, "the full rate is back", func() (bool, error) {
		now := time.Now()
		if m.h.Sinks.Total() >= m.h.Messages {
			if m.Rate(fault, m.full()) < share*was {
				return false, errors.New("the campaign ended before the full rate was back: it is too small to tell")
			}
			return true, nil
		}
		from := now.Add(-2 * time.Second)
		if from.Before(over) || m.Rate(from, now) < share*was {
			return false, nil
		}
		after = max(0, time.Since(over)-2*time.Second) // the window itself is no delay
		return true, nil
	})
	return after, err
}

// full is when the sinks had everything.
func (m *Meter) full() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.seen {
		if s.total >= m.h.Messages {
			return s.at
		}
	}
	return time.Now()
}

// FirstAfter waits for the first message that arrives after a moment at which the database was back, without
// those that were on the wire before it went, and tells how long that took.
func (h *Harness) FirstAfter(ctx context.Context, up time.Time) (time.Duration, error) {
	// A message counts half way through the latency: what comes later than that was claimed after up.
	if err := pause(ctx, time.Until(up.Add(h.Latency/2))); err != nil {
		return 0, err
	}
	before := h.Sinks.Total()
	err := h.until(ctx, time.Minute, "something is sent again", func() (bool, error) { return h.Sinks.Total() > before, nil })
	return max(0, time.Since(up)-h.Latency/2), err
}
