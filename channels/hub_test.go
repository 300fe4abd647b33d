package channels_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"rapport"
	"rapport/channels"
	"rapport/channels/sandbox"
)

// scripted is a driver whose Conn does what a test says; sandbox, the real one, does the rest.
type scripted struct {
	send    func(context.Context, *channels.Outgoing) (string, error)
	receive func() ([]channels.Update, error)
	opened  atomic.Int32
	closed  atomic.Int32
	env     channels.Env
	got     channels.Settings
}

func (s *scripted) driver() channels.Driver {
	return channels.Driver{
		Name: "scripted", Channels: []rapport.Channel{rapport.SMS, rapport.Email},
		Caps: channels.Caps{MaxText: 20, Files: map[rapport.Channel]channels.FileLimit{rapport.SMS: {Bytes: 100, Number: 2}}, Timeout: time.Second, Lookup: true},
		Settings: []channels.Setting{
			{Key: "token", Secret: true, Required: true}, {Key: "more", Secret: true}, {Key: "login.password", Secret: true}, {Key: "timeout"}, {Key: "connections"},
		},
		Open: func(set channels.Settings, env channels.Env) (channels.Conn, error) {
			r := set.Read()
			r.Required("token")
			r.Strings("more")
			r.String("login.password", "")
			r.Duration("timeout", 0)
			r.Int("connections", 1, 1, 1000)
			if err := r.Err(); err != nil {
				return nil, fmt.Errorf("opening: %w", err)
			}
			s.opened.Add(1)
			s.env, s.got = env, set
			return (*scriptedConn)(s), nil
		},
	}
}

type scriptedConn scripted

func (c *scriptedConn) Send(ctx context.Context, o *channels.Outgoing) (string, error) {
	if c.send == nil {
		return "id-" + o.Token, nil
	}
	return c.send(ctx, o)
}

func (c *scriptedConn) Receive(context.Context, *channels.Callback) ([]channels.Update, channels.Reply, error) {
	u, err := c.receive()
	return u, channels.Reply{}, err
}

func (c *scriptedConn) Lookup(context.Context, channels.Query) (channels.Answer, error) {
	panic("no idea, hunter2-token")
}

func (c *scriptedConn) Close() error { c.closed.Add(1); return nil }

func entry(name string, priority int) channels.Entry {
	return channels.Entry{Name: name, Driver: "scripted", Channel: rapport.SMS, Priority: priority, Settings: channels.Settings{"token": "hunter2-token"}}
}

func message() *channels.Outgoing {
	return &channels.Outgoing{ID: 1, Token: rapport.KindMessage.Format(1), Channel: rapport.SMS, To: "+37120000000", Text: channels.Text("Hello")}
}

// hubOf configures a Hub and closes it with the test.
func hubOf(t *testing.T, s *scripted, o channels.HubOptions, entries ...channels.Entry) *channels.Hub {
	t.Helper()
	h := channels.NewHub([]channels.Driver{s.driver(), sandbox.Driver(sandbox.NewMemory())}, o)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := h.Configure(entries); err != nil {
		t.Fatal(err)
	}
	return h
}

func find(t *testing.T, h *channels.Hub, name string) *channels.Provider {
	t.Helper()
	p, ok := h.Provider(name)
	if !ok {
		t.Fatalf("there is no provider %q", name)
	}
	return p
}

func names(ps []*channels.Provider) string {
	var out []string
	for _, p := range ps {
		out = append(out, p.Entry().Name)
	}
	return strings.Join(out, " ")
}

func fails(v channels.Verdict) func(context.Context, *channels.Outgoing) (string, error) {
	return func(context.Context, *channels.Outgoing) (string, error) { return "", &v }
}

