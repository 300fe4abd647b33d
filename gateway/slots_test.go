package gateway

import (
	"testing"
	"time"

	"rapport"
)

func TestWindow_HandsOutGroups(t *testing.T) {
	t.Parallel()
	w := newWindow(13)
	if n := w.take(rapport.Bulk, 7); n != 7 {
		t.Fatalf("%d of ten free slots were taken, want the 7 that were asked for", n)
	}
	begin := time.Now()
	if n := w.take(rapport.Bulk, 7); n != 3 || time.Since(begin) < linger {
		t.Fatalf("%d slots after %v, want the 3 that are left, and only after lingering for more", n, time.Since(begin))
	}
	got := make(chan int)
	go func() { got <- w.take(rapport.Bulk, 5) }()
	select {
	case n := <-got:
		t.Fatalf("%d slots were taken from a full window", n)
	case <-time.After(5 * linger):
	}
	w.give(rapport.Bulk, 4)
	if n := <-got; n != 4 {
		t.Fatalf("%d slots, want the 4 that came back at once", n)
	}
	if n := w.take(rapport.Fast, 7); n != 3 {
		t.Fatalf("%d slots for the other lane, want the quarter that this one cannot have", n)
	}
	if w.used[0]+w.used[1] != w.size {
		t.Errorf("%v slots are in use, want all %d", w.used, w.size)
	}
}
