package liquid

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// noon is the clock of the tests: Thursday, 5 March 2026, 12:30:15 UTC.
var noon = time.Date(2026, 3, 5, 12, 30, 15, 250_000_000, time.UTC)

// shop is data that most cases share.
const shop = `{
	"customer": {"name": "Anna", "vip": true, "age": 31, "email": "a@example.com", "tags": ["new", "paid"], "address": null},
	"items": [{"title": "Tea", "price": 300, "green": true}, {"title": "Cup", "price": 12.5}, {"title": "Pot", "price": 40, "green": false}],
	"words": ["pear", "Apple", "fig"],
	"numbers": [3, 1, 2],
	"nested": [1, [2, [3]]],
	"mixed": [1, "a"],
	"holes": ["a", null, "b"],
	"size": {"size": 9, "first": "f"},
	"zero": 0, "half": 0.5, "whole": 5.0, "empty_text": "", "spaces": "  ", "none": null, "no": false,
	"html": "<b>Tom & \"Jerry\"</b>", "long": "one two three four", "snippet": "card"
}`

var partials = map[string]string{
	"card":      "[{{ card.title }}{{ note }}]",
	"set":       "{% assign seen = 'yes' %}",
	"stop":      "{% break %}",
	"outer":     "{{ customer.name }}{{ local }}",
	"count":     "{% increment n %}",
	"row":       "{{ row.title }}{{ forloop.index }}{% unless forloop.last %},{% endunless %}",
	"uses":      "{% include 'card' %}",
	"itself":    "x{% include 'itself' %}",
	"broken":    "one\n{% if %}",
	"lib/badge": "({{ badge }})",
}

func fromPartials(name string) (string, bool) {
	s, ok := partials[name]
	return s, ok
}

func render(t *testing.T, source string, o Options, r Run) (string, error) {
	t.Helper()
	data, err := DecodeData([]byte(shop))
	if err != nil {
		t.Fatal(err)
	}
	if o.Partials == nil {
		o.Partials = fromPartials
	}
	if r.Now.IsZero() {
		r.Now = noon
	}
	x, err := Parse(source, o)
	if err != nil {
		return "", err
	}
	return x.Render(data, r)
}

type renderCase struct{ name, source, want string }

func runCases(t *testing.T, cases []renderCase, o Options, r Run) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := render(t, c.source, o, r)
			if err != nil {
				t.Fatalf("%s: %v", c.source, err)
			}
			if got != c.want {
				t.Errorf("%s\n got %q\nwant %q", c.source, got, c.want)
			}
		})
	}
}

func TestRender_Values(t *testing.T) {
	t.Parallel()
	runCases(t, []renderCase{
		{"text alone", "hello", "hello"},
		{"empty template", "", ""},
		{"member", "{{ customer.name }}", "Anna"},
		{"member in brackets", "{{ customer['name'] }}", "Anna"},
		{"name in brackets", "{{ ['customer'].name }}", "Anna"},
		{"index", "{{ items[0].title }}{{ items[-1].title }}", "TeaPot"},
		{"index out of bounds", "{{ items[9].title }}", ""},
		{"index from a variable", "{% assign i = 1 %}{{ items[i].title }}", "Cup"},
		{"undefined", "{{ nothing.at.all }}", ""},
		{"nil", "{{ none }}{{ nil }}", ""},
		{"whole JSON number is an integer", "{{ zero }} {{ 7 | divided_by: 2 }}", "0 3"},
		{"fraction", "{{ half }}", "0.5"},
		{"float literal", "{{ 5.0 }} {{ 1.25 }}", "5.0 1.25"},
		{"large floats have an exponent", "{{ 10000000000000000.0 }} {{ 0.00001 }}", "1.0e+16 1.0e-05"},
		{"booleans", "{{ true }}{{ no }}", "truefalse"},
		{"array runs together", "{{ numbers }}", "312"},
		{"object", "{{ items[1] }}", `{"title"=>"Cup", "price"=>12.5}`},
		{"range", "{{ (1..3) }}", "1..3"},
		{"range of variables", "{{ (zero..numbers[0]) | join: ',' }}", "0,1,2,3"},
		{"size of things", "{{ words.size }} {{ customer.name.size }} {{ items[1].size }}", "3 4 2"},
		{"size may be a member", "{{ size.size }}{{ size.first }}", "9f"},
		{"first and last", "{{ words.first }}{{ words.last }}", "pearfig"},
		{"brackets do not ask for size", "{{ words['size'] }}", ""},
		{"blank prints nothing", "{{ blank }}{{ empty }}", ""},
		{"unicode", "{{ 'Привет' | size }} {{ 'Привет' | slice: 0, 2 }}", "6 Пр"},
	}, Options{}, Run{})
}

