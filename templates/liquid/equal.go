package liquid

import (
	"strings"
	"time"
	"unicode"
)

// equal is ==. What it looks through is charged to the budget, which the next step checks.
func (r *run) equal(a, b any) bool {
	a, b = plain(normal(a)), plain(normal(b))
	if s, ok := a.(special); ok {
		return s.matches(b)
	}
	if s, ok := b.(special); ok {
		return s.matches(a)
	}
	switch x := a.(type) {
	case nil:
		return b == nil
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	case string:
		y, ok := b.(string)
		if ok && len(x) == len(y) {
			r.steps -= len(x) >> 6
		}
		return ok && x == y
	case int64:
		switch y := b.(type) {
		case int64:
			return x == y
		case decimal:
			return decimal(x) == y
		}
		return false
	case decimal:
		switch y := b.(type) {
		case int64:
			return x == decimal(y)
		case decimal:
			return x == y
		}
		return false
	case span:
		y, ok := b.(span)
		return ok && x == y
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if r.steps--; r.steps < 0 || !r.equal(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any, *Object:
		if !isObject(b) || objectLen(x) != objectLen(b) {
			return false
		}
		for _, k := range keysOf(x) {
			e, _ := member(x, k)
			f, ok := member(b, k)
			if r.steps--; r.steps < 0 || !ok || !r.equal(e, f) {
				return false
			}
		}
		return true
	case *forloop:
		return a == b
	case *tableloop:
		return a == b
	default:
		return false
	}
}

func (s special) matches(v any) bool {
	switch v := v.(type) {
	case nil, bool:
		return s == blank && !truthy(v)
	case string:
		return v == "" || s == blank && strings.TrimFunc(v, unicode.IsSpace) == ""
	case []any:
		return len(v) == 0
	case map[string]any, *Object:
		return objectLen(v) == 0
	default:
		return false
	}
}
