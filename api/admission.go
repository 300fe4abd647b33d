package api

import (
	"sync"
	"time"
)

// admission is how many requests may be inside at once, and how many bytes of their bodies. Whoever comes
// in then is refused before anything of the request is read: a queue would only make everybody wait.
//
// The number follows what the machine can do. While more than one in twenty of those that write something
// take longer than lateAfter, it shrinks to three quarters of those who were inside; while nobody is late and
// somebody had to be refused, it grows by an eighth. So what is accepted under overload is answered soon,
// whatever it is that has become slow: the processor, the disk or the database.
type admission struct {
	mu     sync.Mutex
	most   int // settings.Running
	room   int // how many may be inside now, at most most
	inside int
	held   int64 // bytes of bodies
	hold   int64 // at most

	// Since the number was looked at.
	since               time.Time
	crowd               int // most inside at once
	timed, late, turned int
}

const (
	lateAfter = 100 * time.Millisecond // for a p99 of 250 ms
	lookEvery = 100 * time.Millisecond
	// leastRoom is never undercut: a few slow requests on an idle machine must not shut the door on a burst.
	leastRoom = 64
)

func newAdmission(running int, hold int64) *admission {
	return &admission{most: running, room: running, hold: hold, since: time.Now()}
}

// enter lets one request in, if there is room.
func (a *admission) enter() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inside >= a.room {
		a.turned++
		return false
	}
	a.inside++
	a.crowd = max(a.crowd, a.inside)
	return true
}

// leave is called by who has entered. took counts, unless it is 0.
func (a *admission) leave(took time.Duration) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inside--
	if took > 0 {
		a.timed++
		if took > lateAfter {
			a.late++
		}
	}
	if now.Sub(a.since) < lookEvery || a.timed < 8 && a.turned == 0 {
		return
	}
	switch {
	case a.late*20 > a.timed:
		a.room = min(a.room, max(a.crowd*3/4, leastRoom))
	case a.turned > 0 && a.late == 0:
		a.room = min(a.most, a.room+max(1, a.room/8))
	}
	a.since, a.crowd, a.timed, a.late, a.turned = now, a.inside, 0, 0, 0
}

// take reserves room for n bytes of a body; give returns it.
func (a *admission) take(n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.held+n > a.hold {
		return false
	}
	a.held += n
	return true
}

func (a *admission) give(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held -= n
}
