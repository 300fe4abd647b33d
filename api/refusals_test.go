package api

import (
	"strings"
	"testing"
)

func TestRefusals_AreTheRowsOfTheFilesToBeMended(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.template("hello")
		a := h.want(202, "POST", "/v1/campaigns", `{"purpose":"transactional","template":"hello","status":"draft","settings":{"sandbox":true}}`)
		path := "/v1/campaigns/" + a.text("id")
		const first = "\ufeffemail;sms;attr.заметка\nnot an address;;\"two\nlines, and a comma\"\n;+37120009999;fine\n;+371 2000 9999;again\n"
		a = h.want(200, "POST", path+"/recipients", first, "Content-Type: text/csv")
		if a.get("added") != 1.0 || a.get("refused") != 2.0 {
			t.Fatalf("the first file: %s", a)
		}
		if a = h.want(200, "POST", path+"/recipients", "name,sms\nZoe,12\n", "Content-Type: text/csv"); a.get("refused") != 1.0 {
			t.Fatalf("the second file: %s", a)
		}
		lines := func() string {
			return string(h.want(200, "GET", path+"/refusals", nil, "Accept: text/csv").Body)
		}
		csv := lines()
		for _, want := range []string{"line,reason,email,sms,attr.заметка,name\n", ",not an address,,\"two\nlines, and a comma\"", "duplicate_recipient,,'+371 2000 9999,again", ",,12,,Zoe"} {
			if !strings.Contains(csv, want) {
				t.Errorf("%q is not in the refused rows:\n%s", want, csv)
			}
		}
		h.want(200, "POST", path+"/launch", nil)
		h.until("the end", func() bool { return h.want(200, "GET", path, nil).text("status") == "finished" })
		if now := lines(); now != csv {
			t.Errorf("refused rows after the end:\n%s\nbefore:\n%s", now, csv)
		}
	})
}

func TestRecipients_ConsentsTakeTheWordsOfTheRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.template("hello")
	a := h.want(202, "POST", "/v1/campaigns", `{"purpose":"marketing","topic":"news","template":"hello","status":"draft","settings":{"sandbox":true}}`)
	path := "/v1/campaigns/" + a.text("id")
	const rows = "external_id,sms,consent.sms.news,consent_source\nr-1,+37120009991,yes,\nr-2,+37120009992,yes,stall\n"
	h.refused(422, "proof", "POST", path+"/recipients?proof="+strings.Repeat("x", 2001), rows, "Content-Type: text/csv")
	h.want(200, "POST", path+"/recipients?source=fair&text_version=2026-03&proof=form+7", rows, "Content-Type: text/csv")
	h.want(200, "POST", path+"/launch", nil)
	h.until("the end", func() bool { return h.want(200, "GET", path, nil).text("status") == "finished" })
	for who, source := range map[string]string{"r-1": "fair", "r-2": "stall"} {
		if a = h.want(200, "GET", "/v1/customers/ext:"+who+"/consents", nil); a.text("data.0.source") != source || a.text("data.0.text_version") != "2026-03" || a.text("data.0.proof") != "form 7" {
			t.Errorf("the consent of %s: %s", who, a)
		}
	}
}
