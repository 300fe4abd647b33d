package gateway_test

import (
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
)

// WhatsApp takes a free answer for 24 hours after the customer's last message; the simulator does as it does.
func TestReplyWindow_ClosesADayAfterTheLastMessage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		says := func(ch rapport.Channel, text string) {
			if _, err := w.g.SandboxReply(t.Context(), gateway.SandboxReplyInput{Channel: ch, Address: "+37120000001", Text: text}); err != nil {
				t.Fatal(err)
			}
		}
		says(rapport.WhatsApp, "Do you have it in blue?")
		th := w.threads()[0]
		until, bounded, err := w.g.ReplyUntil(t.Context(), th)
		if err != nil || !bounded || until.Sub(w.clock.now()) < 23*time.Hour+59*time.Minute || until.Sub(w.clock.now()) > 24*time.Hour {
			t.Errorf("until %v, %t, %v", until, bounded, err)
		}
		w.clock.forward(23 * time.Hour)
		says(rapport.WhatsApp, "Hello?") // moves it
		w.clock.forward(23 * time.Hour)
		e, err := w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, gateway.ReplyInput{Text: "Yes"})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := w.st.Message(t.Context(), e.Message); err != nil || m.ExpiresAt.IsZero() || m.ExpiresAt.Sub(w.clock.now()) > time.Hour {
			t.Errorf("the answer may be sent until %v, %v", m.ExpiresAt, err)
		}
		w.clock.forward(time.Hour + time.Second)
		_, err = w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, gateway.ReplyInput{Text: "And in red"})
		if rapport.CodeOf(err) != rapport.CodeConflict || !strings.Contains(err.Error(), "WhatsApp takes answers only within 24 hours of the customer's last message") || !strings.Contains(err.Error(), "ended at ") {
			t.Errorf("after the window: %v", err)
		}
		if until, bounded, err := w.g.ReplyUntil(t.Context(), th); err != nil || !bounded || until.After(w.clock.now()) {
			t.Errorf("until %v, %t, %v", until, bounded, err)
		}
		says(rapport.WhatsApp, "Still there?")
		if _, err := w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, gateway.ReplyInput{Text: "Yes"}); err != nil {
			t.Errorf("the window opens again: %v", err)
		}
	})
}

func TestReplyWindow_OtherChannelsHaveNone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.ingest("sms", reply(rapport.SMS, "+37120000001", "Hi", "e1"))
		th := w.threads()[0]
		w.clock.forward(30 * 24 * time.Hour)
		if _, bounded, err := w.g.ReplyUntil(t.Context(), th); err != nil || bounded {
			t.Errorf("bounded: %t, %v", bounded, err)
		}
		if _, err := w.g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, gateway.ReplyInput{Text: "Sorry for the wait"}); err != nil {
			t.Error(err)
		}
	})
}
