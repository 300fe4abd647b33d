package liquid

// elements is how for, tablerow and render walk a value.
type elements struct {
	list []any
	span span
	n    int
	text bool // one text: limit and offset do not apply
}

func (e *elements) at(i int) any {
	if e.list != nil {
		return normal(e.list[i])
	}
	return e.span.lo + int64(i)
}

// cut keeps the elements from offset to before end.
func (e *elements) cut(offset, end int64) {
	if e.text {
		return
	}
	end = min(max(end, 0), int64(e.n))
	from := min(max(offset, 0), end)
	e.n = int(end - from)
	if e.list != nil {
		e.list = e.list[from:end]
		return
	}
	e.span.lo += from
}

func (r *run) elementsOf(v any) (elements, error) {
	switch v := v.(type) {
	case []any:
		return elements{list: v, n: len(v)}, nil
	case span:
		return elements{span: v, n: v.len()}, nil
	case string, markup, loose:
		if asText(v) == "" {
			return elements{}, nil
		}
		return elements{list: []any{v}, n: 1, text: true}, nil
	case map[string]any, *Object:
		keys := keysOf(v)
		if err := r.growList(3 * len(keys)); err != nil {
			return elements{}, err
		}
		list := make([]any, len(keys))
		for i, k := range keys {
			e, _ := member(v, k)
			list[i] = []any{k, e}
		}
		return elements{list: list, n: len(list)}, nil
	case Unfilled:
		return elements{}, v
	default:
		return elements{}, nil
	}
}
