package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"rapport"
)

// browser is one in which somebody may be signed in: it keeps cookies, sends Origin, and knows its CSRF token.
type browser struct {
	*house
	jar    map[string]string
	csrf   string
	origin string
}

func (h *house) browser() *browser {
	return &browser{house: h, jar: map[string]string{}, origin: "https://rapport.example"}
}

func (b *browser) do(method, path string, body any, headers ...string) answer {
	b.t.Helper()
	var cookies []string
	for k, v := range b.jar {
		cookies = append(cookies, k+"="+v)
	}
	h := []string{"Authorization:", "Cookie: " + strings.Join(cookies, "; ")}
	if method != http.MethodGet {
		h = append(h, "Origin: "+b.origin, "X-CSRF-Token: "+b.csrf)
	}
	a := b.house.do(method, path, body, append(h, headers...)...)
	for _, c := range a.Cookies() {
		if b.jar[c.Name] = c.Value; c.Value == "" {
			delete(b.jar, c.Name)
		}
	}
	if csrf := a.text("csrf"); csrf != "" {
		b.csrf = csrf
	}
	return a
}

func (b *browser) want(status int, method, path string, body any, headers ...string) answer {
	b.t.Helper()
	a := b.do(method, path, body, headers...)
	if a.StatusCode != status {
		b.t.Fatalf("%s %s: %s, want %d", method, path, a, status)
	}
	return a
}

// refused checks for a problem of a kind.
func (b *browser) refused(status int, code rapport.Code, method, path string, body any, headers ...string) answer {
	b.t.Helper()
	a := b.do(method, path, body, headers...)
	if a.StatusCode != status || a.text("type") != typeOf(code) {
		b.t.Errorf("%s %s: %s, want %d %s", method, path, a, status, code)
	}
	return a
}

const password = "correct horse battery"

// owner sets the house up.
func (h *house) owner() *browser {
	h.t.Helper()
	link, err := h.g.Agents.OpenSetup(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	_, token, ok := strings.Cut(link, "/setup#token=")
	if !ok {
		h.t.Fatalf("the link is %q", link)
	}
	b := h.browser()
	b.want(201, "POST", "/v1/setup", map[string]string{"token": token, "name": "Anna Smith", "email": "Anna@shop.example", "password": password})
	return b
}

// join invites somebody and lets them come in.
func (b *browser) join(name string, role rapport.AgentRole) *browser {
	b.t.Helper()
	a := b.want(201, "POST", "/v1/agents", map[string]string{"name": name, "email": strings.ToLower(name) + "@shop.example", "role": string(role)})
	_, token, _ := strings.Cut(a.text("link"), "/invitation#token=")
	n := b.house.browser()
	n.want(200, "POST", "/v1/invitations/accept", map[string]string{"token": token, "password": password})
	return n
}

func TestSetup_MakesTheFirstOwnerOnce(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		stranger := h.browser()
		if a := stranger.want(200, "GET", "/v1/setup", nil); string(a.Body) != "{\"open\":true}\n" {
			t.Errorf("open: %s", a)
		}
		stranger.refused(401, rapport.CodeUnauthorized, "GET", "/v1/session", nil)
		owner := h.owner()
		a := owner.want(200, "GET", "/v1/session", nil)
		if a.text("agent.name") != "Anna Smith" || a.text("agent.role") != "owner" || a.text("agent.mention") != "anna.smith" || a.text("scopes.0") != "*" || a.text("csrf") == "" || a.text("settings.version") != "test" {
			t.Errorf("who am I: %s", a)
		}
		if a := stranger.want(200, "GET", "/v1/setup", nil); string(a.Body) != "{\"open\":false}\n" {
			t.Errorf("open: %s", a)
		}
		if link, err := h.g.Agents.OpenSetup(t.Context()); link != "" || err != nil {
			t.Errorf("a second link: %q, %v", link, err)
		}
		owner.want(200, "GET", "/v1/threads", nil)
		owner.want(201, "POST", "/v1/keys", `{"name":"shop","scopes":["*"]}`)
		owner.want(204, "DELETE", "/v1/session", nil)
		owner.refused(401, rapport.CodeUnauthorized, "GET", "/v1/session", nil)
		in := map[string]string{"email": "anna@SHOP.example", "password": password}
		owner.want(200, "POST", "/v1/session", in)
		owner.want(200, "GET", "/v1/threads", nil)
	})
}

