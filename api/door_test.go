package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"rapport/gateway"
)

// example fills the parameters of a path with something that is nobody's.
func example(path string) string {
	return strings.NewReplacer("{id}", "ext:nobody", "{key}", "nobody", "{version}", "1", "{channel}", "email", "{address}", "nobody%40example.com", "{name}", "nobody", "/events/stream", "/events/stream?after=nobody").Replace(path)
}

func TestRoutes_OpenOnlyWithTheirScope(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	keyOf := func(scopes ...string) string {
		_, text, err := h.keys.Create(t.Context(), gateway.Caller{Scopes: []string{"*"}}, gateway.KeyInput{Name: "k", Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		return "Authorization: Bearer " + text
	}
	keys := map[string]string{}
	for _, s := range gateway.Scopes() {
		keys[s] = keyOf(s)
	}
	if len(h.door.routes) < 50 {
		t.Fatalf("only %d routes", len(h.door.routes))
	}
	for _, r := range h.door.routes {
		path := example(r.Path)
		if r.Open || r.Self { // see TestRoutes_OpenToTheirRoles
			if a := h.do(r.Method, path, nil); r.Scope != "" || r.Open == r.Self || (a.StatusCode == 403) != r.Self {
				t.Errorf("%s %s with a key: %s", r.Method, r.Path, a)
			}
			continue
		}
		if !slices.Contains(gateway.Scopes(), r.Scope) {
			t.Errorf("%s %s has the scope %q, which nobody can have", r.Method, r.Path, r.Scope)
		}
		if a := h.do(r.Method, path, nil, "Authorization:"); a.StatusCode != 401 || a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s %s without a key: %s", r.Method, r.Path, a)
		}
		for scope, key := range keys {
			a := h.do(r.Method, path, nil, key)
			allowed := scope == "*" || scope == r.Scope || strings.HasPrefix(r.Scope, "read:") && (scope == "read:*" || scope == "write:"+r.Scope[5:])
			if (a.StatusCode == 403) == allowed || a.StatusCode == 401 {
				t.Errorf("%s %s with %s: %s", r.Method, r.Path, scope, a)
			}
		}
	}
}

func TestKeys_AreShownOnceAndDie(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		a := h.want(201, "POST", "/v1/keys", `{"name":"shop","scopes":["read:customers","write:keys"]}`, "Idempotency-Key: k1")
		id, key := a.text("id"), a.text("key")
		if !strings.HasPrefix(key, "rpt_live_") || len(key) < 9+8+1+43 {
			t.Fatalf("key %q", key)
		}
		again := h.want(201, "POST", "/v1/keys", `{"name":"shop","scopes":["read:customers","write:keys"]}`, "Idempotency-Key: k1")
		if again.text("id") != id || again.text("key") != "" || again.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("replayed: %s", again)
		}
		if list := h.want(200, "GET", "/v1/keys", nil); strings.Contains(list.String(), key) || !strings.Contains(list.String(), key[:17]) {
			t.Errorf("list: %s", list)
		}
		mine := "Authorization: Bearer " + key
		h.want(200, "GET", "/v1/customers", nil, mine)
		h.refused(403, "read:topics", "GET", "/v1/topics", nil, mine)
		h.refused(403, "does not have itself", "POST", "/v1/keys", `{"name":"more","scopes":["*"]}`, mine)
		h.refused(422, "not a scope", "POST", "/v1/keys", `{"name":"more","scopes":["read:everything"]}`)
		h.refused(422, "past", "POST", "/v1/keys", `{"name":"more","scopes":["*"],"expires_at":"2020-01-01T00:00:00Z"}`)
		h.refused(401, "not known", "GET", "/v1/customers", nil, mine+"x")
		h.refused(401, "Bearer", "GET", "/v1/customers", nil, "Authorization: Basic "+key)
		h.want(204, "DELETE", "/v1/keys/"+id, nil, mine)
		h.refused(401, "revoked", "GET", "/v1/customers", nil, mine)

		soon := time.Now().Add(700 * time.Millisecond).UTC().Format(time.RFC3339Nano)
		brief := "Authorization: Bearer " + h.want(201, "POST", "/v1/keys", `{"name":"brief","scopes":["read:*"],"expires_at":"`+soon+`"}`).text("key")
		h.want(200, "GET", "/v1/customers", nil, brief)
		h.until("the key expires", func() bool { return h.do("GET", "/v1/customers", nil, brief).StatusCode == 401 })
		h.refused(401, "expired at", "GET", "/v1/customers", nil, brief)
	})
}

