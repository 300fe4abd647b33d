package crash_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"rapport"
)

// Sixty-four writers, a reader who does not let go, and a stranger who holds the write lock longer than anybody
// waits for it: no update is lost, and who was refused was told so cleanly.
func TestCrash_SQLiteIsBusy(t *testing.T) {
	t.Parallel()
	r, _ := base(t)
	r.Messages, r.Latency, r.Window = 0, 0, 50
	h := start(t, r)
	reads := 3 * time.Second
	if long() {
		reads = 30 * time.Second
	}
	// One customer, of whom every writer keeps a line of its own.
	const shared = "/v1/customers/ext:shared"
	status, _, err := h.Ask(t.Context(), http.MethodPut, shared, map[string]any{"name": "Shared"}, nil)
	if err != nil || status != http.StatusCreated {
		t.Fatal(status, err)
	}
	reader, err := h.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type mine struct {
		kept    int // the last value that was answered with 2xx
		sent    []int
		refused int
		wrong   []string
	}
	writers := make([]mine, 64)
	working, stop := context.WithTimeout(t.Context(), reads)
	defer stop()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			m := &writers[w]
			for k := 1; working.Err() == nil; k++ {
				for _, req := range []struct {
					method, path string
					body         any
					want         int
					kept         func()
				}{
					{http.MethodPut, shared, map[string]any{"attributes": map[string]any{fmt.Sprintf("w%d", w): k}}, http.StatusOK, func() { m.kept = k }},
					{http.MethodPost, "/v1/messages", map[string]any{"purpose": "transactional", "template": "crash", "to": map[string]any{"external_id": fmt.Sprintf("b-%d-%d", w, k), "name": "Busy", "data": map[string]any{"n": k},
						"addresses": []any{map[string]any{"channel": "webhook", "address": h.Sinks.Address(rapport.Webhook, w*100_000+k)}}}}, http.StatusAccepted, func() { m.sent = append(m.sent, w*100_000+k) }},
				} {
					status, header, err := h.Ask(t.Context(), req.method, req.path, req.body, nil)
					switch {
					case err == nil && status == req.want:
						req.kept()
					case err == nil && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) && header.Get("Retry-After") != "":
						m.refused++
					default:
						m.wrong = append(m.wrong, fmt.Sprintf("%s %s: %d %v", req.method, req.path, status, err))
					}
				}
			}
		})
	}
	// Half way through, somebody with a tool of their own takes the write lock and thinks.
	time.Sleep(reads / 3)
	locked := 6 * time.Second // longer than the busy time-out of 5 s
	if err := h.Lock(t.Context(), locked); err != nil {
		t.Error(err)
	}
	all.Wait()
	if err := reader(); err != nil {
		t.Error(err)
	}
	if err := h.Finished(t.Context(), 60*time.Second); err != nil {
		t.Fatal(err)
	}
	var now struct{ Attributes map[string]any }
	if status, _, err := h.Ask(t.Context(), http.MethodGet, shared, nil, &now); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	updates, messages, refused, lost := 0, 0, 0, 0
	for w, m := range writers {
		refused += m.refused
		updates += m.kept
		have, _ := now.Attributes[fmt.Sprintf("w%d", w)].(float64)
		if int(have) < m.kept {
			t.Errorf("writer %d was told that %d is kept, and %v is", w, m.kept, have)
			lost++
		}
		for _, n := range m.sent {
			messages++
			if c := h.Sinks.Count(rapport.Webhook, h.Sinks.Address(rapport.Webhook, n)); c != 1 {
				t.Errorf("message %d was accepted and came %d times", n, c)
				lost++
			}
		}
		for _, s := range m.wrong {
			t.Error(s)
		}
	}
	t.Logf("crash: %s: seed %d: 64 writers for %v beside one reader, the write lock held by a stranger for %v: %d updates and %d messages kept, %d refused cleanly, %d lost", t.Name(), r.Seed, reads, locked, updates, messages, refused, lost)
	if messages == 0 || updates == 0 {
		t.Error("nothing was written")
	}
}
