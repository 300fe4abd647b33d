package report

import (
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// address is s when it is a mail address, without brackets, comments and a source route; else "".
func address(s string) string {
	s = strings.TrimSpace(s)
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		s = s[open+1:]
		if end := strings.IndexByte(s, '>'); end >= 0 {
			s = s[:end]
		}
	}
	s = strings.Trim(s, " \t<>()[],;:\"'")
	if strings.HasPrefix(s, "@") { // RFC 5321 §4.1.1.3: @a,@b:user@c
		_, s, _ = strings.Cut(s, ":")
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "mailto:"), "smtp:")
	s = strings.TrimRight(s, ".")
	if len(s) > 254 || !utf8.ValidString(s) || strings.ContainsAny(s, " \t\"\\(),:;<>[]") {
		return ""
	}
	local, domain, ok := cutLast(s, "@")
	if !ok || local == "" || len(local) > 128 || domain == "" || strings.Contains(local, "@") {
		return ""
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		return ""
	}
	// What hides an address is none: RFC 6590, and what AOL, Yahoo and others write instead.
	if hidden.MatchString(s) {
		return ""
	}
	return s
}

var hidden = regexp.MustCompile(`(?i)^(redacted|x{3,}|\*+|undisclosed(-recipients)?|removed|hidden)([-+._]|@)|@(redacted|removed)\b|\*\*`)

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// typed reads "rfc822; anna@shop.example" (RFC 3464 §2.3.1) or "utf-8; ..." (RFC 6533 §3); a value of another type
// names no mail address.
func typed(s string) string {
	kind, value, ok := strings.Cut(s, ";")
	if !ok {
		return address(s)
	}
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "rfc822", "utf-8", "utf8", "smtp", "rfc2822", "rfc5322", "unknown", "":
	default:
		return ""
	}
	return address(unxtext(unicoded(strings.TrimSpace(value))))
}

var escape = regexp.MustCompile(`\\x\{([0-9A-Fa-f]{2,6})\}`)

// unicoded undoes the escapes of utf-8-addr-unitext and utf-8-addr-xtext: \x{44F} (RFC 6533 §3).
func unicoded(s string) string {
	if !strings.Contains(s, `\x{`) {
		return s
	}
	return escape.ReplaceAllStringFunc(s, func(e string) string {
		n, err := strconv.ParseInt(e[3:len(e)-1], 16, 32)
		if err != nil || n > utf8.MaxRune || n < ' ' {
			return e
		}
		return string(rune(n))
	})
}

// unxtext undoes +2B and +3D, which RFC 3461 §4 makes of the characters + and =. It should have been undone before the
// report was written; where it was not, nothing else of xtext can be told from a plus address.
func unxtext(s string) string {
	if !strings.Contains(s, "+2B") && !strings.Contains(s, "+3D") {
		return s
	}
	return strings.NewReplacer("+2B", "+", "+3D", "=").Replace(s)
}

// set keeps the first hundred different values in their order.
type set struct {
	values []string
	has    map[string]bool
}

const most = 100

func (s *set) add(v string) {
	if k := strings.ToLower(v); v != "" && len(s.values) < most && !s.has[k] {
		if s.has == nil {
			s.has = map[string]bool{}
		}
		s.has[k] = true
		s.values = append(s.values, v)
	}
}

// tokens adds what mails of ours leave behind in addresses: bounce+<token>@ and reply+<token>@ (docs/channels/email.md),
// also where a system on the way has encoded the signs, or put the address into one of its own (SRS, VERP).
func (s *set) tokens(text string) {
	text = text[:min(len(text), maxBlock)]
	for at := 0; len(s.values) < most; {
		i := strings.IndexAny(text[at:], "+=%")
		if i < 0 {
			return
		}
		sign := at + i
		at = sign + 1
		if !endsFold(text[:sign], "bounce") && !endsFold(text[:sign], "reply") {
			continue
		}
		rest := text[sign:]
		switch {
		case rest[0] == '+':
			rest = rest[1:]
		case len(rest) > 3 && strings.EqualFold(rest[1:3], "2b"):
			rest = rest[3:]
		default:
			continue
		}
		n := strings.IndexFunc(rest[:min(len(rest), 65)], func(c rune) bool {
			return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-'
		})
		if n > 0 && strings.IndexByte("@=%", rest[n]) >= 0 {
			s.add(rest[:n])
		}
	}
}

func endsFold(s, end string) bool {
	return len(s) >= len(end) && strings.EqualFold(s[len(s)-len(end):], end)
}

var bracketed = regexp.MustCompile(`<([^<>\s@]{1,200}@[^<>\s@]{1,200})>`)

// written adds the ids in lines that give one: "Message-ID: <...>", also on the next line.
func (s *set) written(text string) {
	next := false
	for line := range strings.Lines(text[:min(len(text), maxBlock)]) {
		line = strings.TrimLeft(strings.TrimSpace(line[:min(len(line), maxValue)]), " \t>|")
		name, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "message-id", "message id", "original-message-id", "original message id", "x-original-message-id":
			s.ids(value)
			next = strings.TrimSpace(value) == ""
		default:
			if next {
				s.ids("<" + strings.Trim(line, "<> \t") + ">")
			}
			next = false
		}
	}
}

// ids adds the Message-IDs in a field's value.
func (s *set) ids(value string) {
	if len(s.values) == most {
		return
	}
	found := bracketed.FindAllStringSubmatch(value[:min(len(value), maxValue)], most)
	for _, m := range found {
		s.add(m[1])
	}
	if v := strings.TrimSpace(value); len(found) == 0 && len(v) < 400 && !strings.ContainsAny(v, " \t<>") && strings.Count(v, "@") == 1 {
		s.add(v)
	}
}
