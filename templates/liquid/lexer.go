package liquid

import (
	"strings"
)

// tokenKind says what a piece of template source is.
type tokenKind uint8

const (
	textToken tokenKind = iota
	outputToken
	tagToken
	endToken
)

// token is a piece of template source.
type token struct {
	kind   tokenKind
	line   int
	text   []byte // of a text
	name   string // of a tag
	markup string // what stands in an output, or after the name of a tag
}

// tokens is where a parser takes tokens from: a template, or the lines of a liquid tag.
type tokens interface {
	next() (token, error)
	// skipTo reads over source up to and including the tag that closes a raw, doc or comment
	// block, and returns what lay between.
	skipTo(block string) ([]byte, error)
}

// lexer cuts a template into texts, outputs and tags, and trims the texts beside `-`.
type lexer struct {
	source   string
	bytes    []byte // the same, for texts to alias
	pos      int
	lines    int // line of pos
	trimNext bool
}

func newLexer(source string) *lexer {
	return &lexer{source: source, bytes: []byte(source), lines: 1}
}

func countLines(s string) int { return strings.Count(s, "\n") }

// advance moves to pos and counts the lines between.
func (l *lexer) advance(pos int) {
	l.lines += countLines(l.source[l.pos:pos])
	l.pos = pos
}

func (l *lexer) next() (token, error) {
	if l.pos >= len(l.source) {
		return token{kind: endToken, line: l.lines}, nil
	}
	switch {
	case strings.HasPrefix(l.source[l.pos:], "{{"):
		return l.output()
	case strings.HasPrefix(l.source[l.pos:], "{%"):
		return l.tag()
	}
	end := l.nextOpening(l.pos)
	t := token{kind: textToken, line: l.lines}
	start, stop := l.pos, end
	if l.trimNext {
		for start < stop && isSpace(l.source[start]) {
			start++
		}
		l.trimNext = false
	}
	if end+2 < len(l.source) && l.source[end+2] == '-' {
		for stop > start && isSpace(l.source[stop-1]) {
			stop--
		}
	}
	t.text = l.bytes[start:stop:stop]
	l.advance(end)
	return t, nil
}

// nextOpening is where the next {{ or {% begins, or the end.
func (l *lexer) nextOpening(from int) int {
	for {
		i := strings.IndexByte(l.source[from:], '{')
		if i < 0 {
			return len(l.source)
		}
		from += i
		if from+1 < len(l.source) && (l.source[from+1] == '{' || l.source[from+1] == '%') {
			return from
		}
		from++
	}
}

func (l *lexer) output() (token, error) {
	t := token{kind: outputToken, line: l.lines}
	inner, end, ok := l.between("}}")
	if !ok {
		return t, &Error{Line: t.line, Message: "{{ is never closed by }}"}
	}
	t.markup = inner
	l.advance(end)
	return t, nil
}

// between is what stands from l.pos+2 to the closing braces, without the trimming dashes.
func (l *lexer) between(closing string) (inner string, end int, ok bool) {
	start := l.pos + 2
	n := strings.Index(l.source[start:], closing)
	if n < 0 {
		return "", 0, false
	}
	inner = l.source[start : start+n]
	inner = strings.TrimPrefix(inner, "-")
	trimmed, dash := strings.CutSuffix(inner, "-")
	l.trimNext = dash
	return trimmed, start + n + 2, true
}

func (l *lexer) tag() (token, error) {
	t := token{kind: tagToken, line: l.lines}
	inner, end, ok := l.between("%}")
	if !ok {
		return t, &Error{Line: t.line, Message: "{% is never closed by %}"}
	}
	lead := len(inner) - len(strings.TrimLeft(inner, spaces))
	t.line += countLines(inner[:lead])
	t.name, t.markup = cutTag(inner[lead:])
	if t.name == "" {
		return t, &Error{Line: t.line, Message: "a tag without a name"}
	}
	l.advance(end)
	return t, nil
}

const spaces = " \t\n\v\f\r"

