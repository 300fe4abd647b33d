package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"rapport"
	"rapport/internal/deadline"
	"rapport/store"
)

// A claim looks whether a message may still be sent, and the claimed ones then wait for a connection: with a slow provider
// longer than a person who said stop should wait. So whoever has waited for long is looked at again, and taken back if the
// address has changed since. Both times together, and what the look takes, stay below a second.
const (
	recallAfter = 300 * time.Millisecond
	recallEvery = 250 * time.Millisecond
)

// recalled is the reason of an attempt that was taken back.
const recalled = "recalled"

// waiting are the messages that were handed to a provider and of which no byte has left.
type waiting struct {
	mu sync.Mutex
	by map[rapport.ID]wait
}

type wait struct {
	since time.Time
	ctx   *deadline.Context // of the send
}

func (w *waiting) begin(id rapport.ID, ctx *deadline.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil {
		w.by = map[rapport.ID]wait{}
	}
	w.by[id] = wait{time.Now(), ctx}
}

// end is called when a message is about to leave, or will not.
func (w *waiting) end(id rapport.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.by, id)
}

// long lists those that have waited since before a time.
func (w *waiting) long(before time.Time) (ids []rapport.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, x := range w.by {
		if x.since.Before(before) {
			ids = append(ids, id)
		}
	}
	return ids
}

// recall ends those sends that still wait. Their context says so.
func (w *waiting) recall(ids []rapport.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if x, ok := w.by[id]; ok {
			x.ctx.End()
			delete(w.by, id)
		}
	}
}

// recallLoop takes back what must not leave any more, until ctx ends.
func (g *Gateway) recallLoop(ctx context.Context) {
	tick := time.NewTicker(recallEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for ids := range slices.Chunk(g.waiting.long(time.Now().Add(-recallAfter)), store.MaxRows) {
			overtaken, err := g.Store.Overtaken(ctx, ids)
			if err != nil {
				if ctx.Err() == nil {
					g.Log.Warn("looking whether what waits may still leave", "error", err)
				}
				break
			}
			g.waiting.recall(overtaken)
		}
	}
}
