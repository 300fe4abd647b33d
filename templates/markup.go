package templates

import (
	"strconv"
	"strings"
)

// tokenKind says what a piece of an HTML source with Liquid in it is.
type tokenKind uint8

const (
	textToken    tokenKind = iota
	outputToken            // {{ … }}
	controlToken           // {% … %}; raw and comment blocks as a whole
	startToken             // <name …>
	endToken               // </name>
	commentToken           // <!-- … -->, <!doctype …>, <? … >
	rawToken               // what stands in <style>, <script>, <title> or <textarea>
)

// token is the span [start, end) of a source.
type token struct {
	kind       tokenKind
	start, end int
	name       string // of a tag or of a control, lower case
	attrs      []attr
	closed     bool // <name … />
}

// attr is an attribute of a start tag: [start, end) with its quotes, [from, to) the value alone.
type attr struct {
	name       string
	start, end int
	from, to   int
	quote      byte // 0: bare, or no value at all (from == to)
}

// attr finds an attribute by name.
func (t *token) attr(name string) (attr, bool) {
	for _, a := range t.attrs {
		if a.name == name {
			return a, true
		}
	}
	return attr{}, false
}

// scan cuts a source into tokens that cover it without gaps. It never fails: what is not markup is text.
// The tokens give positions, so that a source is edited in place and keeps its lines, its conditional
// comments and its Liquid as they were written; a parser of HTML would rearrange all three.
func scan(src string) []token {
	s := scanner{src: src}
	for s.pos < len(src) {
		s.next()
	}
	s.flush(len(src))
	return s.tokens
}

type scanner struct {
	src    string
	pos    int
	text   int // where the text that is being read began
	tokens []token
}

func (s *scanner) flush(end int) {
	if end > s.text {
		s.tokens = append(s.tokens, token{kind: textToken, start: s.text, end: end})
	}
	s.text = end
}

func (s *scanner) add(t token) {
	s.flush(t.start)
	s.tokens = append(s.tokens, t)
	s.pos, s.text = t.end, t.end
}

func (s *scanner) next() {
	i := strings.IndexAny(s.src[s.pos:], "<{")
	if i < 0 {
		s.pos = len(s.src)
		return
	}
	s.pos += i
	rest := s.src[s.pos:]
	switch {
	case strings.HasPrefix(rest, "{{"):
		s.add(token{kind: outputToken, start: s.pos, end: liquidEnd(s.src, s.pos)})
	case strings.HasPrefix(rest, "{%"):
		s.add(token{kind: controlToken, start: s.pos, end: liquidEnd(s.src, s.pos), name: controlName(rest)})
	case strings.HasPrefix(rest, "<!--"):
		s.comment(4, "-->")
	case strings.HasPrefix(rest, "<!"), strings.HasPrefix(rest, "<?"):
		s.comment(2, ">")
	case strings.HasPrefix(rest, "</") && len(rest) > 2 && isLetter(rest[2]):
		s.endTag()
	case len(rest) > 1 && rest[0] == '<' && isLetter(rest[1]):
		s.startTag()
	default:
		s.pos++
	}
}

func (s *scanner) comment(opening int, closing string) {
	end := len(s.src)
	// <!--> is a comment too: its closing may overlap the opening by the dashes.
	from := s.pos + max(opening-2, 2)
	if n := strings.Index(s.src[from:], closing); n >= 0 {
		end = from + n + len(closing)
	}
	s.add(token{kind: commentToken, start: s.pos, end: end})
}

func (s *scanner) endTag() {
	t := token{kind: endToken, start: s.pos, end: len(s.src)}
	i := s.pos + 2
	for i < len(s.src) && isNamePart(s.src[i]) {
		i++
	}
	t.name = strings.ToLower(s.src[s.pos+2 : i])
	if n := strings.IndexByte(s.src[i:], '>'); n >= 0 {
		t.end = i + n + 1
	}
	s.add(t)
}

func (s *scanner) startTag() {
	t := token{kind: startToken, start: s.pos}
	i := s.pos + 1
	for i < len(s.src) && isNamePart(s.src[i]) {
		i++
	}
	t.name = strings.ToLower(s.src[s.pos+1 : i])
	for i < len(s.src) && s.src[i] != '>' {
		switch c := s.src[i]; {
		case c == '{' && isLiquid(s.src, i):
			i = liquidEnd(s.src, i)
		case isSpace(c) || c == '/' || c == '"' || c == '\'' || c == '=':
			t.closed = c == '/'
			i++
		default:
			t.closed = false
			var a attr
			a, i = s.attr(i)
			t.attrs = append(t.attrs, a)
		}
	}
	t.end = min(i+1, len(s.src))
	s.add(t)
	switch t.name {
	case "style", "script", "title", "textarea":
		if !t.closed {
			s.raw(t.name)
		}
	}
}

