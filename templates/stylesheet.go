package templates

import (
	"strings"
)

// rule is one piece of a style sheet: selectors and their declarations, or an at-rule as it stands.
type rule struct {
	selectors []string
	block     string
	at        string // the whole text of an at-rule; empty otherwise
}

// parseSheet cuts a style sheet into rules. What it cannot make sense of it drops, as browsers do.
func parseSheet(css string) []rule {
	css = withoutComments(css)
	var rules []rule
	for i := 0; i < len(css); {
		for i < len(css) && (isSpace(css[i]) || css[i] == ';') {
			i++
		}
		if i == len(css) {
			break
		}
		end, open := cssSpan(css, i, "{;")
		if css[i] == '@' {
			if open == '{' {
				end = blockEnd(css, end)
			}
			rules = append(rules, rule{at: css[i:min(end+1, len(css))]})
			i = end + 1
			continue
		}
		if open != '{' {
			break
		}
		closing := blockEnd(css, end)
		rules = append(rules, rule{selectors: cssList(css[i:end], ','), block: css[end+1 : closing]})
		i = closing + 1
	}
	return rules
}

func withoutComments(css string) string {
	css = strings.NewReplacer("<!--", "", "-->", "").Replace(css)
	var b strings.Builder
	for {
		i := strings.Index(css, "/*")
		if i < 0 {
			break
		}
		b.WriteString(css[:i])
		_, css, _ = strings.Cut(css[i+2:], "*/")
	}
	b.WriteString(css)
	return b.String()
}

// cssSpan is where the first byte of stops outside strings and parentheses stands, and which it is.
func cssSpan(css string, from int, stops string) (int, byte) {
	depth := 0
	for i := from; i < len(css); i++ {
		switch c := css[i]; {
		case c == '\\':
			i++
		case c == '"' || c == '\'':
			for i++; i < len(css) && css[i] != c; i++ {
				if css[i] == '\\' {
					i++
				}
			}
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case depth <= 0 && strings.IndexByte(stops, c) >= 0:
			return i, c
		}
	}
	return len(css), 0
}

// blockEnd is where the block that opens at i closes, or the end.
func blockEnd(css string, i int) int {
	for depth := 0; ; {
		at, c := cssSpan(css, i, "{}")
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return at
			}
		default:
			return len(css)
		}
		i = at + 1
	}
}

// cssList splits at sep, outside strings and parentheses.
func cssList(s string, sep byte) []string {
	var out []string
	for i := 0; i <= len(s); {
		end, _ := cssSpan(s, i, string(sep))
		if part := strings.TrimSpace(s[i:end]); part != "" {
			out = append(out, part)
		}
		i = end + 1
	}
	return out
}

// declaration is one property and its value.
type declaration struct {
	property, value string
	important       bool
}

func parseDeclarations(block string) []declaration {
	var out []declaration
	for _, part := range cssList(block, ';') {
		name, value, ok := strings.Cut(part, ":")
		if !ok {
			continue
		}
		d := declaration{property: strings.ToLower(strings.TrimSpace(name)), value: strings.TrimSpace(value)}
		if bang := strings.LastIndexByte(d.value, '!'); bang >= 0 && strings.EqualFold(strings.TrimSpace(d.value[bang+1:]), "important") {
			d.value, d.important = strings.TrimSpace(d.value[:bang]), true
		}
		if d.property != "" && d.value != "" {
			out = append(out, d)
		}
	}
	return out
}

// insistent writes the declarations of rules that stay in the style sheet with !important: without it
// they would lose against what was inlined, and they won before.
func insistent(block string) string {
	var b strings.Builder
	for i, d := range parseDeclarations(block) {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(d.property + ":" + d.value + "!important")
	}
	return b.String()
}

// insistentAt does the same inside @media and @supports; other at-rules stay as they are.
func insistentAt(at string) string {
	open, c := cssSpan(at, 0, "{;")
	if c != '{' || !strings.HasPrefix(at, "@media") && !strings.HasPrefix(at, "@supports") {
		return at
	}
	var b strings.Builder
	b.WriteString(strings.TrimSpace(at[:open]) + "{")
	for _, r := range parseSheet(at[open+1 : blockEnd(at, open)]) {
		if r.at != "" {
			b.WriteString(insistentAt(r.at))
			continue
		}
		b.WriteString(strings.Join(r.selectors, ",") + "{" + insistent(r.block) + "}")
	}
	b.WriteString("}")
	return b.String()
}
