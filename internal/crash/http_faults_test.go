package crash_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport"
	"rapport/internal/crash"
)

// httpFaults is what a provider behind HTTP may do with the first request, and what is owed to the recipient.
// What pauses a whole provider stands last of its channel.
var httpFaults = []struct {
	name    string
	channel rapport.Channel
	fault   crash.Fault
	tries   string        // the attempts that did not simply succeed
	after   time.Duration // the second request comes no earlier
	end     rapport.State
	came    int
}{
	{"webhook 500", rapport.Webhook, crash.Fault{Status: 500}, "temporary receiver_unwell", 2 * time.Second, rapport.Sent, 1},
	{"webhook 500 after accepting", rapport.Webhook, crash.Fault{Taken: true, Status: 500}, "temporary receiver_unwell", 2 * time.Second, rapport.Sent, 2},
	{"webhook 503, Retry-After 4", rapport.Webhook, crash.Fault{Status: 503, After: 4 * time.Second}, "temporary receiver_unwell", 4 * time.Second, rapport.Sent, 1},
	{"webhook 429, Retry-After 4", rapport.Webhook, crash.Fault{Status: 429, After: 4 * time.Second}, "throttled too_many_requests", 4 * time.Second, rapport.Sent, 1},
	{"webhook without an end", rapport.Webhook, crash.Fault{Taken: true, Endless: true}, "", 0, rapport.Sent, 1},
	{"webhook of one byte a second", rapport.Webhook, crash.Fault{Taken: true, Drip: true}, "", 0, rapport.Sent, 1},
	{"webhook without an answer", rapport.Webhook, crash.Fault{Hang: true}, "ambiguous no_answer", 3 * time.Second, rapport.Sent, 1},
	{"webhook redirected to this machine", rapport.Webhook, crash.Fault{Status: 302}, "rejected redirect", 0, rapport.Failed, 0},
	{"webhook 410", rapport.Webhook, crash.Fault{Status: 410}, "address_dead gone", 0, rapport.Failed, 0},
	{"sms 500 after accepting", rapport.SMS, crash.Fault{Taken: true, Status: 500}, "ambiguous server_error", 0, rapport.Sent, 1},
	{"sms 500 before accepting", rapport.SMS, crash.Fault{Status: 500}, "ambiguous server_error", 4 * time.Second, rapport.Sent, 1},
	{"sms without an end", rapport.SMS, crash.Fault{Taken: true, Endless: true}, "ambiguous unreadable_answer", 0, rapport.Sent, 1},
	{"sms of one byte a second", rapport.SMS, crash.Fault{Taken: true, Drip: true}, "ambiguous unreadable_answer", 0, rapport.Sent, 1},
	{"sms 429, Retry-After 4", rapport.SMS, crash.Fault{Status: 429, After: 4 * time.Second}, "throttled too_many_requests", 4 * time.Second, rapport.Sent, 1},
	{"chat 500 after accepting", rapport.Telegram, crash.Fault{Taken: true, Status: 500}, "ambiguous server_error", 0, rapport.Unknown, 1},
	{"chat without an end", rapport.Telegram, crash.Fault{Taken: true, Endless: true}, "ambiguous unreadable_answer", 0, rapport.Unknown, 1},
	{"chat of one byte a second", rapport.Telegram, crash.Fault{Taken: true, Drip: true}, "ambiguous unreadable_answer", 0, rapport.Unknown, 1},
	{"chat 429, Retry-After 6", rapport.Telegram, crash.Fault{Status: 429, After: 6 * time.Second}, "throttled too_many_requests", 6 * time.Second, rapport.Sent, 1},
}

func TestCrash_ProvidersRefuseHangAndTalkWithoutEnd(t *testing.T) {
	t.Parallel()
	r, _ := base(t)
	r.Messages, r.Latency = 0, 0
	h := start(t, r)
	var followed atomic.Int64
	elsewhere := listen(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })

	address := func(i int) string { return h.Sinks.Address(httpFaults[i].channel, i) }
	to := map[rapport.Channel][]string{}
	for i, c := range httpFaults {
		if c.fault.Status == http.StatusFound {
			c.fault.To = elsewhere
		}
		h.Sinks.Script(c.channel, address(i), c.fault)
		to[c.channel] = append(to[c.channel], address(i))
	}
	// Beside them, messages with which nothing is wrong.
	for ch := range to {
		for n := range 20 {
			to[ch] = append(to[ch], h.Sinks.Address(ch, 1000+n))
		}
	}
	before, err := h.Memory()
	if err != nil {
		t.Fatal(err)
	}
	for ch, addresses := range to {
		if err := h.Sends(t.Context(), string(ch), rapport.Marketing, ch, addresses...); err != nil {
			t.Fatal(err)
		}
	}
	ends := map[string]crash.Outcome{}
	for ch, addresses := range to {
		// Nothing is wound forward but what is held: the waits are part of what is owed.
		out, err := h.Settled(t.Context(), ch, len(addresses), 60*time.Second, h.Doubt(t.Context()), func(o crash.Outcome) bool { return o.State.Final() })
		if err != nil {
			t.Fatal(err)
		}
		for a, o := range out {
			ends[a] = o
		}
	}
	after, err := h.Memory()
	if err != nil {
		t.Fatal(err)
	}
	table := ""
	for i, c := range httpFaults {
		o, tries := ends[address(i)], h.Sinks.Tries(c.channel, address(i))
		gap := time.Duration(0)
		if len(tries) > 1 {
			gap = tries[1].Sub(tries[0])
		}
		if got := strings.Join(o.Tries, ", "); got != c.tries || o.State != c.end || o.Came != c.came {
			t.Errorf("%s: %v; owed are [%s], %s, %d", c.name, o, c.tries, c.end, c.came)
		}
		if c.after > 0 && (len(tries) != 2 || gap < c.after-100*time.Millisecond) || c.after == 0 && len(tries) != 1 {
			t.Errorf("%s: %d requests, the second after %v, owed are %v", c.name, len(tries), gap, c.after)
		}
		if o.Suppressed != (c.fault.Status == http.StatusGone) {
			t.Errorf("%s: suppressed %t", c.name, o.Suppressed)
		}
		table += fmt.Sprintf("\n  %-36s %-30s again after %-7v %-8s came %d", c.name, strings.Join(o.Tries, ", "), gap.Round(100*time.Millisecond), o.State, o.Came)
	}
	for ch := range to {
		for n := range 20 {
			if o := ends[h.Sinks.Address(ch, 1000+n)]; o.State != rapport.Sent || o.Came != 1 {
				t.Errorf("%s beside a fault: %v", ch, o)
			}
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
	if grown := after.Peak - before.Now; grown > 32<<20 {
		t.Errorf("the process grew by %d MB while answers did not end", grown>>20)
	}
	t.Logf("crash: %s: seed %d, %d faults behind HTTP; memory %d MB before, at most %d MB:%s", t.Name(), r.Seed, len(httpFaults), before.Now>>20, after.Peak>>20, table)
}
