package templates

import (
	"html"
	"strings"
)

// asDocument makes a document of a fragment. Nothing is put on lines of its own, so that the lines of an
// error are the author's.
func asDocument(src, locale string) string {
	for _, t := range scan(src) {
		if t.kind == startToken && (t.name == "html" || t.name == "body") {
			return src
		}
	}
	lang := ""
	if locale != "" {
		lang = ` lang="` + html.EscapeString(locale) + `"`
	}
	return `<!doctype html><html` + lang + `><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"></head><body>` + src + `</body></html>`
}

// withPreheader puts the line that an inbox shows beside the subject at the top of the body, unseen in the
// mail itself. The invisible characters after it keep the inbox from filling the line up with the
// beginning of the mail.
func withPreheader(src, preheader string) string {
	if preheader == "" {
		return src
	}
	var b strings.Builder
	b.WriteString(`<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all">`)
	for i := 0; i < len(preheader); {
		if isLiquid(preheader, i) {
			end := liquidEnd(preheader, i)
			b.WriteString(preheader[i:end])
			i = end
			continue
		}
		end := i + 1
		for end < len(preheader) && !isLiquid(preheader, end) {
			end++
		}
		b.WriteString(html.EscapeString(preheader[i:end]))
		i = end
	}
	b.WriteString(strings.Repeat("&nbsp;&zwnj;", 60) + `</div>`)
	at := bodyStart(src)
	return src[:at] + b.String() + src[at:]
}

func bodyStart(src string) int {
	at := 0
	for _, t := range scan(src) {
		switch {
		case t.kind == startToken && t.name == "body":
			return t.end
		case t.kind == startToken && t.name == "html", t.kind == endToken && t.name == "head":
			at = t.end
		}
	}
	return at
}

// bodyEnd is where something can be added below all else.
func bodyEnd(src string) int {
	at := len(src)
	for _, t := range scan(src) {
		if t.kind == endToken && (t.name == "body" || t.name == "html" && at == len(src)) {
			at = t.start
		}
	}
	return at
}