func TestIdempotency_OneOfManyWins(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.template("welcome")
		h.want(201, "PUT", "/v1/customers/ext:1", `{"name":"Anna","addresses":[{"channel":"email","address":"a@example.com"}]}`)
		bodies := map[string]string{
			"/v1/campaigns": `{"name":"one","purpose":"transactional","template":"welcome","topic":"news","audience":{"customers":[{"id":"ext:1"}]},"settings":{"sandbox":true}}`,
			"/v1/messages":  `{"purpose":"transactional","template":"welcome","to":{"id":"ext:1"},"settings":{"sandbox":true}}`,
		}
		for path, body := range bodies {
			var all sync.WaitGroup
			var mu sync.Mutex
			ids := map[string]int{}
			for range 40 {
				all.Go(func() {
					for {
						a := h.do("POST", path, body, "Idempotency-Key: only one")
						if a.StatusCode == 409 && a.Header.Get("Retry-After") != "" {
							time.Sleep(20 * time.Millisecond)
							continue
						}
						mu.Lock()
						ids[fmt.Sprint(a.StatusCode, a.text("id"))]++
						mu.Unlock()
						return
					}
				})
			}
			all.Wait()
			if len(ids) != 1 || !strings.HasPrefix(slices.Collect(maps.Keys(ids))[0], "202") {
				t.Errorf("%s: %v", path, ids)
			}
			a := h.want(202, "POST", path, body, "Idempotency-Key: only one")
			if a.Header.Get("Idempotency-Replayed") != "true" || a.Header.Get("Location") == "" {
				t.Errorf("%s replayed: %v", path, a.Header)
			}
			h.refused(422, "another request", "POST", path, strings.Replace(body, `"purpose"`, `"metadata":{"a":1},"purpose"`, 1), "Idempotency-Key: only one")
			h.refused(422, "200 characters", "POST", path, body, "Idempotency-Key: "+strings.Repeat("x", 201))
		}
		if a := h.want(200, "GET", "/v1/campaigns", nil); len(a.get("data").([]any)) != 1 {
			t.Errorf("campaigns: %s", a)
		}
		// A refusal is not kept: mended, the same key works.
		h.refused(422, "policy", "POST", "/v1/keys", `{"name":"x","scopes":["policy"]}`, "Idempotency-Key: mended")
		h.want(201, "POST", "/v1/keys", `{"name":"x","scopes":["*"]}`, "Idempotency-Key: mended")
	})
}

