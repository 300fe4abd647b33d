package store

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

// Forty urgent and four other transactions wait behind one: the urgent pass, but not for ever.
func TestTurn_UrgentFirstButFair(t *testing.T) {
	t.Parallel()
	var turns turn
	if err := turns.take(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var order []bool
	var all sync.WaitGroup
	waiting := func() int {
		turns.mu.Lock()
		defer turns.mu.Unlock()
		return len(turns.lines[0]) + len(turns.lines[1])
	}
	for i := range 44 {
		all.Go(func() {
			if err := turns.take(t.Context(), i >= 4); err != nil {
				t.Error(err)
			}
			mu.Lock()
			order = append(order, i >= 4)
			mu.Unlock()
			turns.leave()
		})
		for waiting() != i+1 {
			time.Sleep(time.Millisecond)
		}
	}
	turns.leave()
	all.Wait()
	var others []int
	for i, urgent := range order {
		if !urgent {
			others = append(others, i)
		}
	}
	if want := []int{fairAfter, 2*fairAfter + 1, 42, 43}; !slices.Equal(others, want) {
		t.Errorf("the others had their turn at %v, want %v", others, want)
	}
}

// Whoever gives up waiting keeps nobody out.
func TestTurn_GivingUpLosesNoTurn(t *testing.T) {
	t.Parallel()
	var turns turn
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*50*time.Microsecond)
			defer cancel()
			if turns.take(ctx, i%3 == 0) == nil {
				time.Sleep(20 * time.Microsecond)
				turns.leave()
			}
		})
	}
	all.Wait()
	if turns.busy || len(turns.lines[0])+len(turns.lines[1]) > 0 {
		t.Errorf("left over: %+v", turns.lines)
	}
	if err := turns.take(t.Context(), false); err != nil {
		t.Error(err)
	}
}
