package templates

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rapport"
)

// promotion is a mail of 1.8 KB with the usual few values in it.
const promotion = `<!doctype html><html lang="en"><head><meta charset="utf-8"><style>
.btn{background:#4338ca;color:#ffffff;padding:14px 28px;border-radius:8px;text-decoration:none;display:inline-block}
p{font-size:16px;line-height:24px;margin:0 0 16px}
@media (prefers-color-scheme:dark){.card{background:#111827}}
</style></head><body style="margin:0;background:#f4f4f7">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:32px 16px">
<table role="presentation" class="card" width="600" cellpadding="0" cellspacing="0" style="background:#fff"><tr><td style="padding:32px">
<h1 style="font-size:28px">{{ data.percent }}% off until {{ data.until | date: "%-d %B" }}</h1>
<p>Hello {{ customer.name | default: "there" }}, you have been with us for a while, so you hear it first.</p>
{% if data.code %}<p>Your code: <b>{{ data.code }}</b></p>{% endif %}
<p><a class="btn" href="{{ data.url }}">Shop the sale</a></p>
<p>Questions? Simply answer this mail, a person reads it.</p>
</td></tr></table>
<p style="font-size:12px;color:#6b7280">{{ company.name }}, {{ company.postal_address }}<br>
<a href="{{ unsubscribe_url }}">Unsubscribe</a> &middot; <a href="{{ preferences_url }}">Preferences</a></p>
</td></tr></table></body></html>`

func promotionInput() Input {
	return Input{
		Locale: "en-GB", DefaultLocale: "en", Zone: time.UTC, Now: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC), Marketing: true,
		Vars: map[string]any{
			"customer": map[string]any{"name": "Ann O'Neil", "attributes": map[string]any{"tier": "gold"}},
			"data":     map[string]any{"percent": int64(20), "until": "2026-05-09", "code": "MAY20", "url": "https://shop.example/sale?a=1&b=2"},
			"campaign": map[string]any{"name": "May"},
		},
		URLs:    URLs{Unsubscribe: "https://go.example/u/abc", Preferences: "https://go.example/p/abc"},
		Company: Company{Name: "Example Ltd", PostalAddress: "1 Brīvības iela, Rīga"},
	}
}

func mustLoad(t testing.TB, src Source) *Template {
	t.Helper()
	c, err := Compile(src)
	if err != nil {
		t.Fatalf("compile: %v", explain(err))
	}
	tmpl, err := Load("tpl_1", c)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// explain shows all fields of an error.
func explain(err error) string {
	e, ok := errors.AsType[*rapport.Error](err)
	if !ok {
		return err.Error()
	}
	lines := []string{e.Message}
	for _, f := range e.Fields {
		lines = append(lines, f.Path+": "+f.Message)
	}
	return strings.Join(lines, "\n")
}

func BenchmarkRender(b *testing.B) {
	tmpl := mustLoad(b, Source{Topic: "offers", Variants: []Variant{{Channel: rapport.Email, Locale: "en", Subject: "{{ data.percent }}% off for {{ customer.name }}", HTML: promotion}}})
	b.Run("promotion", func(b *testing.B) {
		in := promotionInput()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := tmpl.Render(rapport.Email, in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("promotion tracked", func(b *testing.B) {
		in := promotionInput()
		in.Track = &Tracking{Click: func(int, string) string { return "https://go.example/c/0123456789abcdef" }, OpenPixel: "https://go.example/o/0123456789abcdef"}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := tmpl.Render(rapport.Email, in); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkMissing(b *testing.B) {
	tmpl := mustLoad(b, Source{Topic: "offers", Variants: []Variant{{Channel: rapport.Email, Subject: "s", HTML: promotion}}})
	in := promotionInput()
	on := map[rapport.Channel]bool{rapport.Email: true}
	b.ReportAllocs()
	for b.Loop() {
		if m := tmpl.Missing(in.Vars, on); len(m) > 0 {
			b.Fatal(m)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	src := Source{Topic: "offers", Variants: []Variant{{Channel: rapport.Email, Subject: "s", HTML: promotion}}}
	for b.Loop() {
		if _, err := Compile(src); err != nil {
			b.Fatal(err)
		}
	}
}
