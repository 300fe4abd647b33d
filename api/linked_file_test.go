package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"rapport"
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
	// The link by which a provider fetches it needs no key, and no browser shows what is behind it.
	id, err := rapport.KindFile.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	token := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(nil, uint64(id)), uint16(time.Now().Unix()/86400))
	mac := hmac.New(sha256.New, []byte("a key of thirty-two bytes or so.."))
	mac.Write(append([]byte("file\x00"), token...))
	link := "/f/" + base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding).EncodeToString(append(token, mac.Sum(nil)[:16]...))
	got := h.want(200, "GET", link, nil, "Authorization:")
	if string(got.Body) != "hello" || !strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment") || !strings.Contains(got.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s %v", got, got.Header)
	}
	h.want(404, "GET", link[:len(link)-2]+"00", nil, "Authorization:")
	h.want(404, "GET", "/f/nonsense", nil, "Authorization:")
	a := h.do("POST", thread+"/replies", `{"text":"see","attachments":["`+file+`"]}`)
	if a.StatusCode != 422 || !strings.Contains(string(a.Body), "messages there carry no files") {
		t.Errorf("%s", a)
	}
}
