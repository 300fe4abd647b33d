package templates

import (
	"cmp"
	"errors"
	"html"
	"slices"
	"strconv"
	"strings"

	"github.com/andybalholm/cascadia"
	nethtml "golang.org/x/net/html"
)

// inlineCSS moves the rules of <style> elements into style attributes, since several mail clients drop
// style sheets. What only a style sheet can say (@media, :hover) stays in one. The source is edited
// in place: a copy without Liquid is parsed only to learn which elements a selector means. A <style>
// with Liquid tags in it, or with the attribute data-no-inline, is left alone.
func inlineCSS(src string) (string, error) {
	tokens := scan(src)
	maybe := conditionalClasses(src, tokens)
	var found []styled
	var edits []edit
	var liquid pieces
	for i, t := range tokens {
		if t.kind != rawToken || t.name != "style" || !inlinable(src, &tokens[i-1], src[t.start:t.end]) {
			continue
		}
		css := liquid.hide(src[t.start:t.end])
		var kept strings.Builder
		for _, r := range parseSheet(css) {
			if r.at != "" {
				kept.WriteString(insistentAt(r.at) + "\n")
				continue
			}
			var stay []string
			for _, s := range r.selectors {
				sel, ok := selector(s)
				if ok {
					found = append(found, styled{sel, parseDeclarations(r.block)})
				}
				if !ok || slices.ContainsFunc(maybe, func(class string) bool { return strings.Contains(s, "."+class) }) {
					stay = append(stay, s)
				}
			}
			if len(stay) > 0 {
				kept.WriteString(strings.Join(stay, ",") + "{" + insistent(r.block) + "}\n")
			}
		}
		// Line breaks stand in for what was taken out, so that an error of a later rendering names the
		// line that the author knows.
		text := strings.TrimSuffix(kept.String(), "\n")
		text += strings.Repeat("\n", max(0, strings.Count(src[t.start:t.end], "\n")-strings.Count(text, "\n")))
		edits = append(edits, edit{t.start, t.end, liquid.show(text)})
	}
	if len(found) == 0 {
		return apply(src, edits), nil
	}
	matched, err := match(src, tokens, found)
	if err != nil {
		return "", err
	}
	size := len(src)
	for n, declared := range matched {
		t := tokens[n]
		e := edit{start: t.start + 1 + len(t.name), end: t.start + 1 + len(t.name)}
		old, quote := "", byte('"')
		if a, ok := t.attr("style"); ok {
			e.start, e.end, old = a.start, a.end, src[a.from:a.to]
			if a.quote != 0 {
				quote = a.quote
			}
		} else {
			e.text = " "
		}
		e.text += "style=" + quoted(styleValue(declared, old, &liquid), quote, liquid)
		edits = append(edits, e)
		if size += len(e.text); size > mostCompiled {
			return "", errTooMuchCSS
		}
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	return apply(src, edits), nil
}

func inlinable(src string, start *token, css string) bool {
	if _, ok := start.attr("data-no-inline"); ok || strings.Contains(css, "{%") {
		return false
	}
	media, ok := start.attr("media")
	return !ok || src[media.from:media.to] == "all"
}

// conditionalClasses are the classes that elements have only in some renderings. Their rules cannot be
// inlined for those elements, so they stay in the style sheet.
func conditionalClasses(src string, tokens []token) []string {
	var out []string
	for _, t := range tokens {
		if class, ok := t.attr("class"); ok {
			_, sometimes := unconditional(src[class.from:class.to])
			out = append(out, strings.Fields(sometimes)...)
		}
	}
	return out
}

// unconditional parts an attribute's value into what every rendering has and what stands inside {% if %}
// and the like. Liquid itself is in neither.
func unconditional(value string) (always, sometimes string) {
	if !strings.Contains(value, "{") {
		return value, ""
	}
	var in, out strings.Builder
	depth := 0
	for i := 0; i < len(value); {
		switch {
		case !isLiquid(value, i):
			if depth > 0 {
				in.WriteByte(value[i])
			} else {
				out.WriteByte(value[i])
			}
			i++
			continue
		case value[i+1] == '%':
			switch name := controlName(value[i:]); {
			case strings.HasPrefix(name, "end"):
				depth--
			case name == "if" || name == "unless" || name == "case" || name == "for" || name == "ifchanged":
				depth++
			}
			in.WriteByte(' ')
		}
		i = liquidEnd(value, i)
	}
	return out.String(), in.String()
}

// Both bound what one template may cost the server: about a second, and a few megabytes.
const (
	mostMatches      = 10_000_000
	mostDeclarations = 200_000
)

var errTooMuchCSS = errors.New("has too many elements and CSS rules to inline: mark a <style> with data-no-inline to keep it as it is")

// styled is a selector with its declarations.
type styled struct {
	selector     cascadia.Sel
	declarations []declaration
}

// selector tells whether a selector can be inlined: not one that depends on what a person does, or that
// would put its style on every element.
func selector(s string) (cascadia.Sel, bool) {
	if strings.Contains(s, "*") && !strings.Contains(s, "*=") {
		return nil, false
	}
	for _, part := range strings.Split(s, ":")[1:] {
		if !strings.HasPrefix(part, "first-") && !strings.HasPrefix(part, "last-") && !strings.HasPrefix(part, "nth-") &&
			!strings.HasPrefix(part, "only-") && !strings.HasPrefix(part, "not(") {
			return nil, false
		}
	}
	sel, err := cascadia.Parse(s)
	return sel, err == nil && sel.PseudoElement() == ""
}

// weighted is a declaration with its place in the cascade.
type weighted struct {
	declaration
	specificity cascadia.Specificity
}

// match gives, by the number of the start tag's token, the declarations that apply to an element, in
// the order in which later ones win.
func match(src string, tokens []token, found []styled) (map[int][]weighted, error) {
	work := 0
	for _, s := range found {
		n := len(tokens)
		if strings.ContainsAny(s.selector.String(), "~:+") { // walks the siblings of each
			n += n * n / 16
		}
		if work += n; work > mostMatches {
			return nil, errTooMuchCSS
		}
	}
	const marker = "data-token"
	var b strings.Builder
	for i, t := range tokens {
		switch t.kind {
		case textToken, endToken:
			b.WriteString(src[t.start:t.end])
		case startToken:
			b.WriteString("<" + t.name + " " + marker + `="` + strconv.Itoa(i) + `"`)
			for _, a := range t.attrs {
				value, _ := unconditional(src[a.from:a.to])
				value = html.UnescapeString(value)
				b.WriteString(" " + a.name + `="` + html.EscapeString(value) + `"`)
			}
			b.WriteString(">")
		}
	}
	doc, err := nethtml.Parse(strings.NewReader(b.String()))
	if err != nil {
		return nil, err // nested too deeply
	}
	out := map[int][]weighted{}
	total := 0
	for _, s := range found {
		for _, node := range cascadia.QueryAll(doc, s.selector) {
			for _, a := range node.Attr {
				n, err := strconv.Atoi(a.Val)
				if a.Key != marker || err != nil {
					continue
				}
				if total += len(s.declarations); total > mostDeclarations {
					return nil, errTooMuchCSS
				}
				for _, d := range s.declarations {
					out[n] = append(out[n], weighted{d, s.selector.Specificity()})
				}
			}
		}
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b weighted) int {
			switch {
			case a.important != b.important && b.important, a.important == b.important && a.specificity.Less(b.specificity):
				return -1
			case a.important != b.important || b.specificity.Less(a.specificity):
				return 1
			}
			return 0
		})
	}
	return out, nil
}

