package liquid

import (
	"math"
	"strings"
)

func localeFilters() map[string]builtin {
	return map[string]builtin{
		"date":   {apply: date, min: 1, max: 1},
		"money":  {apply: money, min: 1, max: 1},
		"number": {apply: formatNumber, max: 1},
		"plural": {apply: plural, min: 1, max: 6},
	}
}

// money prints an amount in the smallest unit of its currency: {{ 129900 | money: "RUB" }}.
func money(c *Call, in any, args []any) (any, error) {
	if in == nil || in == "" {
		return "", nil
	}
	n, err := strictNumber(in)
	if err != nil {
		return nil, err
	}
	code := strings.ToUpper(asText(args[0]))
	if !isCurrency(code) {
		return nil, mistake("", "%s is not a currency of ISO 4217 such as EUR", quoteValue(args[0]))
	}
	n = n.round(0)
	if n.frac {
		return nil, mistake("", "the amount is too large")
	}
	l := languageOf(c.Locale)
	amount := l.amount(n.int, minorDigits(code))
	sign := ""
	if n.int < 0 {
		sign, amount = "-", amount[1:]
	}
	symbol := currencySymbol(code)
	if !l.symbolFirst {
		return sign + amount + noBreak + symbol, nil
	}
	if isLetter(symbol[len(symbol)-1]) {
		symbol += noBreak
	}
	return sign + symbol + amount, nil
}

// formatNumber prints a number with the separators of the language; an argument fixes the digits
// after the point.
func formatNumber(c *Call, in any, args []any) (any, error) {
	if in == nil || in == "" {
		return "", nil
	}
	n, err := strictNumber(in)
	if err != nil {
		return nil, err
	}
	digits := int64(-1)
	if len(args) > 0 {
		if digits, err = toInteger(args[0]); err != nil {
			return nil, err
		}
		if digits < 0 || digits > 20 {
			return nil, mistake("", "the digits after the point are 0 to 20, not %d", digits)
		}
	}
	return languageOf(c.Locale).number(n, int(digits)), nil
}

// plural chooses the form of a noun for a number: {{ n | plural: "item", "items" }}, in the order
// of CLDR (one, few, many, other). It prints the noun alone.
func plural(c *Call, in any, args []any) (any, error) {
	n := number{}
	if in != nil && in != "" {
		var err error
		if n, err = strictNumber(in); err != nil {
			return nil, err
		}
	}
	l := languageOf(c.Locale)
	if !l.slavic() && len(args) == 3 {
		l = languageOf("ru") // three forms can only be meant for such a language
	}
	return args[min(l.pluralForm(n), len(args)-1)], nil
}

// strictNumber refuses what is not a number: a price must not silently become 0.
func strictNumber(v any) (number, error) {
	switch v := v.(type) {
	case int64, decimal:
		return toNumber(v), nil
	case string:
		s := strings.TrimFunc(v, isSpaceRune)
		whole, fractional, dotted := strings.Cut(s, ".")
		if leadingInteger(whole) == whole && whole != "" && (!dotted || fractional != "" && allDigits(fractional)) {
			return toNumber(s), nil
		}
	}
	return number{}, mistake("", "%s is not a number", quoteValue(v))
}

// pluralForm is the position of the form in the list of those the language has.
func (l language) pluralForm(n number) int {
	f := math.Abs(n.asFloat())
	whole := f == math.Trunc(f)
	i := math.Trunc(f)
	tens, hundreds := int(math.Mod(i, 10)), int(math.Mod(i, 100))
	switch l.code {
	case "ru", "uk", "be":
		switch {
		case !whole:
			return 1 // «1,5 товара»: the genitive singular, which is the form of few
		case tens == 1 && hundreds != 11:
			return 0
		case tens >= 2 && tens <= 4 && (hundreds < 12 || hundreds > 14):
			return 1
		default:
			return 2
		}
	case "pl":
		switch {
		case !whole:
			return 3
		case i == 1:
			return 0
		case tens >= 2 && tens <= 4 && (hundreds < 12 || hundreds > 14):
			return 1
		default:
			return 2
		}
	case "fr":
		if i < 2 {
			return 0
		}
		return 1
	default:
		if f == 1 {
			return 0
		}
		return 1
	}
}
