package liquid

import (
	"math"
	"strconv"
)

// table is tablerow.
type table struct {
	at
	variable string
	of       expression
	cols     expression
	limit    expression
	offset   expression
	body
}

func (p *parser) table(t token) (parsed, error) {
	n := &table{at: at(t.line)}
	if err := n.head(newCursor(t.markup, t.line)); err != nil {
		return parsed{}, err
	}
	if p.compiler.html() && p.html.where != inText {
		return parsed{}, mistake(t.name, "{%% tablerow %%} prints rows of a table, and cannot stand inside a tag")
	}
	ways := p.branches(t)
	b, err := p.block(&t, "endtablerow")
	if err != nil {
		return parsed{}, err
	}
	if err := ways.next(); err != nil {
		return parsed{}, err
	}
	if err := ways.skippable(); err != nil {
		return parsed{}, err
	}
	ways.done()
	n.body = b.body
	return parsed{node: n}, nil
}

func (n *table) head(c *cursor) error {
	var err error
	if n.variable, err = c.name("the name of the loop variable"); err != nil {
		return err
	}
	if err := c.expect("in"); err != nil {
		return err
	}
	if n.of, err = c.expression(false); err != nil {
		return err
	}
	for c.symbol.kind != endSymbol {
		if c.accept(",") {
			continue
		}
		var e *expression
		switch {
		case c.is("cols"):
			e = &n.cols
		case c.is("limit"):
			e = &n.limit
		case c.is("offset"):
			e = &n.offset
		default:
			return c.unexpected("expected cols, limit or offset")
		}
		c.next()
		if err := c.expect(":"); err != nil {
			return err
		}
		if *e, err = c.expression(false); err != nil {
			return err
		}
	}
	return nil
}

func (n *table) render(r *run) error {
	e, err := n.elements(r)
	if err != nil || e.n < 0 {
		return err
	}
	cols := e.n
	if n.cols != nil {
		c, err := lenient(n.cols, r)
		if err != nil {
			return err
		}
		cols = int(c)
	}
	f := &tableloop{length: e.n, cols: cols, row: 1, col: 1}
	mark := len(r.frames)
	r.frames = append(r.frames, binding{"tablerowloop", f}, binding{n.variable, nil})
	err = n.rounds(r, &e, f, mark+1)
	r.frames = r.frames[:mark]
	return err
}

func (n *table) rounds(r *run, e *elements, f *tableloop, frame int) error {
	if err := r.printPlain("<tr class=\"row1\">\n"); err != nil {
		return err
	}
	for ; f.index < e.n; f.advance() {
		if err := r.step(1); err != nil {
			return err
		}
		r.frames[frame].value = e.at(f.index)
		if err := r.printPlain(`<td class="col` + strconv.Itoa(f.col) + `">`); err != nil {
			return err
		}
		if err := r.block(n.nodes); err != nil {
			return err
		}
		if err := r.printPlain("</td>"); err != nil {
			return err
		}
		if r.interrupt != goOn {
			stop := r.interrupt == breakLoop
			r.interrupt = goOn
			if stop {
				break
			}
		}
		if f.col == f.cols && f.index < f.length-1 {
			if err := r.printPlain("</tr>\n<tr class=\"row" + strconv.Itoa(f.row+1) + `">`); err != nil {
				return err
			}
		}
	}
	return r.printPlain("</tr>\n")
}

// elements are those left by offset and limit, with n < 0 for a collection that is nothing.
func (n *table) elements(r *run) (elements, error) {
	v, err := n.of.eval(r, false)
	if err != nil {
		return elements{}, err
	}
	if !truthy(v) {
		return elements{n: -1}, nil
	}
	e, err := r.elementsOf(v)
	if err != nil {
		return elements{}, err
	}
	var from int64
	if n.offset != nil {
		if from, err = lenient(n.offset, r); err != nil {
			return elements{}, err
		}
	}
	end := int64(math.MaxInt64)
	if n.limit != nil {
		limit, err := lenient(n.limit, r)
		if err != nil {
			return elements{}, err
		}
		end = from + limit
	}
	e.cut(from, end)
	return e, nil
}

// lenient is the value of an argument of tablerow: nothing is 0, and so is a text without digits.
func lenient(e expression, r *run) (int64, error) {
	v, err := e.eval(r, false)
	if err != nil {
		return 0, err
	}
	switch v := plain(v).(type) {
	case nil, int64, decimal, string:
		n := toNumber(v)
		if n.frac {
			n = wholeNumber(math.Trunc(n.float))
		}
		return min(max(n.int, -math.MaxInt32), math.MaxInt32), nil
	case Unfilled:
		return 0, v
	default:
		return 0, mistake("", "%s is not an integer", describe(v))
	}
}

// tableloop is the variable tablerowloop.
type tableloop struct {
	length, index int
	cols          int
	row, col      int
}

func (f *tableloop) advance() {
	f.index++
	if f.col == f.cols {
		f.col = 1
		f.row++
	} else {
		f.col++
	}
}

func (f *tableloop) property(key string) (any, bool) {
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
	case "row":
		return int64(f.row), true
	case "col":
		return int64(f.col), true
	case "col0":
		return int64(f.col - 1), true
	case "col_first":
		return f.col == 1, true
	case "col_last":
		return f.col == f.cols, true
	default:
		return nil, false
	}
}