func TestConfigure_NamesAllMistakesAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	h := hubOf(t, s, channels.HubOptions{ResolveSecret: func(v string) (string, error) {
		if v == "env:NOWHERE" {
			return "", errors.New("the environment has no NOWHERE")
		}
		return v, nil
	}}, entry("good", 0))
	bad := []channels.Entry{
		{Name: "Bad Name", Driver: "scripted", Channel: rapport.SMS, Settings: channels.Settings{"token": "x"}},
		{Name: "unknown", Driver: "pigeon", Channel: rapport.SMS},
		{Name: "channel", Driver: "scripted", Channel: rapport.Telegram},
		{Name: "missing", Driver: "scripted", Channel: rapport.SMS, Settings: channels.Settings{"colour": "red", "connections": 0}},
		{Name: "secret", Driver: "scripted", Channel: rapport.SMS, ReadOnly: true, Settings: channels.Settings{"token": "env:NOWHERE"}},
		{Name: "rate", Driver: "scripted", Channel: rapport.SMS, Rate: -1, Window: -1, Settings: channels.Settings{"token": "x"}},
		{Name: "twice", Driver: "scripted", Channel: rapport.SMS, Settings: channels.Settings{"token": "x"}},
		{Name: "twice", Driver: "scripted", Channel: rapport.SMS, Settings: channels.Settings{"token": "x"}},
		{Name: "sandbox-sms", Driver: "scripted", Channel: rapport.SMS, Settings: channels.Settings{"token": "x"}},
	}
	err := h.Configure(bad)
	mistakes, ok := errors.AsType[channels.Mistakes](err)
	if !ok {
		t.Fatalf("the error is %v, want Mistakes", err)
	}
	paths := map[string]bool{}
	for _, m := range mistakes {
		paths[m.Path] = true
	}
	for _, want := range []string{"providers.Bad Name.name", "providers.unknown.driver", "providers.channel.channel", "providers.missing.settings.token",
		"providers.missing.settings.colour", "providers.missing.settings.connections", "providers.secret.settings.token",
		"providers.rate.rate", "providers.rate.window", "providers.twice.name", "providers.sandbox-sms.name"} {
		if !paths[want] {
			t.Errorf("%s is not named in: %v", want, err)
		}
	}
	if got := names(h.Route(rapport.SMS, false)); got != "good" {
		t.Errorf("route is %q after a refused configuration, want %q", got, "good")
	}
	if _, v := find(t, h, "good").Send(t.Context(), message()); v != nil {
		t.Errorf("the earlier provider no longer sends: %v", v)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if s.opened.Load() != s.closed.Load() {
		t.Errorf("%d Conns were opened and %d closed", s.opened.Load(), s.closed.Load())
	}
}

func TestConfigure_ReopensOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	h := hubOf(t, s, channels.HubOptions{}, entry("a", 0), entry("b", 1))
	before := find(t, h, "a")
	same := entry("a", 5)
	same.Rate, same.Window = 3, 7
	changed := entry("b", 1)
	changed.Settings = channels.Settings{"token": "another-token"}
	if err := h.Configure([]channels.Entry{same, changed}); err != nil {
		t.Fatal(err)
	}
	if got := s.opened.Load(); got != 3 {
		t.Errorf("%d Conns were opened, want 3: a, b, and b again", got)
	}
	if got := names(h.Route(rapport.SMS, false)); got != "b a" {
		t.Errorf("route is %q, want %q", got, "b a")
	}
	if w := find(t, h, "a").Window(); w != 7 {
		t.Errorf("window is %d, want 7", w)
	}
	if _, v := before.Send(t.Context(), message()); v != nil {
		t.Errorf("a Provider held from before an unimportant change: %v", v)
	}
	if err := h.Configure(nil); err != nil {
		t.Fatal(err)
	}
	if _, v := before.Send(t.Context(), message()); v == nil || v.Kind != channels.Temporary || v.Reason != "provider_changed" {
		t.Errorf("a Provider that was removed: verdict is %v", v)
	}
}

func TestConfigure_ClosesAfterRunningSends(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	s := &scripted{}
	s.send = func(context.Context, *channels.Outgoing) (string, error) {
		close(begun)
		<-release
		if s.closed.Load() != 0 {
			t.Error("the Conn was closed under a running Send")
		}
		return "id", nil
	}
	h := hubOf(t, s, channels.HubOptions{}, entry("a", 0))
	var wg sync.WaitGroup
	p := find(t, h, "a")
	wg.Go(func() {
		if _, v := p.Send(t.Context(), message()); v != nil {
			t.Errorf("the running Send: %v", v)
		}
	})
	<-begun
	if err := h.Configure(nil); err != nil { // does not wait
		t.Fatal(err)
	}
	if s.closed.Load() != 0 {
		t.Error("closed at once")
	}
	close(release)
	wg.Wait()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.closed.Load(); got != 1 {
		t.Errorf("closed %d times, want once", got)
	}
}

