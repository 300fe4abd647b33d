package channelstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
)

// bench is one check's upstream, surroundings and log.
type bench struct {
	h    Harness
	env  channels.Env
	up   *Upstream
	log  *lockedBuffer
	conn channels.Conn
	base time.Time
}

func start(t *testing.T, h Harness) *bench {
	t.Helper()
	b := &bench{h: h, log: &lockedBuffer{}, base: time.Now()}
	dialer := &net.Dialer{Timeout: 3 * time.Second}
	local := func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			t.Errorf("the driver tried to leave the machine: %s", addr)
			return nil, fmt.Errorf("%s is not this machine", addr)
		}
		return dialer.DialContext(ctx, network, addr)
	}
	transport := &http.Transport{DialContext: local, MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	b.env = channels.Env{
		Name:       "conformance",
		Channel:    h.Channel,
		Callback:   "https://rapport.test/in/" + h.Driver.Name + "/conformance",
		Now:        time.Now,
		Log:        slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Transport:  transport,
		Dial:       local,
		ReplyToken: func(id rapport.ID) string { return "token" + rapport.KindMessage.Format(id) },
	}
	b.up = h.New(t, b.env)
	if b.up.Open == nil {
		b.up.Open = h.Driver.Open
	}
	t.Cleanup(func() { b.showsNoSecret(t, "the log", b.log.String()) })
	return b
}

func (b *bench) open(t *testing.T, s channels.Settings) channels.Conn {
	t.Helper()
	conn, err := b.up.Open(s, b.env)
	if err != nil {
		t.Fatalf("good settings were refused: %v", err)
	}
	if c, ok := conn.(io.Closer); ok {
		t.Cleanup(func() { _ = c.Close() })
	}
	return conn
}

// receiver is nil when the driver takes no callbacks.
func receiver(t *testing.T, h Harness) (*bench, channels.Receiver) {
	t.Helper()
	b := start(t, h)
	b.conn = b.open(t, b.up.Settings)
	r, ok := b.conn.(channels.Receiver)
	if !ok {
		return b, nil
	}
	if b.up.Sign == nil || b.up.Inbound == nil && b.up.Receipt == nil {
		t.Fatalf("the Conn is a Receiver: Upstream needs Sign, and Inbound or Receipt")
	}
	return b, r
}

// anyBody is a callback body that the provider might send.
func (b *bench) anyBody() []byte {
	if b.up.Inbound != nil {
		return b.up.Inbound(0, "Yes please")
	}
	return b.up.Receipt()
}

// message makes the i-th message; equal every time.
func (b *bench) message(i int) *channels.Outgoing {
	id := rapport.ID(b.base.Sub(rapport.IDEpoch).Milliseconds()<<22 | int64(i+1))
	token := rapport.KindMessage.Format(id)
	o := &channels.Outgoing{
		ID: id, Attempt: 1, Token: token, Channel: b.h.Channel, Purpose: rapport.Transactional, Locale: "en",
		To: b.up.Address(i), Key: "suite/1",
		Subject: channels.Part{{Bytes: []byte("Your order "), Static: true}, {Bytes: []byte(token)}},
		Text:    channels.Part{{Bytes: []byte("Hello, order "), Static: true}, {Bytes: []byte(token)}, {Bytes: []byte(" is on its way."), Static: true}},
	}
	switch b.h.Channel {
	case rapport.Email:
		o.HTML = channels.Part{{Bytes: []byte("<p>Hello, order "), Static: true}, {Bytes: []byte(token)}, {Bytes: []byte(" is on its way.</p>"), Static: true}}
	case rapport.Webhook:
		o.Body = channels.Part{{Bytes: []byte(`{"order":"`), Static: true}, {Bytes: []byte(token)}, {Bytes: []byte(`"}`), Static: true}}
	}
	if b.h.Message != nil {
		b.h.Message(o)
	}
	return o
}

func (b *bench) longest(n int) string {
	if b.h.Longest != nil {
		return b.h.Longest(n)
	}
	return strings.Repeat("a", n)
}

func (b *bench) send(t *testing.T, conn channels.Conn, o *channels.Outgoing) (string, *channels.Verdict) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), b.h.Driver.Caps.Timeout)
	defer cancel()
	return b.sendCtx(ctx, t, conn, o)
}

