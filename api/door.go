// Package api is the REST door: one file a resource, handlers with their registration beside them, one
// error table (respond.go). It reads through the store and changes things only through gateway's verbs.
package api

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"rapport"
	"rapport/channels/sandbox"
	"rapport/gateway"
	"rapport/store"
)

// Options for New. Gateway, Store, Keys and Log are needed.
type Options struct {
	Gateway *gateway.Gateway
	Store   *store.Store
	Keys    *gateway.Keyring
	Log     *slog.Logger

	Version        string // of the program, for the OpenAPI document
	PublicURL      string // without a slash at the end; what providers sign, and whose pages sessions are for
	Demo           bool   // told to the app
	TrustedProxies []netip.Prefix
	CallDoors      map[string]string // names of telephone exchanges by the token that opens their door
	Limits         Limits
	ReadTimeout    time.Duration // longest wait for the next piece of a request; 0: 30 s
	IdleTimeout    time.Duration // 0: 60 s

	Ready   func(context.Context) error // what /readyz asks; nil: always ready
	Observe func(Observation)           // after each request, from many goroutines; nil: nobody
	App     fs.FS                       // the web app, built; nil: a page says how to build it
	// Around tells what only cmd sees of the machine; nil: nothing.
	Around func(context.Context) Surroundings
}

// Limits are the largest requests that are taken; zero fields get the defaults of the contract.
type Limits struct {
	Inline     int64 // bytes of a campaign with its audience
	Stream     int64 // bytes of streamed recipients and imports
	Attachment int64 // bytes of one file
	Body       int64 // bytes of every other body
	Listeners  int   // who follow the event stream at once
	Running    int   // requests at once, without those with large bodies; fewer while they take long
	Streams    int   // requests with large bodies at once
	Held       int64 // bytes of all bodies that are being held in memory at once
}

// Observation is one request, for metrics. Route is the pattern, never the path. Overload says which bound
// refused it; empty: none did.
type Observation struct {
	Method   string
	Route    string
	Status   int
	Took     time.Duration
	Overload string
}

// The bounds that refuse requests while there are too many of them.
const (
	overRequests  = "requests"
	overLarge     = "large_requests"
	overBytes     = "bytes"
	overCampaigns = "campaigns"
	overListeners = "event_streams"
)

// door holds what handlers need.
type door struct {
	o       Options
	g       *gateway.Gateway
	st      *store.Store
	api     huma.API
	pages   *pages
	routes  []route
	inside  *admission
	streams chan struct{}
	follow  following
	cookies cookies
	begun   sync.Map // set of begun
}

// New returns the door, ready for Listen.
func New(o Options) *fiber.App {
	app, _ := open(o)
	return app
}

func open(o Options) (*fiber.App, *door) {
	ownProblems()
	o.Limits = o.Limits.filled()
	if o.ReadTimeout == 0 {
		o.ReadTimeout = 30 * time.Second
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = time.Minute
	}
	d := &door{o: o, g: o.Gateway, st: o.Store, pages: openPages(), inside: newAdmission(o.Limits.Running, o.Limits.Held), streams: make(chan struct{}, o.Limits.Streams),
		follow: following{places: make(chan struct{}, o.Limits.Listeners), heartbeat: 15 * time.Second, patience: 10 * time.Second}, cookies: cookiesFor(o.PublicURL)}
	app := fiber.New(fiber.Config{
		AppName: "Rapport", DisableStartupMessage: true, CaseSensitive: true,
		Immutable:         true,                              // else strings of one request turn into those of the next
		StreamRequestBody: true,                              // else every stranger makes us buffer BodyLimit bytes
		BodyLimit:         1 << 20, ReadBufferSize: 16 << 10, // what is read ahead; headers
		DisablePreParseMultipartForm: true,                                      // else multipart passes every limit
		ReadTimeout:                  o.ReadTimeout, IdleTimeout: o.IdleTimeout, // streams renew the first, see body.go
		ErrorHandler: d.unhandled,
	})
	app.Use(d.frame)
	d.doors(app)
	config := huma.DefaultConfig("Rapport", o.Version)
	config.Info.Description = intro
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil // no $schema: it reflects the Host header
	config.RejectUnknownQueryParameters = true
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer", Description: "An API key: rpt_live_…"},
		"session": {Type: "apiKey", In: "cookie", Name: d.cookies.session, Description: "An agent who is signed in. What changes something also needs X-CSRF-Token."}}
	d.api = humafiber.NewV2(app, config)
	d.api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) { next(unescaped{ctx}) })
	d.customers()
	d.segments()
	d.customerPage()
	d.imports()
	d.consents()
	d.suppressions()
	d.strays()
	d.topics()
	d.templates()
	d.campaigns()
	d.quarantine()
	d.messages()
	d.threads()
	d.inbox()
	d.merges()
	d.customerMerges()
	d.drafts()
	d.mentions()
	d.canned()
	d.search()
	d.sessions()
	d.agents()
	d.presence()
	d.hours()
	d.responses()
	d.events()
	d.following()
	d.endpoints()
	d.files()
	d.keys()
	d.providers()
	d.domains()
	d.sandbox()
	d.audit()
	d.system()
	d.vocabulary()
	d.documentation(app)
	d.app(app, o.App)
	return app, d
}