// styleValue joins what rules say with what the element's own style attribute says. Liquid in it is hidden.
func styleValue(rules []weighted, own string, liquid *pieces) string {
	var list []declaration
	last := map[string]int{} // where a property was set: the one that wins stands last
	set := func(d declaration) {
		if i, ok := last[d.property]; ok {
			list[i].property = ""
		}
		last[d.property] = len(list)
		list = append(list, d)
	}
	for _, w := range rules {
		if !w.important {
			set(w.declaration)
		}
	}
	own = html.UnescapeString(liquid.hide(own))
	conditional := strings.Contains(liquid.show(own), "{%")
	if !conditional {
		for _, d := range parseDeclarations(own) {
			set(d)
		}
	}
	for _, w := range rules {
		if w.important {
			set(w.declaration)
		}
	}
	var b strings.Builder
	for _, d := range list {
		if d.property == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(';')
		}
		b.WriteString(d.property + ":" + d.value)
	}
	if conditional {
		b.WriteString(";" + own)
	}
	return b.String()
}

// quoted is an attribute's value between quotes.
func quoted(value string, quote byte, liquid pieces) string {
	other := "'"
	if quote == '\'' {
		other = `"`
	}
	value = strings.NewReplacer(string(quote), other, "&", "&amp;", "<", "&lt;").Replace(value)
	return string(quote) + liquid.show(value) + string(quote)
}
