package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"rapport"
	"rapport/channels/webhook"
	"rapport/gateway"
	"rapport/store"
)

func decode(t *testing.T, data []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
}

// receiver is somebody's server. What it is told is kept by webhook-id.
type receiver struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	secret string
	got    map[string][]gateway.Told
	order  []string
	answer func(w http.ResponseWriter, n int) // n: how many came before; nil: 204
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, got: map[string][]gateway.Told{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	secret, answer, n := r.secret, r.answer, len(r.order)
	var told gateway.Told
	if err := json.Unmarshal(body, &told); err != nil {
		r.t.Errorf("%s: %v", body, err)
	}
	id := req.Header.Get("Webhook-Id")
	if id != told.ID {
		r.t.Errorf("webhook-id %s, event %s", id, told.ID)
	}
	r.got[id] = append(r.got[id], told)
	r.order = append(r.order, id)
	r.mu.Unlock()
	if secret != "" {
		v, err := standardwebhooks.NewWebhook(secret)
		if err == nil {
			err = v.Verify(body, req.Header)
		}
		if err != nil {
			r.t.Errorf("signature: %v", err)
		}
	}
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, n)
}

func (r *receiver) expect(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secret = secret
}

func (r *receiver) behave(answer func(http.ResponseWriter, int)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.order)
}

// names are those of the facts that came, each once, sorted.
func (r *receiver) names() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, told := range r.got {
		var f rapport.Fact
		decode(r.t, told[0].Data, &f)
		out = append(out, f.Name)
	}
	slices.Sort(out)
	return out
}

// couriers runs fn in a world that carries to loopback, on each engine.
func couriers(t *testing.T, fn func(*testing.T, *world)) {
	each(t, fn, func(s *gateway.Settings) { s.Seals = [][]byte{[]byte("another of thirty-two bytes or so")} })
}

// tells makes an endpoint through the verb, and has the receiver check its signatures.
func (w *world) tells(r *receiver, events ...string) rapport.Endpoint {
	w.t.Helper()
	e, secret, err := w.g.CreateEndpoint(w.t.Context(), gateway.Caller{}, gateway.EndpointInput{URL: r.URL + "/hook", Events: events})
	if err != nil {
		w.t.Fatal(err)
	}
	r.expect(secret)
	return e
}

