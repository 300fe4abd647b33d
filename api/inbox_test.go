package api

import (
	"fmt"
	"strings"
	"testing"

	"rapport"
)

func TestInbox_ListShowsAndSorts(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.want(201, "PUT", "/v1/customers/ext:ann", `{"name":"Ann Fox","addresses":[{"channel":"sms","address":"+37120000001"}]}`)
		ann := h.says("+37120000001", "Where is it?")
		bob := h.says("+37120000002", "Hello")
		h.want(200, "PUT", ann+"/drafts/Eva", `{"text":"Dear"}`)
		h.want(200, "PATCH", ann, `{"priority":"urgent","assignee":"test","labels":["Refund"]}`)
		a := h.want(200, "GET", "/v1/threads?sort=priority&assignee=me", nil)
		if a.text("data.0.customer_name") != "Ann Fox" || a.text("data.0.last.kind") != "inbound" || a.text("data.0.preview") != "Where is it?" || a.text("data.0.drafts.0") != "Eva" || a.text("data.0.last.channel") != "sms" || a.get("data.1") != nil {
			t.Errorf("rows: %s", a)
		}
		for query, first := range map[string]string{"sort=priority": ann, "sort=priority&order=asc": bob, "sort=created": bob, "sort=created&order=asc": ann, "sort=waiting": ann, "sort=waiting&order=desc": bob, "order=asc": ann,
			"assignee=none": bob, "assignee=any": bob, "status=open,pending": bob, "label=refund": ann, "waiting=true": bob} {
			if a = h.want(200, "GET", "/v1/threads?"+query, nil); "/v1/threads/"+a.text("data.0.id") != first {
				t.Errorf("%s: %s", query, a)
			}
		}
		h.refused(422, "status", "GET", "/v1/threads?status=open,closed", nil)
		if a = h.want(200, "GET", "/v1/threads/counts", nil); a.get("open") != 2.0 || a.get("mine.open") != 1.0 || a.get("nobodys.open") != 1.0 {
			t.Errorf("counts: %s", a)
		}
		if a = h.want(200, "GET", "/v1/threads/counts?agent=Nobody%20yet", nil); a.get("mine.open") != 0.0 {
			t.Errorf("counts: %s", a)
		}

		// Many at once: each for itself.
		id := func(path string) string { return strings.TrimPrefix(path, "/v1/threads/") }
		a = h.want(200, "POST", "/v1/threads/bulk", fmt.Sprintf(`{"threads":[%q,"thr_0000000000001",%q],"change":{"status":"pending","labels_add":["VIP"],"labels_remove":["refund"],"assignee":"Eva","read":true},"agent":"Eva"}`, id(ann), id(bob)))
		if a.get("changed") != 2.0 || a.get("refused") != 1.0 || a.text("outcomes.1.error") != "not_found" || a.text("outcomes.0.thread.labels.0") != "VIP" || a.get("outcomes.2.thread.unread") != false || a.text("outcomes.2.thread.assignee") != "Eva" {
			t.Errorf("outcomes: %s", a)
		}
		for body, says := range map[string]string{
			`{"threads":[],"change":{"read":true}}`:                                                       "threads",
			fmt.Sprintf(`{"threads":[%q,%q],"change":{"read":true}}`, id(ann), id(ann)):                   "threads[1]",
			fmt.Sprintf(`{"threads":[%q],"change":{}}`, id(ann)):                                          "changes nothing",
			fmt.Sprintf(`{"threads":[%q],"change":{"status":"closed"}}`, id(ann)):                         "change.status",
			fmt.Sprintf(`{"threads":[%q],"change":{"labels_add":[" "]}}`, id(ann)):                        "change.labels_add[0]",
			`{"threads":["` + strings.Repeat(`thr_0000000000001","`, 200) + `x"],"change":{"read":true}}`: "200",
		} {
			h.refused(422, says, "POST", "/v1/threads/bulk", body)
		}
		var many []string
		for i := range 50 {
			many = append(many, fmt.Sprintf(`"l%d"`, i))
		}
		a = h.want(200, "POST", "/v1/threads/bulk", fmt.Sprintf(`{"threads":[%q],"change":{"labels_add":[%s]}}`, id(ann), strings.Join(many, ",")))
		if a.get("changed") != 0.0 || !strings.Contains(a.text("outcomes.0.detail"), "labels_add") {
			t.Errorf("51 labels: %s", a)
		}
		a = h.want(200, "POST", "/v1/threads/bulk", fmt.Sprintf(`{"threads":[%q],"change":{"snoozed_until":"2099-01-01T00:00:00Z"}}`, id(ann)))
		if a.text("outcomes.0.error") != "invalid" || !strings.Contains(a.text("outcomes.0.detail"), "snoozed_until") {
			t.Errorf("outcomes: %s", a)
		}

		h.want(200, "PUT", "/v1/labels/vip", `{"colour":"#C2410C"}`)
		h.want(200, "PUT", "/v1/labels/a%20%2F%20b", `{"colour":"#000000"}`)
		if a = h.want(200, "GET", "/v1/labels?limit=1", nil); a.text("data.0.name") != "a / b" || a.get("next_cursor") == nil {
			t.Errorf("labels: %s", a)
		}
		if a = h.want(200, "GET", "/v1/labels?cursor="+a.text("next_cursor"), nil); a.text("data.0.colour") != "#c2410c" || a.get("data.0.threads") != 2.0 {
			t.Errorf("labels: %s", a)
		}
		h.refused(422, "colour", "PUT", "/v1/labels/vip", `{"colour":"red"}`)
	})
}

