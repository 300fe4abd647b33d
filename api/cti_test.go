package api

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"rapport/gateway"
	"rapport/internal/fuzzing"
)

func TestCTI_MissedCallOpensAThread(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef0123"
	h := newHouse(t, func(o *Options) { o.CallDoors = map[string]string{token: "pbx"} })
	form, stranger := "Content-Type: application/x-www-form-urlencoded", "Authorization:"
	if a := h.want(200, "POST", "/in/cti/"+token, "event=newCall&from=37126000001&to=37167000000&direction=in&callId=1&user[]=Eva&user[]=Ann", form, stranger); string(a.Body) != "{}" {
		t.Errorf("%s", a)
	}
	h.want(200, "POST", "/in/cti/"+token, `{"event":"hangup","from":"+37126000001","to":"+37167000000","direction":"in","callId":1,"cause":"noAnswer","unknown":{"a":[1]}}`, stranger)
	a := h.want(200, "GET", "/v1/threads", nil)
	if a.text("data.0.subject") != "Missed call" || a.text("data.0.preview") != "Missed call from +37126000001" || a.text("data.0.channel") != "phone" {
		t.Fatalf("%s", a)
	}
	line := h.want(200, "GET", "/v1/customers/"+a.text("data.0.customer")+"/timeline?kinds=call", nil)
	if line.text("data.0.call.state") != "missed" || line.text("data.0.call.agent") != "Eva, Ann" || line.text("data.0.call.thread") != a.text("data.0.id") || line.get("data.1") != nil {
		t.Errorf("%s", line)
	}
	h.refused(422, "kinds", "GET", "/v1/customers/"+a.text("data.0.customer")+"/timeline?kinds=cats", nil)
	h.refused(404, "door", "POST", "/in/cti/"+strings.Repeat("0", 20), "event=newCall", form, stranger)
	h.refused(400, "JSON", "POST", "/in/cti/"+token, `[1]`, stranger)
	h.refused(400, "form", "POST", "/in/cti/"+token, `a=%zz`, form, stranger)
	h.refused(413, "larger", "POST", "/in/cti/"+token, strings.Repeat("x", maxCallReport+1), form, stranger)
	const parts = "--x\r\nContent-Disposition: form-data; name=\"event\"\r\n\r\nnewCall\r\n--x\r\nContent-Disposition: form-data; name=\"callId\"\r\n\r\n2\r\n--x\r\nContent-Disposition: form-data; name=\"direction\"\r\n\r\nin\r\n--x--\r\n"
	h.want(200, "POST", "/in/cti/"+token, parts, "Content-Type: multipart/form-data; boundary=x", stranger)
	h.refused(400, "form", "POST", "/in/cti/"+token, parts[:60], "Content-Type: multipart/form-data; boundary=x", stranger)
	h.refused(422, "event", "POST", "/in/cti/"+token, strings.Replace(parts, "newCall", "ring", 1), "Content-Type: multipart/form-data; boundary=x", stranger)
	for body, says := range map[string]string{"event=ring&callId=1&direction=in": "event", "event=newCall&direction=in": "callId", "event=newCall&callId=1": "direction", "event=newCall&callId=%00%01&direction=in": "callId"} {
		h.refused(422, says, "POST", "/in/cti/"+token, body, form, stranger)
	}
	if logs := h.logs.String(); strings.Contains(logs, token) || strings.Contains(logs, "37126000001") {
		t.Error("the log holds a token or a number")
	}
}

func FuzzCTI(f *testing.F) {
	for _, seed := range []string{`{"event":"newCall","callId":"1","direction":"in","from":"1","user":["a",2,null,["b"]]}`, `event=hangup&callId=1&direction=out&user[]=a&user[]=b`,
		`{"event":["newCall"],"callId":1e999,"direction":"in"}`, `{"callId":{"a":"b"}}`, "event=%ff&callId=\x00", strings.Repeat("[", 1000)} {
		f.Add(strings.HasPrefix(seed, "{"), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, asJSON bool, body []byte) {
		defer fuzzing.Budget(t)()
		r, err := readCall(asJSON, body[:min(len(body), maxCallReport)])
		if err != nil {
			return
		}
		for _, s := range []string{r.CallID, r.From, r.To, r.Agent, r.Answering, r.Cause} {
			if !utf8.ValidString(s) || strings.IndexFunc(s, unicode.IsControl) >= 0 || utf8.RuneCountInString(s) > 200 {
				t.Errorf("%q", s)
			}
		}
		if r.CallID == "" || r.Event != gateway.NewCall && r.Event != gateway.Answer && r.Event != gateway.Hangup {
			t.Errorf("%+v", r)
		}
	})
}
