package telegram

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"rapport/channels"
	"rapport/internal/httpx"
)

// Send makes one request for a text and one for each file. A single file carries a short text as its
// caption; otherwise the files go first and the text, with the buttons, after them. The id returned is
// that of the part with the text, which is what people answer to.
//
// Telegram has neither an idempotency key nor a list of what was sent. So once a part has been taken
// nothing that invites another try is returned: what would be retried becomes Ambiguous.
func (c *conn) Send(ctx context.Context, o *channels.Outgoing) (string, error) {
	c.sending.RLock()
	defer c.sending.RUnlock()
	if c.closed {
		return "", &channels.Verdict{Kind: channels.Temporary, Reason: "closed"}
	}
	if err := ctx.Err(); err != nil {
		return "", &channels.Verdict{Kind: channels.Temporary, Reason: "cancelled", Err: err}
	}
	steps, refusal := plan(o)
	if refusal != nil {
		return "", refusal
	}
	x := httpx.Exchange{Timeout: c.timeout, Wire: o.Wire}
	var id string
	for i, s := range steps {
		sent, v := c.step(ctx, x, s)
		for i > 0 && v != nil && v.Kind == channels.Throttled && pause(ctx, v.After) {
			sent, v = c.step(ctx, x, s)
		}
		if v != nil {
			if i > 0 && v.Kind != channels.Rejected && v.Kind != channels.OptedOut && v.Kind != channels.AddressDead {
				v = &channels.Verdict{Kind: channels.Ambiguous, Reason: "partly_sent", Code: v.Code, Detail: v.Error()}
			}
			return id, v
		}
		if s.names || id == "" {
			id = sent
		}
	}
	return id, nil
}

// step is one request of a message.
type step struct {
	method string
	params tg.Params
	file   *channels.Attachment // nil: none
	field  string               // under which the method takes the file
	names  bool                 // its message id names the whole
}

func plan(o *channels.Outgoing) ([]step, *channels.Verdict) {
	reject := func(reason, detail string) ([]step, *channels.Verdict) {
		return nil, &channels.Verdict{Kind: channels.Rejected, Reason: reason, Detail: detail}
	}
	if n, err := strconv.ParseInt(o.To, 10, 64); err != nil || n == 0 {
		return reject("invalid_address", "a Telegram address is a chat id, a decimal number")
	}
	text := o.Text.String()
	m, err := readMarkup(text)
	switch {
	case err != nil:
		return reject("invalid_markup", err.Error())
	case m.units > maxText:
		return reject("text_too_long", "")
	case m.blank && len(o.Attachments) == 0:
		return reject("empty", "")
	}
	keyboard, detail := keyboardOf(o.To, o.Buttons)
	if detail != "" {
		return reject("invalid_button", detail)
	}
	var steps []step
	for i := range o.Attachments {
		a := &o.Attachments[i]
		if a.Open == nil {
			return reject("invalid_attachment", "it has no content")
		}
		s := step{method: "sendDocument", field: "document", file: a, params: tg.Params{"chat_id": o.To}}
		if isPhoto(a) {
			s.method, s.field = "sendPhoto", "photo"
		}
		steps = append(steps, s)
	}
	switch {
	case m.blank:
	case len(steps) == 1 && m.units <= maxCaption:
		steps[0].params["caption"], steps[0].params["parse_mode"] = text, tg.ModeHTML
	default:
		steps = append(steps, step{method: "sendMessage", params: tg.Params{"chat_id": o.To, "text": text, "parse_mode": tg.ModeHTML}})
	}
	last := &steps[len(steps)-1]
	last.names = true
	if keyboard != "" {
		last.params["reply_markup"] = keyboard
	}
	if id := o.InReplyTo[strings.LastIndexByte(o.InReplyTo, ':')+1:]; digits(id) {
		// Without allow_sending_without_reply the answer to a deleted message would be lost.
		steps[0].params["reply_parameters"] = `{"message_id":` + id + `,"allow_sending_without_reply":true}`
	}
	return steps, nil
}

