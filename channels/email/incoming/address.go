package incoming

import (
	"net/mail"
	"slices"
	"strings"
	"time"

	"rapport/channels"
)

// Bounds of what one mail may name.
const (
	maxPeople = 500
	maxIDs    = 200
)

// address reads who writes to whom, about what, and what is answered.
func (m *Mail) address() {
	one := func(name string) (p channels.Person) {
		v, _ := m.raw(name)
		for _, p = range people(v) {
			break
		}
		return p
	}
	m.From, m.Sender = one("from"), one("sender")
	m.ReplyTo, m.To, m.Cc = m.list("reply-to"), m.list("to"), m.list("cc")
	for _, instead := range slices.Concat([]channels.Person{m.Sender}, m.ReplyTo, m.list("return-path")) {
		if m.From.Address == "" {
			m.From = instead
		}
	}
	m.Subject = cut(m.get("subject"), 2000)
	if d, ok := m.raw("date"); ok {
		m.Date = date(d)
	}
	for _, v := range m.values("in-reply-to") {
		m.InReplyTo = append(m.InReplyTo, ids(v)...)
	}
	for _, v := range m.values("references") {
		m.References = append(m.References, ids(v)...)
	}
	slices.Reverse(m.References)
	m.InReplyTo, m.References = bounded(unique(m.InReplyTo)), bounded(unique(m.References))
	m.receive()
}

func (m *Mail) list(name string) (all []channels.Person) {
	for _, v := range m.values(name) {
		all = append(all, people(v)...)
	}
	return all[:min(len(all), maxPeople)]
}

// receive reads what servers noted: to whom they brought it, when, and how many they were.
func (m *Mail) receive() {
	for _, f := range m.fields {
		switch f.name {
		case "received":
			m.Hops++
			clauses, when := f.value, ""
			if i := strings.LastIndexByte(f.value, ';'); i >= 0 {
				clauses, when = f.value[:i], f.value[i+1:]
			}
			if m.Hops == 1 {
				m.Arrived = date(when)
			}
			if _, to, ok := strings.Cut(clauses, " for <"); ok {
				to, _, _ = strings.Cut(to, ">")
				m.reaches(channels.Person{Address: to})
			}
		case "to", "cc", "bcc", "delivered-to", "x-delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to", "x-forwarded-for",
			"resent-to", "resent-cc", "x-rcpt-to", "x-real-to", "x-resolved-to", "apparently-to", "x-gm-original-to", "x-original-recipient", "original-recipient":
			v := strings.TrimPrefix(f.value, "rfc822;")
			if f.name == "x-forwarded-for" { // Gmail: the address that forwarded, and whither
				v = strings.ReplaceAll(v, " ", ",")
			}
			for _, p := range people(v) {
				m.reaches(p)
			}
		}
	}
	m.Recipients = unique(m.Recipients)
	for _, r := range m.Recipients {
		switch t, prefix := token(r); prefix {
		case "reply":
			m.Tokens = append(m.Tokens, t)
		case "bounce":
			m.BounceTokens = append(m.BounceTokens, t)
		}
	}
	m.Tokens, m.BounceTokens = unique(m.Tokens), unique(m.BounceTokens)
}

func (m *Mail) reaches(p channels.Person) {
	if len(m.Recipients) < 2*maxPeople && strings.Contains(p.Address, "@") {
		m.Recipients = append(m.Recipients, p.Address)
	}
}

// token is what stands in reply+<token>@ or bounce+<token>@, in lower case as it was made, and which of the two it is.
func token(address string) (t, prefix string) {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	prefix, t, ok := strings.Cut(local, "+")
	if !ok || prefix != "reply" && prefix != "bounce" || t == "" || len(t) > 64 {
		return "", ""
	}
	for _, c := range []byte(t) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			return "", ""
		}
	}
	return t, prefix
}

