package liquid

import "strings"

// assign sets a variable to the value of a pipeline.
type assign struct {
	at
	name string
	pipeline
}

func (p *parser) assign(t token) (parsed, error) {
	name, from, ok := assignment(t.markup)
	if !ok {
		return parsed{}, mistake(t.name, "expected {%% assign name = value %%}")
	}
	c := newCursor(t.markup[from:], t.line+countLines(t.markup[:from]))
	n := &assign{at: at(t.line), name: name, pipeline: pipeline{head: literal{}}}
	if c.symbol.kind != endSymbol {
		pipe, err := p.pipeline(c)
		if err != nil {
			return parsed{}, err
		}
		n.pipeline = *pipe
	}
	return parsed{n, true}, nil
}

// assignment finds the name before the first = that has one, and where the value begins.
func assignment(markup string) (name string, from int, ok bool) {
	for i := range len(markup) {
		if markup[i] != '=' {
			continue
		}
		left := strings.TrimRight(markup[:i], spaces)
		start := len(left)
		for start > 0 && isTarget(left[start-1]) {
			start--
		}
		if start < len(left) {
			return left[start:], i + 1, true
		}
	}
	return "", 0, false
}

// isTarget is true of what the name of an assigned variable may consist of.
func isTarget(c byte) bool {
	return isWord(c) || strings.IndexByte("-.[]()", c) >= 0
}

func (n *assign) render(r *run) error {
	v, err := n.eval(r)
	if err != nil {
		return err
	}
	// A name costs too: a loop must not fill the memory with variables.
	if err := r.grow(len(n.name)); err != nil {
		return err
	}
	r.assign(n.name, v)
	return nil
}

// capture sets a variable to what its body prints.
type capture struct {
	at
	name string
	body
}

func (p *parser) capture(t token) (parsed, error) {
	start := 0
	for start < len(t.markup) && !isTarget(t.markup[start]) {
		start++
	}
	end := start
	for end < len(t.markup) && isTarget(t.markup[end]) {
		end++
	}
	if start == end {
		return parsed{}, mistake(t.name, "expected {%% capture name %%}")
	}
	outside := p.html
	p.html = htmlState{}
	b, err := p.block(&t, "endcapture")
	if err != nil {
		return parsed{}, err
	}
	p.html = outside
	return parsed{&capture{at(t.line), t.markup[start:end], b.body}, true}, nil
}

func (n *capture) render(r *run) error {
	unfilled := r.unfilled
	s, err := r.capture(n.nodes)
	if err != nil {
		return err
	}
	switch {
	case r.html:
		r.assign(n.name, markup(s))
	case r.unfilled > unfilled:
		r.assign(n.name, Unfilled(s))
	default:
		r.assign(n.name, s)
	}
	return nil
}

// count is increment and decrement: a counter that lives beside the assigned variables.
type count struct {
	at
	name string
	up   bool
	context
}

func (p *parser) count(t token) (parsed, error) {
	name := strings.Trim(t.markup, spaces)
	if name == "" {
		return parsed{}, mistake(t.name, "expected {%% %s name %%}", t.name)
	}
	context, err := p.here()
	return parsed{node: &count{at(t.line), name, t.name == "increment", context}}, err
}

func (n *count) render(r *run) error {
	value, ok := r.counters[n.name]
	if !ok {
		if given, ok := normal(r.data[n.name]).(int64); ok {
			value = given
		}
	}
	if r.counters == nil {
		r.counters = make(map[string]int64)
	}
	shown := value
	if n.up {
		value++
	} else {
		value--
		shown = value
	}
	r.counters[n.name] = value
	return r.print(shown, n.context)
}
