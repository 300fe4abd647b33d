package sandbox

import (
	"crypto/rand"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
)

// Sent is one message as the person would see it.
type Sent struct {
	MessageID  string          `json:"message_id"` // "msg_..."
	ProviderID string          `json:"provider_id"`
	Provider   string          `json:"provider"` // name of the provider entry
	Channel    rapport.Channel `json:"channel"`
	To         string          `json:"to"`
	ToName     string          `json:"to_name,omitempty"`
	AlsoTo     []string        `json:"also_to,omitempty"` // email: others who got the same message
	Cc         []string        `json:"cc,omitempty"`
	Bcc        []string        `json:"bcc,omitempty"`
	From       string          `json:"from"`
	ReplyTo    string          `json:"reply_to,omitempty"`

	Subject     string              `json:"subject,omitempty"`
	Text        string              `json:"text,omitempty"`
	HTML        string              `json:"html,omitempty"`
	Body        string              `json:"body,omitempty"` // webhook: the JSON
	Buttons     [][]channels.Button `json:"buttons,omitempty"`
	Headers     []Header            `json:"headers,omitempty"`
	Attachments []Attachment        `json:"attachments,omitempty"`

	ListUnsubscribe string   `json:"list_unsubscribe,omitempty"`
	InReplyTo       string   `json:"in_reply_to,omitempty"`
	References      []string `json:"references,omitempty"`

	Purpose rapport.Purpose `json:"purpose"`
	Locale  string          `json:"locale,omitempty"`
	Attempt int             `json:"attempt"`
	Mode    Mode            `json:"mode"` // how it was treated
	At      time.Time       `json:"at"`
	Copies  int             `json:"copies"` // how often it arrived; more than 1 is a message sent twice
}

// Header of an email or a webhook.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Attachment without its content.
type Attachment struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"`
	ContentID   string `json:"content_id,omitempty"`
}

func (c *conn) sent(o *channels.Outgoing, mode Mode) Sent {
	if mode == "" {
		mode = Accept
	}
	s := Sent{
		MessageID: o.Token, ProviderID: providerID(o.Token), Provider: c.env.Name,
		Channel: c.env.Channel, To: o.To, ToName: o.ToName, From: c.from, ReplyTo: o.ReplyTo,
		Subject: o.Subject.String(), Text: o.Text.String(), HTML: o.HTML.String(), Body: o.Body.String(),
		ListUnsubscribe: o.Unsubscribe, InReplyTo: o.InReplyTo, References: append([]string(nil), o.References...),
		Purpose: o.Purpose, Locale: o.Locale, Attempt: o.Attempt, Mode: mode, At: c.env.Now().UTC(), Copies: 1,
	}
	if o.From != "" {
		s.From = o.From
	}
	for _, c := range o.Copies {
		switch c.Field {
		case channels.CopyTo:
			s.AlsoTo = append(s.AlsoTo, c.Address)
		case channels.CopyCc:
			s.Cc = append(s.Cc, c.Address)
		case channels.CopyBcc:
			s.Bcc = append(s.Bcc, c.Address)
		}
	}
	for _, row := range o.Buttons {
		s.Buttons = append(s.Buttons, append([]channels.Button(nil), row...))
	}
	for _, h := range o.Headers {
		s.Headers = append(s.Headers, Header(h))
	}
	for _, a := range o.Attachments {
		s.Attachments = append(s.Attachments, Attachment{Name: a.Name, ContentType: a.ContentType, Size: a.Size, ContentID: a.ContentID})
	}
	return s
}

// Receipt is the update that should follow s by the mode in which it was kept: Delivered, Bounced, or
// none (silent; ambiguous, whose doubt only a Lookup settles).
func Receipt(s Sent) (channels.Update, bool) {
	switch s.Mode {
	case Accept, Slow:
		return Delivered(s), true
	case Bounce:
		return Bounced(s), true
	}
	return channels.Update{}, false
}

// Delivered reports that s arrived. Equal each time.
func Delivered(s Sent) channels.Update {
	return channels.Update{EventID: "delivered-" + s.ProviderID, Receipt: &channels.Receipted{
		ProviderID: s.ProviderID, Channel: s.Channel, To: s.To, Kind: rapport.ReceiptDelivered,
	}}
}

// Bounced reports that s came back and its address is dead. Equal each time.
func Bounced(s Sent) channels.Update {
	return channels.Update{EventID: "bounced-" + s.ProviderID, Receipt: &channels.Receipted{
		ProviderID: s.ProviderID, Channel: s.Channel, To: s.To, Kind: rapport.ReceiptBounced, Reason: "hard_bounce", Code: "550 5.1.1",
		Detail: "The sandbox was told to bounce this.", Suppress: true,
	}}
}

// Reply is what comes in when the person at address answers. Each call is a new event. text, button (the
// data of a pressed one) and inReplyTo (a message id or provider id of ours) may be empty. In a Telegram chat /start, with
// its token, and /stop are what they are there.
func Reply(ch rapport.Channel, address, text, button, inReplyTo string) channels.Update {
	id := "sandbox-reply-" + rand.Text()
	m := &channels.Incoming{Channel: ch, From: address, To: "sandbox", ProviderID: id, Text: text, Button: button}
	if inReplyTo != "" {
		if strings.HasPrefix(inReplyTo, string(rapport.KindMessage)+"_") {
			inReplyTo = providerID(inReplyTo)
		}
		m.InReplyTo = []string{inReplyTo}
	}
	command, rest, _ := strings.Cut(text, " ")
	command, _, _ = strings.Cut(command, "@") // it may name the bot: /stop@shop_bot
	if ch == rapport.Telegram && command == "/start" {
		m.Text, m.Start, m.OptIn = command, strings.TrimSpace(rest), true
	} else if ch == rapport.Telegram && command == "/stop" {
		m.OptOut = true
	}
	return channels.Update{EventID: id, Message: m}
}

// Changed is what comes in when the person at address blocks us (off), or lets us write again. Each call is a new event.
func Changed(ch rapport.Channel, address string, off bool) channels.Update {
	c := &channels.Change{Channel: ch, Address: address, Off: off, Reason: "unblocked"}
	if off {
		c.Reason = "blocked"
	}
	return channels.Update{EventID: "sandbox-change-" + rand.Text(), Change: c}
}
