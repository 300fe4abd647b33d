package email

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Lines are folded near 78 characters and never reach 998, the limit of RFC 5322 §2.1.1.
const (
	foldAt      = 78
	longestWord = 400
)

var errUnsafe = errors.New("holds a control character or broken UTF-8")

// unsafe tells whether s must not stand on a header line: RFC 5322 knows no control characters but the
// tab, and CR and LF would begin a line of the sender's choosing.
func unsafe(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return !utf8.ValidString(s)
}

// appendText appends an unstructured field: as it is where ASCII allows, else in encoded words (RFC 2047).
func appendText(b []byte, name, value string) ([]byte, error) {
	if unsafe(value) {
		return b, fmt.Errorf("%s %w", name, errUnsafe)
	}
	value = strings.Trim(value, " \t")
	b = append(b, name...)
	b = append(b, ':', ' ')
	if plain(value) {
		b = appendFolded(b, len(name)+2, value)
	} else {
		b = appendEncoded(b, value)
	}
	return append(b, "\r\n"...), nil
}

// plain tells whether value can stand unencoded: ASCII, nothing that reads as an encoded word, and with
// single spaces often enough to fold it. (Readers make one space of a fold, whatever stood there.)
func plain(value string) bool {
	word := 0
	for _, c := range []byte(value) {
		if word++; c == ' ' {
			word = 0
		}
		if word > longestWord || c >= utf8.RuneSelf || c == '\t' {
			return false
		}
	}
	return !strings.Contains(value, "=?") && !strings.Contains(value, "  ")
}

// appendFolded appends a plain value and breaks lines before spaces.
func appendFolded(b []byte, col int, value string) []byte {
	for value != "" {
		n := len(value)
		if i := strings.IndexByte(value[1:], ' '); i >= 0 {
			n = i + 1 // a word with the space before it
		}
		if value[0] == ' ' && col+n > foldAt {
			b, col = append(b, "\r\n"...), 0
		}
		b, col, value = append(b, value[:n]...), col+n, value[n:]
	}
	return b
}

// appendEncoded appends encoded words of at most 64 characters, each on a line of its own and none
// cutting a character in two (RFC 2047 §2 and §5 allow 75 and lines of 76).
func appendEncoded(b []byte, value string) []byte {
	const chunk = 39 // bytes: a multiple of three, 52 in base64
	for first := true; value != ""; first = false {
		n := min(chunk, len(value))
		for n < len(value) && !utf8.RuneStart(value[n]) {
			n--
		}
		if !first {
			b = append(b, "\r\n "...)
		}
		b = append(b, "=?utf-8?B?"...)
		b = base64.StdEncoding.AppendEncode(b, []byte(value[:n]))
		b = append(b, "?="...)
		value = value[n:]
	}
	return b
}

// appendMailbox appends an address field with one mailbox; address has been checked.
func appendMailbox(b []byte, field string, m mail.Address) ([]byte, error) {
	if unsafe(m.Name) { // asked before spaces are trimmed, which CR and LF are
		return b, fmt.Errorf("the name in %s %w", field, errUnsafe)
	}
	name := strings.TrimSpace(m.Name)
	b = append(b, field...)
	b = append(b, ':', ' ')
	switch {
	case name == "":
	case plain(name) && len(name) <= 50:
		b = append(b, '"')
		for _, c := range []byte(name) {
			if c == '"' || c == '\\' {
				b = append(b, '\\')
			}
			b = append(b, c)
		}
		b = append(b, '"', ' ')
	default:
		b = append(appendEncoded(b, name), ' ')
	}
	if col := len(b) - 1 - bytes.LastIndexByte(b, '\n'); name != "" && col+len(m.Address)+2 > foldAt {
		b = append(b[:len(b)-1], "\r\n "...)
	}
	b = append(b, '<')
	b = append(b, m.Address...)
	return append(b, ">\r\n"...), nil
}

// asciiDomain checks an address and brings its domain into the form that every server knows
// (IDNA, RFC 5891). A local part beyond ASCII stays: it needs a server with SMTPUTF8 (RFC 6531).
func asciiDomain(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 || len(address) > 254 || unsafe(address) || strings.ContainsAny(address, " \t<>()[],;:\"\\") {
		return "", errors.New("is not an address of the form name@domain")
	}
	domain, err := address[at+1:], error(nil)
	if !isASCII(domain) {
		domain, err = idna.Lookup.ToASCII(domain)
	}
	if err != nil || !validHost(domain) || domain[0] == '.' || strings.HasSuffix(domain, ".") || strings.Contains(domain, "..") {
		return "", errors.New("has a domain that DNS cannot hold")
	}
	if domain == address[at+1:] {
		return address, nil
	}
	return address[:at+1] + domain, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// atom tells whether s may stand in a Message-ID or a Content-ID, and is short enough for one line.
func atom(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("<>()[],;:\"\\", c) >= 0 {
			return false
		}
	}
	return s != "" && len(s) <= longestWord
}
