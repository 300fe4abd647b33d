package liquid

import "strings"

// included is a compiled partial.
type included struct {
	nodes     []node
	end       htmlState // where it leaves the HTML
	compiling bool
	recursive bool
}

// partialKey: a partial is compiled anew for each place of the HTML it begins in.
type partialKey struct {
	name  string
	start htmlState
}

func (c *compiler) partial(name string, start htmlState) (*included, error) {
	key := partialKey{name, start}
	if i, ok := c.partials[key]; ok {
		i.recursive = i.recursive || i.compiling
		return i, nil
	}
	if c.options.Partials == nil {
		return nil, mistake(name, "unknown partial %q: none are available", name)
	}
	source, ok := c.options.Partials(name)
	if !ok {
		return nil, mistake(name, "unknown partial %q", name)
	}
	i := &included{end: start, compiling: true}
	c.partials[key] = i
	nodes, end, err := c.template(source, name, start)
	if err != nil {
		return nil, err
	}
	if i.recursive && end != start {
		return nil, mistake(name, "the partial %q includes itself and ends %s, where it began %s", name, end.String(), start.String())
	}
	i.nodes, i.end, i.compiling = nodes, end, false
	return i, nil
}

// include renders a partial in the scope it stands in; render (closed) in one of its own.
type include struct {
	at
	name    expression
	partial *included // nil when the name is a variable
	start   htmlState // for a partial compiled later
	closed  bool
	with    expression
	each    bool // for instead of with
	alias   string
	args    []namedExpression
	tag     string
}

func (p *parser) include(t token) (parsed, error) { return p.included(t, false) }
func (p *parser) isolate(t token) (parsed, error) { return p.included(t, true) }

func (p *parser) included(t token, closed bool) (parsed, error) {
	n := &include{at: at(t.line), closed: closed, start: p.html, tag: t.name}
	if err := n.head(newCursor(t.markup, t.line)); err != nil {
		return parsed{}, err
	}
	l, fixed := n.name.(literal)
	if fixed {
		name, ok := l.value.(string)
		if !ok {
			return parsed{}, mistake(t.name, "the name of a partial is a text, not %s", describe(l.value))
		}
		ways := p.branches(t)
		var err error
		if n.partial, err = p.partial(name, p.html); err != nil {
			return parsed{}, err
		}
		p.html = n.partial.end
		if n.each {
			if err := ways.next(); err != nil {
				return parsed{}, err
			}
			if err := ways.skippable(); err != nil {
				return parsed{}, err
			}
			ways.done()
		}
		return parsed{node: n}, nil
	}
	if closed {
		return parsed{}, mistake(t.name, "the name of a partial to render must stand in quotes")
	}
	if p.html.where == inValue && p.html.url == urlOpen {
		p.html.url = urlDynamic
	}
	return parsed{node: n}, nil
}

func (n *include) head(c *cursor) error {
	var err error
	if n.name, err = c.expression(false); err != nil {
		return err
	}
	if !c.keyword() && (c.is("with") || c.is("for")) {
		n.each = c.is("for")
		c.next()
		if n.with, err = c.expression(false); err != nil {
			return err
		}
	}
	if !c.keyword() && c.accept("as") {
		if n.alias, err = c.name("the name the partial knows the value by"); err != nil {
			return err
		}
	}
	for c.symbol.kind != endSymbol {
		if c.accept(",") {
			continue
		}
		name, err := c.name("the name of an argument")
		if err != nil {
			return err
		}
		if err := c.expect(":"); err != nil {
			return err
		}
		value, err := c.expression(false)
		if err != nil {
			return err
		}
		n.args = append(n.args, namedExpression{name, value})
	}
	return nil
}

func (n *include) render(r *run) error {
	if r.closed && !n.closed {
		return mistake("include", "include is not allowed inside a rendered partial")
	}
	if r.depth >= r.limits.Depth {
		return exceeded("depth", "partials nested deeper than %d", r.limits.Depth)
	}
	name, part, err := n.find(r)
	if err != nil {
		return err
	}
	bound, given, err := n.bound(r, name)
	if err != nil {
		return err
	}
	alias := n.alias
	if alias == "" {
		alias = name[strings.LastIndexByte(name, '/')+1:]
	}
	frames, base := len(r.frames), r.base
	for _, a := range n.args {
		v, err := a.value.eval(r, false)
		if err != nil {
			r.frames = r.frames[:frames]
			return err
		}
		r.frames = append(r.frames, binding{a.name, v})
	}
	if n.closed {
		r.base = frames
	}
	outer := r.partial
	r.partial = name
	r.depth++
	err = n.enter(r, part, alias, bound, given)
	r.depth--
	r.partial = outer
	r.base = base
	r.frames = r.frames[:frames]
	return err
}

