package liquid

import (
	"strings"
	"testing"
)

func TestEscape_ByPlace(t *testing.T) {
	t.Parallel()
	data := map[string]any{
		"x": `<a href="j">'&`, "url": "https://e.com/?a=1&b=<2>", "bad": "javascript:alert(1)", "word": "red",
		"css": "red;}</style><script>", "img": "https://e.com/a b.png?x='1')", "nl": "a & b\n<c>",
	}
	cases := []struct{ name, source, want string }{
		{"text", "<p>{{ x }}</p>", "<p>&lt;a href=&quot;j&quot;&gt;&#39;&amp;</p>"},
		{"attribute", `<p title="{{ x }}">`, `<p title="&lt;a href=&quot;j&quot;&gt;&#39;&amp;">`},
		{"attribute in single quotes", `<p title='{{ x }}'>`, `<p title='&lt;a href=&quot;j&quot;&gt;&#39;&amp;'>`},
		{"attribute without quotes", `<p title={{ nl }}>`, `<p title=a&#32;&amp;&#32;b&#10;&lt;c&gt;>`},
		{"title and textarea", `<title>{{ x }}</title><textarea>{{ x }}</textarea>`, `<title>&lt;a href=&quot;j&quot;&gt;&#39;&amp;</title><textarea>&lt;a href=&quot;j&quot;&gt;&#39;&amp;</textarea>`},
		{"URL", `<a href="{{ url }}">`, `<a href="https://e.com/?a=1&amp;b=&lt;2&gt;">`},
		{"URL of a bad scheme", `<a href="{{ bad }}">`, `<a href="#">`},
		{"URL in capitals and spaces", `<A HREF = '{{ bad }}'>`, `<A HREF = '#'>`},
		{"URL without quotes", `<a href={{ bad }} x>`, `<a href=# x>`},
		{"rest of a URL", `<a href="https://e.com/{{ bad }}">`, `<a href="https://e.com/javascript:alert(1)">`},
		{"URL in pieces", `<a href="{{ word }}{{ bad }}">`, `<a href="red#">`},
		{"srcset", `<img srcset="{{ bad }} 2x, {{ url }} 3x">`, `<img srcset="# 2x, https://e.com/?a=1&amp;b=&lt;2&gt; 3x">`},
		{"srcset after a literal", `<img srcset="https://e.com/a.png 1x, {{ bad }} 2x">`, `<img srcset="https://e.com/a.png 1x, # 2x">`},
		{"srcset, rest of a URL", `<img srcset="https://e.com/{{ bad }} 2x">`, `<img srcset="https://e.com/javascript:alert(1) 2x">`},
		{"srcset in one value", `<img srcset="{{ 'https://e.com/a,b 1x, javascript:x 2x' }}">`, `<img srcset="https://e.com/a,b 1x, # 2x">`},
		{"srcset, a second URL in the rest of one", `<img srcset="https://e.com/{{ 'a:b 1x,javascript:x 2x' }}">`, `<img srcset="https://e.com/a:b 1x,# 2x">`},
		{"srcset without quotes", `<img srcset={{ bad }}>`, `<img srcset=#>`},
		{"imagesrcset", `<link imagesrcset="{{ bad }}">`, `<link imagesrcset="#">`},
		{"ping of several", `<a ping="{{ bad }} {{ bad }}">`, `<a ping="# #">`},
		{"poster, background, formaction, cite, longdesc", `<p poster="{{ bad }}" background="{{ bad }}" formaction="{{ bad }}" cite="{{ bad }}" longdesc="{{ bad }}">`, `<p poster="#" background="#" formaction="#" cite="#" longdesc="#">`},
		{"mailto", `<a href="mailto:{{ x }}">`, `<a href="mailto:&lt;a href=&quot;j&quot;&gt;&#39;&amp;">`},
		{"URL in an Outlook comment", `<!--[if mso]><v:rect href="{{ bad }}"><![endif]--><p title="{{ bad }}">`, `<!--[if mso]><v:rect href="#"><![endif]--><p title="javascript:alert(1)">`},
		{"URL hidden from Outlook", `<!--[if !mso]><!--><a href="{{ bad }}"><!--<![endif]--><!---><a href="{{ bad }}">`, `<!--[if !mso]><!--><a href="#"><!--<![endif]--><!---><a href="#">`},
		{"comment", `<!-- <a href="{{ x }}"> --><b>{{ word }}</b>`, `<!-- <a href="&lt;a href=&quot;j&quot;&gt;&#39;&amp;"> --><b>red</b>`},
		{"style attribute", `<p style="color:{{ css }}">`, `<p style="color:red\3b \7d \3c \2f style\3e \3c script\3e ">`},
		{"style element", `<style>p{color:{{ css }}}</style>{{ word }}`, `<style>p{color:red\3b \7d \3c \2f style\3e \3c script\3e }</style>red`},
		{"url() in a style", `<p style="background:url('{{ img }}')">`, `<p style="background:url('https://e.com/a%20b.png?x=%271%27%29')">`},
		{"bad url() in a style", `<p style="background:url({{ bad }});color:{{ word }}">`, `<p style="background:url(#);color:red">`},
		{"colours and lengths in CSS", `<p style="width:{{ '50%' }};color:{{ '#ff0000' }};margin:{{ -1.5 }}px">`, `<p style="width:50%;color:#ff0000;margin:-1.5px">`},
		{"raw", "{{ x | raw }}", `<a href="j">'&`},
		{"safe is raw", "{{ x | safe }}", `<a href="j">'&`},
		{"raw in an attribute stays inside it", `<p title="{{ x | raw }}">`, `<p title="&lt;a href=&quot;j&quot;&gt;&#39;&amp;">`},
		{"raw in a URL is still checked", `<a href="{{ bad | raw }}">`, `<a href="#">`},
		{"entities do not hide a scheme", `<a href="{{ 'javascript&colon;x' | raw }}">`, `<a href="#">`},
		{"escape does not escape twice", "{{ x | escape }}", "&lt;a href=&quot;j&quot;&gt;&#39;&amp;"},
		{"escape in an attribute neither", `<p title="{{ x | escape }}">`, `<p title="&lt;a href=&quot;j&quot;&gt;&#39;&amp;">`},
		{"escape, then another filter", "{{ 'a&b' | escape | upcase }}", "A&amp;B"},
		{"escape, then truncate", "{{ 'a&<script>' | escape | truncate: 8, '' }}", "a&amp;&amp;l"},
		{"escape_once", "{{ 'a &amp; b & c' | escape_once }}", "a &amp; b &amp; c"},
		{"newline_to_br escapes what it is given", "{{ nl | newline_to_br }}", "a &amp; b<br />\n&lt;c&gt;"},
		{"escape before newline_to_br", "{{ nl | escape | newline_to_br | strip_newlines }}", "a &amp; b<br />&lt;c&gt;"},
		{"capture is HTML", "{% capture c %}<b>{{ x }}</b>{% endcapture %}{{ c }}", "<b>&lt;a href=&quot;j&quot;&gt;&#39;&amp;</b>"},
		{"captured URL", `{% capture u %}https://e.com/?a=1&b={{ word }}{% endcapture %}<a href="{{ u }}">`, `<a href="https://e.com/?a=1&amp;b=red">`},
		{"captured bad URL", `{% capture u %}{{ bad }}{% endcapture %}<a href="{{ u }}">`, `<a href="#">`},
		{"append beside markup escapes the text", "{{ '<br>' | raw | append: x }}", "<br>&lt;a href=&quot;j&quot;&gt;&#39;&amp;"},
		{"prepend beside markup escapes the text", "{{ '<br>' | raw | prepend: '<' }}", "&lt;<br>"},
		{"markup through an unknowing filter is escaped", "{{ '<b>x</b>' | raw | upcase }}", "&lt;B&gt;X&lt;/B&gt;"},
		{"captured text compares as text", "{% capture c %}a&b{% endcapture %}{% if c == 'a&b' %}same{% endif %}", "same"},
		{"arrays and objects", "{{ '<,>' | split: ',' }}", "&lt;&gt;"},
		{"cycle", "{% cycle x, x %}", "&lt;a href=&quot;j&quot;&gt;&#39;&amp;"},
		{"attribute through branches", `<p title="{% if x %}{{ x }}{% else %}b{% endif %}" lang="{{ word }}">`, `<p title="&lt;a href=&quot;j&quot;&gt;&#39;&amp;" lang="red">`},
		{"attribute that may be absent", `<a {% if url %}href="{{ bad }}"{% endif %} title="{{ word }}">{{ word }}</a>`, `<a href="#" title="red">red</a>`},
		{"URL through branches", `<a href="{% if no %}https://x.com/{% endif %}{{ bad }}">`, `<a href="#">`},
		{"include in an attribute", `<a href="{% include 'u' %}">{% include 'u' %}</a>`, `<a href="#">javascript:alert(1)</a>`},
		{"include by variable in an attribute", `{% assign n = 'u' %}<a href="{% include n %}">{% include n %}</a>`, `<a href="#">javascript:alert(1)</a>`},
		{"numbers and booleans", "{{ 1.5 }}{{ true }}{{ nil }}", "1.5true"},
		{"less-than in text", "1 < 2 {{ word }} <3", "1 < 2 red <3"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x, err := Parse(c.source, Options{Escape: EscapeHTML, Partials: func(name string) (string, bool) { return "{{ bad }}", name == "u" }})
			if err != nil {
				// An open tag at the end is a mistake in a template; the cases are pieces of one.
				x, err = Parse(c.source+`"'></title></style></textarea>`, Options{Escape: EscapeHTML})
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := x.Render(data, Run{})
			if err != nil || got != c.want {
				t.Errorf("%s\n got %s, %v\nwant %s", c.source, got, err, c.want)
			}
		})
	}
}