func TestRender_Whitespace(t *testing.T) {
	t.Parallel()
	runCases(t, []renderCase{
		{"dashes trim", "a \n {{- 1 -}} \n b", "a1b"},
		{"dashes of tags trim", "a \n {%- if true -%} x {%- endif -%} \n b", "axb"},
		{"negative number is not a dash", "{{ -1 }}", "-1"},
		{"blocks without output print no space", "a{% if true %}  {% assign x = 1 %}  {% endif %}b", "ab"},
		{"blocks with output keep space", "a{% if true %} {{ '' }} {% endif %}b", "a  b"},
		{"raw trims outside and inside", "a {%- raw -%} {{ x }} {%- endraw -%} b", "a{{ x }}b"},
	}, Options{}, Run{})
}

func TestRender_Tags(t *testing.T) {
	t.Parallel()
	runCases(t, []renderCase{
		{"assign", "{% assign x = 'a' | upcase %}{{ x }}", "A"},
		{"assign shadows data", "{% assign words = 1 %}{{ words }}", "1"},
		{"assign nothing", "{% assign x = %}[{{ x }}]", "[]"},
		{"capture", "{% capture x %}a{{ 1 }}{% endcapture %}{{ x }}{{ x }}", "a1a1"},
		{"capture with a quoted name", "{% capture 'x' %}a{% endcapture %}{{ x }}", "a"},
		{"increment", "{% increment n %}{% increment n %}{{ n }}", "012"},
		{"decrement", "{% decrement n %}{% decrement n %}", "-1-2"},
		{"assigned and counted names differ", "{% assign n = 9 %}{% increment n %}{{ n }}", "09"},
		{"echo", "{% echo 'a' | append: 'b' %}", "ab"},
		{"if", "{% if customer.vip %}a{% else %}b{% endif %}", "a"},
		{"elsif", "{% if no %}a{% elsif 1 == 1.0 %}b{% else %}c{% endif %}", "b"},
		{"unless", "{% unless no %}a{% endunless %}", "a"},
		{"unless with elsif", "{% unless true %}a{% elsif true %}b{% endunless %}", "b"},
		{"zero and empty text are true", "{% if zero and empty_text %}a{% endif %}", "a"},
		{"and, or read from the right", "{% if false and false or true %}a{% else %}b{% endif %}", "b"},
		{"contains in text", "{% if 'team' contains 'ea' %}a{% endif %}", "a"},
		{"contains in an array", "{% if numbers contains 2 %}a{% endif %}{% if numbers contains '2' %}b{% endif %}", "a"},
		{"contains in an object", "{% if customer contains 'vip' %}a{% endif %}", "a"},
		{"comparisons", "{% if 2 > 1 and 1 <= 1.0 and 'a' < 'b' and 1 <> 2 %}a{% endif %}", "a"},
		{"nothing is neither less nor more", "{% if none < 1 or none >= 1 %}a{% else %}b{% endif %}", "b"},
		{"blank", "{% if spaces == blank and none == blank and no == blank and customer != blank %}a{% endif %}", "a"},
		{"empty", "{% if empty_text == empty and spaces != empty and none != empty %}a{% endif %}", "a"},
		{"arrays are equal by elements", "{% assign x = 'a,b' | split: ',' %}{% assign y = 'a,b' | split: ',' %}{% if x == y %}a{% endif %}", "a"},
		{"case", "{% case customer.name %} {% when 'Bob' %}a{% when 'Eve', 'Anna' %}b{% else %}c{% endcase %}", "b"},
		{"case else", "{% case 3 %}{% when 1 or 2 %}a{% else %}c{% endcase %}", "c"},
		{"each matching when", "{% case 1 %}{% when 1 %}a{% when 1 %}b{% endcase %}", "ab"},
		{"ifchanged", "{% for x in (1..4) %}{% ifchanged %}{{ x | divided_by: 2 }}{% endifchanged %}{% endfor %}", "012"},
		{"for", "{% for i in items %}{{ i.title }} {% endfor %}", "Tea Cup Pot "},
		{"for over an object in order", "{% for m in items[0] %}{{ m[0] }}={{ m[1] }} {% endfor %}", "title=Tea price=300 green=true "},
		{"for over a text", "{% for c in 'abc' %}[{{ c }}]{% endfor %}", "[abc]"},
		{"for else", "{% for i in none %}a{% else %}b{% endfor %}", "b"},
		{"for limit, offset, reversed", "{% for i in (1..6) reversed limit: 3 offset: 1 %}{{ i }}{% endfor %}", "432"},
		{"for offset continue", "{% for i in (1..5) limit: 2 %}{{ i }}{% endfor %}-{% for i in (1..5) offset: continue %}{{ i }}{% endfor %}", "12-345"},
		{"break and continue", "{% for i in (1..5) %}{% if i == 2 %}{% continue %}{% elsif i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}", "13"},
		{"break outside a loop ends the template", "a{% break %}b", "a"},
		{"forloop", "{% for i in words %}{{ forloop.index }}{{ forloop.index0 }}{{ forloop.rindex }}{{ forloop.rindex0 }}{{ forloop.first }}{{ forloop.last }}{{ forloop.length }} {% endfor %}", "1032truefalse3 2121falsefalse3 3210falsetrue3 "},
		{"parentloop", "{% for i in (1..2) %}{% for j in (1..2) %}{{ forloop.parentloop.index }}{{ forloop.index }} {% endfor %}{% endfor %}", "11 12 21 22 "},
		{"loop variables end with the loop", "{% for i in (1..2) %}{% assign x = i %}{% endfor %}{{ i }}{{ x }}", "2"},
		{"tablerow", "{% tablerow i in (1..3) cols: 2 %}{{ i }}{{ tablerowloop.col_last }}{% endtablerow %}", "<tr class=\"row1\">\n<td class=\"col1\">1false</td><td class=\"col2\">2true</td></tr>\n<tr class=\"row2\"><td class=\"col1\">3false</td></tr>\n"},
		{"cycle", "{% for i in (1..4) %}{% cycle 'a', 'b', 'c' %}{% endfor %}", "abca"},
		{"named cycles", "{% cycle 'x': 1, 2 %}{% cycle 'y': 1, 2 %}{% cycle 'x': 1, 2 %}", "112"},
		{"comment", "a{% comment %}{{ x }}{% if %}{% endcomment %}b", "ab"},
		{"comments nest", "a{% comment %}{% comment %}{% endcomment %}{% endcomment %}b", "ab"},
		{"inline comment", "a{% # no # no %}b", "ab"},
		{"doc", "a{% doc %}{{ x {% enddoc %}b", "ab"},
		{"raw", "{% raw %}{{ a }}{% b %}{% endraw %}", "{{ a }}{% b %}"},
		{"liquid", "{% liquid\n assign x = 1\n # note\n if x == 1\n  echo 'a'\n endif\n%}", "a"},
		{"include sees and sets variables", "{% assign local = '!' %}{% include 'outer' %}{% include 'set' %}{{ seen }}", "Anna!yes"},
		{"include with", "{% include 'card' with items[0] %}", "[Tea]"},
		{"include for", "{% include 'card' for items, note: '*' %}", "[Tea*][Cup*][Pot*]"},
		{"include by a name from data", "{% include snippet with items[1] %}", "[Cup]"},
		{"include as", "{% include 'outer' with 'x' as local %}", "Annax"},
		{"include named by a path", "{% include 'lib/badge' with 7 %}", "(7)"},
		{"break in an include", "{% for i in (1..3) %}{{ i }}{% include 'stop' %}{% endfor %}", "1"},
		{"render does not see variables", "{% assign local = '!' %}{% render 'outer' %}", "Anna"},
		{"render does not set variables", "{% render 'set' %}[{{ seen }}]", "[]"},
		{"render with arguments", "{% render 'outer', local: 5 %}", "Anna5"},
		{"render for", "{% render 'row' for items %}", "Tea1,Cup2,Pot3"},
		{"render keeps counters apart", "{% increment n %}{% render 'count' %}{% increment n %}", "001"},
		{"break in a rendered partial stays there", "{% for i in (1..2) %}{{ i }}{% render 'stop' %}{% endfor %}", "12"},
	}, Options{}, Run{})
}

