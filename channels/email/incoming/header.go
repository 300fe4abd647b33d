package incoming

import (
	"bytes"
	"strings"
)

// Bounds of a header. Postfix keeps 100 KB of a field too (header_size_limit).
const (
	maxField  = 100 << 10
	maxFields = 2000
)

// field is one field of a header, in its place.
type field struct {
	name  string // lower case
	value string // unfolded, UTF-8, encoded words as they came
}

// splitHeader parts a mail, or a part of one, into its header and its content. Lines end as they like. A header that is not
// closed by an empty line ends where no field follows any more.
func splitHeader(raw []byte) (fields []field, content []byte) {
	var name string
	var value []byte
	flush := func() {
		if name != "" && len(fields) < maxFields {
			fields = append(fields, field{name, strings.TrimRight(plain(unlabelled(value)), " \t")})
		}
		name, value = "", value[:0]
	}
	add := func(b []byte) { value = append(value, b[:min(len(b), maxField-len(value))]...) }
	for rest := raw; ; {
		line, after := cutLine(rest)
		n, v, ok := cutField(line)
		switch {
		case len(line) == 0:
			flush()
			return fields, after
		case ok:
			flush()
			name = n
			add(v)
		case bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From ")): // of an mbox
		case name != "" && (line[0] == ' ' || line[0] == '\t' || moreFollow(after)):
			add([]byte{' '})
			add(bytes.Trim(line, " \t"))
		default:
			flush()
			return fields, rest
		}
		rest = after
	}
}

// cutLine cuts the first line off, without its end: LF, CRLF, or CRLF twice made of LF.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimRight(line, "\r"), rest
}

// cutField parts a line "Name: value".
func cutField(line []byte) (name string, value []byte, ok bool) {
	left, value, ok := bytes.Cut(line, []byte(":"))
	left = bytes.TrimRight(left, " \t")
	if !ok || len(left) == 0 || len(left) > 80 {
		return "", nil, false
	}
	for _, c := range left {
		if c <= ' ' || c >= 0x7f {
			return "", nil, false
		}
	}
	return strings.ToLower(string(left)), bytes.Trim(value, " \t"), true
}

// moreFollow tells whether b goes on with a header: a line that is none stands in its middle, as when a program forgot to
// indent what it folded.
func moreFollow(b []byte) bool {
	for range 5 {
		line, rest := cutLine(b[:min(len(b), maxField)])
		if len(line) == 0 {
			return false
		}
		if name, _, ok := cutField(line); ok {
			return usual[name] || strings.HasPrefix(name, "x-") || strings.HasPrefix(name, "content-")
		}
		b = rest
	}
	return false
}

// usual are fields that no sentence of a body begins with.
var usual = map[string]bool{
	"received": true, "return-path": true, "delivered-to": true, "message-id": true, "date": true, "from": true, "to": true, "cc": true, "subject": true,
	"in-reply-to": true, "references": true, "reply-to": true, "mime-version": true, "dkim-signature": true, "user-agent": true, "auto-submitted": true,
}

// get is the first field of that name, words decoded.
func (m *Mail) get(name string) string {
	for _, f := range m.fields {
		if f.name == name {
			return line(decodeWords(f.value))
		}
	}
	return ""
}

// raw is the first field of that name as it came.
func (m *Mail) raw(name string) (value string, ok bool) {
	for _, f := range m.fields {
		if f.name == name {
			return f.value, true
		}
	}
	return "", false
}

// values are all fields of these names as they came, in their order.
func (m *Mail) values(names ...string) (values []string) {
	for _, f := range m.fields {
		for _, n := range names {
			if f.name == n {
				values = append(values, f.value)
			}
		}
	}
	return values
}
