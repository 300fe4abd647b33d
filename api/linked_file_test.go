package api

import (
	"strings"
	"testing"
)

// What the app is told about files is what a thread's answer may carry.
func TestFiles_WhatAChannelTakesIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	drivers := h.want(200, "GET", "/v1/drivers", nil)
	found := false
	for _, d := range drivers.get("data").([]any) {
		d := d.(map[string]any)
		if d["name"] != "sandbox" {
			continue
		}
		found = true
		files := d["files"].(map[string]any)
		wa, _ := files["whatsapp"].(map[string]any)
		if wa["bytes"] != float64(16<<20) || wa["number"] != 1.0 || files["webhook"] != nil {
			t.Errorf("%v", files)
		}
	}
	if !found {
		t.Errorf("%s", drivers)
	}
	h.want(201, "PUT", "/v1/customers/ext:a", `{"addresses":[{"channel":"webhook","address":"https://shop.example/hook"}]}`)
	h.want(202, "POST", "/v1/sandbox/replies", `{"channel":"webhook","address":"https://shop.example/hook","text":"Hello"}`)
	thread := "/v1/threads/" + h.want(200, "GET", "/v1/threads", nil).text("data.0.id")
	if a := h.want(200, "GET", thread, nil); a.get("files.email.bytes") == nil || a.get("files.webhook") != nil {
		t.Errorf("%s", a)
	}
	file := h.want(201, "POST", "/v1/files?name=a.txt", "hello", "Content-Type: application/octet-stream").text("id")
	a := h.do("POST", thread+"/replies", `{"text":"see","attachments":["`+file+`"]}`)
	if a.StatusCode != 422 || !strings.Contains(string(a.Body), "messages there carry no files") {
		t.Errorf("%s", a)
	}
}