func TestBadInput_IsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *Options) { o.Limits.Attachment = 1 << 20 })
	h.template("welcome")
	big := strings.Repeat("x", 2<<20)
	for _, c := range []struct {
		status             int
		says, method, path string
		body               string
		header             string
	}{
		{400, "not JSON", "PUT", "/v1/customers/ext:1", `{"name":`, ""},
		{400, "no body", "POST", "/v1/messages", ``, ""},
		{400, "line 2", "POST", "/v1/messages", "{\n\"a\" 1}", ""},
		{400, "no body", "PUT", "/v1/customers/ext:1", " ", ""},
		{422, "null", "PUT", "/v1/customers/ext:1", "null", ""},
		{422, "null", "POST", "/v1/messages", " null\n", ""},
		{422, "topic", "POST", "/v1/messages", `{"purpose":"transactional","topic":"Bad Topic!","template":"welcome","to":{"external_id":"1","name":"a"}}`, ""},
		{422, "topic", "POST", "/v1/campaigns", `{"purpose":"marketing","topic":"Bad Topic!","template":"welcome","audience":{"everyone":true}}`, ""},
		{422, `"path":"send_at","message":"must be a time such as 2026-12-01T09:00:00Z"`, "POST", "/v1/messages", `{"purpose":"transactional","send_at":"tomorrow","template":"welcome","to":{"external_id":"1"}}`, ""},
		{422, `"path":"send_at","message":"must be a time such as 2026-12-01T09:00:00Z"`, "POST", "/v1/campaigns", `{"purpose":"transactional","send_at":7,"template":"welcome","audience":{"everyone":true}}`, ""},
		{422, `"path":"properties.total","message":"must be a whole number`, "POST", "/v1/events", `{"id":"1","type":"order","customer":"ext:1","properties":{"order_id":"1","total":"19,99","currency":"EUR","items":[]}}`, ""},
		{422, `"path":"properties.order_id","message":"must be a string, not a number"`, "POST", "/v1/events", `{"id":"1","type":"order","customer":"ext:1","properties":{"order_id":1,"total":1,"currency":"EUR","items":[]}}`, ""},
		{422, "broken UTF-8", "PUT", "/v1/customers/ext:1", "{\"name\":\"\xff\"}", ""},
		{422, "NUL", "PUT", "/v1/customers/ext:1", `{"name":"a\u0000"}`, ""},
		{422, "addresses[0].primery", "PUT", "/v1/customers/ext:1", `{"addresses":[{"channel":"email","address":"a@example.com","primery":true}]}`, ""},
		{422, "must be a string, not a number", "PUT", "/v1/customers/ext:1", `{"name":7}`, ""},
		{422, "twice", "PUT", "/v1/customers/ext:1", `{"name":"a","name":"b"}`, ""},
		{422, "phone number", "PUT", "/v1/customers/ext:1", `{"addresses":[{"channel":"sms","address":"12"}]}`, ""},
		{422, "line break", "PUT", "/v1/customers/ext:1", `{"name":"a\r\nBcc: x@example.com"}`, ""},
		{422, "is not a customer id", "PUT", "/v1/customers/1", `{}`, ""},
		{413, "1 MiB", "PUT", "/v1/customers/ext:1", `{"name":"` + big + `"}`, ""},
		{415, "application/json", "PUT", "/v1/customers/ext:1", `{}`, "Content-Type: application/x-www-form-urlencoded"},
		{415, "Content-Encoding", "PUT", "/v1/customers/ext:1", `{}`, "Content-Encoding: gzip"},
		{422, "there is no template", "POST", "/v1/messages", `{"purpose":"transactional","template":"nope","to":{"id":"ext:1"}}`, ""},
		{422, "purpose", "POST", "/v1/messages", `{"template":"welcome","to":{"external_id":"1"}}`, ""},
		{422, "mailbox", "POST", "/v1/messages", `{"purpose":"transactional","template":"welcome","from":"a@example.com\r\nBcc: b@example.com","to":{"external_id":"1"}}`, ""},
		{422, "segment", "POST", "/v1/campaigns", `{"purpose":"marketing","topic":"news","template":"welcome","audience":{"segment":"vip"}}`, ""},
		{422, "audience", "POST", "/v1/campaigns", `{"purpose":"marketing","topic":"news","template":"welcome"}`, ""},
		{422, "twice", "POST", "/v1/campaigns", `{"purpose":"marketing","topic":"news","template":"welcome","audience":{"customers":[{"external_id":"1"},{"external_id":"1"}]}}`, ""},
		{415, "application/json", "POST", "/v1/campaigns", `{}`, "Content-Type: text/plain"},
		{413, "24 MiB", "POST", "/v1/campaigns", `{"name":"` + strings.Repeat("x", 25<<20) + `"}`, ""},
		{413, "1 MiB", "POST", "/v1/files", big, "Content-Type: application/pdf"},
		{422, "empty", "POST", "/v1/files", "", "Content-Type: application/pdf"},
		{415, "Content-Type", "POST", "/v1/customers/import", "email\na@example.com\n", "Content-Type: application/pdf"},
		{422, "not a column", "POST", "/v1/customers/import", "email,shoe\na@example.com,43\n", "Content-Type: text/csv"},
		{422, "no row", "POST", "/v1/customers/import", "email\n", "Content-Type: text/csv"},
		{422, "mapping", "POST", "/v1/customers/import?mapping=7", "email\na@example.com\n", "Content-Type: text/csv"},
		{400, "form cannot be read", "POST", "/v1/customers/import", "x", "Content-Type: multipart/form-data"},
		{422, "no file", "POST", "/v1/customers/import", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--b--\r\n", "Content-Type: multipart/form-data; boundary=b"},
		{422, "total", "POST", "/v1/events", `{"id":"1","type":"order","customer":"ext:1","properties":{"order_id":"1","total":1.5,"currency":"EUR","items":[]}}`, ""},
		{422, "no such customer", "POST", "/v1/events", `{"id":"1","type":"visit","customer":"ext:1"}`, ""},
		{422, "[1].id", "POST", "/v1/events", `[{"id":"1","type":"visit","customer":"ext:1"},{"type":"visit","customer":"ext:1"}]`, ""},
		{400, "Line 2", "POST", "/v1/events", "{\"id\":\"1\",\"type\":\"visit\",\"customer\":\"ext:1\"}\n{", "Content-Type: application/x-ndjson"},
		{422, "variants[0]", "PUT", "/v1/templates/x", `{"variants":[{"channel":"sms","text":"{% if %}"}]}`, ""},
		{422, "attachments[0]", "PUT", "/v1/templates/x", `{"variants":[{"channel":"email","subject":"a","text":"b","attachments":["fil_0000000000001"]}]}`, ""},
		{422, "driver", "PUT", "/v1/providers/x", `{"driver":"pigeon","channel":"email"}`, ""},
		{422, "configuration file", "PUT", "/v1/providers/x", `{"driver":"webhook","channel":"webhook","settings":{"secret":"env:RAPPORT_SECRET_KEY"}}`, ""},
		{422, "is not a field", "POST", "/v1/campaigns/cmp_0000000000001/pause", `{"why":"x"}`, ""},
		{404, "no such campaign", "POST", "/v1/campaigns/cmp_0000000000001/pause", ``, ""},
		{404, "no such campaign", "GET", "/v1/campaigns/msg_0000000000001", ``, ""},
		{404, "no such route", "GET", "/v1/nothing", ``, ""},
		{405, "other methods", "POST", "/v1/customers/ext:1", `{}`, ""},
	} {
		var body any
		if c.body != "" || c.method == "POST" {
			body = c.body
		}
		headers := []string{}
		if c.header != "" {
			headers = append(headers, c.header)
		}
		h.refused(c.status, c.says, c.method, c.path, body, headers...)
	}
	if a := h.want(200, "GET", "/v1/customers", nil); len(a.get("data").([]any)) != 0 {
		t.Errorf("customers were made: %s", a)
	}
	if a := h.want(200, "GET", "/v1/campaigns", nil); len(a.get("data").([]any)) != 0 {
		t.Errorf("campaigns were made: %s", a)
	}
}