func TestSafeURL(t *testing.T) {
	t.Parallel()
	passed := []string{
		"https://e.com/a?b=c:d", "http://e.com", "HTTPS://E.COM", "mailto:a@e.com", "tel:+79990001122", "sms:+7999?body=x", "tg://resolve?domain=x",
		"cid:logo@x", "/a:b", "a/b:c", "?a:b", "#a:b", "//e.com/x", "page.html", "", "пример/путь",
	}
	for _, u := range passed {
		if got := safeURL(u); got != u {
			t.Errorf("%q became %q", u, got)
		}
	}
	refused := []string{
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "\tjavascript:alert(1)", "java\nscript:alert(1)", "java\tscript:alert(1)",
		"java\x00script:alert(1)", "\x01javascript:alert(1)", "javascript\x0d:alert(1)", "data:text/html,<script>", "vbscript:x", "file:///etc/passwd", "blob:x",
		"\u00a0javascript:alert(1)", "\u2028javascript:x", "feed:javascript:x", ":x", "java script:x",
	}
	for _, u := range refused {
		if got := safeURL(u); got != refusedURL {
			t.Errorf("%q became %q", u, got)
		}
	}
}

func TestEscape_RefusesPlacesThatCannotBeEscaped(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, source, want string }{
		{"script", "\n<script>var a = '{{ x }}'</script>", "line 2: a value cannot be printed inside <script>"},
		{"script in capitals", "<SCRIPT type=x>{{ x }}</SCRIPT>", "line 1: a value cannot be printed inside <script>"},
		{"event attribute", `<p onclick="f('{{ x }}')">`, "line 1: a value cannot be printed inside an attribute that holds a script"},
		{"srcdoc", `<iframe srcdoc="{{ x }}">`, "line 1: a value cannot be printed inside an attribute that holds a script"},
		{"javascript URL", `<a href="javascript:f({{ x }})">`, "line 1: a value cannot be printed inside an attribute that holds a script"},
		{"tag name", `<{{ x }}>`, "line 1: a value cannot be printed inside a tag, outside the quotes of an attribute"},
		{"attribute name", `<p {{ x }}>`, "line 1: a value cannot be printed inside a tag, outside the quotes of an attribute"},
		{"part of an attribute name", `<p data-{{ x }}="1">`, "line 1: a value cannot be printed inside a tag, outside the quotes of an attribute"},
		{"scheme from a variable", `<a href="{{ x }}:{{ y }}">`, "line 1: the scheme of a URL cannot come from a variable alone: print the whole URL, or write the scheme"},
		{"scheme from a variable in srcset", `<img srcset="/a 1x, {{ x }}:{{ y }}">`, "line 1: the scheme of a URL cannot come from a variable alone: print the whole URL, or write the scheme"},
		{"branches that part", "{% if a %}<a href=\"{% else %}<b>{% endif %}{{ x }}", "line 1: the ways through {% if %} end in different places of the HTML: one in the value of an attribute, one in text"},
		{"if that opens a tag", "\n{% if a %}<a title=\"{% endif %}{{ x }}", "line 2: the ways through {% if %} end in different places of the HTML: one in the value of an attribute, one in text"},
		{"loop that opens a tag", "{% for a in b %}<a {% endfor %}", "line 1: the ways through {% for %} end in different places of the HTML: one in text, one inside a tag"},
		{"counter in a script", "<script>{% increment x %}</script>", "line 1: a value cannot be printed inside <script>"},
		{"cycle in a script", "<script>{% cycle 1, 2 %}</script>", "line 1: a value cannot be printed inside <script>"},
		{"partial in a script", "<script>{% include 'p' %}</script>", `in "p", line 1: a value cannot be printed inside <script>`},
		{"unfinished tag", "\n<a href=\"x", "line 2: the template ends in the value of an attribute"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(c.source, Options{Escape: EscapeHTML, Partials: func(string) (string, bool) { return "{{ x }}", true }})
			if err == nil || err.Error() != c.want {
				t.Errorf("%s\n got %v\nwant %s", c.source, err, c.want)
			}
			if _, err := Parse(c.source, Options{Partials: func(string) (string, bool) { return "{{ x }}", true }}); err != nil {
				t.Errorf("as plain text: %v", err)
			}
		})
	}
}