// schemaName names a type in the document; the sandbox has headers and attachments of its own.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if t.PkgPath() == reflect.TypeFor[sandbox.Sent]().PkgPath() && t.Name() != "" {
		return "Sandbox" + name
	}
	return name
}

func (l Limits) filled() Limits {
	fill := func(to *int64, def int64) {
		if *to <= 0 {
			*to = def
		}
	}
	fill(&l.Inline, 24<<20)
	fill(&l.Stream, 2<<30)
	fill(&l.Attachment, 25<<20)
	fill(&l.Body, 1<<20)
	fill(&l.Held, 64<<20)
	if l.Running <= 0 {
		l.Running = 512
	}
	if l.Streams <= 0 {
		l.Streams = 64
	}
	if l.Listeners <= 0 {
		l.Listeners = 256
	}
	return l
}

// frame is around every request: its id, the headers that keep browsers safe, a bound on how much runs at
// once, panics, and the observation.
func (d *door) frame(c *fiber.Ctx) (err error) {
	began := time.Now()
	id := newRequestID()
	c.Set("X-Request-Id", id)
	c.Locals(idKey{}, id)
	c.Set("X-Content-Type-Options", "nosniff")
	c.Set("Referrer-Policy", "no-referrer")
	c.Set("X-Frame-Options", "DENY")
	c.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set("Cache-Control", "no-store")
	defer func() {
		if r := recover(); r != nil {
			err = d.refuse(c, fmt.Errorf("%s panicked: %v\n%s", c.Route().Path, r, debug.Stack()))
		}
		if d.o.Observe != nil {
			over, _ := c.Locals(overloadKey{}).(string)
			d.o.Observe(Observation{Method: c.Method(), Route: c.Route().Path, Status: c.Response().StatusCode(), Took: time.Since(began), Overload: over})
		}
	}()
	if p := c.Path(); p != "/healthz" && p != "/readyz" {
		if !d.inside.enter() {
			return d.refuse(c, overload(c, overRequests))
		}
		v := &visit{door: d}
		c.Locals(visitKey{}, v)
		defer func() { v.end(time.Since(began)) }()
	}
	if err := c.Next(); err != nil {
		return d.refuse(c, err)
	}
	return nil
}

// visit is the place that a request has inside.
type visit struct {
	door  *door
	bytes int64 // of a body that it holds
	timed bool  // how long it takes says something about the machine
	ended bool
}

type visitKey struct{}

func visitOf(c *fiber.Ctx) *visit {
	v, _ := c.Locals(visitKey{}).(*visit)
	return v
}

func (v *visit) end(took time.Duration) {
	if v.ended {
		return
	}
	v.ended = true
	v.door.inside.give(v.bytes)
	if !v.timed {
		took = 0
	}
	v.door.inside.leave(took)
}

