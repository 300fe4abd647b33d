package api

import (
	"strings"
	"testing"

	"rapport"
	"rapport/channels"
)

// What is known of a mail is shown; the mail itself can be fetched, and no browser shows it.
func TestEntries_ShowWhereAMailCameFrom(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		raw := "From: Anna <anna@example.org>\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>"
		err := h.g.Ingest(t.Context(), channels.Entry{Name: "mail", Driver: "email", Channel: rapport.Email}, []channels.Update{{EventID: "1", Message: &channels.Incoming{
			Channel: rapport.Email, From: "anna@example.org", FromName: "Anna", Subject: "Order", Text: "Where is it?", Quoted: "> On its way", Signature: "-- \nAnna", Raw: []byte(raw),
			Checks: map[string]string{"dmarc": "fail"}, Others: []channels.Person{{Name: "Cora", Address: "cora@example.org"}, {Name: "Dan", Address: "dan@example.org"}}}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		th := "/v1/threads/" + h.want(200, "GET", "/v1/threads", nil).text("data.0.id")
		a := h.want(200, "GET", th+"/entries", nil)
		if a.text("data.0.text") != "Where is it?" || a.text("data.0.quoted") != "> On its way" || a.text("data.0.signature") != "-- \nAnna" || a.get("data.0.original") != true ||
			a.get("data.0.meta.unverified") != true || a.text("data.0.meta.checks.dmarc") != "fail" {
			t.Errorf("entry: %s", a)
		}
		entry := "/v1/entries/" + a.text("data.0.id") + "/original"
		got := h.want(200, "GET", entry, nil)
		if kind, how := got.Header.Get("Content-Type"), got.Header.Get("Content-Disposition"); kind != "message/rfc822" || !strings.HasPrefix(how, "attachment") || !strings.Contains(got.String(), raw) {
			t.Errorf("%s %s %s", kind, how, got)
		}
		h.want(404, "GET", "/v1/entries/ent_0000000000001/original", nil)
		h.want(404, "GET", "/v1/entries/nonsense/original", nil)
		h.want(404, "GET", "/v1/threads/nonsense/participants", nil)

		page := h.want(200, "GET", th+"/participants?limit=1", nil)
		if page.text("data.0.address") != "cora@example.org" || page.get("data.0.known") != false || page.text("data.0.entry") == "" {
			t.Errorf("participants: %s", page)
		}
		page = h.want(200, "GET", th+"/participants?limit=1&cursor="+page.text("next_cursor"), nil)
		if page.text("data.0.name") != "Dan" || page.get("next_cursor") != nil {
			t.Errorf("participants: %s", page)
		}
		// An entry that was no mail has none.
		sms := h.says("+37120000001", "Hello?")
		other := h.want(200, "GET", sms+"/entries", nil)
		if other.get("data.0.original") != nil {
			t.Errorf("entry: %s", other)
		}
		h.want(404, "GET", "/v1/entries/"+other.text("data.0.id")+"/original", nil)
	})
}

// What an app needs for "reply all" and "forward", and what it shows of them.
func TestReplies_CopiesAndForwards(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.want(202, "POST", "/v1/sandbox/replies", `{"channel":"email","address":"anna@example.org","text":"Where is it?"}`)
		th := "/v1/threads/" + h.want(200, "GET", "/v1/threads", nil).text("data.0.id")
		entry := h.want(200, "GET", th+"/entries", nil).text("data.0.id")
		a := h.want(202, "POST", th+"/replies", `{"text":"On its way","cc":["cora@example.org"],"bcc":["boss@shop.example"]}`)
		if a.text("cc.0") != "cora@example.org" || a.text("bcc.0") != "boss@shop.example" || a.get("aside") != nil {
			t.Errorf("reply: %s", a)
		}
		if a = h.want(200, "GET", th, nil); a.text("reply_all.0") != "cora@example.org" || len(a.get("reply_all").([]any)) != 1 {
			t.Errorf("thread: %s", a)
		}
		h.refused(422, "is no", "POST", th+"/replies", `{"text":"x","cc":["nobody"]}`)
		h.refused(422, "email alone", "POST", h.says("+37126000003", "Hello")+"/replies", `{"text":"x","cc":["cora@example.org"]}`)

		a = h.want(202, "POST", "/v1/entries/"+entry+"/forward", `{"to":["supplier@parts.example"],"text":"Can you look?","agent":"Eva"}`)
		if a.text("kind") != "outbound" || a.text("forwarded") != entry || a.get("aside") != true || a.text("to.0") != "supplier@parts.example" || a.text("author") != "Eva" {
			t.Errorf("forward: %s", a)
		}
		h.until("both are in the outbox, each as it was addressed", func() bool {
			first, second := h.want(200, "GET", "/v1/sandbox/outbox?channel=email&address=anna@example.org", nil), h.want(200, "GET", "/v1/sandbox/outbox?channel=email&address=supplier@parts.example", nil)
			return strings.Contains(first.String(), `"cc":["cora@example.org"]`) && strings.Contains(second.String(), "Fwd: ") && strings.Contains(second.String(), "Where is it?")
		})
		if a = h.want(200, "GET", th+"/participants", nil); a.text("data.2.address") != "supplier@parts.example" || a.get("data.2.aside") != true || a.get("data.1.aside") != nil {
			t.Errorf("participants: %s", a)
		}
		h.want(404, "POST", "/v1/entries/ent_0000000000001/forward", `{"to":["supplier@parts.example"]}`)
		h.refused(422, "to", "POST", "/v1/entries/"+entry+"/forward", `{"to":[]}`)
	})
}
