package quote

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// line is one line of a body.
type line struct {
	raw    string
	prefix int32 // bytes of raw that are quote marks: "> > "
	depth  uint8 // how deeply it is quoted, at most maxDepth
	flags  flag
}

type flag uint8

const (
	sure       flag = 1 << iota // HTML says that it is a quote
	intro                       // HTML says that it introduces a quote
	signed                      // HTML says that it is of the signature
	mine                        // it ends in words of another colour, as people answer inside a quote
	marked                      // its quote marks were made from HTML
	letterhead                  // with intro: HTML says that it is a block of headers, and everything below it is quoted
	restored                    // it is the person's own inside a quote without marks
)

const maxDepth = 8

func (l line) text() string { return l.raw[l.prefix:] }

func (l line) blank() bool { return empty(l.raw) }

func (l line) hollow() bool { return empty(l.text()) } // blank, or nothing but quote marks

func empty(s string) bool {
	for _, r := range s {
		if !unicode.IsSpace(r) && !invisible(r) {
			return false
		}
	}
	return true
}

// invisible are characters of no width that programs put around or between words: byte order marks, joiners and what
// says in which direction to read.
func invisible(r rune) bool {
	return r == 0xfeff || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x2069
}

// split makes lines of a text.
func split(text string) []line {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	lines := make([]line, 0, strings.Count(text, "\n")+1)
	for raw := range strings.SplitSeq(text, "\n") {
		lines = append(lines, read(raw))
	}
	return lines
}

// read counts the quote marks before a line. ">From " in a text without other marks is a line that a mailbox file
// escaped; it counts as quoted alone and so stays.
func read(raw string) line {
	l := line{raw: raw}
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRuneInString(raw[i:])
		i += size
		if r == '>' {
			l.depth = min(l.depth+1, maxDepth)
			l.prefix = int32(i)
		} else if !(r == ' ' || r == '\t' || r == 0xa0 || invisible(r)) || i > int(l.prefix)+8 {
			break
		}
	}
	if l.depth > 0 && int(l.prefix) < len(raw) && raw[l.prefix] == ' ' {
		l.prefix++
	}
	return l
}

// plain makes a line comparable: lower case, no space or emphasis around it, none without width, none twice.
func plain(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case invisible(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Trim(b.String(), "*")
}
