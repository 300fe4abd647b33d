package liquid

import (
	"slices"
	"strings"
	"unicode/utf8"
)

func arrayFilters() map[string]builtin {
	return map[string]builtin{
		"compact":      {apply: compact, max: 1},
		"concat":       {apply: concat, min: 1, max: 1},
		"find":         {apply: find, min: 1, max: 2},
		"find_index":   {apply: findIndex, min: 1, max: 2},
		"first":        {apply: func(_ *Call, in any, _ []any) (any, error) { return firstOf(in), nil }},
		"has":          {apply: has, min: 1, max: 2},
		"join":         {apply: join, max: 1},
		"last":         {apply: func(_ *Call, in any, _ []any) (any, error) { return lastOf(in), nil }},
		"map":          {apply: mapFilter, min: 1, max: 1},
		"reject":       {apply: reject, min: 1, max: 2},
		"reverse":      {apply: reverse},
		"size":         {apply: size},
		"sort":         {apply: sorting(itself), max: 1},
		"sort_natural": {apply: sorting(caseless), max: 1},
		"sum":          {apply: sum, max: 1},
		"uniq":         {apply: uniq, max: 1},
		"where":        {apply: where, min: 1, max: 2},
	}
}

// list is a value as the array filters see it: arrays flattened, anything else as an array of it.
func list(c *Call, v any) ([]any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		if !slices.ContainsFunc(v, isList) {
			return v, nil
		}
		return flatten(c, nil, v)
	case span:
		if err := c.run.growList(v.len()); err != nil {
			return nil, err
		}
		out := make([]any, v.len())
		for i := range out {
			out[i] = v.lo + int64(i)
		}
		return out, nil
	default:
		return []any{v}, nil
	}
}

func isList(v any) bool {
	switch v.(type) {
	case []any, []string, []map[string]any:
		return true
	default:
		return false
	}
}

