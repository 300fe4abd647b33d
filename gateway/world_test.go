package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/sandbox"
	"rapport/channels/webhook"
	"rapport/gateway"
	"rapport/store"
	"rapport/store/storetest"
	"rapport/templates"
)

// tick is short, because a test that waits for the sweeper is nothing but that.
const tick = 50 * time.Millisecond

// world is a whole installation in one process: a real store, the real engine, and carriers whose answers the
// test decides.
type world struct {
	t     *testing.T
	st    *store.Store
	hub   *channels.Hub
	g     *gateway.Gateway
	set   gateway.Settings
	clock *clock
	box   *sandbox.Memory
	email *carrier // cannot be asked, recognises nothing, like SMTP
	tele  *carrier // the same, like Telegram
	sms   *carrier // can be asked, like Twilio
	hook  *carrier // recognises what it has seen, like a webhook receiver
	spare *carrier // a second provider for email
}

// clock runs with the real one, ahead by what the test has wound it forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// carrier is a provider. answer, when set, decides about each message; a verdict with took true was
// sent all the same. What was taken is counted by address.
type carrier struct {
	mu     sync.Mutex
	counts map[string]int
	taken  map[rapport.ID]int
	tries  int
	answer func(try int, o *channels.Outgoing) (took bool, v *channels.Verdict)
	blind  bool // Lookup cannot say
	gate   chan struct{}
}

func newCarrier() *carrier {
	return &carrier{counts: map[string]int{}, taken: map[rapport.ID]int{}}
}

func (c *carrier) Send(ctx context.Context, o *channels.Outgoing) (string, error) {
	c.mu.Lock()
	c.tries++
	try, answer, gate := c.tries, c.answer, c.gate
	c.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return "", &channels.Verdict{Kind: channels.Temporary, Reason: "cancelled"}
		}
	}
	took, v := true, (*channels.Verdict)(nil)
	if answer != nil {
		took, v = answer(try, o)
	}
	if took {
		c.mu.Lock()
		c.counts[o.To]++
		c.taken[o.ID]++
		c.mu.Unlock()
	}
	if v != nil {
		return "", v
	}
	return "p-" + o.Token, nil
}

func (c *carrier) Lookup(_ context.Context, q channels.Query) (channels.Answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blind {
		return channels.Answer{}, fmt.Errorf("no idea")
	}
	if c.taken[q.ID] == 0 {
		return channels.Answer{}, nil
	}
	return channels.Answer{Found: true, ProviderID: "p-" + rapport.KindMessage.Format(q.ID), Receipt: rapport.ReceiptSent}, nil
}

func (c *carrier) behave(answer func(try int, o *channels.Outgoing) (bool, *channels.Verdict)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

func (c *carrier) hold() (open func()) {
	gate := make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gate = gate
	return sync.OnceFunc(func() { close(gate) })
}

// total is how many messages were taken, and most how often the same one was.
func (c *carrier) total() (n, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.taken {
		n += k
		most = max(most, k)
	}
	return
}

func (c *carrier) tried() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tries
}

func (c *carrier) count(address string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[address]
}

func (c *carrier) driver(name string, ch rapport.Channel, caps channels.Caps) channels.Driver {
	caps.Timeout = 20 * time.Second
	return channels.Driver{Name: name, Channels: []rapport.Channel{ch}, Caps: caps, Open: func(channels.Settings, channels.Env) (channels.Conn, error) { return c, nil }}
}

// each runs fn in a world of its own on each engine, its worker running.
func each(t *testing.T, fn func(*testing.T, *world), change ...func(*gateway.Settings)) {
	t.Helper()
	run := func(name, url string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, url, change...)
			w.start()
			fn(t, w)
		})
	}
	run("sqlite", storetest.SQLite(t))
	if url, ok := storetest.Postgres(t); ok {
		run("postgres", url)
	}
}

