package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

const (
	twilioSID    = "AC00000000000000000000000000000001"
	twilioFrom   = "+15005550006"
	telegramBot  = "123456:bench"
	webhookKey   = "whsec_YmVuY2htYXJrIGtleSwgMzIgYnl0ZXMgb2YgaXQuLi4="
	topic        = "bench"
	connections  = 32 // to a sink, in the product and in the bare clients alike
	mailFrom     = "Shop <news@shop.example>"
	mailSubject  = "{{ customer.name }}, order {{ data.order }} is on its way"
	streamedFrom = 50_000 // larger audiences are streamed: an inline body is at most 24 MiB
)

// channelNames in the order in which they are measured.
var channelNames = []string{"email", "sms", "telegram", "webhook"}

// mailHTML is 1.8 KB with five variables, which stand in seven places together with the subject's.
func mailHTML() string {
	var b strings.Builder
	b.WriteString(`<html><body style="margin:0;padding:0;background:#f4f4f7;font-family:Arial,sans-serif"><table width="100%" cellpadding="0" cellspacing="0"><tr><td align="center"><table width="600" style="background:#ffffff;border-radius:8px">` +
		`<tr><td style="padding:32px"><h1 style="font-size:22px;color:#222222">Hello {{ customer.name }},</h1>` +
		`<p style="font-size:16px;line-height:24px;color:#444444">your order {{ data.order }} has left our warehouse and will reach {{ data.city }} soon.</p>` +
		`<p style="font-size:16px;line-height:24px;color:#444444">Total: <b>{{ data.amount }}</b></p>` +
		`<p><a href="{{ data.url }}" style="background:#3451d1;color:#ffffff;padding:12px 24px;border-radius:6px;text-decoration:none">Follow the parcel</a></p>`)
	for i := range 5 {
		fmt.Fprintf(&b, `<p style="font-size:14px;line-height:20px;color:#666666">Offer %d of the week: everything for the garden, the kitchen and the workshop, as long as it lasts.</p>`, i+1)
	}
	b.WriteString(`</td></tr></table></td></tr></table></body></html>`)
	return b.String()
}

const shortText = "Hello {{ customer.name }}, order {{ data.order }} for {{ data.city }}: {{ data.amount }}. {{ data.url }}"

// template is the body of PUT /v1/templates/bench-<channel>. Its variables come with the campaign.
func template(channel string) map[string]any {
	v := map[string]any{"channel": channel}
	switch channel {
	case "email":
		v["subject"], v["html"] = mailSubject, mailHTML()
	case "webhook":
		v["body"] = map[string]any{"event": "order.shipped", "name": "{{ customer.name }}", "order": "{{ data.order }}", "city": "{{ data.city }}", "amount": "{{ data.amount }}",
			"url": "{{ data.url }}", "note": strings.Repeat("Thank you for your order. ", 30)}
	default:
		v["text"] = shortText
	}
	return map[string]any{"topic": topic, "variants": []any{v}}
}

// storedTemplate is the same, with variables that the customers' attributes hold. Each mail carries the
// attachment (fil_...), when there is one.
func storedTemplate(channel, attachment string) (map[string]any, error) {
	text, err := json.Marshal(template(channel))
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(bytes.ReplaceAll(text, []byte("{{ data."), []byte("{{ customer.")), &out); err != nil {
		return nil, err
	}
	if attachment != "" {
		out["variants"].([]any)[0].(map[string]any)["attachments"] = []string{attachment}
	}
	return out, nil
}

// person is the i-th customer of a channel.
type person struct {
	channel string
	i       int
	webhook string // where webhooks go: the sink's URL
}

func (p person) externalID() string { return p.channel + "-" + strconv.Itoa(p.i) }

func (p person) name() string { return "Anna Berzina " + strconv.Itoa(p.i) }

