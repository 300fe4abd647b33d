package crash_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/internal/crash"
)

// A callback that comes a hundred times has its effect once and is answered each time; one that nobody signed, or
// somebody else, or that is old, is refused and leaves nothing.
func TestCrash_CallbacksReplayedAndForged(t *testing.T) {
	t.Parallel()
	r, _ := base(t)
	r.Messages, r.Latency = 0, 0
	h := start(t, r)
	const copies = 100
	// What a person is sent, so that there is something to report about and to answer.
	number, url := h.Sinks.Address(rapport.SMS, 1), h.Sinks.Address(rapport.Webhook, 3)
	if err := h.Sends(t.Context(), "sms", rapport.Marketing, rapport.SMS, number); err != nil {
		t.Fatal(err)
	}
	if err := h.Sends(t.Context(), "hook", rapport.Marketing, rapport.Webhook, url); err != nil {
		t.Fatal(err)
	}
	for _, ch := range []rapport.Channel{rapport.SMS, rapport.Webhook} {
		if _, err := h.Settled(t.Context(), ch, 1, 20*time.Second, nil, func(o crash.Outcome) bool { return o.State == rapport.Sent }); err != nil {
			t.Fatal(err)
		}
	}
	sid := h.Sinks.Twilio.Messages()[0].SID
	body := fmt.Sprintf(`{"from":%q,"text":"Thank you"}`, url)
	signed := h.Sinks.SignedReply("evt_1", time.Now(), body)
	var all sync.WaitGroup
	for i := range copies {
		all.Go(func() {
			// The last word comes first, and the first one late.
			for _, status := range []string{"delivered", "sent"} {
				if err := h.Sinks.Twilio.Report(sid, status, 0); err != nil {
					t.Errorf("copy %d of a receipt: %v", i, err)
				}
			}
			if status, err := h.Callback(t.Context(), "/in/webhook/hook", signed, body); err != nil || status >= 300 {
				t.Errorf("copy %d of an answer: %d %v", i, status, err)
			}
		})
	}
	all.Wait()
	events, entries, receipts, err := h.Heard(t.Context())
	// The third receipt is the answer itself: it proves that what it answers had arrived.
	if err != nil || events != 3 || entries != 1 || receipts != 3 {
		t.Errorf("%d copies of two receipts and an answer: %d events, %d entries, %d receipts, %v", copies, events, entries, receipts, err)
	}
	if out, err := h.Outcomes(t.Context(), rapport.SMS); err != nil || out[number].State != rapport.Delivered {
		t.Errorf("the message is %v, %v", out[number], err)
	}

	change := func(header http.Header, name, value string) http.Header {
		header = header.Clone()
		header.Set(name, value)
		return header
	}
	fresh := h.Sinks.SignedReply("evt_2", time.Now(), body)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	report := "MessageSid=" + sid + "&MessageStatus=failed&To=" + strings.ReplaceAll(number, "+", "%2B")
	forged := 0
	for _, f := range []struct {
		name, path string
		header     http.Header
		body       string
	}{
		{"no signature", "/in/webhook/hook", http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {"evt_2"}, "Webhook-Timestamp": fresh["Webhook-Timestamp"]}, body},
		{"an empty signature", "/in/webhook/hook", change(fresh, "Webhook-Signature", ""), body},
		{"a short signature", "/in/webhook/hook", change(fresh, "Webhook-Signature", fresh.Get("Webhook-Signature")[:20]), body},
		{"a wrong signature", "/in/webhook/hook", change(fresh, "Webhook-Signature", "v1,"+strings.Repeat("A", 43)+"="), body},
		{"another id", "/in/webhook/hook", change(fresh, "Webhook-Id", "evt_3"), body},
		{"another body", "/in/webhook/hook", fresh, strings.Replace(body, "Thank", "Damn", 1)},
		{"ten minutes old", "/in/webhook/hook", h.Sinks.SignedReply("evt_2", time.Now().Add(-10*time.Minute), body), body},
		{"from the future", "/in/webhook/hook", h.Sinks.SignedReply("evt_2", time.Now().Add(10*time.Minute), body), body},
		{"a receipt without signature", "/in/twilio/sms", form, report},
		{"a receipt with a wrong signature", "/in/twilio/sms", change(form, "X-Twilio-Signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="), report},
	} {
		status, err := h.Callback(t.Context(), f.path, f.header, f.body)
		if err != nil || status != http.StatusUnauthorized {
			t.Errorf("%s: %d %v", f.name, status, err)
		}
		forged++
	}
	if e, n, rs, err := h.Heard(t.Context()); err != nil || e != events || n != entries || rs != receipts {
		t.Errorf("forgeries left something: %d events, %d entries, %d receipts, %v", e, n, rs, err)
	}
	if out, err := h.Outcomes(t.Context(), rapport.SMS); err != nil || out[number].State != rapport.Delivered {
		t.Errorf("after a forged failure the message is %v, %v", out[number], err)
	}
	t.Logf("crash: %s: seed %d: %d copies of 2 receipts and of an answer: %d events kept, %d entry; %d forgeries refused with 401, nothing left of them", t.Name(), r.Seed, copies, events, entries, forged)
}
