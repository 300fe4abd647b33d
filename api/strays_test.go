package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
)

// Each stray can be seen, read as it came, put where it belongs, or forgotten.
func TestStrays_AreSeenAttachedAndForgotten(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		raw := func(words string) []byte { return []byte("From: x\r\nSubject: s\r\n\r\n" + words) }
		err := h.g.Ingest(t.Context(), channels.Entry{Name: "mail", Driver: "email", Channel: rapport.Email}, []channels.Update{
			{EventID: "1", Receipt: &channels.Receipted{Kind: rapport.ReceiptBounced, Channel: rapport.Email, To: "Anna@example.org", Code: "5.1.1", Reason: "unknown user", Detail: "550 no such user", Class: channels.BounceHard, Raw: raw("bounce")}},
			{EventID: "2", Message: &channels.Incoming{Channel: rapport.Email, From: "away@example.org", Subject: "Away", Text: "I am away", Auto: channels.AutoReply, Raw: raw("away")}},
			{EventID: "3", Message: &channels.Incoming{Channel: rapport.Email, From: "", Subject: "Refund", Text: "Please refund it", Raw: raw("refund")}},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		list := h.want(200, "GET", "/v1/strays", nil)
		var kinds, ids []string
		for i := range 3 {
			kinds, ids = append(kinds, list.text(fmt.Sprintf("data.%d.kind", i))), append(ids, list.text(fmt.Sprintf("data.%d.id", i)))
		}
		if fmt.Sprint(kinds) != "[message auto_reply bounced]" {
			t.Fatalf("%s", list)
		}
		page := h.want(200, "GET", "/v1/strays?limit=2", nil)
		if rest := h.want(200, "GET", "/v1/strays?limit=2&cursor="+page.text("next_cursor"), nil); rest.text("data.0.kind") != "bounced" || rest.get("next_cursor") != nil {
			t.Errorf("%s", rest)
		}
		if only := h.want(200, "GET", "/v1/strays?kind=auto_reply", nil); only.text("data.0.id") != ids[1] || only.get("data.1") != nil {
			t.Errorf("%s", only)
		}
		if none := h.want(200, "GET", "/v1/strays?since="+time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05Z"), nil); none.get("data.0") != nil {
			t.Errorf("%s", none)
		}
		one := h.want(200, "GET", "/v1/strays/"+ids[2], nil)
		if one.text("about") != "anna@example.org" || one.text("code") != "5.1.1" || one.text("reason") != "unknown_message" || one.text("text") != "550 no such user" {
			t.Errorf("%s", one)
		}
		original := h.want(200, "GET", "/v1/strays/"+ids[2]+"/original", nil)
		if original.Header.Get("Content-Type") != "message/rfc822" || !strings.HasPrefix(original.Header.Get("Content-Disposition"), "attachment") || !strings.HasSuffix(original.String(), "bounce") {
			t.Errorf("%v %s", original.Header, original)
		}

		th := h.says("+37120000001", "Hello?")
		thread := strings.TrimPrefix(th, "/v1/threads/")
		h.want(200, "PATCH", th, map[string]any{"status": "resolved", "unread": false})
		h.want(422, "POST", "/v1/strays/"+ids[2]+"/attach", map[string]any{"thread": "nonsense"})
		h.want(422, "POST", "/v1/strays/"+ids[2]+"/attach", map[string]any{"thread": "thr_0000000000001"})
		e := h.want(201, "POST", "/v1/strays/"+ids[2]+"/attach", map[string]any{"thread": thread})
		if e.text("thread") != thread || e.text("meta.auto") != "bounced" || e.text("text") != "550 no such user" || e.get("original") != true {
			t.Errorf("%s", e)
		}
		if same := h.want(200, "GET", "/v1/entries/"+e.text("id")+"/original", nil); same.String() != original.String() {
			t.Errorf("%s", same)
		}
		if is := h.want(200, "GET", th, nil); is.text("status") != "resolved" || is.get("unread") != false {
			t.Errorf("a report opened a thread: %s", is)
		}
		h.want(404, "POST", "/v1/strays/"+ids[2]+"/attach", map[string]any{"thread": thread})
		h.want(404, "GET", "/v1/strays/"+ids[2], nil)
		h.want(201, "POST", "/v1/strays/"+ids[0]+"/attach", map[string]any{"thread": thread})
		if is := h.want(200, "GET", th, nil); is.text("status") != "open" || is.get("unread") != true || is.text("preview") != "Please refund it" {
			t.Errorf("a message did not open the thread: %s", is)
		}
		h.want(204, "DELETE", "/v1/strays/"+ids[1], nil)
		h.want(404, "DELETE", "/v1/strays/"+ids[1], nil)
		if a := h.want(200, "GET", "/v1/audit?limit=2", nil); a.text("data.0.action") != "stray.forgotten" || a.text("data.0.resource") != ids[1] || a.text("data.1.action") != "stray.attached" || a.text("data.1.resource") != thread || a.text("data.1.actor.kind") != "key" {
			t.Errorf("audit: %s", a)
		}
		if left := h.want(200, "GET", "/v1/strays", nil); left.get("data.0") != nil {
			t.Errorf("%s", left)
		}

		// An erasure takes what was attached along.
		h.want(204, "DELETE", "/v1/customers/"+h.want(200, "GET", th, nil).text("customer"), nil)
		h.want(404, "GET", "/v1/entries/"+e.text("id")+"/original", nil)
	})
}
