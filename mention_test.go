package rapport

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"rapport/internal/fuzzing"
)

func TestMentions_AreNamesThatBeginAWord(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("x", 101)
	for note, want := range map[string][]string{
		"@anna please look":                 {"anna"},
		"see @Ivan.Petrov, @АННА; (@bob)":   {"ivan.petrov", "анна", "bob"},
		"@agt_0b8t9g3kq8x1w has it":         {"agt_0b8t9g3kq8x1w"},
		"twice @bob and @BOB.":              {"bob"},
		"write to ann@example.com":          nil,
		"@someone@social.example":           nil,
		"an @ alone, @@double, @-, @.":      nil,
		"#@tag":                             {"tag"},
		"@" + many:                          nil,
		"line\n@next":                       {"next"},
		"the address is @shop: \"@quoted\"": {"shop", "quoted"},
	} {
		if got := Mentions(note); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", note, got, want)
		}
	}
	if got := Mentions(strings.Repeat("@a ", 3) + strings.Join(strings.Split(strings.Repeat("@ab@", 50), "@"), " @n")); len(got) > MostMentions {
		t.Errorf("%d mentions", len(got))
	}
}

func FuzzMentions(f *testing.F) {
	for _, s := range []string{"@anna", "a@b @c.d- x", "@@", "@\xff@a", "@Ⱥ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, note string) {
		defer fuzzing.Budget(t)()
		got := Mentions(note)
		if len(got) > MostMentions {
			t.Fatalf("%d mentions", len(got))
		}
		for i, name := range got {
			if name == "" || !utf8.ValidString(name) && utf8.ValidString(note) || slices.Contains(got[:i], name) || strings.Contains(name, "@") {
				t.Errorf("%q: %q", note, got)
			}
		}
	})
}
