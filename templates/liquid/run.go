package liquid

import (
	"errors"
	"time"
)

// run is the state of one rendering.
type run struct {
	budget
	template *Template
	data     map[string]any
	out      []byte
	pieces   *pieces // nil unless the caller wants segments
	kept     pieces  // what it points to then
	captures int     // how many captures are open: their output is no segment

	frames   []binding // loop variables and arguments of include, innermost last
	base     int       // first frame that is visible here: render hides those before
	assigned map[string]any
	counters map[string]int64

	interrupt interrupt
	loop      *forloop
	offsets   map[string]int // where the last loop of a name ended, for `offset: continue`
	cycles    map[string]int
	changed   string // what ifchanged printed last
	hasPrev   bool
	unfilled  int // how often what stands for a missing value was printed

	depth   int
	partial string                   // name of the partial being rendered
	closed  bool                     // inside render, where include is not allowed
	dynamic map[partialKey]*included // partials whose names were variables

	call   Call
	args   []any
	strict bool
	html   bool
}

type binding struct {
	name  string
	value any
}

type interrupt uint8

const (
	goOn interrupt = iota
	breakLoop
	continueLoop
)

// begin takes a rendering of t; its end must be called.
func (t *Template) begin(data map[string]any, o Run) *run {
	r, ok := t.runs.Get().(*run)
	if !ok {
		r = &run{template: t, html: t.options.Escape == EscapeHTML}
	}
	r.budget, r.data, r.strict = newBudget(o.Limits), data, o.Strict
	r.call = Call{Now: o.Now, Zone: o.Zone, Locale: o.Locale, run: r, keywords: r.call.keywords}
	if r.call.Now.IsZero() {
		r.call.Now = time.Now()
	}
	return r
}

// What a rendering may have grown to, in bytes of output and in pieces, if its room is to be kept for the next.
const (
	mostKept       = 64 << 10
	mostKeptPieces = 2048
)

// end gives the rendering back for the next, with its room and without its data.
func (r *run) end() {
	if cap(r.out) > mostKept || cap(r.kept.list) > mostKeptPieces {
		return
	}
	clear(r.frames[:cap(r.frames)])
	clear(r.args[:cap(r.args)])
	clear(r.call.keywords[:cap(r.call.keywords)])
	*r = run{template: r.template, html: r.html, out: r.out[:0], frames: r.frames[:0], args: r.args[:0],
		kept: pieces{list: r.kept.list[:0]}, call: Call{keywords: r.call.keywords[:0]}}
	r.template.runs.Put(r)
}

// node is one piece of a compiled template.
type node interface {
	render(r *run) error
	survey(s *survey)
	line() int
}

// at is the line of a node.
type at int

func (a at) line() int { return int(a) }

// block renders nodes until their end, an error, or a break or continue.
func (r *run) block(nodes []node) error {
	for _, n := range nodes {
		err := r.step(1)
		if err == nil {
			err = n.render(r)
		}
		if err != nil {
			if u, ok := errors.AsType[Unfilled](err); ok {
				err = r.lacks(u)
			}
		}
		if err != nil {
			return located(err, n.line(), r.partial)
		}
		if r.interrupt != goOn {
			return nil
		}
	}
	return nil
}

// capture renders nodes into a string instead of the output.
func (r *run) capture(nodes []node) (string, error) {
	mark := len(r.out)
	r.captures++
	err := r.block(nodes)
	r.captures--
	if err != nil {
		return "", err
	}
	s := string(r.out[mark:])
	r.out = r.out[:mark]
	return s, nil
}

// text is a static piece.
type text struct {
	at
	bytes []byte
}

func (t *text) render(r *run) error {
	if err := r.grow(len(t.bytes)); err != nil {
		return err
	}
	if r.pieces != nil && r.captures == 0 {
		r.pieces.static(t.bytes, len(r.out))
		return nil
	}
	r.out = append(r.out, t.bytes...)
	return nil
}

func (t *text) survey(*survey) {}

// lookup finds a name: loop variables, then assigned ones, then counters, then the data.
func (r *run) lookup(name string) (any, bool) {
	for i := len(r.frames) - 1; i >= r.base; i-- {
		if r.frames[i].name == name {
			return r.frames[i].value, true
		}
	}
	if v, ok := r.assigned[name]; ok {
		return v, true
	}
	if n, ok := r.counters[name]; ok {
		return n, true
	}
	v, ok := r.data[name]
	return v, ok
}

func (r *run) assign(name string, v any) {
	if r.assigned == nil {
		r.assigned = make(map[string]any)
	}
	r.assigned[name] = v
}

// pieces remembers which parts of the output are static. Dynamic ones lie in run.out, which may
// move as it grows, so they are kept as offsets.
type pieces struct {
	list []piece
	done int // bytes of run.out that list covers
}

type piece struct {
	static     []byte
	start, end int
}

func (p *pieces) static(b []byte, out int) {
	p.flush(out)
	p.list = append(p.list, piece{static: b})
}

func (p *pieces) flush(out int) {
	if out > p.done {
		p.list = append(p.list, piece{start: p.done, end: out})
		p.done = out
	}
}
