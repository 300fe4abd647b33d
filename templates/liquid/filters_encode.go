package liquid

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

func encode64(e *base64.Encoding) Filter {
	return func(_ *Call, in any, _ []any) (any, error) {
		return e.EncodeToString([]byte(asText(in))), nil
	}
}

func decode64(e *base64.Encoding) Filter {
	return func(_ *Call, in any, _ []any) (any, error) {
		b, err := e.DecodeString(asText(in))
		if err != nil {
			return nil, mistake("", "not base64")
		}
		return strings.ToValidUTF8(string(b), "\uFFFD"), nil
	}
}

func urlEncode(c *Call, in any, _ []any) (any, error) { return percent(c, in, "+") }

// urlParamEncode is url_encode with %20 for a space: right in a path as well as in a query.
func urlParamEncode(c *Call, in any, _ []any) (any, error) { return percent(c, in, "%20") }

func percent(c *Call, in any, space string) (any, error) {
	if in == nil {
		return nil, nil
	}
	s := asText(in)
	if err := c.Grow(len(s)); err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		switch ch := s[i]; {
		case isWord(ch) || ch == '-' || ch == '.' || ch == '~':
			b = append(b, ch)
		case ch == ' ':
			b = append(b, space...)
		default:
			b = append(b, '%', upperHex[ch>>4], upperHex[ch&15])
		}
	}
	return string(b), c.Grow(len(b) - len(s))
}

func urlDecode(_ *Call, in any, _ []any) (any, error) {
	if in == nil {
		return nil, nil
	}
	s := asText(in)
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	if !utf8.Valid(b) {
		return nil, mistake("", "the result is not UTF-8")
	}
	return string(b), nil
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// toJSON writes any value as JSON.
func toJSON(c *Call, in any, _ []any) (any, error) {
	b, err := appendJSON(c, nil, in)
	if err != nil {
		return nil, err
	}
	return string(b), nil
}

func appendJSON(c *Call, dst []byte, v any) ([]byte, error) {
	var err error
	mark := len(dst)
	switch v := normal(v).(type) {
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendJSON(c, dst, e); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), c.Grow(2 + len(v))
	case map[string]any, *Object:
		dst = append(dst, '{')
		for i, k := range keysOf(v) {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendJSONText(dst, k); err != nil {
				return nil, err
			}
			if err := c.Grow(len(k) + 4); err != nil {
				return nil, err
			}
			dst = append(dst, ':')
			e, _ := member(v, k)
			if dst, err = appendJSON(c, dst, e); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	case nil:
		dst = append(dst, "null"...)
	case bool, int64, decimal:
		dst = appendText(dst, v)
	default:
		s := asText(v)
		if err := c.Grow(len(s)); err != nil {
			return nil, err
		}
		if dst, err = appendJSONText(dst, s); err != nil {
			return nil, err
		}
		return dst, c.Grow(max(0, len(dst)-mark-len(s)))
	}
	return dst, c.Grow(len(dst) - mark)
}

// appendJSONText leaves <, > and & as they are: the text is escaped where it is printed.
func appendJSONText(dst []byte, s string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...), nil
}
