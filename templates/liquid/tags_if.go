package liquid

// choice is if and unless: the first branch whose condition holds.
type choice struct {
	at
	branches []branch
}

type branch struct {
	at
	condition *condition // nil: else
	negated   bool       // the first branch of unless
	body
}

func (p *parser) choice(t token) (parsed, error) {
	n := &choice{at: at(t.line)}
	ways := p.branches(t)
	condition, err := newCursor(t.markup, t.line).condition()
	if err != nil {
		return parsed{}, err
	}
	current := branch{at: at(t.line), condition: condition, negated: t.name == "unless"}
	end := "end" + t.name
	complete, isBlank := false, true
	for {
		b, err := p.block(&t, "elsif", "else", end)
		if err != nil {
			return parsed{}, err
		}
		current.body = b.body
		isBlank = isBlank && b.blank
		n.branches = append(n.branches, current)
		if err := ways.next(); err != nil {
			return parsed{}, err
		}
		if b.end.name == end {
			break
		}
		current = branch{at: at(b.end.line)}
		if b.end.name == "else" {
			complete = true
			continue
		}
		if current.condition, err = newCursor(b.end.markup, b.end.line).condition(); err != nil {
			return parsed{}, err
		}
	}
	if !complete {
		if err := ways.skippable(); err != nil {
			return parsed{}, err
		}
	}
	ways.done()
	for i := range n.branches {
		trimmed(isBlank, &n.branches[i].body)
	}
	return parsed{n, isBlank}, nil
}

func (n *choice) render(r *run) error {
	for i := range n.branches {
		b := &n.branches[i]
		if b.condition != nil {
			ok, err := b.condition.holds(r)
			if err != nil {
				return located(err, b.line(), r.partial)
			}
			if ok == b.negated {
				continue
			}
		}
		return r.block(b.nodes)
	}
	return nil
}

// switchOn is case. As in Shopify's Liquid each matching value of each when renders its body, and
// an else renders if nothing before it did.
type switchOn struct {
	at
	subject expression
	whens   []when
}

type when struct {
	at
	values []expression // empty: else
	body
}

func (p *parser) switchOn(t token) (parsed, error) {
	subject, err := newCursor(t.markup, t.line).expression(true)
	if err != nil {
		return parsed{}, err
	}
	n := &switchOn{at: at(t.line), subject: subject}
	ways := p.branches(t)
	// What stands before the first when is read and never printed.
	b, err := p.block(&t, "when", "else", "endcase")
	isBlank := true
	for err == nil && b.end.name != "endcase" {
		p.html = ways.start
		w := when{at: at(b.end.line)}
		if b.end.name == "when" {
			if w.values, err = whenValues(b.end); err != nil {
				return parsed{}, err
			}
		}
		if b, err = p.block(&t, "when", "else", "endcase"); err != nil {
			return parsed{}, err
		}
		w.body = b.body
		isBlank = isBlank && b.blank
		n.whens = append(n.whens, w)
		if err := ways.next(); err != nil {
			return parsed{}, err
		}
	}
	if err != nil {
		return parsed{}, err
	}
	if err := ways.skippable(); err != nil {
		return parsed{}, err
	}
	ways.done()
	for i := range n.whens {
		trimmed(isBlank, &n.whens[i].body)
	}
	return parsed{n, isBlank}, nil
}

// whenValues reads `a, b or c`. Shopify ignores what follows the values, and so do we.
func whenValues(t token) ([]expression, error) {
	c := newCursor(t.markup, t.line)
	var values []expression
	for {
		v, err := c.expression(true)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		if !c.accept(",") && !c.accept("or") || c.symbol.kind == endSymbol {
			return values, nil
		}
	}
}

func (n *switchOn) render(r *run) error {
	subject, err := n.subject.eval(r, true)
	if err != nil {
		return err
	}
	if u, ok := subject.(Unfilled); ok {
		return u
	}
	found := false
	for i := range n.whens {
		w := &n.whens[i]
		if w.values == nil && !found {
			if err := r.block(w.nodes); err != nil {
				return err
			}
		}
		for _, e := range w.values {
			if err := r.step(1); err != nil {
				return located(err, w.line(), r.partial)
			}
			v, err := e.eval(r, true)
			if err != nil {
				return located(err, w.line(), r.partial)
			}
			if !r.equal(subject, v) {
				continue
			}
			found = true
			if err := r.block(w.nodes); err != nil {
				return err
			}
		}
		if r.interrupt != goOn {
			return nil
		}
	}
	return nil
}

// ifChanged prints its body when it differs from what the last one printed.
type ifChanged struct {
	at
	body
}

func (p *parser) ifChanged(t token) (parsed, error) {
	ways := p.branches(t)
	b, err := p.block(&t, "endifchanged")
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
	return parsed{&ifChanged{at(t.line), b.body}, b.blank}, nil
}

func (n *ifChanged) render(r *run) error {
	s, err := r.capture(n.nodes)
	if err != nil {
		return err
	}
	if r.hasPrev && s == r.changed {
		return nil
	}
	r.hasPrev, r.changed = true, s
	return r.printPlain(s)
}
