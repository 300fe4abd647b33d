package liquid

import (
	"errors"
	"strings"
)

// compiler turns sources into nodes. One compiler serves a template and all its partials.
type compiler struct {
	options  Options
	filters  map[string]builtin
	partials map[partialKey]*included
}

func newCompiler(o Options) *compiler {
	filters := builtins(o.Escape == EscapeHTML)
	for name, f := range o.Filters {
		filters[name] = custom(f)
	}
	return &compiler{options: o, filters: filters, partials: make(map[partialKey]*included)}
}

func (c *compiler) html() bool { return c.options.Escape == EscapeHTML }

// template compiles a source that begins in the given HTML state, and says in which it ends.
func (c *compiler) template(source, partial string, start htmlState) ([]node, htmlState, error) {
	p := &parser{compiler: c, tokens: newLexer(source), html: start}
	b, err := p.block(nil)
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok && e.Partial == "" {
			e.Partial = partial
		}
		return nil, start, err
	}
	return b.nodes, p.html, nil
}

// parser builds the nodes of one source. HTML state flows through it in the order of the source.
type parser struct {
	*compiler
	tokens tokens
	html   htmlState
	depth  int
}

// body is what stands between two tags of a block.
type body struct {
	nodes []node
	blank bool // prints nothing but whitespace
}

// enclosed is a body and the tag that ended it.
type enclosed struct {
	body
	end token
}

// parsed is a node and whether it is blank: whether it can never print.
type parsed struct {
	node  node
	blank bool
}

// block parses up to one of the given tags, or to the end of the source when ends is nil.
func (p *parser) block(opening *token, ends ...string) (enclosed, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNesting {
		return enclosed{}, mistake("", "blocks nested deeper than %d", maxNesting)
	}
	b := body{blank: true}
	for {
		t, err := p.tokens.next()
		if err != nil {
			return enclosed{}, err
		}
		switch t.kind {
		case endToken:
			if opening != nil {
				return enclosed{}, neverClosed(opening.name, opening.line)
			}
			return enclosed{body: b, end: t}, nil
		case textToken:
			err = p.text(&b, t)
		case outputToken:
			var n node
			n, err = p.output(t)
			if n != nil {
				b.nodes = append(b.nodes, n)
			}
			b.blank = false
		case tagToken:
			for _, end := range ends {
				if t.name == end {
					return enclosed{body: b, end: t}, nil
				}
			}
			err = p.tag(&b, t, opening)
		}
		if err != nil {
			return enclosed{}, located(err, t.line, "")
		}
	}
}

func (p *parser) text(b *body, t token) error {
	if len(t.text) == 0 {
		return nil
	}
	if p.compiler.html() {
		if err := p.html.read(t.text, t.line); err != nil {
			return err
		}
	}
	if len(trimLeft(t.text)) > 0 {
		b.blank = false
	}
	b.nodes = append(b.nodes, &text{at: at(t.line), bytes: t.text})
	return nil
}

func (p *parser) tag(b *body, t token, opening *token) error {
	switch t.name {
	case "#":
		return inlineComment(t)
	case "comment", "doc":
		if t.name == "doc" && strings.Trim(t.markup, spaces) != "" {
			return mistake(t.name, "{%% doc %%} takes no arguments")
		}
		_, err := p.tokens.skipTo(t.name)
		return err
	case "raw":
		return p.raw(b, t)
	case "liquid":
		return p.liquid(b, t)
	}
	n, err := p.node(t, opening)
	if err != nil {
		return err
	}
	b.blank = b.blank && n.blank
	if n.node != nil {
		b.nodes = append(b.nodes, n.node)
	}
	return nil
}

// node parses a tag that has a node of its own, with its block.
func (p *parser) node(t token, opening *token) (parsed, error) {
	switch t.name {
	case "assign":
		return p.assign(t)
	case "capture":
		return p.capture(t)
	case "increment", "decrement":
		return p.count(t)
	case "echo":
		n, err := p.output(t)
		return parsed{node: n}, err
	case "if", "unless":
		return p.choice(t)
	case "case":
		return p.switchOn(t)
	case "ifchanged":
		return p.ifChanged(t)
	case "for":
		return p.loop(t)
	case "tablerow":
		return p.table(t)
	case "break":
		return parsed{node: &jump{at(t.line), breakLoop}}, nil
	case "continue":
		return parsed{node: &jump{at(t.line), continueLoop}}, nil
	case "cycle":
		return p.cycle(t)
	case "include":
		return p.include(t)
	case "render":
		return p.isolate(t)
	default:
		return parsed{}, unknownTag(t, opening)
	}
}

func unknownTag(t token, opening *token) error {
	if opening != nil {
		return mistake(t.name, "unexpected {%% %s %%} in {%% %s %%}", t.name, opening.name)
	}
	return mistake(t.name, "unknown tag %q", t.name)
}

// trimmed drops the whitespace of blocks that print nothing else, as Shopify does.
func trimmed(blank bool, bodies ...*body) {
	if !blank {
		return
	}
	for _, b := range bodies {
		kept := b.nodes[:0]
		for _, n := range b.nodes {
			if _, ok := n.(*text); !ok {
				kept = append(kept, n)
			}
		}
		b.nodes = kept
	}
}

// branches checks that the bodies of a block all end in the same place of the HTML, since what
// follows cannot be escaped for two places.
type branches struct {
	parser *parser
	start  htmlState
	joined htmlState
	any    bool
	line   int
	tag    string
}

func (p *parser) branches(t token) *branches {
	return &branches{parser: p, start: p.html, line: t.line, tag: t.name}
}

// next ends a branch and begins another.
func (b *branches) next() error {
	if err := b.add(b.parser.html); err != nil {
		return err
	}
	b.parser.html = b.start
	return nil
}

// skippable says that the block may print nothing, or its body repeat.
func (b *branches) skippable() error { return b.add(b.start) }

func (b *branches) add(s htmlState) error {
	if !b.parser.compiler.html() {
		return nil
	}
	if !b.any {
		b.joined, b.any = s, true
		return nil
	}
	joined, ok := b.joined.join(s)
	if !ok {
		return &Error{Line: b.line, Name: b.tag, Message: "the ways through {% " + b.tag + " %} end in different places of the HTML: one " + b.joined.String() + ", one " + s.String()}
	}
	b.joined = joined
	return nil
}

// done continues after the block.
func (b *branches) done() { b.parser.html = b.joined }