func TestRender_Filters(t *testing.T) {
	t.Parallel()
	runCases(t, []renderCase{
		{"abs", "{{ -3 | abs }} {{ '-1.5' | abs }} {{ 'x' | abs }}", "3 1.5 0"},
		{"append, prepend", "{{ 'b' | append: 1 | prepend: 'a' }}", "ab1"},
		{"at_least, at_most", "{{ 1 | at_least: 2 }}{{ 3 | at_most: 2.5 }}", "22.5"},
		{"base64", "{{ 'a+?' | base64_encode }} {{ 'YSs_' | base64_url_safe_decode }}", "YSs/ a+?"},
		{"capitalize", "{{ 'hELLO wORLD' | capitalize }}{{ 'ёлка' | capitalize }}", "Hello worldЁлка"},
		{"ceil, floor, round", "{{ 1.2 | ceil }} {{ -1.2 | floor }} {{ 2.5 | round }} {{ -2.5 | round }} {{ 3.14159 | round: 2 }} {{ 15 | round: -1 }}", "2 -2 3 -3 3.14 20"},
		{"compact", "{{ holes | compact | join: '' }}", "ab"},
		{"concat", "{{ numbers | concat: words | join: ' ' }}", "3 1 2 pear Apple fig"},
		{"default", "{{ none | default: 'a' }}{{ empty_text | default: 'b' }}{{ no | default: 'c' }}{{ no | default: 'd', allow_false: true }}{{ zero | default: 'e' }}", "abcfalse0"},
		{"division rounds down", "{{ -7 | divided_by: 2 }} {{ -7 | modulo: 2 }} {{ 7 | divided_by: 2.0 }}", "-4 1 3.5"},
		{"decimals are exact", "{{ 0.1 | plus: 0.2 }} {{ 10.1 | minus: 2.2 }} {{ 1.1 | times: 3 }}", "0.3 7.9 3.3"},
		{"escape", "{{ html | escape }}", "&lt;b&gt;Tom &amp; &quot;Jerry&quot;&lt;/b&gt;"},
		{"escape_once", "{{ '1 < 2 &amp; 3 & 4' | escape_once }}", "1 &lt; 2 &amp; 3 &amp; 4"},
		{"find", "{% assign x = items | find: 'title', 'Cup' %}{{ x.price }}{{ items | find_index: 'price', 40 }}{{ items | has: 'price', 41 }}", "12.52false"},
		{"first, last", "{{ words | first }}{{ numbers | last }}", "pear2"},
		{"join", "{{ words | join }}", "pear Apple fig"},
		{"json", "{{ items[0] | json }} {{ 'a\"<' | json }} {{ none | json }}", `{"title":"Tea","price":300,"green":true} "a\"<" null`},
		{"map", "{{ items | map: 'title' | join: ',' }}", "Tea,Cup,Pot"},
		{"newline_to_br", "{{ 'a\nb' | newline_to_br }}", "a<br />\nb"},
		{"reject", "{{ items | reject: 'green' | map: 'title' | join: ',' }}", "Cup,Pot"},
		{"remove", "{{ 'abab' | remove: 'a' }}{{ 'abab' | remove_first: 'a' }}{{ 'abab' | remove_last: 'a' }}", "bbbababb"},
		{"replace", "{{ 'abab' | replace: 'a', 'x' }}{{ 'abab' | replace_first: 'a', 'x' }}{{ 'abab' | replace_last: 'a', 'x' }}", "xbxbxbababxb"},
		{"reverse", "{{ numbers | reverse | join: '' }}", "213"},
		{"size", "{{ words | size }}{{ 'ab' | size }}{{ 5 | size }}", "320"},
		{"slice", "{{ 'hello' | slice: 1 }}{{ 'hello' | slice: -3, 2 }}{{ numbers | slice: 1, 9 | join: '' }}", "ell12"},
		{"sort", "{{ numbers | sort | join: '' }} {{ words | sort | join: ' ' }}", "123 Apple fig pear"},
		{"sort by property", "{{ items | sort: 'price' | map: 'title' | join: ' ' }}", "Cup Pot Tea"},
		{"sort puts nothing last", "{{ holes | sort | join: '.' }}", "a.b."},
		{"sort_natural", "{{ words | sort_natural | join: ' ' }}", "Apple fig pear"},
		{"split", "{{ 'a,b,,' | split: ',' | size }}{{ ' a  b ' | split: ' ' | join: '|' }}", "2a|b"},
		{"squish", "{{ '  a   b ' | squish }}", "a b"},
		{"strip", "[{{ ' a ' | strip }}][{{ ' a ' | lstrip }}][{{ ' a ' | rstrip }}]", "[a][a ][ a]"},
		{"strip_html", "{{ '<p>a<!-- x > --></p><script>b</script>c < d' | strip_html }}", "ac < d"},
		{"strip_newlines", "{{ 'a\r\nb\nc' | strip_newlines }}", "abc"},
		{"sum", "{{ numbers | sum }} {{ items | sum: 'price' }} {{ nested | sum }}", "6 352.5 6"},
		{"truncate", "{{ 'Привет, мир' | truncate: 9 }} {{ 'abc' | truncate: 2, '' }}", "Привет... ab"},
		{"truncatewords", "{{ long | truncatewords: 2 }} {{ long | truncatewords: 9 }}", "one two... one two three four"},
		{"uniq", "{{ 'a b a' | split: ' ' | uniq | join: '' }}", "ab"},
		{"upcase, downcase", "{{ 'ж' | upcase }}{{ 'Ж' | downcase }}", "Жж"},
		{"url", "{{ 'a b&ü' | url_encode }} {{ 'a b/c' | url_param_encode }} {{ 'a+b%21' | url_decode }}", "a+b%26%C3%BC a%20b%2Fc a b!"},
		{"where", "{{ items | where: 'green' | map: 'title' }} {{ items | where: 'title', 'Pot' | map: 'price' }}", "Tea 40"},
		{"raw changes nothing without escaping", "{{ html | raw }}", `<b>Tom & "Jerry"</b>`},
		{"integers that overflow become floats", "{{ 9223372036854775807 | plus: 1 }}", "9.223372036854776e+18"},
	}, Options{}, Run{})
}

