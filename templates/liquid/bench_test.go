package liquid

import (
	"strings"
	"testing"
)

// mail is 1.8 KB of HTML with five variables printed in seven places.
var mail = func() string {
	const head = `<!DOCTYPE html><html><head><meta charset="utf-8"><title>{{ campaign.subject }}</title></head>
<body style="margin:0;background:#f4f5f7;font-family:Helvetica,Arial,sans-serif">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:32px 12px">
<table role="presentation" width="600" style="background:#ffffff;border-radius:8px"><tr><td style="padding:32px">
<h1 style="margin:0 0 16px;font-size:24px;color:#172b4d">Hello, {{ customer.first_name }}!</h1>
<p style="margin:0 0 16px;font-size:16px;line-height:24px;color:#42526e">Your order {{ data.order }} has been shipped.</p>
<a href="{{ data.url }}" style="display:inline-block;padding:12px 24px;background:#0052cc;color:#ffffff;text-decoration:none">Track {{ data.order }}</a>
`
	const tail = `<p style="font-size:12px;color:#97a0af">You get this mail, {{ customer.first_name }}, because you bought something from us.
<a href="{{ data.unsubscribe }}" style="color:#97a0af">Unsubscribe</a></p></td></tr></table></td></tr></table></body></html>`
	filler := strings.Repeat("<p style=\"margin:0\">Thank you for shopping.</p>\n", 16)
	return head + filler[:1800-len(head)-len(tail)] + tail
}()

func mailData() map[string]any {
	return map[string]any{
		"campaign": map[string]any{"subject": "It is on its way"},
		"customer": map[string]any{"first_name": "Anna & Co"},
		"data":     map[string]any{"order": "A-1029", "url": "https://example.com/t?id=1&k=2", "unsubscribe": "https://example.com/u/123"},
	}
}

func BenchmarkRender_Mail(b *testing.B) {
	t, err := Parse(mail, Options{Escape: EscapeHTML})
	if err != nil {
		b.Fatal(err)
	}
	data := mailData()
	var buf []byte
	b.SetBytes(int64(len(mail)))
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = t.AppendRender(buf[:0], data, Run{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSegments_Mail(b *testing.B) {
	t, err := Parse(mail, Options{Escape: EscapeHTML})
	if err != nil {
		b.Fatal(err)
	}
	data := mailData()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Segments(data, Run{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse_Mail(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(mail, Options{Escape: EscapeHTML}); err != nil {
			b.Fatal(err)
		}
	}
}
