package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/templates"
)

// BenchmarkCompose is what stands between a claimed row and the provider: variables, links with their tokens
// and the template.
func BenchmarkCompose(b *testing.B) {
	html := `<html><body style="margin:0"><h1 style="font-size:22px">Hello {{ customer.name }},</h1><p>your order {{ data.order }} will reach {{ data.city }} soon.</p><p>Total: <b>{{ data.amount }}</b></p>` +
		`<p><a href="{{ data.url }}">Follow the parcel</a></p>` + strings.Repeat(`<p style="font-size:14px;line-height:20px;color:#666666">Offer of the week: everything for the garden and the kitchen.</p>`, 10) + `</body></html>`
	compiled, err := templates.Compile(templates.Source{Topic: "news", Variants: []templates.Variant{
		{Channel: rapport.Email, Subject: "{{ customer.name }}, order {{ data.order }} is on its way", HTML: html},
		{Channel: rapport.SMS, Text: "Hello {{ customer.name }}, order {{ data.order }} for {{ data.city }}: {{ data.amount }}. {{ data.url }}"},
	}})
	if err != nil {
		b.Fatal(err)
	}
	t, err := templates.Load("tpl_1", compiled)
	if err != nil {
		b.Fatal(err)
	}
	g := &Gateway{Hub: channels.NewHub(nil, channels.HubOptions{}), set: Settings{PublicURL: "https://go.example", DefaultLocale: "en", DefaultZone: time.UTC, Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")},
		Company: templates.Company{Name: "Bench Ltd", PostalAddress: "1 Example Street, Riga"}}}
	campaign := &rapport.Campaign{ID: 7 << 40, Name: "bench", Purpose: rapport.Marketing, Topic: "news"}
	c := &content{campaign: campaign, template: t, about: map[string]any{"name": "bench"}}
	now := time.Now()
	for _, ch := range []rapport.Channel{rapport.Email, rapport.SMS} {
		b.Run(string(ch), func(b *testing.B) {
			b.ReportAllocs()
			var l paper
			for i := 0; b.Loop(); i++ {
				stored := fmt.Appendf(nil, `{"customer":{"email":"p%d@customers.example","external_id":"email-%d","id":"cus_0123456789abc","name":"Anna Berzina %d"},"data":{"amount":"EUR 10.50","city":"Riga","order":"A-%d","url":"https://shop.example/o/%d"}}`, i, i, i, i, i)
				if _, _, err := g.compose(c, rapport.ID(7<<40+i), ch, "p@customers.example", stored, now, &l); err != nil {
					b.Fatal(err)
				}
				l.reset()
			}
		})
	}
}
