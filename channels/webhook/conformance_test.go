package webhook

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"rapport/channels"
	"rapport/channels/channelstest"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"

func TestConformance(t *testing.T) {
	t.Parallel()
	channelstest.Run(t, channelstest.Harness{
		Driver: Driver,
		New:    newUpstream,
		Bad: []channelstest.BadSetting{
			{Key: "secret", Value: "hunter2hunter2"},
			{Key: "secret", Value: []any{secret, "whsec_c2hvcnQ="}},
			{Key: "secret", Value: 7.5},
			{Key: "allow_networks", Value: []any{"10.0.0.0/8", "10.0.0.1"}},
			{Key: "allow_networks", Value: map[string]any{"a": 1}},
			{Key: "timeout", Value: "soon"},
			{Key: "timeout", Value: "0s"},
			{Key: "connections", Value: 0},
		},
		Verdicts: map[channelstest.Mode]channels.Verdict{
			channelstest.Reject:   {Kind: channels.Rejected, Reason: "refused", Code: "422"},
			channelstest.Dead:     {Kind: channels.AddressDead, Reason: "gone", Code: "410"},
			channelstest.Throttle: {Kind: channels.Throttled, Scope: channels.ScopeRecipient, After: channelstest.RetryAfter},
			channelstest.Busy:     {Kind: channels.Temporary, Code: "503"},
			channelstest.Cut:      {Reason: "no_answer"},
			channelstest.Down:     {Reason: "unreachable"},
		},
		SignatureHeader: headerSignature,
		Malformed: [][]byte{
			nil, []byte("{"), []byte("[]"), []byte("null"), []byte("{}"), []byte(`{"from":"https://shop.example/h"}`),
			[]byte(`{"text":"hi"}`), []byte(`{"from":"ftp://shop.example","text":"hi"}`), []byte(`{"from":"https://a@shop.example/","text":"hi"}`),
			[]byte(`{"from":"https://shop.example/h","text":"hi","inreplyto":"x"}`), []byte(`{"from":"https://shop.example/h","text":"hi"} {}`),
			[]byte(`{"from":"https://shop.example/h","text":"hi","in_reply_to":"cus_0000000000001"}`), []byte("{\"from\":\"https://shop.example/h\",\"text\":\"\xff\"}"),
			[]byte(`{"from":"https://shop.example/h","text":"a\u0000b"}`), []byte(`{"from":"https://shop.example/h","text":"hi","id":"a\nb"}`),
			[]byte(`{"from":["https://shop.example/h"],"text":"hi"}`),
		},
	})
}

func newUpstream(t *testing.T, env channels.Env) *channelstest.Upstream {
	var (
		mu     sync.Mutex
		mode   = channelstest.Accept
		taken  []channelstest.Received
		events atomic.Int64
		quit   = make(chan struct{})
		srv    *httptest.Server
	)
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := verifier.Verify(body, r.Header); err != nil {
			t.Errorf("an independent verifier refused the request: %v", err)
		}
		mu.Lock()
		m := mode
		if m == channelstest.Accept || m == channelstest.Hang || m == channelstest.Cut {
			taken = append(taken, channelstest.Received{To: srv.URL + r.URL.Path, Text: string(body) + r.Header.Get(headerID)})
		}
		mu.Unlock()
		switch m {
		case channelstest.Accept:
			fmt.Fprint(w, "thank you")
		case channelstest.Reject:
			http.Error(w, "no such order", http.StatusUnprocessableEntity)
		case channelstest.Dead:
			w.WriteHeader(http.StatusGone)
		case channelstest.Throttle:
			w.Header().Set("Retry-After", strconv.Itoa(int(channelstest.RetryAfter/time.Second)))
			w.WriteHeader(http.StatusTooManyRequests)
		case channelstest.Busy:
			w.WriteHeader(http.StatusServiceUnavailable)
		case channelstest.Hang:
			select {
			case <-quit:
			case <-r.Context().Done():
			}
		case channelstest.Cut:
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(quit) })
	return &channelstest.Upstream{
		Settings: channels.Settings{"secret": secret, "allow_networks": []any{"127.0.0.0/8", "::1/128"}, "timeout": "10s", "connections": 16},
		Secrets:  []string{secret, secret[len("whsec_"):]},
		Address:  func(i int) string { return fmt.Sprintf("%s/hook/%d", srv.URL, i) },
		Play: func(m channelstest.Mode) {
			mu.Lock()
			mode = m
			mu.Unlock()
			if m == channelstest.Down {
				_ = srv.Listener.Close()
				srv.CloseClientConnections()
			}
		},
		Received: func() []channelstest.Received {
			mu.Lock()
			defer mu.Unlock()
			return append([]channelstest.Received(nil), taken...)
		},
		Sign: func(body []byte) *channels.Callback {
			id, now := fmt.Sprintf("evt_%d", events.Add(1)), env.Now()
			signature, err := verifier.Sign(id, now, body)
			if err != nil {
				t.Error(err)
			}
			h := http.Header{}
			h.Set(standardwebhooks.HeaderWebhookID, id)
			h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
			h.Set(standardwebhooks.HeaderWebhookSignature, signature)
			return &channels.Callback{Method: http.MethodPost, URL: env.Callback, Header: h, Body: body}
		},
		Inbound: func(i int, text string) []byte {
			return fmt.Appendf(nil, `{"from":"%s/hook/%d","text":%q,"name":"Anna"}`, srv.URL, i, text)
		},
	}
}
