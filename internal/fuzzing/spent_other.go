//go:build !unix

package fuzzing

import "time"

// spent is the clock, where the processor time is not to be had so simply.
func spent() time.Duration { return time.Duration(time.Now().UnixNano()) }
