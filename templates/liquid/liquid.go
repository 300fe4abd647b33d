// Package liquid is Rapport's template engine: Shopify's Liquid 5 with HTML escaping by context,
// filters for marketers (money, number, plural, dates in the customer's zone and language) and
// budgets that no template can exceed.
//
// A template is parsed once into static and dynamic segments and may then be rendered by any
// number of goroutines. docs/liquid.md describes the language for those who write templates.
package liquid

import (
	"slices"
	"sync"
	"time"
)

// Options fix the dialect of a parse. The zero value is Shopify's Liquid without escaping and
// without partials.
type Options struct {
	// Escape says how the output of {{ }} is escaped.
	Escape Escape
	// Filters are added to the built-in ones; a name that exists already is replaced.
	Filters map[string]Filter
	// Partials returns the source of the template that include or render names. It must be safe
	// for concurrent use: an include whose name is a variable asks while it renders.
	Partials func(name string) (source string, ok bool)
}

// Escape is the escaping of printed values.
type Escape int

const (
	// EscapeNone prints values as they are: plain text, SMS, subjects.
	EscapeNone Escape = iota
	// EscapeHTML escapes each value for the place it is printed at: text, attribute, URL, CSS.
	// Places where no escaping is safe (scripts, on… attributes, names of tags and attributes)
	// are refused by Parse.
	EscapeHTML
)

// Filter is a function after a pipe. It gets the value before the pipe and the positional
// arguments; both are JSON-shaped (nil, bool, string, int64, float64, []any, map[string]any,
// *Object, time.Time). args is valid only during the call.
type Filter func(c *Call, in any, args []any) (any, error)

// Call is what a filter may know about the rendering it takes part in.
type Call struct {
	Now    time.Time
	Zone   *time.Location // nil when the customer's zone is unknown
	Locale string         // BCP 47, may be empty

	run      *run
	keywords []keyword
	charged  bool
}

type keyword struct {
	name  string
	value any
}

// Keyword is the value of a named argument (`allow_false: true`), nil when it is absent.
func (c *Call) Keyword(name string) any {
	for _, k := range c.keywords {
		if k.name == name {
			return k.value
		}
	}
	return nil
}

// Grow takes n bytes from the rendering's budget. A filter whose result can be much larger than
// its input asks before it builds it; what other filters return is charged after the call.
func (c *Call) Grow(n int) error {
	c.charged = true
	return c.run.grow(n)
}

// Template is a parsed template. It is immutable and safe for concurrent use.
type Template struct {
	nodes   []node
	options Options
	filters map[string]builtin
	runs    sync.Pool // of *run: a rendering costs more in what it allocates than in what it does
}

// Parse compiles source. The error is an *Error that names the line.
func Parse(source string, o Options) (*Template, error) {
	c := newCompiler(o)
	nodes, end, err := c.template(source, "", htmlState{})
	if err != nil {
		return nil, err
	}
	if o.Escape == EscapeHTML && end.where != inText {
		return nil, &Error{Line: 1 + countLines(source), Message: "the template ends " + end.String()}
	}
	return &Template{nodes: nodes, options: o, filters: c.filters}, nil
}

// Run is what one rendering is given besides its data.
type Run struct {
	Limits Limits
	Now    time.Time      // what "now" means to the date filter; zero means the clock
	Zone   *time.Location // dates are shown in it; nil leaves them in the zone they came with
	Locale string         // BCP 47; decides names of months, money, numbers and plural forms
	// Strict makes the use of an undefined variable an error that names it and its line.
	// Conditions may ask for what is undefined, and so may a value piped into `default`.
	Strict bool
}

// Segment is one piece of rendered output. The bytes of a static piece are the template's own:
// the same slice at each rendering, never to be changed, so that a channel may encode it once.
type Segment struct {
	Bytes  []byte
	Static bool
}

// Render executes the template over data: JSON-shaped values (nil, bool, string, numbers,
// json.Number, []any, map[string]any, *Object) and time.Time. Anything else reads as nil.
// Whole-valued float64 numbers count as integers, since that is what JSON means by them.
// Entries of a map[string]any are walked in order of their keys, those of an *Object in its own.
func (t *Template) Render(data map[string]any, r Run) (string, error) {
	x := t.begin(data, r)
	defer x.end()
	if err := x.block(t.nodes); err != nil {
		return "", err
	}
	return string(x.out), nil
}

// AppendRender is Render, appended to dst. After an error dst is returned as it was.
func (t *Template) AppendRender(dst []byte, data map[string]any, r Run) ([]byte, error) {
	x := t.begin(data, r)
	defer x.end()
	if err := x.block(t.nodes); err != nil {
		return dst, err
	}
	return append(dst, x.out...), nil
}

// Segments is Render, in pieces. Dynamic pieces that touch come as one.
func (t *Template) Segments(data map[string]any, r Run) ([]Segment, error) {
	return Pieces(t, data, r, func(b []byte, static bool) Segment { return Segment{Bytes: b, Static: static} })
}

// Pieces is Segments for a caller who has a type of his own for them.
func Pieces[P any](t *Template, data map[string]any, r Run, made func(b []byte, static bool) P) ([]P, error) {
	out, _, err := AppendPieces(nil, nil, t, data, r, made)
	return out, err
}

// AppendPieces is Pieces into memory of the caller's: the pieces are appended to out, and the bytes of those that are
// not static to text. Both come back as they were after an error.
func AppendPieces[P any](out []P, text []byte, t *Template, data map[string]any, r Run, made func(b []byte, static bool) P) ([]P, []byte, error) {
	x := t.begin(data, r)
	defer x.end()
	x.pieces = &x.kept
	if err := x.block(t.nodes); err != nil {
		return out, text, err
	}
	x.pieces.flush(len(x.out))
	start := len(text)
	text = append(text, x.out...) // one allocation, or none, for all of them
	dynamic := text[start:]
	out = slices.Grow(out, len(x.kept.list))
	for _, p := range x.kept.list {
		if p.static != nil {
			out = append(out, made(p.static, true))
		} else {
			out = append(out, made(dynamic[p.start:p.end:p.end], false))
		}
	}
	return out, text, nil
}
