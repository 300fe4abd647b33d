package incoming

import "strings"

// decodeWords decodes the encoded words of a header (RFC 2047), also where they stand against the rules: in quotes, with
// spaces in them, or with a letter that one word begins and the next one ends.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	var out strings.Builder
	var pending []byte // what the last words hold, all in charset
	charset, after := "", false
	flush := func() {
		if len(pending) > 0 {
			out.WriteString(decode(pending, charset))
		}
		pending = nil
	}
	for {
		w, ok := findWord(s)
		if !ok {
			flush()
			out.WriteString(s)
			return out.String()
		}
		if gap := s[:w.start]; !after || strings.Trim(gap, " \t") != "" { // a space between two words is none (§6.2)
			flush()
			out.WriteString(gap)
		} else if !strings.EqualFold(w.charset, charset) {
			flush()
		}
		charset, after = w.charset, true
		pending = append(pending, w.bytes()...)
		s = s[w.end:]
	}
}

// word is an encoded word in its place.
type word struct {
	start, end    int
	charset, text string
	base64        bool
}

func findWord(s string) (w word, ok bool) {
	for at := 0; ; {
		i := strings.Index(s[at:], "=?")
		if i < 0 {
			return w, false
		}
		at += i
		charset, rest, ok1 := strings.Cut(s[at+2:min(len(s), at+2+80)], "?")
		enc, _, ok2 := strings.Cut(rest, "?")
		charset, _, _ = strings.Cut(charset, "*") // with a language (RFC 2231 §5)
		if enc = strings.ToLower(enc); ok1 && ok2 && (enc == "q" || enc == "b") {
			begin := at + strings.Index(s[at+2:], "?") + 2 + 3
			if end := strings.IndexByte(s[begin:], '?'); end >= 0 && strings.HasPrefix(s[begin+end:], "?=") {
				return word{start: at, end: begin + end + 2, charset: charset, text: s[begin : begin+end], base64: enc == "b"}, true
			}
		}
		at += 2
	}
}

func (w word) bytes() []byte {
	if w.base64 {
		return decodeBase64([]byte(w.text))
	}
	return decodeQuoted([]byte(strings.ReplaceAll(w.text, "_", " ")))
}