func newWorld(t *testing.T, url string, change ...func(*gateway.Settings)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}, box: sandbox.NewMemory(), email: newCarrier(), tele: newCarrier(), sms: newCarrier(), hook: newCarrier(), spare: newCarrier()}
	w.st = storetest.Open(t, url, w.clock.now)
	drivers := []channels.Driver{sandbox.Driver(w.box),
		w.email.driver("mailish", rapport.Email, channels.Caps{Files: map[rapport.Channel]channels.FileLimit{rapport.Email: {Bytes: 1 << 20}}}),
		w.spare.driver("sparish", rapport.Email, channels.Caps{}),
		w.tele.driver("chatish", rapport.Telegram, channels.Caps{}),
		w.sms.driver("smsish", rapport.SMS, channels.Caps{Receipts: true, Lookup: true}),
		w.hook.driver("hookish", rapport.Webhook, channels.Caps{Idempotent: true})}
	w.hub = channels.NewHub(drivers, channels.HubOptions{Now: w.clock.now, BreakerPause: 5 * time.Second})
	entries := []channels.Entry{{Name: "mail", Driver: "mailish", Channel: rapport.Email}, {Name: "chat", Driver: "chatish", Channel: rapport.Telegram},
		{Name: "sms", Driver: "smsish", Channel: rapport.SMS}, {Name: "hook", Driver: "hookish", Channel: rapport.Webhook}}
	if err := w.hub.Configure(entries); err != nil {
		t.Fatal(err)
	}
	set := gateway.Settings{PublicURL: "http://localhost:8080", DefaultLocale: "en", DefaultZone: time.UTC, DefaultPolicy: rapport.OptIn,
		GroupSize: 256, BulkWorkers: 4, FastWorkers: 2, MaxAttempts: 3, DeadAfter: 3 * time.Second, AskMarketing: 200 * time.Millisecond, AskTransaction: 200 * time.Millisecond,
		Hold: 500 * time.Millisecond, EscalateAfter: time.Hour, Tick: tick, InlineCustomers: 10_000, Keys: [][]byte{[]byte("a key of thirty-two bytes or so..")}}
	for _, f := range change {
		f(&set)
	}
	level := slog.LevelError
	if testing.Verbose() && os.Getenv("RAPPORT_TEST_LOG") != "" {
		level = slog.LevelDebug
	}
	set.JournalDir = strings.Replace(set.JournalDir, "?", w.st.Engine(), 1)
	w.set = set
	w.g = gateway.New(w.st, w.hub, slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: level})), set)
	w.g.Courier = webhook.NewCourier(loopback, nil)
	w.template("news", "news")
	return w
}

// testWriter puts log lines beside the test that caused them.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil { // afterwards the test may be over
		w.t.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// start runs the worker. There are no hints: the sweeper finds everything.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if err := w.g.Start(ctx, "test", gateway.Role{Name: "all", Deliver: true}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		limit, done := context.WithTimeout(context.Background(), 20*time.Second)
		defer done()
		w.g.Stop(limit)
		cancel()
		w.hub.Close()
	})
}

func (w *world) template(key, topic string, required ...string) {
	w.t.Helper()
	src := templates.Source{Topic: topic, Required: required, Variants: []templates.Variant{
		{Channel: rapport.Email, Subject: "Hi {{ customer.name }}", Text: "Hello {{ customer.name }}: {{ data.what }}"},
		{Channel: rapport.SMS, Text: "Hello {{ customer.name }}"},
		{Channel: rapport.Telegram, Text: "Hello {{ customer.name }}"},
		{Channel: rapport.Webhook, Body: json.RawMessage(`{"hello":"{{ customer.name }}"}`)}}}
	if _, _, _, err := w.g.SaveTemplate(w.t.Context(), gateway.Caller{}, key, src); err != nil {
		w.t.Fatal(err)
	}
}

// person is a recipient of JSON with addresses on some channels and, for marketing about news, their consent.
func person(n int, chans ...rapport.Channel) map[string]any {
	m := map[string]any{"external_id": fmt.Sprintf("c-%d", n), "name": fmt.Sprintf("Anna %d", n)}
	var addresses, consents []map[string]any
	for _, ch := range chans {
		addresses = append(addresses, map[string]any{"channel": ch, "address": addressOf(ch, n)})
		consents = append(consents, map[string]any{"channel": ch, "purpose": "marketing", "topic": "news", "granted": true, "source": "form"})
	}
	m["addresses"], m["consents"] = addresses, consents
	return m
}

