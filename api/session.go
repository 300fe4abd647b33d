package api

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
)

// Session is who is signed in.
type Session struct {
	Agent     Me        `json:"agent"`
	Scopes    []string  `json:"scopes" nullable:"false" doc:"What the role may do, as for keys."`
	CSRF      string    `json:"csrf" doc:"Belongs into X-CSRF-Token of every request that changes something."`
	Session   string    `json:"session"`
	ExpiresAt time.Time `json:"expires_at" doc:"In any case; after 72 hours without a request it ends earlier."`
	Settings  House     `json:"settings"`
}

// House is what an app should know of the server.
type House struct {
	Version         string `json:"version"`
	PublicURL       string `json:"public_url"`
	Demo            bool   `json:"demo"`
	Simulator       bool   `json:"simulator" doc:"Some channel goes to the sandbox, and the simulator shows what people got."`
	DefaultLocale   string `json:"default_locale"`
	DefaultTimezone string `json:"default_timezone"`
}

// Browser is one in which an agent is signed in.
type Browser struct {
	ID        string    `json:"id"`
	Current   bool      `json:"current" doc:"The one that asks."`
	Browser   string    `json:"browser" doc:"Its User-Agent."`
	Address   string    `json:"address" doc:"Where it was last used from."`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at" doc:"To the minute."`
	ExpiresAt time.Time `json:"expires_at"`
}

// Setup tells whether the server waits for its first owner.
type Setup struct {
	Open bool `json:"open"`
}

// Invited is whom a link is for.
type Invited struct {
	Kind      rapport.PassKind  `json:"kind" enum:"invitation,reset"`
	Name      string            `json:"name"`
	Email     string            `json:"email"`
	Role      rapport.AgentRole `json:"role" enum:"owner,admin,agent,viewer"`
	TOTP      bool              `json:"totp" doc:"A code is needed too."`
	ExpiresAt time.Time         `json:"expires_at"`
}

// TokenInput is what stands behind # in a link.
type TokenInput struct {
	Token string `json:"token" maxLength:"100"`
}

func (d *door) sessions() {
	const tag = "Sign in"
	handle(d, route{Method: http.MethodGet, Path: "/v1/setup", Open: true, Tag: tag, Summary: "Whether the server waits for its first owner"}, d.getSetup)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/setup", Open: true, Tag: tag, Summary: "Make the first owner", Status: 201, About: "With the token of the link that a server without agents prints when it starts. The answer's cookie is a session."}, d.postSetup)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/session", Open: true, Tag: tag, Summary: "Sign in",
		About: "The answer's cookie is a session, and may stand in the place of a key. 401 with the type totp_required: the password is right, send all again with `code`. 429: too many guesses; a right one waits too."}, d.postSession)
	handle(d, route{Method: http.MethodGet, Path: "/v1/session", Self: true, Tag: tag, Summary: "Who is signed in"}, d.getSession)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/session", Self: true, Tag: tag, Summary: "Sign out", Status: 204}, d.deleteSession)
	handle(d, route{Method: http.MethodGet, Path: "/v1/sessions", Self: true, Tag: tag, Summary: "Where you are signed in", About: "Newest first."}, d.listSessions)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/sessions", Self: true, Tag: tag, Summary: "Sign out everywhere else", Status: 204}, d.deleteSessions)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/sessions/{id}", Self: true, Tag: tag, Summary: "Sign out somewhere", Status: 204, Refuses: []int{404}, About: "Everywhere within two seconds."}, d.deleteOneSession)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/invitations/find", Open: true, Tag: tag, Summary: "Whom an invitation or a reset is for", Refuses: []int{404}, About: "The token stands in the body, so that no log has it."}, d.findInvitation)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/invitations/accept", Open: true, Tag: tag, Summary: "Choose a password by an invitation or a reset", Refuses: []int{404}, About: "The answer's cookie is a session; all others end."}, d.acceptInvitation)
}

func (d *door) getSetup(ctx context.Context, _ *noInput) (*reply[Setup], error) {
	there, err := d.st.HasAgents(ctx)
	if err != nil {
		return nil, err
	}
	return ok(Setup{!there})
}

