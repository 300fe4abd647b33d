// Package quote parts what a person wrote in a mail from what his mail program added: the quoted message he answers
// and his signature. It errs on one side only: what it is not sure of stays with the person's words.
package quote

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Parts is a body, parted. Said, Quoted and Signature hold every line of it between them, in their order within each;
// only blank lines may be fewer. A line that begins with "> " in Said was quoted on purpose, or stands there because
// the answer below it would not be understood without it.
type Parts struct {
	Said, Quoted, Signature string
}

// Cut parts what a person wrote from what his mail program added. text and html are the body's alternatives, in UTF-8;
// either may be empty. Of two the one is cut that says more, and HTML when they say the same and it marks quotes.
//
// A message that was passed on ("Forwarded message") is what the person sends and stays in Said, and so does a quoted
// message under a block of headers when there is no word of his own: nobody can tell it from a message passed on.
func Cut(text, html string) Parts { return CutOf("", text, html) }

// CutOf is Cut for a mail of which the writer's name is known: people answer inside a message without quote marks behind
// their name in brackets, "[Anna Petrova] The blue one." or "[Anna] The blue one."
func CutOf(name, text, html string) Parts {
	switch {
	case empty(html):
		return fold(named(split(text), name))
	case empty(text):
		return fold(named(parse(html), name))
	}
	lines := parse(html)
	plainly := split(text)
	inText, inHTML := vocabulary(plainly), vocabulary(lines)
	textOnly, htmlOnly := missing(inText, inHTML), missing(inHTML, inText)
	if textOnly > htmlOnly || textOnly == htmlOnly && !marks(lines) {
		return fold(named(plainly, name))
	}
	return fold(named(lines, name))
}

// named marks the lines that begin with the writer's name in brackets, each up to the end of its paragraph.
func named(lines []line, name string) []line {
	name = strings.Trim(plain(name), `"'`)
	if name == "" || len(name) > longest {
		return lines
	}
	given, _, _ := strings.Cut(name, " ")
	open, depth := false, uint8(0)
	for n, l := range lines {
		if l.hollow() || l.depth != depth {
			open = false
		}
		depth = l.depth
		if rest, bracket := strings.CutPrefix(strings.TrimSpace(l.text()[:min(len(l.text()), 2*longest)]), "["); bracket {
			who, _, closed := strings.Cut(plain(rest), "]")
			who = strings.TrimSpace(who)
			open = closed && (who == name || who == strings.TrimRight(given, ",")) || open
		}
		if open {
			lines[n].flags |= mine
		}
	}
	return lines
}

// marks tells whether HTML said of any line what it is.
func marks(lines []line) bool {
	for _, l := range lines {
		if l.flags&(sure|intro|signed|mine|marked) != 0 {
			return true
		}
	}
	return false
}

// vocabulary are the words of a body, without addresses, links and marks of pictures, which the alternatives of one
// mail write differently.
func vocabulary(lines []line) map[string]bool {
	words := map[string]bool{}
	for _, l := range lines {
		for w := range strings.FieldsSeq(l.text()) {
			if strings.ContainsAny(w, "@/=<[]") {
				continue
			}
			w = strings.TrimFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
			if w != "" && len(w) <= 64 && w[0] != '\'' {
				words[w] = true
			}
		}
	}
	return words
}

// missing counts the words of one that the other does not have.
func missing(one, other map[string]bool) int {
	n := 0
	for w := range one {
		if !other[w] {
			n++
		}
	}
	return n
}

// part is whose a line is.
type part uint8

const (
	said part = iota
	quoted
	signature
	parts
)

// join puts the lines of each part together. Where lines of another part stood between two, a blank line is left.
func join(lines []line, of []part, whole bool) Parts {
	var out [parts]strings.Builder
	var gap [parts]bool
	for i, l := range lines {
		p := of[i]
		if l.blank() {
			gap[p] = true
			continue
		}
		b := &out[p]
		if b.Len() > 0 {
			b.WriteByte('\n')
			if gap[p] || i > 0 && of[i-1] != p {
				b.WriteByte('\n')
			}
		}
		gap[p] = false
		raw := l.raw
		if whole && l.flags&marked != 0 {
			raw = l.text()
		}
		b.WriteString(raw)
	}
	return Parts{Said: out[said].String(), Quoted: out[quoted].String(), Signature: out[signature].String()}
}

func length(s string) int { return utf8.RuneCountInString(s) }
