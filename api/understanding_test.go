package api

import (
	"fmt"
	"testing"
)

func TestUnderstanding_IsShownAndCorrected(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says("+37120000001", "It arrived broken, I want a refund")
	thread := "/v1/threads/" + h.want(200, "GET", "/v1/threads", nil).text("data.0.id")
	e := h.want(200, "GET", thread+"/entries", nil)
	if e.text("data.0.understanding.intent.value") != "complaint" || e.text("data.0.understanding.intent.source") != "guess" || e.text("data.0.understanding.language.value") != "en" {
		t.Errorf("%s", e)
	}
	entry := "/v1/entries/" + e.text("data.0.id") + "/understanding"
	if a := h.want(200, "PUT", entry, `{"intent":"order","agent":"Eva"}`); a.text("understanding.intent.value") != "order" || a.text("understanding.intent.source") != "person" ||
		a.text("understanding.corrected_by") != "Eva" || a.text("understanding.sentiment.source") != "guess" {
		t.Errorf("%s", a)
	}
	h.refused(422, "intent", "PUT", entry, `{}`)
	h.refused(404, "reply", "PUT", "/v1/entries/ent_0b8t9g3kq8x1w/understanding", `{"intent":"order"}`)
	for q, n := range map[string]bool{"intent=order": true, "intent=complaint": false, "sentiment=negative": true, "intent=order&sentiment=positive": false} {
		if a := h.want(200, "GET", "/v1/threads?"+q, nil); (a.text("data.0.id") != "") != n {
			t.Errorf("%s: %s", q, a)
		}
	}
	h.refused(409, "No assistant is configured", "POST", thread+"/suggest", nil)
	h.refused(404, "thread", "POST", "/v1/threads/thr_0b8t9g3kq8x1w/suggest", nil)
	h.refused(404, "campaign", "GET", "/v1/campaigns/cmp_0b8t9g3kq8x1w/replies/summary", nil)
}

func TestMerges_ProposedPreviewedDoneAndUndone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.want(201, "PUT", "/v1/customers/ext:a", `{"name":"Anna","addresses":[{"channel":"sms","address":"+37120000001"}]}`)
	h.want(201, "PUT", "/v1/customers/ext:b", `{"locale":"de","addresses":[{"channel":"whatsapp","address":"+37120000001"}]}`)
	p := h.want(200, "GET", "/v1/merges/proposals", nil)
	if p.text("data.0.reasons.0") != "same_phone" {
		t.Fatalf("%s", p)
	}
	pair := fmt.Sprintf(`{"from":%q,"into":%q}`, p.text("data.0.from"), p.text("data.0.into"))
	if a := h.want(200, "POST", "/v1/merges/preview", pair); a.text("choices.0.field") != "locale" || a.text("choices.0.winner") != "from" || a.text("addresses.0.channel") != "whatsapp" {
		t.Errorf("%s", a)
	}
	m := h.want(201, "POST", "/v1/merges", pair)
	if a := h.want(200, "GET", "/v1/customers/ext:b", nil); a.text("external_id") != "a" || a.text("locale") != "de" || a.text("addresses.1.channel") != "whatsapp" {
		t.Errorf("%s", a)
	}
	h.refused(409, "one customer already", "POST", "/v1/merges", pair)
	if a := h.want(200, "GET", "/v1/merges", nil); a.text("data.0.id") != m.text("id") {
		t.Errorf("%s", a)
	}
	if a := h.want(200, "POST", "/v1/merges/"+m.text("id")+"/undo", `{"agent":"Eva"}`); a.text("undone_at") == "" || a.text("undone_by") != "Eva" {
		t.Errorf("%s", a)
	}
	if a := h.want(200, "GET", "/v1/customers/ext:b", nil); a.text("external_id") != "b" {
		t.Errorf("%s", a)
	}
	h.refused(409, "undone already", "POST", "/v1/merges/"+m.text("id")+"/undo", nil)
	if a := h.want(200, "GET", "/v1/merges/rules", nil); a.get("same_phone") != false {
		t.Errorf("%s", a)
	}
	if a := h.want(200, "PUT", "/v1/merges/rules", `{"same_phone":true}`); a.get("same_phone") != true {
		t.Errorf("%s", a)
	}
}