func TestOpen_GetsItsSurroundings(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	transport := http.NewFileTransport(http.Dir("."))
	e := entry("main", 0)
	e.Settings = channels.Settings{"token": "env:TOKEN", "more": []any{"env:ONE", "two"}, "login": map[string]any{"password": "env:PW"}, "connections": 50, "timeout": "env:3s"}
	e.ReadOnly = true
	h := hubOf(t, s, channels.HubOptions{PublicURL: "https://r.example/", Transport: transport, ResolveSecret: func(v string) (string, error) {
		if v == "env:3s" {
			return "3s", nil
		}
		return strings.Replace(v, "env:", "value of ", 1), nil
	}}, e)
	if s.env.Callback != "https://r.example/in/scripted/main" || s.env.Name != "main" || s.env.Channel != rapport.SMS || s.env.Transport == nil || s.env.Now == nil || s.env.Log == nil || s.env.ReplyToken == nil {
		t.Errorf("env is %+v", s.env)
	}
	if got := fmt.Sprintf("%v %v %v", s.got["token"], s.got["more"], s.got["login"]); got != "value of TOKEN [value of ONE two] map[password:value of PW]" {
		t.Errorf("settings are %s", got)
	}
	if got := fmt.Sprintf("%v %v", e.Settings["token"], e.Settings["more"]); got != "env:TOKEN [env:ONE two]" {
		t.Errorf("the caller's settings were changed to %s", got)
	}
	p := find(t, h, "main")
	stored := entry("main", 0)
	stored.Settings = channels.Settings{"token": "env:TOKEN"}
	if err := h.Configure([]channels.Entry{stored}); err != nil {
		t.Fatal(err)
	}
	if got := s.got["token"]; got != "env:TOKEN" {
		t.Errorf("an entry that is not the file's was resolved to %v", got)
	}
	if p.Window() != 200 || p.Caps().Timeout != 3*time.Second {
		t.Errorf("window %d and timeout %v, want 200 and 3s", p.Window(), p.Caps().Timeout)
	}
}

func TestRoute_SandboxIsAlwaysThereAndAlone(t *testing.T) {
	t.Parallel()
	h := hubOf(t, &scripted{}, channels.HubOptions{}, entry("real", 0))
	for _, ch := range rapport.Channels {
		if got, want := names(h.Route(ch, true)), "sandbox-"+string(ch); got != want {
			t.Errorf("sandbox route of %s is %q, want %q", ch, got, want)
		}
	}
	if got := names(h.Route(rapport.SMS, false)); got != "real" {
		t.Errorf("route is %q, want %q: nobody configured a sandbox", got, "real")
	}
	if got := names(h.Route(rapport.Email, false)); got != "" {
		t.Errorf("route is %q, want nothing", got)
	}
	id, v := h.Route(rapport.SMS, true)[0].Send(t.Context(), message())
	if v != nil || id == "" {
		t.Errorf("the implicit sandbox: id %q, verdict %v", id, v)
	}
	own := channels.Entry{Name: "sandbox-sms", Driver: "sandbox", Channel: rapport.SMS, Settings: channels.Settings{"from": "Demo"}}
	if err := h.Configure([]channels.Entry{own}); err != nil {
		t.Fatal(err)
	}
	if a, b := names(h.Route(rapport.SMS, true)), names(h.Route(rapport.SMS, false)); a != "sandbox-sms" || b != "sandbox-sms" {
		t.Errorf("a configured sandbox routes %q and %q, want itself in both", a, b)
	}
}

func TestBreaker_OpensAndFailsOverThenCloses(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	down.Store(true)
	s := &scripted{send: func(_ context.Context, o *channels.Outgoing) (string, error) {
		if down.Load() {
			return "", &channels.Verdict{Kind: channels.Temporary, Reason: "unreachable"}
		}
		return "id", nil
	}}
	h := hubOf(t, s, channels.HubOptions{BreakerPause: 50 * time.Millisecond}, entry("first", 0))
	second := channels.Entry{Name: "second", Driver: "sandbox", Channel: rapport.SMS, Priority: 1}
	if err := h.Configure([]channels.Entry{second, entry("first", 0)}); err != nil {
		t.Fatal(err)
	}
	if got := names(h.Route(rapport.SMS, false)); got != "first second" {
		t.Fatalf("route is %q, want by priority", got)
	}
	first := find(t, h, "first")
	for i := range 5 {
		if !first.Healthy() {
			t.Fatalf("the breaker opened after %d failures", i)
		}
		_, _ = first.Send(t.Context(), message())
	}
	if got := names(h.Route(rapport.SMS, false)); got != "second" {
		t.Errorf("route is %q while the first is down, want %q", got, "second")
	}
	if _, v := first.Send(t.Context(), message()); v == nil || v.Reason != "breaker_open" || !v.Retryable() || v.After == 0 {
		t.Errorf("an open breaker: verdict is %+v", v)
	}
	if err := h.Configure([]channels.Entry{entry("first", 0)}); err != nil {
		t.Fatal(err)
	}
	if got := names(h.Route(rapport.SMS, false)); got != "first" {
		t.Errorf("route is %q; the only provider stays even when its breaker is open", got)
	}
	down.Store(false)
	waitFor(t, first.Healthy)
	for range 3 {
		if _, v := first.Send(t.Context(), message()); v != nil {
			t.Errorf("after the pause: %v", v)
		}
	}
	down.Store(true)
	_, _ = first.Send(t.Context(), message())
	if !first.Healthy() {
		t.Error("the breaker had not closed: one failure opened it")
	}
}

