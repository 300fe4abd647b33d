package assistant

import (
	"regexp"
	"slices"
	"strings"
)

// Scrub takes out of a text what names or reaches a person: mail addresses, links, handles and long numbers (phones, cards,
// accounts) by their shape, and secrets (addresses of the customer, as they are stored) and names literally, whatever the case.
// A name that nobody has stored stays: Scrub knows no others.
func Scrub(text string, secrets, names []string) string {
	text = replaceAll(strings.ToValidUTF8(text, ""), secrets, "[address]", false)
	for _, p := range known {
		text = p.shape.ReplaceAllString(text, p.by)
	}
	return replaceAll(text, names, "[name]", true)
}

type shape struct {
	shape *regexp.Regexp
	by    string
}

var known = []shape{
	{regexp.MustCompile(`(?i)\b(?:https?|tg|mailto|tel):[^\s<>"]+|\bwww\.[^\s<>"]+|\bt\.me/[^\s<>"]+`), "[link]"},
	{regexp.MustCompile(`[\pL\pN.!#$%&'*+/=?^_{|}~-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)+`), "[address]"},
	{regexp.MustCompile(`(^|[^\pL\pN])@[\pL\pN_]{3,}`), "$1[handle]"},
	{regexp.MustCompile(`\+?\(?\pN(?:[\pN\s().–-]{0,3}\pN){6,}`), "[number]"},
}

// replaceAll replaces whole words where words is set, anything else anywhere; nothing of less than two characters.
func replaceAll(text string, what []string, by string, words bool) string {
	what = slices.Clone(what)
	slices.SortFunc(what, func(a, b string) int { return len(b) - len(a) }) // "Anna Berg" before "Anna"
	for _, w := range what {
		if w = strings.TrimSpace(strings.ToValidUTF8(w, "")); len([]rune(w)) < 2 {
			continue
		}
		p := `(?i)` + regexp.QuoteMeta(w)
		if !words {
			text = regexp.MustCompile(p).ReplaceAllLiteralString(text, by)
			continue
		}
		// Go's \b knows only ASCII.
		whole := regexp.MustCompile(`(?i)(^|[^\pL\pN])` + regexp.QuoteMeta(w) + `($|[^\pL\pN])`)
		for range 2 { // neighbours share the character between them
			text = whole.ReplaceAllString(text, "${1}"+by+"${2}")
		}
	}
	return text
}
