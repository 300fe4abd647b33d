package gateway

import (
	"sync"
	"time"

	"rapport"
)

// window is a provider's slots. A lane may have at most three quarters of them: a campaign that fills its part
// cannot make a password reset wait, nor the other way round. A lane hands its part out to one batch at a time, half
// of it at once if so many are wanted: a claim of a few rows costs as much as one of many.
type window struct {
	size, share int
	turn        [2]sync.Mutex    // by lane: who holds it is next
	freed       [2]chan struct{} // by lane: a slot was given back since somebody looked

	mu   sync.Mutex
	used [2]int // by lane
}

func newWindow(size int) *window {
	w := &window{size: size, share: max(1, size-size/4)}
	for lane := range w.freed {
		w.freed[lane] = make(chan struct{}, 1)
	}
	return w
}

// take waits for slots and takes up to most. Once one is free it waits for more no longer than linger.
func (w *window) take(lane rapport.Lane, most int) int {
	w.turn[lane].Lock()
	defer w.turn[lane].Unlock()
	least := min(max(1, w.share/2), most)
	var limit <-chan time.Time
	for {
		w.mu.Lock()
		n := min(w.size-w.used[0]-w.used[1], w.share-w.used[lane], most)
		if n >= least {
			w.used[lane] += n
			w.mu.Unlock()
			return n
		}
		w.mu.Unlock()
		if n > 0 && limit == nil {
			limit = time.After(linger)
		}
		select {
		case <-w.freed[lane]:
		case <-limit:
			least = 1
		}
	}
}

// give returns n of them.
func (w *window) give(lane rapport.Lane, n int) {
	if n == 0 {
		return
	}
	w.mu.Lock()
	w.used[lane] -= n
	w.mu.Unlock()
	for _, freed := range w.freed {
		select {
		case freed <- struct{}{}:
		default:
		}
	}
}
