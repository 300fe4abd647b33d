package templates

import (
	"strings"
	"testing"

	"rapport"
)

func TestRender_MJML(t *testing.T) {
	t.Parallel()
	tmpl := mustLoad(t, Source{Variants: []Variant{{Channel: rapport.Email, Subject: "s", Preheader: "Inside", MJML: `{% assign shop = "A & B" %}
<mjml>
  <mj-head><mj-title>{{ shop }}</mj-title><mj-attributes><mj-text color="{{ campaign.color }}" /></mj-attributes></mj-head>
  <mj-body>
    {% for p in data.items %}
    <mj-section><mj-column>
      {% if p.n < 3 %}<mj-text>Only {{ p.n }} of {{ p.name }}&nbsp;left</mj-text>{% endif %}
      <mj-button href="{{ p.url }}">Buy</mj-button>
    </mj-column></mj-section>
    {% endfor %}
  </mj-body>
</mjml>`}}})
	r, err := tmpl.Render(rapport.Email, Input{Vars: map[string]any{"campaign": map[string]any{"color": "#123456"}, "data": map[string]any{"items": []any{
		map[string]any{"name": "<mugs>", "n": int64(2), "url": "https://a.example/?a=1&b=2"}, map[string]any{"name": "cups", "n": int64(9), "url": "javascript:x"},
	}}}})
	if err != nil {
		t.Fatal(explain(err))
	}
	html := r.HTML.String()
	for _, want := range []string{"<title>A &amp; B</title>", "Only 2 of &lt;mugs&gt;", "color:#123456", `href="https://a.example/?a=1&amp;b=2"`, `href="#"`, ">Inside&nbsp;"} {
		if !strings.Contains(html, want) {
			t.Errorf("HTML lacks %s", want)
		}
	}
	if strings.Contains(html, "cups") || strings.Contains(html, "mj-") && strings.Contains(html, "<mj-") || strings.ContainsAny(html, "\uE000\uE001") {
		t.Errorf("leftovers in %s", html)
	}
	if text := r.Text.String(); text != "Only 2 of <mugs> left\n\nBuy <https://a.example/?a=1&b=2>\nBuy <javascript:x>" && !strings.HasPrefix(text, "Only 2 of <mugs> left\nBuy <https://a.example/?a=1&b=2>") {
		t.Errorf("text %q", text)
	}
}
