package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"rapport"
	"rapport/channels"
	"rapport/channels/all"
	"rapport/channels/webhook"
	"rapport/gateway"
	"rapport/store"
	"rapport/store/storetest"
	"rapport/templates"
)

// house is a whole server on loopback: the door, the engine with the sandbox, a real database.
type house struct {
	t    *testing.T
	url  string
	key  string // may everything
	st   *store.Store
	g    *gateway.Gateway
	keys *gateway.Keyring
	door *door
	app  *fiber.App
	logs *logs
}

// logs keeps what was logged, so that a test can look for what must not stand there.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newHouse(t *testing.T, change ...func(*Options)) *house {
	t.Helper()
	return houseOn(t, storetest.SQLite(t), change...)
}

// eachHouse runs fn on both engines.
func eachHouse(t *testing.T, fn func(*testing.T, *house)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); fn(t, newHouse(t)) })
	if url, ok := storetest.Postgres(t); ok {
		t.Run("postgres", func(t *testing.T) { t.Parallel(); fn(t, houseOn(t, url)) })
	}
}

func houseOn(t *testing.T, url string, change ...func(*Options)) *house {
	t.Helper()
	h := &house{t: t, logs: &logs{}}
	h.st = storetest.Open(t, url, nil)
	box := gateway.NewBox(h.st)
	hub := channels.NewHub(all.Drivers(box), channels.HubOptions{})
	log := slog.New(slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.g = gateway.New(h.st, hub, log, gateway.Settings{PublicURL: "https://rapport.example", DefaultLocale: "en", DefaultZone: time.UTC, DefaultRegion: "LV", DefaultPolicy: rapport.OptIn,
		GroupSize: 256, BulkWorkers: 4, FastWorkers: 2, MaxAttempts: 3, DeadAfter: 10 * time.Second, AskMarketing: time.Minute, AskTransaction: time.Minute, Hold: time.Hour, EscalateAfter: time.Hour,
		InlineCustomers: 100_000, Prices: gateway.Prices{Currency: "EUR", Minor: map[rapport.Channel]float64{rapport.SMS: 7.5}}, Keys: [][]byte{[]byte("a key of thirty-two bytes or so..")}, Seals: [][]byte{[]byte("another of thirty-two bytes or so")}, Company: templates.Company{Name: "Shop <Ltd>", PostalAddress: "1 Street"}, ReadMail: readMail})
	ctx, cancel := context.WithCancel(context.Background())
	h.g.Courier = webhook.NewCourier(nil, nil)
	var running sync.WaitGroup
	running.Go(func() { box.Run(ctx, h.g) })
	h.g.Hint = func(w gateway.Wake) {
		running.Go(func() {
			if w.Plan != 0 {
				_, _ = h.g.Plan(ctx, w.Plan, 10*time.Second) // the sweeper finds it again
			} else {
				_ = h.g.Deliver(ctx, w.Batch, w.Lane, 10*time.Second)
			}
		})
	}
	if err := h.g.Start(ctx, "test", gateway.Role{Name: "all", Deliver: true}); err != nil {
		t.Fatal(err)
	}
	h.keys = gateway.NewKeyring(h.st)
	_, key, err := h.keys.Create(ctx, gateway.Caller{Scopes: []string{"*"}}, gateway.KeyInput{Name: "test", Scopes: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	h.key = key
	o := Options{Gateway: h.g, Store: h.st, Keys: h.keys, Log: log, Version: "test", PublicURL: "https://rapport.example"}
	for _, f := range change {
		f(&o)
	}
	app, d := open(o)
	h.app, h.door = app, d
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = "http://" + ln.Addr().String()
	running.Go(func() { _ = app.Listener(ln) })
	t.Cleanup(func() {
		limit, end := context.WithTimeout(context.Background(), 20*time.Second)
		defer end()
		if err := app.ShutdownWithContext(limit); err != nil {
			t.Errorf("shutting down: %v", err)
		}
		h.g.Stop(limit)
		cancel()
		running.Wait()
		hub.Close()
	})
	return h
}

// answer is a response, read whole.
type answer struct {
	*http.Response
	Body []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.StatusCode, a.Body) }

// get reads one value of a JSON body by dotted path; nil when it is not there.
func (a answer) get(path string) any {
	var v any
	if json.Unmarshal(a.Body, &v) != nil {
		return nil
	}
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i := 0
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (a answer) text(path string) string {
	s, _ := a.get(path).(string)
	return s
}

// do sends a request. body is JSON text or a reader; headers are "Name: value", and "" for Authorization
// takes the key away.
func (h *house) do(method, path string, body any, headers ...string) answer {
	h.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	case io.Reader:
		r = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			h.t.Fatal(err)
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, r)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); value == "" {
			req.Header.Del(name)
		} else {
			req.Header.Set(name, value)
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{res, text}
}

// want sends a request and checks its status.
func (h *house) want(status int, method, path string, body any, headers ...string) answer {
	h.t.Helper()
	a := h.do(method, path, body, headers...)
	if a.StatusCode != status {
		h.t.Fatalf("%s %s: %s, want %d", method, path, a, status)
	}
	return a
}

// refused checks that a request is refused with a problem that says words.
func (h *house) refused(status int, says, method, path string, body any, headers ...string) answer {
	h.t.Helper()
	a := h.do(method, path, body, headers...)
	if a.StatusCode != status || !strings.Contains(string(a.Body), says) {
		h.t.Errorf("%s %s: %s, want %d with %q", method, path, a, status, says)
	}
	if ct := a.Header.Get("Content-Type"); ct != "application/problem+json" {
		h.t.Errorf("%s %s: a refusal of type %q", method, path, ct)
	}
	if id := a.text("request_id"); id == "" || id != a.Header.Get("X-Request-Id") {
		h.t.Errorf("%s %s: request id %q and %q", method, path, id, a.Header.Get("X-Request-Id"))
	}
	for _, field := range []string{"type", "title", "detail"} {
		if a.text(field) == "" {
			h.t.Errorf("%s %s: a problem without %s: %s", method, path, field, a)
		}
	}
	return a
}

// until waits for something to become true.
func (h *house) until(what string, ok func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); {
		if time.Now().After(deadline) {
			h.t.Fatalf("did not happen within 2 min: %s\n%s", what, h.logs)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// template saves one that speaks on every channel.
func (h *house) template(key string) {
	h.t.Helper()
	h.want(201, "PUT", "/v1/templates/"+key, `{"topic":"news","variants":[{"channel":"email","subject":"Hi {{ customer.name }}","html":"<p>Hello {{ customer.name }} <a href=\"https://shop.example/x\">look</a></p>"},
		{"channel":"sms","text":"Hello {{ customer.name }}"},{"channel":"telegram","text":"Hello {{ customer.name }}"},{"channel":"webhook","body":{"hello":"{{ customer.name }}"}}]}`)
}
