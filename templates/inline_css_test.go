package templates

import (
	"strings"
	"testing"
)

func TestInlineCSS(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ in, want string }{
		"a rule": {
			`<style>p{color:red}</style><p>x</p>`,
			`<style></style><p style="color:red">x</p>`},
		"the more specific wins, then the later": {
			`<style>.a{color:red;margin:0}p{color:blue}p{margin:1px}</style><p class="a">x</p>`,
			`<style></style><p style="color:red;margin:0" class="a">x</p>`},
		"its own style wins, !important over it": {
			`<style>p{color:red;margin:0!important}</style><p style="color:blue;margin:9px">x</p>`,
			`<style></style><p style="color:blue;margin:0">x</p>`},
		"what only a style sheet can say stays, and still wins": {
			`<style>p{color:red}p:hover{color:blue}@media (max-width:9px){p{color:green}}</style><p>x</p>`,
			"<style>p:hover{color:blue!important}\n@media (max-width:9px){p{color:green!important}}</style><p style=\"color:red\">x</p>"},
		"@font-face stays as it is": {
			`<style>@font-face{font-family:X;src:url(x)}</style><p>x</p>`,
			`<style>@font-face{font-family:X;src:url(x)}</style><p>x</p>`},
		"quotes": {
			`<style>p{font-family:"Segoe UI",'Arial'}</style><p>a</p><p style='margin:0'>b</p>`,
			`<style></style><p style="font-family:'Segoe UI','Arial'">a</p><p style='font-family:"Segoe UI","Arial";margin:0'>b</p>`},
		"Liquid is left where it stood": {
			"{% if x < 3 %}<table>{% for r in rows %}<tr><td class=\"a\">{{ r & s }}</td></tr>{% endfor %}</table>{% endif %}<style>.a{color:{{ campaign.color }}}</style>",
			"{% if x < 3 %}<table>{% for r in rows %}<tr><td style=\"color:{{ campaign.color }}\" class=\"a\">{{ r & s }}</td></tr>{% endfor %}</table>{% endif %}<style></style>"},
		"Liquid in a style attribute": {
			`<style>p{margin:0}</style><p style="color:{{ a | default: "x" }}">x</p><p style="{% if a %}color:red{% endif %}">y</p>`,
			`<style></style><p style="margin:0;color:{{ a | default: "x" }}">x</p><p style="margin:0;{% if a %}color:red{% endif %}">y</p>`},
		"a class that is there sometimes": {
			`<style>.a{color:red}.b{color:blue}</style><p class="a{% if x %} b{% endif %}">x</p>`,
			"<style>.b{color:blue!important}</style><p style=\"color:red\" class=\"a{% if x %} b{% endif %}\">x</p>"},
		"a style sheet with Liquid tags is left alone": {
			`<style>{% if x %}p{color:red}{% endif %}</style><p>x</p>`,
			`<style>{% if x %}p{color:red}{% endif %}</style><p>x</p>`},
		"a style sheet marked so is left alone": {
			`<style data-no-inline>p{color:red}</style><p>x</p>`,
			`<style data-no-inline>p{color:red}</style><p>x</p>`},
		"conditional comments and entities stay as they are": {
			`<style>td{color:red}</style><!--[if mso]><table><tr><td>&nbsp;<![endif]--><td>&nbsp;&zwnj;</td>`,
			`<style></style><!--[if mso]><table><tr><td>&nbsp;<![endif]--><td>&nbsp;&zwnj;</td>`},
		"comments and broken rules": {
			`<style>/* p{} */ p{color:red;;nonsense} {x:y} div{</style><p>x</p>`,
			`<style></style><p style="color:red">x</p>`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := inlineCSS(c.in); err != nil || got != c.want {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, c.want)
			}
		})
	}
}

func TestInlineCSS_KeepsLines(t *testing.T) {
	t.Parallel()
	src := "<style>\np { color: red }\n.a { margin: 0 }\n@media x { p { color: blue } }\n</style>\n<p>{{ x }}</p>"
	got, err := inlineCSS(src)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := lineOf(src, strings.Index(src, "{{ x")), lineOf(got, strings.Index(got, "{{ x")); a != b {
		t.Errorf("line %d became %d:\n%s", a, b, got)
	}
}

func TestInlineCSS_RefusesWhatWouldEatTheMachine(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"one long rule on many elements": "<style>p{" + strings.Repeat("a:b;", 50_000) + "}</style>" + strings.Repeat("<p>", 50_000),
		"many rules":                     "<style>" + strings.Repeat("p{a:b}", 20_000) + "</style>" + strings.Repeat("<p>", 20_000),
		"many siblings":                  "<style>p:nth-last-child(2){a:b}</style>" + strings.Repeat("<p>", 100_000),
		"long values":                    "<style>p{a:" + strings.Repeat("x", 10_000) + "}</style>" + strings.Repeat("<p>", 1000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := inlineCSS(src); err == nil {
				t.Error("was inlined")
			}
		})
	}
}
