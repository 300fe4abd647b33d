package main

import (
	"runtime"
	"testing"
	"time"
)

func TestGrowth_FillsTheRoom(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 10 << 20: 200, 15 << 20: 100, 30 << 20: 100, 1 << 40: 100} {
		if got := growth(live); got != want {
			t.Errorf("with %d bytes live it is %d, want %d", live, got, want)
		}
	}
}

func TestEachCollection_IsCalledAfterEach(t *testing.T) {
	t.Parallel()
	calls := make(chan struct{}, 1000)
	eachCollection(func() { calls <- struct{}{} })
	for range 3 {
		runtime.GC()
		select {
		case <-calls:
		case <-time.After(5 * time.Second):
			t.Fatal("it was not called")
		}
	}
}
