package gateway_test

import (
	"context"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
)

// The application's clock jumps a day while a campaign goes out and some of it is on the wire. No lease compares
// wall clocks: nothing is sent again, nothing expires, nobody is declared dead. What was due by a clock that went
// back waits until it is due again; what comes in then goes out at once.
func TestFault_ClockJumpsADay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		jumps []time.Duration
	}{
		{"forward", []time.Duration{24 * time.Hour}},
		{"back", []time.Duration{-24 * time.Hour}},
		{"forward and back", []time.Duration{24 * time.Hour, -24 * time.Hour}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				rated := []channels.Entry{{Name: "mail", Driver: "mailish", Channel: rapport.Email, Rate: 2000}, {Name: "chat", Driver: "chatish", Channel: rapport.Telegram},
					{Name: "sms", Driver: "smsish", Channel: rapport.SMS}, {Name: "hook", Driver: "hookish", Channel: rapport.Webhook}}
				if err := w.hub.Configure(rated); err != nil {
					t.Fatal(err)
				}
				carriers := map[rapport.Channel]*carrier{rapport.Email: w.email, rapport.SMS: w.sms, rapport.Telegram: w.tele, rapport.Webhook: w.hook}
				var open []func()
				for _, c := range carriers {
					open = append(open, c.hold())
				}
				var people []map[string]any
				for i := range 800 {
					people = append(people, person(i+1, four[i%4]))
				}
				c := w.campaign(people, func(m map[string]any) {
					m["expires_at"] = w.clock.now().Add(72 * time.Hour).UTC().Format(time.RFC3339)
				})
				w.until("some of every channel are on the wire, and all are planned", func() bool {
					for _, c := range carriers {
						if c.tried() == 0 {
							return false
						}
					}
					s := w.states(c)
					return s["sending"] > 0 && s["pending"]+s["sending"] == 800
				})
				me := w.g.Worker()
				total := time.Duration(0)
				for _, jump := range tt.jumps {
					w.clock.forward(jump)
					total += jump
					time.Sleep(4 * time.Second) // longer than anybody may be silent without being declared dead (3 s)
					if s := w.states(c); s["doubtful"]+s["expired"]+s["unknown"]+s["failed"] != 0 {
						t.Errorf("after a jump of %v: %v", jump, s)
					}
				}
				for _, let := range open {
					let()
				}
				if total < 0 {
					// A message of now goes out at once, whatever waits.
					now := w.campaign([]map[string]any{person(2001, rapport.Email)}, transactional)
					w.status(now, rapport.CampaignFinished)
					w.want(now, "sent=1")
					w.clock.forward(-total) // somebody puts the clock right
				}
				n := w.status(c, rapport.CampaignFinished)
				w.want(c, "sent=800")
				for ch, c := range carriers {
					if _, most := c.total(); most != 1 {
						t.Errorf("%s: something was sent %d times", ch, most)
					}
				}
				if w.g.Worker() != me {
					t.Error("the worker was declared dead")
				}
				if ws, err := w.st.Workers(context.Background()); err != nil || len(ws) != 1 {
					t.Errorf("%v: workers %+v", err, ws)
				}
				t.Logf("fault: clock jumps %v: %d sent once each, none in doubt, none expired, nobody declared dead", tt.jumps, n.Sent)
			})
		})
	}
}