func (w *world) tell(names ...string) {
	w.t.Helper()
	for _, n := range names {
		if err := w.st.Tell(w.t.Context(), fact(n)); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) deliveries(e rapport.Endpoint, state rapport.DeliveryState) []rapport.Delivery {
	w.t.Helper()
	rows, _, err := w.st.Deliveries(w.t.Context(), store.DeliveryFilter{Endpoint: e.ID, State: state, Page: store.Page{Limit: 1000}})
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

func TestEndpoint_IsToldSigned(t *testing.T) {
	t.Parallel()
	couriers(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		r.behave(func(w http.ResponseWriter, _ int) {
			_, _ = io.WriteString(w, "thanks anna@example.com, your token is sk_live_0123456789abcdefghijklmn\nbye")
		})
		e := w.tells(r, "thread.updated")
		w.tell("one")
		if err := w.st.Tell(t.Context(), rapport.Fact{Name: "not for you"}.Notice(rapport.CustomerUpdated, 0)); err != nil {
			t.Fatal(err)
		}
		if err := w.g.TestEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		w.until("both are delivered", func() bool { return len(w.deliveries(e, rapport.DeliveryDelivered)) == 2 })
		rows := w.deliveries(e, "")
		if rows[0].Type != rapport.EndpointTest || rows[1].Type != rapport.ThreadUpdated || len(rows) != 2 {
			t.Errorf("%+v", rows)
		}
		try := rows[1].Tries
		if len(try) != 1 || try[0].Status != 200 || try[0].Answer != "thanks [redacted], your token is [redacted] bye" {
			t.Errorf("%+v", try)
		}
		if e, err := w.st.Endpoint(t.Context(), e.ID); err != nil || strings.Contains(e.Secret, "whsec_") || !e.FailingSince.IsZero() {
			t.Errorf("%+v, %v", e, err)
		}
	})
}

func TestEndpoint_DownThenUpGetsEverythingUnderItsOldIDs(t *testing.T) {
	t.Parallel()
	couriers(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		e := w.tells(r, "*")
		r.behave(func(w http.ResponseWriter, _ int) {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		w.tell("a", "b", "c")
		w.until("each was tried", func() bool {
			rows := w.deliveries(e, rapport.DeliveryPending)
			return len(rows) == 3 && rows[0].Attempt == 1 && rows[1].Attempt == 1 && rows[2].Attempt == 1
		})
		for _, d := range w.deliveries(e, "") {
			if wait := d.Due.Sub(d.Tries[0].At); wait < 600*time.Second || wait > 11*time.Minute || d.Tries[0].Status != 503 {
				t.Errorf("waits %s: %+v", wait, d.Tries)
			}
		}
		if e, err := w.st.Endpoint(t.Context(), e.ID); err != nil || e.FailingSince.IsZero() {
			t.Errorf("%+v, %v", e, err)
		}
		r.behave(nil)
		w.clock.forward(11 * time.Minute)
		w.until("all are delivered", func() bool { return len(w.deliveries(e, rapport.DeliveryDelivered)) == 3 })
		r.mu.Lock()
		for id, all := range r.got {
			if len(all) != 2 || string(all[0].Data) != string(all[1].Data) {
				t.Errorf("%s came as %v", id, all)
			}
		}
		r.mu.Unlock()
		if names := r.names(); fmt.Sprint(names) != "[a b c]" {
			t.Errorf("%v", names)
		}
		if e, err := w.st.Endpoint(t.Context(), e.ID); err != nil || !e.FailingSince.IsZero() {
			t.Errorf("still failing: %+v, %v", e, err)
		}
	})
}

func TestEndpoint_ThatIsGoneIsSwitchedOff(t *testing.T) {
	t.Parallel()
	couriers(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		r.behave(func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusGone) })
		e := w.tells(r, "thread.*")
		w.tell("a")
		w.disabled(e, rapport.DisabledGone)
		if n := r.requests(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		if err := w.g.TestEndpoint(t.Context(), e.ID); rapport.CodeOf(err) != rapport.CodeConflict {
			t.Errorf("tested: %v", err)
		}
	})
}

// disabled waits until an endpoint is switched off, and looks for who is told.
func (w *world) disabled(e rapport.Endpoint, why rapport.DisabledFor) {
	w.t.Helper()
	w.until("the endpoint is switched off", func() bool {
		now, err := w.st.Endpoint(w.t.Context(), e.ID)
		return err == nil && now.Disabled == why && !now.DisabledAt.IsZero()
	})
	name := rapport.KindEndpoint.Format(e.ID)
	w.until("it is told", func() bool {
		page, err := w.st.Stream(w.t.Context(), 0, 1000)
		return err == nil && slices.ContainsFunc(page, func(n rapport.Notice) bool {
			return n.Type == rapport.EndpointDisabled && strings.Contains(string(n.Data), name)
		})
	})
	log, _, err := w.st.AuditLog(w.t.Context(), store.AuditFilter{Subject: name, Page: store.Page{Limit: 10}})
	if err != nil || len(log) == 0 || log[0].Action != "endpoint.disabled" || !strings.Contains(string(log[0].Detail), string(why)) {
		w.t.Errorf("audit: %+v, %v", log, err)
	}
}

// After five days of nothing but failures it is left alone. What waited, and what happened meanwhile, can be had.
// An endpoint that asks to be tried sooner is, three times: one that always asks for a second uses up its attempts in no time.
func TestEndpoint_MayAskForItSooner(t *testing.T) {
	t.Parallel()
	couriers(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		r.behave(func(w http.ResponseWriter, n int) {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader([]int{http.StatusTooManyRequests, http.StatusServiceUnavailable}[n%2])
		})
		e := w.tells(r, "*")
		w.tell("a")
		for i, least := range []time.Duration{2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Hour} {
			var d rapport.Delivery
			w.until(fmt.Sprint("attempt ", i+1), func() bool {
				rows := w.deliveries(e, rapport.DeliveryPending)
				if len(rows) == 1 {
					d = rows[0]
				}
				return len(d.Tries) == i+1
			})
			if wait := d.Due.Sub(d.Tries[i].At); wait < least || wait > least*6/5+2*time.Second {
				t.Errorf("after attempt %d it waits %s, want %s", i+1, wait, least)
			}
			w.clock.forward(3 * time.Second)
		}
	})
}

