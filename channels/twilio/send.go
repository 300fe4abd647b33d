package twilio

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"rapport"
	"rapport/channels"
)

// Send creates one Message resource. The id of ours travels in the StatusCallback URL, because Twilio
// has no idempotency key: whoever reports back about the message names it.
func (c *conn) Send(ctx context.Context, o *channels.Outgoing) (string, error) {
	c.sending.RLock()
	defer c.sending.RUnlock()
	if c.closed {
		return "", &channels.Verdict{Kind: channels.Temporary, Reason: "closed"}
	}
	if err := ctx.Err(); err != nil {
		return "", &channels.Verdict{Kind: channels.Temporary, Reason: "cancelled", Err: err}
	}
	form, refusal := c.form(o)
	if refusal != nil {
		return "", refusal
	}
	k := &call{conn: c, ctx: ctx}
	sid, err := k.create(form, o.Wire)
	if err != nil {
		return "", k.verdict(err)
	}
	return sid, nil
}

// form writes o as Twilio's form (https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource),
// or refuses what Twilio could not carry.
func (c *conn) form(o *channels.Outgoing) ([]byte, *channels.Verdict) {
	reject := func(reason, detail string) ([]byte, *channels.Verdict) {
		return nil, &channels.Verdict{Kind: channels.Rejected, Reason: reason, Detail: detail}
	}
	text := o.Text.String()
	if text == "" && len(o.Attachments) == 0 {
		return reject("empty", "")
	}
	if len(o.Buttons) > 0 {
		return reject("buttons_not_supported", "SMS has no buttons, and WhatsApp only those of an approved template")
	}
	if len(o.Attachments) > maxMediaURLs {
		return reject("too_many_attachments", "Twilio takes at most ten files a message")
	}
	hold := c.validity
	if !o.ValidUntil.IsZero() {
		hold = min(hold, o.ValidUntil.Sub(c.now()))
	}
	if hold < time.Second {
		return reject("expired", "the time until which it may be sent has passed")
	}
	b := make([]byte, 0, 512)
	set := func(name, value string) {
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, name...), '='), url.QueryEscape(value)...)
	}
	set("To", c.address(o.To))
	if c.from != "" {
		set("From", c.from)
	}
	if c.service != "" {
		set("MessagingServiceSid", c.service)
	}
	if text != "" {
		set("Body", text)
	}
	for _, a := range o.Attachments {
		if a.URL == "" {
			return reject("attachment_without_url", "Twilio fetches files itself, which needs a public address of this server")
		}
		set("MediaUrl", a.URL)
	}
	if c.callback != "" {
		set("StatusCallback", c.callback+rapport.KindMessage.Format(o.ID))
	}
	if hold < maxValidity { // ten hours is what Twilio does by itself
		set("ValidityPeriod", strconv.Itoa(int(hold/time.Second)))
	}
	return b, nil
}
