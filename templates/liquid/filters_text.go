package liquid

import (
	"encoding/base64"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

func textFilters(html bool) map[string]builtin {
	m := map[string]builtin{
		"append":                 {apply: appendFilter, min: 1, max: 1, markup: true},
		"prepend":                {apply: prepend, min: 1, max: 1, markup: true},
		"base64_encode":          {apply: encode64(base64.StdEncoding)},
		"base64_decode":          {apply: decode64(base64.StdEncoding)},
		"base64_url_safe_encode": {apply: encode64(base64.URLEncoding)},
		"base64_url_safe_decode": {apply: decode64(base64.URLEncoding)},
		"capitalize":             onText(capitalize),
		"downcase":               onText(strings.ToLower),
		"upcase":                 onText(strings.ToUpper),
		"escape":                 {apply: escapeFilter(html), markup: true},
		"escape_once":            {apply: escapeOnce(html), markup: true},
		"json":                   {apply: toJSON},
		"newline_to_br":          {apply: newlineToBR(html), markup: true},
		"raw":                    {apply: raw(html), markup: true},
		"remove":                 {apply: replaceAll, min: 1, max: 1},
		"remove_first":           {apply: replaceFirst, min: 1, max: 1},
		"remove_last":            {apply: replaceLast, min: 1, max: 1},
		"replace":                {apply: replaceAll, min: 1, max: 2},
		"replace_first":          {apply: replaceFirst, min: 1, max: 2},
		"replace_last":           {apply: replaceLast, min: 2, max: 2},
		"slice":                  {apply: slice, min: 1, max: 2},
		"split":                  {apply: split, min: 1, max: 1},
		"squish":                 onText(squish),
		"strip":                  keepsMarkup(strip),
		"lstrip":                 keepsMarkup(lstrip),
		"rstrip":                 keepsMarkup(rstrip),
		"strip_newlines":         keepsMarkup(stripNewlines),
		"strip_html":             onText(stripHTML),
		"truncate":               {apply: truncate, max: 2},
		"truncatewords":          {apply: truncateWords, max: 2},
		"url_encode":             {apply: urlEncode},
		"url_param_encode":       {apply: urlParamEncode},
		"url_decode":             {apply: urlDecode},
	}
	m["h"] = m["escape"]
	m["safe"] = m["raw"]
	return m
}

// onText makes a filter of a function on text; nothing stays nothing.
func onText(f func(string) string) builtin {
	return builtin{apply: func(_ *Call, in any, _ []any) (any, error) {
		if in == nil {
			return "", nil
		}
		return f(asText(in)), nil
	}}
}

// keepsMarkup is onText for functions that cannot break HTML.
func keepsMarkup(f func(string) string) builtin {
	b := onText(f)
	b.markup = true
	text := b.apply
	b.apply = func(c *Call, in any, args []any) (any, error) {
		switch in := in.(type) {
		case markup:
			return markup(f(string(in))), nil
		case loose:
			return loose(f(string(in))), nil
		default:
			return text(c, in, args)
		}
	}
	return b
}

// glue joins two values; beside markup a text is escaped.
func glue(c *Call, a, b any) (any, error) {
	_, left := a.(markup)
	_, right := b.(markup)
	if left || right {
		x, y := asHTML(a), asHTML(b)
		if err := c.Grow(len(x) + len(y)); err != nil {
			return nil, err
		}
		return markup(x + y), nil
	}
	_, left = a.(loose)
	_, right = b.(loose)
	x, y := asText(a), asText(b)
	if err := c.Grow(len(x) + len(y)); err != nil {
		return nil, err
	}
	if left || right {
		return loose(x + y), nil
	}
	return x + y, nil
}

func appendFilter(c *Call, in any, args []any) (any, error) { return glue(c, in, args[0]) }
func prepend(c *Call, in any, args []any) (any, error)      { return glue(c, args[0], in) }

func capitalize(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToTitle(first)) + strings.ToLower(s[size:])
}

func squish(s string) string { return strings.Join(strings.Fields(s), " ") }

