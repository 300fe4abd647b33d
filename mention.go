package rapport

import (
	"strings"
	"unicode"
)

// MostMentions bounds how many agents one note may call; what follows is just text.
const MostMentions = 20

// Mentions lists the agents that a note calls, each once, in lower case: @name or @agt_…, where a name is letters,
// digits, dots, dashes and underscores, and the @ begins a word (so that an address is none).
func Mentions(note string) []string {
	var out []string
	seen := map[string]bool{}
	before := ' '
	for i, r := range note {
		if r == '@' && !nameRune(before) && before != '@' {
			rest := note[i+1:]
			if end := strings.IndexFunc(rest, func(r rune) bool { return !nameRune(r) }); end >= 0 {
				if rest[end] == '@' { // @a@b is an address of some network
					before = r
					continue
				}
				rest = rest[:end]
			}
			name := strings.ToLower(strings.TrimRight(rest, ".-_"))
			if name != "" && len(name) <= 100 && !seen[name] {
				seen[name] = true
				if out = append(out, name); len(out) == MostMentions {
					return out
				}
			}
		}
		before = r
	}
	return out
}

// NameKey is what two spellings of one name have in common: agents and labels are compared by it.
func NameKey(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

func nameRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '.' || r == '-' || r == '_'
}
