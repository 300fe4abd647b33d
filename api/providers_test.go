package api

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"rapport/gateway"
	"rapport/store"
)

// A form is drawn from a driver's settings, filled in, sent, and the provider is tried: all over the API.
func TestProviders_FormTestStatus(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		a := h.want(200, "GET", "/v1/drivers?limit=2", nil)
		if a.text("data.0.name") != "email" || a.text("data.0.channels.0") != "email" || a.text("data.1.name") != "sandbox" || a.text("next_cursor") == "" {
			t.Fatalf("drivers: %s", a)
		}
		var mail gateway.DriverView
		for _, d := range h.g.Drivers() {
			if d.Name == "email" {
				mail = d
			}
		}
		kinds := map[string]string{}
		var walk func([]gateway.SettingView)
		walk = func(list []gateway.SettingView) {
			for _, s := range list {
				kinds[s.Path] = s.Type
				if s.Label == "" {
					t.Errorf("%s has no label", s.Path)
				}
				walk(s.Settings)
			}
		}
		walk(mail.Settings)
		for path, kind := range map[string]string{"host": "text", "port": "number", "tls": "choice", "password": "secret", "timeout": "duration", "dkim": "object", "dkim.key": "secret",
			"inbound.addresses": "list", "inbound.imap": "object", "inbound.imap.password": "secret", "inbound.tls.required": "bool"} {
			if kinds[path] != kind {
				t.Errorf("%s is of type %q, want %q", path, kinds[path], kind)
			}
		}

		// What is not secret is shown, so that a form can be filled with it.
		saved := h.want(200, "PUT", "/v1/providers/mail", `{"driver":"email","channel":"email","settings":{"host":"127.0.0.1","port":1,"tls":"none","from":"Shop <news@shop.example>","helo":"mx.shop.example",
			"inbound":{"addresses":["support@shop.example"]}}}`)
		if saved.text("settings.helo") != "mx.shop.example" || saved.text("settings.inbound.addresses.0") != "support@shop.example" || saved.text("status.breaker") != "closed" || saved.text("status.inbound.by") != "none" {
			t.Errorf("saved: %s", saved)
		}
		down := h.want(200, "POST", "/v1/providers/mail/test", `{"to":"me@shop.example"}`)
		if down.get("accepted") != false || down.text("verdict") != "temporary" || down.text("reason") == "" {
			t.Errorf("nobody listens there: %s", down)
		}
		status := h.want(200, "GET", "/v1/providers/mail", nil)
		if status.get("status.failed_last_hour") != 1.0 || status.get("status.sent_last_hour") != 0.0 || status.text("status.last_error.verdict") != "temporary" || status.text("status.last_error.at") == "" {
			t.Errorf("after a failure: %s", status)
		}

		// Only that provider, and never an address that is suppressed, whatever for.
		h.want(200, "PUT", "/v1/providers/box", `{"driver":"sandbox","channel":"sms"}`)
		if ok := h.want(200, "POST", "/v1/providers/box/test", `{"to":"+37126000777","text":"Is it on?"}`); ok.get("accepted") != true || ok.text("provider_id") == "" {
			t.Errorf("accepted: %s", ok)
		}
		if out := h.want(200, "GET", "/v1/sandbox/outbox?channel=sms&address=%2B37126000777", nil); out.text("data.0.text") != "Is it on?" {
			t.Errorf("outbox: %s", out)
		}
		h.want(200, "PUT", "/v1/suppressions/sms/+37126000777", `{"scope":"marketing"}`)
		h.refused(409, "suppressed", "POST", "/v1/providers/box/test", `{"to":"+371 26000777"}`)
		h.refused(422, "to", "POST", "/v1/providers/box/test", `{"to":"nobody"}`)
		h.refused(404, "no such provider", "POST", "/v1/providers/nothing/test", `{"to":"+37126000777"}`)

		// What is stored says the same to another process as what is still in memory.
		before := h.want(200, "GET", "/v1/providers/box", nil)
		if err := h.g.Report(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := h.want(200, "GET", "/v1/providers/box", nil)
		if before.get("status.sent_last_hour") != 1.0 || after.get("status.sent_last_hour") != 1.0 || after.get("status.rate_in_use").(float64) <= 0 {
			t.Errorf("before and after storing: %s\n%s", before, after)
		}
		if states, err := h.st.ProviderStates(t.Context()); err != nil || !slices.ContainsFunc(states, func(x store.ProviderState) bool { return x.Provider == "mail" }) { // box too, once its receipt came
			t.Errorf("states: %v %v", states, err)
		}
	})
}

func TestProviders_TestSaysWhatTheProviderSaysWithoutTheSecret(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte("no"))
	}))
	t.Cleanup(far.Close)
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	h.want(200, "PUT", "/v1/providers/hooks", `{"driver":"webhook","channel":"webhook","settings":{"secret":"`+secret+`","allow_networks":["127.0.0.0/8"]}}`)
	a := h.want(200, "POST", "/v1/providers/hooks/test", `{"to":"`+far.URL+`"}`)
	if a.get("accepted") != false || !slices.Contains([]string{"rejected", "misconfigured", "temporary"}, a.text("verdict")) || strings.Contains(a.String(), secret) {
		t.Errorf("answer: %s", a)
	}
	log := h.want(200, "GET", "/v1/providers/hooks", nil)
	if log.get("status.failed_last_hour") != 1.0 {
		t.Errorf("status: %s", log)
	}
}
