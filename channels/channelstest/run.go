package channelstest

import (
	"testing"
	"time"
)

// patience is how long an upstream that hangs is waited for, and grace how late Send may come back.
const (
	patience = 400 * time.Millisecond
	grace    = 5 * time.Second
)

// Run asks a provider everything in the list below; each check has an Upstream of its own.
func Run(t *testing.T, h Harness) {
	if h.Channel == "" && len(h.Driver.Channels) > 0 {
		h.Channel = h.Driver.Channels[0]
	}
	checks := []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"the driver describes itself", describes},
		{"settings are what the driver says of them", keepsItsWord},
		{"bad settings are refused by name", badSettings},
		{"opening touches no network", opensOffline},
		{"a message arrives and has an id", accepts},
		{"each upstream mode gives its verdict", verdicts},
		{"a cancelled context sends nothing", cancelledBefore},
		{"a context cancelled on the wire leaves doubt", cancelledOnTheWire},
		{"the wire is announced before the first byte", announces},
		{"16 concurrent sends arrive once each", concurrent},
		{"a text at the limit arrives whole", atTheLimit},
		{"one unit over the limit is refused", overTheLimit},
		{"a forged callback is refused", forged},
		{"a malformed callback is an error", malformed},
		{"a repeated callback gives equal event ids", replayed},
		{"a receipt names what was sent", receipted},
		{"an old cursor polls the same updates", polled},
		{"a lookup tells the truth", lookedUp},
		{"closing twice is harmless", closedTwice},
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, h)
		})
	}
}
