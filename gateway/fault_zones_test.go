package gateway_test

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"rapport"
)

// changing are 24 zones that change their clocks twice a year, at hours and by amounts of their own.
var changing = []string{"Europe/Riga", "Europe/London", "Europe/Dublin", "Europe/Athens", "Europe/Chisinau", "Atlantic/Azores", "America/New_York", "America/Chicago",
	"America/Denver", "America/Los_Angeles", "America/Anchorage", "America/St_Johns", "America/Halifax", "America/Havana", "America/Santiago", "Pacific/Easter", "Africa/Cairo",
	"Asia/Beirut", "Asia/Jerusalem", "Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham"}

// change is one change of a clock and when a message is due whose window opens in the middle of what it skips or shows twice.
type change struct {
	zone    string
	at      time.Time
	forward bool
	from    string    // of the window, by the clock on the wall
	due     time.Time // at the change where it skips, at the first of the two where it repeats
}

func changes(t *testing.T, after time.Time) (out []change) {
	t.Helper()
	for _, name := range changing {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		at := after
		for range 2 {
			_, next := at.In(zone).ZoneBounds()
			if next.IsZero() || next.Sub(after) > 400*24*time.Hour {
				t.Fatalf("%s does not change its clock twice in the year after %v", name, after)
			}
			_, before := next.Add(-time.Second).In(zone).Zone()
			_, now := next.In(zone).Zone()
			half := time.Duration(now-before) * time.Second / 2
			c := change{zone: name, at: next, forward: half > 0}
			if c.forward {
				c.from = next.UTC().Add(time.Duration(before)*time.Second + half).Format("15:04")
				c.due = next
			} else {
				c.from = next.UTC().Add(time.Duration(now)*time.Second - half).Format("15:04")
				c.due = next.Add(half)
			}
			out = append(out, c)
			at = next.Add(time.Hour)
		}
	}
	slices.SortFunc(out, func(a, b change) int { return a.at.Compare(b.at) })
	return out
}

// A campaign's window opens in the customers' zones at an hour that the clock skips, or shows twice: each customer gets
// the message at the first instant that will do, and once.
func TestFault_ClocksChangeInTheRecipientsZones(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		all := changes(t, w.clock.now().Add(24*time.Hour))
		n, skipped, repeated := 0, 0, 0
		for len(all) > 0 {
			// Those that happen within a few hours are one evening.
			night := 1
			for night < len(all) && all[night].at.Sub(all[0].at) < 8*time.Hour {
				night++
			}
			tonight := all[:night]
			all = all[night:]
			w.clock.forward(tonight[0].at.Add(-12 * time.Hour).Sub(w.clock.now()))
			sent := make([]*rapport.Campaign, night)
			first := n
			for i, c := range tonight {
				n++
				p := person(n, rapport.Email)
				p["timezone"] = c.zone
				sent[i] = w.campaign([]map[string]any{p}, func(m map[string]any) {
					until, err := time.Parse("15:04", c.from)
					if err != nil {
						t.Fatal(err)
					}
					m["send_window"] = map[string]any{"from": c.from, "until": until.Add(4 * time.Hour).Format("15:04"), "timezone": "recipient"}
				})
			}
			for i, c := range tonight {
				w.until("it is planned", func() bool { return w.states(sent[i])["pending"] == 1 })
				if due := w.only(sent[i]).Due; !due.Equal(c.due) {
					t.Errorf("%s, clock changes at %v (skips: %t), window from %s: due at %v, want %v", c.zone, c.at.UTC(), c.forward, c.from, due, c.due.UTC())
				}
				if c.forward {
					skipped++
				} else {
					repeated++
				}
			}
			if w.email.tried() != first {
				t.Errorf("%d were sent before their time", w.email.tried()-first)
			}
			order := make([]int, night)
			for i := range order {
				order[i] = i
			}
			slices.SortFunc(order, func(i, j int) int { return tonight[i].due.Compare(tonight[j].due) })
			for _, i := range order {
				if ahead := tonight[i].due.Add(30 * time.Second).Sub(w.clock.now()); ahead > 0 {
					w.clock.forward(ahead)
				}
				w.status(sent[i], rapport.CampaignFinished)
				w.want(sent[i], "sent=1")
			}
			w.clock.forward(2 * time.Hour) // through the hour that comes twice
		}
		time.Sleep(4 * tick)
		if taken, most := w.email.total(); taken != n || most != 1 {
			t.Errorf("%d sent, one of them %d times, of %d", taken, most, n)
		}
		if skipped != len(changing) || repeated != len(changing) {
			t.Errorf("%d changes forward and %d back in %d zones", skipped, repeated, len(changing))
		}
		t.Logf("fault: clocks change in %d zones: %d skipped hours, %d repeated ones, each message at the first instant and once", len(changing), skipped, repeated)
	})
}

// Nobody has said in which zone a customer lives: while it is night where the phone number is at home, or by the clock
// of the configuration, nothing is sent. What somebody has said counts alone.
func TestFault_NightWhereTheNumberIsAtHome(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		now := w.clock.now()
		quiet := func(zone *time.Location) map[string]any {
			return map[string]any{"quiet_hours": map[string]any{"from": now.In(zone).Add(-2 * time.Hour).Format("15:04"), "until": now.In(zone).Add(2 * time.Hour).Format("15:04")}}
		}
		honolulu, err := time.LoadLocation("Pacific/Honolulu")
		if err != nil {
			t.Fatal(err)
		}
		const inHonolulu, inRiga = "+18082345678", "+37120000000"
		for i, c := range []struct {
			name, zone, number string
			night              *time.Location
			held               bool
		}{
			{"night where the number is", "", inHonolulu, honolulu, true},
			{"night by the default zone", "", inHonolulu, time.UTC, true},
			{"night nowhere that is known", "", inHonolulu, time.FixedZone("", 4*60*60), false},
			{"night where the number is, but the customer has moved", "UTC", inHonolulu, honolulu, false},
			{"night where another number would be", "", inRiga, honolulu, false},
		} {
			p := person(i+1, rapport.SMS)
			p["addresses"] = []map[string]any{{"channel": "sms", "address": c.number[:len(c.number)-1] + string(rune('0'+i))}}
			p["preferences"] = quiet(c.night)
			if c.zone != "" {
				p["timezone"] = c.zone
			}
			sent := w.campaign([]map[string]any{p})
			w.until("it is planned", func() bool { return len(w.rows(sent)) == 1 })
			wait := w.only(sent).Due.Sub(now)
			if c.held != (wait > 110*time.Minute) || wait > 121*time.Minute {
				t.Errorf("%s: due after %v", c.name, wait)
			}
		}
	})
}
