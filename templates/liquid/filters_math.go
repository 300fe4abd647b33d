package liquid

import "math"

func mathFilters() map[string]builtin {
	return map[string]builtin{
		"abs":        {apply: abs},
		"at_least":   {apply: atLeast, min: 1, max: 1},
		"at_most":    {apply: atMost, min: 1, max: 1},
		"ceil":       {apply: ceil},
		"divided_by": arithmetic(divide),
		"floor":      {apply: floor},
		"minus":      arithmetic(subtract),
		"modulo":     arithmetic(remainder),
		"plus":       arithmetic(add),
		"round":      {apply: round, max: 1},
		"times":      arithmetic(multiply),
	}
}

func arithmetic(op operation) builtin {
	return builtin{min: 1, max: 1, apply: func(_ *Call, in any, args []any) (any, error) {
		n, err := op.apply(toNumber(in), toNumber(args[0]))
		return n.value(), err
	}}
}

func abs(_ *Call, in any, _ []any) (any, error) {
	n := toNumber(in)
	if n.frac {
		return decimal(math.Abs(n.float)), nil
	}
	if n.int < 0 {
		n, err := subtract.apply(number{}, n)
		return n.value(), err
	}
	return n.int, nil
}

func atLeast(_ *Call, in any, args []any) (any, error) {
	n, least := toNumber(in), toNumber(args[0])
	if least.asFloat() > n.asFloat() {
		n = least
	}
	return n.value(), nil
}

func atMost(_ *Call, in any, args []any) (any, error) {
	n, most := toNumber(in), toNumber(args[0])
	if most.asFloat() < n.asFloat() {
		n = most
	}
	return n.value(), nil
}

func ceil(_ *Call, in any, _ []any) (any, error) {
	n := toNumber(in)
	if n.frac {
		n = wholeNumber(math.Ceil(n.float))
	}
	return n.value(), nil
}

func floor(_ *Call, in any, _ []any) (any, error) {
	n := toNumber(in)
	if n.frac {
		n = wholeNumber(math.Floor(n.float))
	}
	return n.value(), nil
}

func round(_ *Call, in any, args []any) (any, error) {
	digits := toNumber(argument(args, 0, nil))
	if digits.frac {
		digits = wholeNumber(math.Trunc(digits.float))
	}
	return toNumber(in).round(digits.int).value(), nil
}
