package api

import (
	"strings"
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/channels/email/incoming"
)

// readMail is what cmd hands to the gateway.
func readMail(raw []byte) (string, []channels.Attachment, error) {
	m, err := incoming.Read(raw)
	if err != nil {
		return "", nil, err
	}
	return m.HTML, m.Attachments, nil
}

func TestEntryHTML_IsADocumentForASandbox(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		const body = `<p>Where <b>is</b> it?</p><img src="cid:logo"><img src="https://shop.example/pixel.png"><script>alert(1)</script>`
		raw := strings.ReplaceAll("From: anna@example.org\nSubject: Order\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\n\n"+body+
			"\n--b\nContent-Type: image/gif\nContent-ID: <logo>\nContent-Transfer-Encoding: base64\n\nR0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==\n--b--\n", "\n", "\r\n")
		err := h.g.Ingest(t.Context(), channels.Entry{Name: "mail", Driver: "email", Channel: rapport.Email}, []channels.Update{{EventID: "1", Message: &channels.Incoming{
			Channel: rapport.Email, From: "anna@example.org", Subject: "Order", Text: "Where is it?", HTML: body, Raw: []byte(raw)}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		th := "/v1/threads/" + h.want(200, "GET", "/v1/threads", nil).text("data.0.id")
		e := h.want(200, "GET", th+"/entries", nil)
		if e.get("data.0.has_html") != true || e.get("data.0.remote_images") != 1.0 {
			t.Errorf("%s", e)
		}
		path := "/v1/entries/" + e.text("data.0.id") + "/html"
		got := h.want(200, "GET", path, nil)
		policy := got.Header.Get("Content-Security-Policy")
		if got.Header.Get("Content-Type") != "text/html; charset=utf-8" || got.Header.Get("Rapport-Remote-Images") != "1" || got.Header.Get("X-Frame-Options") != "SAMEORIGIN" || got.Header.Get("X-Content-Type-Options") != "nosniff" ||
			policy != "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox" {
			t.Errorf("%v", got.Header)
		}
		page := got.String()
		if !strings.Contains(page, "<!DOCTYPE html>") || !strings.Contains(page, "<b>is</b>") || !strings.Contains(page, `<img src="data:image/gif;base64,`) || strings.Contains(page, "shop.example") || strings.Contains(page, "alert") {
			t.Errorf("%s", page)
		}
		far := h.want(200, "GET", path+"?remote_images=true", nil)
		if !strings.Contains(far.String(), `<img src="https://shop.example/pixel.png"`) || !strings.Contains(far.Header.Get("Content-Security-Policy"), "img-src data: https:;") {
			t.Errorf("%v %s", far.Header, far)
		}
		h.want(404, "GET", "/v1/entries/nonsense/html", nil)
		h.want(404, "GET", "/v1/entries/ent_0000000000001/html", nil)

		plain := h.want(200, "GET", h.says("+37120000001", "Hello?")+"/entries", nil)
		if plain.get("data.0.has_html") != nil {
			t.Errorf("%s", plain)
		}
		h.want(404, "GET", "/v1/entries/"+plain.text("data.0.id")+"/html", nil)

		h.want(204, "DELETE", "/v1/customers/"+h.want(200, "GET", th, nil).text("customer"), nil)
		h.want(404, "GET", path, nil)
	})
}