func TestBreaker_BlamesTheProviderOnlyForItsOwnFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		verdict channels.Verdict
		sends   int
		healthy bool
	}{
		{"rejected recipients count as success", channels.Verdict{Kind: channels.Rejected}, 50, true},
		{"dead addresses count as success", channels.Verdict{Kind: channels.AddressDead}, 50, true},
		{"people who opted out count as success", channels.Verdict{Kind: channels.OptedOut}, 50, true},
		{"throttling is no fault", channels.Verdict{Kind: channels.Throttled, Scope: channels.ScopeProvider}, 50, true},
		{"one receiver that is down is no fault", channels.Verdict{Kind: channels.Temporary, Scope: channels.ScopeRecipient}, 50, true},
		{"one receiver that hangs is no fault", channels.Verdict{Kind: channels.Ambiguous, Scope: channels.ScopeRecipient}, 50, true},
		{"failures in a row", channels.Verdict{Kind: channels.Temporary}, 5, false},
		{"silence in a row", channels.Verdict{Kind: channels.Ambiguous}, 5, false},
		{"a wrong login opens at once", channels.Verdict{Kind: channels.Misconfigured}, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := hubOf(t, &scripted{send: fails(c.verdict)}, channels.HubOptions{BreakerPause: time.Minute}, entry("a", 0))
			p := find(t, h, "a")
			for range c.sends {
				_, _ = p.Send(t.Context(), message())
			}
			if p.Healthy() != c.healthy {
				t.Errorf("healthy is %t, want %t", p.Healthy(), c.healthy)
			}
		})
	}
}

func TestBreaker_IgnoresCallersThatGiveUp(t *testing.T) {
	t.Parallel()
	s := &scripted{send: func(ctx context.Context, _ *channels.Outgoing) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}}
	h := hubOf(t, s, channels.HubOptions{}, entry("a", 0))
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, v := find(t, h, "a").Send(ctx, message()); v == nil || v.Kind != channels.Ambiguous {
			t.Errorf("a bare error: verdict is %v, want ambiguous", v)
		}
		cancel()
	}
	if !find(t, h, "a").Healthy() {
		t.Error("a shutdown opened the breaker")
	}
}

