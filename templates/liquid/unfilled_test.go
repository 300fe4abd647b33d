package liquid

import (
	"strings"
	"testing"
)

func TestUnfilled_IsSeenWhateverIsDoneWithIt(t *testing.T) {
	t.Parallel()
	const hole = "{{ x }}"
	for src, want := range map[string]string{
		`{{ x }}`:                                   hole,
		`{{ x.size }}`:                              hole,
		`{{ x.first }}`:                             hole,
		`{{ x.last.name }}`:                         hole,
		`{{ x["a"] }}{{ x[0] }}`:                    hole + hole,
		`{{ x | size }}`:                            hole,
		`{{ x | upcase }}`:                          hole,
		`{{ x | split: ' ' | first | plus: 1 }}`:    hole,
		`{{ 'Dear ' | append: x }}`:                 hole,
		`{{ 7 | plus: x }}`:                         hole,
		`{{ x | default: 'friend' }}`:               "friend",
		`{{ x.name | upcase | default: 'friend' }}`: "friend",
		`{{ 'there' | default: x }}`:                "there",
		`{{ nope | default: x }}`:                   hole,
		`{% assign n = x.size %}{% if n > 3 %}many{% else %}few{% endif %}`:            hole,
		`{% if 3 < x %}many{% else %}few{% endif %}`:                                   hole,
		`{% unless x contains 'a' %}b{% endunless %}`:                                  hole,
		`{% case x %}{% when 1 %}one{% else %}other{% endcase %}`:                      hole,
		`{% for i in x %}i{% endfor %}`:                                                hole,
		`{% for i in x.lines %}i{% endfor %}`:                                          hole,
		`{% for i in (1..x) %}i{% endfor %}`:                                           hole,
		`{% for i in (1..3) limit: x %}i{% endfor %}`:                                  hole,
		`{% tablerow i in (1..3) cols: x %}i{% endtablerow %}`:                         hole,
		`{% capture a %}Dear {{ x }}{% endcapture %}{{ a | size }}`:                    "Dear " + hole,
		`{% capture a %}{% for i in x %}i{% endfor %}{% endcapture %}{{ a | upcase }}`: hole,
	} {
		parsed, err := Parse(src, Options{})
		if err != nil {
			t.Fatal(src, err)
		}
		got, err := parsed.Render(map[string]any{"x": Unfilled(hole)}, Run{})
		if err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s: %q, %v; want %q", src, got, err, want)
		}
	}
}
