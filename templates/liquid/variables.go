package liquid

import (
	"slices"
	"strings"
)

// Variable is a value of the data that a template reads.
type Variable struct {
	// Path is as far as it is known before rendering: "customer.name"; "data.items" for
	// data.items[0].title and for a loop over it.
	Path string
	// Line is where it is first read; in Partial, if that is not empty.
	Line    int
	Partial string
	// Optional is true when the template copes without it wherever it is read: through the
	// default filter, in a condition, or inside an if that asks for it.
	Optional bool
}

// Variables lists what the template reads of its data, in the order of first use. Names that it
// assigns, captures or loops over are not among them, nor what partials read whose names are
// only known while rendering.
func (t *Template) Variables() []Variable {
	s := &survey{places: make(map[string]int), partials: make(map[*included]int)}
	s.nodes(t.nodes)
	return s.found
}

// Reads tells whether a name of the data may be read. It errs towards true: a template that computes
// names ({{ [data.which] }}) may read any.
func (t *Template) Reads(name string) bool {
	s := &survey{places: make(map[string]int), partials: make(map[*included]int)}
	s.nodes(t.nodes)
	return s.computed || slices.ContainsFunc(s.found, func(v Variable) bool {
		root, _, _ := strings.Cut(v.Path, ".")
		return root == name
	})
}

// Members lists the members of a name of the data that may be read. all: every one may be. It errs towards all:
// where the name stands alone, is computed, or is assigned to somewhere, which may or may not happen.
func (t *Template) Members(name string) (members []string, all bool) {
	s := &survey{places: make(map[string]int), partials: make(map[*included]int)}
	s.nodes(t.nodes)
	for _, v := range s.found {
		root, rest, deep := strings.Cut(v.Path, ".")
		if root != name {
			continue
		}
		first, _, _ := strings.Cut(rest, ".")
		if all = all || !deep; !slices.Contains(members, first) {
			members = append(members, first)
		}
	}
	return members, all || s.computed || s.cut || slices.Contains(s.assigned, name)
}

// maxWalks is how often the survey enters one partial: where it is included from matters for the
// names it sees, but partials that include each other must not multiply.
const maxWalks = 4

// survey walks a template in the order it is written.
type survey struct {
	found    []Variable
	places   map[string]int // path → position in found
	local    []string       // names that are not data
	asked    []string       // paths that an if around asks for
	partial  string
	partials map[*included]int // how often each was walked
	computed bool              // a name is only known while rendering
	assigned []string          // every name that is assigned to anywhere
	cut      bool              // a partial was not entered once more
}

func (s *survey) nodes(nodes []node) {
	for _, n := range nodes {
		n.survey(s)
	}
}

func (s *survey) saw(path string, line int, optional bool) {
	optional = optional || slices.Contains(s.asked, path)
	if i, ok := s.places[path]; ok {
		s.found[i].Optional = s.found[i].Optional && optional
		return
	}
	s.places[path] = len(s.found)
	s.found = append(s.found, Variable{Path: path, Line: line, Partial: s.partial, Optional: optional})
}

// within walks nodes in which some names are not data.
func (s *survey) within(nodes []node, names ...string) {
	mark := len(s.local)
	s.local = append(s.local, names...)
	s.nodes(nodes)
	// What was assigned inside stays assigned.
	s.local = slices.Delete(s.local, mark, mark+len(names))
}

// assign notes a name that is not data from here on.
func (s *survey) assign(name string) {
	s.local = append(s.local, name)
	s.assigned = append(s.assigned, name)
}

func (p *path) survey(s *survey, ask bool) {
	if p.root != nil {
		s.computed = true
		p.root.survey(s, true)
	}
	for _, step := range p.steps {
		if step.index != nil {
			step.index.survey(s, true)
		}
	}
	if p.root != nil || slices.Contains(s.local, p.name) {
		return
	}
	s.saw(p.known(), p.line, ask)
}

