package templates

import (
	"html"
	"strings"
)

// plainText makes the text part of a mail from its HTML. Both are Liquid: what is printed or repeated in
// one is printed or repeated in the other. Links read `text <url>`.
func plainText(src string) string {
	p := plain{src: src, tokens: scan(src)}
	tokens := p.tokens
	for i := range tokens {
		t := &tokens[i]
		p.at = i
		if t.kind == textToken { // the dashes of Liquid's neighbours act here, and are dropped below
			if i > 0 && tokens[i-1].kind <= controlToken && strings.HasSuffix(src[:t.start-2], "-") {
				t.start += len(src[t.start:t.end]) - len(strings.TrimLeft(src[t.start:t.end], " \t\r\n"))
			}
			if i+1 < len(tokens) && tokens[i+1].kind <= controlToken && strings.HasPrefix(src[t.end+2:], "-") {
				t.end = t.start + len(strings.TrimRight(src[t.start:t.end], " \t\r\n"))
			}
		}
		p.token(t)
	}
	return strings.TrimSpace(p.out.String())
}

// undashed is a piece of Liquid that trims nothing around it.
func undashed(s string) string {
	if len(s) < 6 || controlName(s) == "raw" {
		return s
	}
	if s[2] == '-' {
		s = s[:2] + s[3:]
	}
	if n := len(s) - 3; s[n] == '-' {
		s = s[:n] + s[n+1:]
	}
	return s
}

type plain struct {
	src    string
	tokens []token
	at     int // the token that is being read
	out    strings.Builder
	now    flow
	// around are the states in which the Liquid blocks that are open began: each branch starts from its own.
	around []flow
	hidden string // the element that hides what is read now, and how many of its name are open in it
	depth  int
	links  []link
}

// flow is what is known of the text so far when the next word comes.
type flow struct {
	begun  bool
	breaks int  // line breaks due before the next word, at most 2
	broken int  // line breaks that the text ends with
	space  bool // a space is due
	spaced bool // the text ends with a space
}

type link struct {
	href string
	at   int // of the text, when the link began
}

func (p *plain) token(t *token) {
	text := p.src[t.start:t.end]
	if p.hidden != "" {
		p.hide(t)
		return
	}
	switch t.kind {
	case textToken:
		p.words(html.UnescapeString(text))
	case outputToken:
		p.write(undashed(text))
	case controlToken:
		p.control(t, undashed(text))
	case startToken:
		p.start(t)
	case endToken:
		p.end(t)
	}
}

// hide passes what is not shown, but follows Liquid blocks, which must stay balanced.
func (p *plain) hide(t *token) {
	switch {
	case t.kind == startToken && t.name == p.hidden && !t.closed:
		p.depth++
	case t.kind == endToken && t.name == p.hidden:
		if p.depth--; p.depth == 0 {
			p.hidden = ""
		}
	case t.kind == controlToken:
		p.control(t, undashed(p.src[t.start:t.end]))
	}
}

func (p *plain) words(s string) {
	s = strings.ReplaceAll(s, "\u00a0", " ")
	if s == "" {
		return
	}
	if isSpace(s[0]) {
		p.now.space = true
	}
	for i, word := range strings.FieldsFunc(s, func(r rune) bool { return r < 128 && isSpace(byte(r)) }) {
		if i > 0 {
			p.now.space = true
		}
		word = strings.Map(visible, word)
		if word == "" {
			continue
		}
		if strings.Contains(word, "{{") || strings.Contains(word, "{%") {
			word = "{% raw %}" + word + "{% endraw %}"
		}
		p.write(word)
	}
	if isSpace(s[len(s)-1]) {
		p.now.space = true
	}
}

// visible drops the characters that only serve the layout of a mail.
func visible(r rune) rune {
	switch r {
	case '\u200b', '\u200c', '\u200d', '\ufeff', '\u034f', '\u00ad':
		return -1
	}
	return r
}

func (p *plain) write(s string) {
	p.flush()
	p.out.WriteString(s)
	p.now = flow{begun: true}
}

// flush writes the white space that is due.
func (p *plain) flush() {
	f := &p.now
	switch {
	case !f.begun:
	case f.breaks > f.broken:
		p.out.WriteString("\n\n"[:f.breaks-f.broken])
		f.broken, f.spaced = f.breaks, false
	case f.space && !f.spaced && f.broken == 0:
		p.out.WriteByte(' ')
		f.spaced = true
	}
	f.breaks, f.space = 0, false
}

func (p *plain) breaks(n int) { p.now.breaks = max(p.now.breaks, n) }

