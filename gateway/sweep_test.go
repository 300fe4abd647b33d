package gateway_test

import (
	"context"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
	"rapport/store/storetest"
)

// Both are silent. One has lost its connection with its process; the other is only slow, or stopped.
func TestWatch_TellsTheDeadFromTheSilent(t *testing.T) {
	t.Parallel()
	url, ok := storetest.Postgres(t)
	if !ok {
		return
	}
	w := newWorld(t, url, func(s *gateway.Settings) { s.DeadAfter = 6 * time.Second })
	ctx := context.Background()
	register := func(name string) (*store.Store, rapport.ID) {
		s := storetest.Open(t, url, nil)
		id, err := s.Register(ctx, name, "worker")
		if err != nil {
			t.Fatal(err)
		}
		return s, id
	}
	dying, dead := register("dead")
	_, silent := register("silent")
	w.start()
	if err := dying.Close(); err != nil {
		t.Fatal(err)
	}
	alive := func(id rapport.ID) bool {
		ws, err := w.st.Workers(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range ws {
			if x.ID == id {
				return true
			}
		}
		return false
	}
	begin := time.Now()
	w.until("the dead one is noticed", func() bool { return !alive(dead) })
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
	if !alive(silent) {
		t.Error("the silent one still held its lock, and was declared dead at once")
	}
	w.until("the silent one is given up", func() bool { return !alive(silent) })
	if took := time.Since(begin); took < 5*time.Second {
		t.Errorf("it was given up after %v, although its connection stood", took)
	}
	if !alive(w.g.Worker()) {
		t.Error("the watcher is dead itself")
	}
}
