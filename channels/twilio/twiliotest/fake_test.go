package twiliotest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	sid   = "AC00000000000000000000000000000001"
	token = "token"
)

func TestFake_RefusesAsTwilioWould(t *testing.T) {
	t.Parallel()
	f := New(sid, token)
	base, stop, err := f.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	messages := "/2010-04-01/Accounts/" + sid + "/Messages.json"
	good := func() url.Values {
		return url.Values{"To": {"+37120000001"}, "From": {"+15005550006"}, "Body": {"Hello"}}
	}
	cases := []struct {
		name         string
		change       func(url.Values)
		request      func(*http.Request)
		status, code int
	}{
		{"a good message", nil, nil, 201, 0},
		{"no login", nil, func(r *http.Request) { r.Header.Del("Authorization") }, 401, 20003},
		{"a wrong login", nil, func(r *http.Request) { r.SetBasicAuth(sid, "other") }, 401, 20003},
		{"another account", nil, func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "AC0", "AC1", 1) }, 404, 20404},
		{"another method", nil, func(r *http.Request) { r.Method = http.MethodPut }, 405, 20004},
		{"JSON", nil, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, 20001},
		{"parameters in the URL", nil, func(r *http.Request) { r.URL.RawQuery = "To=1" }, 400, 20001},
		{"an unknown parameter", func(v url.Values) { v.Set("Colour", "red") }, nil, 400, 20001},
		{"a parameter twice", func(v url.Values) { v.Add("Body", "again") }, nil, 400, 20001},
		{"broken UTF-8", func(v url.Values) { v.Set("Body", "\xff") }, nil, 400, 20001},
		{"no To", func(v url.Values) { v.Del("To") }, nil, 400, 21604},
		{"a To without plus", func(v url.Values) { v.Set("To", "37120000001") }, nil, 400, 21211},
		{"no From", func(v url.Values) { v.Del("From") }, nil, 400, 21603},
		{"a bad From", func(v url.Values) { v.Set("From", "+0") }, nil, 400, 21212},
		{"From equals To", func(v url.Values) { v.Set("From", "+37120000001") }, nil, 400, 21266},
		{"a mixed channel", func(v url.Values) { v.Set("To", "whatsapp:+37120000001") }, nil, 400, 63007},
		{"a bad service", func(v url.Values) { v.Set("MessagingServiceSid", "MG1") }, nil, 400, 21705},
		{"no Body", func(v url.Values) { v.Del("Body") }, nil, 400, 21602},
		{"1600 characters", func(v url.Values) { v.Set("Body", strings.Repeat("я", 1600)) }, nil, 201, 0},
		{"1601 characters", func(v url.Values) { v.Set("Body", strings.Repeat("я", 1601)) }, nil, 400, 21617},
		{"a relative callback", func(v url.Values) { v.Set("StatusCallback", "/in/twilio") }, nil, 400, 21609},
		{"a callback with an underscore", func(v url.Values) { v.Set("StatusCallback", "https://my_host.test/") }, nil, 400, 21609},
		{"a validity of 36000 s", func(v url.Values) { v.Set("ValidityPeriod", "36000") }, nil, 201, 0},
		{"a validity of 36001 s", func(v url.Values) { v.Set("ValidityPeriod", "36001") }, nil, 400, 21624},
		{"no validity at all", func(v url.Values) { v.Set("ValidityPeriod", "0") }, nil, 400, 21624},
		{"media without a host", func(v url.Values) { v.Set("MediaUrl", "cat.png") }, nil, 400, 21620},
		{"eleven media", func(v url.Values) {
			for range 11 {
				v.Add("MediaUrl", "https://rapport.test/cat.png")
			}
		}, nil, 400, 21623},
	}
	want := 0
	for _, k := range cases {
		form := good()
		if k.change != nil {
			k.change(form)
		}
		req, err := http.NewRequest(http.MethodPost, base+messages, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(sid, token)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if k.request != nil {
			k.request(req)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Code     int    `json:"code"`
			MoreInfo string `json:"more_info"`
			SID      string `json:"sid"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
			t.Errorf("%s: %v", k.name, err)
		}
		resp.Body.Close()
		if resp.StatusCode != k.status || body.Code != k.code {
			t.Errorf("%s: HTTP %d, code %d; want %d, %d", k.name, resp.StatusCode, body.Code, k.status, k.code)
		}
		if k.code == 0 {
			want++
			if len(body.SID) != 34 || !strings.HasPrefix(body.SID, "SM") {
				t.Errorf("%s: sid is %q", k.name, body.SID)
			}
		}
	}
	if n := f.Count("+37120000001"); n != want || len(f.Messages()) != want {
		t.Errorf("%d messages were created, want %d", n, want)
	}
}
