package liquid

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rapport/internal/fuzzing"
)

// FuzzParseRender: no source panics, every error is an *Error, limits hold, and segments are the
// same text as the rendering.
func FuzzParseRender(f *testing.F) {
	for _, s := range []string{
		mail, "{{ a | b: 1, c: 2 }}", "{% if a %}{% elsif b %}{% else %}{% endif %}", "{% for i in (1..3) reversed limit:2 %}{{ forloop.index }}{% endfor %}",
		"{% case a %}{% when 1, 2 or 3 %}x{% else %}y{% endcase %}", "{% tablerow i in list cols:2 %}{{ i }}{% endtablerow %}", "{% liquid\nassign a = 1\necho a\n%}",
		"{% include 'p' with list %}{% render 'p' for list as x %}{% include text %}", "{% raw %}{{{% endraw %}", "{% comment %}{% raw %}{% endcomment %}{% endraw %}{% endcomment %}",
		"{{ text | date: '%Y' }}{{ n | money: 'RUB' }}{{ n | plural: 'a','b','c' }}{{ f | number: 2 }}{{ list | sort | uniq | join: '-' }}",
		"{{ text | escape | newline_to_br | truncate: 5 | strip_html | url_encode | base64_encode }}", "<a href=\"{{ text }}\" style='x:url({{ text }})'>{{ text }}</a>",
		"{% assign a = 'x' %}{% for i in (1..99) %}{% assign a = a | append: a %}{% endfor %}", "{{ n | divided_by: 0 }}", "{% cycle a: 1, 2 %}{% increment n %}{% decrement n %}",
		"{{ list | slice: -9, 99 }}{{ list | map: 'a' | sum }}{{ obj | json }}{{ -9223372036854775808 | abs }}{{ 1e9 }}", "{%- # x -%}{{-1-}}",
	} {
		f.Add(s, "text & <b>", true)
		f.Add(s, "javascript:x", false)
	}
	f.Fuzz(func(t *testing.T, source, value string, html bool) {
		defer fuzzing.Budget(t)()
		o := Options{Partials: func(name string) (string, bool) { return "[{{ p }}{{ x }}" + value, strings.HasPrefix(name, "p") }}
		if html {
			o.Escape = EscapeHTML
		}
		x, err := Parse(source, o)
		if err != nil {
			ours(t, err)
			return
		}
		x.Variables()
		data := map[string]any{
			"text": value, "n": 3, "f": 2.5, "list": []any{"b", "a", 1, nil, []any{value}}, "obj": map[string]any{"k": value, "a": 1},
			"customer": map[string]any{"first_name": value}, "none": nil, "yes": true,
		}
		r := Run{Limits: Limits{Steps: 5000, Bytes: 1 << 16, Time: 100 * time.Millisecond}, Now: noon, Locale: "ru"}
		start := time.Now()
		got, err := x.Render(data, r)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		if err != nil {
			ours(t, err)
			return
		}
		if len(got) > 1<<16 {
			t.Errorf("printed %d bytes", len(got))
		}
		segments, err := x.Segments(data, r)
		if errors.Is(err, ErrLimit) { // the clock
			return
		}
		var b strings.Builder
		for _, s := range segments {
			b.Write(s.Bytes)
		}
		if err != nil || b.String() != got {
			t.Errorf("segments %q, %v; rendering %q", b.String(), err, got)
		}
		r.Strict = true
		if _, err := x.Render(data, r); err != nil {
			ours(t, err)
		}
	})
}

func ours(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Message == "" {
		t.Errorf("not one of our errors: %v", err)
	}
}