func TestEndpoint_FailingForDaysIsSwitchedOffAndCatchesUp(t *testing.T) {
	t.Parallel()
	couriers(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		r.behave(func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusInternalServerError) })
		e := w.tells(r, "thread.*")
		began := w.clock.now()
		w.tell("a")
		tries := func(n int) func() bool {
			return func() bool {
				rows := w.deliveries(e, "")
				return len(rows) > 0 && len(rows[len(rows)-1].Tries) >= n
			}
		}
		w.until("it was tried", tries(1))
		steps := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
		for i, step := range steps {
			w.clock.forward(step*6/5 + time.Second)
			w.until(fmt.Sprintf("attempt %d", i+2), tries(i+2))
		}
		w.until("it is given up", func() bool { return len(w.deliveries(e, rapport.DeliveryFailed)) == 1 })
		if d := w.deliveries(e, rapport.DeliveryFailed)[0]; d.Attempt != 10 || len(d.Tries) != 10 {
			t.Errorf("%+v", d)
		}
		if now, err := w.st.Endpoint(t.Context(), e.ID); err != nil || now.Disabled != "" {
			t.Fatalf("switched off after %s: %+v, %v", w.clock.now().Sub(began), now, err)
		}
		w.clock.forward(began.Add(5*24*time.Hour + time.Minute).Sub(w.clock.now()))
		w.tell("b")
		w.disabled(e, rapport.DisabledFailed)
		w.tell("c")
		w.until("it is in the stream", func() bool { _, newest, err := w.st.StreamBounds(t.Context()); return err == nil && newest >= 4 })
		asked := r.requests()
		r.behave(nil)
		yes := true
		if _, err := w.g.ChangeEndpoint(t.Context(), gateway.Caller{}, e.ID, gateway.EndpointChange{Enabled: &yes}); err != nil {
			t.Fatal(err)
		}
		w.clock.forward(time.Minute) // what waits was due in seconds
		w.until("what waited is delivered", func() bool { return fmt.Sprint(r.names()) == "[a b]" && r.requests() == asked+1 })
		out, err := w.g.Replay(t.Context(), gateway.Caller{}, e.ID, gateway.ReplayInput{Since: &began})
		if err != nil || out.Queued != 2 || out.Next != "" { // a was given up, c was never queued
			t.Errorf("%+v, %v", out, err)
		}
		w.until("the rest is", func() bool { return fmt.Sprint(r.names()) == "[a b c]" && r.requests() == asked+3 })
		// What is under way is not replayed, and the receiver knows of a delivery before its record does.
		w.until("all are recorded", func() bool { return len(w.deliveries(e, rapport.DeliveryDelivered)) == 3 })
		if out, err := w.g.Replay(t.Context(), gateway.Caller{}, e.ID, gateway.ReplayInput{Since: &began}); err != nil || out.Queued != 0 {
			t.Errorf("again: %+v, %v", out, err)
		}
		if out, err := w.g.Replay(t.Context(), gateway.Caller{}, e.ID, gateway.ReplayInput{Since: &began, All: true}); err != nil || out.Queued != 3 {
			t.Errorf("all: %+v, %v", out, err)
		}
		w.until("all come again", func() bool { return r.requests() == asked+6 })
		w.until("all are delivered", func() bool { return len(w.deliveries(e, rapport.DeliveryDelivered)) == 3 })
		one := w.deliveries(e, rapport.DeliveryDelivered)
		if _, err := w.g.Replay(t.Context(), gateway.Caller{}, e.ID, gateway.ReplayInput{Delivery: rapport.KindDelivery.Format(one[0].ID)}); err != nil {
			t.Error(err)
		}
		w.until("one comes again", func() bool { return r.requests() == asked+7 })
	})
}

