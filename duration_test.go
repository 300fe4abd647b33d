package rapport

import (
	"testing"
	"time"
)

func TestFormatDuration_IsWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"168h", "1h30m", "10m", "20h", "1m10s", "10s", "1h0m10s", "1.5s", "0s"} {
		d, err := time.ParseDuration(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := FormatDuration(d); got != want {
			t.Errorf("%s is written %s", want, got)
		}
	}
}
