package templates

import (
	"strings"

	"rapport/templates/liquid"
)

// HoldPlace makes a variable that nothing supplies print itself, {{ its path }}, whatever a text does with it. It writes
// into data and the objects there.
func HoldPlace(data map[string]any, path string) {
	held := liquid.Unfilled("{{ " + path + " }}")
	parts := strings.Split(path, ".")
	var at any = data
	set := func(key string, v any) {
		switch at := at.(type) {
		case map[string]any:
			at[key] = v
		case *liquid.Object:
			at.Set(key, v)
		}
	}
	for i, p := range parts {
		var next any
		switch at := at.(type) {
		case map[string]any:
			next = at[p]
		case *liquid.Object:
			next, _ = at.Get(p)
		}
		last := i == len(parts)-1
		switch next.(type) {
		case map[string]any, *liquid.Object:
			if last {
				set(p, held)
			}
		case liquid.Unfilled: // so is all of it
			return
		case nil:
			if last {
				set(p, held)
				return
			}
			next = map[string]any{}
			set(p, next)
		default: // a value without members: what it is read for is not there
			set(p, held)
			return
		}
		at = next
	}
}