// find is the partial and its name.
func (n *include) find(r *run) (string, *included, error) {
	v, err := n.name.eval(r, false)
	if err != nil {
		return "", nil, err
	}
	name, ok := plain(v).(string)
	if !ok {
		return "", nil, mistake(n.tag, "the name of a partial is a text, not %s", describe(v))
	}
	if n.partial != nil {
		return name, n.partial, nil
	}
	key := partialKey{name, n.start}
	if part, ok := r.dynamic[key]; ok {
		return name, part, nil
	}
	c := &compiler{options: r.template.options, filters: r.template.filters, partials: make(map[partialKey]*included)}
	part, err := c.partial(name, n.start)
	if err != nil {
		return "", nil, err
	}
	if _, ok := part.end.join(n.start); !ok {
		return "", nil, mistake(name, "the partial %q ends %s, where it began %s", name, part.end.String(), n.start.String())
	}
	if r.dynamic == nil {
		r.dynamic = make(map[partialKey]*included)
	}
	r.dynamic[key] = part
	return name, part, nil
}

// bound is the value that the partial gets under its own name.
func (n *include) bound(r *run, name string) (v any, given bool, err error) {
	if n.with != nil {
		v, err = n.with.eval(r, false)
		return v, true, err
	}
	if n.closed {
		return nil, false, nil
	}
	v, given = r.lookup(name)
	return normal(v), given, nil
}

// enter renders the partial once, or for each element of the value bound to it.
func (n *include) enter(r *run, part *included, alias string, v any, given bool) error {
	if n.closed {
		return n.enterClosed(r, part, alias, v, given)
	}
	list, ok := v.([]any)
	if !ok {
		if given {
			r.frames = append(r.frames, binding{alias, v})
		}
		return r.block(part.nodes)
	}
	r.frames = append(r.frames, binding{alias, nil})
	frame := len(r.frames) - 1
	for _, e := range list {
		if err := r.step(1); err != nil {
			return err
		}
		r.frames[frame].value = normal(e)
		if err := r.block(part.nodes); err != nil {
			return err
		}
		if r.interrupt != goOn {
			return nil
		}
	}
	return nil
}

func (n *include) enterClosed(r *run, part *included, alias string, v any, given bool) error {
	scope := r.enclose()
	defer r.reopen(scope)
	var e elements
	if n.each {
		switch v.(type) {
		case []any, span, map[string]any, *Object:
			var err error
			if e, err = r.elementsOf(v); err != nil {
				return err
			}
		default:
			n := *n
			n.each = false
			return n.enterOnce(r, part, alias, v, given)
		}
		f := &forloop{name: n.name.(literal).value.(string), length: e.n}
		r.frames = append(r.frames, binding{"forloop", f}, binding{alias, nil})
		frame := len(r.frames) - 1
		for ; f.index < e.n; f.index++ {
			r.frames[frame].value = e.at(f.index)
			if err := n.pass(r, part); err != nil {
				return err
			}
		}
		return nil
	}
	return n.enterOnce(r, part, alias, v, given)
}

func (n *include) enterOnce(r *run, part *included, alias string, v any, given bool) error {
	if given && v != nil {
		r.frames = append(r.frames, binding{alias, v})
	}
	return n.pass(r, part)
}

// pass renders a closed partial with variables of its own, of which its arguments are the first:
// it may assign to them. A break in it stays in it.
func (n *include) pass(r *run, part *included) error {
	if err := r.step(1 + len(r.frames) - r.base); err != nil {
		return err
	}
	r.assigned, r.counters, r.loop = nil, nil, nil
	for _, f := range r.frames[r.base:] {
		r.assign(f.name, f.value)
	}
	base := r.base
	r.base = len(r.frames)
	err := r.block(part.nodes)
	r.base = base
	r.interrupt = goOn
	return err
}

// scope is what a closed partial does not share with its surroundings.
type scope struct {
	assigned map[string]any
	counters map[string]int64
	loop     *forloop
	closed   bool
	cycles   map[string]int
	offsets  map[string]int
}

func (r *run) enclose() scope {
	s := scope{r.assigned, r.counters, r.loop, r.closed, r.cycles, r.offsets}
	r.cycles, r.offsets = nil, nil
	r.closed = true
	return s
}

func (r *run) reopen(s scope) {
	r.assigned, r.counters, r.loop, r.closed, r.cycles, r.offsets = s.assigned, s.counters, s.loop, s.closed, s.cycles, s.offsets
}