func TestBadInput_DeepInALargeBody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.template("welcome")
	var good, broken, wrong bytes.Buffer
	for i := 1; i <= 10_000; i++ {
		row := fmt.Sprintf(`{"external_id":"c%d"}`, i)
		for _, b := range []*bytes.Buffer{&good, &broken, &wrong} {
			if i > 1 {
				b.WriteByte(',')
			}
			switch {
			case i == 7_000 && b == &broken:
				b.WriteString(`{"external_id":}`)
			case i == 7_000 && b == &wrong:
				b.WriteString(`{"external_id":"x","addresses":[{"channel":"sms","address":"1"}]}`)
			default:
				b.WriteString(row)
			}
		}
	}
	campaign := func(rows string) string {
		return `{"purpose":"transactional","template":"welcome","audience":{"customers":[` + rows + `]},"settings":{"sandbox":true}}`
	}
	h.refused(400, "audience.customers[6999]", "POST", "/v1/campaigns", campaign(broken.String()))
	h.refused(422, "audience.customers[6999].addresses[0].address", "POST", "/v1/campaigns", campaign(wrong.String()))

	draft := h.want(202, "POST", "/v1/campaigns", `{"purpose":"transactional","template":"welcome","status":"draft"}`).text("id")
	lines := strings.ReplaceAll(broken.String(), "},{", "}\n{")
	h.refused(400, "Line 7000", "POST", "/v1/campaigns/"+draft+"/recipients", lines, "Content-Type: application/x-ndjson")
	h.until("the refused rows are gone", func() bool { return h.want(200, "GET", "/v1/campaigns/"+draft, nil).text("status") == "draft" })
	table := "external_id,name\n" + strings.Repeat("x,y\n", 6_998) + "z,\"a\"b\n"
	h.refused(400, "line 7000", "POST", "/v1/campaigns/"+draft+"/recipients", table, "Content-Type: text/csv")
	h.until("the refused rows are gone", func() bool { return h.want(200, "GET", "/v1/campaigns/"+draft, nil).text("status") == "draft" })
	if a := h.want(200, "GET", "/v1/campaigns/"+draft, nil); a.get("counts.audience") != 0.0 || a.text("status") != "draft" {
		t.Errorf("the draft: %s", a)
	}
	job := h.want(202, "POST", "/v1/customers/import", table, "Content-Type: text/csv").text("id")
	h.until("the import fails", func() bool { return h.do("GET", "/v1/jobs/"+job, nil).text("status") == "failed" })
	if a := h.want(200, "GET", "/v1/jobs/"+job, nil); !strings.Contains(a.text("error"), "line 7000") || a.get("done") != 0.0 {
		t.Errorf("the job: %s", a)
	}
	if a := h.want(200, "GET", "/v1/customers", nil); len(a.get("data").([]any)) != 0 {
		t.Errorf("customers were made: %.300s", a)
	}
}

