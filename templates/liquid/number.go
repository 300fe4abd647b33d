package liquid

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// number is what arithmetic filters work on. Fractions are computed as decimals, so that
// 10.1 - 2.2 is 7.9.
type number struct {
	int   int64
	float float64
	frac  bool
}

func (n number) value() any {
	if n.frac {
		return decimal(n.float)
	}
	return n.int
}

func (n number) asFloat() float64 {
	if n.frac {
		return n.float
	}
	return float64(n.int)
}

func (n number) rat() *big.Rat {
	if !n.frac {
		return new(big.Rat).SetInt64(n.int)
	}
	x, ok := new(big.Rat).SetString(strconv.FormatFloat(n.float, 'g', -1, 64))
	if !ok {
		return new(big.Rat)
	}
	return x
}

func (n number) isZero() bool { return n.asFloat() == 0 }

func fraction(f float64) number { return number{float: f, frac: true} }

// toNumber reads a value as a number: text by its leading digits, anything else as 0.
func toNumber(v any) number {
	switch v := plain(normal(v)).(type) {
	case int64:
		return number{int: v}
	case decimal:
		return fraction(float64(v))
	case string:
		return parseNumber(v)
	default:
		return number{}
	}
}

func parseNumber(s string) number {
	s = strings.TrimFunc(s, isSpaceRune)
	digits := leadingInteger(s)
	if rest, ok := strings.CutPrefix(s[len(digits):], "."); ok && len(digits) > 0 && digits[0] != '+' && rest != "" && allDigits(rest) {
		f, err := strconv.ParseFloat(s, 64)
		if err == nil && !math.IsInf(f, 0) {
			return fraction(f)
		}
	}
	i, err := strconv.ParseInt(digits, 10, 64)
	if err == nil {
		return number{int: i}
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsInf(f, 0) {
		return number{}
	}
	return fraction(f)
}

// leadingInteger is the sign and digits that s begins with, or "".
func leadingInteger(s string) string {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	start := i
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	if i == start {
		return ""
	}
	return s[:i]
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

// toInteger reads an argument that must be whole: an integer, or text that is one.
func toInteger(v any) (int64, error) {
	switch v := plain(normal(v)).(type) {
	case int64:
		return v, nil
	case decimal:
		switch { // integers, too large for one
		case v >= 1<<63:
			return math.MaxInt64, nil
		case v < -1<<63:
			return math.MinInt64, nil
		}
	case Unfilled:
		return 0, v
	case string:
		if i, err := strconv.ParseInt(strings.TrimFunc(v, isSpaceRune), 10, 64); err == nil {
			return i, nil
		}
	}
	return 0, mistake("", "%s is not an integer", quoteValue(v))
}

func quoteValue(v any) string {
	s := asText(v)
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return strconv.Quote(s)
}

type operation uint8

const (
	add operation = iota
	subtract
	multiply
	divide
	remainder
)

func (op operation) apply(a, b number) (number, error) {
	if (op == divide || op == remainder) && b.isZero() {
		return number{}, mistake("", "division by zero")
	}
	if !a.frac && !b.frac {
		if n, ok := op.whole(a.int, b.int); ok {
			return number{int: n}, nil
		}
	}
	x, y := a.rat(), b.rat()
	switch op {
	case add:
		x.Add(x, y)
	case subtract:
		x.Sub(x, y)
	case multiply:
		x.Mul(x, y)
	case divide:
		x.Quo(x, y)
	case remainder:
		q := floorRat(new(big.Rat).Quo(x, y))
		x.Sub(x, y.Mul(y, q))
	}
	f, _ := x.Float64()
	if math.IsInf(f, 0) {
		return number{}, mistake("", "the number is too large")
	}
	return fraction(f), nil
}

// whole is integer arithmetic; ok is false when the result does not fit. Division rounds down.
func (op operation) whole(a, b int64) (n int64, ok bool) {
	switch op {
	case add:
		n = a + b
		return n, (n > a) == (b > 0)
	case subtract:
		n = a - b
		return n, (n < a) == (b > 0)
	case multiply:
		if a == 0 || b == 0 {
			return 0, true
		}
		n = a * b
		return n, n/b == a && (a != -1 || b != math.MinInt64) && (b != -1 || a != math.MinInt64)
	case divide:
		if a == math.MinInt64 && b == -1 {
			return 0, false
		}
		n = a / b
		if a%b != 0 && (a < 0) != (b < 0) {
			n--
		}
		return n, true
	default:
		if b == -1 {
			return 0, true
		}
		n = a % b
		if n != 0 && (n < 0) != (b < 0) {
			n += b
		}
		return n, true
	}
}

func floorRat(x *big.Rat) *big.Rat {
	q := new(big.Int)
	q.Div(x.Num(), x.Denom()) // Euclidean, and the denominator is positive: rounds down
	return new(big.Rat).SetInt(q)
}

// wholeNumber turns a float without fraction into an integer where it fits.
func wholeNumber(f float64) number {
	if math.Abs(f) < 1<<63 {
		return number{int: int64(f)}
	}
	return fraction(f)
}

// round keeps the given number of digits after the point, halves away from zero. Without digits
// the result is an integer.
func (n number) round(digits int64) number {
	if digits > 20 || !n.frac && digits >= 0 {
		return n
	}
	if digits < -20 {
		return number{}
	}
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(max(digits, -digits)), nil))
	x := n.rat()
	if digits < 0 {
		scale.Inv(scale)
	}
	x.Mul(x, scale)
	half := big.NewRat(1, 2)
	if x.Sign() < 0 {
		x.Sub(x, half)
		x.Neg(floorRat(x.Neg(x)))
	} else {
		x = floorRat(x.Add(x, half))
	}
	f, _ := x.Quo(x, scale).Float64()
	if digits > 0 {
		return fraction(f)
	}
	return wholeNumber(f)
}
