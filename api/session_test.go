package api

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

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
	return &browser{house: h, jar: map[string]string{}, origin: h.door.o.PublicURL}
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
		"no token":                  {"X-CSRF-Token:"},
		"half a token":              {"X-CSRF-Token: " + b.csrf[:20]},
		"another session's token":   {"X-CSRF-Token: " + other.csrf},
		"Origin as a list":          {"Origin: https://rapport.example, https://evil.example"},
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

func TestSession_CookiesAreOurs(t *testing.T) {
	t.Parallel()
	for url, name := range map[string]string{"https://rapport.example": "__Host-rapport", "http://127.0.0.1:8080": "rapport"} {
		h := newHouse(t, func(o *Options) { o.PublicURL = url })
		h.owner()
		b := h.browser()
		fixed := strings.Repeat("A", 43)
		b.jar[name] = fixed // somebody has put it there
		b.refused(401, rapport.CodeUnauthorized, "GET", "/v1/session", nil)
		a := b.want(200, "POST", "/v1/session", `{"email":"anna@shop.example","password":"`+password+`"}`)
		lines := a.Header.Values("Set-Cookie")
		if len(lines) != 2 {
			t.Fatalf("%s: %q", url, lines)
		}
		for _, line := range lines {
			l := strings.ToLower(line)
			if !strings.HasPrefix(line, name) || !strings.Contains(l, "; path=/;") || !strings.Contains(l, "; httponly") || !strings.Contains(l, "; samesite=strict") || strings.Contains(l, "domain=") || strings.Contains(l, "; secure") != strings.HasPrefix(url, "https") {
				t.Errorf("%s: %s", url, line)
			}
		}
		if b.jar[name] == fixed || len(b.jar[name]) != 43 {
			t.Errorf("the session's token is %q", b.jar[name])
		}
		before := b.jar[name]
		b.want(200, "POST", "/v1/session", `{"email":"anna@shop.example","password":"`+password+`"}`)
		old := h.browser()
		old.jar[name] = before
		old.refused(401, rapport.CodeUnauthorized, "GET", "/v1/session", nil) // signing in ended it
		b.want(204, "DELETE", "/v1/session", nil)
		if _, still := b.jar[name]; still {
			t.Error("signing out leaves the cookie")
		}
	}
}

func TestSession_Ends(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		owner := h.owner()
		max := owner.join("Max", rapport.Member)
		in := `{"email":"max@shop.example","password":"` + password + `"}`
		phone, tablet := h.browser(), h.browser()
		phone.want(200, "POST", "/v1/session", in, "User-Agent: Phone/1.0")
		tablet.want(200, "POST", "/v1/session", in, "User-Agent: "+strings.Repeat("x", 5000))
		list := max.want(200, "GET", "/v1/sessions", nil)
		if n := len(list.get("data").([]any)); n != 3 || list.text("data.1.browser") != "Phone/1.0" || len(list.text("data.0.browser")) != 300 || list.get("data.2.current") != true || list.text("data.0.address") == "" {
			t.Errorf("sessions: %s", list)
		}
		owner.refused(404, rapport.CodeNotFound, "DELETE", "/v1/sessions/"+list.text("data.1.id"), nil) // not theirs
		max.want(204, "DELETE", "/v1/sessions/"+list.text("data.1.id"), nil)
		phone.refused(401, rapport.CodeUnauthorized, "GET", "/v1/session", nil)
		max.refused(422, rapport.CodeInvalid, "PUT", "/v1/agents/me/password", `{"current":"not my password","password":"another horse battery"}`)
		max.refused(422, rapport.CodeInvalid, "PUT", "/v1/agents/me/password", `{"current":"`+password+`","password":"short"}`)
		tablet.want(200, "GET", "/v1/session", nil)
		max.want(204, "PUT", "/v1/agents/me/password", `{"current":"`+password+`","password":"another horse battery"}`)
		tablet.refused(401, rapport.CodeUnauthorized, "GET", "/v1/session", nil)
		max.want(200, "GET", "/v1/session", nil)
		phone.refused(401, rapport.CodeUnauthorized, "POST", "/v1/session", in)
		id := max.want(200, "GET", "/v1/session", nil).text("agent.id")
		owner.want(204, "DELETE", "/v1/agents/"+id+"/sessions", nil)
		max.refused(401, rapport.CodeUnauthorized, "GET", "/v1/session", nil)
		in = strings.Replace(in, "correct", "another", 1)
		max.want(200, "POST", "/v1/session", in)
		owner.want(200, "PATCH", "/v1/agents/"+id, `{"role":"viewer"}`)
		max.refused(403, rapport.CodeForbidden, "PUT", "/v1/canned/x", `{}`)
		max.refused(403, rapport.CodeForbidden, "PUT", "/v1/presence/Max", `{"status":"online"}`)
		owner.want(200, "PATCH", "/v1/agents/"+id, `{"disabled":true}`)
		max.refused(401, rapport.CodeUnauthorized, "GET", "/v1/session", nil)
	})
}

