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

// token is what a mail of ours leaves behind in addresses (docs/channels/email.md); some systems encode its signs.
var token = regexp.MustCompile(`(?i)^(?:bounce|reply)(?:\+|=2B|%2B)([0-9A-Z_-]{1,64})(?:@|=40|%40|=[0-9a-z.-]{1,255}@)`)

// tokens adds those in text.
func (s *set) tokens(text string) {
	text = text[:min(len(text), maxBlock)]
	for at := 0; at < len(text) && len(s.values) < most; at++ {
		i := strings.IndexAny(text[at:], "+=%")
		if i < 0 {
			return
		}
		at += i
		for _, name := range [...]string{"bounce", "reply"} {
			begin := at - len(name)
			if begin < 0 || !strings.EqualFold(text[begin:at], name) {
				continue
			}
			if m := token.FindStringSubmatch(text[begin:min(len(text), begin+400)]); m != nil {
				s.add(m[1])
			}
		}
	}
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