func TestViews_AreKept(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		a := h.want(201, "POST", "/v1/views", `{"name":"Urgent","filter":{"status":["open","pending"],"priority":"urgent","assignee":"none"},"shared":true,"position":2}`)
		mine := h.want(201, "POST", "/v1/views", `{"name":"Mine","filter":{"assignee":"me","sort":"waiting"},"agent":"Eva"}`)
		if mine.text("agent") != "Eva" || a.get("shared") != true || a.text("filter.status.1") != "pending" {
			t.Errorf("views: %s, %s", a, mine)
		}
		if a := h.want(200, "GET", "/v1/views?agent=Eva", nil); a.text("data.0.name") != "Mine" || a.text("data.1.name") != "Urgent" {
			t.Errorf("Eva's: %s", a)
		}
		if a := h.want(200, "GET", "/v1/views?agent=Bob", nil); a.text("data.0.name") != "Urgent" || a.get("data.1") != nil {
			t.Errorf("Bob's: %s", a)
		}
		path := "/v1/views/" + mine.text("id")
		if a := h.want(200, "PUT", path, `{"name":"Still mine","filter":{}}`); a.text("agent") != "Eva" || a.text("name") != "Still mine" || a.get("filter.assignee") != nil {
			t.Errorf("view: %s", a)
		}
		for body, says := range map[string]string{`{"name":" ","filter":{}}`: "name", `{"name":"x","filter":{"status":["closed"]}}`: "filter.status", `{"name":"x","filter":{"customer":"cus_1"}}`: "customer",
			`{"name":"x","filter":{"campaign":"x"}}`: "filter.campaign", `{"name":"x","filter":{},"shared":true,"agent":"Eva"}`: "agent", `{"name":"x","filter":{},"position":-1}`: "position"} {
			h.refused(422, says, "POST", "/v1/views", body)
		}
		if a := h.want(200, "GET", "/v1/views?agent=eva", nil); a.text("data.0.name") != "Still mine" {
			t.Errorf("eva's: %s", a)
		}
		// An agent who is signed in knows everybody's and their own.
		anna := h.owner()
		own := "/v1/views/" + anna.want(201, "POST", "/v1/views", `{"name":"Hers","filter":{"assignee":"me"}}`).text("id")
		boris := anna.join("Boris", rapport.Member)
		for _, private := range []string{path, own} {
			boris.refused(404, rapport.CodeNotFound, "GET", private, nil)
			boris.refused(404, rapport.CodeNotFound, "PUT", private, `{"name":"x","filter":{},"shared":true}`)
			boris.refused(404, rapport.CodeNotFound, "DELETE", private, nil)
		}
		if a := boris.want(200, "GET", "/v1/views", nil); a.text("data.0.name") != "Urgent" || a.get("data.1") != nil {
			t.Errorf("Boris's: %s", a)
		}
		boris.want(200, "PUT", "/v1/views/"+a.text("id"), `{"name":"Urgent","filter":{},"shared":true}`)
		if a := anna.want(200, "PUT", own, `{"name":"Still hers","filter":{}}`); a.text("agent") != "Anna Smith" {
			t.Errorf("hers: %s", a)
		}
		anna.want(204, "DELETE", own, nil)
		h.want(204, "DELETE", path, nil)
		h.refused(404, "view", "DELETE", path, nil)
		h.refused(404, "view", "GET", path, nil)
		h.refused(404, "view", "PUT", path, `{"name":"x","filter":{}}`)
	})
}
