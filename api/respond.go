package api

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport"
)

// Problem is what every refusal looks like: RFC 9457, application/problem+json.
type Problem struct {
	Type      string               `json:"type" doc:"Which kind of refusal; a place in the documentation."`
	Title     string               `json:"title" doc:"The kind in words; always the same for a type."`
	Status    int                  `json:"status"`
	Detail    string               `json:"detail" doc:"What was wrong this time, for people."`
	Errors    []rapport.FieldError `json:"errors,omitempty" doc:"Where in the request."`
	RequestID string               `json:"request_id" doc:"Name it when you ask us about this."`

	retryAfter time.Duration
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus makes it a huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes it a huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders makes it a huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	if p.retryAfter <= 0 {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds())))}}
}

type kind struct {
	status int
	title  string
	says   string // for the documentation
	narrow bool   // the status alone does not mean it
}

// kinds is the table from codes to HTTP. What is not in it is an internal error.
var kinds = map[rapport.Code]kind{
	rapport.CodeMalformed:    {400, "The request cannot be read", "The body is not the JSON, CSV or NDJSON that it should be; detail names the place.", false},
	rapport.CodeUnauthorized: {401, "Who are you?", "There is no API key, or not a valid one: unknown, revoked or expired.", false},
	rapport.CodeForbidden:    {403, "Not with this key", "The key, or the role of who is signed in, lacks the scope.", false},
	rapport.CodeTOTPRequired: {401, "A code too", "The password is right, and a code is needed; with errors, the one given is wrong.", true},
	rapport.CodeCSRF:         {403, "Not from here", "A session's request without Origin or X-CSRF-Token, or with another's.", true},
	rapport.CodeNotFound:     {404, "Not found", "There is no such thing, or no such route.", false},
	rapport.CodeConflict:     {409, "Not in this state", "Right in itself, but not now: the campaign is finished, the address belongs to somebody else.", false},
	rapport.CodeInProgress:   {409, "Still running", "A request with this Idempotency-Key is being worked on. Ask again after Retry-After.", true},
	rapport.CodeTooLarge:     {413, "Too large", "The body is larger than this route takes. Nothing of it was kept.", false},
	rapport.CodeUnsupported:  {415, "Not a type that we read", "The Content-Type or Content-Encoding is not one of this route's.", false},
	rapport.CodeInvalid:      {422, "The request is not valid", "It was read, and cannot be right; errors names each place. Nothing of it was kept.", false},
	rapport.CodeRateLimited:  {429, "Too many requests", "Ask again after Retry-After.", false},
	rapport.CodeUnavailable:  {503, "Not available", "The database is busy, full or gone, or the server has too much to do. Nothing was kept; ask again after Retry-After.", false},
}

// internal is the kind of everything that nobody foresaw.
var internal = kind{500, "Internal error", "Our mistake. The log has the reason under the request id.", false}

// problem turns any error into what the client may see, and logs what it may not.
func (d *door) problem(ctx context.Context, id string, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	refusal, known := errors.AsType[*rapport.Error](err)
	if !known && (d.o.Store.Unavailable(err) || errors.Is(err, context.DeadlineExceeded)) {
		refusal, known = &rapport.Error{Code: rapport.CodeUnavailable, Message: "The database does not answer in time. Ask again, with the same Idempotency-Key: what was kept all the same is not done twice.", RetryAfter: 2 * time.Second}, true
		d.o.Log.WarnContext(ctx, "the database refused a request", "request_id", id, "error", err)
	}
	if known {
		k, ok := kinds[refusal.Code]
		if ok {
			if k.status == 503 || k.status == 429 || refusal.Code == rapport.CodeInProgress {
				refusal = withRetry(refusal)
			}
			if refusal.Cause != nil {
				d.o.Log.DebugContext(ctx, "refused a request", "request_id", id, "code", string(refusal.Code), "cause", refusal.Cause)
			}
			return &Problem{Type: typeOf(refusal.Code), Title: k.title, Status: k.status, Detail: refusal.Message, Errors: refusal.Fields, RequestID: id, retryAfter: refusal.RetryAfter}
		}
	}
	d.o.Log.LogAttrs(ctx, slog.LevelError, "a request failed", slog.String("request_id", id), slog.Any("error", err))
	return &Problem{Type: typeOf("internal"), Title: internal.title, Status: internal.status, Detail: "Something went wrong on our side; the log has it under this request id.", RequestID: id}
}

func typeOf(c rapport.Code) string { return "/docs#error-" + string(c) }

func withRetry(e *rapport.Error) *rapport.Error {
	if e.RetryAfter > 0 {
		return e
	}
	again := *e
	again.RetryAfter = time.Second
	return &again
}

// ownProblems makes huma's own refusals (parameters that do not fit) look like ours, and keeps the text
// of foreign errors from the client. The hook is a variable of huma's package, so it is set once.
var ownProblems = sync.OnceFunc(func() {
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		p := problemOf(status, msg, errs)
		if ctx != nil {
			p.RequestID = requestID(fiberOf(ctx))
		}
		return p
	}
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError { return problemOf(status, msg, errs) }
})

func problemOf(status int, msg string, errs []error) *Problem {
	p := &Problem{Status: status, Type: typeOf("internal"), Title: internal.title, Detail: "Something went wrong on our side."}
	for code, k := range kinds {
		if k.status == status && !k.narrow {
			p.Type, p.Title, p.Detail = typeOf(code), k.title, "The request is not valid."
		}
	}
	if p.Title == internal.title && status >= 400 && status < 500 {
		p.Type, p.Title, p.Detail = "about:blank", http.StatusText(status), msg
	}
	for _, err := range errs {
		if d, ok := err.(huma.ErrorDetailer); ok { // others may hold anything
			e := d.ErrorDetail()
			p.Errors = append(p.Errors, rapport.FieldError{Path: strings.TrimPrefix(e.Location, "body."), Message: e.Message})
		}
	}
	return p
}