func flatten(c *Call, dst, v []any) ([]any, error) {
	if err := c.run.growList(len(v)); err != nil {
		return nil, err
	}
	for _, e := range v {
		inner, ok := normal(e).([]any)
		if !ok {
			dst = append(dst, e)
			continue
		}
		var err error
		if dst, err = flatten(c, dst, inner); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// selectable is false of what has no properties at all: filters that look for one give nothing.
func selectable(v any) bool {
	switch v.(type) {
	case nil, bool, decimal:
		return false
	default:
		return true
	}
}

// selected is e[key] as Ruby reads it: a member of an object; a text, if it contains the key; a
// bit of an integer.
func selected(e, key any) (any, error) {
	switch e := e.(type) {
	case map[string]any, *Object:
		if k, ok := key.(string); ok {
			v, _ := member(e, k)
			return v, nil
		}
		return nil, nil
	case string:
		if k, ok := key.(string); ok {
			if strings.Contains(e, k) {
				return k, nil
			}
			return nil, nil
		}
		if i, ok := key.(int64); ok {
			from, to := cut(int64(len(e)), i, 1)
			if from == to {
				return nil, nil
			}
			return e[from:to], nil
		}
	case int64:
		if i, ok := key.(int64); ok {
			if i < 0 {
				return int64(0), nil
			}
			return e >> min(i, 63) & 1, nil
		}
	}
	return nil, mistake("", "cannot select %s from %s", quoteValue(key), describe(e))
}

// test runs yes for the elements whose property matches, until it returns false. It is not ok
// when an element has no properties, or when texts are asked for nothing.
func test(c *Call, in any, args []any, each func(i int, e any, matches bool) bool) (ok bool, err error) {
	elements, err := list(c, in)
	if err != nil {
		return false, err
	}
	key, target := args[0], argument(args, 1, nil)
	for i, e := range elements {
		e = normal(e)
		if _, isText := e.(string); !selectable(e) || isText && key == nil {
			return false, nil
		}
		v, err := selected(e, key)
		if err != nil {
			return false, err
		}
		matches := truthy(v)
		if target != nil {
			matches = c.run.equal(v, target)
		}
		if err := c.run.step(1); err != nil {
			return false, err
		}
		if !each(i, e, matches) {
			break
		}
	}
	return true, nil
}

func where(c *Call, in any, args []any) (any, error)  { return keep(c, in, args, true) }
func reject(c *Call, in any, args []any) (any, error) { return keep(c, in, args, false) }

func keep(c *Call, in any, args []any, wanted bool) (any, error) {
	out := []any{}
	ok, err := test(c, in, args, func(_ int, e any, matches bool) bool {
		if matches == wanted {
			out = append(out, e)
		}
		return true
	})
	if err != nil || !ok {
		return nil, err
	}
	return out, nil
}

func find(c *Call, in any, args []any) (any, error) {
	var found any
	ok, err := test(c, in, args, func(_ int, e any, matches bool) bool {
		if matches {
			found = e
		}
		return !matches
	})
	if err != nil || !ok {
		return nil, err
	}
	return found, nil
}

func findIndex(c *Call, in any, args []any) (any, error) {
	var found any
	ok, err := test(c, in, args, func(i int, _ any, matches bool) bool {
		if matches {
			found = int64(i)
		}
		return !matches
	})
	if err != nil || !ok {
		return nil, err
	}
	return found, nil
}

func has(c *Call, in any, args []any) (any, error) {
	found := false
	ok, err := test(c, in, args, func(_ int, _ any, matches bool) bool {
		found = matches
		return !matches
	})
	if err != nil || !ok {
		return nil, err
	}
	return found, nil
}

func compact(c *Call, in any, args []any) (any, error) {
	elements, err := list(c, in)
	if err != nil {
		return nil, err
	}
	key := argument(args, 0, nil)
	out := []any{}
	for _, e := range elements {
		v := normal(e)
		if key != nil {
			if !selectable(v) {
				return nil, nil
			}
			if v, err = selected(v, key); err != nil {
				return nil, err
			}
		}
		if v != nil {
			out = append(out, e)
		}
	}
	return out, nil
}

func concat(c *Call, in any, args []any) (any, error) {
	left, err := list(c, in)
	if err != nil {
		return nil, err
	}
	right, ok := args[0].([]any)
	if !ok {
		return nil, mistake("", "needs an array, not %s", describe(args[0]))
	}
	if err := c.run.growList(len(left) + len(right)); err != nil {
		return nil, err
	}
	out := slices.Concat(left, right)
	c.charged = true
	return out, growText(c, out)
}

// growText charges for all the text in an array. An array of concat may hold one long text many
// times over, at no cost until it is printed, and then it is too late to ask.
func growText(c *Call, v any) error {
	switch v := normal(v).(type) {
	case string:
		return c.Grow(elementBytes + len(v))
	case []any:
		if err := c.run.growList(len(v)); err != nil {
			return err
		}
		for _, e := range v {
			if err := growText(c, e); err != nil {
				return err
			}
		}
		return nil
	case map[string]any, *Object:
		for _, k := range keysOf(v) {
			if err := c.run.step(1); err != nil {
				return err
			}
			e, _ := member(v, k)
			if err := c.Grow(len(k)); err != nil {
				return err
			}
			if err := growText(c, e); err != nil {
				return err
			}
		}
		return nil
	default:
		return nil
	}
}

func join(c *Call, in any, args []any) (any, error) {
	elements, err := list(c, in)
	if err != nil {
		return nil, err
	}
	glue := asText(argument(args, 0, " "))
	var b []byte
	for i, e := range elements {
		mark := len(b)
		if i > 0 {
			b = append(b, glue...)
		}
		b = appendText(b, e)
		if err := c.Grow(len(b) - mark); err != nil {
			return nil, err
		}
	}
	return string(b), nil
}

func mapFilter(c *Call, in any, args []any) (any, error) {
	elements, err := list(c, in)
	if err != nil {
		return nil, err
	}
	if err := c.run.growList(len(elements)); err != nil {
		return nil, err
	}
	c.charged = true
	out := make([]any, len(elements))
	for i, e := range elements {
		e = normal(e)
		if !selectable(e) {
			continue
		}
		if out[i], err = selected(e, args[0]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func reverse(c *Call, in any, _ []any) (any, error) {
	elements, err := list(c, in)
	if err != nil {
		return nil, err
	}
	if err := c.run.growList(len(elements)); err != nil {
		return nil, err
	}
	c.charged = true
	out := slices.Clone(elements)
	slices.Reverse(out)
	return out, nil
}

func size(_ *Call, in any, _ []any) (any, error) {
	switch in := in.(type) {
	case string:
		return int64(utf8.RuneCountInString(in)), nil
	case []any:
		return int64(len(in)), nil
	case span:
		return int64(in.len()), nil
	default:
		return int64(objectLen(in)), nil
	}
}

// sortClock is how many comparisons pass between two looks at the clock.
const sortClock = 1024

// sorting sorts by what fold makes of the elements, or of a property of theirs; nothing comes last.
func sorting(fold func(*Call, any) (any, error)) Filter {
	return func(c *Call, in any, args []any) (any, error) {
		elements, err := list(c, in)
		if err != nil || len(elements) == 0 {
			return []any{}, err
		}
		if err := c.run.growList(2 * len(elements)); err != nil {
			return nil, err
		}
		c.charged = true
		keyed, ok, err := keyed(elements, argument(args, 0, nil))
		if err != nil || !ok {
			return nil, err
		}
		for i, k := range keyed {
			if keyed[i].key, err = fold(c, k.key); err != nil {
				return nil, err
			}
		}
		compared := 0
		slices.SortStableFunc(keyed, func(a, b keyedElement) int {
			if compared++; compared%sortClock == 0 && err == nil {
				err = c.run.clock()
			}
			if err != nil {
				return 0
			}
			n, wrong := nilLast(a.key, b.key)
			if wrong != nil {
				err = wrong
			}
			return n
		})
		if err != nil {
			return nil, err
		}
		out := make([]any, len(keyed))
		for i, k := range keyed {
			out[i] = k.element
		}
		return out, nil
	}
}

type keyedElement struct{ key, element any }

func keyed(elements []any, key any) (out []keyedElement, ok bool, err error) {
	out = make([]keyedElement, len(elements))
	for i, e := range elements {
		v := normal(e)
		out[i] = keyedElement{v, e}
		if key == nil {
			continue
		}
		if !selectable(v) {
			return nil, false, nil
		}
		if out[i].key, err = selected(v, key); err != nil {
			return nil, false, err
		}
	}
	return out, true, nil
}

func itself(_ *Call, v any) (any, error) { return v, nil }

// caseless makes texts that sort without regard to case.
func caseless(c *Call, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	s := asText(v)
	return strings.ToLower(s), c.Grow(len(s))
}

func nilLast(a, b any) (int, error) {
	switch {
	case a == nil && b == nil:
		return 0, nil
	case a == nil:
		return 1, nil
	case b == nil:
		return -1, nil
	}
	n, ok := compare(a, b)
	if !ok {
		return 0, mistake("", "cannot compare %s with %s", describe(a), describe(b))
	}
	return n, nil
}

func sum(c *Call, in any, args []any) (any, error) {
	elements, err := list(c, in)
	if err != nil {
		return nil, err
	}
	key := argument(args, 0, nil)
	total := number{}
	for _, e := range elements {
		e = normal(e)
		if key != nil {
			if !selectable(e) {
				continue
			}
			if e, err = selected(e, key); err != nil {
				return nil, err
			}
		}
		parts, err := list(c, e)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			if total, err = add.apply(total, toNumber(p)); err != nil {
				return nil, err
			}
		}
	}
	return total.value(), nil
}

func uniq(c *Call, in any, args []any) (any, error) {
	elements, err := list(c, in)
	if err != nil {
		return nil, err
	}
	key := argument(args, 0, nil)
	seen := make(map[string]bool, min(len(elements), 1024))
	out := []any{}
	for _, e := range elements {
		v := normal(e)
		if key != nil {
			if !selectable(v) {
				return nil, nil
			}
			if v, err = selected(v, key); err != nil {
				return nil, err
			}
		}
		id := string(appendInspect(nil, v))
		if err := c.run.grow(len(id)); err != nil {
			return nil, err
		}
		if !seen[id] {
			seen[id] = true
			out = append(out, e)
		}
	}
	return out, nil
}