func TestEndpoint_ThatIsSlowKeepsNobodyElseWaiting(t *testing.T) {
	t.Parallel()
	couriers(t, func(t *testing.T, w *world) {
		slow, quick := newReceiver(t), newReceiver(t)
		gate := make(chan struct{})
		open := sync.OnceFunc(func() { close(gate) })
		t.Cleanup(open)
		slow.behave(func(http.ResponseWriter, int) { <-gate })
		s, q := w.tells(slow, "thread.*"), w.tells(quick, "thread.*")
		const n = 60
		many := make([]rapport.Notice, n)
		for i := range many {
			many[i] = fact(fmt.Sprintf("%02d", i))
		}
		if err := w.st.Tell(t.Context(), many...); err != nil {
			t.Fatal(err)
		}
		w.until("the quick one has all", func() bool { return len(w.deliveries(q, rapport.DeliveryDelivered)) == n })
		if r := slow.requests(); r > 16 || len(w.deliveries(s, rapport.DeliveryDelivered)) > 0 {
			t.Errorf("the slow one has %d at once", r)
		}
		open()
		w.until("the slow one has all", func() bool { return len(w.deliveries(s, rapport.DeliveryDelivered)) == n })
		if got := len(slow.names()); got != n {
			t.Errorf("%d", got)
		}
	})
}

// What a dead process had on the wire is delivered again, under the same id.
func TestEndpoint_WhatTheDeadWereDeliveringComesAgain(t *testing.T) {
	t.Parallel()
	couriers(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.g.Stop(ctx) // nobody carries
		r := newReceiver(t)
		e := w.tells(r, "thread.*")
		w.tell("a", "b")
		dead, err := w.st.Register(ctx, "dead", "worker")
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := w.st.RelayTurn(ctx, dead); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if told, mine, _, err := w.st.Relay(ctx, dead); err != nil || !mine || len(told) != 2 {
			t.Fatal(told, mine, err)
		}
		claimed, err := w.st.ClaimDeliveries(ctx, dead, e.ID, 10)
		if err != nil || len(claimed) != 2 {
			t.Fatal(claimed, err)
		}
		if again, err := w.st.ClaimDeliveries(ctx, dead+1, e.ID, 10); err != nil || len(again) != 0 {
			t.Fatal("claimed twice", again, err)
		}
		if err := w.st.TakeOverDeliveries(ctx); err != nil {
			t.Fatal(err)
		}
		if n := len(w.deliveries(e, rapport.DeliverySending)); n != 2 {
			t.Fatalf("taken from the living: %d", n)
		}
		if err := w.st.Resign(ctx, dead); err != nil {
			t.Fatal(err)
		}
		next := gateway.New(w.st, w.hub, w.g.Log, w.set)
		next.Courier = w.g.Courier
		if err := next.Start(ctx, "next", gateway.Role{Name: "all", Deliver: true}); err != nil {
			t.Fatal(err)
		}
		defer next.Stop(context.Background())
		w.until("both are delivered", func() bool { return len(w.deliveries(e, rapport.DeliveryDelivered)) == 2 })
		// The dead one was only slow, and says so now: it changes nothing.
		if err := w.st.EndDeliveries(ctx, []store.DeliveryEnd{{Handed: claimed[0], Worker: dead, To: rapport.DeliveryFailed}}); err != nil {
			t.Fatal(err)
		}
		if n := len(w.deliveries(e, rapport.DeliveryDelivered)); n != 2 {
			t.Errorf("%d", n)
		}
	})
}

