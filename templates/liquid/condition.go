package liquid

import (
	"strings"
	"time"
)

// condition is what if, elsif and unless test: comparisons joined by and and or, which Liquid
// reads from the right: `a and b or c` is `a and (b or c)`.
type condition struct {
	left  expression
	op    string // empty: is left true?
	right expression
	join  string // and, or, or empty
	rest  *condition
}

func (c *cursor) condition() (*condition, error) {
	first, err := c.comparison()
	if err != nil {
		return nil, err
	}
	for last := first; ; last = last.rest {
		switch {
		case c.accept("and"):
			last.join = "and"
		case c.accept("or"):
			last.join = "or"
		default:
			return first, c.end()
		}
		if last.rest, err = c.comparison(); err != nil {
			return nil, err
		}
	}
}

func (c *cursor) comparison() (*condition, error) {
	left, err := c.expression(true)
	if err != nil {
		return nil, err
	}
	x := &condition{left: left}
	switch {
	case c.symbol.kind == comparator:
		x.op = c.symbol.text
		if x.op == "<>" {
			x.op = "!="
		}
		c.next()
	case c.accept("contains"):
		x.op = "contains"
	default:
		return x, nil
	}
	x.right, err = c.expression(true)
	return x, err
}

func (c *condition) holds(r *run) (bool, error) {
	for {
		ok, err := c.compare(r)
		if err != nil {
			return false, err
		}
		if c.join == "" || c.join == "and" && !ok || c.join == "or" && ok {
			return ok, nil
		}
		c = c.rest
	}
}

func (c *condition) compare(r *run) (bool, error) {
	if err := r.step(1); err != nil {
		return false, err
	}
	left, err := c.left.eval(r, true)
	if err != nil {
		return false, err
	}
	if u, ok := left.(Unfilled); ok {
		return false, u
	}
	if c.op == "" {
		return truthy(left), nil
	}
	right, err := c.right.eval(r, true)
	if err != nil {
		return false, err
	}
	if u, ok := right.(Unfilled); ok {
		return false, u
	}
	switch c.op {
	case "==":
		return r.equal(left, right), nil
	case "!=":
		return !r.equal(left, right), nil
	case "contains":
		return r.contains(plain(left), plain(right))
	default:
		return ordered(c.op, plain(left), plain(right))
	}
}

func (r *run) contains(left, right any) (bool, error) {
	if !truthy(left) || !truthy(right) {
		return false, nil
	}
	switch l := left.(type) {
	case string:
		if err := r.read(len(l)); err != nil {
			return false, err
		}
		if _, ok := right.(special); ok {
			return false, nil
		}
		return strings.Contains(l, asText(right)), nil
	case []any:
		if err := r.step(len(l)); err != nil {
			return false, err
		}
		for _, e := range l {
			if r.equal(e, right) {
				return true, nil
			}
		}
	case map[string]any, *Object:
		key, ok := right.(string)
		if !ok {
			return false, nil
		}
		_, ok = member(l, key)
		return ok, nil
	case span:
		if n, ok := right.(int64); ok {
			return n >= l.lo && n <= l.hi, nil
		}
	}
	return false, nil
}

// ordered is <, <=, > and >=. Numbers compare with numbers and texts with texts; a number with a
// text is an error, and anything else is false.
func ordered(op string, left, right any) (bool, error) {
	order, ok := compare(left, right)
	if !ok {
		if isOrdered(left) && isOrdered(right) {
			return false, mistake("", "cannot compare %s with %s", describe(left), describe(right))
		}
		return false, nil
	}
	switch op {
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	default:
		return order >= 0, nil
	}
}

// compare orders two values of one kind.
func compare(a, b any) (int, bool) {
	switch x := a.(type) {
	case int64:
		switch y := b.(type) {
		case int64:
			return order(x, y), true
		case decimal:
			return order(decimal(x), y), true
		}
	case decimal:
		switch y := b.(type) {
		case int64:
			return order(x, decimal(y)), true
		case decimal:
			return order(x, y), true
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), true
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y), true
		}
	}
	return 0, false
}

func order[T int64 | decimal](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func isOrdered(v any) bool {
	switch v.(type) {
	case int64, decimal, string, time.Time:
		return true
	default:
		return false
	}
}

func describe(v any) string {
	switch v.(type) {
	case int64, decimal:
		return "the number " + asText(v)
	case string:
		return "the text " + quoteValue(v)
	case time.Time:
		return "a time"
	case nil:
		return "nothing"
	case bool:
		return asText(v)
	case []any, span:
		return "an array"
	default:
		return "an object"
	}
}
