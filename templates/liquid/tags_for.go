package liquid

import (
	"math"
)

// loop is for.
type loop struct {
	at
	variable  string
	name      string // variable and collection as written: what forloop.name and `offset: continue` go by
	of        expression
	reversed  bool
	limit     expression
	offset    expression
	resumes   bool // offset: continue
	body      body
	otherwise body
}

func (p *parser) loop(t token) (parsed, error) {
	n := &loop{at: at(t.line)}
	if err := n.head(newCursor(t.markup, t.line)); err != nil {
		return parsed{}, err
	}
	ways := p.branches(t)
	if err := ways.skippable(); err != nil {
		return parsed{}, err
	}
	b, err := p.block(&t, "else", "endfor")
	if err != nil {
		return parsed{}, err
	}
	n.body = b.body
	isBlank := b.blank
	if err := ways.next(); err != nil {
		return parsed{}, err
	}
	if b.end.name == "else" {
		if b, err = p.block(&t, "endfor"); err != nil {
			return parsed{}, err
		}
		n.otherwise = b.body
		isBlank = isBlank && b.blank
		if err := ways.next(); err != nil {
			return parsed{}, err
		}
	}
	ways.done()
	trimmed(isBlank, &n.body, &n.otherwise)
	return parsed{n, isBlank}, nil
}

func (n *loop) head(c *cursor) error {
	var err error
	if n.variable, err = c.name("the name of the loop variable"); err != nil {
		return err
	}
	if err := c.expect("in"); err != nil {
		return err
	}
	start := c.start
	if n.of, err = c.expression(false); err != nil {
		return err
	}
	n.name = n.variable + "-" + c.source[start:c.stop]
	for c.symbol.kind != endSymbol {
		switch {
		case c.accept(","):
		case c.accept("reversed"):
			n.reversed = true
		case c.is("limit") || c.is("offset"):
			isLimit := c.is("limit")
			c.next()
			if err := c.expect(":"); err != nil {
				return err
			}
			if !isLimit && c.is("continue") {
				c.next()
				n.resumes = true
				continue
			}
			e, err := c.expression(false)
			if err != nil {
				return err
			}
			if isLimit {
				n.limit = e
			} else {
				n.offset, n.resumes = e, false
			}
		default:
			return c.unexpected("expected limit, offset or reversed")
		}
	}
	return nil
}

func (n *loop) render(r *run) error {
	e, err := n.elements(r)
	if err != nil {
		return err
	}
	if e.n == 0 {
		return r.block(n.otherwise.nodes)
	}
	f := &forloop{name: n.name, length: e.n, parent: r.loop}
	r.loop = f
	mark := len(r.frames)
	r.frames = append(r.frames, binding{"forloop", f}, binding{n.variable, nil})
	err = n.rounds(r, &e, f, mark+1)
	r.frames = r.frames[:mark]
	r.loop = f.parent
	return err
}

func (n *loop) rounds(r *run, e *elements, f *forloop, frame int) error {
	for ; f.index < e.n; f.index++ {
		if err := r.step(1); err != nil {
			return err
		}
		i := f.index
		if n.reversed {
			i = e.n - 1 - i
		}
		r.frames[frame].value = e.at(i)
		if err := r.block(n.body.nodes); err != nil {
			return err
		}
		if r.interrupt != goOn {
			stop := r.interrupt == breakLoop
			r.interrupt = goOn
			if stop {
				return nil
			}
		}
	}
	return nil
}

// elements are those left by offset and limit. Where they end is kept for `offset: continue`.
func (n *loop) elements(r *run) (elements, error) {
	v, err := n.of.eval(r, false)
	if err != nil {
		return elements{}, err
	}
	e, err := r.elementsOf(v)
	if err != nil {
		return elements{}, err
	}
	var from int64
	if n.resumes {
		from = int64(r.offsets[n.name])
	} else if from, err = whole(n.offset, r, 0); err != nil {
		return elements{}, err
	}
	end := int64(math.MaxInt64)
	if n.limit != nil {
		limit, err := whole(n.limit, r, noLimit)
		if err != nil {
			return elements{}, err
		}
		if limit != noLimit {
			end = from + limit
		}
	}
	e.cut(from, end)
	if r.offsets == nil {
		r.offsets = make(map[string]int)
	}
	r.offsets[n.name] = int(from) + e.n
	return e, nil
}

const noLimit = math.MinInt64

// whole is the value of a limit or offset, which may be undefined.
func whole(e expression, r *run, absent int64) (int64, error) {
	if e == nil {
		return absent, nil
	}
	v, err := e.eval(r, false)
	if err != nil {
		return 0, err
	}
	if v == nil {
		return absent, nil
	}
	n, err := toInteger(v)
	return min(max(n, -math.MaxInt32), math.MaxInt32), err
}

// forloop is the variable of that name inside a loop.
type forloop struct {
	name   string
	length int
	index  int // from 0
	parent *forloop
}

func (f *forloop) property(key string) (any, bool) {
	switch key {
	case "index":
		return int64(f.index + 1), true
	case "index0":
		return int64(f.index), true
	case "rindex":
		return int64(f.length - f.index), true
	case "rindex0":
		return int64(f.length - f.index - 1), true
	case "first":
		return f.index == 0, true
	case "last":
		return f.index == f.length-1, true
	case "length":
		return int64(f.length), true
	case "name":
		return f.name, true
	case "parentloop":
		if f.parent == nil {
			return nil, true
		}
		return f.parent, true
	default:
		return nil, false
	}
}

// jump is break and continue. Outside a loop it ends the template.
type jump struct {
	at
	kind interrupt
}

func (n *jump) render(r *run) error {
	r.interrupt = n.kind
	return nil
}
