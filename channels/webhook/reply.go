package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"rapport"
	"rapport/channels"
)

// reply is what a customer's system posts to us. Unknown fields are refused, so that a misspelt
// in_reply_to is heard of at once.
type reply struct {
	From      string `json:"from"` // the customer's webhook URL
	Text      string `json:"text"`
	InReplyTo string `json:"in_reply_to"` // our message id, or empty
	ID        string `json:"id"`          // theirs, or empty
	Name      string `json:"name"`        // of the person who answers, or empty
}

const (
	maxReplyText = 64 << 10
	maxReplyID   = 256
)

// Receive takes one reply. Its event id is the webhook-id, so a sender that repeats itself is heard once.
func (c *conn) Receive(_ context.Context, cb *channels.Callback) ([]channels.Update, channels.Reply, error) {
	id := cb.Header.Get(headerID)
	switch ok, fresh := genuine(c.keys, cb.Header.Get(headerSignature), id, cb.Header.Get(headerTimestamp), cb.Body, c.env.Now()); {
	case !ok:
		return nil, channels.Reply{}, channels.ErrSignature
	case !fresh:
		return nil, channels.Reply{}, channels.ErrStale
	}
	m, err := parseReply(cb.Body)
	if err != nil {
		return nil, channels.Reply{}, fmt.Errorf("%w: %w", channels.ErrMalformed, err)
	}
	if len(id) > maxReplyID || !printable(id) {
		return nil, channels.Reply{}, fmt.Errorf("%w: %w", channels.ErrMalformed, rapport.Invalid("webhook-id", "must be at most %d printable characters", maxReplyID))
	}
	m.Channel, m.To = c.env.Channel, c.env.Name
	if m.ProviderID == "" {
		m.ProviderID = id
	}
	return []channels.Update{{EventID: id, Message: m}}, channels.Reply{}, nil
}

func parseReply(body []byte) (*channels.Incoming, error) {
	if !utf8.Valid(body) {
		return nil, rapport.Invalid("body", "is not UTF-8")
	}
	var r reply
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, unread(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, rapport.Invalid("body", "goes on after the JSON object")
	}
	from, bad := rapport.NormalizeAddress(rapport.Webhook, r.From)
	if bad != nil {
		return nil, rapport.Invalid("from", "%s", bad.Message)
	}
	text := strings.TrimSpace(r.Text)
	if text == "" || len(text) > maxReplyText || strings.ContainsRune(text, 0) {
		return nil, rapport.Invalid("text", "must be 1 to %d bytes without NUL", maxReplyText)
	}
	for name, value := range map[string]string{"id": r.ID, "name": r.Name} {
		if len(value) > maxReplyID || !printable(value) {
			return nil, rapport.Invalid(name, "must be at most %d bytes of printable text", maxReplyID)
		}
	}
	m := &channels.Incoming{From: from, FromName: r.Name, ProviderID: r.ID, Text: text}
	if r.InReplyTo != "" {
		answered, err := rapport.KindMessage.Parse(r.InReplyTo)
		if err != nil {
			return nil, rapport.Invalid("in_reply_to", "must be a message id such as %s", rapport.KindMessage.Format(1))
		}
		m.InReplyTo = []string{rapport.KindMessage.Format(answered)} // as Send returned it, whatever its case here
	}
	return m, nil
}

// unread says where a body is no reply.
func unread(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return rapport.Invalid(wrong.Field, "must be a text")
	}
	if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok { // encoding/json has no type for it
		return rapport.Invalid("body", "has the field %.60s, which is none of from, text, in_reply_to, id, name", name)
	}
	return rapport.Invalid("body", "is not a JSON object with from, text, in_reply_to, id, name")
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return true
}