func TestParse_ErrorsNameLineAndCulprit(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, source, want string }{
		{"unknown filter", "a\nb\n{{ x | foo }}", `line 3: unknown filter "foo"`},
		{"unknown tag", "\n{% foo %}", `line 2: unknown tag "foo"`},
		{"stray end", "{% endif %}", `line 1: unknown tag "endif"`},
		{"wrong end", "{% if x %}\n{% endfor %}", `line 2: unexpected {% endfor %} in {% if %}`},
		{"block never closed", "\n{% for x in y %}\n\n", `line 2: {% for %} is never closed by {% endfor %}`},
		{"output never closed", "\n{{ x }", `line 2: {{ is never closed by }}`},
		{"tag never closed", "{% if x }", `line 1: {% is never closed by %}`},
		{"no name", "{% %}", `line 1: a tag without a name`},
		{"stray sign", "{{ a + b }}", `line 1: unexpected "+"`},
		{"sign later in the output", "{{ a\n | append: 'x' &\n}}", `line 2: unexpected "&"`},
		{"open quote", "{{ 'a }}", `line 1: expected a value, found a quote that is never closed`},
		{"empty condition", "{% if %}{% endif %}", `line 1: expected a value, found the end of the tag`},
		{"missing argument", "{{ 'a' | append }}", `line 1: append takes 1 argument, not 0`},
		{"too many arguments", "{{ 'a' | slice: 1, 2, 3 }}", `line 1: slice takes 1 to 2 arguments, not 3`},
		{"unknown keyword", "{{ 'a' | default: 'b', foo: 1 }}", `line 1: default has no argument "foo"`},
		{"unknown operator", "{% if a like b %}{% endif %}", `line 1: unexpected "like"`},
		{"assign without value", "{% assign x %}", `line 1: expected {% assign name = value %}`},
		{"line of a liquid tag", "a\n{% liquid\n assign x = 1\n foo\n%}", `line 4: unknown tag "foo"`},
		{"unknown partial", "\n{% render 'nope' %}", `line 2: unknown partial "nope"`},
		{"mistake in a partial", "{% include 'broken' %}", `in "broken", line 2: expected a value, found the end of the tag`},
		{"render by a variable", "{% render name %}", `line 1: the name of a partial to render must stand in quotes`},
		{"comment lines", "{% # a\n b %}", `line 1: each line of a comment must begin with #`},
		{"double dot", "{{ a..b }}", `line 1: unexpected ".."`},
		{"for without in", "{% for a of b %}{% endfor %}", `line 1: expected "in", found "of"`},
		{"for with a foreign word", "{% for a in b foo %}{% endfor %}", `line 1: expected limit, offset or reversed, found "foo"`},
		{"when without value", "{% case a %}\n{% when %}{% endcase %}", `line 2: expected a value, found the end of the tag`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(c.source, Options{Partials: fromPartials})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("no *Error but %v", err)
			}
			if e.Error() != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.source, e, c.want)
			}
		})
	}
}

