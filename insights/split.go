package insights

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// boundary stands between sentences, and at both ends of a text. Patterns write it ^ and $.
const boundary = "$"

// split makes words of a text: in lower case, ё as е, apostrophes gone ("don't" is "dont"), each ? ! and emoji a word of its
// own, and a boundary between sentences. It reads no more than maxWords of them.
func split(text string) []string {
	words := []string{boundary}
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			words = append(words, b.String())
			b.Reset()
		}
	}
	end := func() {
		flush()
		if words[len(words)-1] != boundary {
			words = append(words, boundary)
		}
	}
	for _, c := range text {
		if len(words) > maxWords {
			break
		}
		switch {
		case c == '\ufe0f': // only asks for an emoji's colours
		case unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.Is(unicode.Mn, c):
			if b.Len() > 64 {
				continue
			}
			c = unicode.ToLower(c)
			if c == 'ё' {
				c = 'е'
			}
			b.WriteRune(c)
		case c == '\'' || c == '’' || c == 'ʼ' || c == '`':
		case c == '-' && b.Len() > 0: // "кто-нибудь" is one word, and reads as two here
			flush()
		case c == '?' || c == '!' || c == '？' || c == '！':
			flush()
			if c == '？' {
				c = '?'
			}
			if c == '！' {
				c = '!'
			}
			if n := len(words); n < 3 || words[n-1] != string(c) || words[n-2] != string(c) { // three say no more than two
				words = append(words, string(c))
			}
		case c == '.' || c == '\n' || c == ';' || c == '…' || c == '。':
			end()
		case c == ',' || c == ':' || c == '(' || c == ')' || unicode.IsSpace(c) || c < utf8.RuneSelf:
			flush()
		case unicode.Is(unicode.So, c) || unicode.Is(unicode.Sk, c):
			flush()
			words = append(words, string(c))
		default:
			flush()
		}
	}
	end()
	return words
}