func TestSend_EndsAtTheDeadlineOfItsSettings(t *testing.T) {
	t.Parallel()
	s := &scripted{send: func(ctx context.Context, _ *channels.Outgoing) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}}
	e := entry("a", 0)
	e.Settings["timeout"] = "20ms"
	h := hubOf(t, s, channels.HubOptions{}, e)
	begin := time.Now()
	if _, v := find(t, h, "a").Send(t.Context(), message()); v == nil || !errors.Is(v, context.DeadlineExceeded) {
		t.Errorf("verdict is %v", v)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestSend_APanicIsDoubtNotDeath(t *testing.T) {
	t.Parallel()
	var log lockedLog
	s := &scripted{
		send:    func(context.Context, *channels.Outgoing) (string, error) { panic("oh no, hunter2-token") },
		receive: func() ([]channels.Update, error) { var m map[string]int; m["x"]++; return nil, nil }, //nolint:staticcheck // it panics on purpose
	}
	h := hubOf(t, s, channels.HubOptions{Log: slog.New(slog.NewTextHandler(&log, nil))}, entry("a", 0))
	p := find(t, h, "a")
	if _, v := p.Send(t.Context(), message()); v == nil || v.Kind != channels.Ambiguous || v.Reason != "panic" {
		t.Errorf("verdict is %v, want ambiguous (panic)", v)
	}
	r, _ := p.Receiver()
	if _, _, err := r.Receive(t.Context(), &channels.Callback{}); !errors.Is(err, channels.ErrMalformed) {
		t.Errorf("a panic in Receive: error is %v", err)
	}
	l, ok := p.Lookup()
	if !ok {
		t.Fatal("no Lookup")
	}
	if a, err := l.Lookup(t.Context(), channels.Query{}); err == nil || a.Found {
		t.Errorf("a panic in Lookup: %+v, %v; want an error, which keeps the doubt", a, err)
	}
	if _, ok := p.Poller(); ok {
		t.Error("a Poller that is none")
	}
	if got := log.String(); strings.Count(got, "A provider panicked.") != 3 || strings.Contains(got, "hunter2") {
		t.Errorf("the log is %s", got)
	}
}

func TestSend_ShowsNoSecretAndNoControlCharacter(t *testing.T) {
	t.Parallel()
	s := &scripted{
		send: fails(channels.Verdict{Kind: channels.Rejected, Reason: "denied", Code: "401 hunter2-token",
			Detail: "token hunter2-token\x00\nat https://x.example/?key=1 \xff" + strings.Repeat("ä", 400), Err: errors.New("POST /bothunter2-token/send")}),
		receive: func() ([]channels.Update, error) {
			return nil, fmt.Errorf("%w: hunter2-token", channels.ErrSignature)
		},
	}
	h := hubOf(t, s, channels.HubOptions{}, entry("a", 0))
	p := find(t, h, "a")
	_, v := p.Send(t.Context(), message())
	if shown := fmt.Sprintf("%v %+v", v, *v); strings.Contains(shown, "hunter2") || !utf8.ValidString(v.Detail) || strings.ContainsAny(v.Detail, "\x00\n") || strings.Contains(shown, "key=1") {
		t.Errorf("verdict shows %q", shown)
	}
	if len(v.Detail) > 500 || !strings.HasSuffix(v.Detail, "ä") {
		t.Errorf("detail has %d bytes and ends in %q", len(v.Detail), v.Detail[max(0, len(v.Detail)-4):])
	}
	r, _ := p.Receiver()
	_, _, err := r.Receive(t.Context(), &channels.Callback{})
	if !errors.Is(err, channels.ErrSignature) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("receive: %v", err)
	}
}

func TestSend_UnknownVerdictsAreDoubt(t *testing.T) {
	t.Parallel()
	for kind, want := range map[channels.Kind]channels.Kind{"": channels.Ambiguous, "odd": channels.Ambiguous, channels.AddressMoved: channels.Rejected} {
		h := hubOf(t, &scripted{send: fails(channels.Verdict{Kind: kind})}, channels.HubOptions{}, entry("a", 0))
		if _, v := find(t, h, "a").Send(t.Context(), message()); v == nil || v.Kind != want {
			t.Errorf("kind %q becomes %v, want %s", kind, v, want)
		}
	}
}

