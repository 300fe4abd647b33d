package liquid

import (
	"html"
	"strings"
	"unicode/utf8"
)

// context is the place a value is printed at.
type context uint8

const (
	noContext context = iota // no escaping
	textContext
	attrContext     // between quotes
	bareContext     // an attribute value without quotes
	urlContext      // the beginning of a URL, between quotes
	bareURLContext  // the same without quotes
	urlsContext     // the beginning of a URL among several (srcset), between quotes
	urlsRestContext // the rest of one, and perhaps further ones
	bareURLsContext // the same two without quotes
	bareURLsRestContext
	cssContext        // a value in CSS
	cssURLContext     // the beginning of a URL in url( ), in a style attribute
	cssURLRestContext // the rest of one
	styleURLContext   // the same two in a <style> element
	styleURLRestContext
)

// refusedURL replaces a URL whose scheme is not allowed.
const refusedURL = "#"

// print writes a value, escaped for its place.
func (r *run) print(v any, c context) error {
	if v == nil {
		return nil
	}
	if _, ok := v.(Unfilled); ok {
		r.unfilled++ // and is escaped like any text
	}
	switch c {
	case noContext:
		return r.printPlain(v)
	case textContext:
		switch v := v.(type) {
		case string:
			return r.printText(v)
		case int64, bool, decimal:
			return r.printPlain(v)
		case markup:
			return r.printPlain(string(v))
		case loose:
			return r.printText(html.UnescapeString(string(v)))
		}
		return r.printText(asText(v))
	}
	s := asText(v)
	switch v.(type) {
	case markup, loose:
		// Tags have no meaning in an attribute; entities are undone so as not to be escaped twice.
		s = html.UnescapeString(s)
	}
	if err := r.step(1 + len(s)>>6); err != nil {
		return err
	}
	switch c {
	case attrContext:
		return r.printText(s)
	case bareContext:
		return r.printEscaped(s, &bareEscapes)
	case urlContext:
		return r.printText(safeURL(s))
	case bareURLContext:
		return r.printEscaped(safeURL(s), &bareEscapes)
	case urlsContext, urlsRestContext:
		return r.printText(safeURLs(s, c == urlsRestContext))
	case bareURLsContext, bareURLsRestContext:
		return r.printEscaped(safeURLs(s, c == bareURLsRestContext), &bareEscapes)
	case cssContext:
		return r.printCSS(s)
	case cssURLContext, styleURLContext:
		return r.printCSSURL(safeURL(s), c == cssURLContext)
	default:
		return r.printCSSURL(s, c == cssURLRestContext)
	}
}

func (r *run) printPlain(v any) error {
	mark := len(r.out)
	switch v := v.(type) {
	case string:
		if err := r.grow(len(v)); err != nil {
			return err
		}
		r.out = append(r.out, v...)
		return nil
	default:
		r.out = appendText(r.out, v)
		return r.grow(len(r.out) - mark)
	}
}

// htmlEscapes is indexed by byte; what is not in it is written as it is.
var htmlEscapes = [256]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&quot;", '\'': "&#39;", 0: "\uFFFD"}

var bareEscapes = [256]string{
	'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&quot;", '\'': "&#39;", 0: "\uFFFD",
	' ': "&#32;", '\t': "&#9;", '\n': "&#10;", '\v': "&#11;", '\f': "&#12;", '\r': "&#13;", '=': "&#61;", '`': "&#96;",
}

func (r *run) printText(s string) error { return r.printEscaped(s, &htmlEscapes) }

func (r *run) printEscaped(s string, table *[256]string) error {
	mark := len(r.out)
	if err := r.grow(len(s)); err != nil {
		return err
	}
	r.out = appendEscaped(r.out, s, table)
	return r.grow(len(r.out) - mark - len(s))
}

func appendEscaped(dst []byte, s string, table *[256]string) []byte {
	from := 0
	for i := range len(s) {
		if e := table[s[i]]; e != "" {
			dst = append(dst, s[from:i]...)
			dst = append(dst, e...)
			from = i + 1
		}
	}
	return append(dst, s[from:]...)
}

// printCSS keeps letters, digits and a few signs, and writes the rest as CSS escapes: no value
// can end a declaration, call a function or close the style.
func (r *run) printCSS(s string) error {
	if err := r.grow(len(s)); err != nil {
		return err
	}
	mark := len(r.out)
	for _, c := range s {
		switch {
		case c >= utf8.RuneSelf && c != utf8.RuneError, c < utf8.RuneSelf && (isWord(byte(c)) || strings.IndexByte(" #%.,+-", byte(c)) >= 0):
			r.out = utf8.AppendRune(r.out, c)
		case c < ' ' || c == utf8.RuneError:
		default:
			r.out = append(r.out, '\\')
			r.out = appendHex(r.out, byte(c))
			r.out = append(r.out, ' ')
		}
	}
	return r.grow(max(0, len(r.out)-mark-len(s)))
}

// printCSSURL percent-encodes what could end the url( ), its quotes, or the attribute around it.
func (r *run) printCSSURL(s string, attribute bool) error {
	if err := r.grow(len(s)); err != nil {
		return err
	}
	mark := len(r.out)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '&' && attribute:
			r.out = append(r.out, "&amp;"...)
		case c <= ' ' || c == 0x7f || strings.IndexByte(`"'()\<>`, c) >= 0:
			r.out = append(r.out, '%')
			r.out = append(r.out, upperHex[c>>4], upperHex[c&15])
		default:
			r.out = append(r.out, c)
		}
	}
	return r.grow(max(0, len(r.out)-mark-len(s)))
}

const upperHex = "0123456789ABCDEF"

func appendHex(dst []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	return append(dst, digits[c>>4], digits[c&15])
}

// safeURL passes URLs that are relative or of a harmless scheme, without the control characters
// that browsers ignore, and turns others into "#".
func safeURL(s string) string {
	if !printable(s) {
		s = strings.Map(func(c rune) rune {
			if c < ' ' || c == 0x7f {
				return -1
			}
			return c
		}, s)
	}
	s = strings.TrimSpace(s)
	end := strings.IndexAny(s, ":/?#")
	if end < 0 || s[end] != ':' {
		return s
	}
	switch strings.ToLower(s[:end]) {
	case "http", "https", "mailto", "tel", "sms", "tg", "cid":
		return s
	default:
		return refusedURL
	}
}

// printable tells whether s is ASCII without control characters.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// safeURLs is safeURL for each of several URLs with spaces or commas between them. The descriptors of a
// srcset (2x, 640w) pass as relative ones. With settled, the first is the rest of a URL and passes.
func safeURLs(s string, settled bool) string {
	var b strings.Builder
	for s != "" {
		end := strings.IndexAny(s, ", \t\n\f\r")
		if end < 0 {
			end = len(s)
		}
		if settled {
			b.WriteString(s[:end])
		} else {
			b.WriteString(safeURL(s[:end]))
		}
		settled = false
		if end < len(s) {
			b.WriteByte(s[end])
			end++
		}
		s = s[end:]
	}
	return b.String()
}