func strip(s string) string  { return strings.TrimFunc(s, isSpaceRune) }
func lstrip(s string) string { return strings.TrimLeftFunc(s, isSpaceRune) }
func rstrip(s string) string { return strings.TrimRightFunc(s, isSpaceRune) }

func stripNewlines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", ""), "\n", "")
}

// replaceAll replaces every occurrence; without a second argument it removes them.
func replaceAll(c *Call, in any, args []any) (any, error) {
	s, old, replacement := asText(in), asText(args[0]), asText(argument(args, 1, nil))
	n := strings.Count(s, old)
	if n == 0 {
		return in2text(in, s), nil
	}
	if growth := len(replacement) - len(old); growth > 0 && n > math.MaxInt32/growth {
		return nil, c.Grow(math.MaxInt)
	}
	if err := c.Grow(len(s) + n*max(0, len(replacement)-len(old))); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(s, old, replacement), nil
}

// in2text gives the text back as the value it came from when it was one, so that an unchanged
// text is not charged.
func in2text(in any, s string) any {
	if _, ok := in.(string); ok {
		return in
	}
	return s
}

func replaceFirst(_ *Call, in any, args []any) (any, error) {
	return strings.Replace(asText(in), asText(args[0]), asText(argument(args, 1, nil)), 1), nil
}

func replaceLast(_ *Call, in any, args []any) (any, error) {
	s, old := asText(in), asText(args[0])
	i := strings.LastIndex(s, old)
	if i < 0 {
		return s, nil
	}
	return s[:i] + asText(argument(args, 1, nil)) + s[i+len(old):], nil
}

// slice is part of a text or an array: from an offset, which may count from the end, and one
// element long unless a length is given.
func slice(_ *Call, in any, args []any) (any, error) {
	offset, err := toInteger(args[0])
	if err != nil {
		return nil, err
	}
	length := int64(1)
	if n := argument(args, 1, nil); n != nil {
		if length, err = toInteger(n); err != nil {
			return nil, err
		}
	}
	if list, ok := in.([]any); ok {
		from, to := cut(int64(len(list)), offset, length)
		return list[from:to:to], nil
	}
	runes := []rune(asText(in))
	from, to := cut(int64(len(runes)), offset, length)
	return string(runes[from:to]), nil
}

func cut(n, offset, length int64) (from, to int64) {
	if offset < 0 {
		offset += n
	}
	if offset < 0 || offset > n || length < 0 {
		return 0, 0
	}
	return offset, offset + min(length, n-offset)
}

func split(c *Call, in any, args []any) (any, error) {
	s, separator := asText(in), asText(args[0])
	if s == "" {
		return []any{}, nil
	}
	n := strings.Count(s, separator) + 1
	if separator == " " {
		n = len(s)/2 + 1
	}
	if err := c.run.growList(n); err != nil {
		return nil, err
	}
	c.charged = true
	var parts []string
	if separator == " " {
		parts = strings.FieldsFunc(s, isSpaceRune)
	} else {
		parts = strings.Split(s, separator)
	}
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	list := make([]any, len(parts))
	for i, p := range parts {
		list[i] = p
	}
	return list, nil
}

func truncate(_ *Call, in any, args []any) (any, error) {
	if in == nil {
		return nil, nil
	}
	length, err := toInteger(argument(args, 0, int64(50)))
	if err != nil {
		return nil, err
	}
	s, end := asText(in), asText(argument(args, 1, "..."))
	runes := []rune(s)
	if int64(len(runes)) <= length {
		return s, nil
	}
	keep := max(0, length-int64(utf8.RuneCountInString(end)))
	return string(runes[:keep]) + end, nil
}

func truncateWords(_ *Call, in any, args []any) (any, error) {
	if in == nil {
		return nil, nil
	}
	n, err := toInteger(argument(args, 0, int64(15)))
	if err != nil {
		return nil, err
	}
	n = max(n, 1)
	s := asText(in)
	words := strings.FieldsFunc(s, isSpaceRune)
	if int64(len(words)) <= n {
		return s, nil
	}
	return strings.Join(words[:n], " ") + asText(argument(args, 1, "...")), nil
}
