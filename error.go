package rapport

import (
	"errors"
	"fmt"
	"time"
)

// Code says what kind of refusal an Error is. api/respond.go holds the one table from codes to HTTP.
type Code string

// The codes. Anything that is not an *Error is internal: shown as a request id, never in detail.
const (
	CodeInvalid      Code = "invalid"       // the request cannot be right, whatever the state of things: 422
	CodeMalformed    Code = "malformed"     // it could not even be read (broken JSON, CSV): 400
	CodeUnauthorized Code = "unauthorized"  // no key, or not a valid one: 401
	CodeForbidden    Code = "forbidden"     // a valid key without the scope: 403
	CodeTOTPRequired Code = "totp_required" // the password is right, and a code is needed too: 401
	CodeCSRF         Code = "csrf"          // a session's request that another site may have made: 403
	CodeNotFound     Code = "not_found"     // 404
	CodeConflict     Code = "conflict"      // right in itself, but not in this state: 409
	CodeInProgress   Code = "in_progress"   // the same Idempotency-Key is still running: 409 + Retry-After
	CodeTooLarge     Code = "too_large"     // 413
	CodeUnsupported  Code = "unsupported"   // a media type we do not read: 415
	CodeRateLimited  Code = "rate_limited"  // 429 + Retry-After
	CodeUnavailable  Code = "unavailable"   // database busy, full or gone; nothing was kept: 503 + Retry-After
)

// Error is a refusal with a sentence for people. Message never holds personal data or secrets.
type Error struct {
	Code       Code
	Message    string
	Fields     []FieldError  // where in the request, when that is known
	RetryAfter time.Duration // with in_progress, rate_limited, unavailable
	Cause      error         // for the log only
}

// FieldError points at one place of a request: Path is like "audience.customers[3].data.total".
type FieldError struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

func (e *Error) Error() string {
	if len(e.Fields) == 1 {
		return fmt.Sprintf("%s (%s: %s)", e.Message, e.Fields[0].Path, e.Fields[0].Message)
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// Errorf makes an Error; with %w the wrapped error becomes the Cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Cause: errors.Unwrap(err)}
}

// Invalid refuses one field.
func Invalid(path, format string, args ...any) *Error {
	m := fmt.Sprintf(format, args...)
	return &Error{Code: CodeInvalid, Message: "The request is not valid.", Fields: []FieldError{{Path: path, Message: m}}}
}

// NotFound names what was looked for ("customer", "template \"welcome\"").
func NotFound(what string) *Error {
	return &Error{Code: CodeNotFound, Message: "There is no such " + what + "."}
}

// CodeOf is the code of err, or "" when it has none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
