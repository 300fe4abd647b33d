package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"rapport"
	"rapport/channels"
)

func opened(t testing.TB, s channels.Settings) *conn {
	t.Helper()
	if s["secret"] == nil {
		s["secret"] = secret
	}
	c, err := open(s, channels.Env{Name: "hooks", Channel: rapport.Webhook, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.(*conn).Close() })
	return c.(*conn)
}

func local() channels.Settings {
	return channels.Settings{"allow_networks": []any{"127.0.0.0/8"}}
}

func outgoing(url string) *channels.Outgoing {
	return &channels.Outgoing{ID: 7, Token: rapport.KindMessage.Format(7), Channel: rapport.Webhook, To: url,
		Body: channels.Part{{Bytes: []byte(`{"order":`), Static: true}, {Bytes: []byte("42")}, {Bytes: []byte("}"), Static: true}}}
}

func verdictOf(t *testing.T, err error) *channels.Verdict {
	t.Helper()
	v, ok := errors.AsType[*channels.Verdict](err)
	if !ok {
		t.Fatalf("error is %v, want a verdict", err)
	}
	return v
}

func TestSend_StatusDecidesVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		retryAfter string
		want       channels.Verdict // zero Kind: sent
	}{
		{status: 200}, {status: 201}, {status: 204}, {status: 299},
		{status: 301, want: channels.Verdict{Kind: channels.Rejected, Reason: "redirect"}},
		{status: 302, want: channels.Verdict{Kind: channels.Rejected, Reason: "redirect"}},
		{status: 304, want: channels.Verdict{Kind: channels.Rejected, Reason: "redirect"}},
		{status: 308, want: channels.Verdict{Kind: channels.Rejected, Reason: "redirect"}},
		{status: 400, want: channels.Verdict{Kind: channels.Rejected, Reason: "refused"}},
		{status: 401, want: channels.Verdict{Kind: channels.Rejected, Reason: "refused"}},
		{status: 403, want: channels.Verdict{Kind: channels.Rejected, Reason: "refused"}},
		{status: 404, want: channels.Verdict{Kind: channels.Rejected, Reason: "refused"}},
		{status: 422, want: channels.Verdict{Kind: channels.Rejected, Reason: "refused"}},
		{status: 410, want: channels.Verdict{Kind: channels.AddressDead, Reason: "gone"}},
		{status: 408, want: channels.Verdict{Kind: channels.Temporary, Scope: channels.ScopeRecipient}},
		{status: 425, want: channels.Verdict{Kind: channels.Temporary, Scope: channels.ScopeRecipient}},
		{status: 429, want: channels.Verdict{Kind: channels.Throttled, Scope: channels.ScopeRecipient}},
		{status: 429, retryAfter: "90", want: channels.Verdict{Kind: channels.Throttled, Scope: channels.ScopeRecipient, After: 90 * time.Second}},
		{status: 429, retryAfter: "99999999", want: channels.Verdict{Kind: channels.Throttled, Scope: channels.ScopeRecipient, After: time.Hour}},
		{status: 429, retryAfter: "-5", want: channels.Verdict{Kind: channels.Throttled, Scope: channels.ScopeRecipient}},
		{status: 429, retryAfter: "soon", want: channels.Verdict{Kind: channels.Throttled, Scope: channels.ScopeRecipient}},
		{status: 500, want: channels.Verdict{Kind: channels.Temporary, Scope: channels.ScopeRecipient}},
		{status: 503, retryAfter: "2", want: channels.Verdict{Kind: channels.Temporary, Scope: channels.ScopeRecipient, After: 2 * time.Second}},
		{status: 504, want: channels.Verdict{Kind: channels.Temporary, Scope: channels.ScopeRecipient}},
	} {
		var asked atomic.Int32
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			w.Header().Set("Location", "/elsewhere")
			if c.retryAfter != "" {
				w.Header().Set("Retry-After", c.retryAfter)
			}
			w.WriteHeader(c.status)
		}))
		id, err := opened(t, local()).Send(t.Context(), outgoing(srv.URL))
		srv.Close()
		if asked.Load() != 1 {
			t.Errorf("%d: %d requests", c.status, asked.Load())
		}
		if c.want.Kind == "" {
			if err != nil || id != rapport.KindMessage.Format(7) {
				t.Errorf("%d: id %q, error %v", c.status, id, err)
			}
			continue
		}
		v := verdictOf(t, err)
		if v.Kind != c.want.Kind || v.Scope != c.want.Scope || v.After != c.want.After || c.want.Reason != "" && v.Reason != c.want.Reason {
			t.Errorf("%d %q: verdict is %+v, want %+v", c.status, c.retryAfter, *v, c.want)
		}
	}
}

func TestRetryAfter_ReadsDatesByTheReceiversClock(t *testing.T) {
	t.Parallel()
	resp := &http.Response{Header: http.Header{"Retry-After": {"Sun, 06 Nov 1994 08:50:00 GMT"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}}}
	if got := retryAfter(resp.Header.Get("Retry-After"), resp.Header.Get("Date")); got != 23*time.Second {
		t.Errorf("got %v, want 23s", got)
	}
}

