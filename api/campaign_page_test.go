package api

import (
	"fmt"
	"strings"
	"testing"
)

// audience makes customers 1 to n with consent for news by SMS; the last has withdrawn it.
func (h *house) audience(n int) {
	h.t.Helper()
	for i := range n {
		h.want(201, "PUT", fmt.Sprintf("/v1/customers/ext:c%d", i+1), fmt.Sprintf(`{"name":"Customer %d","locale":"en","attributes":{"plan":%q},"addresses":[{"channel":"sms","address":"+3712000%04d"}],
			"consents":[{"channel":"sms","purpose":"marketing","topic":"news","granted":%t,"source":"form","text_version":"1"}]}`, i+1, []string{"gold", "free"}[i%2], i+1, i < n-1))
	}
}

func TestDraft_IsEstimatedChangedCopiedAndDeleted(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.template("hello")
		h.audience(5)
		a := h.want(202, "POST", "/v1/campaigns", `{"name":"Spring","purpose":"marketing","template":"hello","status":"draft","data":{"a":1},"send_at":"2099-01-01T00:00:00Z","settings":{"sandbox":true},
			"send_window":{"from":"09:00","until":"18:00","days":["mon","tue"]},"routing":{"method":"fallback","channels":["sms","email"],"escalate_after":"4h"}}`)
		path := "/v1/campaigns/" + a.text("id")
		if a = h.want(200, "POST", path+"/estimate", nil); a.get("recipients") != 0.0 || a.get("complete") != true {
			t.Errorf("estimate of an empty draft: %s", a)
		}
		a = h.want(200, "PATCH", path, `{"name":"Summer","audience":{"everyone":true},"clear":["send_at"],"routing":{"channels":["sms"]}}`)
		if a.text("name") != "Summer" || a.get("everyone") != true || a.get("send_at") != nil || a.text("send_window.days.1") != "tue" || a.get("data.a") != 1.0 || a.text("routing.channels.0") != "sms" || a.get("routing.escalate_after") != nil || a.get("settings.sandbox") != true {
			t.Errorf("changed: %s", a)
		}
		a = h.want(200, "POST", path+"/estimate", nil)
		if a.get("recipients") != 5.0 || a.get("examined") != 5.0 || a.get("complete") != true || a.get("channels.sms") != 4.0 || a.get("costs.0.units") != 4.0 || a.get("costs.0.amount") != 30.0 || a.text("currency") != "EUR" || len(a.get("skipped").(map[string]any)) != 1 {
			t.Errorf("estimate: %s", a)
		}
		if a.text("samples.0.text") != "Hello Customer 1" || a.text("samples.0.locale") != "en" || a.text("samples.0.channel") != "sms" || !strings.HasPrefix(a.text("samples.0.customer"), "cus_") {
			t.Errorf("samples: %s", a)
		}
		if n := h.want(200, "GET", path, nil); n.get("counts.planned") != 0.0 || n.text("status") != "draft" {
			t.Errorf("an estimate left something: %s", n)
		}
		for body, says := range map[string]string{`{"purpose":"fun"}`: "purpose", `{"clear":["name"]}`: "clear[0]", `{"template":"none"}`: "template", `{"audience":{}}`: "audience", `{"audience":{"segment":"none"}}`: "audience.segment", `{"expires_at":"2001-01-01T00:00:00Z"}`: "expires_at"} {
			h.refused(422, says, "PATCH", path, body)
		}

		copied := h.want(201, "POST", path+"/duplicate", nil)
		if copied.text("name") != "Summer (copy)" || copied.text("status") != "draft" || copied.get("everyone") != true || copied.text("id") == a.text("id") || copied.text("send_window.from") != "09:00" {
			t.Errorf("copy: %s", copied)
		}
		other := "/v1/campaigns/" + copied.text("id")
		h.want(200, "PATCH", other, `{"clear":["audience"]}`)
		h.want(200, "POST", other+"/recipients", "sms,name\n+37120009999,Zoe\n", "Content-Type: text/csv")
		if e := h.want(200, "POST", other+"/estimate", nil); e.get("recipients") != 1.0 || e.get("examined") != 1.0 {
			t.Errorf("estimate of recipients: %s", e)
		}
		if n := h.want(200, "GET", "/v1/customers?q=Zoe", nil); n.get("data.0") != nil {
			t.Errorf("an estimate made a customer: %s", n)
		}
		h.refused(409, "recipients", "PATCH", other, `{"audience":{"everyone":true}}`)
		h.want(204, "DELETE", other, nil)
		h.until("the draft is gone", func() bool { return h.do("GET", other, nil).StatusCode == 404 })
		h.refused(404, "campaign", "DELETE", other, nil)

		h.want(200, "PATCH", path, `{"clear":["send_window"]}`)
		h.want(200, "POST", path+"/launch", nil)
		for verb, body := range map[string]any{"PATCH ": `{"name":"x"}`, "DELETE ": nil, "POST /estimate": nil} {
			method, tail, _ := strings.Cut(verb, " ")
			h.refused(409, "draft", method, path+tail, body)
		}
	})
}

