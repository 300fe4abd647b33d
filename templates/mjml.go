package templates

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/preslavrachev/gomjml/mjml"
)

// fromMJML turns MJML with Liquid in it into HTML with the same Liquid. A Liquid tag may stand wherever
// text may, in attributes, and between sections, columns and what is in them; there it is wrapped in
// mj-raw, without which MJML would drop it.
func fromMJML(src string) (string, error) {
	var liquid pieces
	var b, front strings.Builder
	var open []string
	elements, head := 0, 0
	for _, t := range scan(src) {
		text := src[t.start:t.end]
		switch t.kind {
		case startToken:
			if strings.HasPrefix(t.name, "mj") && !isMJML(t.name) {
				return "", fmt.Errorf("line %d: unknown MJML element <%s>", lineOf(src, t.start), t.name)
			}
			elements++
			if slices.Contains(open, "mj-head") {
				head += len(text)
			}
			if !t.closed && !isVoid(t.name) {
				open = append(open, t.name)
			}
			if len(open) > deepestMJML {
				return "", fmt.Errorf("line %d: elements are nested deeper than %d", lineOf(src, t.start), deepestMJML)
			}
			b.WriteString(liquid.hide(text))
		case endToken:
			for n := len(open) - 1; n >= 0; n-- {
				if open[n] == t.name {
					open = open[:n]
					break
				}
			}
			b.WriteString(text)
		case outputToken, controlToken:
			parent := ""
			if len(open) > 0 {
				parent = open[len(open)-1]
			}
			switch parent {
			case "":
				front.WriteString(text)
			case "mj-body", "mj-wrapper", "mj-section", "mj-column", "mj-group", "mj-hero":
				b.WriteString("<mj-raw>" + liquid.name(text) + "</mj-raw>")
			case "mjml", "mj-head", "mj-attributes", "mj-social", "mj-navbar", "mj-carousel", "mj-accordion", "mj-accordion-element":
				return "", fmt.Errorf("line %d: Liquid cannot stand directly in <%s>", lineOf(src, t.start), parent)
			default:
				b.WriteString(liquid.name(text))
			}
			b.WriteString(strings.Repeat("\n", strings.Count(text, "\n")))
		case rawToken:
			b.WriteString(liquid.hide(text))
		case textToken:
			if slices.Contains(open, "mj-head") {
				head += len(text)
			}
			b.WriteString(text)
		default:
			b.WriteString(text)
		}
	}
	// What the head says is repeated on each element.
	if head*elements > mostRepeated {
		return "", errors.New("the attributes and styles in <mj-head> are too long for so many elements")
	}
	out, err := renderMJML(b.String())
	if err != nil {
		return "", errors.New(strings.TrimSpace(liquid.show(err.Error())))
	}
	if !strings.Contains(out, "<body") {
		return "", errors.New("is not an MJML document: <mjml><mj-body>…</mj-body></mjml>")
	}
	return front.String() + liquid.show(out), nil
}

const (
	deepestMJML  = 100      // its renderer recurses
	mostRepeated = 32 << 20 // bytes
)

// renderMJML answers for a library that was written for trusted input: its panic is the author's error.
func renderMJML(src string) (out string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the MJML cannot be rendered: %v", r)
		}
	}()
	return mjml.Render(src)
}

// isMJML lists the elements of MJML 4, since the renderer drops others without a word.
func isMJML(name string) bool {
	switch name {
	case "mjml", "mj-head", "mj-body",
		"mj-attributes", "mj-all", "mj-class", "mj-breakpoint", "mj-font", "mj-html-attributes", "mj-selector", "mj-html-attribute",
		"mj-preview", "mj-style", "mj-title",
		"mj-accordion", "mj-accordion-element", "mj-accordion-title", "mj-accordion-text", "mj-button", "mj-carousel", "mj-carousel-image",
		"mj-column", "mj-divider", "mj-group", "mj-hero", "mj-image", "mj-navbar", "mj-navbar-link", "mj-raw", "mj-section",
		"mj-social", "mj-social-element", "mj-spacer", "mj-table", "mj-text", "mj-wrapper":
		return true
	default:
		return false
	}
}
