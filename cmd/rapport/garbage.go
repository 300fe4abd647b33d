package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// roomy is how large the heap of a process may grow before garbage is collected, in bytes. Go collects when the heap has
// doubled: a process that holds 10 MiB, as one does at rest, does so at 20, although it may have twice as much with
// 100,000 messages queued.
const roomy = 30 << 20

// collectRarely has garbage collected when the heap has grown to roomy, or doubled if that is later: a twentieth of a
// campaign's processor time, for memory that a busier moment needs anyway. GOGC and GOMEMLIMIT of the environment have
// precedence.
func collectRarely() {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if _, set := os.LookupEnv(name); set {
			return
		}
	}
	live, set := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}, 100
	eachCollection(func() {
		metrics.Read(live)
		if n := growth(live[0].Value.Uint64()); n != set {
			debug.SetGCPercent(n) // stops the world
			set = n
		}
	})
}

// growth is GOGC for a heap of which live bytes are in use.
func growth(live uint64) int {
	const most = 400 // for a process that has just begun
	if live >= roomy/2 {
		return 100
	}
	return int(min(most, (roomy-live)*100/max(live, 1)))
}

// eachCollection calls fn after each collection of garbage, on a goroutine of the runtime's.
func eachCollection(fn func()) {
	type mark struct{ _ [16]byte } // not tiny: those share a block, which others keep alive
	var again func(*mark)
	again = func(*mark) {
		fn()
		runtime.SetFinalizer(new(mark), again)
	}
	runtime.SetFinalizer(new(mark), again)
}
