package liquid

import (
	"strconv"
	"strings"
)

// expression is a literal, a variable or a range.
type expression interface {
	// eval gives the value. What is undefined is nil, and in a strict rendering an error,
	// unless the caller only asks.
	eval(r *run, ask bool) (any, error)
	survey(s *survey, ask bool)
}

// literal is a constant.
type literal struct{ value any }

func (l literal) eval(*run, bool) (any, error) { return l.value, nil }
func (l literal) survey(*survey, bool)         {}

// path is a variable and what is selected from it: name.key[index].
type path struct {
	name  string
	root  expression // instead of name: [expression]
	steps []step
	line  int
}

type step struct {
	key    string
	index  expression // instead of key
	dotted bool
}

func (p *path) eval(r *run, ask bool) (any, error) {
	v, ok, err := p.find(r)
	if err != nil {
		return nil, err
	}
	if !ok && r.strict && !ask {
		return nil, &Error{Line: p.line, Partial: r.partial, Name: p.text(), Message: "undefined variable " + strconv.Quote(p.text()), cause: ErrUndefined}
	}
	return v, nil
}

func (p *path) find(r *run) (v any, ok bool, err error) {
	name := p.name
	if p.root != nil {
		root, err := p.root.eval(r, true)
		if err != nil {
			return nil, false, err
		}
		name = asText(root)
	}
	v, ok = r.lookup(name)
	if !ok {
		return nil, false, nil
	}
	v = normal(v)
	for i := range p.steps {
		s := &p.steps[i]
		if s.index == nil {
			if text, isText := v.(string); isText {
				r.steps -= len(text) >> 6 // its size is counted; the next step sees it
			}
			v, ok = property(v, s.key, s.dotted)
		} else {
			index, err := s.index.eval(r, true)
			if err != nil {
				return nil, false, err
			}
			v, ok = item(v, plain(index))
		}
		if !ok {
			return nil, false, nil
		}
	}
	return v, true, nil
}

// item is v[index].
func item(v, index any) (any, bool) {
	if u, ok := v.(Unfilled); ok {
		return u, true
	}
	switch index := index.(type) {
	case string:
		return property(v, index, false)
	case int64:
		if isObject(v) {
			return member(v, strconv.FormatInt(index, 10))
		}
		return element(v, index)
	default:
		return nil, false
	}
}

// text is the path as written, as far as it is known before rendering.
func (p *path) text() string {
	if p.root != nil {
		return "[…]"
	}
	var b strings.Builder
	b.WriteString(p.name)
	for _, s := range p.steps {
		if s.index == nil {
			b.WriteByte('.')
			b.WriteString(s.key)
			continue
		}
		if l, ok := s.index.(literal); ok {
			b.WriteString("[" + asText(l.value) + "]")
			continue
		}
		b.WriteString("[…]")
	}
	return b.String()
}

// rangeOf is (lo..hi).
type rangeOf struct{ lo, hi expression }

func (e *rangeOf) eval(r *run, ask bool) (any, error) {
	lo, err := bound(e.lo, r, ask)
	if err != nil {
		return nil, err
	}
	hi, err := bound(e.hi, r, ask)
	if err != nil {
		return nil, err
	}
	return span{lo, hi}, nil
}

func bound(e expression, r *run, ask bool) (int64, error) {
	v, err := e.eval(r, ask)
	if err != nil {
		return 0, err
	}
	switch v := plain(v).(type) {
	case int64:
		return v, nil
	case nil:
		return 0, nil
	case string:
		return parseNumber(leadingInteger(strings.TrimLeft(v, spaces))).int, nil
	case decimal:
		if _, ok := e.(literal); ok {
			return wholeNumber(float64(v)).int, nil
		}
	}
	return toInteger(v)
}

// maxNesting bounds brackets in brackets, blocks in blocks: the parser is recursive.
const maxNesting = 100

// expression parses one expression. In a condition, blank and empty stand for what they match;
// elsewhere they are the empty text.
func (c *cursor) expression(condition bool) (expression, error) {
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxNesting {
		return nil, &Error{Line: c.line, Message: "brackets nested too deep"}
	}
	switch c.symbol.kind {
	case identifier:
		p := &path{name: c.symbol.text, line: c.line}
		c.next()
		if err := c.steps(p); err != nil {
			return nil, err
		}
		if len(p.steps) == 0 {
			if l, ok := word(p.name, condition); ok {
				return l, nil
			}
		}
		return p, nil
	case quoted:
		l := literal{c.symbol.text}
		c.next()
		return l, nil
	case numeral:
		l, err := c.number()
		c.next()
		return l, err
	}
	switch {
	case c.accept("["):
		p := &path{line: c.line}
		root, err := c.expression(false)
		if err != nil {
			return nil, err
		}
		if err := c.expect("]"); err != nil {
			return nil, err
		}
		if l, ok := root.(literal); ok {
			p.name = asText(l.value)
		} else {
			p.root = root
		}
		return p, c.steps(p)
	case c.accept("("):
		lo, err := c.expression(false)
		if err != nil {
			return nil, err
		}
		if c.symbol.kind != dots {
			return nil, c.unexpected(`expected ".."`)
		}
		c.next()
		hi, err := c.expression(false)
		if err != nil {
			return nil, err
		}
		return &rangeOf{lo, hi}, c.expect(")")
	default:
		return nil, c.unexpected("expected a value")
	}
}

func (c *cursor) number() (expression, error) {
	s := c.symbol.text
	if strings.Contains(s, ".") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, c.unexpected("expected a number that fits")
		}
		return literal{decimal(f)}, nil
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return literal{i}, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, c.unexpected("expected a number that fits")
	}
	return literal{decimal(f)}, nil
}

func word(name string, condition bool) (expression, bool) {
	switch name {
	case "nil", "null":
		return literal{nil}, true
	case "true":
		return literal{true}, true
	case "false":
		return literal{false}, true
	case "blank", "empty":
		if !condition {
			return literal{""}, true
		}
		if name == "blank" {
			return literal{blank}, true
		}
		return literal{empty}, true
	default:
		return nil, false
	}
}

func (c *cursor) steps(p *path) error {
	for {
		switch {
		case c.accept("."):
			key, err := c.name("a name after the dot")
			if err != nil {
				return err
			}
			p.steps = append(p.steps, step{key: key, dotted: true})
		case c.accept("["):
			index, err := c.expression(false)
			if err != nil {
				return err
			}
			if err := c.expect("]"); err != nil {
				return err
			}
			s := step{index: index}
			if l, ok := index.(literal); ok {
				if key, ok := l.value.(string); ok {
					s = step{key: key}
				}
			}
			p.steps = append(p.steps, s)
		default:
			return nil
		}
	}
}
