package liquid

// cycle prints its values in turn. Cycles of one name share their turn; without a name, those
// with the same values do.
type cycle struct {
	at
	name    expression // nil: key is the name
	key     string
	values  []expression
	context context
}

func (p *parser) cycle(t token) (parsed, error) {
	n := &cycle{at: at(t.line)}
	c := newCursor(t.markup, t.line)
	start := c.start
	first, err := c.expression(false)
	if err != nil {
		return parsed{}, err
	}
	if c.accept(":") {
		n.name = first
	} else {
		n.values = append(n.values, first)
		n.key = "=" + t.markup[start:]
		c.accept(",")
	}
	for c.symbol.kind != endSymbol {
		v, err := c.expression(false)
		if err != nil {
			return parsed{}, err
		}
		n.values = append(n.values, v)
		if !c.accept(",") {
			break
		}
	}
	if err := c.end(); err != nil {
		return parsed{}, err
	}
	n.context, err = p.here()
	return parsed{node: n}, err
}

func (n *cycle) render(r *run) error {
	key := n.key
	if n.name != nil {
		name, err := n.name.eval(r, true)
		if err != nil {
			return err
		}
		key = string(appendInspect(nil, plain(name)))
	}
	if r.cycles == nil {
		r.cycles = make(map[string]int)
	}
	turn := r.cycles[key]
	var v any
	if turn < len(n.values) {
		var err error
		if v, err = n.values[turn].eval(r, false); err != nil {
			return err
		}
	}
	turn++
	if turn >= len(n.values) {
		turn = 0
	}
	if err := r.grow(len(key)); err != nil {
		return err
	}
	r.cycles[key] = turn
	return r.print(v, n.context)
}