// A body that nobody reads must not become the next request (fasthttp before 1.76 did that).
func TestDoor_DoesNotSmuggle(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	inner := "GET /v1/topics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + h.key + "\r\n\r\n"
	for name, head := range map[string]string{
		"unauthorised": "POST /v1/customers/import HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n",
		"no route":     "POST /nothing HTTP/1.1\r\nHost: x\r\n",
		"no method":    "DELETE /v1/topics HTTP/1.1\r\nHost: x\r\n",
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " chunked ", chunked), func(t *testing.T) {
				t.Parallel()
				conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				request := head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(inner), inner)
				if chunked {
					request = head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(inner), inner)
				}
				if _, err := io.WriteString(conn, request); err != nil {
					t.Fatal(err)
				}
				_ = conn.SetReadDeadline(time.Now().Add(1500 * time.Millisecond))
				text, _ := io.ReadAll(bufio.NewReader(conn)) // ends with the connection, or the deadline
				if n := strings.Count(string(text), "HTTP/1.1 "); n != 1 || strings.Contains(string(text), "200 OK") {
					t.Errorf("%d answers: %s", n, text)
				}
			})
		}
	}
}

func TestDoor_HeadersAndHealth(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []Observation
	h := newHouse(t, func(o *Options) {
		o.Observe = func(x Observation) { mu.Lock(); defer mu.Unlock(); seen = append(seen, x) }
	})
	a := h.want(200, "GET", "/healthz", nil, "Authorization:")
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	h.want(200, "GET", "/readyz", nil, "Authorization:")
	h.refused(404, "customer", "GET", "/v1/customers/ext:a", nil)
	mu.Lock()
	defer mu.Unlock()
	if last := seen[len(seen)-1]; last.Route != "/v1/customers/:id" || last.Status != 404 || last.Method != "GET" || last.Took <= 0 {
		t.Errorf("observed %+v", last)
	}
}

func TestReadiness_IsWhatIsAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *Options) {
		o.Ready = func(context.Context) error { return errors.New("postgres://user:secret@db is away") }
	})
	if a := h.refused(503, "Not ready", "GET", "/readyz", nil, "Authorization:"); strings.Contains(a.String(), "secret") {
		t.Errorf("told a stranger: %s", a)
	}
	h.want(200, "GET", "/healthz", nil, "Authorization:")
}

func TestDoor_RefusesMoreThanItCanCarry(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *Options) { o.Limits.Running, o.Limits.Streams = 2, 1 })
	slow, end := io.Pipe()
	finished := make(chan answer)
	go func() {
		finished <- h.do("POST", "/v1/files?name=a.txt", io.Reader(slow), "Content-Type: text/plain")
	}()
	if _, err := end.Write([]byte("first")); err != nil {
		t.Fatal(err)
	}
	h.until("the large body is being read", func() bool { return len(h.door.streams) == 1 })
	a := h.refused(429, "large requests", "POST", "/v1/files", "x", "Content-Type: text/plain")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	for range 2 {
		if !h.door.inside.enter() {
			t.Error("a large request takes the place of a small one")
		}
	}
	a = h.refused(503, "too many requests", "GET", "/v1/customers", nil)
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.want(200, "GET", "/healthz", nil)
	h.door.inside.leave(0)
	h.door.inside.leave(0)
	if !h.door.inside.take(64<<20 - 10) {
		t.Error("64 MiB cannot be held")
	}
	h.refused(503, "too large together", "POST", "/v1/campaigns/cancel", `{"cancellation_key":"none"}`)
	h.door.inside.give(64<<20 - 10)
	h.want(200, "POST", "/v1/campaigns/cancel", `{"cancellation_key":"none"}`)
	end.Close()
	if a := <-finished; a.StatusCode != 201 || a.get("size") != 5.0 {
		t.Errorf("the slow one: %s", a)
	}
}

