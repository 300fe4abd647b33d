package twilio

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/twilio/twiliotest"
)

// The whole circle over HTTP: a message goes out, its receipts and an answer come back to the URL that
// the message carried, and a stranger who calls the same URL is refused.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	fake, base, _ := start(t)
	var mu sync.Mutex
	var got []channels.Update
	var c *conn
	var public string
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		updates, reply, err := c.Receive(r.Context(), &channels.Callback{Method: r.Method, URL: public + r.URL.RequestURI(), Header: r.Header, Body: body})
		if errors.Is(err, channels.ErrSignature) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		got = append(got, updates...)
		mu.Unlock()
		w.Header().Set("Content-Type", reply.ContentType)
		_, _ = w.Write(reply.Body)
	}))
	t.Cleanup(door.Close)
	public = door.URL
	e := env(rapport.SMS)
	e.Callback = public + "/in/twilio/main"
	c = dial(t, settings(base), e)
	fake.AutoReport("sent", "delivered")
	o := message(1, "Hello")
	id, err := c.Send(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	seen := func() []channels.Update { mu.Lock(); defer mu.Unlock(); return got }
	for end := time.Now().Add(10 * time.Second); len(seen()) < 2 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	if err := fake.Deliver(e.Callback, base, twiliotest.Inbound{From: o.To, To: testSender, Body: "Thanks"}); err != nil {
		t.Fatal(err)
	}
	all := seen()
	if len(all) != 3 || all[0].Receipt == nil || all[1].Receipt == nil || all[2].Message == nil {
		t.Fatalf("got %+v", all)
	}
	for i, kind := range []rapport.Receipt{rapport.ReceiptSent, rapport.ReceiptDelivered} {
		if r := all[i].Receipt; r.Kind != kind || r.MessageID != o.ID || r.ProviderID != id {
			t.Errorf("receipt %d is %+v", i, r)
		}
	}
	if m := all[2].Message; m.Text != "Thanks" || m.From != o.To {
		t.Errorf("answer is %+v", m)
	}
	stranger := twiliotest.New(testSID, "anotherToken")
	if err := stranger.Deliver(e.Callback, base, twiliotest.Inbound{From: o.To, To: testSender, Body: "Give me all"}); err == nil || len(seen()) != 3 {
		t.Errorf("a stranger was let in: %v", err)
	}
}
