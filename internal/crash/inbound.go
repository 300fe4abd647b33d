package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"rapport"
)

// Inbound is how many answers come in, from how many customers' systems, and how often each is sent.
type Inbound struct {
	Events, Customers, Copies int
	Callers                   int // at once
	Kills                     int // of the process that takes them, spread over all
}

// Answered is when each answer was first sent, and when it was first taken.
type Answered struct {
	Inbound
	Retries atomic.Int64 // requests that were not answered with yes
	first   []time.Time
	taken   []time.Time
	mu      sync.Mutex
}

// Answer sends every copy of every answer in a shuffled order, each until it is taken, as a customer's system does, and
// kills who takes them meanwhile.
func (h *Harness) Answer(ctx context.Context, in Inbound) (*Answered, error) {
	a := &Answered{Inbound: in, first: make([]time.Time, in.Events), taken: make([]time.Time, in.Events)}
	order := make([]int, 0, in.Events*in.Copies)
	for i := range cap(order) {
		order = append(order, i%in.Events)
	}
	draw := rand.New(rand.NewPCG(h.Seed, 10_000))
	draw.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var next atomic.Int64
	var callers sync.WaitGroup
	errs := make([]error, in.Callers+1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for c := range in.Callers {
		callers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(order) {
					return
				}
				if errs[c] = h.answer(ctx, a, order[i]); errs[c] != nil {
					cancel()
					return
				}
			}
		})
	}
	callers.Go(func() {
		for k := range in.Kills {
			share := int64(len(order)) * int64(k+1) / int64(in.Kills+1)
			for next.Load() < share {
				if pause(ctx, time.Millisecond) != nil {
					return
				}
			}
			h.procs[0].kill()
			h.Kills++
			if err := h.procs[0].start(); err != nil {
				errs[in.Callers] = err
				cancel()
				return
			}
		}
	})
	callers.Wait()
	return a, errors.Join(errs...)
}

// answer sends one copy until it is taken.
func (h *Harness) answer(ctx context.Context, a *Answered, event int) error {
	body := fmt.Sprintf(`{"from":%q,"text":"answer %d"}`, h.Sinks.Address(rapport.Webhook, 3+4*(event%a.Customers)), event)
	for {
		now := time.Now()
		a.mu.Lock()
		if a.first[event].IsZero() {
			a.first[event] = now
		}
		a.mu.Unlock()
		status, err := h.Callback(ctx, "/in/webhook/hook", h.Sinks.SignedReply(fmt.Sprintf("evt_%d", event), now, body), body)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && status < 300:
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.taken[event].IsZero() {
				a.taken[event] = time.Now()
			}
			return nil
		case err == nil && status < 500 && status != http.StatusTooManyRequests:
			return fmt.Errorf("answer %d was refused: %d", event, status)
		}
		a.Retries.Add(1)
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// Stored demands that each answer is stored once, that each customer's stand in one thread, and that one which was taken
// before another was first sent stands before it. It returns how many pairs of neighbours had to stand as they do.
func (h *Harness) Stored(ctx context.Context, a *Answered) (ordered int, err error) {
	db, err := h.database()
	if err != nil {
		return 0, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT e.address_id, e.thread_id, e.text FROM entries e WHERE e.kind = 'inbound' ORDER BY e.id`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	type line struct {
		thread int64
		latest time.Time // the first send of what stands there already
		last   int       // the newest
	}
	lines := map[int64]*line{}
	seen := make([]int, a.Events)
	for rows.Next() {
		var address, thread int64
		var text string
		var event int
		if err := rows.Scan(&address, &thread, &text); err != nil {
			return 0, err
		}
		if _, err := fmt.Sscanf(text, "answer %d", &event); err != nil || event >= a.Events {
			return 0, fmt.Errorf("nobody wrote %q", text)
		}
		seen[event]++
		l := lines[address]
		if l == nil {
			l = &line{thread: thread, last: -1}
			lines[address] = l
		}
		if l.thread != thread {
			return 0, fmt.Errorf("answer %d stands in a second thread of its address", event)
		}
		if a.taken[event].Before(l.latest) {
			return 0, fmt.Errorf("answer %d was taken before another was sent that stands above it", event)
		}
		if l.last >= 0 && a.taken[l.last].Before(a.first[event]) {
			ordered++
		}
		if a.first[event].After(l.latest) {
			l.latest = a.first[event]
		}
		l.last = event
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	for event, n := range seen {
		if n != 1 {
			return 0, fmt.Errorf("answer %d is stored %d times", event, n)
		}
	}
	var events, threads, customers int
	err = db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM inbound WHERE provider = 'hook'), (SELECT count(*) FROM threads), (SELECT count(*) FROM customers)`).Scan(&events, &threads, &customers)
	if err == nil && (events != a.Events || threads != a.Customers || customers != a.Customers || len(lines) != a.Customers) {
		err = fmt.Errorf("%d events, %d threads, %d customers, %d addresses that wrote; there were %d events of %d", events, threads, customers, len(lines), a.Events, a.Customers)
	}
	return ordered, err
}
