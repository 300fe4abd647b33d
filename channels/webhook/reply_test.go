package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rapport"
	"rapport/channels"
	"rapport/internal/fuzzing"
)

func signed(c *conn, id string, at time.Time, body string) *channels.Callback {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{}
	h.Set(headerID, id)
	h.Set(headerTimestamp, timestamp)
	h.Set(headerSignature, c.keys[0].sign(id, timestamp, []byte(body)))
	return &channels.Callback{Method: http.MethodPost, URL: "https://rapport.example/in/webhook/hooks", Header: h, Body: []byte(body)}
}

func TestReceive_ReplyNamesWhatItAnswers(t *testing.T) {
	t.Parallel()
	c := opened(t, channels.Settings{})
	answered := rapport.KindMessage.Format(7)
	updates, _, err := c.Receive(t.Context(), signed(c, "evt_1", time.Now(),
		`{"from":"https://Shop.Example/hook#x","text":" Yes\nplease ","in_reply_to":"`+strings.ToUpper(answered[4:5])+answered[5:]+`","name":"Anna","id":"r-9"}`))
	if !errors.Is(err, channels.ErrMalformed) {
		t.Errorf("an id without its prefix: %v, %v", updates, err)
	}
	updates, _, err = c.Receive(t.Context(), signed(c, "evt_1", time.Now(),
		`{"from":"https://Shop.Example/hook#x","text":" Yes\nplease ","in_reply_to":"msg_`+strings.ToUpper(answered[4:])+`","name":"Anna","id":"r-9"}`))
	if err != nil || len(updates) != 1 {
		t.Fatal(updates, err)
	}
	m := updates[0].Message
	if updates[0].EventID != "evt_1" || m.From != "https://shop.example/hook" || m.Text != "Yes\nplease" || m.FromName != "Anna" || m.ProviderID != "r-9" ||
		m.Channel != rapport.Webhook || len(m.InReplyTo) != 1 || m.InReplyTo[0] != answered {
		t.Errorf("update is %s %+v", updates[0].EventID, *m)
	}
}

func TestReceive_OldAndFutureTimestampsAreRefused(t *testing.T) {
	t.Parallel()
	c := opened(t, channels.Settings{})
	body := `{"from":"https://shop.example/hook","text":"hi"}`
	for age, want := range map[time.Duration]bool{0: true, 4 * time.Minute: true, 6 * time.Minute: false, -4 * time.Minute: true, -6 * time.Minute: false, 48 * time.Hour: false} {
		_, _, err := c.Receive(t.Context(), signed(c, "evt_1", time.Now().Add(-age), body))
		if (err == nil) != want || err != nil && !errors.Is(err, channels.ErrSignature) {
			t.Errorf("age %v: error is %v", age, err)
		}
	}
	cb := signed(c, "evt_1", time.Now(), body)
	for _, timestamp := range []string{"", "now", "99999999999999999999", "-1", "1e9"} {
		cb.Header.Set(headerTimestamp, timestamp)
		if _, _, err := c.Receive(t.Context(), cb); !errors.Is(err, channels.ErrSignature) {
			t.Errorf("timestamp %q: error is %v", timestamp, err)
		}
	}
}

func TestReceive_AnyOfSeveralSignaturesWillDo(t *testing.T) {
	t.Parallel()
	c := opened(t, channels.Settings{})
	cb := signed(c, "evt_1", time.Now(), `{"from":"https://shop.example/hook","text":"hi"}`)
	cb.Header.Set(headerSignature, "v1a,abc v1,AAAA "+cb.Header.Get(headerSignature))
	if _, _, err := c.Receive(t.Context(), cb); err != nil {
		t.Errorf("error is %v", err)
	}
}

// An id that was signed together with another timestamp or body must not be exchangeable.
func TestReceive_TheIDIsSignedToo(t *testing.T) {
	t.Parallel()
	c := opened(t, channels.Settings{})
	cb := signed(c, "evt_1", time.Now(), `{"from":"https://shop.example/hook","text":"hi"}`)
	cb.Header.Set(headerID, "evt_2")
	if _, _, err := c.Receive(t.Context(), cb); !errors.Is(err, channels.ErrSignature) {
		t.Errorf("error is %v", err)
	}
}

func FuzzParseReply(f *testing.F) {
	for _, s := range []string{`{"from":"https://shop.example/h","text":"hi"}`, `{"from":"https://shop.example/h","text":"hi","in_reply_to":"msg_0000000000007","id":"1","name":"A"}`,
		`{}`, `[]`, `null`, `{"from":1}`, `{"from":"https://[::1","text":"x"}`, "{\"text\":\"\\u0000\\ud800\",\"from\":\"http://a/\"}", `{"from":"https://a/","text":"x"}x`, strings.Repeat("[", 1000)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		defer fuzzing.Budget(t)()
		m, err := parseReply(body)
		if err != nil {
			if m != nil {
				t.Error("a message with an error")
			}
			return
		}
		if m.Text == "" || !utf8.ValidString(m.Text) || strings.ContainsRune(m.Text, 0) {
			t.Errorf("text %q", m.Text)
		}
		if again, bad := rapport.NormalizeAddress(rapport.Webhook, m.From); bad != nil || again != m.From {
			t.Errorf("from %q is not normalised: %q %v", m.From, again, bad)
		}
		for _, id := range m.InReplyTo {
			if _, err := rapport.KindMessage.Parse(id); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzReceive(f *testing.F) {
	f.Add("evt_1", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", []byte("{}"))
	f.Add("", "", "", []byte(nil))
	f.Add("a", "9223372036854775807", "v1, v1,, v2,x", []byte("x"))
	f.Add("a", "-9223372036854775808", "  ", []byte("x"))
	c := opened(f, channels.Settings{})
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		defer fuzzing.Budget(t)()
		cb := &channels.Callback{Header: http.Header{headerID: {id}, headerTimestamp: {timestamp}, headerSignature: {signature}}, Body: body}
		if _, _, err := c.Receive(t.Context(), cb); err == nil {
			t.Error("a guessed signature was taken")
		}
		fresh := signed(c, id, time.Now(), string(body))
		updates, _, err := c.Receive(t.Context(), fresh)
		if err != nil && !errors.Is(err, channels.ErrMalformed) && !errors.Is(err, channels.ErrSignature) {
			t.Error(err)
		}
		if err == nil && (len(updates) != 1 || updates[0].EventID != id) {
			t.Error(fmt.Sprint(updates))
		}
	})
}
