package api

import (
	"testing"
	"time"
)

// looked makes n requests of so long each, all inside at once, and ends the time until the number is looked at.
func (a *admission) looked(t *testing.T, n int, took time.Duration) {
	t.Helper()
	in := 0
	for range n {
		if a.enter() {
			in++
		}
	}
	a.since = a.since.Add(-lookEvery)
	for range in {
		a.leave(took)
	}
	a.since = a.since.Add(-lookEvery)
	a.enter()
	a.leave(took)
	if a.inside != 0 {
		t.Fatalf("%d are still inside", a.inside)
	}
}

func TestAdmission_FollowsWhatTheMachineCanDo(t *testing.T) {
	t.Parallel()
	a := newAdmission(512, 1<<20)
	a.looked(t, 400, lateAfter/2)
	if a.room != 512 {
		t.Errorf("nobody was late, and there is room for %d", a.room)
	}
	a.looked(t, 400, 2*lateAfter)
	if a.room > 300 {
		t.Errorf("400 were too many, and there is room for %d", a.room)
	}
	for range 30 {
		a.looked(t, 1000, 2*lateAfter)
	}
	if a.room != leastRoom {
		t.Errorf("however slow, there is room for %d, not %d", leastRoom, a.room)
	}
	for range 60 {
		a.looked(t, 1000, lateAfter/2)
	}
	if a.room != 512 {
		t.Errorf("the machine is fast again, and there is room for %d", a.room)
	}
}

func TestAdmission_AFewSlowRequestsShutNoDoor(t *testing.T) {
	t.Parallel()
	a := newAdmission(512, 1<<20)
	for range 100 {
		a.looked(t, 3, time.Minute)
	}
	if a.room < leastRoom {
		t.Errorf("there is room for %d", a.room)
	}
	if !a.take(1<<20) || a.take(1) {
		t.Error("not as many bytes as were said")
	}
	a.give(1 << 20)
	if !a.take(1) {
		t.Error("what was given back is not there")
	}
}