func TestEndpoint_SecretIsReplacedWithoutAGap(t *testing.T) {
	t.Parallel()
	couriers(t, func(t *testing.T, w *world) {
		r := newReceiver(t)
		e := w.tells(r, "thread.*")
		r.mu.Lock()
		old := r.secret
		r.mu.Unlock()
		_, fresh, err := w.g.RotateSecret(t.Context(), gateway.Caller{}, e.ID, "")
		if err != nil || fresh == old {
			t.Fatal(err)
		}
		delivered := func(n int) func() bool {
			return func() bool { return len(w.deliveries(e, rapport.DeliveryDelivered)) == n }
		}
		w.tell("a") // the receiver still has the old one
		w.until("it is delivered", delivered(1))
		r.expect(fresh)
		w.tell("b")
		w.until("it is delivered", delivered(2))
		w.clock.forward(25 * time.Hour)
		var signatures atomic.Int64
		watch := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			signatures.Store(int64(len(strings.Fields(req.Header.Get("Webhook-Signature")))))
		}))
		defer watch.Close()
		url := watch.URL
		if _, err := w.g.ChangeEndpoint(t.Context(), gateway.Caller{}, e.ID, gateway.EndpointChange{URL: &url}); err != nil {
			t.Fatal(err)
		}
		w.tell("c")
		w.until("it is delivered", delivered(3))
		if n := signatures.Load(); n != 1 {
			t.Errorf("%d signatures after a day", n)
		}
	})
}

func TestEndpoint_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite:"+t.TempDir()+"/x.db", func(s *gateway.Settings) { s.Seals = [][]byte{[]byte("another of thirty-two bytes or so")} })
	w.g.Courier = webhook.NewCourier(nil, nil)
	good := "https://shop.example/hook"
	for name, c := range map[string]struct {
		in   gateway.EndpointInput
		says string
	}{
		"a private network":  {gateway.EndpointInput{URL: "https://10.0.0.1/x", Events: []string{"*"}}, "endpoints.allow_networks"},
		"the machine itself": {gateway.EndpointInput{URL: "http://localhost:1/x", Events: []string{"*"}}, "url"},
		"no URL":             {gateway.EndpointInput{URL: "hello", Events: []string{"*"}}, "https"},
		"no events":          {gateway.EndpointInput{URL: good}, "events"},
		"an unknown event":   {gateway.EndpointInput{URL: good, Events: []string{"thread.opened", "thread.closed"}}, "thread.closed"},
		"an unknown family":  {gateway.EndpointInput{URL: good, Events: []string{"cats.*"}}, "cats"},
		"a short secret":     {gateway.EndpointInput{URL: good, Events: []string{"*"}, Secret: "whsec_aGVsbG8="}, "secret"},
	} {
		_, _, err := w.g.CreateEndpoint(t.Context(), gateway.Caller{}, c.in)
		if rapport.CodeOf(err) != rapport.CodeInvalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e, _, err := w.g.CreateEndpoint(t.Context(), gateway.Caller{}, gateway.EndpointInput{URL: good, Events: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]gateway.ReplayInput{"nothing": {}, "both": {Delivery: "dlv_1", Since: &time.Time{}}, "no delivery": {Delivery: "msg_1"}, "no event": {Since: &time.Time{}, After: "x"}} {
		if _, err := w.g.Replay(t.Context(), gateway.Caller{}, e.ID, in); rapport.CodeOf(err) != rapport.CodeInvalid {
			t.Errorf("replay %s: %v", name, err)
		}
	}
	if _, err := w.g.Replay(t.Context(), gateway.Caller{}, e.ID, gateway.ReplayInput{Delivery: rapport.KindDelivery.Format(7)}); rapport.CodeOf(err) != rapport.CodeNotFound {
		t.Errorf("replay of nobody's delivery: %v", err)
	}
	if err := w.g.DeleteEndpoint(t.Context(), gateway.Caller{}, e.ID); err != nil {
		t.Error(err)
	}
	if err := w.g.DeleteEndpoint(t.Context(), gateway.Caller{}, e.ID); rapport.CodeOf(err) != rapport.CodeNotFound {
		t.Errorf("deleted twice: %v", err)
	}
}

// loopback is what tests may reach.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func BenchmarkListens_NobodySubscribes(b *testing.B) {
	st := storeForBench(b)
	g := gateway.New(st, nil, nil, gateway.Settings{DefaultZone: time.UTC})
	b.ReportAllocs()
	for b.Loop() {
		if g.NoticeOf(rapport.Sent) {
			b.Fatal("somebody listens")
		}
	}
}

func storeForBench(b *testing.B) *store.Store {
	b.Helper()
	st, err := store.Open(context.Background(), store.Options{URL: "sqlite:" + b.TempDir() + "/b.db"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	return st
}