// known is the path up to the first index, without size, first and last.
func (p *path) known() string {
	var b strings.Builder
	b.WriteString(p.name)
	for i, step := range p.steps {
		if step.index != nil {
			break
		}
		if last := i == len(p.steps)-1; last && step.dotted && (step.key == "size" || step.key == "first" || step.key == "last") {
			break
		}
		b.WriteByte('.')
		b.WriteString(step.key)
	}
	return b.String()
}

func (e *rangeOf) survey(s *survey, ask bool) {
	e.lo.survey(s, ask)
	e.hi.survey(s, ask)
}

func (p *pipeline) survey(s *survey) {
	p.head.survey(s, p.guarded())
	for _, f := range p.filters {
		for _, a := range f.args {
			a.survey(s, false)
		}
		for _, k := range f.keywords {
			k.value.survey(s, false)
		}
	}
}

func (n *assign) survey(s *survey) {
	n.pipeline.survey(s)
	s.assign(n.name)
}

func (n *capture) survey(s *survey) {
	s.nodes(n.nodes)
	s.assign(n.name)
}

func (n *count) survey(s *survey) { s.assign(n.name) }

func (n *ifChanged) survey(s *survey) { s.nodes(n.nodes) }

func (n *jump) survey(*survey) {}

func (n *choice) survey(s *survey) {
	mark := len(s.asked)
	for _, b := range n.branches {
		s.asked = s.asked[:mark]
		for c := b.condition; c != nil; c = c.rest {
			c.left.survey(s, true)
			if c.right != nil {
				c.right.survey(s, true)
			}
		}
		if !b.negated {
			s.asked = append(s.asked, b.condition.asks()...)
		}
		s.nodes(b.nodes)
	}
	s.asked = s.asked[:mark]
}

// asks are the paths that surely have a value where the condition holds.
func (c *condition) asks() []string {
	var paths []string
	for ; c != nil; c = c.rest {
		if c.join == "or" {
			return paths
		}
		p, ok := c.left.(*path)
		if ok && p.root == nil && (c.op == "" || c.op == "!=" && c.right == literal{blank} || c.op == "!=" && c.right == literal{nil}) {
			paths = append(paths, p.known())
		}
	}
	return paths
}

func (n *switchOn) survey(s *survey) {
	n.subject.survey(s, true)
	for _, w := range n.whens {
		for _, v := range w.values {
			v.survey(s, true)
		}
		s.nodes(w.nodes)
	}
}

func (n *loop) survey(s *survey) {
	n.of.survey(s, false)
	for _, e := range []expression{n.limit, n.offset} {
		if e != nil {
			e.survey(s, false)
		}
	}
	s.within(n.body.nodes, n.variable, "forloop")
	s.nodes(n.otherwise.nodes)
}

func (n *table) survey(s *survey) {
	n.of.survey(s, false)
	for _, e := range []expression{n.cols, n.limit, n.offset} {
		if e != nil {
			e.survey(s, false)
		}
	}
	s.within(n.nodes, n.variable, "tablerowloop")
}

func (n *cycle) survey(s *survey) {
	if n.name != nil {
		n.name.survey(s, true)
	}
	for _, v := range n.values {
		v.survey(s, false)
	}
}

func (n *include) survey(s *survey) {
	n.name.survey(s, false)
	if n.with != nil {
		n.with.survey(s, false)
	}
	names := []string{}
	for _, a := range n.args {
		a.value.survey(s, false)
		names = append(names, a.name)
	}
	s.computed = s.computed || n.partial == nil
	if n.partial == nil {
		return
	}
	if s.partials[n.partial] == maxWalks {
		s.cut = true
		return
	}
	name := n.name.(literal).value.(string)
	alias := n.alias
	if alias == "" {
		alias = name[strings.LastIndexByte(name, '/')+1:]
	}
	if n.with != nil {
		names = append(names, alias)
	}
	if n.each {
		names = append(names, "forloop")
	}
	outer, local := s.partial, s.local
	s.partial = name
	s.partials[n.partial]++
	if n.closed {
		s.local = nil
	}
	s.within(n.partial.nodes, names...)
	if n.closed {
		s.local = local
	}
	s.partial = outer
}
