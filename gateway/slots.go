package gateway

import (
	"sync"
	"time"
)

// window is a provider's slots in one lane. It hands them out to one batch at a time, least of them at
// once: a claim of a few rows costs as much as one of many.
type window struct {
	size, least int
	turn        sync.Mutex    // who holds it is next
	freed       chan struct{} // a slot was given back since somebody looked

	mu   sync.Mutex
	used int
}

func newWindow(size, least int) *window {
	return &window{size: size, least: least, freed: make(chan struct{}, 1)}
}

// take waits for slots and takes up to most. It waits for the least no longer than linger once one is free.
func (w *window) take(most int) int {
	w.turn.Lock()
	defer w.turn.Unlock()
	least := min(w.least, most)
	var limit <-chan time.Time
	for {
		w.mu.Lock()
		n := min(w.size-w.used, most)
		if n >= least {
			w.used += n
			w.mu.Unlock()
			return n
		}
		w.mu.Unlock()
		if n > 0 && limit == nil {
			limit = time.After(linger)
		}
		select {
		case <-w.freed:
		case <-limit:
			least = 1
		}
	}
}

// give returns n of them.
func (w *window) give(n int) {
	if n == 0 {
		return
	}
	w.mu.Lock()
	w.used -= n
	w.mu.Unlock()
	select {
	case w.freed <- struct{}{}:
	default:
	}
}
