package telegram

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
)

// The whole circle over HTTP: Setup tells Telegram where we are, a message goes out, a button is
// pressed, the press comes in and stops spinning, and a stranger who calls the same URL is refused.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	fake, base, _ := start(t)
	var got []channels.Update
	var c hooked
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		updates, reply, err := c.Receive(r.Context(), &channels.Callback{Method: r.Method, URL: r.URL.String(), Header: r.Header, Body: body})
		if errors.Is(err, channels.ErrSignature) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if err != nil {
			t.Error(err)
		}
		got = append(got, updates...) // Push waits for the answer, so nothing runs beside it
		w.Header().Set("Content-Type", reply.ContentType)
		_, _ = w.Write(reply.Body)
	}))
	t.Cleanup(door.Close)
	opened, err := open(channels.Settings{"token": testToken, "api_url": base, "mode": "webhook", "webhook_secret": testSecret},
		channels.Env{Name: "main", Channel: rapport.Telegram, Callback: door.URL + "/in/telegram/main", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	c = opened.(hooked)
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := outgoing("42", "Tea?")
	o.Buttons = [][]channels.Button{{{Text: "Yes, please", Data: "yes"}}}
	id, err := c.Send(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := fake.Push("callback_query", fake.Press("q1", fake.Messages()[0], "yes")); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Message.Button != "yes" || got[0].Message.Text != "Yes, please" || got[0].Message.InReplyTo[0] != id {
		t.Errorf("got %+v", got)
	}
	if a := fake.Answered(); len(a) != 1 || a[0] != "q1" {
		t.Errorf("answered %v", a)
	}
	resp, err := http.Post(door.URL+"/in/telegram/main", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || len(got) != 1 {
		t.Errorf("a stranger got HTTP %d", resp.StatusCode)
	}
}
