package gateway

import (
	"testing"
	"time"
)

func TestWindow_HandsOutGroups(t *testing.T) {
	t.Parallel()
	w := newWindow(10, 4)
	if n := w.take(7); n != 7 {
		t.Fatalf("%d of ten free slots were taken, want the 7 that were asked for", n)
	}
	begin := time.Now()
	if n := w.take(7); n != 3 || time.Since(begin) < linger {
		t.Fatalf("%d slots after %v, want the 3 that are left, and only after lingering for a fourth", n, time.Since(begin))
	}
	got := make(chan int)
	go func() { got <- w.take(5) }()
	select {
	case n := <-got:
		t.Fatalf("%d slots were taken from a full window", n)
	case <-time.After(5 * linger):
	}
	w.give(4)
	if n := <-got; n != 4 {
		t.Fatalf("%d slots, want the 4 that came back at once", n)
	}
	if w.used != w.size {
		t.Errorf("%d slots are in use, want all %d", w.used, w.size)
	}
}
