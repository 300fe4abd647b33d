package twilio

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/twilio/twiliotest"
)

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestLookup_FindsWhatWasAcceptedAndNothingElse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	query := func(text string) channels.Query {
		return channels.Query{To: "+37120000001", Text: text, SentFrom: now.Add(-time.Minute), SentUntil: now.Add(time.Minute)}
	}
	for _, channel := range Driver.Channels {
		fake, base, _ := start(t)
		at := now
		fake.Now = func() time.Time { return at }
		c := dial(t, settings(base), env(channel))
		fake.Behave(twiliotest.Behaviour{Mode: twiliotest.FailAfterAccept})
		sent := []string{"Your code is 1234", "“Winter” sale – 20 %…", "🎁"}
		for i, text := range sent {
			if _, err := c.Send(t.Context(), message(i, text)); channels.VerdictOf(err).Kind != channels.Ambiguous {
				t.Fatal(err)
			}
		}
		for i := range 450 { // others to the same number, over several pages
			at = now.Add(time.Duration(i) * time.Second / 10)
			_, _ = c.Send(t.Context(), message(10+i, "Another text"))
		}
		at = now.Add(-time.Hour)
		_, _ = c.Send(t.Context(), message(1000, "Yesterday's text"))
		all := fake.Messages()
		for i, text := range sent {
			if a, err := c.Lookup(t.Context(), query(text)); err != nil || !a.Found || a.ProviderID != all[i].SID || a.Receipt != rapport.ReceiptSent {
				t.Errorf("%q: %+v, %v", text, a, err)
			}
		}
		for _, text := range []string{"Your code is 5678", "Winter sale 30 %", "🎉", "Yesterday's text"} {
			if a, err := c.Lookup(t.Context(), query(text)); err != nil || a.Found {
				t.Errorf("%q was never sent in that time: %+v, %v", text, a, err)
			}
		}
		q := query(sent[0])
		q.To = "+37120000002"
		if a, err := c.Lookup(t.Context(), q); err != nil || a.Found {
			t.Errorf("another number: %+v, %v", a, err)
		}
		if err := fake.Report(all[0].SID, "undelivered", 30005); err == nil {
			t.Error("nobody listens at the callback URL, yet the report went through")
		}
		if a, err := c.Lookup(t.Context(), query(sent[0])); err != nil || a.Receipt != rapport.ReceiptBounced || a.Reason != "unknown_number" {
			t.Errorf("after it bounced: %+v, %v", a, err)
		}
	}
}

func TestLookup_DoesNotGuess(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	list := func(next any, messages ...map[string]any) string {
		b, err := json.Marshal(map[string]any{"messages": messages, "uri": "/2010-04-01/x", "next_page_uri": next})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	made := func(body, date string) map[string]any {
		return map[string]any{"to": "+37120000001", "body": body, "date_created": date, "direction": "outbound-api", "sid": "SM1", "status": "queued"}
	}
	cases := map[string]struct {
		status int
		body   string
	}{
		"500":                     {500, `{"code":20500,"message":"?","status":500}`},
		"429":                     {429, `{"code":20429,"message":"?","status":429}`},
		"a page of HTML":          {200, "<html>"},
		"JSON that is no list":    {200, "{}"},
		"a redirect":              {302, "{}"},
		"a redacted text":         {200, list(nil, made("", now.Format(time.RFC1123Z)))},
		"a date of another kind":  {200, list(nil, made("Hello", "yesterday"))},
		"pages without an end":    {200, list("/2010-04-01/x?Page=1", made("Other", now.Format(time.RFC1123Z)))},
		"a broken link to a page": {200, list("http://[::1", made("Other", now.Format(time.RFC1123Z)))},
	}
	for name, k := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(k.status)
				_, _ = w.Write([]byte(k.body))
			}))
			c := dial(t, settings(base), env(rapport.SMS))
			q := channels.Query{To: "+37120000001", Text: "Hello", SentFrom: now.Add(-time.Minute), SentUntil: now.Add(time.Minute)}
			if a, err := c.Lookup(t.Context(), q); err == nil {
				t.Errorf("answered %+v, which reads as firm", a)
			}
		})
	}
}
