package incoming

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// plain makes of any text one that can be stored: valid UTF-8, lines that end with LF, no control characters besides tab.
func plain(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		switch {
		case r == '\r':
			if !strings.HasPrefix(s[i+1:], "\n") {
				b.WriteByte('\n')
			}
		case r == '\f' || r == '\v' || r == 0x85:
			b.WriteByte('\n')
		case r < ' ' && r != '\n' && r != '\t', r >= 0x7f && r < 0xa0, r == '\ufeff':
		default:
			b.WriteRune(r) // an invalid byte is U+FFFD
		}
	}
	return b.String()
}

func clean(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

// marks are how controls of the writing direction are shown: they could make a line read otherwise than it is
// (Unicode Technical Report 36 §2.5). Those that every right-to-left keyboard has (LRM, RLM, ALM) change no order of letters.
var marks = map[rune]string{
	'\u202a': "⟪LRE⟫", '\u202b': "⟪RLE⟫", '\u202c': "⟪PDF⟫", '\u202d': "⟪LRO⟫", '\u202e': "⟪RLO⟫",
	'\u2066': "⟪LRI⟫", '\u2067': "⟪RLI⟫", '\u2068': "⟪FSI⟫", '\u2069': "⟪PDI⟫",
}

// shown is plain text as a person sees it.
func shown(s string) string {
	s = plain(s)
	if !strings.ContainsAny(s, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if mark, ok := marks[r]; ok {
			b.WriteString(mark)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

var bidiEntity = regexp.MustCompile(`(?i)&#(?:0*(?:823[4-8]|829[4-7])|x0*(?:202[a-e]|206[6-9]))(?:;|\b)`)

// shownHTML is shown for HTML, where the controls may be written as numbers too.
func shownHTML(s string) string {
	return bidiEntity.ReplaceAllString(shown(s), "")
}

// line is shown on one line.
func line(s string) string {
	s = shown(s)
	if !strings.ContainsAny(s, "\n\t") {
		return strings.TrimSpace(s)
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\t' || r == ' ' }), " ")
}

// cut is the beginning of s, at most n bytes, whole runes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
