package telegram

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"rapport/channels"
)

// measure is Caps.Measure: what Telegram counts of a text. Broken markup measures up to where it
// breaks; Send refuses it.
func measure(p channels.Part) int {
	m, _ := readMarkup(p.String())
	return m.units
}

// markup is what is left of a text in Telegram's HTML subset once the markup is taken out.
type markup struct {
	units int  // UTF-16 code units
	blank bool // nothing but space
}

// tags of https://core.telegram.org/bots/api#html-style, each with the attributes that mean something.
var tags = map[string][]string{
	"b": nil, "strong": nil, "i": nil, "em": nil, "u": nil, "ins": nil, "s": nil, "strike": nil, "del": nil,
	"span": {"class"}, "tg-spoiler": nil, "a": {"href"}, "code": {"class"}, "pre": nil, "blockquote": {"expandable"},
}

// readMarkup checks s as Telegram's server would, which refuses the whole message for one bad tag: only
// the tags above, closed in the order in which they were opened. Errors say what and at which byte,
// and show nothing of the text.
func readMarkup(s string) (markup, error) {
	m := markup{blank: true}
	var open []string
	add := func(r rune) {
		m.units++
		if r > 0xffff {
			m.units++
		}
		m.blank = m.blank && unicode.IsSpace(r)
	}
	for i := 0; i < len(s); {
		switch s[i] {
		case '&':
			r, n := entity(s[i:])
			add(r)
			i += n
		case '<':
			end, name, closing, err := readTag(s, i)
			switch {
			case err != nil:
				return m, err
			case !closing:
				open = append(open, name)
			case len(open) == 0:
				return m, fmt.Errorf("the tag </%s> at byte %d closes nothing", name, i)
			case open[len(open)-1] != name:
				return m, fmt.Errorf("the tag </%s> at byte %d stands where </%s> is due", name, i, open[len(open)-1])
			default:
				open = open[:len(open)-1]
			}
			i = end
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			add(r)
			i += n
		}
	}
	if len(open) > 0 {
		return m, fmt.Errorf("the tag <%s> is not closed", open[len(open)-1])
	}
	return m, nil
}

// readTag reads the tag that begins at s[at] and returns where it ends.
func readTag(s string, at int) (end int, name string, closing bool, err error) {
	i := at + 1
	if i < len(s) && s[i] == '/' {
		closing = true
		i++
	}
	from := i
	for i < len(s) && s[i] != '>' && !space(s[i]) {
		i++
	}
	name = strings.ToLower(s[from:i])
	allowed, ok := tags[name]
	if !ok {
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(name) > 20 {
			return 0, "", false, fmt.Errorf("the < at byte %d begins no tag; write &lt;", at)
		}
		return 0, "", false, fmt.Errorf("the tag <%s> at byte %d is not one that Telegram knows", name, at)
	}
	spoiler := false
	for {
		for i < len(s) && space(s[i]) {
			i++
		}
		switch {
		case i == len(s):
			return 0, "", false, fmt.Errorf("the tag <%s> at byte %d has no end", name, at)
		case s[i] == '>' && name == "span" && !closing && !spoiler:
			return 0, "", false, fmt.Errorf("the tag <span> at byte %d needs class=\"tg-spoiler\"", at)
		case s[i] == '>':
			return i + 1, name, closing, nil
		case closing:
			return 0, "", false, fmt.Errorf("the tag </%s> at byte %d has attributes", name, at)
		}
		attribute, value, after, ok := readAttribute(s, i)
		if !ok || !slices.Contains(allowed, attribute) {
			return 0, "", false, fmt.Errorf("the tag <%s> at byte %d has an attribute that Telegram does not know", name, at)
		}
		spoiler = spoiler || attribute == "class" && value == "tg-spoiler"
		i = after
	}
}

// readAttribute reads name="value", name='value', name=token, and the bare word expandable.
func readAttribute(s string, i int) (name, value string, end int, ok bool) {
	from := i
	for i < len(s) && s[i] != '=' && s[i] != '>' && !space(s[i]) {
		i++
	}
	name = strings.ToLower(s[from:i])
	if i == len(s) || s[i] != '=' {
		return name, "", i, name == "expandable"
	}
	if i++; i == len(s) {
		return "", "", 0, false
	}
	if q := s[i]; q == '"' || q == '\'' {
		n := strings.IndexByte(s[i+1:], q)
		if n < 0 {
			return "", "", 0, false
		}
		return name, s[i+1 : i+1+n], i + n + 2, true
	}
	from = i
	for i < len(s) && (s[i] == '.' || s[i] == '-' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || s[i] >= '0' && s[i] <= '9') {
		i++
	}
	return name, s[from:i], i, i > from
}

// entity decodes the character reference at the start of s: the four named ones and numbers. Anything
// else is an ampersand, as it is to Telegram.
func entity(s string) (r rune, length int) {
	end := strings.IndexByte(s[:min(len(s), 12)], ';')
	if end < 0 {
		return '&', 1
	}
	switch name := s[1:end]; name {
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "amp":
		return '&', end + 1
	case "quot":
		return '"', end + 1
	default:
		digits, base := strings.CutPrefix(name, "#")
		if !base {
			return '&', 1
		}
		radix := 10
		if hex, ok := strings.CutPrefix(digits, "x"); ok {
			digits, radix = hex, 16
		}
		n, err := strconv.ParseUint(digits, radix, 21)
		if err != nil || n == 0 || n > unicode.MaxRune {
			return '&', 1
		}
		return rune(n), end + 1
	}
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
