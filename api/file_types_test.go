package api

import (
	"strings"
	"testing"
)

// A picture that can run is never shown by a browser, whatever it is called.
func TestFiles_SVGIsAnAttachment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.want(201, "POST", "/v1/files?name=a.png", strings.NewReader(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "Content-Type: application/octet-stream")
	if f.text("content_type") != "image/svg+xml" {
		t.Errorf("%s", f)
	}
	got := h.want(200, "GET", "/v1/files/"+f.text("id")+"/content", nil)
	if kind, how, sniff := got.Header.Get("Content-Type"), got.Header.Get("Content-Disposition"), got.Header.Get("X-Content-Type-Options"); kind != "image/svg+xml" || !strings.HasPrefix(how, "attachment") || sniff != "nosniff" {
		t.Errorf("%s %s %s", kind, how, sniff)
	}
}
