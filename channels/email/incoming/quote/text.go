package quote

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Text makes readable text of HTML: a line each paragraph, row and item, links with their addresses, pictures by what
// they say they show. Quoted parts are marked "> ", so that Cut understands them. It takes time in proportion to the
// input, whatever the tags, and drops nothing but scripts, styles and the title.
func Text(source string) string {
	lines := parse(source)
	f := decide(lines)
	var b strings.Builder
	gap := false
	for i, l := range lines {
		if l.blank() {
			gap = b.Len() > 0
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		if gap {
			b.WriteByte('\n')
			gap = false
		}
		if f.of[i] == quoted && l.depth == 0 {
			b.WriteString("> ")
		}
		b.WriteString(l.raw)
	}
	return b.String()
}

// parse reads HTML by its tags, not as a tree: a tree of hostile tags costs more than it is worth, and mail programs
// mark quotes with tags that stand where they should.
func parse(source string) []line {
	p := parser{z: html.NewTokenizer(strings.NewReader(source))}
	for {
		switch p.z.Next() {
		case html.ErrorToken:
			p.flush()
			return p.lines
		case html.TextToken:
			p.text(p.z.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			p.start()
		case html.EndTagToken:
			name, _ := p.z.TagName()
			p.end(atom.Lookup(name))
		}
	}
}

type parser struct {
	z     *html.Tokenizer
	open  []element
	count [tracked]int // open elements by kind, so that a stray end tag costs nothing
	lines []line

	now    state
	line   []byte // what was written of the present line
	first  state  // where it began
	colour struct{ own, other, tail int }
	space  bool // a space is due before the next word
}

// state is what holds at a place of the document.
type state struct {
	depth             uint8
	sure              bool
	intro, letterhead bool
	signed, coloured  bool
	container         bool // within div.gmail_quote, where a blockquote is certainly a quote
	link, pre, hidden bool
	table             bool
	href              string
	item              int // number of the next item of an ordered list; 0 in others
}

type element struct {
	tag    atom.Atom
	kind   int
	before state
	href   string
	began  int // length of the line at its start
}

const tracked = 16

// kind numbers the elements that are kept open until their end tag: those that may carry a mark, and what can hold
// them.
func kind(tag atom.Atom) int {
	switch tag {
	case atom.Div:
		return 1
	case atom.Blockquote:
		return 2
	case atom.Span:
		return 3
	case atom.Font:
		return 4
	case atom.A:
		return 5
	case atom.Pre:
		return 6
	case atom.Table:
		return 7
	case atom.Ul:
		return 8
	case atom.Ol:
		return 9
	case atom.P:
		return 10
	case atom.Script, atom.Style, atom.Title:
		return 11
	case atom.Section, atom.Article:
		return 12
	case atom.Td, atom.Th:
		return 13
	case atom.B, atom.Strong, atom.I, atom.Em, atom.U:
		return 14
	case atom.Cite:
		return 15
	}
	return 0
}

// breaks says which elements begin a line, and which also leave a blank one around them.
func breaks(tag atom.Atom) (begins, blank bool) {
	switch tag {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Pre, atom.Blockquote, atom.Hr:
		return true, true
	case atom.Div, atom.Table, atom.Tr, atom.Ul, atom.Ol, atom.Li, atom.Dl, atom.Dt, atom.Dd, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Center,
		atom.Address, atom.Form, atom.Fieldset, atom.Body, atom.Main, atom.Caption, atom.Figure, atom.Figcaption:
		return true, false
	}
	return false, false
}

func (p *parser) start() {
	name, more := p.z.TagName()
	tag := atom.Lookup(name)
	a := p.attributes(more)
	begins, blank := breaks(tag)
	k := kind(tag)
	if tag == atom.P {
		p.end(atom.P) // a paragraph ends where the next begins
		blank = blank && !strings.Contains(a.class, "msonormal") && !strings.Contains(a.style, "margin:0") && !strings.Contains(a.style, "margin-top:0")
	}
	if begins {
		p.flush()
		if blank {
			p.gap()
		}
	}
	if k > 0 {
		p.open = append(p.open, element{tag: tag, kind: k, before: p.now, href: p.now.href, began: len(p.line)})
		p.count[k]++
		p.enter(tag, a)
	}
	switch tag {
	case atom.Br:
		p.newline()
	case atom.Li:
		if p.now.item > 0 {
			p.write(strconv.Itoa(p.now.item) + ". ")
			p.now.item++
		} else {
			p.write("- ")
		}
		p.space = false
	case atom.Td, atom.Th:
		if len(p.line) > 0 {
			p.line = append(p.line, '\t')
			p.space = false
		}
	case atom.Img:
		p.picture(a.alt)
	}
}

// enter changes the state to what holds inside an element.
func (p *parser) enter(tag atom.Atom, a attributes) {
	s := &p.now
	named := a.class + " " + a.id
	switch tag {
	case atom.Script, atom.Style, atom.Title:
		s.hidden = true
	case atom.Pre:
		s.pre = true
	case atom.A:
		s.link, s.href = true, a.href
	case atom.Table:
		s.table = true
	case atom.Ul:
		s.item = 0
	case atom.Ol:
		s.item = 1
	case atom.Blockquote:
		if !indents(a) {
			s.depth = min(s.depth+1, maxDepth)
			s.sure = s.sure || s.container
			s.coloured, s.table = false, false
		}
	}
	if a.style != "" || a.colour != "" {
		if c := colour(a); c != unset {
			s.coloured = c == chosen
		}
	}
	for _, m := range containers {
		if !strings.Contains(named, m.name) {
			continue
		}
		switch m.is {
		case isQuote:
			if tag != atom.Blockquote {
				s.depth = min(s.depth+1, maxDepth)
			}
			s.sure = true
		case isContainer:
			s.container = s.container || tag == atom.Div
		case isIntro:
			s.intro = true
		case isLetterhead:
			s.intro, s.letterhead = true, true
		case isSignature:
			s.signed = true
		case isForward:
			s.depth, s.sure, s.intro = 0, false, false
		}
	}
	s.signed = s.signed || a.signature || strings.TrimLeft(a.id, "x_") == "signature" // Outlook on the web
}

// end closes the innermost element of that name, with all that was left open in it.
func (p *parser) end(tag atom.Atom) {
	begins, blank := breaks(tag)
	k := kind(tag)
	if k > 0 && p.count[k] > 0 && p.holds(tag) {
		for {
			e := p.open[len(p.open)-1]
			p.open = p.open[:len(p.open)-1]
			p.count[e.kind]--
			if e.tag == atom.A {
				p.address(e)
			}
			if e.tag == tag && begins {
				p.flush()
			}
			item := p.now.item
			p.now = e.before
			if e.kind != kind(atom.Ol) && e.kind != kind(atom.Ul) {
				p.now.item = item
			}
			if e.tag == tag {
				break
			}
		}
	} else if begins {
		p.flush()
	}
	if blank && tag != atom.P {
		p.gap()
	}
}

// holds tells whether an element of that name is open: kinds of several names are looked through a little way.
func (p *parser) holds(tag atom.Atom) bool {
	limit := len(p.open)
	switch kind(tag) {
	case 10: // a paragraph does not reach out of what holds it
		limit = min(limit, 8)
	case 11, 12, 13, 14:
		limit = min(limit, 64)
	default:
		return true
	}
	for i := len(p.open) - 1; i >= len(p.open)-limit; i-- {
		switch t := p.open[i].tag; {
		case t == tag:
			return true
		case tag == atom.P && (t == atom.Div || t == atom.Blockquote || t == atom.Td || t == atom.Table):
			return false
		}
	}
	return false
}

// text writes words; space between them is one space, but in preformatted text.
func (p *parser) text(b []byte) {
	if p.now.hidden {
		return
	}
	for len(b) > 0 {
		c := b[0]
		if p.now.pre && (c == '\n' || c == '\r') {
			if c == '\r' && len(b) > 1 && b[1] == '\n' {
				b = b[1:]
			}
			p.newline()
			b = b[1:]
			continue
		}
		if !p.now.pre && (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
			p.space = len(p.line) > 0
			b = b[1:]
			continue
		}
		end := 1
		for end < len(b) && b[end] != '\n' && b[end] != '\r' && (p.now.pre || b[end] != ' ' && b[end] != '\t' && b[end] != '\f') {
			end++
		}
		p.write(strings.ReplaceAll(string(b[:end]), "\u00a0", " "))
		b = b[end:]
	}
}

// write puts words on the present line.
func (p *parser) write(words string) {
	if len(p.line) == 0 {
		p.first = p.now
		p.colour.own, p.colour.other, p.colour.tail = 0, 0, 0
	} else if p.space {
		p.line = append(p.line, ' ')
	}
	p.space = false
	p.line = append(p.line, words...)
	if strings.TrimSpace(words) == "" {
		return
	}
	if p.now.coloured && !p.now.link && !p.now.table {
		p.colour.own++
		p.colour.tail++
	} else {
		p.colour.other++
		p.colour.tail = 0
	}
}

// address writes where a link leads, when its words do not say so.
func (p *parser) address(e element) {
	href := p.now.href
	if p.now.hidden || len(href) > 2000 || !strings.HasPrefix(href, "http://") && !strings.HasPrefix(href, "https://") {
		return
	}
	words := ""
	if e.began <= len(p.line) {
		words = strings.TrimSpace(string(p.line[e.began:]))
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(href, "https://"), "http://"), "/")
	if words == "" || strings.Contains(words, bare) || strings.Contains(bare, words) && strings.Contains(words, ".") {
		return
	}
	p.space = true
	p.write("<" + href + ">")
}

// picture writes what a picture says it shows; an emoji stands for itself.
func (p *parser) picture(alt string) {
	alt = strings.Join(strings.Fields(alt), " ")
	if alt == "" || p.now.hidden {
		return
	}
	if length(alt) > 4 || strings.ContainsFunc(alt, unicode.IsLetter) {
		alt = "[" + alt + "]"
	}
	p.write(alt)
}

// newline ends the present line, and leaves a blank one when it is empty.
func (p *parser) newline() {
	if len(p.line) == 0 {
		p.gap()
		return
	}
	p.flush()
}

// gap leaves a blank line, never two.
func (p *parser) gap() {
	if n := len(p.lines); n > 0 && !p.lines[n-1].hollow() {
		p.add("", p.now)
	}
}

// flush ends the present line, if there is one.
func (p *parser) flush() {
	p.space = false
	if len(p.line) == 0 {
		return
	}
	text := strings.TrimRight(string(p.line), " \t")
	p.line = p.line[:0]
	if empty(text) {
		p.gap()
		return
	}
	s := p.first
	n := len(p.lines)
	p.add(text, s)
	if p.colour.other == 0 && p.colour.own > 0 || p.colour.tail > 1 {
		p.lines[n].flags |= mine
	}
}

func (p *parser) add(text string, s state) {
	l := line{raw: text}
	if s.depth > 0 {
		l.depth = s.depth
		l.raw = strings.Repeat(">", int(s.depth))
		if text != "" {
			l.raw += " "
		}
		l.prefix = int32(len(l.raw))
		l.raw += text
		l.flags |= marked
	} else {
		l = read(text)
	}
	if s.sure {
		l.flags |= sure
	}
	if s.intro {
		l.flags |= intro
	}
	if s.letterhead {
		l.flags |= letterhead
	}
	if s.signed && s.depth == 0 {
		l.flags |= signed
	}
	p.lines = append(p.lines, l)
}
