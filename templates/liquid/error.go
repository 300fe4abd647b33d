package liquid

import (
	"errors"
	"fmt"
	"strconv"
)

var (
	// ErrUndefined is wrapped by the error of a strict rendering that used an undefined variable.
	ErrUndefined = errors.New("undefined variable")
	// ErrLimit is wrapped by the error of a rendering that used up one of its limits.
	ErrLimit = errors.New("limit exceeded")
)

// Error is what Parse and Render return: a mistake in the template, or in how data met it.
type Error struct {
	Line    int    // 1-based; 0 when unknown
	Name    string // the variable, filter, tag or limit the message is about; may be empty
	Message string // for people, without the line
	Partial string // the included template the line belongs to; empty in the template itself
	cause   error
}

// Error reads `line 3: unknown filter "foo"`.
func (e *Error) Error() string {
	s := e.Message
	if e.Line > 0 {
		s = "line " + strconv.Itoa(e.Line) + ": " + s
	}
	if e.Partial != "" {
		s = "in " + strconv.Quote(e.Partial) + ", " + s
	}
	return s
}

// Unwrap gives ErrUndefined, ErrLimit, the error of a custom filter, or nil.
func (e *Error) Unwrap() error { return e.cause }

func mistake(name, format string, args ...any) *Error {
	return &Error{Name: name, Message: fmt.Sprintf(format, args...)}
}

// located adds the place to an error that does not know it yet.
func located(err error, line int, partial string) error {
	if _, ok := errors.AsType[Unfilled](err); ok { // no mistake: it is printed
		return err
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return &Error{Line: line, Partial: partial, Message: err.Error(), cause: err}
	}
	if e.Line == 0 {
		e.Line, e.Partial = line, partial
	}
	return e
}
