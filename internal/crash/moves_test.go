package crash

import (
	"testing"
	"time"

	"rapport"
)

func TestMove_Allowed(t *testing.T) {
	for _, tt := range []struct {
		name string
		m    move
		want bool
	}{
		{"a new row waits", move{0, 0, rapport.Pending, 0, 0}, true},
		{"a new row was skipped by a rule", move{0, 0, rapport.Skipped, 0, 0}, true},
		{"a row that begins as sent", move{0, 0, rapport.Sent, 0, 0}, false},
		{"a claim is a new attempt", move{0, rapport.Pending, rapport.Sending, 1, 2}, true},
		{"a claim in the same attempt", move{0, rapport.Pending, rapport.Sending, 1, 1}, false},
		{"a claim that skips an attempt", move{0, rapport.Pending, rapport.Sending, 1, 3}, false},
		{"a claim of what was sent", move{0, rapport.Sent, rapport.Sending, 1, 2}, false},
		{"an attempt succeeds", move{0, rapport.Sending, rapport.Sent, 1, 1}, true},
		{"a retry", move{0, rapport.Sending, rapport.Pending, 1, 1}, true},
		{"an outcome that begins an attempt", move{0, rapport.Sending, rapport.Sent, 1, 2}, false},
		{"doubt", move{0, rapport.Sending, rapport.Doubtful, 1, 1}, true},
		{"doubt that becomes sending again", move{0, rapport.Doubtful, rapport.Sending, 1, 1}, false},
		{"doubt that nobody could settle", move{0, rapport.Doubtful, rapport.Unknown, 1, 1}, true},
		{"proof raises an end", move{0, rapport.Unknown, rapport.Delivered, 1, 1}, true},
		{"a bounce after the acceptance", move{0, rapport.Sent, rapport.Failed, 1, 1}, true},
		{"a late bounce of what was delivered", move{0, rapport.Delivered, rapport.Failed, 1, 1}, false},
		{"sent falls back to pending", move{0, rapport.Sent, rapport.Pending, 1, 1}, false},
		{"sent falls back to doubtful", move{0, rapport.Sent, rapport.Doubtful, 1, 1}, false},
		{"what is unknown is tried again", move{0, rapport.Unknown, rapport.Pending, 1, 1}, false},
		{"a receipt while a retry waits", move{0, rapport.Pending, rapport.Delivered, 1, 1}, true},
		{"a receipt for what was never tried", move{0, rapport.Pending, rapport.Sent, 0, 0}, false},
		{"a cancelled row goes out", move{0, rapport.Cancelled, rapport.Sent, 1, 1}, false},
		{"a row disappears", move{0, rapport.Sent, 0, 1, 0}, false},
	} {
		if got := tt.m.allowed(); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestSpread_At(t *testing.T) {
	var s Spread
	if s.At(0.5) != 0 || s.String() != "never" {
		t.Errorf("of none: %v, %v", s.At(0.5), s)
	}
	for n := range 200 {
		s = append(s, time.Duration(200-n)*time.Millisecond)
	}
	if s.At(0.5) != 101*time.Millisecond || s.At(0.99) != 199*time.Millisecond || s.At(1) != 200*time.Millisecond {
		t.Errorf("of 1 to 200 ms: %v", s)
	}
}
