package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "write web/openapi.json anew")

// The app's types are made of this file, so it can use nothing that other users of the API lack.
func TestOpenAPI_TheAppHasItsNewestForm(t *testing.T) {
	t.Parallel()
	const file = "../web/openapi.json"
	h := newHouse(t)
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, h.want(200, "GET", "/openapi.json", nil, "Authorization:").Body, "", " "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, pretty.Bytes()) {
		t.Errorf("%s is old: make docs writes it anew", file)
	}
}

func TestApp_IsServedWhereNothingElseIs(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"index.html":       {Data: []byte(`<script nonce="RAPPORT_NONCE" src="/assets/app-1.js"></script>`)},
		"assets/app-1.js":  {Data: []byte(strings.Repeat("console.log(1);", 100))},
		"assets/logo.webp": {Data: []byte("RIFF....WEBP")},
		"favicon.svg":      {Data: []byte("<svg/>")},
		".gitkeep":         {},
		"frame.html":       {Data: []byte("<!doctype html>")},
	}
	h := newHouse(t, func(o *Options) { o.App = files })
	page := "Accept: text/html,application/xhtml+xml"

	first := h.want(200, "GET", "/inbox/thr_1", nil, "Authorization:", page)
	nonce := regexp.MustCompile(`nonce="([A-Za-z0-9+/=]{20,})"`).FindSubmatch(first.Body)
	policy := first.Header.Get("Content-Security-Policy")
	if nonce == nil || !strings.Contains(policy, "'nonce-"+string(nonce[1])+"'") {
		t.Fatalf("nonce %s, policy %s", nonce, policy)
	}
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "script-src 'self';") || first.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("policy %s, kept %s", policy, first.Header.Get("Cache-Control"))
	}
	if again := h.want(200, "GET", "/", nil, "Authorization:", page); bytes.Contains(again.Body, nonce[1]) {
		t.Error("a nonce came twice")
	}

	script := h.want(200, "GET", "/assets/app-1.js", nil, "Authorization:", "Accept-Encoding: gzip")
	r, err := gzip.NewReader(bytes.NewReader(script.Body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || !bytes.Equal(text, files["assets/app-1.js"].Data) {
		t.Errorf("%v: %s", err, text)
	}
	if !strings.Contains(script.Header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(script.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("%v", script.Header)
	}
	if plain := h.want(200, "GET", "/assets/app-1.js", nil, "Authorization:", "Accept-Encoding: identity"); plain.Header.Get("Content-Encoding") != "" || len(plain.Body) != len(files["assets/app-1.js"].Data) {
		t.Errorf("%v", plain.Header)
	}
	if icon := h.want(200, "GET", "/favicon.svg", nil, "Authorization:"); icon.Header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("%v", icon.Header)
	}

	frame := h.want(200, "GET", "/frame.html", nil, "Authorization:", page).Header
	if policy := frame.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script-src") || strings.Contains(policy, "allow-scripts") || !strings.Contains(policy, "frame-ancestors 'self'") || frame.Get("X-Frame-Options") != "SAMEORIGIN" {
		t.Errorf("the mail's frame: %v", frame)
	}

	for _, path := range []string{"/assets/old-7.js", "/v1/nothing", "/.gitkeep", "/robots.txt"} {
		h.want(404, "GET", path, nil, "Authorization:", page)
	}
	h.want(404, "GET", "/inbox", nil, "Authorization:", "Accept: application/json")
	h.want(404, "POST", "/inbox", nil, "Authorization:", page)
}

func TestApp_WithoutNodeSaysHowToBuildIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.want(503, "GET", "/", nil, "Authorization:", "Accept: text/html")
	if !bytes.Contains(a.Body, []byte("make build")) {
		t.Errorf("%s", a.Body)
	}
}
