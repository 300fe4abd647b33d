package liquid

import (
	"encoding/json"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// Values inside the engine are nil, bool, string, int64, decimal, []any, map[string]any, *Object,
// time.Time, span, *forloop, *tableloop, Unfilled, and in HTML templates markup and loose.

// decimal is a number with a fraction, even when the fraction is zero: 5.0 prints as "5.0".
type decimal float64

// markup is HTML made by the template itself: a capture, or the result of raw or escape.
type markup string

// loose is text that came out of markup through a filter that knows nothing of HTML (upcase,
// truncate): it may hold entities, but must not be trusted to be well-formed.
type loose string

// span is the range (lo..hi), walked without being built.
type span struct{ lo, hi int64 }

func (s span) len() int {
	if s.hi < s.lo {
		return 0
	}
	n := uint64(s.hi) - uint64(s.lo) + 1
	if n == 0 || n > math.MaxInt32 {
		return math.MaxInt32 // beyond every budget
	}
	return int(n)
}

// special is `blank` or `empty` where it is compared with.
type special uint8

const (
	blank special = iota + 1
	empty
)

// normal turns a value as callers give it into one of the engine's.
func normal(v any) any {
	if _, ok := v.(string); ok { // nearly all are
		return v
	}
	switch v := v.(type) {
	case nil, bool, int64, decimal, []any, map[string]any, *Object, time.Time, span,
		markup, loose, *forloop, *tableloop, special, Unfilled:
		return v
	case float64:
		return fromFloat(v)
	case int:
		return int64(v)
	case json.Number:
		return fromNumber(v)
	case float32:
		return fromFloat(float64(v))
	case int32:
		return int64(v)
	case uint32:
		return int64(v)
	case uint64:
		if v > math.MaxInt64 {
			return decimal(v)
		}
		return int64(v)
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return list
	case []map[string]any:
		list := make([]any, len(v))
		for i, m := range v {
			list[i] = m
		}
		return list
	case map[string]string:
		m := make(map[string]any, len(v))
		for k, s := range v {
			m[k] = s
		}
		return m
	default:
		return nil
	}
}

func fromFloat(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return decimal(f)
}

func fromNumber(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		return nil
	}
	return decimal(f)
}

// outward turns a value into one that custom filters may see.
func outward(v any) any {
	switch v := v.(type) {
	case decimal:
		return float64(v)
	case markup:
		return string(v)
	case loose:
		return string(v)
	case span, *forloop, *tableloop:
		return asText(v)
	default:
		return v
	}
}

// plain forgets that a text is HTML.
func plain(v any) any {
	switch v := v.(type) {
	case markup:
		return string(v)
	case loose:
		return string(v)
	default:
		return v
	}
}

func truthy(v any) bool { return v != nil && v != false }

// keysOf gives the keys of an object in its order, those of a plain map sorted.
func keysOf(v any) []string {
	switch v := v.(type) {
	case *Object:
		return v.keys
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		return keys
	default:
		return nil
	}
}

// member is the value of a key of an object.
func member(v any, key string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		e, ok := v[key]
		return normal(e), ok
	case *Object:
		e, ok := v.values[key]
		return normal(e), ok
	default:
		return nil, false
	}
}

func isObject(v any) bool {
	switch v.(type) {
	case map[string]any, *Object:
		return true
	default:
		return false
	}
}

func objectLen(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return len(v)
	case *Object:
		return len(v.values)
	default:
		return 0
	}
}

// property is v.key (dotted, where size, first and last are commands too) or v[key].
func property(v any, key string, dotted bool) (any, bool) {
	switch v := v.(type) {
	case Unfilled:
		return v, true
	case map[string]any, *Object:
		if e, ok := member(v, key); ok {
			return e, true
		}
		if !dotted {
			return nil, false
		}
		switch key {
		case "size":
			return int64(objectLen(v)), true
		case "first":
			return firstOf(v), true
		}
		return nil, false
	case *forloop:
		return v.property(key)
	case *tableloop:
		return v.property(key)
	case []any:
		if !dotted {
			return nil, false
		}
		switch key {
		case "size":
			return int64(len(v)), true
		case "first":
			return firstOf(v), true
		case "last":
			return lastOf(v), true
		}
	case span:
		switch {
		case !dotted:
		case key == "size":
			return int64(v.len()), true
		case key == "first":
			return v.lo, true
		case key == "last":
			return v.hi, true
		}
	case string:
		if dotted && key == "size" {
			return int64(utf8.RuneCountInString(v)), true
		}
		if dotted && (key == "first" || key == "last") {
			return nil, true
		}
	case markup:
		return property(string(v), key, dotted)
	case loose:
		return property(string(v), key, dotted)
	}
	return nil, false
}

// element is v[i]; a negative index counts from the end.
func element(v any, i int64) (any, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	if i < 0 {
		i += int64(len(list))
	}
	if i < 0 || i >= int64(len(list)) {
		return nil, false
	}
	return normal(list[i]), true
}

func firstOf(v any) any {
	switch v := v.(type) {
	case []any:
		if len(v) > 0 {
			return normal(v[0])
		}
	case span:
		return v.lo
	case map[string]any, *Object:
		if keys := keysOf(v); len(keys) > 0 {
			e, _ := member(v, keys[0])
			return []any{keys[0], e}
		}
	}
	return nil
}

func lastOf(v any) any {
	switch v := v.(type) {
	case []any:
		if len(v) > 0 {
			return normal(v[len(v)-1])
		}
	case span:
		return v.hi
	}
	return nil
}
