package telegramtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestFake_RefusesAsTelegramWould(t *testing.T) {
	t.Parallel()
	f := New("1:token")
	base, stop, err := f.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	one := func(key, value string) url.Values {
		v := url.Values{"chat_id": {"42"}, "text": {"Hello"}, "parse_mode": {"HTML"}}
		v.Set(key, value)
		return v
	}
	cases := []struct {
		name, path string
		form       url.Values
		code       int
		says       string
	}{
		{"a good message", "/bot1:token/sendMessage", one("text", "<b>Hi</b> &amp; <a href=\"https://x.test\">y</a>"), 0, ""},
		{"another token", "/bot2:token/sendMessage", one("text", "Hi"), 401, "Unauthorized"},
		{"no such method", "/bot1:token/sendSmell", one("text", "Hi"), 404, "Not Found"},
		{"no token", "/sendMessage", one("text", "Hi"), 404, "Not Found"},
		{"no chat", "/bot1:token/sendMessage", one("chat_id", ""), 400, "chat_id"},
		{"a chat that is no number", "/bot1:token/sendMessage", one("chat_id", "me"), 400, "chat_id"},
		{"an unknown parameter", "/bot1:token/sendMessage", one("entities", "null"), 400, "unknown parameter"},
		{"no text", "/bot1:token/sendMessage", one("text", "<b> </b>"), 400, "text is empty"},
		{"4096 units", "/bot1:token/sendMessage", one("text", "<b>"+strings.Repeat("🎁", 2048)+"</b>"), 0, ""},
		{"4098 units", "/bot1:token/sendMessage", one("text", strings.Repeat("🎁", 2049)), 400, "too long"},
		{"an unknown tag", "/bot1:token/sendMessage", one("text", "<p>Hi</p>"), 400, "can't parse entities"},
		{"a bare <", "/bot1:token/sendMessage", one("text", "1 < 2"), 400, "can't parse entities"},
		{"a tag left open", "/bot1:token/sendMessage", one("text", "<b>Hi"), 400, "can't parse entities"},
		{"tags crossed", "/bot1:token/sendMessage", one("text", "<b><i>Hi</b></i>"), 400, "can't parse entities"},
		{"a span of its own", "/bot1:token/sendMessage", one("text", "<span>Hi</span>"), 400, "can't parse entities"},
		{"Markdown", "/bot1:token/sendMessage", one("parse_mode", "MarkdownV2"), 400, "parse_mode"},
		{"a broken keyboard", "/bot1:token/sendMessage", one("reply_markup", "{"), 400, "can't parse reply keyboard"},
		{"a long data", "/bot1:token/sendMessage", one("reply_markup", `{"inline_keyboard":[[{"text":"a","callback_data":"`+strings.Repeat("d", 65)+`"}]]}`), 400, "BUTTON_DATA_INVALID"},
		{"a bad URL", "/bot1:token/sendMessage", one("reply_markup", `{"inline_keyboard":[[{"text":"a","url":"nowhere"}]]}`), 400, "BUTTON_URL_INVALID"},
		{"two actions", "/bot1:token/sendMessage", one("reply_markup", `{"inline_keyboard":[[{"text":"a","url":"https://x.test","callback_data":"d"}]]}`), 400, "exactly one action"},
		{"a contact", "/bot1:token/sendMessage", one("reply_markup", `{"keyboard":[[{"text":"Share","request_contact":true}]],"one_time_keyboard":true}`), 0, ""},
		{"a contact in a group", "/bot1:token/sendMessage", url.Values{"chat_id": {"-42"}, "text": {"Hi"}, "reply_markup": {`{"keyboard":[[{"text":"Share","request_contact":true}]]}`}}, 400, "private chats"},
		{"a key without text", "/bot1:token/sendMessage", one("reply_markup", `{"keyboard":[[{"request_contact":true}]]}`), 400, "text must be non-empty"},
		{"an empty keyboard", "/bot1:token/sendMessage", one("reply_markup", `{"keyboard":[]}`), 400, "reply markup"},
		{"a broken reply", "/bot1:token/sendMessage", one("reply_parameters", `{"message_id":"x"}`), 400, "reply parameters"},
		{"a photo without one", "/bot1:token/sendPhoto", url.Values{"chat_id": {"42"}}, 400, "no photo"},
		{"a webhook by http", "/bot1:token/setWebhook", url.Values{"url": {"http://rapport.test/"}}, 400, "HTTPS"},
		{"a bad secret", "/bot1:token/setWebhook", url.Values{"url": {"https://rapport.test/"}, "secret_token": {"a b"}}, 400, "secret token"},
		{"an unknown file", "/bot1:token/getFile", url.Values{"file_id": {"x"}}, 400, "file_id"},
		{"an unknown query", "/bot1:token/answerCallbackQuery", url.Values{"callback_query_id": {""}}, 400, "query is too old"},
		{"a poll of 51 s", "/bot1:token/getUpdates", url.Values{"timeout": {"51"}}, 400, "getUpdates"},
		{"a bad offset", "/bot1:token/getUpdates", url.Values{"offset": {"x"}}, 400, "getUpdates"},
	}
	for _, k := range cases {
		resp, err := http.PostForm(base+k.path, k.form)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			OK          bool   `json:"ok"`
			Code        int    `json:"error_code"`
			Description string `json:"description"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
			t.Errorf("%s: %v", k.name, err)
		}
		resp.Body.Close()
		if body.OK != (k.code == 0) || body.Code != k.code || !strings.Contains(body.Description, k.says) {
			t.Errorf("%s: %+v, want %d %q", k.name, body, k.code, k.says)
		}
	}
	if n := f.Count(42); n != 3 {
		t.Errorf("the chat got %d messages, want 3", n)
	}
}