func TestClientIP_BelievesOnlyTrustedProxies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		trusted, forwarded, want string
	}{
		{"", "192.0.2.1", "127.0.0.1"},
		{"127.0.0.0/8", "192.0.2.1", "192.0.2.1"},
		{"127.0.0.0/8", "6.6.6.6, 192.0.2.1", "192.0.2.1"},
		{"127.0.0.0/8,10.0.0.0/8", "6.6.6.6, 192.0.2.1, 10.1.1.1", "192.0.2.1"},
		{"127.0.0.0/8", "nonsense", "127.0.0.1"},
	} {
		var prefixes []netip.Prefix
		for p := range strings.SplitSeq(c.trusted, ",") {
			if p != "" {
				prefixes = append(prefixes, netip.MustParsePrefix(p))
			}
		}
		h := newHouse(t, func(o *Options) { o.TrustedProxies = prefixes })
		var got string
		h2 := fiber.New(fiber.Config{DisableStartupMessage: true})
		h2.Get("/", func(f *fiber.Ctx) error { got = h.door.clientIP(f); return nil })
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = h2.Listener(ln) }()
		other := *h
		other.url = "http://" + ln.Addr().String()
		other.want(200, "GET", "/", nil, "X-Forwarded-For: "+c.forwarded)
		_ = h2.Shutdown()
		if got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestOpenAPI_IsWhole(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.want(200, "GET", "/openapi.json", nil, "Authorization:")
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string                    `json:"operationId"`
			Summary     string                    `json:"summary"`
			Tags        []string                  `json:"tags"`
			Security    []map[string][]string     `json:"security"`
			RequestBody map[string]any            `json:"requestBody"`
			Responses   map[string]map[string]any `json:"responses"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(a.Body, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("version %s", doc.OpenAPI)
	}
	ids := map[string]bool{}
	for _, r := range h.door.routes {
		op, ok := doc.Paths[r.Path][strings.ToLower(r.Method)]
		if !ok || op.Summary == "" || len(op.Tags) != 1 || len(op.Security) != len(r.security()) || ids[op.OperationID] {
			t.Errorf("%s %s: %+v", r.Method, r.Path, op)
		}
		ids[op.OperationID] = true
		success := 0
		for status, response := range op.Responses {
			if status[0] == '2' {
				success++
			} else if content, _ := response["content"].(map[string]any); content["application/problem+json"] == nil {
				t.Errorf("%s %s: %s has no problem", r.Method, r.Path, status)
			}
		}
		for _, status := range []string{"401", "403", "422", "429", "503"} {
			if op.Responses[status] == nil {
				t.Errorf("%s %s does not document %s", r.Method, r.Path, status)
			}
		}
		if want := 1 + min(r.Also, 1); success != want {
			t.Errorf("%s %s documents %d successes", r.Method, r.Path, success)
		}
		if strings.Contains(r.Path, "{") && op.Responses["404"] == nil && r.Method != "PUT" && !strings.Contains(r.Path, "{channel}") {
			t.Errorf("%s %s does not document 404", r.Method, r.Path)
		}
	}
	for ref := range strings.SplitSeq(string(a.Body), `"$ref":"#/components/schemas/`) {
		name, _, ok := strings.Cut(ref, `"`)
		if ok && !strings.HasPrefix(ref, "{") && doc.Components.Schemas[name] == nil {
			t.Errorf("a reference to %q, which is not there", name)
		}
	}
	page := h.want(200, "GET", "/docs", nil, "Authorization:")
	for _, r := range h.door.routes {
		if !strings.Contains(string(page.Body), r.Path) {
			t.Errorf("the documentation lacks %s", r.Path)
		}
	}
	for _, foreign := range []string{"<script", "http-equiv", "unpkg", "cdn."} {
		if strings.Contains(string(page.Body), foreign) {
			t.Errorf("the documentation holds %q", foreign)
		}
	}
}

// A large upload may take longer than the read timeout, as long as it goes on; one that stands still ends.
func TestDoor_WaitsForThePieceNotTheWhole(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *Options) { o.ReadTimeout = 400 * time.Millisecond })
	slow, end := io.Pipe()
	go func() {
		for range 8 {
			_, _ = io.WriteString(end, strings.Repeat("x", 20_000)) // fails when the server gave up, which the answer shows
			time.Sleep(150 * time.Millisecond)
		}
		end.Close()
	}()
	if a := h.want(201, "POST", "/v1/files", io.Reader(slow), "Content-Type: text/plain"); a.get("size") != 160_000.0 {
		t.Errorf("slow: %s", a)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf", h.key)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	text, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(text), "HTTP/1.1 408") || !strings.Contains(string(text), "in time") || strings.Contains(string(text), `"request_id":""`) {
		t.Errorf("standing still: %v %s", err, text)
	}
}

func TestTable_CellsAreNoFormulas(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "x=1": "x=1", "": ""} {
		if got := harmless(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
