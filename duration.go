package rapport

import (
	"strings"
	"time"
)

// FormatDuration writes a span as people do: 168h, where time.Duration says 168h0m0s. time.ParseDuration
// reads it.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
