package report

import (
	"mime"
	"strings"

	"golang.org/x/net/html/charset"
)

// Bounds of what is read of a mail. A real report is far below each; what stands beyond is not looked at.
const (
	maxBlock  = 256 << 10 // of a part: delivery fields, a returned header, the words
	maxFields = 4000
	maxValue  = 8 << 10
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
	blank := false
	for line := range strings.Lines(b[:min(len(b), maxBlock)]) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			blank = true
			continue
		}
		name, value, ok := cutField(line)
		if ok {
			if len(out) == maxFields {
				break
			}
			out = append(out, field{strings.ToLower(name), strings.TrimSpace(value), blank})
			blank = false
			continue
		}
		if n := len(out) - 1; n >= 0 && !blank && len(out[n].value) < maxValue {
			out[n].value += " " + strings.TrimSpace(line[:min(len(line), maxValue)])
		}
	}
	for i := range out {
		out[i].value = decoded(out[i].value[:min(len(out[i].value), maxValue)])
	}
	return out
}

// header reads the fields of a returned mail, up to its first empty line.
func header(b string) []field {
	b = strings.TrimLeft(b, " \t\r\n")
	if strings.HasPrefix(b, "From ") { // mbox
		_, b, _ = strings.Cut(b, "\n")
	}
	all := fields(b)
	for i, f := range all {
		if i > 0 && f.blank {
			return all[:i]
		}
	}
	return all
}

func cutField(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	if !ok || len(name) > 60 {
		return "", "", false
	}
	name = strings.TrimRight(name, " \t")
	if name == "" {
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
