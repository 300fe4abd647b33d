package telegram

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"rapport/channels"
	"rapport/channels/telegram/telegramtest"
	"rapport/internal/fuzzing"
)

func FuzzReceive(f *testing.F) {
	fake := telegramtest.New(testToken)
	f.Add(fake.Update("message", fake.Text(42, "/start abc", map[string]any{"reply_to_message": map[string]any{"message_id": 1}})))
	f.Add(fake.Update("message", fake.Text(-42, "", map[string]any{"photo": []any{map[string]any{"file_id": "x"}}, "caption": "y"})))
	f.Add(fake.Update("callback_query", fake.Press("q", telegramtest.Message{Chat: 42, ID: 1, Keyboard: `{"inline_keyboard":[[{"text":"a","callback_data":"b"}]]}`}, "b")))
	f.Add(fake.Update("my_chat_member", fake.Member(42, "kicked")))
	f.Add([]byte(`{"update_id":9223372036854775807,"edited_message":{"message_id":-1,"chat":{"id":-9223372036854775808},"contact":{}}}`))
	f.Add([]byte(`{"update_id":1,"message":{"message_id":1,"chat":{"id":1},"venue":{},"location":null,"text":" @ "}}`))
	f.Add(fake.Update("message", fake.Text(42, "", map[string]any{"contact": map[string]any{"phone_number": "+1", "user_id": 42}, "forward_origin": map[string]any{"type": "x"}, "media_group_id": "g"})))
	f.Add(fake.Update("message", fake.Text(42, "", map[string]any{"story": 1, "poll": map[string]any{"options": []any{nil}}, "photo": []any{map[string]any{"width": 1 << 62, "height": 1 << 62, "file_id": "x"}}})))
	c := dialHook(f, "https://api.telegram.org")
	f.Fuzz(func(t *testing.T, body []byte) {
		defer fuzzing.Budget(t)()
		updates, _, err := c.Receive(t.Context(), called(testHook, testSecret, body))
		if err != nil && !errors.Is(err, channels.ErrMalformed) {
			t.Errorf("error is %v", err)
		}
		for _, u := range updates {
			if u.EventID == "" || (u.Message == nil) == (u.Change == nil) {
				t.Errorf("update %+v", u)
			}
		}
	})
}

// FuzzSecret: nothing but the secret opens the door.
func FuzzSecret(f *testing.F) {
	f.Add(testSecret)
	f.Add("")
	f.Add(testSecret + "\x00")
	fake := telegramtest.New(testToken)
	body := fake.Update("message", fake.Text(42, "Hi", nil))
	c := dialHook(f, "https://api.telegram.org")
	f.Fuzz(func(t *testing.T, secret string) {
		defer fuzzing.Budget(t)()
		if _, _, err := c.Receive(t.Context(), called(testHook, secret, body)); (err == nil) != (secret == testSecret) {
			t.Errorf("%q: %v", secret, err)
		}
	})
}

func FuzzMarkup(f *testing.F) {
	f.Add(`<b>a</b> &amp; <a href="x">y</a> &#x1F381;`)
	f.Add(`<span class="tg-spoiler">a</span><blockquote expandable>`)
	f.Add("<</ =\"'>&#;")
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzzing.Budget(t)()
		m, err := readMarkup(text)
		if most := len(utf16.Encode([]rune(text))); m.units < 0 || m.units > most {
			t.Errorf("%q measures %d of at most %d", text, m.units, most)
		}
		if err == nil && !strings.ContainsAny(text, "<&") && m.units != len(utf16.Encode([]rune(text))) {
			t.Errorf("%q has no markup and measures %d", text, m.units)
		}
	})
}