func TestRender_ErrorsNameLineAndFilter(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, source, want string }{
		{"division by zero", "\n{{ 1 | divided_by: 0 }}", `line 2: divided_by: division by zero`},
		{"number with text", "{% if 1 < 'a' %}{% endif %}", `line 1: cannot compare the number 1 with the text "a"`},
		{"elsif on its own line", "{% if no %}\n{% elsif 1 < 'a' %}{% endif %}", `line 2: cannot compare the number 1 with the text "a"`},
		{"sort of a mixture", "{{ mixed | sort }}", `line 1: sort: cannot compare the text "a" with the number 1`},
		{"map over numbers", "{{ numbers | map: 'x' }}", `line 1: map: cannot select "x" from the number 3`},
		{"concat of no array", "{{ numbers | concat: 1 }}", `line 1: concat: needs an array, not the number 1`},
		{"limit that is no number", "{% for i in numbers limit: 'x' %}{% endfor %}", `line 1: "x" is not an integer`},
		{"not base64", "{{ '!' | base64_decode }}", `line 1: base64_decode: not base64`},
		{"money of no currency", "{{ 1 | money: 'ZZZ' }}", `line 1: money: "ZZZ" is not a currency of ISO 4217 such as EUR`},
		{"money of a text", "{{ 'abc' | money: 'EUR' }}", `line 1: money: "abc" is not a number`},
		{"include inside render", "{% render 'uses' %}", `in "uses", line 1: include is not allowed inside a rendered partial`},
		{"unknown partial by variable", "{% include customer.name %}", `line 1: unknown partial "Anna"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := render(t, c.source, Options{}, Run{})
			if err == nil || err.Error() != c.want {
				t.Errorf("%s\n got %v\nwant %s", c.source, err, c.want)
			}
		})
	}
}

func TestRender_CustomFilter(t *testing.T) {
	t.Parallel()
	broken := errors.New("no such point")
	o := Options{Filters: map[string]Filter{
		"greet": func(c *Call, in any, args []any) (any, error) {
			return args[0].(string) + ", " + in.(string) + " " + c.Keyword("end").(string) + c.Locale, nil
		},
		"half": func(_ *Call, in any, _ []any) (any, error) { return in.(float64) / 2, nil },
		"fail": func(*Call, any, []any) (any, error) { return nil, broken },
	}}
	got, err := render(t, "{{ customer.name | greet: 'Hi', end: '!' }} {{ 5.0 | half }}", o, Run{Locale: "en"})
	if want := "Hi, Anna !en 2.5"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	_, err = render(t, "\n{{ 1 | fail }}", o, Run{})
	if !errors.Is(err, broken) || err.Error() != "line 2: fail: no such point" {
		t.Errorf("got %v", err)
	}
}

func TestRender_DataOfAllKinds(t *testing.T) {
	t.Parallel()
	x, err := Parse("{{ i }} {{ f }} {{ g }} {{ t }} {{ s | join: '+' }} {{ m.k }} {{ p }}{{ l[0].k }}{% for e in o %}{{ e[0] }}{% endfor %}", Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := x.Render(map[string]any{
		"i": 3, "f": float64(4), "g": 2.5, "t": noon, "s": []string{"a", "b"}, "m": map[string]string{"k": "v"},
		"p": struct{ X int }{1}, "l": []map[string]any{{"k": true}}, "o": map[string]any{"b": 1, "a": 2},
	}, Run{})
	if want := "3 4 2.5 2026-03-05 12:30:15 UTC a+b v trueab"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestRender_Strict(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, source, want, missing string }{
		{"printed", "\n{{ customer.surname }}", "", "customer.surname"},
		{"filtered", "{{ custmer.name | upcase }}", "", "custmer.name"},
		{"assigned", "{% assign x = a.b %}", "", "a.b"},
		{"looped over", "{% for i in order.items %}{% endfor %}", "", "order.items"},
		{"argument", "{{ 'a' | append: tail }}", "", "tail"},
		{"index out of bounds", "{{ words[7] }}", "", "words[7]"},
		{"null is defined", "{{ customer.address }}", "", ""},
		{"default", "{{ customer.surname | default: 'friend' }}", "friend", ""},
		{"default after another filter", "{{ customer.surname | capitalize | default: 'friend' }}", "friend", ""},
		{"asked for", "{% if customer.surname %}{{ customer.surname }}{% else %}none{% endif %}", "none", ""},
		{"compared", "{% unless customer.surname == blank %}a{% endunless %}{% case x %}{% when 1 %}{% endcase %}", "", ""},
		{"not reached", "{% if false %}{{ customer.surname }}{% endif %}", "", ""},
		{"assigned before", "{% assign x = 1 %}{{ x }}", "1", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := render(t, c.source, Options{}, Run{Strict: true})
			if c.missing == "" {
				if err != nil || got != c.want {
					t.Errorf("%s: got %q, %v; want %q", c.source, got, err, c.want)
				}
				return
			}
			var e *Error
			if !errors.Is(err, ErrUndefined) || !errors.As(err, &e) || e.Name != c.missing || e.Line != 1+strings.Count(c.source, "\n") {
				t.Errorf("%s: got %v; want an error about %s", c.source, err, c.missing)
			}
		})
	}
}

func TestSegments_StaticPiecesAreTheTemplatesOwn(t *testing.T) {
	t.Parallel()
	x, err := Parse("<p>{% for i in n %}{{ i }}{% cycle 'a', 'b' %}<br>{% endfor %}{% capture c %}x{% endcapture %}</p>{{ c }}", Options{})
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]any{"n": []any{1, 2}}
	first, err := x.Segments(data, Run{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := x.Segments(data, Run{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, s := range first {
		kind := "dynamic "
		if s.Static {
			kind = "static "
			if &s.Bytes[0] != &second[i].Bytes[0] {
				t.Errorf("static piece %q was copied", s.Bytes)
			}
		}
		got = append(got, kind+string(s.Bytes))
	}
	want := "static <p>|dynamic 1a|static <br>|dynamic 2b|static <br>|static </p>|dynamic x"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestAppendRender_LeavesDstAfterAnError(t *testing.T) {
	t.Parallel()
	x, err := Parse("abc{{ 1 | divided_by: n }}", Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := x.AppendRender([]byte("to: "), map[string]any{"n": 0}, Run{})
	if err == nil || string(got) != "to: " {
		t.Errorf("got %q, %v", got, err)
	}
	got, err = x.AppendRender([]byte("to: "), map[string]any{"n": 1}, Run{})
	if err != nil || string(got) != "to: abc1" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRender_Concurrently(t *testing.T) {
	t.Parallel()
	x, err := Parse("{% assign a = n %}{% for i in (1..n) %}{% cycle 'a','b' %}{% increment c %}{% include 'outer' %}{% include name %}{% endfor %}{{ a }}{{ 'x' | append: n }}",
		Options{Escape: EscapeHTML, Partials: fromPartials})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			data := map[string]any{"n": n, "name": "set", "customer": map[string]any{"name": "A&B"}}
			want, err := x.Render(data, Run{})
			if err != nil {
				t.Error(err)
			}
			for range 50 {
				if got, err := x.Render(data, Run{}); got != want || err != nil {
					t.Errorf("got %q, %v; want %q", got, err, want)
				}
			}
		})
	}
	group.Wait()
}

func TestDecodeData(t *testing.T) {
	t.Parallel()
	data, err := DecodeData([]byte(`{"b": {"z": 1, "a": [1.0, 2]}}`))
	if err != nil {
		t.Fatal(err)
	}
	x, err := Parse("{{ b.a[0] }} {{ b | json }}", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := x.Render(data, Run{}); err != nil || got != `1.0 {"z":1,"a":[1.0,2]}` {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range []string{``, `[]`, `{`, `{"a":1} x`, `{"a":}`, strings.Repeat(`{"a":`, 2000)} {
		if _, err := DecodeData([]byte(bad)); err == nil {
			t.Errorf("%.20q was accepted", bad)
		}
	}
}