type overloadKey struct{}

// overload is the refusal of a request that came while there were too many, by the bound that says so.
func overload(c *fiber.Ctx, bound string) error {
	c.Locals(overloadKey{}, bound)
	switch bound {
	case overLarge:
		return &rapport.Error{Code: rapport.CodeRateLimited, Message: "Too many large requests are being read at once.", RetryAfter: 5 * time.Second}
	case overListeners:
		return &rapport.Error{Code: rapport.CodeUnavailable, Message: "Too many are following the event stream.", RetryAfter: 10 * time.Second}
	case overBytes:
		return &rapport.Error{Code: rapport.CodeUnavailable, Message: "The requests that are being worked on are too large together.", RetryAfter: time.Second}
	}
	return &rapport.Error{Code: rapport.CodeUnavailable, Message: "The server has too many requests to work on.", RetryAfter: time.Second}
}

// unhandled answers for what Fiber refuses by itself: a header that is too large, a method that a route
// does not have.
func (d *door) unhandled(c *fiber.Ctx, err error) error {
	if requestID(c) == "" { // it never came as far as frame
		id := newRequestID()
		c.Locals(idKey{}, id)
		c.Set("X-Request-Id", id)
	}
	return d.refuse(c, err)
}

// refuse writes a problem, after what the client is still sending.
func (d *door) refuse(c *fiber.Ctx, err error) error {
	d.drain(c)
	if e, ok := errors.AsType[*fiber.Error](err); ok {
		p := problemOf(e.Code, e.Message, nil)
		p.Detail, p.RequestID = sentence(e), requestID(c)
		return d.write(c, p)
	}
	return d.write(c, d.problem(c.UserContext(), requestID(c), err))
}

// sentence is Fiber's complaint for people.
func sentence(e *fiber.Error) string {
	switch e.Code {
	case fiber.StatusNotFound:
		return "There is no such route."
	case fiber.StatusMethodNotAllowed:
		return "This route has other methods; see Allow."
	case fiber.StatusRequestTimeout:
		return "The request did not arrive in time."
	case fiber.StatusRequestHeaderFieldsTooLarge:
		return "The headers of the request are too large."
	}
	if e.Code >= 500 {
		return "Something went wrong on our side."
	}
	return "The request cannot be read."
}

func (d *door) write(c *fiber.Ctx, p *Problem) error {
	for name, values := range p.GetHeaders() {
		c.Set(name, values[0])
	}
	if p.Status == fiber.StatusUnauthorized {
		c.Set("WWW-Authenticate", `Bearer realm="rapport"`)
	}
	c.Status(p.Status)
	if err := c.JSON(p); err != nil {
		return err
	}
	c.Set("Content-Type", p.ContentType(""))
	return nil
}

type idKey struct{}

func requestID(c *fiber.Ctx) string {
	id, _ := c.Locals(idKey{}).(string)
	return id
}

func newRequestID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return "req_" + strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// unescaped gives path parameters without percent signs: an address in a path may hold anything.
type unescaped struct{ escaped }

type escaped = huma.Context // embedded under a name of its own, because it has a method Context

func (u unescaped) Unwrap() huma.Context { return u.escaped }

func (u unescaped) Param(name string) string { return unescape(u.escaped.Param(name)) }

func fiberOf(ctx huma.Context) *fiber.Ctx { return humafiber.UnwrapV2(ctx) }

// clientIP is who asks. X-Forwarded-For is believed only as far as proxies that we trust wrote it: from
// the right, up to the first address that is none of theirs.
func (d *door) clientIP(c *fiber.Ctx) string {
	remote, err := netip.ParseAddrPort(c.Context().RemoteAddr().String())
	if err != nil {
		return ""
	}
	at := remote.Addr().Unmap()
	hops := strings.Split(c.Get("X-Forwarded-For"), ",")
	for i := len(hops) - 1; i >= 0 && d.trusted(at); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = next.Unmap()
	}
	return at.String()
}

func (d *door) trusted(a netip.Addr) bool {
	for _, p := range d.o.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
