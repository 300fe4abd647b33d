package liquid

import (
	"fmt"
	"strings"
	"testing"
)

func TestVariables(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, source, want string }{
		{"printed", "{{ customer.name }}\n{{ data.order.id | upcase }}", "customer.name:1 data.order.id:2"},
		{"once, at its first line", "{{ a }}\n{{ a }}", "a:1"},
		{"default", "{{ a | default: b }}", "a:1? b:1"},
		{"default and without", "{{ a | default: 1 }}\n{{ a }}", "a:1"},
		{"condition", "{% if a.b == c %}{% endif %}{% case d %}{% when e %}{% endcase %}", "a.b:1? c:1? d:1? e:1?"},
		{"inside an if that asks", "{% if a and b.c != blank %}{{ a }}{{ b.c }}{{ d }}{% else %}{% endif %}", "a:1? b.c:1? d:1"},
		{"in the else of an if that asks", "{% if a %}{% else %}{{ a }}{% endif %}", "a:1"},
		{"inside an if with or", "{% if a or b %}{{ a }}{% endif %}", "a:1 b:1?"},
		{"loops", "{% for i in data.items limit: n %}{{ i.title }}{{ forloop.index }}{{ x }}{% endfor %}{{ i }}", "data.items:1 n:1 x:1 i:1"},
		{"index and size", "{{ data.items[0].title }}{{ words.size }}{{ words.first }}{{ a[b.c] }}{{ m['k'] }}", "data.items:1 words:1 b.c:1? a:1 m.k:1"},
		{"assigned", "{% assign a = b %}{{ a.c }}{% capture d %}{{ e }}{% endcapture %}{{ d }}{% increment f %}{{ f }}", "b:1 e:1"},
		{"read before it is assigned", "{{ a }}{% assign a = 1 %}", "a:1"},
		{"range", "{% for i in (1..n) %}{% endfor %}", "n:1"},
		{"tablerow and cycle", "{% tablerow i in a cols: b %}{{ i }}{% cycle c: d, 1 %}{% endtablerow %}", "a:1 b:1 c:1? d:1"},
		{"include", "{% include 'card' %}{% include 'card' with a, note: b %}", "card.title:1@card note:1@card a:1 b:1"},
		{"render", "{% assign local = 1 %}{% render 'outer' %}{% render 'row' for items %}", "customer.name:1@outer local:1@outer items:1"},
		{"recursive include", "{% include 'itself' %}{{ a }}", "a:1"},
		{"comment and raw", "{% comment %}{{ a }}{% endcomment %}{% raw %}{{ b }}{% endraw %}", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x, err := Parse(c.source, Options{Partials: fromPartials})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range x.Variables() {
				s := fmt.Sprintf("%s:%d", v.Path, v.Line)
				if v.Optional {
					s += "?"
				}
				if v.Partial != "" {
					s += "@" + v.Partial
				}
				got = append(got, s)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.source, s, c.want)
			}
		})
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"{{ customer.name }}{{ customer.name.size }}{{ customer.deep.er }}{{ data.x }}": "name deep",
		"{{ x }}": "",
		"{% if data.x %}{{ customer['city'] }}{% endif %}":                                                     "city",
		"{% for c in customer.children %}{{ c.name }}{% endfor %}":                                             "children",
		"{{ customer | size }}":                                                                                "all",
		"{{ customer.size }}":                                                                                  "all",
		"{{ customer[data.x] }}":                                                                               "all",
		"{% for m in customer %}{{ m }}{% endfor %}":                                                           "all",
		"{% assign c = customer %}{{ c.name }}":                                                                "all",
		"{{ [data.which] }}":                                                                                   "all",
		"{% if data.x %}{% assign customer = data %}{% endif %}{{ customer.name }}":                            "all",
		"{% if data.x %}{% capture customer %}{% endcapture %}{% endif %}{{ customer.name }}":                  "all",
		"{% for customer in data.list %}{{ customer.city }}{% endfor %}{{ customer.name }}":                    "name",
		"{% for i in (1..2) %}{% if i == 2 %}{{ customer.tier }}{% endif %}{% endfor %}{% cycle customer.x %}": "tier x",
	} {
		tmpl, err := Parse(source, Options{})
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		members, all := tmpl.Members("customer")
		if got := strings.Join(members, " "); all != (want == "all") || !all && got != want {
			t.Errorf("%s: %q, all %t; want %q", source, got, all, want)
		}
	}
}
