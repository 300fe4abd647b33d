package incoming

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// transfer undoes a Content-Transfer-Encoding. What is not encoded as it says stays as it is, so that nothing of a text is
// lost.
func transfer(b []byte, encoding string, text bool) []byte {
	switch strings.ToLower(strings.Trim(encoding, " \t\"';")) {
	case "quoted-printable", "quotedprintable", "quoted-printeable":
		return decodeQuoted(b)
	case "base64", "base-64", "b64":
		if !text {
			return decodeBase64(b)
		}
		packed, rest := base64Lines(b)
		if len(rest) == 0 {
			return decodeBase64(packed)
		}
		return bytes.Join([][]byte{decodeBase64(packed), rest}, []byte("\n")) // a list has put its footer behind it
	}
	return b
}

// base64Lines parts b where the first line begins that cannot be base64. Stray characters in a line are ignored (RFC 2045 §6.8),
// but where they are many, or a space stands between words, somebody has written it.
func base64Lines(b []byte) (packed, rest []byte) {
	for rest = b; len(rest) > 0; {
		line, after := cutLine(rest)
		line = bytes.TrimSpace(line)
		stray := 0
		for _, c := range line {
			if _, ok := sextet(c); !ok && c != '=' {
				stray++
			}
		}
		if stray > 0 && (len(line) < 8 || stray*4 > len(line) || bytes.ContainsAny(line, " \t") || bytes.Contains(line, []byte("://")) || !dense(line)) {
			return b[:len(b)-len(rest)], rest
		}
		rest = after
	}
	return b, nil
}

// dense tells whether a line mixes letters as base64 does and words do not: capitals behind small letters, and digits or
// capitals enough.
func dense(line []byte) bool {
	turns := 0
	for i := 1; i < len(line); i++ {
		small := line[i-1] >= 'a' && line[i-1] <= 'z'
		if small && (line[i] >= 'A' && line[i] <= 'Z' || line[i] >= '0' && line[i] <= '9') {
			turns++
		}
	}
	return turns > 0 && turns*16 >= len(line)
}

// decodeBase64 reads base64 with anything between its letters, and with padding in its middle, where one block was put behind
// another.
func decodeBase64(b []byte) []byte {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	if n, err := base64.StdEncoding.Decode(out, b); err == nil {
		return out[:n]
	}
	out = out[:0]
	bits, n := uint32(0), 0
	for _, c := range b {
		v, ok := sextet(c)
		switch {
		case ok:
			bits, n = bits<<6|v, n+6
			if n >= 8 {
				n -= 8
				out = append(out, byte(bits>>n))
			}
		case c == '=':
			bits, n = 0, 0
		}
	}
	return out
}

func sextet(c byte) (uint32, bool) {
	switch {
	case c >= 'A' && c <= 'Z':
		return uint32(c - 'A'), true
	case c >= 'a' && c <= 'z':
		return uint32(c-'a') + 26, true
	case c >= '0' && c <= '9':
		return uint32(c-'0') + 52, true
	case c == '+':
		return 62, true
	case c == '/':
		return 63, true
	}
	return 0, false
}

// decodeQuoted reads quoted-printable (RFC 2045 §6.7). A "=" that begins nothing stands for itself.
func decodeQuoted(b []byte) []byte {
	if bytes.IndexByte(b, '=') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for {
		i := bytes.IndexByte(b, '=')
		if i < 0 {
			return append(out, b...)
		}
		out, b = append(out, b[:i]...), b[i:]
		if len(b) >= 3 && nibble(b[1]) >= 0 && nibble(b[2]) >= 0 {
			out, b = append(out, byte(nibble(b[1])<<4|nibble(b[2]))), b[3:]
			continue
		}
		end := bytes.TrimLeft(b[1:], " \t")
		switch {
		case bytes.HasPrefix(end, []byte("\r\n")):
			b = end[2:]
		case bytes.HasPrefix(end, []byte("\n")):
			b = end[1:]
		case len(end) == 0:
			return out
		default:
			out, b = append(out, '='), b[1:]
		}
	}
}

func nibble(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
