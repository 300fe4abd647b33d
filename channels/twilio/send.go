package twilio

import (
	"context"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"

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
	params, refusal := c.params(o)
	if refusal != nil {
		return "", refusal
	}
	k, end := c.call(ctx)
	defer end()
	m, err := k.api().CreateMessage(params)
	if err != nil {
		return "", k.verdict(err)
	}
	if m.Sid == nil || *m.Sid == "" {
		return "", k.verdict(errNoSID)
	}
	return *m.Sid, nil
}

// params writes o as Twilio's form, or refuses what Twilio could not carry.
func (c *conn) params(o *channels.Outgoing) (*api.CreateMessageParams, *channels.Verdict) {
	reject := func(reason, detail string) (*api.CreateMessageParams, *channels.Verdict) {
		return nil, &channels.Verdict{Kind: channels.Rejected, Reason: reason, Detail: detail}
	}
	p := new(api.CreateMessageParams).SetTo(c.address(o.To))
	if c.from != "" {
		p.SetFrom(c.from)
	}
	if c.service != "" {
		p.SetMessagingServiceSid(c.service)
	}
	if text := o.Text.String(); text != "" {
		p.SetBody(text)
	} else if len(o.Attachments) == 0 {
		return reject("empty", "")
	}
	if len(o.Buttons) > 0 {
		return reject("buttons_not_supported", "SMS has no buttons, and WhatsApp only those of an approved template")
	}
	if len(o.Attachments) > maxMediaURLs {
		return reject("too_many_attachments", "Twilio takes at most ten files a message")
	}
	if len(o.Attachments) > 0 {
		urls := make([]string, len(o.Attachments))
		for i, a := range o.Attachments {
			if a.URL == "" {
				return reject("attachment_without_url", "Twilio fetches files itself, which needs a public address of this server")
			}
			urls[i] = a.URL
		}
		p.SetMediaUrl(urls)
	}
	if c.callback != "" {
		p.SetStatusCallback(c.callback + rapport.KindMessage.Format(o.ID))
	}
	hold := c.validity
	if !o.ValidUntil.IsZero() {
		hold = min(hold, o.ValidUntil.Sub(c.now()))
	}
	if hold < time.Second {
		return reject("expired", "the time until which it may be sent has passed")
	}
	if hold < maxValidity { // ten hours is what Twilio does by itself
		p.SetValidityPeriod(int(hold / time.Second))
	}
	return p, nil
}