// attr reads one attribute at i and says where it ends.
func (s *scanner) attr(i int) (attr, int) {
	a := attr{start: i}
	for i < len(s.src) && !isSpace(s.src[i]) && strings.IndexByte("/>=", s.src[i]) < 0 && !isLiquid(s.src, i) {
		i++
	}
	a.name = strings.ToLower(s.src[a.start:i])
	a.end, a.from, a.to = i, i, i
	j := i
	for j < len(s.src) && isSpace(s.src[j]) {
		j++
	}
	if j >= len(s.src) || s.src[j] != '=' {
		return a, i
	}
	for j++; j < len(s.src) && isSpace(s.src[j]); j++ {
	}
	if j < len(s.src) && (s.src[j] == '"' || s.src[j] == '\'') {
		a.quote = s.src[j]
		j++
	}
	a.from = j
	for j < len(s.src) {
		c := s.src[j]
		if isLiquid(s.src, j) {
			j = liquidEnd(s.src, j)
			continue
		}
		if a.quote != 0 && c == a.quote || a.quote == 0 && (isSpace(c) || c == '>') {
			break
		}
		j++
	}
	a.to = j
	if a.quote != 0 && j < len(s.src) {
		j++
	}
	a.end = j
	return a, j
}

func (s *scanner) raw(name string) {
	start := s.pos
	for i := start; i < len(s.src); {
		if isLiquid(s.src, i) {
			i = liquidEnd(s.src, i)
			continue
		}
		if s.src[i] == '<' && len(s.src)-i > len(name)+1 && s.src[i+1] == '/' && strings.EqualFold(s.src[i+2:i+2+len(name)], name) {
			s.add(token{kind: rawToken, start: start, end: i, name: name})
			return
		}
		i++
	}
	s.add(token{kind: rawToken, start: start, end: len(s.src), name: name})
}

func isLiquid(s string, i int) bool {
	return s[i] == '{' && i+1 < len(s) && (s[i+1] == '{' || s[i+1] == '%')
}

// liquidEnd is where the output, tag, or raw or comment block that begins at i ends.
func liquidEnd(s string, i int) int {
	closing := "}}"
	if s[i+1] == '%' {
		closing = "%}"
	}
	end := indexAfter(s, i+2, closing)
	if closing == "}}" {
		return end
	}
	switch name := controlName(s[i:]); name {
	case "raw", "comment", "doc":
		for end < len(s) {
			n := strings.Index(s[end:], "{%")
			if n < 0 {
				return len(s)
			}
			tag := s[end+n:]
			end = indexAfter(s, end+n+2, "%}")
			if controlName(tag) == "end"+name {
				break
			}
		}
	}
	return end
}

func indexAfter(s string, from int, sub string) int {
	n := strings.Index(s[from:], sub)
	if n < 0 {
		return len(s)
	}
	return from + n + len(sub)
}

// controlName is the name of the tag that s begins with.
func controlName(s string) string {
	s = strings.TrimLeft(strings.TrimPrefix(s[2:], "-"), " \t\r\n")
	i := 0
	for i < len(s) && (isLetter(s[i]) || s[i] == '_') {
		i++
	}
	return s[:i]
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isNamePart(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' || c == '-' || c == ':' }

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// edit replaces [start, end) of a source.
type edit struct {
	start, end int
	text       string
}

// apply makes the edits, which are in order and do not overlap.
func apply(src string, edits []edit) string {
	var b strings.Builder
	b.Grow(len(src))
	at := 0
	for _, e := range edits {
		b.WriteString(src[at:e.start])
		b.WriteString(e.text)
		at = e.end
	}
	b.WriteString(src[at:])
	return b.String()
}

// lineOf is the 1-based line of an offset.
func lineOf(src string, offset int) int { return 1 + strings.Count(src[:offset], "\n") }

// pieces is the Liquid of a source while something that knows no Liquid works on the rest: each piece is
// replaced by its number between two private-use characters, which are letters to CSS and XML.
type pieces []string

const pieceOpen, pieceClose = '\uE000', '\uE001'

func (p *pieces) hide(src string) string {
	var b strings.Builder
	for i := 0; i < len(src); {
		if !isLiquid(src, i) {
			b.WriteByte(src[i])
			i++
			continue
		}
		end := liquidEnd(src, i)
		b.WriteString(p.name(src[i:end]))
		i = end
	}
	return b.String()
}

func (p *pieces) name(liquid string) string {
	*p = append(*p, liquid)
	return string(pieceOpen) + strconv.Itoa(len(*p)-1) + string(pieceClose)
}

func (p pieces) show(s string) string {
	if len(p) == 0 {
		return s
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, string(pieceOpen))
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		number, after, ok := strings.Cut(rest, string(pieceClose))
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 0 || n >= len(p) {
			b.WriteRune(pieceOpen)
			s = rest
			continue
		}
		b.WriteString(p[n])
		s = after
	}
}

// withoutLiquid is src without its Liquid.
func withoutLiquid(src string) string {
	if !strings.Contains(src, "{") {
		return src
	}
	var b strings.Builder
	for i := 0; i < len(src); {
		if isLiquid(src, i) {
			i = liquidEnd(src, i)
			continue
		}
		b.WriteByte(src[i])
		i++
	}
	return b.String()
}
