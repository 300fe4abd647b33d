package main

import (
	"strings"
	"testing"
)

const wholeTemplate = `
topic: news
required: [data.code]
variants:
  - channel: sms
    text: "Hi {{ customer.name }}, {{ data.code }}"
  - channel: email
    subject: "For {{ customer.name }}"
    html: "<style>p { color: red }</style><p>Hi {{ customer.name }}</p>"
  - channel: email
    locale: ru
    subject: "Для {{ customer.name }}"
    html: "<p>Привет</p>"
`

func TestTemplateRender_PrintsTheResultOrTheMistakeWithItsLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, source, data string
		flags                    []string
		want                     string // the whole output; with … around it, a part of it
		fails                    string
	}{
		{"Liquid as it stands", "a.liquid", "Hello {{ data.name }},\n{{ name | upcase }}", `{"name":"Anna"}`, nil, "Hello Anna,\nANNA", ""},
		{"HTML is escaped", "a.html", "<p>{{ name }}</p>", `{"name":"<Anna>"}`, nil, "<p>&lt;Anna&gt;</p>", ""},
		{"three roots", "a.txt", "{{ customer.name }} {{ data.x }}", `{"customer":{"name":"Anna"},"data":{"x":1}}`, nil, "Anna 1", ""},
		{"missing is empty", "a.txt", "[{{ data.x }}]", `{}`, nil, "[]", ""},
		{"missing is a mistake", "a.txt", "one\ntwo {{ data.x }}", `{}`, []string{"--strict"}, "", "a.txt: line 2: undefined variable \"data.x\""},
		{"broken tag", "a.txt", "one\n\n{% if x %}", `{}`, nil, "", "a.txt: line 3:"},
		{"unknown filter", "a.txt", "one\n{{ x | nope }}", `{}`, nil, "", `a.txt: line 2: unknown filter "nope"`},
		{"as a message", "a.txt", "Hi {{ data.name }}", `{"name":"Anna"}`, []string{"--channel", "sms"}, "Hi Anna\n", ""},
		{"as a message, without data.", "a.txt", "Hi {{ name }}", `{"name":"Anna"}`, []string{"--channel", "sms"}, "Hi Anna\n", ""},
		{"not UTF-8", "a.txt", "Hi \xff", `{}`, nil, "", "a.txt is not UTF-8 text"},
		{"broken as a message", "a.txt", "one\n{{ x | nope }}", `{}`, []string{"--channel", "sms"}, "", `a.txt: line 2: unknown filter "nope"`},
		{"webhook body", "a.json", `{"to": {{ data.name | json }}}`, `{"name":"Anna"}`, []string{"--channel", "webhook"}, "…\"Anna\"…", ""},
		{"unknown channel", "a.txt", "x", `{}`, []string{"--channel", "fax"}, "", "--channel must be one of"},
		{"whole, which channel?", "a.yaml", wholeTemplate, `{}`, nil, "", "say --channel: the template speaks sms, email"},
		{"whole", "a.yaml", wholeTemplate, `{"customer":{"name":"Anna"},"data":{"code":"X1"}}`, []string{"--channel", "sms"}, "Hi Anna, X1\n", ""},
		{"whole, CSS inlined", "a.yaml", wholeTemplate, `{"customer":{"name":"Anna"}}`, []string{"--channel", "email", "--part", "html"}, "…color:red…", ""},
		{"whole, language", "a.yaml", wholeTemplate, `{"customer":{"name":"Anna"}}`, []string{"--channel", "email", "--locale", "ru-LV", "--part", "subject"}, "Для Anna\n", ""},
		{"whole, language of the customer", "a.yaml", wholeTemplate, `{"customer":{"name":"Anna","locale":"ru"}}`, []string{"--channel", "email", "--part", "subject"}, "Для Anna\n", ""},
		{"whole, missing", "a.yaml", wholeTemplate, `{"customer":{"name":"Anna"}}`, []string{"--channel", "sms", "--strict"}, "", "missing: data.code"},
		{"whole, unknown field", "a.json", `{"variants":[{"channel":"sms","txt":"x"}]}`, `{}`, []string{"--channel", "sms"}, "", "variants[0].txt"},
		{"whole, mistakes with place and line", "a.json", `{"variants":[{"channel":"sms","text":"a\n{{ b"}]}`, `{}`, nil, "", "variants[0].text: line 2:"},
		{"not YAML", "a.yaml", "a: [", `{}`, nil, "", "a.yaml:"},
		{"data is no object", "a.txt", "x", `[1]`, nil, "", "data.json:"},
		{"no such zone", "a.txt", "x", `{}`, []string{"--timezone", "Mars"}, "", "not a time zone"},
		{"dates in the customer's zone", "a.txt", `{{ at | date: "%H:%M" }}`, `{"at":"2026-03-01T10:00:00Z","customer":{"timezone":"Europe/Riga"}}`, nil, "12:00", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			out, errs, code := s.run(append([]string{"template", "render", s.file(c.file, c.source), "--data", s.file("data.json", c.data)}, c.flags...)...)
			if c.fails != "" {
				if code != 1 || out != "" || !strings.Contains(errs, c.fails) {
					t.Fatalf("exit code %d, %q, %q; want %q", code, out, errs, c.fails)
				}
				return
			}
			part, isPart := strings.CutPrefix(c.want, "…")
			if part = strings.TrimSuffix(part, "…"); code != 0 || out != c.want && !(isPart && strings.Contains(out, part)) {
				t.Fatalf("exit code %d, %q, %q; want %q", code, out, errs, c.want)
			}
		})
	}
}