func addressOf(ch rapport.Channel, n int) string {
	switch ch {
	case rapport.Email:
		return fmt.Sprintf("c%d@example.com", n)
	case rapport.Telegram:
		return fmt.Sprint(1_000_000 + n)
	case rapport.Webhook:
		return fmt.Sprintf("https://example.com/h/%d", n)
	}
	return fmt.Sprintf("+3712%07d", n)
}

func persons(n int, chans ...rapport.Channel) []map[string]any {
	out := make([]map[string]any, n)
	for i := range out {
		out[i] = person(i+1, chans...)
	}
	return out
}

// campaign submits a marketing campaign of template news; more changes the body.
func (w *world) campaign(people []map[string]any, more ...func(map[string]any)) *rapport.Campaign {
	w.t.Helper()
	body := map[string]any{"name": "test", "purpose": "marketing", "template": "news", "data": map[string]any{"what": "sale"}, "audience": map[string]any{"customers": people}}
	for _, f := range more {
		f(body)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	c, _, err := w.g.SubmitCampaign(w.t.Context(), gateway.Caller{}, strings.NewReader(string(raw)), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func transactional(m map[string]any) { m["purpose"] = "transactional" }

func routed(method rapport.Method, chans ...rapport.Channel) func(map[string]any) {
	return func(m map[string]any) { m["routing"] = map[string]any{"method": method, "channels": chans} }
}

// until waits for something to become true.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); {
		if time.Now().After(deadline) {
			w.t.Fatalf("did not happen within 2 min: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// status waits until the campaign stands at one, and returns its ledger, having checked that it adds up.
func (w *world) status(c *rapport.Campaign, want rapport.CampaignStatus) *rapport.Counts {
	w.t.Helper()
	var now *rapport.Campaign
	defer func() {
		if w.t.Failed() {
			w.t.Logf("campaign stands at %s; rows %v", now.Status, w.states(c))
		}
	}()
	w.until(fmt.Sprintf("campaign is %s", want), func() bool {
		var err error
		if now, err = w.st.Campaign(w.t.Context(), c.ID); err != nil {
			w.t.Fatal(err)
		}
		return now.Status == want
	})
	return w.ledger(c)
}

func (w *world) ledger(c *rapport.Campaign) *rapport.Counts {
	w.t.Helper()
	now, err := w.st.Campaign(w.t.Context(), c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := w.g.Ledger(w.t.Context(), now)
	if err != nil {
		w.t.Fatal(err)
	}
	sum := int64(0)
	for _, s := range rapport.States() {
		sum += *n.Of(s)
	}
	if sum != n.Planned {
		w.t.Errorf("the states add up to %d, planned are %d: %+v", sum, n.Planned, *n)
	}
	return n
}

// states is what the rows themselves say.
func (w *world) states(c *rapport.Campaign) map[string]int64 {
	w.t.Helper()
	real, err := w.st.Recount(context.Background(), c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]int64{}
	for s, n := range real {
		out[s.String()] = n
	}
	return out
}

// agree checks that the counters say what the rows say.
func (w *world) agree(c *rapport.Campaign) {
	w.t.Helper()
	n := w.ledger(c)
	real := w.states(c)
	for _, s := range rapport.States() {
		if real[s.String()] != *n.Of(s) {
			w.t.Errorf("%s: %d rows, counted %d", s, real[s.String()], *n.Of(s))
		}
	}
}

func (w *world) rows(c *rapport.Campaign) []rapport.Message {
	w.t.Helper()
	rows, _, err := w.st.Messages(w.t.Context(), store.MessageFilter{Campaign: c.ID, Page: store.Page{Limit: 10_000}})
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

func (w *world) only(c *rapport.Campaign) rapport.Message {
	w.t.Helper()
	rows := w.rows(c)
	if len(rows) != 1 {
		w.t.Fatalf("want one row, have %d", len(rows))
	}
	return rows[0]
}

// want compares the ledger with what is written as "sent=3 skipped=1".
func (w *world) want(c *rapport.Campaign, want string) {
	w.t.Helper()
	n := w.ledger(c)
	var got []string
	for _, s := range rapport.States() {
		if k := *n.Of(s); k != 0 {
			got = append(got, fmt.Sprintf("%s=%d", s, k))
		}
	}
	if g := strings.Join(got, " "); g != want {
		w.t.Errorf("ledger: %s, want %s", g, want)
	}
	w.agree(c)
}
