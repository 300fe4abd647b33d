//go:build unix

package fuzzing

import (
	"syscall"
	"time"
)

// spent is the processor time of this process so far.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it knows no error for the process itself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
