package api

import (
	"fmt"
	"strings"
	"testing"
)

func TestCustomers_LiveAndAreForgotten(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		a := h.want(201, "PUT", "/v1/customers/ext:crm%201", `{"name":"Anna","locale":"ru-lv","timezone":"Europe/Riga","attributes":{"tier":"gold","age":41},
			"addresses":[{"channel":"email","address":"Anna@Example.COM"},{"channel":"sms","address":"2 612 3456"},{"channel":"telegram","address":"77"}],
			"preferences":{"topics":{"news":{"email":true}},"quiet_hours":{"from":"21:00","until":"09:00"},"frequency_cap":{"max":3,"per":"168h"}},
			"consents":[{"channel":"email","purpose":"marketing","topic":"news","granted":true,"source":"form","text_version":"1"}]}`)
		id := a.text("id")
		if a.Header.Get("Location") != "/v1/customers/"+id || a.text("external_id") != "crm 1" || a.text("locale") != "ru-LV" ||
			a.text("addresses.0.address") != "Anna@example.com" || a.text("addresses.1.address") != "+37126123456" || a.text("preferences.quiet_hours.from") != "21:00" || a.text("preferences.frequency_cap.per") != "168h" {
			t.Errorf("created: %s", a)
		}
		a = h.want(200, "PUT", "/v1/customers/"+id, `{"attributes":{"age":null,"city":"Riga"},"addresses":[{"channel":"email","address":"new@example.com"}],"preferences":{"frequency_cap":{"max":0}}}`)
		if fmt.Sprint(a.get("attributes")) != "map[city:Riga tier:gold]" || len(a.get("addresses").([]any)) != 3 || strings.Contains(a.String(), "Anna@") || a.get("preferences.frequency_cap") != nil {
			t.Errorf("a changed address replaces the old one, the chat stays: %s", a)
		}
		if got := h.want(200, "GET", "/v1/customers/ext:crm%201", nil).text("id"); got != id {
			t.Errorf("found %s", got)
		}
		h.want(200, "PUT", "/v1/customers/ext:crm%201", `{"external_id":"crm-2"}`)
		h.refused(404, "no such customer", "GET", "/v1/customers/ext:crm%201", nil)
		h.refused(409, "another customer", "PUT", "/v1/customers/ext:other", `{"addresses":[{"channel":"email","address":"NEW@example.com"}]}`)
		h.refused(404, "no such customer", "PUT", "/v1/customers/cus_0000000000001", `{"name":"x"}`)
		h.refused(422, "differs", "PUT", "/v1/customers/ext:x", `{"external_id":"y"}`)

		h.want(201, "POST", "/v1/customers/"+id+"/consents", `{"channel":"email","purpose":"marketing","topic":"news","granted":false,"source":"call","text_version":"2","ip":"192.0.2.7"}`)
		a = h.want(200, "GET", "/v1/customers/"+id+"/consents", nil)
		if a.get("data.0.granted") != false || a.get("data.1.granted") != true || a.get("next_cursor") != nil {
			t.Errorf("consents: %s", a)
		}
		a = h.want(200, "PUT", "/v1/customers/"+id+"/preferences", `{"topics":{"*":{"sms":false}},"channel_order":["telegram","email"]}`)
		if a.get("topics.*.sms") != false || a.get("topics.news.email") != true || a.text("channel_order.0") != "telegram" {
			t.Errorf("preferences: %s", a)
		}
		a = h.want(202, "POST", "/v1/events", `[{"id":"o1","type":"order","customer":"ext:crm-2","properties":{"order_id":"1","total":1999,"currency":"EUR","items":[]}},{"id":"v1","type":"visit","customer":"`+id+`"}]`)
		if a.get("accepted") != 2.0 {
			t.Errorf("events: %s", a)
		}
		if a = h.want(202, "POST", "/v1/events", "{\"id\":\"o1\",\"type\":\"visit\",\"customer\":\"ext:crm-2\"}\n", "Content-Type: application/x-ndjson"); a.get("duplicates") != 1.0 {
			t.Errorf("an event twice: %s", a)
		}
		a = h.want(200, "GET", "/v1/customers/"+id+"/timeline?limit=2", nil)
		if len(a.get("data").([]any)) != 2 || a.text("next_cursor") == "" {
			t.Errorf("timeline: %s", a)
		}
		a = h.want(200, "GET", "/v1/customers/"+id+"/timeline?limit=2&cursor="+a.text("next_cursor"), nil)
		if len(a.get("data").([]any)) != 2 || a.get("next_cursor") != nil {
			t.Errorf("its second page: %s", a)
		}
		lines := h.want(200, "GET", "/v1/customers/"+id+"/timeline", nil, "Accept: application/x-ndjson")
		if strings.Count(string(lines.Body), "\n") != 4 || !strings.HasPrefix(lines.Header.Get("Content-Type"), "application/x-ndjson") {
			t.Errorf("timeline as lines: %s", lines)
		}
		if a = h.want(200, "GET", "/v1/customers/"+id+"/export", nil); a.text("events.0.id") == "" || a.text("addresses.0.address") == "" {
			t.Errorf("export: %s", a)
		}
		a = h.want(200, "GET", "/v1/customers?q=new@example", nil)
		if a.text("data.0.id") != id {
			t.Errorf("search: %s", a)
		}
		h.want(204, "DELETE", "/v1/customers/"+id, nil)
		h.refused(404, "no such customer", "GET", "/v1/customers/"+id, nil)
		if log := h.logs.String(); strings.Contains(log, "example.com") || strings.Contains(log, "Anna") || strings.Contains(log, h.key) {
			t.Errorf("personal data in the log: %s", log)
		}
	})
}

func TestLists_PageByCursorsOfTheirOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 5 {
		h.want(201, "PUT", fmt.Sprintf("/v1/customers/ext:%d", i), `{}`)
	}
	var seen []string
	path := "/v1/customers?limit=2"
	for next := path; next != ""; {
		a := h.want(200, "GET", next, nil)
		for i := range a.get("data").([]any) {
			seen = append(seen, a.text(fmt.Sprintf("data.%d.external_id", i)))
		}
		next = ""
		if c := a.text("next_cursor"); c != "" {
			next = path + "&cursor=" + c
			h.refused(422, "next_cursor", "GET", "/v1/campaigns?cursor="+c, nil)
			h.refused(422, "next_cursor", "GET", path+"&cursor="+c[:len(c)-1], nil)
		}
	}
	if fmt.Sprint(seen) != "[4 3 2 1 0]" {
		t.Errorf("pages: %v", seen)
	}
	h.refused(422, "limit", "GET", "/v1/customers?limit=1001", nil)
	h.refused(422, "limit", "GET", "/v1/customers?limit=x", nil)
	h.refused(422, "cursor", "GET", "/v1/customers?cursor=%00%ff", nil)
	h.refused(422, "unknown query parameter", "GET", "/v1/customers?offset=1", nil)
}

func TestSuppressionsAndTopics(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.refused(404, "no such suppression", "GET", "/v1/suppressions/email/a%40example.com", nil)
	a := h.want(200, "PUT", "/v1/suppressions/email/A%40example.com", nil)
	if a.text("reason") != "manual" || a.text("scope") != "all" {
		t.Errorf("suppressed: %s", a)
	}
	h.want(200, "GET", "/v1/suppressions/email/a@EXAMPLE.com", nil)
	h.want(200, "PUT", "/v1/suppressions/webhook/https%3A%2F%2Fshop.example%2Fhook%3Fa=1", `{"reason":"gone","scope":"marketing"}`)
	if a = h.want(200, "GET", "/v1/suppressions/webhook/https%3A%2F%2Fshop.example%2Fhook%3Fa=1", nil); a.text("address") != "https://shop.example/hook?a=1" {
		t.Errorf("an address with slashes: %s", a)
	}
	if a = h.want(200, "GET", "/v1/suppressions/email", nil); a.text("data.0.address") != "A@example.com" {
		t.Errorf("list: %s", a)
	}
	h.want(204, "DELETE", "/v1/suppressions/email/a@example.com", nil)
	h.refused(404, "no such suppression", "DELETE", "/v1/suppressions/email/a@example.com", nil)
	h.refused(422, "address", "PUT", "/v1/suppressions/sms/12", nil)
	h.refused(422, "channel", "PUT", "/v1/suppressions/pigeon/12", nil)

	if a = h.want(200, "PUT", "/v1/topics/news", `{"policy":"opt_out","title":{"en":"News","RU":"Новости"},"track_clicks":true}`); a.text("title.ru") != "Новости" || a.get("implicit") != false {
		t.Errorf("topic: %s", a)
	}
	h.refused(422, "policy", "PUT", "/v1/topics/news", `{"policy":"sometimes"}`)
	h.refused(422, "title", "PUT", "/v1/topics/news", `{"policy":"none","title":{"not a tag":"x"}}`)
	h.refused(422, "key", "PUT", "/v1/topics/a%20b", `{"policy":"none"}`)
	h.want(200, "PUT", "/v1/topics/Orders", `{"policy":"none"}`)
	if a = h.want(200, "GET", "/v1/topics?limit=1", nil); a.text("data.0.key") != "Orders" || len(a.get("data").([]any)) != 1 {
		t.Errorf("topics: %s", a)
	}
	if a = h.want(200, "GET", "/v1/topics?limit=1&cursor="+a.text("next_cursor"), nil); a.text("data.0.key") != "news" || a.get("next_cursor") != nil {
		t.Errorf("the second page of topics: %s", a)
	}
	h.refused(422, "cursor", "GET", "/v1/topics?cursor=x", nil)
	a = h.want(200, "GET", "/v1/providers", nil)
	first, all := a.text("data.0.name"), len(a.get("data").([]any))
	a = h.want(200, "GET", "/v1/providers?limit=1", nil)
	if a = h.want(200, "GET", "/v1/providers?limit=1000&cursor="+a.text("next_cursor"), nil); len(a.get("data").([]any)) != all-1 || a.text("data.0.name") <= first {
		t.Errorf("the second page of providers: %s", a)
	}
	if a = h.want(200, "GET", "/v1/campaigns?status=accepting", nil); len(a.get("data").([]any)) != 0 {
		t.Errorf("accepting: %s", a)
	}
}
