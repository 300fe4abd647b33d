package api

import (
	"strings"
	"testing"
)

func TestSandbox_PeopleWriteMailsWithHTML(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		reply := map[string]any{"channel": "email", "address": "anna@example.com", "text": "Blue, please", "html": `<p onclick="x()">Blue, <b>please</b><script>x()</script></p>`}
		id := h.want(202, "POST", "/v1/sandbox/replies", reply).text("entry")
		thread := h.want(200, "GET", "/v1/threads?limit=1", nil).text("data.0.id")
		e := h.want(200, "GET", "/v1/threads/"+thread+"/entries?order=desc", nil)
		if html := e.text("data.0.html"); e.text("data.0.id") != id || e.text("data.0.text") != "Blue, please" || !strings.Contains(html, "<b>please</b>") || strings.Contains(html, "x()") {
			t.Errorf("the entry: %s", e)
		}
		reply["channel"], reply["address"] = "sms", "+37120000001"
		h.want(422, "POST", "/v1/sandbox/replies", reply)
	})
}