func TestSend_RefusesWhatCouldNeverBeSent(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := &scripted{send: func(context.Context, *channels.Outgoing) (string, error) { asked.Add(1); return "id", nil }}
	h := hubOf(t, s, channels.HubOptions{}, entry("a", 0), channels.Entry{Name: "mail", Driver: "scripted", Channel: rapport.Email, Settings: channels.Settings{"token": "t"}})
	for _, c := range []struct {
		name   string
		change func(*channels.Outgoing)
		reason string // "": sent
	}{
		{"as it is", func(*channels.Outgoing) {}, ""},
		{"no address", func(o *channels.Outgoing) { o.To = "" }, "no_address"},
		{"CR LF in the address", func(o *channels.Outgoing) { o.To = "+1\r\nBcc: x" }, "header_injection"},
		{"NUL in a name", func(o *channels.Outgoing) { o.ToName = "a\x00" }, "header_injection"},
		{"LF in from", func(o *channels.Outgoing) { o.From = "a\n" }, "header_injection"},
		{"LF in reply_to", func(o *channels.Outgoing) { o.ReplyTo = "a\n" }, "header_injection"},
		{"LF in the subject", func(o *channels.Outgoing) {
			o.Subject = channels.Part{{Bytes: []byte("Hi ")}, {Bytes: []byte("Anna\nBcc: x")}}
		}, "header_injection"},
		{"broken UTF-8 in the subject", func(o *channels.Outgoing) { o.Subject = channels.Text("\xff") }, "header_injection"},
		{"a character cut by segments", func(o *channels.Outgoing) {
			o.Subject = channels.Part{{Bytes: []byte("\xc3")}, {Bytes: []byte("\xa4")}}
		}, ""},
		{"LF in a header's value", func(o *channels.Outgoing) { o.Headers = []channels.Header{{Name: "X-A", Value: "b\nc"}} }, "header_injection"},
		{"colon in a header's name", func(o *channels.Outgoing) { o.Headers = []channels.Header{{Name: "X-A: b", Value: "c"}} }, "header_injection"},
		{"header without a name", func(o *channels.Outgoing) { o.Headers = []channels.Header{{Value: "c"}} }, "header_injection"},
		{"LF in a reference", func(o *channels.Outgoing) { o.References = []string{"a\n"} }, "header_injection"},
		{"LF in the unsubscribe link", func(o *channels.Outgoing) { o.Unsubscribe = "https://a/\n" }, "header_injection"},
		{"LF in a file name", func(o *channels.Outgoing) { o.Attachments = []channels.Attachment{{Name: "a\nb", Size: 1}} }, "header_injection"},
		{"broken UTF-8 in the text", func(o *channels.Outgoing) { o.Text = channels.Text("\xff") }, "invalid_utf8"},
		{"text at the limit", func(o *channels.Outgoing) { o.Text = channels.Text(strings.Repeat("ä", 20)) }, ""},
		{"text over the limit", func(o *channels.Outgoing) { o.Text = channels.Text(strings.Repeat("ä", 21)) }, "text_too_long"},
		{"files at the limit", func(o *channels.Outgoing) {
			o.Attachments = []channels.Attachment{{Name: "a", Size: 60}, {Name: "b", Size: 40}}
		}, ""},
		{"files over the limit", func(o *channels.Outgoing) {
			o.Attachments = []channels.Attachment{{Name: "a", Size: 60}, {Name: "b", Size: 41}}
		}, "attachments_too_large"},
		{"a file of negative size", func(o *channels.Outgoing) {
			o.Attachments = []channels.Attachment{{Name: "a", Size: 1000}, {Name: "b", Size: -1000}}
		}, "attachments_too_large"},
	} {
		asked.Store(0)
		o := message()
		c.change(o)
		_, v := find(t, h, "a").Send(t.Context(), o)
		if c.reason == "" {
			if v != nil || asked.Load() != 1 {
				t.Errorf("%s: verdict is %v, want sent", c.name, v)
			}
			continue
		}
		if v == nil || v.Kind != channels.Rejected || v.Reason != c.reason {
			t.Errorf("%s: verdict is %v, want rejected (%s)", c.name, v, c.reason)
		}
		if asked.Load() != 0 {
			t.Errorf("%s: the provider was asked", c.name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	asked.Store(0)
	if _, v := find(t, h, "a").Send(ctx, message()); v == nil || v.Kind != channels.Temporary || asked.Load() != 0 {
		t.Errorf("an ended context: verdict is %v", v)
	}
}

func TestSend_IsObserved(t *testing.T) {
	t.Parallel()
	var seen []channels.Observation
	h := hubOf(t, &scripted{send: fails(channels.Verdict{Kind: channels.Rejected, Reason: "spam"})},
		channels.HubOptions{Observe: func(o channels.Observation) { seen = append(seen, o) }}, entry("a", 0))
	_, _ = find(t, h, "a").Send(t.Context(), message())
	if len(seen) != 1 || seen[0].Provider != "a" || seen[0].Driver != "scripted" || seen[0].Channel != rapport.SMS || seen[0].Verdict == nil || seen[0].Verdict.Reason != "spam" {
		t.Errorf("observed %+v", seen)
	}
}

// Sends, routes and new configurations at once; run with -race.
func TestHub_ConfiguredWhileSending(t *testing.T) {
	t.Parallel()
	h := hubOf(t, &scripted{}, channels.HubOptions{}, entry("a", 0))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, p := range h.Route(rapport.SMS, false) {
					if _, v := p.Send(t.Context(), message()); v != nil && v.Reason != "provider_changed" {
						t.Errorf("verdict is %v", v)
					}
				}
			}
		})
	}
	for i := range 100 {
		e := entry("a", i)
		e.Settings["more"] = fmt.Sprint(i / 2)
		if err := h.Configure([]channels.Entry{e}); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

func BenchmarkSend(b *testing.B) {
	s := &scripted{}
	h := channels.NewHub([]channels.Driver{s.driver()}, channels.HubOptions{})
	if err := h.Configure([]channels.Entry{entry("a", 0)}); err != nil {
		b.Fatal(err)
	}
	p, _ := h.Provider("a")
	o := message()
	b.ReportAllocs()
	for b.Loop() {
		if _, v := p.Send(b.Context(), o); v != nil {
			b.Fatal(v)
		}
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
