package liquid

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestLimits_HostileTemplatesEnd(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("<a&b ", 150_000) // 750 kB
	list := make([]any, 200_000)
	for i := range list {
		list[i] = fmt.Sprint((i * 7919) % len(list))
	}
	texts := make([]any, 3000)
	for i := range texts {
		texts[i] = big[:5000] + fmt.Sprint(i*7919%3000)
	}
	data := map[string]any{"texts": texts, "objects": []any{map[string]any{"k": big}}, "big": big, "list": list, "same": append([]any{}, list...), "name": "dynamic"}
	cases := []struct{ name, source, limit string }{
		{"endless range", "{% for i in (1..999999999999) %}{% endfor %}", "steps"},
		{"loops in loops", strings.Repeat("{% for i in (1..1000) %}", 6) + strings.Repeat("{% endfor %}", 6), "steps"},
		{"range as an array", "{{ (1..999999999) | join }}", "bytes"},
		{"range of all integers", "{{ (-9223372036854775807..9223372036854775807) | size }}{{ (-9223372036854775807..9223372036854775807) | reverse }}", "bytes"},
		{"self append", "{% assign a = 'x' %}{% for i in (1..99) %}{% assign a = a | append: a %}{% endfor %}", "bytes"},
		{"self prepend", "{% assign a = 'x' %}{% for i in (1..99) %}{% assign a = a | prepend: a %}{% endfor %}", "bytes"},
		{"capture doubling", "{% assign a = 'x' %}{% for i in (1..99) %}{% capture a %}{{ a }}{{ a }}{% endcapture %}{% endfor %}", "bytes"},
		{"replace growth", "{% assign a = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..99) %}{% assign a = a | replace: 'x', a %}{% endfor %}", "bytes"},
		{"replace of nothing", "{{ big | replace: '', big }}", "bytes"},
		{"replace_first growth", "{% assign a = 'x' %}{% for i in (1..99) %}{% assign a = a | replace_first: 'x', a | append: a %}{% endfor %}", "bytes"},
		{"self concat", "{% assign a = 'x' | split: ',' %}{% for i in (1..99) %}{% assign a = a | concat: a %}{% endfor %}", "bytes"},
		{"one long text many times in an array", "{% assign a = big | split: 'zzz' %}{% for i in (1..16) %}{% assign a = a | concat: a %}{% endfor %}{{ a }}", "bytes"},
		{"one large object many times in an array", "{% assign a = objects %}{% for i in (1..16) %}{% assign a = a | concat: a %}{% endfor %}{{ a | append: '' }}", "bytes"},
		{"size of a long text", "{% for i in (1..99999) %}{{ big.size }}{% endfor %}", "steps"},
		{"natural sort of long texts", "{% for i in (1..99) %}{% assign a = texts | sort_natural %}{% endfor %}", "bytes"},
		{"include for an array", "{% for i in (1..99) %}{% include 'leaf' for list %}{% endfor %}", "steps"},
		{"join by a long text", "{{ list | join: big }}", "steps"},
		{"join in the bytes", "{{ (1..100) | join: big }}", "bytes"},
		{"split into letters", "{{ big | split: '' }}", "bytes"},
		{"truncate to a long end", "{% for i in (1..9) %}{% assign a = big | truncate: 9, big %}{% endfor %}", "steps"},
		{"escape growth", "{% assign a = big %}{% for i in (1..9) %}{% assign a = a | escape %}{% endfor %}", "bytes"},
		{"URL growth", "{% assign a = big %}{% for i in (1..9) %}{% assign a = a | url_encode %}{% endfor %}", "bytes"},
		{"base64 growth", "{% assign a = big %}{% for i in (1..99) %}{% assign a = a | base64_encode %}{% endfor %}", "bytes"},
		{"JSON", "{% for i in (1..9) %}{{ list | json }}{% endfor %}", "steps"},
		{"JSON in the bytes", "{% assign a = big %}{% for i in (1..9) %}{% assign a = a | json %}{% endfor %}", "bytes"},
		{"static output", "{% for i in (1..90000) %}0123456789012345678901234567890123456789{% endfor %}", "bytes"},
		{"dynamic output", "{% for i in (1..90) %}{{ big }}{% endfor %}", "bytes"},
		{"sort of a large array", "{% assign a = list | sort %}", "steps"},
		{"sort in a loop", "{% for i in (1..99999) %}{% assign a = list | slice: 0, 9000 | sort %}{% endfor %}", "steps"},
		{"search in a loop", "{% for i in (1..99999) %}{% if big contains 'zzz' %}{% endif %}{% endfor %}", "steps"},
		{"comparing arrays in a loop", "{% for i in (1..99999) %}{% if list == same %}{% endif %}{% endfor %}", "steps"},
		{"comparing in case", "{% for i in (1..99999) %}{% case list %}{% when same, same, same %}{% endcase %}{% endfor %}", "steps"},
		{"uniq", "{% for i in (1..999) %}{% assign a = list | uniq %}{% endfor %}", "steps"},
		{"where in a loop", "{% for i in (1..9999) %}{% assign a = list | where: 'x' %}{% endfor %}", "steps"},
		{"tablerow", "{% tablerow i in (1..999999999) %}{% endtablerow %}", "bytes"},
		{"tablerow in the steps", "{% tablerow i in (1..20) %}{% for j in (1..99999) %}{% endfor %}{% endtablerow %}", "steps"},
		{"many counters", "{% for i in (1..99999) %}{% increment a %}{% decrement b %}{% cycle i: 1, 2 %}{% endfor %}", "steps"},
		{"recursive include", "{% include 'again' %}", "depth"},
		{"recursive render", "{% render 'deep' %}", "depth"},
		{"recursive include by name", "{% include name %}", "depth"},
		{"branching recursion", "{% include 'fork' %}", "depth"},
		{"render for a range", "{% render 'leaf' for (1..999999999) %}", "steps"},
		{"strip_html of open tags", "{% for i in (1..99999) %}{{ big | strip_html | size }}{% endfor %}", "steps"},
		{"long date format", "{% for i in (1..99999) %}{{ 'now' | date: '%99999999Y%99999999Y%99999999Y%99999999Y' }}{% endfor %}", "bytes"},
	}
	sources := map[string]string{
		"again": "x{% include 'again' %}", "deep": "{% render 'deep' %}", "dynamic": "{% include name %}",
		"fork": "{% include 'fork' %}{% include 'fork' %}", "leaf": "",
	}
	o := Options{Partials: func(name string) (string, bool) { s, ok := sources[name]; return s, ok }}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x, err := Parse(c.source, o)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = x.Render(data, Run{Now: noon})
			took := time.Since(start)
			var e *Error
			if !errors.Is(err, ErrLimit) || !errors.As(err, &e) {
				t.Fatalf("ended with %v", err)
			}
			if e.Name != c.limit && e.Name != "time" { // a busy machine may meet the clock first
				t.Errorf("got %v; want the limit of %s", e, c.limit)
			}
			if e.Line != 1 {
				t.Errorf("no line in %v", e)
			}
			if took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestLimits_OfTheCaller(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, source string
		limits       Limits
		want         string
	}{
		{"steps", "{% for i in (1..50) %}{% endfor %}", Limits{Steps: 40}, "line 1: the template took more than 40 steps"},
		{"bytes", "\n{{ 'hello' }}", Limits{Bytes: 5}, "line 2: the template produced more than 5 bytes"},
		{"depth", "{% include 'itself' %}", Limits{Depth: 3}, `in "itself", line 1: partials nested deeper than 3`},
		{"time", "{% for i in (1..999999) %}{{ i | times: 1.5 | round }}{% endfor %}", Limits{Steps: 1 << 40, Bytes: 1 << 40, Time: time.Millisecond}, "line 1: the template ran longer than 1ms"},
		{"enough", "{{ 'hello' }}", Limits{Bytes: 5, Steps: 5}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := render(t, c.source, Options{}, Run{Limits: c.limits})
			if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
				t.Errorf("got %v; want %s", err, c.want)
			}
		})
	}
}