// cutTag parts the name of a tag from what follows, which keeps the newlines it begins with.
func cutTag(s string) (name, markup string) {
	if strings.HasPrefix(s, "#") {
		return "#", s[1:]
	}
	i := 0
	for i < len(s) && isWord(s[i]) {
		i++
	}
	return s[:i], strings.TrimRight(strings.TrimLeft(s[i:], " \t"), spaces)
}

func (l *lexer) skipTo(block string) ([]byte, error) {
	line := l.lines
	if block == "comment" {
		return nil, l.skipComment(line)
	}
	start := l.pos
	trim := l.trimNext
	for from := l.pos; ; {
		i := strings.Index(l.source[from:], "{%")
		if i < 0 {
			return nil, neverClosed(block, line)
		}
		open := from + i
		from = open + 2
		name, _ := cutTag(strings.TrimLeft(strings.TrimPrefix(l.source[from:], "-"), spaces))
		if block == "doc" && name == "doc" {
			return nil, &Error{Line: line, Name: block, Message: "doc blocks cannot be nested"}
		}
		if name != "end"+block {
			continue
		}
		l.advance(open)
		_, end, ok := l.between("%}")
		if !ok {
			return nil, neverClosed(block, line)
		}
		body := l.bytes[start:open:open]
		if trim {
			body = trimLeft(body)
		}
		if open+2 < len(l.source) && l.source[open+2] == '-' {
			body = trimRight(body)
		}
		l.advance(end)
		return body, nil
	}
}

func trimLeft(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// skipComment walks the tokens of a comment: comments nest, and a raw block hides what is in it.
func (l *lexer) skipComment(line int) error {
	for depth := 1; depth > 0; {
		open := l.nextOpening(l.pos)
		l.advance(open)
		if open == len(l.source) {
			return neverClosed("comment", line)
		}
		if l.source[open+1] == '{' {
			l.skipOutput()
			continue
		}
		inner, end, ok := l.between("%}")
		if !ok {
			return neverClosed("comment", line)
		}
		l.advance(end)
		switch name, _ := cutTag(strings.TrimLeft(inner, spaces)); name {
		case "comment":
			depth++
		case "endcomment":
			depth--
		case "raw":
			if _, err := l.skipTo("raw"); err != nil {
				return err
			}
		}
	}
	return nil
}

// skipOutput passes an output inside a comment, which may be malformed: it ends at }} or, when a
// tag opens first, with that tag.
func (l *lexer) skipOutput() {
	for i := l.pos + 2; i+1 < len(l.source); i++ {
		switch l.source[i : i+2] {
		case "}}":
			l.advance(i + 2)
			return
		case "{%":
			end := strings.Index(l.source[i:], "%}")
			if end < 0 {
				l.advance(len(l.source))
				return
			}
			l.advance(i + end + 2)
			return
		}
	}
	l.advance(len(l.source))
}

func neverClosed(block string, line int) error {
	return &Error{Line: line, Name: block, Message: "{% " + block + " %} is never closed by {% end" + block + " %}"}
}

// lineTokens are the tags in a liquid tag, one a line.
type lineTokens struct {
	lines []string
	line  int // of the next one
}

func (l *lineTokens) next() (token, error) {
	for len(l.lines) > 0 {
		s := strings.Trim(l.lines[0], spaces)
		t := token{kind: tagToken, line: l.line}
		l.lines = l.lines[1:]
		l.line++
		if s == "" {
			continue
		}
		t.name, t.markup = cutTag(s)
		if t.name == "" {
			return t, &Error{Line: t.line, Message: "not a tag: " + quoteValue(s)}
		}
		return t, nil
	}
	return token{kind: endToken, line: l.line}, nil
}

func (l *lineTokens) skipTo(block string) ([]byte, error) {
	line := l.line
	depth := 1
	for len(l.lines) > 0 {
		name, _ := cutTag(strings.Trim(l.lines[0], spaces))
		l.lines = l.lines[1:]
		l.line++
		switch {
		case name == "end"+block:
			depth--
		case name == block && block == "comment":
			depth++
		}
		if depth == 0 {
			return nil, nil
		}
	}
	return nil, neverClosed(block, line)
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isSpaceRune(c rune) bool { return c == ' ' || c >= '\t' && c <= '\r' || c == 0 }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isWord(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }
