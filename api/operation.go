package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// route is one operation of the API. The table of them is what authorises, documents and tests.
type route struct {
	Method  string
	Path    string
	Scope   string
	Open    bool // needs no scope: for who is not signed in yet
	Self    bool // needs no scope: about the agent who is signed in, whatever the role
	Tag     string
	Summary string
	About   string
	Status  int   // of success; 0: 200
	Also    int   // another one, with the same body: 201 of a PUT that creates
	Limit   int64 // bytes of the body; 0: Limits.Body
	// Large bodies are read by the handler as they come, and not many of them at once.
	Large bool
	// Bare: the JSON body may be left out.
	Bare bool
	// Own: the verb keeps the Idempotency-Key in the transaction of its own effects.
	Own     bool
	Content []string // of the body, where it is not JSON
	Body    any      // an example of a JSON body that the handler reads itself
	Refuses []int    // besides 401, 403, 413, 415, 422, 429, 503
}

// Request is embedded in every input.
type Request struct {
	ctx  huma.Context
	body io.Reader // of a large one
	idem *gateway.Idempotency
	// keep, when not nil, stores the answer in the transaction of its effects. A verb that can calls it.
	keep func(ctx context.Context, s *store.Store, status int, out any) error
}

// Resolve keeps the request at hand; huma calls it.
func (r *Request) Resolve(ctx huma.Context) []error {
	r.ctx = ctx
	return nil
}

func (r *Request) request() *Request { return r }

// caller is whose key or session it was; authorise has found it.
func (r *Request) caller() gateway.Caller {
	by, _ := fiberOf(r.ctx).Locals(callerKey{}).(gateway.Caller)
	return by
}

type callerKey struct{}

// input is a struct that embeds Request.
type input[I any] interface {
	*I
	request() *Request
}

// reply is what a handler answers.
type reply[T any] struct {
	Status   int    `json:"status"`
	Location string `header:"Location" json:"location,omitempty"`
	Replayed string `header:"Idempotency-Replayed" json:"-"`
	Body     T      `json:"body"`
}

func ok[T any](v T) (*reply[T], error) { return &reply[T]{Status: http.StatusOK, Body: v}, nil }

func created[T any](location string, v T) (*reply[T], error) {
	return &reply[T]{Status: http.StatusCreated, Location: location, Body: v}, nil
}

func accepted[T any](location string, v T) (*reply[T], error) {
	return &reply[T]{Status: http.StatusAccepted, Location: location, Body: v}, nil
}

// nothing is the body of a 204.
type nothing struct{}

func done() (*reply[nothing], error) {
	return &reply[nothing]{Status: http.StatusNoContent}, nil
}

// handle registers an operation whose body, if any, the handler reads itself.
func handle[I any, P input[I], T any](d *door, o route, fn func(context.Context, P) (*reply[T], error)) {
	register(d, o, nil, func(ctx context.Context, in P) (*reply[T], error) {
		r := in.request()
		hash, free, err := d.open(o, r)
		if err != nil {
			return nil, err
		}
		defer free()
		return idempotent(ctx, d, o, r, hash, func(ctx context.Context) (*reply[T], error) { return fn(ctx, in) })
	})
}

// open prepares the body of an operation that has no JSON one: a large one is handed on as it comes, or,
// with an Idempotency-Key, kept in a file to be compared by its hash; where none is needed there must be
// none.
func (d *door) open(o route, r *Request) (hash string, free func(), err error) {
	c := fiberOf(r.ctx)
	free = func() {}
	if o.Method != http.MethodPost && !o.Large {
		return "", free, nil
	}
	body, err := d.stream(c, d.limit(o))
	if err != nil {
		return "", free, err
	}
	if !o.Large {
		data, err := io.ReadAll(body)
		if err == nil && len(data) > 0 {
			err = gateway.Decode(data, "", &struct{}{}) // clients send {} where nothing is needed
		}
		return hashBytes(nil), free, err
	}
	r.body = body
	if c.Get("Idempotency-Key") == "" {
		return "", free, nil
	}
	s, err := newSpool(body)
	if err != nil {
		return "", free, err
	}
	r.body = s.file
	return s.hash, func() { s.file.Close() }, nil
}

// handleJSON registers an operation with a JSON body, which is decoded strictly: see gateway.Decode.
func handleJSON[I any, P input[I], B, T any](d *door, o route, fn func(context.Context, P, *B) (*reply[T], error)) {
	register(d, o, reflect.TypeFor[B](), func(ctx context.Context, in P) (*reply[T], error) {
		c := fiberOf(in.request().ctx)
		if err := wantJSON(c); err != nil {
			return nil, err
		}
		stream, err := d.stream(c, d.limit(o))
		if err != nil {
			return nil, err
		}
		data, err := d.held(c, stream, d.limit(o))
		if err != nil {
			return nil, err
		}
		if o.Scope == "" { // hashing a password is slow on purpose, and says nothing about the machine
			visitOf(c).timed = false
		}
		body := new(B)
		switch text := bytes.TrimSpace(data); {
		case len(text) == 0 && !o.Bare:
			err = rapport.Errorf(rapport.CodeMalformed, "The request has no body; JSON is expected.")
		case string(text) == "null" && !o.Bare:
			err = rapport.Errorf(rapport.CodeInvalid, "The body is null; a JSON object is expected.")
		case len(text) > 0:
			err = gateway.Decode(data, "", body)
		}
		if err != nil {
			return nil, err
		}
		return idempotent(ctx, d, o, in.request(), hashBytes(data), func(ctx context.Context) (*reply[T], error) { return fn(ctx, in, body) })
	})
}

// held reads a body into memory, within what all requests may hold together.
func (d *door) held(c *fiber.Ctx, stream io.Reader, limit int64) ([]byte, error) {
	v := visitOf(c)
	v.timed = c.Method() == http.MethodPost
	size := int64(c.Request().Header.ContentLength())
	if size < 0 {
		size = limit // it does not say
	}
	if !d.inside.take(size) {
		return nil, overload(c, overBytes)
	}
	v.bytes = size
	text := bytes.NewBuffer(make([]byte, 0, min(size, 64<<10)+bytes.MinRead))
	_, err := text.ReadFrom(stream)
	return text.Bytes(), err
}

func (d *door) limit(o route) int64 {
	if o.Limit > 0 {
		return o.Limit
	}
	return d.o.Limits.Body
}

// register is what all operations share: who may, how long it may take, how it is documented.
func register[I any, P input[I], T any](d *door, o route, body reflect.Type, fn func(context.Context, P) (*reply[T], error)) {
	d.routes = append(d.routes, o)
	if o.Status == 0 {
		o.Status = http.StatusOK
	}
	op := huma.Operation{
		OperationID: operationID(o), Method: o.Method, Path: o.Path, Summary: o.Summary, Description: strings.TrimSpace(o.About + "\n\n" + o.needs()),
		Tags: []string{o.Tag}, DefaultStatus: o.Status, SkipValidateBody: true,
		Security:    o.security(),
		Middlewares: huma.Middlewares{d.authorise(o)},
		Errors:      append([]int{401, 403, 422, 429, 503}, o.Refuses...),
	}
	if body != nil || o.Large {
		op.Errors = append(op.Errors, 400, 413, 415)
	}
	if o.Method == http.MethodPost && o.Scope != "" {
		op.Errors = append(op.Errors, 409)
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Description: "Any text of up to 200 characters. Within 24 h the same request is answered with the first answer instead of being done again.",
			Schema: &huma.Schema{Type: huma.TypeString}})
	}
	huma.Register(d.api, op, func(ctx context.Context, in *I) (*reply[T], error) {
		if !o.Large {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
		}
		out, err := fn(ctx, P(in))
		if err != nil {
			c := fiberOf(P(in).request().ctx)
			d.drain(c)
			return nil, d.problem(ctx, requestID(c), err)
		}
		return out, nil
	})
	d.document(o, body)
}

// operationID is a name for generated clients: put-customers-id.
func operationID(o route) string {
	words := strings.FieldsFunc(strings.TrimPrefix(o.Path, "/v1/"), func(r rune) bool { return r == '/' || r == '{' || r == '}' })
	return strings.ToLower(o.Method) + "-" + strings.Join(words, "-")
}

// document adds to the OpenAPI document what huma does not read: bodies are ours to read.
func (d *door) document(o route, body reflect.Type) {
	oapi, op := d.api.OpenAPI(), d.documented(o)
	if o.Body != nil {
		body = reflect.TypeOf(o.Body)
	}
	if body != nil || len(o.Content) > 0 {
		op.RequestBody = &huma.RequestBody{Required: !o.Bare, Content: map[string]*huma.MediaType{}}
	}
	if body != nil {
		op.RequestBody.Content["application/json"] = &huma.MediaType{Schema: oapi.Components.Schemas.Schema(body, true, body.Name())}
	}
	for _, t := range o.Content {
		op.RequestBody.Content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	if o.Also != 0 {
		also := *op.Responses[strconv.Itoa(max(o.Status, http.StatusOK))]
		also.Description = http.StatusText(o.Also)
		op.Responses[strconv.Itoa(o.Also)] = &also
	}
	if r := op.Responses["204"]; r != nil {
		r.Content = nil
	}
}

// documented is the operation as the OpenAPI document holds it.
func (d *door) documented(o route) *huma.Operation {
	item := d.api.OpenAPI().Paths[o.Path]
	return map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post, http.MethodDelete: item.Delete, http.MethodPatch: item.Patch}[o.Method]
}

// needs says in the document who may.
func (o route) needs() string {
	switch {
	case o.Open:
		return "Needs no key."
	case o.Self:
		return "For agents who are signed in, whatever their role; not for keys."
	}
	return "Scope: `" + o.Scope + "`."
}

func (o route) security() []map[string][]string {
	switch {
	case o.Open:
		return nil
	case o.Self:
		return []map[string][]string{{"session": {}}}
	}
	return []map[string][]string{{"key": {}}, {"session": {}}}
}

// authorise finds who asks before anything of the body is read.
func (d *door) authorise(o route) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		c := fiberOf(ctx)
		by, err := d.admit(c, o)
		if err == nil && o.Large {
			select {
			case d.streams <- struct{}{}:
				defer func() { <-d.streams }()
				visitOf(c).end(0) // it takes as long as it is large, and has a bound of its own
			default:
				err = overload(c, overLarge)
			}
		}
		if err != nil {
			_ = d.refuse(c, err) // writing into memory
			return
		}
		c.Locals(callerKey{}, by)
		next(ctx)
	}
}

// admit tells who asks, if they may.
func (d *door) admit(c *fiber.Ctx, o route) (gateway.Caller, error) {
	if o.Open {
		return gateway.Caller{}, d.stranger(c)
	}
	shown := d.credentials(c)
	by, err := d.authenticate(c.UserContext(), shown)
	switch {
	case err != nil:
		return by, err
	case by.Agent == 0 && o.Self:
		return by, rapport.Errorf(rapport.CodeForbidden, "This is for agents who are signed in; a key is nobody's.")
	case by.Agent == 0 && !gateway.Allows(by.Scopes, o.Scope):
		return by, rapport.Errorf(rapport.CodeForbidden, "This key lacks the scope %s.", o.Scope)
	case !o.Self && !gateway.Allows(by.Scopes, o.Scope):
		return by, rapport.Errorf(rapport.CodeForbidden, "Your role, %s, lacks the scope %s.", by.Role, o.Scope)
	case by.Agent != 0:
		err = d.sameSite(c, shown.cookie)
	}
	return by, err
}

// credentials are what a request shows of who sent it. A key goes before a session.
type credentials struct {
	header  string // Authorization
	cookie  string // a session's token
	address string // IP
}

func (d *door) credentials(c *fiber.Ctx) credentials {
	return credentials{c.Get("Authorization"), d.cookie(c), d.clientIP(c)}
}

func (d *door) authenticate(ctx context.Context, by credentials) (gateway.Caller, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if by.header == "" && by.cookie != "" {
		return d.g.Agents.Authenticate(ctx, by.cookie, by.address)
	}
	scheme, key, _ := strings.Cut(by.header, " ")
	if by.header == "" {
		return gateway.Caller{}, rapport.Errorf(rapport.CodeUnauthorized, "An API key is needed: Authorization: Bearer rpt_live_…")
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return gateway.Caller{}, rapport.Errorf(rapport.CodeUnauthorized, "Authorization must be: Bearer and an API key.")
	}
	return d.o.Keys.Authenticate(ctx, strings.TrimSpace(key))
}

func hashBytes(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
