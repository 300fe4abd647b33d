package templates

import (
	"encoding/json"

	"rapport"
	"rapport/channels"
)

// Source is what an author writes: the body of PUT /v1/templates/{key}.
type Source struct {
	Topic    string    `json:"topic"`
	Variants []Variant `json:"variants"`
	// Required names the variables without which nobody may be sent this: "customer.name",
	// "data.order.number". A name without a known root means data.<name>.
	Required []string `json:"required,omitempty"`
}

// Variant is the template on one channel in one language. All texts are Liquid.
type Variant struct {
	Channel rapport.Channel `json:"channel"`
	Locale  string          `json:"locale,omitempty"` // BCP 47; empty: for every language without a variant of its own

	Subject   string `json:"subject,omitempty"`   // email; one line
	Preheader string `json:"preheader,omitempty"` // email: what an inbox shows beside the subject
	Text      string `json:"text,omitempty"`      // email text part (made from the HTML when absent), SMS, WhatsApp, Telegram (its HTML subset)
	HTML      string `json:"html,omitempty"`      // email: a document or a fragment
	MJML      string `json:"mjml,omitempty"`      // email, instead of HTML

	Buttons [][]channels.Button `json:"buttons,omitempty"` // Telegram: rows of buttons
	// Body of a webhook: a JSON document whose strings are Liquid, or one JSON string holding a Liquid
	// source that renders to JSON.
	Body        json.RawMessage   `json:"body,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`     // email, webhook
	Attachments []string          `json:"attachments,omitempty"` // fil_ ids
}

// Compiled is what Compile makes of a Source: what is stored as one version, and sent.
type Compiled struct {
	Topic    string            `json:"topic"`
	Required []string          `json:"required,omitempty"`
	Variants []CompiledVariant `json:"variants"`
	// Warnings are for the author: nothing that stops the template from being sent.
	Warnings []string `json:"warnings,omitempty"`
}

// CompiledVariant is a Variant ready to be sent: each text is a Liquid source, HTML is a whole document
// with its CSS inlined and the preheader in it.
type CompiledVariant struct {
	Channel     rapport.Channel     `json:"channel"`
	Locale      string              `json:"locale,omitempty"`
	Subject     string              `json:"subject,omitempty"`
	Preheader   string              `json:"preheader,omitempty"`
	Text        string              `json:"text,omitempty"`
	HTML        string              `json:"html,omitempty"`
	Body        json.RawMessage     `json:"body,omitempty"`
	Headers     []channels.Header   `json:"headers,omitempty"` // by name
	Buttons     [][]channels.Button `json:"buttons,omitempty"`
	Attachments []string            `json:"attachments,omitempty"`
}
