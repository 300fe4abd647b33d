package liquid

import (
	stdhtml "html"
	"strings"
)

// asHTML is a value as HTML: markup as it is, everything else escaped.
func asHTML(v any) string {
	switch v := v.(type) {
	case markup:
		return string(v)
	case loose:
		return escapeHTML(stdhtml.UnescapeString(string(v)))
	default:
		return escapeHTML(asText(v))
	}
}

func escapeHTML(s string) string {
	if !strings.ContainsAny(s, "&<>\"'\x00") {
		return s
	}
	return string(appendEscaped(nil, s, &htmlEscapes))
}

// marked is HTML where output is escaped, and plain text elsewhere.
func marked(html bool, s string) any {
	if html {
		return markup(s)
	}
	return s
}

func escapeFilter(html bool) Filter {
	return func(c *Call, in any, _ []any) (any, error) {
		if in == nil {
			return nil, nil
		}
		s := asText(in)
		if !strings.ContainsAny(s, "&<>\"'\x00") {
			return marked(html, s), nil
		}
		if err := c.Grow(len(s)); err != nil {
			return nil, err
		}
		escaped := escapeHTML(s)
		return marked(html, escaped), c.Grow(len(escaped) - len(s))
	}
}

func escapeOnce(html bool) Filter {
	return func(_ *Call, in any, _ []any) (any, error) {
		s := asText(in)
		var b []byte
		from := 0
		for i := range len(s) {
			e := htmlEscapes[s[i]]
			if e == "" || s[i] == '&' && isEntity(s[i+1:]) {
				continue
			}
			b = append(b, s[from:i]...)
			b = append(b, e...)
			from = i + 1
		}
		return marked(html, string(append(b, s[from:]...))), nil
	}
}

// isEntity is true of `amp;` and `#39;` at the beginning of s.
func isEntity(s string) bool {
	i := 0
	if strings.HasPrefix(s, "#") {
		for i = 1; i < len(s) && isDigit(s[i]); i++ {
		}
		return i > 1 && i < len(s) && s[i] == ';'
	}
	for i < len(s) && isLetter(s[i]) {
		i++
	}
	return i > 0 && i < len(s) && s[i] == ';'
}

func newlineToBR(html bool) Filter {
	return func(c *Call, in any, _ []any) (any, error) {
		s := asText(in)
		if html {
			s = asHTML(in)
		}
		lines := strings.Count(s, "\n")
		if err := c.Grow(len(s) + lines*len("<br />")); err != nil {
			return nil, err
		}
		s = strings.ReplaceAll(s, "\r\n", "\n")
		return marked(html, strings.ReplaceAll(s, "\n", "<br />\n")), nil
	}
}

func raw(html bool) Filter {
	return func(_ *Call, in any, _ []any) (any, error) {
		if !html || in == nil {
			return in, nil
		}
		return markup(asText(in)), nil
	}
}

// stripHTML removes comments, scripts and styles with their content, then every tag.
func stripHTML(s string) string {
	var b strings.Builder
	var missing [3]bool // blocks whose end was looked for in vain: looking once keeps this linear
	blocks := [3][2]string{{"<script", "</script>"}, {"<!--", "-->"}, {"<style", "</style>"}}
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		end := 0
		for k, block := range blocks {
			if !missing[k] && strings.HasPrefix(s, block[0]) {
				if n := strings.Index(s, block[1]); n >= 0 {
					end = n + len(block[1])
				} else {
					missing[k] = true
				}
			}
		}
		if end == 0 {
			end = strings.IndexByte(s, '>') + 1
		}
		if end == 0 {
			break
		}
		s = s[end:]
	}
	b.WriteString(s)
	return b.String()
}