func (p person) address() string {
	switch p.channel {
	case "email":
		return "p" + strconv.Itoa(p.i) + "@customers.example"
	case "sms":
		return "+" + strconv.Itoa(37120000000+p.i)
	case "telegram":
		return strconv.Itoa(100000000 + p.i)
	default:
		return p.webhook + "/hooks/" + strconv.Itoa(p.i)
	}
}

func (p person) data() map[string]any {
	n := strconv.Itoa(p.i)
	return map[string]any{"order": "A-" + n, "city": "Riga", "amount": "EUR " + strconv.Itoa(10+p.i%90) + ".50", "url": "https://shop.example/o/" + n}
}

// recipient is how a caller names the person: in full with consent the first time, later by the caller's
// own id.
func (p person) recipient(known bool) map[string]any {
	r := map[string]any{"external_id": p.externalID(), "data": p.data()}
	if !known {
		r["name"] = p.name()
		r["addresses"] = []any{map[string]any{"channel": p.channel, "address": p.address()}}
		r["consents"] = []any{map[string]any{"channel": p.channel, "purpose": "marketing", "topic": topic, "granted": true, "source": "bench", "text_version": "1"}}
	}
	return r
}

// stored is a customer as the database knows them: with an address and a consent on each of the channels, and the
// variables as attributes.
func (p person) stored(channels []string) map[string]any {
	addresses, consents := []any{}, []any{}
	for _, c := range channels {
		q := person{c, p.i, p.webhook}
		addresses = append(addresses, map[string]any{"channel": c, "address": q.address()})
		consents = append(consents, map[string]any{"channel": c, "purpose": "marketing", "topic": topic, "granted": true, "source": "bench", "text_version": "1"})
	}
	return map[string]any{"external_id": "stored-" + strconv.Itoa(p.i), "name": p.name(), "attributes": p.data(), "addresses": addresses, "consents": consents}
}

// audience is n recipients, the first of them number from.
func audience(channel, webhook string, from, n int, known bool) []map[string]any {
	out := make([]map[string]any, n)
	for i := range out {
		out[i] = person{channel, from + i, webhook}.recipient(known)
	}
	return out
}

// campaignSpec is the body of POST /v1/campaigns without its audience.
func campaignSpec(channel string) map[string]any {
	return map[string]any{"name": "bench " + channel, "purpose": "marketing", "topic": topic, "template": "bench-" + channel,
		"routing": map[string]any{"channels": []string{channel}}}
}

func ndjson(rows []map[string]any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, r := range rows {
		if err := enc.Encode(r); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// providers is RAPPORT_PROVIDERS: one for each channel, each into its sink. mail is laid over the settings of email.
func providers(sinks map[string]*Sink, mail map[string]any) (string, error) {
	list := []any{}
	for _, c := range []struct {
		channel, driver string
		settings        func(*Sink) map[string]any
	}{
		{"email", "email", func(s *Sink) map[string]any {
			m := map[string]any{"host": "127.0.0.1", "port": s.Port(), "tls": "none", "from": mailFrom, "reply_domain": "reply.shop.example", "connections": connections}
			maps.Copy(m, mail)
			return m
		}},
		{"sms", "twilio", func(s *Sink) map[string]any {
			return map[string]any{"account_sid": twilioSID, "auth_token": "bench", "from": twilioFrom, "base_url": s.URL()}
		}},
		{"telegram", "telegram", func(s *Sink) map[string]any {
			return map[string]any{"token": telegramBot, "api_url": s.URL(), "mode": "polling"}
		}},
		{"webhook", "webhook", func(s *Sink) map[string]any {
			return map[string]any{"secret": webhookKey, "allow_networks": []string{"127.0.0.0/8"}, "connections": connections}
		}},
	} {
		if s := sinks[c.channel]; s != nil {
			list = append(list, map[string]any{"name": "bench-" + c.channel, "driver": c.driver, "channel": c.channel, "settings": c.settings(s)})
		}
	}
	b, err := json.Marshal(list)
	return string(b), err
}
