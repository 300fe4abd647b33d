package liquid

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// asText is the value as {{ }} prints it.
func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case markup:
		return string(v)
	case loose:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		return string(appendText(nil, v))
	}
}

func appendText(dst []byte, v any) []byte {
	switch v := normal(v).(type) {
	case string:
		return append(dst, v...)
	case markup:
		return append(dst, v...)
	case loose:
		return append(dst, v...)
	case Unfilled:
		return append(dst, v...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case decimal:
		return appendDecimal(dst, v)
	case []any:
		for _, e := range v {
			dst = appendText(dst, e)
		}
		return dst
	case map[string]any, *Object:
		return appendInspect(dst, v)
	case time.Time:
		return appendTime(dst, v)
	case span:
		dst = strconv.AppendInt(dst, v.lo, 10)
		dst = append(dst, ".."...)
		return strconv.AppendInt(dst, v.hi, 10)
	case *forloop:
		return append(dst, "Liquid::ForloopDrop"...)
	case *tableloop:
		return append(dst, "Liquid::TablerowloopDrop"...)
	default:
		return dst
	}
}

// appendInspect writes objects, and what is in them, as Ruby does: {"a"=>1}.
func appendInspect(dst []byte, v any) []byte {
	switch v := normal(v).(type) {
	case nil:
		return append(dst, "nil"...)
	case string:
		return strconv.AppendQuote(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendInspect(dst, e)
		}
		return append(dst, ']')
	case map[string]any, *Object:
		dst = append(dst, '{')
		for i, k := range keysOf(v) {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = strconv.AppendQuote(dst, k)
			dst = append(dst, "=>"...)
			e, _ := member(v, k)
			dst = appendInspect(dst, e)
		}
		return append(dst, '}')
	default:
		return appendText(dst, v)
	}
}

// appendDecimal writes the shortest digits that read back as the same number, with at least one
// after the point, and an exponent outside 1e-4 … 1e16: Ruby's Float#to_s.
func appendDecimal(dst []byte, d decimal) []byte {
	f := float64(d)
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		s := strconv.FormatFloat(f, 'e', -1, 64)
		mantissa, exponent, _ := strings.Cut(s, "e")
		dst = append(dst, mantissa...)
		if !strings.Contains(mantissa, ".") {
			dst = append(dst, ".0"...)
		}
		dst = append(dst, 'e')
		return append(dst, exponent...)
	}
	mark := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if !slices.Contains(dst[mark:], '.') {
		dst = append(dst, ".0"...)
	}
	return dst
}

func appendTime(dst []byte, t time.Time) []byte {
	if _, offset := t.Zone(); offset == 0 {
		return t.AppendFormat(dst, "2006-01-02 15:04:05 UTC")
	}
	return t.AppendFormat(dst, "2006-01-02 15:04:05 -0700")
}
