package smtpd

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// path is the argument of MAIL or RCPT.
type path struct {
	address string // "": the null sender
	params  map[string]string
}

func (p path) ascii() bool {
	return strings.IndexFunc(p.address, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

var (
	errPath    = errors.New("an address in angle brackets is needed")
	errAddress = errors.New("this is no address")
	errParam   = errors.New("the parameters make no sense")
)

// readPath reads "FROM:<someone@example.com> SIZE=1000". A source route (RFC 5321 §4.1.1.3) is left out, blanks before
// the bracket are forgiven. Names of parameters come back in capitals; one that is repeated is an error.
func readPath(arg, word string, null bool) (p path, err error) {
	if len(arg) < len(word) || !strings.EqualFold(arg[:len(word)], word) {
		return p, errPath
	}
	rest, ok := strings.CutPrefix(strings.TrimLeft(arg[len(word):], " "), "<")
	if !ok {
		return p, errPath
	}
	end := closing(rest)
	if end < 0 {
		return p, errPath
	}
	p.address, rest = rest[:end], rest[end+1:]
	if strings.HasPrefix(p.address, "@") { // @hop1,@hop2:someone@example.com
		if _, p.address, ok = strings.Cut(p.address, ":"); !ok {
			return p, errAddress
		}
	}
	if (p.address != "" || !null) && !mailbox(p.address) {
		return p, errAddress
	}
	if rest != "" && rest[0] != ' ' {
		return p, errParam
	}
	p.params = map[string]string{}
	for _, word := range strings.Fields(rest) {
		name, value, _ := strings.Cut(word, "=")
		name = strings.ToUpper(name)
		if _, twice := p.params[name]; name == "" || twice {
			return p, errParam
		}
		p.params[name] = value
	}
	return p, nil
}

// closing finds the bracket that ends a path, outside quotes.
func closing(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '>' && !quoted:
			return i
		}
	}
	return -1
}

// mailbox is a rough check: what passes can stand on a header line. Whether it is ours is asked of Accepts.
func mailbox(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || at > 256 || len(s)-at > 256 || !utf8.ValidString(s) {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if strings.ContainsAny(domain, " \"\\<>()@,;") {
		return false
	}
	return local[0] == '"' && len(local) > 1 && local[len(local)-1] == '"' || !strings.ContainsAny(local, " \"\\<>()@,;:")
}

// number reads at most twenty digits (RFC 1870 §3); what does not fit is larger than anything we take.
func number(s string) (n int64, ok bool) {
	if s == "" || len(s) > 20 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n = 1<<63 - 1
	}
	return n, true
}
