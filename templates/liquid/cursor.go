package liquid

import (
	"strconv"
	"strings"
)

// cursor reads the markup of a tag or output, symbol by symbol.
type cursor struct {
	source string
	pos    int
	symbol symbol
	start  int // of symbol
	stop   int // end of the symbol before
	line   int // of symbol
	depth  int // nesting of brackets
}

type symbolKind uint8

const (
	endSymbol symbolKind = iota
	identifier
	quoted
	numeral
	dots       // ..
	comparator // == != <> < > <= >=
	sign       // one of | . : , [ ] ( )
	unknown
)

type symbol struct {
	kind symbolKind
	text string // of a quoted one, what is between the quotes
}

func newCursor(markup string, line int) *cursor {
	c := &cursor{source: markup, line: line}
	c.next()
	return c
}

func (c *cursor) next() {
	c.stop = c.pos
	for c.pos < len(c.source) && isSpace(c.source[c.pos]) {
		c.pos++
	}
	c.line += countLines(c.source[c.start:c.pos])
	c.start = c.pos
	c.symbol = c.read()
}

func (c *cursor) read() symbol {
	if c.pos >= len(c.source) {
		return symbol{}
	}
	s := c.source[c.pos:]
	switch ch := s[0]; {
	case isLetter(ch) || ch == '_':
		n := 1
		for n < len(s) && (isWord(s[n]) || s[n] == '-') {
			n++
		}
		if n < len(s) && s[n] == '?' {
			n++
		}
		return c.take(identifier, n)
	case isDigit(ch), ch == '-' && len(s) > 1 && isDigit(s[1]):
		n := 1
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		if n+1 < len(s) && s[n] == '.' && isDigit(s[n+1]) {
			n += 2
			for n < len(s) && isDigit(s[n]) {
				n++
			}
		}
		return c.take(numeral, n)
	case ch == '\'' || ch == '"':
		n := strings.IndexByte(s[1:], ch)
		if n < 0 {
			return c.take(unknown, 1)
		}
		t := c.take(quoted, n+2)
		t.text = t.text[1 : n+1]
		return t
	case strings.HasPrefix(s, ".."):
		return c.take(dots, 2)
	case strings.IndexByte("=!<>", ch) >= 0:
		if len(s) > 1 && (s[1] == '=' || ch == '<' && s[1] == '>') {
			return c.take(comparator, 2)
		}
		if ch == '<' || ch == '>' {
			return c.take(comparator, 1)
		}
		return c.take(unknown, 1)
	case strings.IndexByte("|.:,[]()", ch) >= 0:
		return c.take(sign, 1)
	default:
		return c.take(unknown, 1)
	}
}

func (c *cursor) take(kind symbolKind, n int) symbol {
	s := symbol{kind: kind, text: c.source[c.pos : c.pos+n]}
	c.pos += n
	return s
}

func (c *cursor) is(text string) bool {
	return (c.symbol.kind == sign || c.symbol.kind == identifier) && c.symbol.text == text
}

// accept passes the symbol if it is the given word or sign.
func (c *cursor) accept(text string) bool {
	if c.is(text) {
		c.next()
		return true
	}
	return false
}

func (c *cursor) expect(text string) error {
	if !c.accept(text) {
		return c.unexpected("expected " + strconv.Quote(text))
	}
	return nil
}

func (c *cursor) name(what string) (string, error) {
	if c.symbol.kind != identifier {
		return "", c.unexpected("expected " + what)
	}
	s := c.symbol.text
	c.next()
	return s, nil
}

func (c *cursor) end() error {
	if c.symbol.kind != endSymbol {
		return c.unexpected("")
	}
	return nil
}

// keyword is true before `name:`.
func (c *cursor) keyword() bool {
	if c.symbol.kind != identifier {
		return false
	}
	rest := strings.TrimLeft(c.source[c.pos:], spaces)
	return strings.HasPrefix(rest, ":")
}

func (c *cursor) unexpected(wanted string) error {
	found := "the end of the tag"
	if c.symbol.kind != endSymbol {
		found = quoteValue(c.source[c.start:c.pos])
		if c.symbol.kind == unknown && (found == `"'"` || found == `"\""`) {
			found = "a quote that is never closed"
		}
	}
	message := "unexpected " + found
	if wanted != "" {
		message = wanted + ", found " + found
	}
	return &Error{Line: c.line, Message: message}
}
