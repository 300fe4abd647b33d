package liquid

import (
	"fmt"
	"maps"
	"slices"
)

// builtin is a filter and what it may be called with.
type builtin struct {
	apply    Filter
	min, max int // positional arguments
	keywords []string
	// markup is true of filters that know HTML: they see markup and loose values, and answer for
	// what they return. To the others both are texts, and what they make of one is loose.
	markup bool
	custom bool // from Options: any arguments
}

func custom(f Filter) builtin { return builtin{apply: f, custom: true} }

func builtins(html bool) map[string]builtin {
	all := map[string]builtin{
		"default": {apply: defaultFilter, max: 2, keywords: []string{"allow_false"}, markup: true},
	}
	for _, group := range []map[string]builtin{textFilters(html), arrayFilters(), mathFilters(), localeFilters()} {
		maps.Copy(all, group)
	}
	return all
}

// check refuses calls with the wrong number of arguments while the template is parsed.
func (b builtin) check(f *filterCall) error {
	if b.custom {
		return nil
	}
	for _, k := range f.keywords {
		if !slices.Contains(b.keywords, k.name) {
			return mistake(f.name, "%s has no argument %q", f.name, k.name)
		}
	}
	if n := len(f.args); n < b.min || n > b.max {
		return mistake(f.name, "%s takes %s, not %d", f.name, b.arity(), n)
	}
	return nil
}

func (b builtin) arity() string {
	switch {
	case b.max == 0:
		return "no arguments"
	case b.min == b.max && b.max == 1:
		return "1 argument"
	case b.min == b.max:
		return fmt.Sprintf("%d arguments", b.max)
	default:
		return fmt.Sprintf("%d to %d arguments", b.min, b.max)
	}
}

func (b builtin) call(c *Call, in any, args []any) (any, error) {
	if b.custom {
		return b.callCustom(c, in, args)
	}
	if b.markup {
		return b.apply(c, in, args)
	}
	for i := range args {
		args[i] = plain(args[i])
	}
	out, err := b.apply(c, plain(in), args)
	switch in.(type) {
	case markup, loose:
		if s, ok := out.(string); ok {
			out = loose(s)
		}
	}
	return out, err
}

func (b builtin) callCustom(c *Call, in any, args []any) (any, error) {
	for i := range args {
		args[i] = outward(args[i])
	}
	for i := range c.keywords {
		c.keywords[i].value = outward(c.keywords[i].value)
	}
	out, err := b.apply(c, outward(in), args)
	return normal(out), err
}

// argument is args[i], or absent.
func argument(args []any, i int, absent any) any {
	if i < len(args) {
		return args[i]
	}
	return absent
}

// defaultFilter stands in for what is nothing, false or empty.
func defaultFilter(c *Call, in any, args []any) (any, error) {
	v := plain(in)
	missing := !truthy(v)
	if truthy(c.Keyword("allow_false")) {
		missing = v == nil
	}
	switch v := v.(type) {
	case string:
		missing = v == ""
	case []any:
		missing = len(v) == 0
	case map[string]any, *Object:
		missing = objectLen(v) == 0
	}
	if missing {
		return argument(args, 0, ""), nil
	}
	return in, nil
}