// isPhoto tells whether Telegram would show a as a picture: https://core.telegram.org/bots/api#sendphoto
func isPhoto(a *channels.Attachment) bool {
	kind, _, _ := strings.Cut(strings.ToLower(a.ContentType), ";")
	return (kind == "image/jpeg" || kind == "image/png" || kind == "image/webp") && a.Size > 0 && a.Size <= maxPhoto
}

// keyboardOf writes rows as a keyboard, or says what is wrong with them: an inline one below the message, or, of buttons that
// share a contact, one in the place of the person's own, until it is used.
// https://core.telegram.org/bots/api#inlinekeyboardbutton https://core.telegram.org/bots/api#keyboardbutton
func keyboardOf(to string, rows [][]channels.Button) (keyboard, wrong string) {
	type key struct {
		Text    string `json:"text"`
		URL     string `json:"url,omitempty"`
		Data    string `json:"callback_data,omitempty"`
		Contact bool   `json:"request_contact,omitempty"`
	}
	var keys [][]key
	count, contacts := 0, 0
	for _, row := range rows {
		var out []key
		for _, b := range row {
			u, err := url.Parse(b.URL)
			switch {
			case strings.TrimSpace(b.Text) == "":
				return "", "a button has no text"
			case b.Contact && (b.URL != "" || b.Data != ""):
				return "", "a button that shares a contact has neither URL nor data"
			case b.Contact && strings.HasPrefix(to, "-"):
				return "", "contacts are shared in private chats only"
			case b.Contact:
				contacts++
			case (b.URL == "") == (b.Data == ""):
				return "", "a button needs either a URL or data"
			case len(b.Data) > 64:
				return "", "a button's data is longer than 64 bytes"
			case b.URL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "tg"):
				return "", "a button's URL is not one that Telegram opens"
			}
			out = append(out, key{b.Text, b.URL, b.Data, b.Contact})
			count++
		}
		if len(out) > 0 {
			keys = append(keys, out)
		}
	}
	if count == 0 {
		return "", ""
	}
	if count > 100 {
		return "", "more than 100 buttons"
	}
	if contacts > 0 && contacts < count {
		return "", "a button that shares a contact stands beside others"
	}
	markup := map[string]any{"inline_keyboard": keys}
	if contacts > 0 {
		markup = map[string]any{"keyboard": keys, "one_time_keyboard": true, "resize_keyboard": true}
	}
	j, err := json.Marshal(markup)
	if err != nil {
		return "", err.Error()
	}
	return string(j), ""
}

// step makes one request and returns the provider id of the message it made.
func (c *conn) step(ctx context.Context, x httpx.Exchange, s step) (string, *channels.Verdict) {
	result, v := c.request(ctx, x, s)
	if v != nil {
		return "", v
	}
	var made struct {
		ID   int64 `json:"message_id"`
		Chat struct {
			ID int64 `json:"id"`
		} `json:"chat"`
	}
	if err := json.Unmarshal(result, &made); err != nil || made.ID == 0 {
		return "", &channels.Verdict{Kind: channels.Ambiguous, Reason: "unreadable_answer", Err: err}
	}
	return providerID(made.Chat.ID, made.ID), nil
}

func (c *conn) request(ctx context.Context, x httpx.Exchange, s step) (json.RawMessage, *channels.Verdict) {
	if s.file == nil {
		return c.exchange(ctx, x, s.method, s.params)
	}
	content, err := s.file.Open()
	if err != nil {
		return nil, &channels.Verdict{Kind: channels.Temporary, Reason: "attachment_unreadable", Err: err}
	}
	return c.upload(ctx, x, s.method, s.params, s.field, s.file.Name, content)
}

// providerID names a message: message ids are unique within their chat only.
func providerID(chat, message int64) string {
	return strconv.FormatInt(chat, 10) + ":" + strconv.FormatInt(message, 10)
}

// pause waits, if the context allows so long a wait.
func pause(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d+time.Second {
		return false
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func digits(s string) bool {
	return s != "" && len(s) < 19 && strings.Trim(s, "0123456789") == ""
}
