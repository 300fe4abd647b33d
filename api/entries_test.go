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