// control writes a Liquid tag. The white space that is due is written before it, so that what follows finds
// the same whichever way a rendering takes: each branch ends with the line breaks that were there when
// the block began, if words of another block follow, and without when its sentence goes on.
func (p *plain) control(t *token, text string) {
	ends := strings.HasPrefix(t.name, "end")
	switch n := len(p.around); {
	case t.name == "comment" || t.name == "doc" || t.name == "":
		return
	case n > 0 && (ends || t.name == "else" || t.name == "elsif" || t.name == "when"):
		opened := p.around[n-1]
		if p.blockFollows() {
			if t.name == "endfor" || t.name == "endtablerow" { // the end of a round, not of the list
				p.breaks(1)
			} else {
				p.breaks(max(opened.broken, 1))
			}
			p.now.space = false
		}
		p.flush()
		p.out.WriteString(text)
		if ends {
			p.around = p.around[:n-1]
			p.now.begun = p.now.begun || opened.begun
		} else {
			p.now = opened
		}
		return
	}
	p.flush()
	p.out.WriteString(text)
	switch t.name {
	case "if", "unless", "case", "for", "tablerow", "capture", "ifchanged":
		p.around = append(p.around, p.now)
	case "raw":
		p.now = flow{begun: true}
	}
}

// blockFollows tells whether the Liquid block that a branch ends here is followed by the beginning or end
// of a block element, or nothing.
func (p *plain) blockFollows() bool {
	depth := 1
	if strings.HasPrefix(p.tokens[p.at].name, "end") {
		depth = 0
	}
	const farthest = 1000 // tokens; further on, it matters to nobody
	for _, t := range p.tokens[p.at+1 : min(p.at+1+farthest, len(p.tokens))] {
		switch t.kind {
		case controlToken:
			switch {
			case strings.HasPrefix(t.name, "end"):
				depth = max(depth-1, 0)
			case depth > 0 && (t.name == "if" || t.name == "unless" || t.name == "case" || t.name == "for" || t.name == "tablerow" || t.name == "capture" || t.name == "ifchanged"):
				depth++
			}
		case startToken, endToken:
			if depth == 0 && blockBreaks(t.name) > 0 {
				return true
			}
			if depth == 0 && t.name == "a" && t.kind == endToken {
				return false // its URL is written there
			}
		case outputToken:
			if depth == 0 {
				return false
			}
		case textToken:
			if depth == 0 && strings.TrimSpace(p.src[t.start:t.end]) != "" {
				return false
			}
		}
	}
	return true
}

func (p *plain) start(t *token) {
	style, _ := t.attr("style")
	css := strings.ToLower(strings.Join(strings.Fields(p.src[style.from:style.to]), ""))
	hidden, _ := t.attr("aria-hidden")
	decorative := p.src[hidden.from:hidden.to] == "true"
	switch {
	case t.name == "head" || t.name == "style" || t.name == "script" || t.name == "title" || t.name == "svg",
		(strings.Contains(css, "display:none") || decorative) && !isVoid(t.name):
		if !t.closed {
			p.hidden, p.depth = t.name, 1
		}
		return
	}
	p.block(t.name)
	switch t.name {
	case "br":
		p.breaks(min(max(p.now.breaks, p.now.broken)+1, 2))
	case "li":
		p.write("-")
		p.now.space = true
	case "td", "th":
		p.now.space = true
	case "img":
		if alt, ok := t.attr("alt"); ok && alt.from < alt.to {
			p.write(p.attrText(alt))
		}
	case "a":
		l := link{at: p.out.Len()}
		if a, ok := t.attr("href"); ok {
			l.href = strings.TrimSpace(p.attrText(a))
		}
		p.links = append(p.links, l)
	}
}

func (p *plain) end(t *token) {
	if t.name == "a" && len(p.links) > 0 {
		l := p.links[len(p.links)-1]
		p.links = p.links[:len(p.links)-1]
		shown := strings.TrimSpace(p.out.String()[l.at:])
		if l.href != "" && l.href[0] != '#' && strings.TrimPrefix(l.href, "mailto:") != shown {
			p.now.space = true
			p.write("<" + l.href + ">")
		}
	}
	p.block(t.name)
}

// block makes the line breaks around a block element.
func (p *plain) block(name string) { p.breaks(blockBreaks(name)) }

func blockBreaks(name string) int {
	switch name {
	case "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "hr", "pre":
		return 2
	case "div", "table", "tr", "section", "article", "header", "footer", "li", "center", "dl", "dt", "dd":
		return 1
	}
	return 0
}

// attrText is an attribute's value with its entities undone outside Liquid.
func (p *plain) attrText(a attr) string {
	var liquid pieces
	return liquid.show(html.UnescapeString(liquid.hide(p.src[a.from:a.to])))
}

func isVoid(name string) bool {
	switch name {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr":
		return true
	default:
		return false
	}
}