// sendCtx sends as Hub does: the check of limits first, then the Conn.
func (b *bench) sendCtx(ctx context.Context, t *testing.T, conn channels.Conn, o *channels.Outgoing) (string, *channels.Verdict) {
	t.Helper()
	if v := b.h.Driver.Caps.Check(o); v != nil {
		return "", v
	}
	id, err, back := await(ctx, func() (string, error) { return conn.Send(ctx, o) })
	if !back {
		t.Errorf("Send did not come back within %v after its context had ended", grace)
		return "", &channels.Verdict{Kind: "still running"}
	}
	if err == nil {
		return id, nil
	}
	if _, ok := errors.AsType[*channels.Verdict](err); !ok {
		t.Errorf("Send returned an error that is no verdict: %v", err)
	}
	v := channels.VerdictOf(err)
	b.showsNoSecret(t, "the verdict", fmt.Sprintf("%v %+v %s %s", err, *v, v.Code, v.Detail))
	return id, v
}

// await runs send, and gives up on it (back is false) when it overstays the end of ctx by grace.
func await(ctx context.Context, send func() (string, error)) (id string, err error, back bool) {
	type outcome struct {
		id  string
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		id, err := send()
		done <- outcome{id, err}
	}()
	select {
	case o := <-done:
		return o.id, o.err, true
	case <-ctx.Done():
	}
	select {
	case o := <-done:
		return o.id, o.err, true
	case <-time.After(grace):
		return "", nil, false
	}
}

// tookOnce checks that messages 0 to n-1 were received, once each, by whom they are for.
func (b *bench) tookOnce(t *testing.T, n int) {
	t.Helper()
	got := b.up.Received()
	if len(got) != n {
		t.Errorf("the upstream took %d messages, want %d", len(got), n)
	}
	for i := range n {
		o := b.message(i)
		count := 0
		for _, r := range got {
			if strings.Contains(r.Text, o.Token) {
				count++
				if r.To != o.To {
					t.Errorf("message %d went to %q, want %q", i, r.To, o.To)
				}
			}
		}
		if count != 1 {
			t.Errorf("message %d was taken %d times, want once", i, count)
		}
	}
}

func (b *bench) showsNoSecret(t *testing.T, where, text string) {
	t.Helper()
	if b.up == nil {
		return
	}
	for _, s := range b.up.Secrets {
		if len(s) < 6 {
			t.Errorf("the secret %q is too short to look for", s)
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows a secret: %s", where, strings.ReplaceAll(text, form, "<<SECRET>>"))
				break
			}
		}
	}
}

func receive(t *testing.T, r channels.Receiver, c *channels.Callback) []channels.Update {
	t.Helper()
	updates, reply, err := r.Receive(t.Context(), c)
	if err != nil {
		t.Fatalf("a genuine callback was refused: %v", err)
	}
	if reply.Status != 0 && (reply.Status < 200 || reply.Status > 299) {
		t.Errorf("the reply's status is %d; the provider would call again", reply.Status)
	}
	for i, u := range updates {
		set := 0
		for _, is := range []bool{u.Message != nil, u.Receipt != nil, u.Change != nil} {
			if is {
				set++
			}
		}
		if set != 1 {
			t.Errorf("update %d has %d of Message, Receipt, Change; want exactly one", i, set)
		}
	}
	return updates
}

func poll(t *testing.T, p channels.Poller, cursor string) ([]channels.Update, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), grace)
	defer cancel()
	updates, next, err := p.Poll(ctx, cursor)
	if err != nil {
		t.Fatalf("polling from %q: %v", cursor, err)
	}
	return updates, next
}

func query(o *channels.Outgoing) channels.Query {
	return channels.Query{ID: o.ID, To: o.To, Text: o.Text.String(), SentFrom: time.Now().Add(-time.Minute), SentUntil: time.Now().Add(time.Minute)}
}

func eventIDs(updates []channels.Update) []string {
	ids := make([]string, len(updates))
	for i, u := range updates {
		ids[i] = u.EventID
	}
	return ids
}

// with returns a deep copy of s with the dotted key set, or deleted when value is nil.
func with(s channels.Settings, key string, value any) channels.Settings {
	out := deepCopy(s)
	m := out
	for {
		first, rest, more := strings.Cut(key, ".")
		if !more {
			break
		}
		sub, ok := m[first].(map[string]any)
		if !ok {
			sub = map[string]any{}
			m[first] = sub
		}
		m, key = sub, rest
	}
	if value == nil {
		delete(m, key)
	} else {
		m[key] = value
	}
	return out
}

func deepCopy(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok {
			v = deepCopy(sub)
		}
		out[k] = v
	}
	return out
}

// leaves lists the dotted keys of m.
func leaves(prefix string, m map[string]any) []string {
	var out []string
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok {
			out = append(out, leaves(prefix+k+".", sub)...)
		} else {
			out = append(out, prefix+k)
		}
	}
	return out
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