func decode[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal(a.Body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSession_ChangesNothingForAnotherSite(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.owner()
	other := b.join("Boris", rapport.Owner)
	for name, headers := range map[string][]string{
		"no Origin":                 {"Origin:"},
		"null":                      {"Origin: null"},
		"a foreign one":             {"Origin: https://evil.example"},
		"one that begins like ours": {"Origin: https://rapport.example.evil.example"},
		"ours without TLS":          {"Origin: http://rapport.example"},
		"another port":              {"Origin: https://rapport.example:8443"},
		"a host that the request names, over plain http": {"Host: evil.example", "Origin: http://evil.example"},
		"no token":                {"X-CSRF-Token:"},
		"half a token":            {"X-CSRF-Token: " + b.csrf[:20]},
		"another session's token": {"X-CSRF-Token: " + other.csrf},
		"Origin as a list":        {"Origin: https://rapport.example, https://evil.example"},
	} {
		for _, r := range []struct{ method, path, body string }{
			{"POST", "/v1/keys", `{"name":"x","scopes":["*"]}`}, {"PATCH", "/v1/agents/me", `{"name":"x"}`}, {"DELETE", "/v1/session", ""}, {"PUT", "/v1/hours", `{}`},
		} {
			if a := b.do(r.method, r.path, r.body, headers...); a.StatusCode != 403 || a.text("type") != typeOf(rapport.CodeCSRF) {
				t.Errorf("%s, %s %s: %s", name, r.method, r.path, a)
			}
		}
	}
	// Reading needs neither: nobody else can read the answer.
	b.want(200, "GET", "/v1/session", nil, "Origin:", "X-CSRF-Token:")
	// A key goes before the cookie, and needs neither.
	h.want(201, "POST", "/v1/keys", `{"name":"x","scopes":["*"]}`, "Cookie: __Host-rapport="+b.jar["__Host-rapport"])
	b.refused(401, rapport.CodeUnauthorized, "GET", "/v1/session", nil, "Authorization: Bearer rpt_live_nobody")
	// Nobody can be signed in as somebody else by another site.
	b.refused(403, rapport.CodeCSRF, "POST", "/v1/session", `{"email":"boris@shop.example","password":"`+password+`"}`, "Origin: https://evil.example")
	b.origin = "http://" + strings.TrimPrefix(h.url, "http://")
	b.refused(403, rapport.CodeCSRF, "POST", "/v1/keys", `{"name":"x","scopes":["*"]}`) // public_url has TLS
}

func TestRoutes_OpenToTheirRoles(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	owner := h.owner()
	roles := map[rapport.AgentRole]*browser{rapport.Owner: owner, rapport.Admin: owner.join("Ada", rapport.Admin), rapport.Member: owner.join("Max", rapport.Member), rapport.Viewer: owner.join("Vera", rapport.Viewer)}
	// What docs/agents.md says: an agent may read all and change these; a viewer reads.
	member := []string{"write:customers", "write:files", "write:messages", "write:sandbox", "write:threads"}
	for _, r := range h.door.routes {
		path := example(r.Path)
		nobody := h.browser()
		a := nobody.do(r.Method, path, nil)
		if (a.StatusCode == 401) == r.Open {
			t.Errorf("%s %s without a session: %s", r.Method, r.Path, a)
		}
		if r.Method == http.MethodDelete && (r.Path == "/v1/session" || r.Path == "/v1/sessions") {
			continue // they would end what the others are tried with; see TestSession_Ends
		}
		for role, b := range roles {
			a := b.do(r.Method, path, nil)
			allowed := r.Open || r.Self || role == rapport.Owner || role == rapport.Admin || strings.HasPrefix(r.Scope, "read:") || role == rapport.Member && slices.Contains(member, r.Scope)
			if (a.StatusCode == 403) == allowed && a.text("type") != typeOf(rapport.CodeTOTPRequired) || a.StatusCode == 401 && !r.Open {
				t.Errorf("%s %s as %s: %s", r.Method, r.Path, role, a)
			}
			if r.Method != http.MethodGet && !r.Open {
				if a := b.do(r.Method, path, nil, "X-CSRF-Token:"); a.StatusCode != 403 {
					t.Errorf("%s %s as %s without a token: %s", r.Method, r.Path, role, a)
				}
			}
		}
	}
}
