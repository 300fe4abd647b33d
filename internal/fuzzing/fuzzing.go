// Package fuzzing bounds what a fuzz target may spend on one input: what a stranger sends must neither occupy a
// core nor fill the memory.
package fuzzing

import (
	"os"
	"runtime/metrics"
	"testing"
	"time"
)

const (
	maxTime  = 100 * time.Millisecond
	maxBytes = 64 << 20
)

// Budget begins an input; the function that it returns ends it, and fails the test when more was spent than 100 ms of
// processor time or 64 MiB of allocations (which bound what was ever held at once). It measures only where make fuzz
// asks for it (RAPPORT_TEST_FUZZ=long): there a process runs one input at a time. It is processor time, not the
// clock's, so a busy machine changes nothing.
func Budget(t testing.TB) (end func()) {
	if os.Getenv("RAPPORT_TEST_FUZZ") != "long" {
		return func() {}
	}
	cpu, bytes := spent(), allocated()
	return func() {
		if took := spent() - cpu; took > maxTime {
			t.Errorf("one input took %v, more than %v", took, maxTime)
		}
		if n := allocated() - bytes; n > maxBytes {
			t.Errorf("one input allocated %d bytes, more than %d", n, maxBytes)
		}
	}
}

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