func TestCampaign_DrawnFromASegmentHasAFunnel(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.template("hello")
		h.audience(7)
		filter := `{"all":[{"field":"attribute","name":"plan","op":"eq","value":"gold"},{"field":"channel","channel":"sms"}]}`
		seg := h.want(201, "POST", "/v1/segments", `{"key":"gold","name":"Gold","filter":`+filter+`}`)
		if a := h.want(200, "POST", "/v1/segments/preview", `{"filter":`+filter+`}`); a.get("count") != 4.0 || len(a.get("customers").([]any)) != 4 || a.text("customers.0.external_id") != "c7" {
			t.Errorf("preview: %s", a)
		}
		for _, query := range []string{"segment=gold", "segment=" + seg.text("id"), "filter=" + strings.NewReplacer(`"`, "%22", "{", "%7B", "}", "%7D", "[", "%5B", "]", "%5D").Replace(filter)} {
			if a := h.want(200, "GET", "/v1/customers?order=asc&limit=3&"+query, nil); a.text("data.0.external_id") != "c1" || a.text("data.2.external_id") != "c5" || a.get("next_cursor") == nil {
				t.Errorf("%s: %s", query, a)
			} else if b := h.want(200, "GET", "/v1/customers?order=asc&limit=3&"+query+"&cursor="+a.text("next_cursor"), nil); b.text("data.0.external_id") != "c7" || b.get("data.1") != nil {
				t.Errorf("%s: %s", query, b)
			}
		}
		h.refused(422, "segment", "GET", "/v1/customers?segment=none", nil)
		h.refused(422, "filter.field", "GET", "/v1/customers?filter=%7B%7D", nil)
		h.refused(422, "filter.all[0].op", "POST", "/v1/segments/preview", `{"filter":{"all":[{"field":"locale","op":"like","value":"e"}]}}`)
		h.refused(409, "already", "POST", "/v1/segments", `{"key":"gold","name":"x","filter":`+filter+`}`)
		h.refused(422, "audience.segment", "POST", "/v1/campaigns", `{"purpose":"marketing","template":"hello","audience":{"segment":"silver"}}`)

		draft := h.want(202, "POST", "/v1/campaigns", `{"name":"Gold","purpose":"marketing","template":"hello","status":"draft","audience":{"segment":"gold"},"settings":{"sandbox":true},"routing":{"channels":["sms"]}}`)
		if draft.text("segment.key") != "gold" || draft.get("segment.version") != nil {
			t.Errorf("draft: %s", draft)
		}
		h.refused(409, "draft", "DELETE", "/v1/segments/gold", nil)
		if a := h.want(200, "PUT", "/v1/segments/gold", `{"name":"Gold","filter":{"not":{"field":"attribute","name":"plan","op":"eq","value":"free"}}}`); a.get("version") != 2.0 {
			t.Errorf("changed: %s", a)
		}
		path := "/v1/campaigns/" + draft.text("id")
		if a := h.want(200, "POST", path+"/launch", nil); a.get("segment.version") != 2.0 || a.get("counts.audience") != 4.0 {
			t.Errorf("launched: %s", a)
		}
		h.want(200, "PUT", "/v1/segments/gold", `{"name":"Gold","filter":{"field":"locale","op":"eq","value":"zz"}}`) // too late for the campaign
		h.until("finished", func() bool { return h.want(200, "GET", path, nil).text("status") == "finished" })
		if a := h.want(200, "GET", path, nil); a.get("counts.planned") != 4.0 || a.get("counts.skipped") != 1.0 || a.get("segment.version") != 2.0 {
			t.Errorf("finished: %s", a)
		}
		h.want(202, "POST", "/v1/sandbox/replies", `{"channel":"sms","address":"+37120000001","text":"Thank you!"}`)
		h.until("the funnel tells all", func() bool {
			a := h.want(200, "GET", path+"/funnel", nil)
			return a.get("channels.0.engaged.replied") == 1.0 || a.get("channels.1.engaged.replied") == 1.0
		})
		a := h.want(200, "GET", path+"/funnel", nil)
		sms := a.get("channels.0").(map[string]any)
		if sms["channel"] != "sms" {
			sms = a.get("channels.1").(map[string]any)
		}
		sum := 0.0
		for _, n := range sms["states"].(map[string]any) {
			sum += n.(float64)
		}
		sent := 0.0
		for _, s := range a.get("series").([]any) {
			sent += s.(map[string]any)["sent"].(float64)
		}
		if sum < 3 || sent != 3 || len(a.get("skipped").(map[string]any)) != 1 || a.get("replies.customers") != 1.0 || a.text("step") != "1m" || a.text("as_of") == "" {
			t.Errorf("funnel: %s", a)
		}
		h.want(204, "DELETE", "/v1/segments/gold", nil)
		h.refused(404, "segment", "GET", "/v1/segments/gold", nil)
	})
}