func TestSession_EndsTheStream(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.door.follow.heartbeat = 200 * time.Millisecond
	owner := h.owner()
	req, err := http.NewRequestWithContext(t.Context(), "GET", h.url+"/v1/events/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", "__Host-rapport="+owner.jar["__Host-rapport"])
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(res.Status)
	}
	ended := make(chan error, 1)
	go func() { _, err := io.Copy(io.Discard, res.Body); ended <- err }()
	select {
	case err := <-ended:
		t.Fatalf("it ended by itself: %v", err)
	case <-time.After(600 * time.Millisecond):
	}
	owner.want(204, "DELETE", "/v1/session", nil)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the stream goes on")
	}
}

func TestSession_ActsInItsOwnName(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		owner := h.owner()
		h.want(202, "POST", "/v1/sandbox/replies", `{"channel":"sms","address":"+37120000001","text":"Hello"}`)
		th := "/v1/threads/" + owner.want(200, "GET", "/v1/threads", nil).text("data.0.id")
		for _, r := range []struct{ method, path, body string }{
			{"POST", th + "/notes", `{"text":"x","agent":"Boris"}`}, {"POST", th + "/replies", `{"text":"x","agent":"Boris"}`}, {"PATCH", th, `{"priority":"high","agent":"Boris"}`},
			{"PUT", th + "/drafts/Boris", `{"text":"x"}`}, {"DELETE", th + "/drafts/Boris", ""}, {"PUT", "/v1/presence/Boris", `{"status":"online"}`},
		} {
			owner.refused(403, rapport.CodeForbidden, r.method, r.path, r.body)
		}
		for _, agent := range []string{"", `,"agent":"ANNA smith"`} {
			if a := owner.want(201, "POST", th+"/notes", `{"text":"Ask @anna.smith"`+agent+`}`); a.text("author") != "Anna Smith" {
				t.Errorf("note: %s", a)
			}
		}
		if a := owner.want(200, "PUT", th+"/drafts/anna%20smith", `{"text":"x"}`); a.text("agent") != "Anna Smith" {
			t.Errorf("draft: %s", a)
		}
		id := owner.want(200, "GET", "/v1/session", nil).text("agent.id")
		owner.want(201, "POST", th+"/notes", `{"text":"and @`+id+`"}`)
		for _, who := range []string{"Anna%20Smith", id, "anna.smith"} {
			if a := owner.want(200, "GET", "/v1/mentions?agent="+who, nil); len(a.get("data").([]any)) != 3 {
				t.Errorf("mentions of %s: %s", who, a)
			}
		}
		// Giving a thread to somebody else is what assigning is, and a key may act for anybody.
		if a := owner.want(200, "PATCH", th, `{"assignee":"Boris"}`); a.text("assignee") != "Boris" {
			t.Errorf("assigned: %s", a)
		}
		if a := owner.want(200, "GET", "/v1/threads?assignee=me", nil); a.get("data.0") != nil {
			t.Errorf("Boris's is hers: %s", a)
		}
		owner.want(200, "PATCH", th, `{"assignee":"anna SMITH"}`)
		for _, query := range []string{"me", "anna%20smith"} {
			if a := owner.want(200, "GET", "/v1/threads?assignee="+query, nil); a.text("data.0.assignee") != "Anna Smith" {
				t.Errorf("of %s: %s", query, a)
			}
		}
		if a := owner.want(200, "GET", "/v1/threads/counts", nil); a.get("mine.open") != 1.0 {
			t.Errorf("counts: %s", a)
		}
		h.want(201, "POST", th+"/notes", `{"text":"x","agent":"Boris"}`)
		// The same key of two agents is two requests.
		boris := owner.join("Boris", rapport.Member)
		first := owner.want(201, "POST", th+"/notes", `{"text":"once"}`, "Idempotency-Key: one")
		if a := owner.want(201, "POST", th+"/notes", `{"text":"once"}`, "Idempotency-Key: one"); a.text("id") != first.text("id") || a.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("again: %s", a)
		}
		if a := boris.want(201, "POST", th+"/notes", `{"text":"once"}`, "Idempotency-Key: one"); a.text("id") == first.text("id") || a.text("author") != "Boris" {
			t.Errorf("another's: %s", a)
		}
		invited := owner.want(201, "POST", "/v1/agents", `{"name":"Vera","email":"vera@shop.example","role":"viewer"}`, "Idempotency-Key: two")
		if a := owner.want(201, "POST", "/v1/agents", `{"name":"Vera","email":"vera@shop.example","role":"viewer"}`, "Idempotency-Key: two"); invited.text("link") == "" || a.text("link") != "" || a.text("id") != invited.text("id") {
			t.Errorf("a link is kept: %s", a)
		}
	})
}

