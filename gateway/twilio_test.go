package gateway_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/channels/sandbox"
	"rapport/channels/twilio"
	"rapport/channels/twilio/twiliotest"
	"rapport/gateway"
	"rapport/store/storetest"
)

// Through the real driver: what Twilio has answered is not answered twice, what it has not is, and WhatsApp has its window.
func TestTwilio_StopHelpAndTheWindow(t *testing.T) {
	t.Parallel()
	run := func(name, db string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, db)
			fake := twiliotest.New("AC00000000000000000000000000000001", "token")
			base, stop, err := fake.Start()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(stop)
			w.hub = channels.NewHub([]channels.Driver{sandbox.Driver(w.box), twilio.Driver}, channels.HubOptions{Now: w.clock.now, PublicURL: "https://rapport.example"})
			settings := channels.Settings{"account_sid": fake.AccountSID, "auth_token": fake.AuthToken, "from": "+15005550006", "base_url": base}
			if err := w.hub.Configure([]channels.Entry{{Name: "sms", Driver: "twilio", Channel: rapport.SMS, Settings: settings}, {Name: "wa", Driver: "twilio", Channel: rapport.WhatsApp, Settings: settings}}); err != nil {
				t.Fatal(err)
			}
			w.g = gateway.New(w.st, w.hub, slog.New(slog.DiscardHandler), w.set)
			w.start()
			says := func(provider string, in twiliotest.Inbound) {
				t.Helper()
				target := "https://rapport.example/in/twilio/" + provider
				form := fake.InboundForm(base, in)
				h := http.Header{"X-Twilio-Signature": {fake.Sign(target, form)}}
				if _, err := w.g.Receive(t.Context(), provider, &channels.Callback{Method: http.MethodPost, URL: target, Header: h, Body: []byte(form.Encode())}); err != nil {
					t.Fatal(err)
				}
			}
			const anna, boris, carl = "+37120000001", "+37120000002", "+37120000003"
			says("sms", twiliotest.Inbound{From: anna, To: "+15005550006", Body: "STOP", OptOutType: "STOP"})
			says("sms", twiliotest.Inbound{From: boris, To: "+15005550006", Body: "СТОП 🛑"})
			says("wa", twiliotest.Inbound{From: "whatsapp:" + carl, To: "whatsapp:+15005550006", Body: "help"})
			w.until("what Twilio has not answered is", func() bool { return fake.Count(boris) == 1 && fake.Count(carl) == 1 })
			if n := fake.Count(anna); n != 0 {
				t.Errorf("%d messages after Twilio's own", n)
			}
			for _, address := range []string{anna, boris} {
				if _, err := w.st.Suppression(t.Context(), rapport.SMS, address); err != nil {
					t.Errorf("%s: %v", address, err)
				}
			}
			for _, m := range fake.Messages() {
				if u, err := url.Parse(m.StatusCallback); err != nil || !strings.HasPrefix(u.Query().Get("m"), "msg_") {
					t.Errorf("%+v", m)
				}
			}
			for _, th := range w.threads() {
				if _, bounded, err := w.g.ReplyUntil(t.Context(), th); err != nil || bounded != (th.Channel == rapport.WhatsApp) {
					t.Errorf("%s: bounded %t, %v", th.Channel, bounded, err)
				}
			}
		})
	}
	run("sqlite", storetest.SQLite(t))
	if db, ok := storetest.Postgres(t); ok {
		run("postgres", db)
	}
}
