package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// simulated is an installation whose simulator is told to misbehave, and which does not wait long in doubt.
func simulated(t *testing.T) *Installation {
	t.Helper()
	return plain(t, "DELIVERY_ASK_AFTER_TRANSACTIONAL=2s", "DELIVERY_ASK_AFTER_MARKETING=2s",
		"QUIET_HOURS_SMS_MARKETING_FROM=", "QUIET_HOURS_SMS_MARKETING_UNTIL=")
}

func (in *Installation) behave(channel, address, mode string, delay int) {
	in.t.Helper()
	in.Must("PUT", "/v1/sandbox/behaviour", map[string]any{"channel": channel, "address": address, "mode": mode, "delay_ms": delay}, nil)
}

// both is a customer who can be reached by mail and by SMS.
func both(id, phone string) map[string]any {
	return map[string]any{"external_id": id, "name": id, "addresses": []any{map[string]any{"channel": "email", "address": id + "@example.test"}, map[string]any{"channel": "sms", "address": phone}}}
}

func (in *Installation) campaign(routing map[string]any, customers ...any) (id string) {
	in.t.Helper()
	var c struct{ ID string }
	in.Must("POST", "/v1/campaigns", map[string]any{"purpose": "marketing", "template": "offer", "data": map[string]any{"title": "T", "page": "p"}, "settings": map[string]any{"sandbox": true},
		"routing": routing, "audience": map[string]any{"customers": customers}}, &c)
	return c.ID
}

// outcomes lists a campaign's rows as "channel state reason".
func outcomes(t *testing.T, in *Installation, campaign string) (out []string) {
	for _, m := range messages(t, in, campaign) {
		out = append(out, strings.TrimSpace(m.Channel+" "+m.State+" "+m.Reason))
	}
	slices.Sort(out)
	return out
}

func TestRouting(t *testing.T) {
	t.Parallel()
	in := simulated(t)
	fallback := map[string]any{"method": "fallback", "channels": []string{"email", "sms"}, "escalate_after": "1s"}
	for _, c := range []struct {
		what, mode, phone string
		routing           map[string]any
		want              []string
		mails, texts      int
	}{
		{"preferred takes the first", "accept", "+37120000001", map[string]any{"channels": []string{"sms", "email"}}, []string{"sms delivered"}, 0, 1},
		{"all takes each", "accept", "+37120000002", map[string]any{"method": "all"}, []string{"email delivered", "sms delivered"}, 1, 1},
		{"fallback stays where it was delivered", "accept", "+37120000003", fallback, []string{"email delivered"}, 1, 0},
		{"fallback goes on after a refusal", "reject", "+37120000004", fallback, []string{"email failed sandbox_reject", "sms delivered"}, 0, 1},
		{"fallback goes on after a silence", "silent", "+37120000005", fallback, []string{"email sent", "sms delivered"}, 1, 1},
		{"fallback goes on after a bounce", "bounce", "+37120000006", fallback, []string{"email failed hard_bounce", "sms delivered"}, 1, 1},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			in := in.on(t)
			id := strings.ReplaceAll(c.what, " ", ".")
			in.behave("email", id+"@example.test", c.mode, 0)
			campaign := in.campaign(c.routing, both(id, c.phone))
			var got []string
			in.Wait(30*time.Second, c.what+": "+strings.Join(c.want, ", "), func() bool {
				got = outcomes(t, in, campaign)
				return slices.Equal(got, c.want)
			})
			if l := settle(t, in, campaign); l.sum() != int64(len(c.want)) || l.Counts["planned"] != int64(len(c.want)) || l.Counts["audience"] != 1 {
				t.Errorf("the ledger: %v", l.Counts)
			}
			if mails, texts := outbox(t, in, "channel=email&campaign="+campaign), outbox(t, in, "channel=sms&campaign="+campaign); len(mails) != c.mails || len(texts) != c.texts {
				t.Errorf("%d mails and %d SMS arrived", len(mails), len(texts))
			}
		})
	}
}

// What a provider does to a message, and what must come of it.
func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	in := simulated(t)
	byMail := map[string]any{"channels": []string{"email"}}
	type kept struct{ Copies int }
	arrived := func(in *Installation, campaign string) (copies int) {
		var list struct{ Data []kept }
		in.Must("GET", "/v1/sandbox/outbox?campaign="+campaign, nil, &list)
		for _, k := range list.Data {
			copies += k.Copies
		}
		return copies
	}
	for _, c := range []struct {
		mode    string
		delay   int
		verdict string   // of the attempt that did not succeed
		meets   []string // states that are seen on the way, one of them
		then    string   // what the simulator is told then
		end     string
		copies  int
	}{
		{"reject", 0, "rejected", nil, "", "email failed sandbox_reject", 0},
		{"throttle", 1000, "throttled", []string{"email pending sandbox_throttle", "email pending"}, "accept", "email delivered", 1},
		{"down", 0, "temporary", []string{"email pending sandbox_down", "email pending"}, "accept", "email delivered", 1},
		{"slow", 300, "", nil, "", "email delivered", 1},
		{"ambiguous", 0, "ambiguous", []string{"email doubtful sandbox_ambiguous"}, "", "email sent found_at_provider", 1},
		{"bounce", 0, "", nil, "", "email failed hard_bounce", 1},
	} {
		t.Run(c.mode, func(t *testing.T) {
			t.Parallel()
			in := in.on(t)
			address := c.mode + "@example.test"
			in.behave("email", address, c.mode, c.delay)
			customer := map[string]any{"external_id": c.mode, "name": c.mode, "addresses": []any{map[string]any{"channel": "email", "address": address}}}
			campaign := in.campaign(byMail, customer)
			if c.meets != nil {
				in.Wait(20*time.Second, c.mode+" is met", func() bool {
					got := outcomes(t, in, campaign)
					return len(got) == 1 && slices.Contains(c.meets, got[0]) && len(attempts(t, in, campaign)) > 0
				})
			}
			if c.then != "" {
				in.behave("email", address, c.then, 0)
			}
			in.Wait(40*time.Second, c.mode+": "+c.end, func() bool { return slices.Equal(outcomes(t, in, campaign), []string{c.end}) })
			settle(t, in, campaign)
			if n := arrived(in, campaign); n != c.copies {
				t.Errorf("%d copies arrived", n)
			}
			tried := attempts(t, in, campaign)
			if c.verdict != "" && (len(tried) == 0 || tried[0] != c.verdict) {
				t.Errorf("attempts %v, want %s first", tried, c.verdict)
			}
			if c.mode != "bounce" {
				in.ask(t, "GET", "/v1/suppressions/email/"+address, "", nil).refused(t, 404)
				return
			}
			var s struct{ Reason, Scope string }
			in.Must("GET", "/v1/suppressions/email/"+address, nil, &s)
			next := in.campaign(byMail, customer)
			settle(t, in, next)
			if got := outcomes(t, in, next); s.Reason != "hard_bounce" || s.Scope != "all" || !slices.Equal(got, []string{"email skipped suppressed"}) {
				t.Errorf("after the bounce: %+v, then %v", s, got)
			}
		})
	}
}

// attempts lists the verdicts of the only message of a campaign.
func attempts(t *testing.T, in *Installation, campaign string) (out []string) {
	t.Helper()
	var m struct{ Attempts []struct{ Verdict string } }
	in.Must("GET", "/v1/messages/"+messages(t, in, campaign)[0].ID, nil, &m)
	for _, a := range m.Attempts {
		out = append(out, a.Verdict)
	}
	return out
}
