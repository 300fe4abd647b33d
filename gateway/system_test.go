package gateway_test

import (
	"testing"

	"rapport"
	"rapport/channels"
)

func TestSystem_TellsWhatWaitsForAProvider(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.email.behave(func(int, *channels.Outgoing) (bool, *channels.Verdict) {
			return false, &channels.Verdict{Kind: channels.Temporary, Reason: "connection_refused"}
		})
		held := func() map[rapport.Channel]int64 {
			s, err := w.g.System(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return s.HeldBack
		}
		if h := held(); len(h) != 0 {
			t.Errorf("nothing waits, and it says %v", h)
		}
		w.campaign(persons(40, rapport.Email))
		w.until("all that waits is told", func() bool { h := held(); return len(h) == 1 && h[rapport.Email] == 40 })
		if err := w.hub.Configure([]channels.Entry{{Name: "mail", Driver: "mailish", Channel: rapport.Email, Priority: 1}, {Name: "spare", Driver: "sparish", Channel: rapport.Email, Priority: 2}}); err != nil {
			t.Fatal(err)
		}
		if h := held(); len(h) != 0 {
			t.Errorf("another provider works, and it says %v", h)
		}
	})
}