// TestEscape_NothingBreaksOut prints every byte and some known tricks at every place, and looks
// for what must not be there.
func TestEscape_NothingBreaksOut(t *testing.T) {
	t.Parallel()
	places := []string{
		"<p>%</p>", `<p title="%">`, `<p title='%'>`, "<p title=% >", `<a href="%">`, `<a href=% >`, `<p style="a:%">`, "<style>a{b:%}</style>",
		`<p style="a:url('%')">`, "<style>a{b:url(%)}</style>", "<title>%</title>", "<!-- % -->",
	}
	tricks := []string{`"><script>alert(1)</script>`, `'><img src=x onerror=a>`, "</style><script>", "--><script>", "</title><script>", `x" onload="y`, "x' onload='y", "x onload=y", "`x`", `\"`, `);}b{c:d`, `&quot;><i>`}
	for c := range 256 {
		tricks = append(tricks, string(rune(c)))
	}
	for _, place := range places {
		before, after, _ := strings.Cut(place, "%")
		x, err := Parse(before+"{{ v }}"+after, Options{Escape: EscapeHTML})
		if err != nil {
			t.Fatal(err)
		}
		for _, trick := range tricks {
			got, err := x.Render(map[string]any{"v": trick}, Run{})
			if err != nil {
				t.Fatal(err)
			}
			printed := strings.TrimSuffix(strings.TrimPrefix(got, before), after)
			for _, out := range []string{"<", ">", `"`, "'"} {
				if strings.Contains(printed, out) {
					t.Errorf("%s: %q prints %q", place, trick, printed)
				}
			}
			if strings.Contains(place, "=% ") && strings.ContainsAny(printed, " \t\n\f\r=`") {
				t.Errorf("%s: %q prints %q", place, trick, printed)
			}
			if strings.Contains(place, "url(") && strings.ContainsAny(printed, " ()\\\n") {
				t.Errorf("%s: %q prints %q", place, trick, printed)
			}
		}
	}
}