func TestSend_PrivateAddressesAreBlocked(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(srv.Close)
	for _, url := range []string{srv.URL, strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), "http://10.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[::ffff:127.0.0.1]/", "http://8.8.8.8/"} {
		_, err := opened(t, channels.Settings{}).Send(t.Context(), outgoing(url))
		if v := verdictOf(t, err); v.Kind != channels.Rejected || v.Reason != "blocked_address" {
			t.Errorf("%s: verdict is %v, want rejected (blocked_address)", url, v)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("%d requests arrived", asked.Load())
	}
}

func TestSend_SignsWithEverySecret(t *testing.T) {
	t.Parallel()
	old, next := "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "whsec_YWJjZGVmZ2hpamFiY2RlZmdoaWphYmNkZWZnaGlqYWI="
	var header http.Header
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	t.Cleanup(srv.Close)
	s := local()
	s["secret"] = []any{next, old}
	if _, err := opened(t, s).Send(t.Context(), outgoing(srv.URL)); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{old, next} {
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(body, header); err != nil {
			t.Errorf("%s: %v", secret, err)
		}
	}
	if string(body) != `{"order":42}` || header.Get("Content-Type") != "application/json" {
		t.Errorf("body %s as %s", body, header.Get("Content-Type"))
	}
}

// The vector of the specification's reference implementation.
func TestSign_KnownVector(t *testing.T) {
	t.Parallel()
	k, err := parseKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := k.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSend_HeadersAreTheTemplatesButNotTheSignature(t *testing.T) {
	t.Parallel()
	var header http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { header = r.Header }))
	t.Cleanup(srv.Close)
	c := opened(t, local())
	o := outgoing(srv.URL)
	o.Headers = []channels.Header{{Name: "X-Shop", Value: "Riga"}, {Name: "user-agent", Value: "Shop/1"}}
	if _, err := c.Send(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if header.Get("X-Shop") != "Riga" || header.Get("User-Agent") != "Shop/1" {
		t.Errorf("headers are %v", header)
	}
	for name, reason := range map[string]string{"webhook-signature": "reserved_header", "WEBHOOK-ID": "reserved_header", "Webhook-Timestamp": "reserved_header",
		"host": "reserved_header", "Content-Length": "reserved_header", "transfer-encoding": "reserved_header", "connection": "reserved_header", "X-A\r\nX-B": "header_injection"} {
		o.Headers = []channels.Header{{Name: name, Value: "x"}}
		_, err := c.Send(t.Context(), o)
		if v := verdictOf(t, err); v.Kind != channels.Rejected || v.Reason != reason {
			t.Errorf("%q: verdict is %v, want rejected (%s)", name, v, reason)
		}
	}
}

func TestSend_TextAloneBecomesAnEnvelope(t *testing.T) {
	t.Parallel()
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) }))
	t.Cleanup(srv.Close)
	o := outgoing(srv.URL)
	o.Body, o.Text, o.InReplyTo = nil, channels.Text(`She said "yes"`), "evt_1"
	if _, err := opened(t, local()).Send(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil || got["text"] != `She said "yes"` || got["in_reply_to"] != "evt_1" || got["id"] != o.Token {
		t.Errorf("body is %s", body)
	}
	o.Text = nil
	_, err := opened(t, local()).Send(t.Context(), o)
	if v := verdictOf(t, err); v.Reason != "no_body" {
		t.Errorf("nothing to say: verdict is %v", v)
	}
}

func TestSend_ErrorsNameNoAddress(t *testing.T) {
	t.Parallel()
	_, err := opened(t, local()).Send(t.Context(), outgoing("http://127.0.0.1:1/customers/anna?key=abc"))
	if s := err.Error(); strings.Contains(s, "anna") || strings.Contains(s, "abc") {
		t.Errorf("the verdict shows the customer's URL: %s", s)
	}
}

func TestSend_EndlessAnswerCostsNothing(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(srv.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := opened(t, local()).Send(ctx, outgoing(srv.URL)); err != nil {
		t.Errorf("a 200 with an endless body: %v", err)
	}
	if ctx.Err() != nil {
		t.Error("waited for its end")
	}
}

// What a send costs beside the exchange itself: the request is built and signed, then a transport that
// does nothing answers.
func BenchmarkSend(b *testing.B) {
	c, err := open(channels.Settings{"secret": secret}, channels.Env{Now: time.Now, Transport: noContent{}})
	if err != nil {
		b.Fatal(err)
	}
	o := outgoing("https://shop.example/hook")
	o.Body = channels.Text(`{"text":"` + strings.Repeat("x", 1000) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Send(b.Context(), o); err != nil {
			b.Fatal(err)
		}
	}
}

type noContent struct{}

func (noContent) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}
