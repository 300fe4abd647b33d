package templates

import (
	"fmt"
	"html"
	"net/url"
	"strings"
)

// telegramText checks a text for Telegram's HTML subset (core.telegram.org/bots/api#html-style), which
// refuses a whole message for one unknown tag. Named entities that it does not know become the
// characters they stand for.
func telegramText(src string) (string, []string) {
	var wrong []string
	var edits []edit
	var open []string
	bad := func(t token, format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("line %d: ", lineOf(src, t.start))+fmt.Sprintf(format, args...))
	}
	for _, t := range scan(src) {
		text := src[t.start:t.end]
		switch t.kind {
		case textToken:
			if strings.Contains(text, "<") {
				bad(t, "a < that begins no tag is written &lt;")
			}
			if fixed := telegramEntities(text); fixed != text {
				edits = append(edits, edit{t.start, t.end, fixed})
			}
		case commentToken:
			bad(t, "Telegram knows no comments and no <!doctype>")
		case rawToken:
		case startToken:
			if m := telegramTag(src, &t); m != "" {
				bad(t, "%s", m)
				continue
			}
			open = append(open, t.name)
		case endToken:
			switch {
			case !isTelegramTag(t.name):
				// its beginning was complained about
			case len(open) == 0:
				bad(t, "</%s> closes nothing", t.name)
			case open[len(open)-1] != t.name:
				bad(t, "</%s> stands where </%s> is due", t.name, open[len(open)-1])
				open = open[:len(open)-1]
			default:
				open = open[:len(open)-1]
			}
		}
	}
	if len(open) > 0 && len(wrong) == 0 {
		wrong = append(wrong, fmt.Sprintf("<%s> is never closed", open[len(open)-1]))
	}
	return apply(src, edits), wrong
}

func isTelegramTag(name string) bool {
	switch name {
	case "b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "tg-emoji", "code", "pre", "blockquote":
		return true
	default:
		return false
	}
}

// telegramTag says what is wrong with a start tag, or nothing.
func telegramTag(src string, t *token) string {
	if !isTelegramTag(t.name) {
		return fmt.Sprintf("<%s> is not among the tags that Telegram knows (b, i, u, s, a, code, pre, blockquote, tg-spoiler, tg-emoji); a line break is a line break", t.name)
	}
	if t.closed {
		return fmt.Sprintf("<%s/> is never closed", t.name)
	}
	for _, a := range t.attrs {
		value := src[a.from:a.to]
		ok := false
		switch t.name + " " + a.name {
		case "a href", "tg-emoji emoji-id", "blockquote expandable":
			ok = true
		case "span class":
			ok = value == "tg-spoiler"
		case "code class":
			ok = strings.HasPrefix(value, "language-")
		}
		if !ok {
			return fmt.Sprintf("Telegram does not take the attribute %s on <%s>", strings.TrimSpace(src[a.start:a.end]), t.name)
		}
	}
	if href, ok := t.attr("href"); t.name == "a" && (!ok || href.from == href.to) {
		return "<a> needs an href"
	}
	if _, ok := t.attr("class"); t.name == "span" && !ok {
		return `<span> needs class="tg-spoiler"`
	}
	return ""
}

// telegramEntities keeps the entities that Telegram knows, and writes others as characters.
func telegramEntities(s string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		end := 1
		for end < len(s) && end < 32 && (isNamePart(s[end]) || s[end] == '#') {
			end++
		}
		name := s[:end]
		switch name {
		case "&lt", "&gt", "&amp", "&quot":
		default:
			if end < len(s) && s[end] == ';' && !strings.HasPrefix(name, "&#") {
				if c := html.UnescapeString(name + ";"); !strings.HasPrefix(c, "&") {
					b.WriteString(c)
					s = s[end+1:]
					continue
				}
			}
		}
		b.WriteString(name)
		s = s[end:]
	}
	b.WriteString(s)
	return b.String()
}

// mostButtonData is what Telegram carries back from a button, in bytes.
const mostButtonData = 64

// buttonURL says whether Telegram would open it.
func buttonURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "http", "https":
		return u.Host != ""
	case "tg":
		return true
	default:
		return false
	}
}
