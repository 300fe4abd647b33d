package api

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"rapport/channels/email/emailtest"
	"rapport/gateway"
)

// An invitation, or a reset, goes by mail where somebody can carry it, and what becomes of the mail changes nothing about
// the link. The token stands in the mail and in the one answer, and nowhere else.
func TestAgents_LinksGoByMail(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	owner := h.owner()
	sink, err := emailtest.Start(emailtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sink.Close)
	tokenOf := func(link string) string { _, token, _ := strings.Cut(link, "#token="); return token }

	owner.want(422, "POST", "/v1/agents", `{"name":"Nobody","email":"nobody@shop.example","role":"agent","mail":true}`)
	if a := owner.want(200, "GET", "/v1/agents", nil); strings.Contains(a.String(), "nobody@") {
		t.Errorf("somebody is invited whom no mail could tell: %s", a)
	}
	h.want(200, "PUT", "/v1/providers/relay", fmt.Sprintf(`{"driver":"email","channel":"email","settings":{"host":"127.0.0.1","port":%d,"tls":"none","from":"Shop <news@shop.example>","timeout":"2s"}}`, sink.Port()))

	invited := owner.want(201, "POST", "/v1/agents", `{"name":"Max","email":"max@shop.example","role":"agent","mail":true}`)
	token := tokenOf(invited.text("link"))
	if invited.get("mailed.accepted") != true || invited.text("mailed.provider") != "relay" || sink.Total() != 1 {
		t.Fatalf("invited: %s, %d mails", invited, sink.Total())
	}
	mail := sink.Messages()[0]
	if text := strings.ReplaceAll(string(mail.Data), "=\r\n", ""); mail.To != "max@shop.example" || !strings.Contains(strings.ReplaceAll(text, "=3D", "="), "/invitation#token="+token) || !strings.Contains(text, "Anna Smith invites you") {
		t.Errorf("the mail: %s", mail.Data)
	}
	again := owner.want(200, "POST", "/v1/agents/"+invited.text("id")+"/invitation", nil)
	if again.get("mailed") != nil || sink.Total() != 1 || tokenOf(again.text("link")) == token {
		t.Errorf("invited again, by hand: %s", again)
	}
	again = owner.want(200, "POST", "/v1/agents/"+invited.text("id")+"/invitation", `{"mail":true}`)
	max := h.browser()
	max.want(200, "POST", "/v1/invitations/accept", map[string]string{"token": tokenOf(again.text("link")), "password": password})
	max.want(200, "PATCH", "/v1/agents/me", `{"locale":"ru"}`)

	sink.Script(emailtest.Rule{At: emailtest.Dot, Times: 1, Reply: "550 5.7.1 Refused"})
	reset := owner.want(200, "POST", "/v1/agents/"+invited.text("id")+"/reset", `{"mail":true}`)
	refused := tokenOf(reset.text("link"))
	if reset.get("mailed.accepted") != false || reset.text("mailed.verdict") == "" || refused == "" {
		t.Errorf("refused: %s", reset)
	}
	reset = owner.want(200, "POST", "/v1/agents/"+invited.text("id")+"/reset", `{"mail":true}`)
	if reset.get("mailed.accepted") != true || sink.Total() != 3 {
		t.Fatalf("reset: %s, %d mails", reset, sink.Total())
	}
	h.want(200, "PUT", "/v1/suppressions/email/max@shop.example", `{"scope":"all"}`)
	if a := owner.want(200, "POST", "/v1/agents/"+invited.text("id")+"/reset", `{"mail":true}`); a.get("mailed.accepted") != false || a.text("link") == "" || sink.Total() != 3 {
		t.Errorf("a suppressed address: %s", a)
	}

	audit := owner.want(200, "GET", "/v1/audit?action=agent&limit=100", nil).String()
	if n := strings.Count(audit, "agent.link_mailed"); n != 4 {
		t.Errorf("%d mails in the audit log: %s", n, audit)
	}
	everywhere := audit + h.logs.String() + owner.want(200, "GET", "/v1/events/log?after=0&limit=1000", nil).String() + owner.want(200, "GET", "/v1/agents", nil).String() + owner.want(200, "GET", "/v1/providers", nil).String()
	for what, secret := range map[string]string{"invitation": token, "second invitation": tokenOf(again.text("link")), "refused reset": refused, "reset": tokenOf(reset.text("link"))} {
		if len(secret) != 43 || strings.Contains(everywhere, secret) {
			t.Errorf("the token of the %s, %q, stands where it must not", what, secret)
		}
	}
}

// The English words for a driver's settings are the driver's own; the app has the Russian ones, and none too many.
func TestDrivers_HaveRussianWords(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../web/src/i18n/ru/drivers.json")
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]any
	if err := json.Unmarshal(raw, &words); err != nil {
		t.Fatal(err)
	}
	names, _ := words["names"].(map[string]any)
	delete(words, "names")
	var walk func(driver string, list []gateway.SettingView, at map[string]any)
	walk = func(driver string, list []gateway.SettingView, at map[string]any) {
		for _, s := range list {
			w, _ := at[s.Name].(map[string]any)
			delete(at, s.Name)
			if label, _ := w["label"].(string); label == "" {
				t.Errorf("%s: %s has no label", driver, s.Path)
			}
			if help, _ := w["help"].(string); (help == "") != (s.Help == "") {
				t.Errorf("%s: %s has the help %q", driver, s.Path, help)
			}
			walk(driver, s.Settings, w)
		}
		for name := range at {
			if name != "label" && name != "help" {
				t.Errorf("%s has no setting %s", driver, name)
			}
		}
	}
	h := newHouse(t)
	h.want(200, "GET", "/v1/drivers", nil)
	for _, d := range h.g.Drivers() {
		if name, _ := names[d.Name].(string); name == "" {
			t.Errorf("%s has no name", d.Name)
		}
		w, _ := words[d.Name].(map[string]any)
		walk(d.Name, d.Settings, w)
		delete(words, d.Name)
	}
	if len(words) > 0 {
		t.Errorf("words of drivers that are not there: %v", words)
	}
}