func TestSignIn_HostileInputIsRefusedAndSecretsStayOutOfLogs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	owner := h.owner()
	link := owner.want(201, "POST", "/v1/agents", `{"name":"Max","email":"max@shop.example","role":"agent"}`).text("link")
	_, token, _ := strings.Cut(link, "#token=")
	offer := owner.want(200, "POST", "/v1/agents/me/totp", `{"password":"`+password+`"}`)
	for _, c := range []struct {
		status     int
		path, body string
	}{
		{400, "/v1/session", `{"email":`}, {422, "/v1/session", `[]`}, {422, "/v1/session", `null`}, {422, "/v1/session", `{"email":7}`}, {422, "/v1/session", `{"email":"a@b.example","password":"x","role":"owner"}`},
		{401, "/v1/session", `{}`}, {401, "/v1/session", `{"email":"' OR 1=1 --","password":"x"}`}, {422, "/v1/session", `{"email":"a\u0000@shop.example","password":"x"}`},
		{401, "/v1/session", `{"email":"anna@shop.example","password":"` + strings.Repeat("x", 100_000) + `"}`}, {401, "/v1/session", `{"email":"` + strings.Repeat("x", 100_000) + `","password":"x"}`},
		{413, "/v1/session", `{"email":"` + strings.Repeat("x", 2<<20) + `"}`}, {401, "/v1/session", `{"email":"anna@shop.example","password":"` + password + ` "}`},
		{403, "/v1/setup", `{"token":"","name":"Eve","email":"eve@shop.example","password":"` + password + `"}`}, {403, "/v1/setup", `{"token":"` + token + `","name":"Eve","email":"eve@shop.example","password":"` + password + `"}`},
		{404, "/v1/invitations/find", `{"token":""}`}, {404, "/v1/invitations/find", `{"token":"` + token[:42] + `"}`}, {404, "/v1/invitations/accept", `{"token":"../","password":"` + password + `"}`},
		{422, "/v1/invitations/accept", `{"token":"` + token + `","password":"short"}`}, {422, "/v1/invitations/accept", `{"token":"` + token + `","password":"xxxxxxxxxxxxxxx"}`}, {422, "/v1/invitations/accept", `{"token":"` + token + `","password":"MAX@shop.example"}`},
		{422, "/v1/invitations/accept", `{"token":"` + token + `","password":"` + strings.Repeat("xy", 101) + `"}`}, {422, "/v1/invitations/accept", `{"token":"` + token + `","password":"` + password + `","name":"..."}`},
		{409, "/v1/invitations/accept", `{"token":"` + token + `","password":"` + password + `","name":"anna SMITH"}`},
	} {
		b := h.browser()
		if a := b.do("POST", c.path, c.body); a.StatusCode != c.status || len(a.Cookies()) > 0 {
			t.Errorf("%s %.100s: %s, want %d", c.path, c.body, a, c.status)
		}
	}
	for _, name := range []string{"", " ", "...", "agt_x", "a\nb", "a\u0000", strings.Repeat("x", 101)} {
		owner.refused(422, rapport.CodeInvalid, "POST", "/v1/agents", map[string]string{"name": name, "email": "x@shop.example", "role": "agent"})
	}
	for _, p := range []string{`{"preferences":[]}`, `{"preferences":"x"}`, `{"preferences":7}`, `{"preferences":{"a":"` + strings.Repeat("x", 9000) + `"}}`, `{"locale":"xx-not a tag"}`, `{"name":"Eve"}`, `{"role":"owner"}`} {
		owner.refused(422, rapport.CodeInvalid, "PATCH", "/v1/agents/me", p)
	}
	if a := owner.want(200, "PATCH", "/v1/agents/me", `{"locale":"ru","preferences":{"scheme":"dark","panes":[1,2]}}`); a.text("locale") != "ru" || a.text("preferences.scheme") != "dark" {
		t.Errorf("preferences: %s", a)
	}
	cookie := owner.jar["__Host-rapport"]
	for _, bad := range []string{"", "x", cookie[:42], cookie + "A", strings.ToLower(cookie), "%00", strings.Repeat("A", 10_000)} {
		b := h.browser()
		b.jar["__Host-rapport"] = bad
		b.refused(401, rapport.CodeUnauthorized, "GET", "/v1/session", nil)
	}
	for what, secret := range map[string]string{"the password": password, "an invitation's token": token, "the session": cookie, "the CSRF token": owner.csrf, "the secret of the codes": offer.text("secret"), "the browser's": owner.jar["__Host-rapport-browser"]} {
		if secret == "" || strings.Contains(h.logs.String(), secret) {
			t.Errorf("%s stands in the log", what)
		}
	}
}
