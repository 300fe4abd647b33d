package store

import (
	"context"
	"sync"
)

// fairAfter is how many urgent transactions may pass one that is not.
const fairAfter = 16

// turn lets the transactions of SQLite's one writer pass one at a time, urgent ones first: behind a campaign's pages
// each step of a single message would wait for several of them.
type turn struct {
	mu     sync.Mutex
	busy   bool
	lines  [2][]chan struct{} // who waits: the others, and the urgent
	passed int                // urgent ones in a row, while others wait
}

// take waits until it is the caller's turn, or ctx ends.
func (t *turn) take(ctx context.Context, urgent bool) error {
	t.mu.Lock()
	if !t.busy {
		t.busy = true
		t.mu.Unlock()
		return nil
	}
	line, mine := bit(urgent), make(chan struct{})
	t.lines[line] = append(t.lines[line], mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	for i, c := range t.lines[line] {
		if c == mine {
			t.lines[line] = append(t.lines[line][:i], t.lines[line][i+1:]...)
			t.mu.Unlock()
			return ctx.Err()
		}
	}
	t.mu.Unlock()
	t.leave() // it had become our turn in the meantime
	return ctx.Err()
}

// leave lets the next one in.
func (t *turn) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := bit(len(t.lines[1]) > 0 && (t.passed < fairAfter || len(t.lines[0]) == 0))
	if len(t.lines[line]) == 0 {
		t.busy = false
		return
	}
	if t.passed++; line == 0 {
		t.passed = 0
	}
	close(t.lines[line][0])
	t.lines[line] = t.lines[line][1:]
}