func (d *door) postSetup(ctx context.Context, in *justRequest, body *gateway.SetupInput) (*reply[Session], error) {
	c := fiberOf(in.ctx)
	x, err := d.g.Agents.Setup(ctx, d.visitor(c), *body)
	if err != nil {
		return nil, err
	}
	v, err := d.welcome(ctx, c, x)
	if err != nil {
		return nil, err
	}
	return created("", v)
}

func (d *door) postSession(ctx context.Context, in *justRequest, body *gateway.SignInInput) (*reply[Session], error) {
	c := fiberOf(in.ctx)
	x, err := d.g.Agents.SignIn(ctx, d.visitor(c), *body)
	if err != nil {
		return nil, err
	}
	v, err := d.welcome(ctx, c, x)
	if err != nil {
		return nil, err
	}
	return ok(v)
}

func (d *door) findInvitation(ctx context.Context, _ *justRequest, body *TokenInput) (*reply[Invited], error) {
	p, a, err := d.g.Agents.FindPass(ctx, body.Token)
	if err != nil {
		return nil, err
	}
	return ok(Invited{p.Kind, a.Name, a.Email, a.Role, a.TOTP && !p.ClearTOTP, p.ExpiresAt})
}

func (d *door) acceptInvitation(ctx context.Context, in *justRequest, body *gateway.AcceptInput) (*reply[Session], error) {
	c := fiberOf(in.ctx)
	x, err := d.g.Agents.Accept(ctx, d.visitor(c), *body)
	if err != nil {
		return nil, err
	}
	v, err := d.welcome(ctx, c, x)
	if err != nil {
		return nil, err
	}
	return ok(v)
}

func (d *door) getSession(ctx context.Context, in *noInput) (*reply[Session], error) {
	by := in.caller()
	v, err := d.session(ctx, by.Agent, d.cookie(fiberOf(in.ctx)))
	if err != nil {
		return nil, err
	}
	return ok(v)
}

func (d *door) deleteSession(ctx context.Context, in *noInput) (*reply[nothing], error) {
	if err := d.g.Agents.SignOut(ctx, in.caller()); err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
		return nil, err
	}
	d.setCookie(fiberOf(in.ctx), d.cookies.session, "", -1)
	return done()
}

type listSessions struct {
	Request
	Paging
}

func (d *door) listSessions(ctx context.Context, in *listSessions) (*reply[List[Browser]], error) {
	p, err := in.page("sessions")
	if err != nil {
		return nil, err
	}
	by := in.caller()
	rows, next, err := d.st.Sessions(ctx, by.Agent, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("sessions", rows, next, func(x rapport.Session) Browser {
		return Browser{rapport.KindSession.Format(x.ID), x.ID == by.Session, x.Browser, x.Address, x.CreatedAt, x.SeenAt, x.ExpiresAt}
	}))
}

func (d *door) deleteSessions(ctx context.Context, in *noInput) (*reply[nothing], error) {
	if err := d.g.Agents.EndOthers(ctx, in.caller()); err != nil {
		return nil, err
	}
	return done()
}

type oneSession struct {
	Request
	ID string `path:"id" maxLength:"40" example:"ses_0b8t9g3kq8x1w"`
}

func (d *door) deleteOneSession(ctx context.Context, in *oneSession) (*reply[nothing], error) {
	id, err := parse(rapport.KindSession, in.ID, "session")
	if err != nil {
		return nil, err
	}
	if err := d.g.Agents.EndSession(ctx, in.caller(), id); err != nil {
		return nil, err
	}
	return done()
}

// welcome answers with a session, and gives the browser its cookies.
func (d *door) welcome(ctx context.Context, c *fiber.Ctx, x gateway.SignedIn) (Session, error) {
	v, err := d.session(ctx, x.Agent.ID, x.Token)
	if err != nil {
		return v, err
	}
	d.setCookie(c, d.cookies.session, x.Token, rapport.SessionLife)
	d.setCookie(c, d.cookies.known, x.Known, knownFor)
	return v, nil
}