func TestParse_HostileSourcesEnd(t *testing.T) {
	t.Parallel()
	const n = 300_000
	for _, source := range []string{
		"{% comment %}" + strings.Repeat("{{", n),
		"{% comment %}" + strings.Repeat("{{}}", n),
		"{% comment %}" + strings.Repeat("{{ {% x %}", n),
		"{% comment %}" + strings.Repeat("{% raw %}", n),
		"{% raw %}" + strings.Repeat("{%", n),
		"{% doc %}" + strings.Repeat("{% x", n),
		"{% if a" + strings.Repeat(" and a", n) + " %}{% endif %}",
		"{% case a %}{% when a" + strings.Repeat(",a", n) + " %}{% endcase %}",
		"{% assign a" + strings.Repeat(" =", n) + "%}",
		"<a href=\"" + strings.Repeat("a", n) + "\">",
		"<" + strings.Repeat("a", n),
		"<style>" + strings.Repeat("<", n),
		"{{ a" + strings.Repeat(" | upcase", n) + " }}",
		"{{ a" + strings.Repeat(".b", n) + " }}",
		strings.Repeat("{", n),
	} {
		// A guard against hanging, not a measurement: the machine may be busy, and the race detector slows it.
		start := time.Now()
		x, err := Parse(source, Options{Escape: EscapeHTML})
		if err == nil {
			x.Variables()
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%.40s… took %v", source, took)
		}
	}
}

func TestParse_NestingIsBounded(t *testing.T) {
	t.Parallel()
	for _, source := range []string{
		strings.Repeat("{% if a %}", 5000),
		"{{ a" + strings.Repeat("[a", 5000) + strings.Repeat("]", 5000) + " }}",
		"{{ " + strings.Repeat("(", 5000) + " }}",
		"{% liquid " + strings.Repeat("liquid ", 5000) + "%}",
		strings.Repeat("{% comment %}", 5000),
	} {
		start := time.Now()
		if _, err := Parse(source, Options{}); err == nil {
			t.Errorf("%.40s… was accepted", source)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%.40s… took %v", source, took)
		}
	}
}
