package templates

import (
	"testing"

	"rapport/templates/liquid"
)

func TestPlainText(t *testing.T) {
	t.Parallel()
	data := map[string]any{"list": []any{"one", "two"}, "name": "Ann & Bo", "url": "https://a.example/?x=1&y=2", "no": nil}
	cases := map[string]struct{ in, want string }{
		"paragraphs":                  {"<h1>Title</h1>\n<p>One\n  two</p><p>Three<br>four</p>", "Title\n\nOne two\n\nThree\nfour"},
		"entities":                    {"<p>Fish &amp; chips&nbsp;&lt;3&#8364;</p>", "Fish & chips <3€"},
		"a link":                      {`<p>See <a href="https://a.example/?x=1&amp;y=2">our page</a>.</p>`, "See our page <https://a.example/?x=1&y=2>."},
		"a link with a variable":      {`<a href="{{ url }}">Go</a>`, "Go <https://a.example/?x=1&y=2>"},
		"a link that shows itself":    {`<a href="https://a.example">https://a.example</a> <a href="mailto:a@b.example">a@b.example</a> <a href="#top">up</a>`, "https://a.example a@b.example up"},
		"a picture":                   {`<a href="https://a.example"><img src="x" alt="Our shop"></a><img src="y" alt="">`, "Our shop <https://a.example>"},
		"a list":                      {"<ul><li>One</li><li>Two</li></ul>After", "- One\n- Two\n\nAfter"},
		"cells of a table":            {"<table><tr><td>Mug</td><td>€5</td></tr><tr><td>Cup</td><td>€4</td></tr></table>", "Mug €5\nCup €4"},
		"what is not shown":           {`<head><title>T</title><style>p{}</style></head><div style="display: none"><div>pre</div></div><!-- c --><script>x</script><p>Seen</p>`, "Seen"},
		"values are not escaped":      {"<p>{{ name }}</p>", "Ann & Bo"},
		"a loop":                      {"<p>List</p>{% for x in list %}<p>{{ x }}</p>{% endfor %}<p>End</p>", "List\n\none\n\ntwo\n\nEnd"},
		"a loop over nothing":         {"<p>List</p>{% for x in no %}<p>{{ x }}</p>{% endfor %}<p>End</p>", "List\n\nEnd"},
		"branches in a sentence":      {"<p>Dear {% if no %}{{ no }}{% else %}friend{% endif %}, hello</p>", "Dear friend, hello"},
		"branches around paragraphs":  {"<p>A</p>{% if no %}<p>B</p>{% else %}<p>C</p>{% endif %}<p>D</p>", "A\n\nC\n\nD"},
		"a link whose words depend":   {`<table><tr><td><a href="{{ url }}">{% if name %}Track{% else %}View{% endif %}</a></td></tr></table>`, "Track <https://a.example/?x=1&y=2>"},
		"a heading that depends":      {"<p>A</p><h1>{% if name %}{{ name }}, we{% else %}We{% endif %} remember</h1><p>B</p>", "A\n\nAnn & Bo, we remember\n\nB"},
		"rows of a table":             {"<h2>Order</h2><table>{% for x in list %}<tr><td>{{ x }}</td><td>1</td></tr>{% endfor %}</table><p>End</p>", "Order\n\none 1\ntwo 1\n\nEnd"},
		"a paragraph that is not":     {"<p>A</p>{% if no %}<p>B</p>{% endif %}<p>C</p>", "A\n\nC"},
		"what is only decoration":     {`<p><span aria-hidden="true">*</span>A</p>`, "A"},
		"dashes":                      {"<p>A {{- name -}} B</p>", "AAnn & BoB"},
		"braces that are not Liquid":  {"<p>&#123;&#123; x }}</p>", "{{ x }}"},
		"raw":                         {"<p>{% raw %}{{ x }}{% endraw %}</p>", "{{ x }}"},
		"a comment":                   {"<p>a{% comment %}<p>b</p>{% endcomment %}c</p>", "ac"},
		"hidden, with Liquid in it":   {`<div style="display:none">{% if name %}x{% endif %}</div>y`, "y"},
		"layout characters disappear": {"<p>a&zwnj;b&#847;&shy;</p>", "ab"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := plainText(c.in)
			tmpl, err := liquid.Parse(src, textOptions)
			if err != nil {
				t.Fatalf("%v in %s", err, src)
			}
			got, err := tmpl.Render(data, liquid.Run{})
			if err != nil || got != c.want {
				t.Errorf("\ngot  %q (%v)\nwant %q\nfrom %q", got, err, c.want, src)
			}
		})
	}
}