// session is who is signed in with token.
func (d *door) session(ctx context.Context, agent rapport.ID, token string) (v Session, err error) {
	x, err := d.g.Agents.Session(ctx, token)
	if err != nil {
		return v, err
	}
	me, err := d.me(ctx, agent)
	if err != nil {
		return v, err
	}
	locale, zone := d.g.Defaults()
	return Session{Agent: me, Scopes: gateway.ScopesOf(me.Role), CSRF: gateway.CSRF(token), Session: rapport.KindSession.Format(x.ID), ExpiresAt: x.ExpiresAt,
		Settings: House{d.o.Version, d.o.PublicURL, d.o.Demo, d.simulated(), locale, zone}}, nil
}

// simulated tells whether the sandbox stands for some channel's provider.
func (d *door) simulated() bool {
	return slices.ContainsFunc(d.g.Hub.All(), func(p *channels.Provider) bool { return p.Entry().Driver == "sandbox" && !p.Implicit() })
}

// cookies are the names of ours. With the prefix __Host- a browser takes one only over TLS, for this host alone and for
// all of its paths (RFC 6265bis, 4.1.3.2), so that no other host of the domain can set it. Without TLS, which only
// loopback has, not every browser keeps a Secure cookie.
type cookies struct {
	secure         bool
	session, known string
}

// knownFor is how long a browser is known; no browser keeps a cookie for longer (RFC 6265bis, 5.5).
const knownFor = 400 * 24 * time.Hour

func cookiesFor(publicURL string) cookies {
	if strings.HasPrefix(publicURL, "https://") {
		return cookies{true, "__Host-rapport", "__Host-rapport-browser"}
	}
	return cookies{false, "rapport", "rapport-browser"}
}

// setCookie keeps a cookie in the browser; below 0 it goes. The app's own pages make all requests, so Strict takes nothing
// from anybody.
func (d *door) setCookie(c *fiber.Ctx, name, value string, lives time.Duration) {
	k := &fiber.Cookie{Name: name, Value: value, Path: "/", HTTPOnly: true, Secure: d.cookies.secure, SameSite: fiber.CookieSameSiteStrictMode, MaxAge: int(lives.Seconds())}
	if lives < 0 {
		k.MaxAge, k.Expires = 0, time.Unix(0, 0)
	}
	c.Cookie(k)
}

// cookie is the token of the browser's session; "": it sends none.
func (d *door) cookie(c *fiber.Ctx) string { return c.Cookies(d.cookies.session) }

func (d *door) visitor(c *fiber.Ctx) gateway.Visitor {
	return gateway.Visitor{Address: d.clientIP(c), Browser: c.Get("User-Agent"), Known: c.Cookies(d.cookies.known), Session: d.cookie(c)}
}

// sameSite refuses what another site may have made a browser send. Browsers name the origin of every request that is
// neither GET nor HEAD; the token is what only our own pages can read.
func (d *door) sameSite(c *fiber.Ctx, token string) error {
	if safe(c.Method()) {
		return nil
	}
	if !d.ours(c.Get("Origin")) && !d.sameHost(c) {
		return rapport.Errorf(rapport.CodeCSRF, "The request does not come from a page of this server: Origin is missing, or another's.")
	}
	if subtle.ConstantTimeCompare([]byte(c.Get("X-CSRF-Token")), []byte(gateway.CSRF(token))) != 1 {
		return rapport.Errorf(rapport.CodeCSRF, "X-CSRF-Token is missing or another session's: GET /v1/session has it.")
	}
	return nil
}

// stranger is sameSite for who is not signed in yet: programs name no origin, and browsers ours.
func (d *door) stranger(c *fiber.Ctx) error {
	if o := c.Get("Origin"); o == "" || safe(c.Method()) || d.ours(o) || d.sameHost(c) {
		return nil
	}
	return rapport.Errorf(rapport.CodeCSRF, "The request comes from a page of another site.")
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// ours tells whether an origin is that of public_url.
func (d *door) ours(origin string) bool {
	u, err := url.Parse(d.o.PublicURL)
	return err == nil && origin != "" && strings.EqualFold(origin, u.Scheme+"://"+u.Host)
}

// sameHost tells whether the page's host is the one that the request was sent to, which no page can choose. Where the
// world uses TLS, the page must have come over it too.
func (d *door) sameHost(c *fiber.Ctx) bool {
	u, err := url.Parse(c.Get("Origin"))
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, string(c.Request().Host())) && (u.Scheme == "https" || u.Scheme == "http" && !d.cookies.secure)
}
