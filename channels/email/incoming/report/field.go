package report

import (
	"bytes"
	"mime"
	"strings"

	"golang.org/x/net/html/charset"
)

// Bounds of what is read of a mail. A real report is far below each; what stands beyond is not looked at.
const (
	maxBlock  = 256 << 10 // of a part
	maxHeader = 64 << 10  // of a returned mail
	maxSystem = 64 << 10  // of what the system says in free words
	maxFields = 4000
	maxValue  = 4 << 10 // of a field, and of what is said about one recipient
)

// field is one header field, its name in lower case, its value on one line. blank tells that an empty line stood
// before it.
type field struct {
	name, value string
	blank       bool
}

// fields reads "Name: value" lines and goes on behind empty lines, which part the recipients of a delivery status
// (RFC 3464 §2.1). Lines that are no fields belong to the field before: some servers break a long reply without
// indenting it.
func fields(b string) []field {
	var out []field
	var value []byte // of the last one
	end := func() {
		if n := len(out) - 1; n >= 0 && out[n].value == "" {
			out[n].value = decoded(string(bytes.ToValidUTF8(value, nil)))
		}
	}
	blank := false
	for line := range strings.Lines(b[:min(len(b), maxBlock)]) {
		folded := line[0] == ' ' || line[0] == '\t'
		if line = strings.TrimSpace(line); line == "" {
			blank = true
			continue
		}
		name, more, ok := cutField(line)
		ok = ok && !(folded && len(out) > 0 && !blank)
		switch {
		case ok:
			end()
			if len(out) == maxFields {
				return out
			}
			out = append(out, field{name: strings.ToLower(name), blank: blank})
			value = append(value[:0], strings.TrimSpace(more)...)
			blank = false
		case len(out) > 0 && !blank && len(value) < maxValue:
			value = append(append(value, ' '), line...)
		}
		value = value[:min(len(value), maxValue)]
	}
	end()
	return out
}

// header reads the fields of a returned mail, up to its first empty line.
func header(b string) []field {
	b = strings.TrimLeft(b, " \t\r\n")
	if strings.HasPrefix(b, "From ") { // mbox
		_, b, _ = strings.Cut(b, "\n")
	}
	b = b[:min(len(b), maxHeader)]
	for _, empty := range []string{"\n\n", "\n\r\n"} {
		b, _, _ = strings.Cut(b, empty)
	}
	return fields(b)
}

func cutField(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	if !ok || len(name) > 60 {
		return "", "", false
	}
	name = strings.TrimRight(name, " \t")
	if name == "" || name == "http" || name == "https" { // a link on a line of its own
		return "", "", false
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || c == ';' || c == '<' || c == '@' {
			return "", "", false
		}
	}
	if '0' <= name[0] && name[0] <= '9' {
		return "", "", false
	}
	return name, value, true
}

// decoded undoes RFC 2047, which some servers use in Diagnostic-Code.
func decoded(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	d := mime.WordDecoder{CharsetReader: charset.NewReaderLabel}
	if d, err := d.DecodeHeader(s); err == nil {
		return d
	}
	return s
}

// first is the first value of one of the names, in their order.
func first(all []field, names ...string) string {
	for _, n := range names {
		for _, f := range all {
			if f.name == n && f.value != "" {
				return f.value
			}
		}
	}
	return ""
}
