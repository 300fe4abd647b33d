package liquid

import (
	"errors"
	"slices"
	"strconv"
)

// output is {{ … }} and echo: it prints the value of a pipeline.
type output struct {
	at
	pipeline
	context context
}

func (p *parser) output(t token) (node, error) {
	c := newCursor(t.markup, t.line)
	if c.symbol.kind == endSymbol {
		return nil, nil
	}
	pipe, err := p.pipeline(c)
	if err != nil {
		return nil, err
	}
	context, err := p.here()
	if err != nil {
		return nil, err
	}
	return &output{at: at(t.line), pipeline: *pipe, context: context}, nil
}

// here is the context of what is printed at this point.
func (p *parser) here() (context, error) {
	if !p.compiler.html() {
		return noContext, nil
	}
	return p.html.context()
}

func (o *output) render(r *run) error {
	v, err := o.eval(r)
	if err != nil {
		return err
	}
	return r.print(v, o.context)
}

// pipeline is a value and the filters it goes through.
type pipeline struct {
	head    expression
	filters []filterCall
}

type filterCall struct {
	name     string
	filter   builtin
	args     []expression
	keywords []namedExpression
}

type namedExpression struct {
	name  string
	value expression
}

func (p *parser) pipeline(c *cursor) (*pipeline, error) {
	head, err := c.expression(false)
	if err != nil {
		return nil, err
	}
	pipe := &pipeline{head: head}
	for c.accept("|") {
		f, err := p.filter(c)
		if err != nil {
			return nil, err
		}
		pipe.filters = append(pipe.filters, f)
	}
	return pipe, c.end()
}

func (p *parser) filter(c *cursor) (filterCall, error) {
	line := c.line
	name, err := c.name("the name of a filter")
	if err != nil {
		return filterCall{}, err
	}
	f := filterCall{name: name}
	filter, ok := p.filters[name]
	if !ok {
		return f, &Error{Line: line, Name: name, Message: "unknown filter " + strconv.Quote(name)}
	}
	f.filter = filter
	if c.accept(":") {
		if err := c.arguments(&f); err != nil {
			return f, err
		}
	}
	if err := filter.check(&f); err != nil {
		return f, located(err, line, "")
	}
	return f, nil
}

func (c *cursor) arguments(f *filterCall) error {
	for c.symbol.kind != endSymbol && !c.is("|") {
		if c.keyword() {
			name := c.symbol.text
			c.next()
			c.next()
			value, err := c.expression(false)
			if err != nil {
				return err
			}
			f.keywords = append(f.keywords, namedExpression{name, value})
		} else {
			value, err := c.expression(false)
			if err != nil {
				return err
			}
			f.args = append(f.args, value)
		}
		if !c.accept(",") {
			break
		}
	}
	return nil
}

// eval computes the value. A variable on its way to default may be undefined.
func (p *pipeline) eval(r *run) (any, error) {
	v, err := p.head.eval(r, p.guarded())
	if err != nil {
		return nil, err
	}
	for i := range p.filters {
		if v, err = p.filters[i].apply(r, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (p *pipeline) guarded() bool {
	return slices.ContainsFunc(p.filters, func(f filterCall) bool { return f.name == "default" })
}

func (f *filterCall) apply(r *run, in any) (any, error) {
	if err := r.step(1 + weight(in)); err != nil {
		return nil, err
	}
	mark := len(r.args)
	defer func() { r.args = r.args[:mark] }()
	for _, a := range f.args {
		v, err := a.eval(r, false)
		if err != nil {
			return nil, err
		}
		r.args = append(r.args, v)
	}
	c := &r.call
	c.charged = false
	c.keywords = c.keywords[:0]
	for _, k := range f.keywords {
		v, err := k.value.eval(r, false)
		if err != nil {
			return nil, err
		}
		c.keywords = append(c.keywords, keyword{k.name, v})
	}
	if f.name == "default" {
		if _, ok := in.(Unfilled); ok {
			in = nil
		}
	} else if u, ok := in.(Unfilled); ok {
		return u, nil
	} else if u, ok := f.unfilledOf(c, r.args[mark:]); ok {
		return u, nil
	}
	out, err := f.filter.call(c, in, r.args[mark:])
	if err != nil {
		return nil, named(err, f.name)
	}
	if !c.charged {
		err = r.charge(in, out)
	}
	return out, err
}

// weight is the steps that looking at a value takes.
func weight(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) >> 6
	case markup:
		return len(v) >> 6
	case loose:
		return len(v) >> 6
	case []any:
		return len(v)
	case span:
		return 0 // charged where it is built
	default:
		return objectLen(v)
	}
}

// charge pays for the result of a filter, unless it is what went in.
func (r *run) charge(in, out any) error {
	switch out := out.(type) {
	case string:
		if s, ok := in.(string); ok && len(s) == len(out) && s == out {
			return nil
		}
		return r.grow(len(out))
	case markup:
		return r.grow(len(out))
	case loose:
		return r.grow(len(out))
	case []any:
		return r.growList(len(out))
	default:
		return nil
	}
}

// named says which filter an error comes from.
func named(err error, filter string) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return &Error{Name: filter, Message: filter + ": " + err.Error(), cause: err}
	}
	if errors.Is(e.cause, ErrLimit) || e.Name != "" {
		return e
	}
	return &Error{Name: filter, Message: filter + ": " + e.Message, cause: e.cause}
}
