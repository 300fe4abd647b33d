package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rapport/gateway"
)

// Every route that changes something is either here, with the entry that it writes, or below, with the reason why it writes none.
func TestAudit_KnowsWhoDidWhat(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.template("welcome")
		for _, id := range []string{"a", "b", "c"} {
			h.want(201, "PUT", "/v1/customers/ext:"+id, `{"name":"Anna","addresses":[{"channel":"email","address":"`+id+`@example.com"}]}`)
		}
		draft := func() string {
			c := h.want(202, "POST", "/v1/campaigns", `{"name":"n","purpose":"transactional","template":"welcome","status":"draft","cancellation_key":"k","send_at":"2099-01-01T00:00:00Z","audience":{"customers":[{"id":"ext:a"}]}}`)
			return c.Header.Get("Location")
		}
		campaign := draft()
		var endpoint, key, merge, entry, view string
		last := func(action string) string {
			t.Helper()
			return h.want(200, "GET", "/v1/audit?limit=1&action="+action, nil).text("data.0.resource")
		}
		const ok = 200
		written := map[string]bool{}
		h.agentsAct(written)
		for _, c := range []struct {
			route  string // of the table
			path   func() string
			body   string
			status int
			action string
		}{
			{"PUT /v1/topics/{key}", func() string { return "/v1/topics/news" }, `{"policy":"opt_in","title":{"en":"News"}}`, ok, "topic.changed"},
			{"PUT /v1/templates/{key}", func() string { return "/v1/templates/other" }, `{"topic":"news","variants":[{"channel":"sms","text":"Hello"}]}`, 201, "template.saved"},
			{"PUT /v1/providers/{name}", func() string { return "/v1/providers/box" }, `{"driver":"sandbox","channel":"sms"}`, ok, "provider.changed"},
			{"POST /v1/providers/{name}/test", func() string { return "/v1/providers/box/test" }, `{"to":"+37126000001"}`, ok, "provider.tested"},
			{"DELETE /v1/providers/{name}", func() string { return "/v1/providers/box" }, "", 204, "provider.deleted"},
			{"POST /v1/keys", func() string { return "/v1/keys" }, `{"name":"other","scopes":["read:*"]}`, 201, "key.created"},
			{"DELETE /v1/keys/{id}", func() string { key = last("key.created"); return "/v1/keys/" + key }, "", 204, "key.revoked"},
			{"PUT /v1/suppressions/{channel}/{address}", func() string { return "/v1/suppressions/email/x@example.com" }, `{}`, ok, "address.suppressed"},
			{"DELETE /v1/suppressions/{channel}/{address}", func() string { return "/v1/suppressions/email/x@example.com" }, "", 204, "address.allowed"},
			{"POST /v1/endpoints", func() string { return "/v1/endpoints" }, `{"url":"https://far.example/hook","events":["message.sent"]}`, 201, "endpoint.created"},
			{"PATCH /v1/endpoints/{id}", func() string { endpoint = "/v1/endpoints/" + last("endpoint.created"); return endpoint }, `{"events":["message.failed"]}`, ok, "endpoint.changed"},
			{"POST /v1/endpoints/{id}/rotate", func() string { return endpoint + "/rotate" }, "", ok, "endpoint.secret_replaced"},
			{"POST /v1/endpoints/{id}/replay", func() string { return endpoint + "/replay" }, `{"since":"2020-01-01T00:00:00Z"}`, 202, "endpoint.replayed"},
			{"DELETE /v1/endpoints/{id}", func() string { return endpoint }, "", 204, "endpoint.deleted"},
			{"POST /v1/campaigns/{id}/launch", func() string { return campaign + "/launch" }, "", ok, "campaign.launched"},
			{"POST /v1/campaigns/{id}/pause", func() string { return campaign + "/pause" }, "", ok, "campaign.paused"},
			{"POST /v1/campaigns/{id}/resume", func() string { return campaign + "/resume" }, "", ok, "campaign.resumed"},
			{"POST /v1/campaigns/{id}/cancel", func() string { return campaign + "/cancel" }, "", ok, "campaign.cancelled"},
			{"POST /v1/campaigns", func() string { return "/v1/campaigns" }, `{"name":"n","purpose":"transactional","template":"welcome","settings":{"sandbox":true},"audience":{"customers":[{"id":"ext:a"}]}}`, 202, "campaign.launched"},
			{"POST /v1/campaigns/cancel", func() string { draft(); return "/v1/campaigns/cancel" }, `{"cancellation_key":"k"}`, ok, "campaign.cancelled"},
			{"DELETE /v1/campaigns/{id}", func() string { return draft() }, "", 204, "campaign.deleted"},
			{"POST /v1/merges", func() string { return "/v1/merges" }, `{"into":"ext:a","from":"ext:b"}`, 201, "customer.merged"},
			{"POST /v1/merges/{id}/undo", func() string {
				merge = h.want(200, "GET", "/v1/merges?limit=1", nil).text("data.0.id")
				return "/v1/merges/" + merge + "/undo"
			}, "", ok, "customer.unmerged"},
			{"PUT /v1/merges/rules", func() string { return "/v1/merges/rules" }, `{}`, ok, "merge_rules.changed"},
			{"POST /v1/customers/import", func() string { return "/v1/customers/import" }, "external_id\nz\n", 202, "customers.imported"},
			{"DELETE /v1/customers/{id}", func() string { return "/v1/customers/ext:c" }, "", 204, "customer.erased"},
			{"GET /v1/customers/{id}/export", func() string { return "/v1/customers/ext:a/export" }, "", ok, "customer.exported"},
			{"PUT /v1/canned/{key}", func() string { return "/v1/canned/hi" }, `{"title":"Hi","bodies":[{"text":"Hello"}]}`, 201, "canned.saved"},
			{"DELETE /v1/canned/{key}", func() string { return "/v1/canned/hi" }, "", 204, "canned.deleted"},
			{"POST /v1/segments", func() string { return "/v1/segments" }, `{"key":"gold","name":"Gold","filter":{"field":"locale","op":"eq","value":"lv"}}`, 201, "segment.saved"},
			{"PUT /v1/segments/{id}", func() string { return "/v1/segments/gold" }, `{"name":"Gold","filter":{"field":"locale","op":"eq","value":"ru"}}`, ok, "segment.saved"},
			{"DELETE /v1/segments/{id}", func() string { return "/v1/segments/gold" }, "", 204, "segment.deleted"},
			{"PUT /v1/labels/{name}", func() string { return "/v1/labels/vip" }, `{"colour":"#c2410c"}`, ok, "label.saved"},
			{"DELETE /v1/labels/{name}", func() string { return "/v1/labels/vip" }, ``, 204, "label.deleted"},
			{"POST /v1/views", func() string { return "/v1/views" }, `{"name":"Mine","filter":{"assignee":"me"}}`, 201, "view.saved"},
			{"PUT /v1/views/{id}", func() string { view = "/v1/views/" + last("view.saved"); return view }, `{"name":"Ours","filter":{},"shared":true}`, ok, "view.saved"},
			{"DELETE /v1/views/{id}", func() string { return view }, "", 204, "view.deleted"},
			{"PUT /v1/assignment", func() string { return "/v1/assignment" }, `{"automatic":false,"cap":3}`, ok, "assignment.changed"},
			{"PUT /v1/hours", func() string { return "/v1/hours" }, `{"timezone":"Europe/Riga","week":{}}`, ok, "hours.changed"},
			{"PUT /v1/entries/{id}/understanding", func() string {
				h.want(202, "POST", "/v1/sandbox/replies", `{"channel":"email","address":"a@example.com","text":"Hello"}`)
				thread := h.want(200, "GET", "/v1/threads?limit=1", nil).text("data.0.id")
				entry = h.want(200, "GET", "/v1/threads/"+thread+"/entries", nil).text("data.0.id")
				return "/v1/entries/" + entry + "/understanding"
			}, `{"intent":"thanks"}`, ok, "entry.corrected"},
		} {
			method, _, _ := strings.Cut(c.route, " ")
			path, head := c.path(), "Content-Type: application/json"
			if strings.HasSuffix(c.route, "/import") {
				head = "Content-Type: text/csv"
			}
			var body any
			if c.body != "" {
				body = c.body
			}
			if a := h.do(method, path, body, head); a.StatusCode != c.status {
				t.Errorf("%s: %s", c.route, a)
				continue
			}
			a := h.want(200, "GET", "/v1/audit?limit=1", nil)
			if a.text("data.0.action") != c.action || a.text("data.0.resource") == "" || a.text("data.0.actor.kind") != "key" || a.text("data.0.actor.name") != "test" {
				t.Errorf("%s wrote %s, want %s by the key test", c.route, a, c.action)
			}
			written[c.route] = true
		}
		for _, path := range []string{"release", "close", "cancel"} {
			written["POST /v1/quarantine/"+path] = true // gateway: TestQuarantine holds it, in a restored database
		}
		written["POST /v1/strays/{id}/attach"], written["DELETE /v1/strays/{id}"] = true, true // TestStrays_AreSeenAttachedAndForgotten holds it
		why := map[string]string{                                                              // each: by route, or by the beginning of several, up to a slash
			"PUT /v1/customers/": "programs write customers all day; what matters of it has a history of its own", "POST /v1/customers/": "consent has its own history",
			"POST /v1/threads": "stands in the thread", "POST /v1/threads/": "stands in the thread", "PATCH /v1/threads/": "stands in the thread", "DELETE /v1/threads/": "stands in the thread, or is a draft", "PUT /v1/threads/": "a draft",
			"PUT /v1/presence/": "who is there", "POST /v1/sandbox/": "a game", "PUT /v1/sandbox/": "a game", "POST /v1/files": "a file alone does nothing", "POST /v1/events": "has its own log",
			"POST /v1/messages": "stands in the ledger, with the key", "POST /v1/templates/{key}/": "changes nothing, or stands in the ledger", "POST /v1/merges/preview": "changes nothing",
			"POST /v1/canned/{key}/render": "changes nothing", "POST /v1/campaigns/{id}/recipients": "a draft; its launch is written", "PATCH /v1/campaigns/{id}": "a draft", "POST /v1/campaigns/{id}/duplicate": "a draft",
			"POST /v1/campaigns/{id}/estimate": "changes nothing", "POST /v1/entries/{id}/forward": "stands in the thread", "POST /v1/agents/me/totp": "changes nothing until a code has come back", "POST /v1/endpoints/{id}/test": "stands in the deliveries",
			"POST /v1/domains/{domain}/check": "changes nothing", "POST /v1/segments/preview": "changes nothing", "POST /v1/invitations/find": "changes nothing",
			"PATCH /v1/agents/me": "their language, and how the app looks to them",
		}
		for _, r := range h.door.routes {
			route, excused := r.Method+" "+r.Path, r.Method == http.MethodGet || written[r.Method+" "+r.Path]
			for beginning := range why {
				excused = excused || route == beginning || strings.HasSuffix(beginning, "/") && strings.HasPrefix(route, beginning)
			}
			if !excused {
				t.Errorf("%s changes something: is it written in the audit log?", route)
			}
		}

		// Filters and pages.
		if a := h.want(200, "GET", "/v1/audit?action=key&limit=9", nil); len(a.get("data").([]any)) != 2+1 || a.text("data.0.action") != "key.revoked" {
			t.Errorf("of keys: %s", a)
		}
		if a := h.want(200, "GET", "/v1/audit?resource="+key, nil); len(a.get("data").([]any)) != 2 {
			t.Errorf("of one key: %s", a)
		}
		mine := h.want(200, "GET", "/v1/audit?limit=1", nil).text("data.0.actor.id")
		_, _, err := h.keys.Create(t.Context(), gateway.Caller{Scopes: []string{"*"}}, gateway.KeyInput{Name: "by a command", Scopes: []string{"*"}})
		if err != nil {
			t.Fatal(err)
		}
		if a := h.want(200, "GET", "/v1/audit?actor=rapport&action=key.created", nil); len(a.get("data").([]any)) != 2 || a.text("data.0.actor.kind") != "rapport" {
			t.Errorf("of commands: %s", a)
		}
		page := h.want(200, "GET", "/v1/audit?limit=2&actor="+mine, nil)
		next := h.want(200, "GET", "/v1/audit?limit=2&actor="+mine+"&cursor="+page.text("next_cursor"), nil)
		if page.text("data.0.action") != "entry.corrected" || next.text("data.0.action") != "assignment.changed" {
			t.Errorf("pages: %s\n%s", page, next)
		}
		tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
		if a := h.want(200, "GET", "/v1/audit?since="+tomorrow, nil); len(a.get("data").([]any)) != 0 {
			t.Errorf("since tomorrow: %s", a)
		}
		if a := h.want(200, "GET", "/v1/audit?limit=1&until="+tomorrow, nil); len(a.get("data").([]any)) != 1 {
			t.Errorf("until tomorrow: %s", a)
		}
		h.refused(422, "actor", "GET", "/v1/audit?actor=cus_1", nil)
	})
}
