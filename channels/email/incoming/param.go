package incoming

import (
	"net/url"
	"strconv"
	"strings"
)

// valued is a field with parameters, such as Content-Type: its value in lower case, and its parameters by their names in
// lower case. Files may be named in any charset, in pieces (RFC 2231), or in encoded words.
func valued(s string) (value string, params map[string]string) {
	s = s[:min(len(s), 8<<10)]
	value, s = upTo(s, ";")
	value = strings.ToLower(strings.TrimSpace(value))
	value, _, _ = strings.Cut(value, " ")
	params = map[string]string{}
	type piece struct {
		text    string
		percent bool
	}
	pieces := map[string]map[int]piece{}
	for len(s) > 0 && len(params)+len(pieces) < 50 {
		var p string
		p, s = upTo(s, ";")
		name, v, ok := strings.Cut(p, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" {
			continue
		}
		v = unquote(v)
		name, number, numbered := strings.Cut(name, "*")
		if !numbered {
			if _, twice := params[name]; !twice {
				params[name] = decodeWords(v)
			}
			continue
		}
		number, percent := strings.CutSuffix(number, "*")
		n, err := strconv.Atoi(number)
		if number == "" {
			n, percent, err = 0, true, nil
		}
		if err != nil || n < 0 || n > 100 {
			continue
		}
		if pieces[name] == nil {
			pieces[name] = map[int]piece{}
		}
		pieces[name][n] = piece{v, percent}
	}
	for name, of := range pieces {
		var b []byte
		charset := ""
		for n := 0; ; n++ {
			p, ok := of[n]
			if !ok {
				break
			}
			if n == 0 && p.percent {
				if parts := strings.SplitN(p.text, "'", 3); len(parts) == 3 {
					charset, p.text = parts[0], parts[2]
				}
			}
			if p.percent {
				if text, err := url.PathUnescape(p.text); err == nil {
					p.text = text
				}
			}
			b = append(b, p.text...)
		}
		if len(b) > 0 {
			params[name] = decode(b, charset)
		}
	}
	return value, params
}

// upTo cuts s at the first sep that stands in no quotes.
func upTo(s, sep string) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && s[i] == sep[0]:
			return s[:i], s[i+1:]
		}
	}
	if quoted { // never closed
		before, after, _ = strings.Cut(s, sep)
		return before, after
	}
	return s, ""
}

// unquote takes the quotes off, and what escapes stand for in them.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, `"`) {
		return s
	}
	s = strings.TrimSuffix(s[1:], `"`)
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
