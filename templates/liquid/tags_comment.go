package liquid

import "strings"

// inlineComment is {% # … %}: each of its lines begins with #.
func inlineComment(t token) error {
	lines := strings.Split(t.markup, "\n")
	for _, l := range lines[1:] {
		l = strings.Trim(l, spaces)
		if l != "" && l[0] != '#' {
			return mistake("#", "each line of a comment must begin with #")
		}
	}
	return nil
}

// raw keeps its body as it is.
func (p *parser) raw(b *body, t token) error {
	if strings.Trim(t.markup, spaces) != "" {
		return mistake(t.name, "{%% raw %%} takes no arguments")
	}
	bytes, err := p.tokens.skipTo("raw")
	if err != nil {
		return err
	}
	if len(bytes) == 0 {
		return nil
	}
	if p.compiler.html() {
		if err := p.html.read(bytes, t.line); err != nil {
			return err
		}
	}
	b.blank = false
	b.nodes = append(b.nodes, &text{at: at(t.line), bytes: bytes})
	return nil
}

// liquid reads its lines as tags, into the body it stands in.
func (p *parser) liquid(b *body, t token) error {
	outer := p.tokens
	p.tokens = &lineTokens{lines: strings.Split(t.markup, "\n"), line: t.line}
	inner, err := p.block(nil)
	p.tokens = outer
	if err != nil {
		return err
	}
	b.nodes = append(b.nodes, inner.nodes...)
	b.blank = b.blank && inner.blank
	return nil
}