// people reads a list of mailboxes (RFC 5322 §3.4), whatever stands between them: groups, comments, semicolons for commas,
// names with dots. One that cannot be read costs no other.
func people(s string) (list []channels.Person) {
	var text, comment strings.Builder
	address, quoted, depth := "", false, 0
	flush := func() {
		name := line(decodeWords(strings.TrimSpace(text.String())))
		if address == "" {
			name, address = bareAddress(name)
		}
		if name == "" {
			name = line(decodeWords(strings.TrimSpace(comment.String())))
		}
		address = strings.TrimSpace(shown(decodeWords(address)))
		if len(address) > 7 && strings.EqualFold(address[:7], "mailto:") {
			address, _, _ = strings.Cut(address[7:], "?")
		}
		if strings.HasPrefix(address, "@") { // a route (RFC 5322 §4.4)
			if _, end, ok := strings.Cut(address, ":"); ok {
				address = end
			}
		}
		if strings.Contains(address, "@") && len(address) <= 1000 && !strings.ContainsAny(address, " \n\t<>") && len(list) < maxPeople {
			list = append(list, channels.Person{Name: cut(strings.Trim(name, `'"`), 300), Address: address})
		}
		text.Reset()
		comment.Reset()
		address = ""
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && (quoted || depth > 0) && i+1 < len(s):
			i++
			if quoted {
				text.WriteByte(s[i])
			}
		case quoted:
			if c == '"' {
				quoted = false
			} else {
				text.WriteByte(c)
			}
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth > 0:
			comment.WriteByte(c)
		case c == '"' && strings.IndexByte(s[i+1:min(len(s), i+1+2000)], '"') >= 0:
			quoted = true
		case c == '<':
			end := strings.IndexByte(s[i:min(len(s), i+2000)], '>')
			if end < 0 {
				text.WriteByte(' ')
				continue
			}
			if a := s[i+1 : i+end]; address == "" {
				address = strings.ReplaceAll(strings.ReplaceAll(a, " ", ""), "\t", "")
			}
			i += end
		case c == ',' || c == ';':
			flush()
		case c == ':' && address == "" && !strings.EqualFold(s[max(0, i-6):i], "mailto") && !strings.Contains(text.String(), "@"): // a group's name
			text.Reset()
		case text.Len() < 4000:
			text.WriteByte(c)
		}
	}
	flush()
	return list
}

// bareAddress takes an address without angle brackets from beside a name: "Anna anna@c.example", "Anna [anna@c.example]". Of two
// nobody knows which it is.
func bareAddress(s string) (name, address string) {
	words := strings.Fields(s)
	if len(words) > 1 && strings.Count(s, "@") != 1 {
		return s, ""
	}
	for i, w := range words {
		a := strings.Trim(w, "[]")
		if local, domain, found := strings.Cut(a, "@"); found && !strings.ContainsAny(a, "<>") && (len(words) == 1 || local != "" && strings.Contains(domain, ".")) {
			return strings.Join(append(words[:i:i], words[i+1:]...), " "), a
		}
	}
	return s, ""
}

// ids are the Message-IDs in a field, without brackets. Words between them are for people (RFC 5322 §4.5.4); where nothing
// has brackets, what has an @ is one.
func ids(s string) (list []string) {
	add := func(id string) {
		id = strings.Join(strings.Fields(plain(id)), "") // folded in its middle
		if id = strings.Trim(id, `<>`); id != "" && len(id) <= 998 && len(list) < 2*maxIDs {
			list = append(list, id)
		}
	}
	if !strings.Contains(s, "<") {
		for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == ';' }) {
			if strings.Contains(w, "@") {
				add(w)
			}
		}
		return list
	}
	for {
		_, rest, ok := strings.Cut(s, "<")
		if !ok {
			return list
		}
		id, after, closed := strings.Cut(rest, ">")
		if next := strings.IndexByte(id, '<'); next >= 0 {
			id, after = id[:next], rest[next:]
		} else if !closed {
			after = ""
		}
		add(id)
		s = after
	}
}

func bounded(list []string) []string { return list[:min(len(list), maxIDs)] }

// unique keeps the first of equals, in their order.
func unique(list []string) (kept []string) {
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			kept = append(kept, s)
		}
	}
	return kept
}

// date reads a date of RFC 5322, or what some programs write instead; zero: it is none.
func date(s string) time.Time {
	s = strings.TrimSpace(s)
	s = s[:min(len(s), 100)]
	if t, err := mail.ParseDate(s); err == nil {
		return t.UTC()
	}
	s, _, _ = strings.Cut(s, "(")
	s = strings.Join(strings.Fields(s), " ")
	for _, layout := range []string{"Mon, 2 Jan 2006 15:04:05", "2 Jan 2006 15:04:05", "Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 MST 2006", time.RFC3339, "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
