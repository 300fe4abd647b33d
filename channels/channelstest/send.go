package channelstest

import (
	"context"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
)

func accepts(t *testing.T, h Harness) {
	b := start(t, h)
	conn := b.open(t, b.up.Settings)
	ids := map[string]bool{}
	for i := range 3 {
		o, before := b.message(i), b.message(i)
		id, v := b.send(t, conn, o)
		if v != nil {
			t.Fatalf("send %d: %v", i, v)
		}
		switch {
		case h.NoProviderID && id != "":
			t.Errorf("the harness says there is no provider id, Send returned %q", id)
		case !h.NoProviderID && id == "":
			t.Errorf("Send returned no provider id")
		case id != "" && ids[id]:
			t.Errorf("two messages have the provider id %q", id)
		}
		ids[id] = true
		if !reflect.DeepEqual(o, before) {
			t.Errorf("Send changed the message; it is shared, read-only")
		}
		body := o.Text.String()
		if h.Channel == rapport.Webhook {
			body = o.Body.String()
		}
		if got := b.up.Received(); len(got) == i+1 && !strings.Contains(got[i].Text, body) {
			t.Errorf("%q did not arrive whole, but as %q", body, got[i].Text)
		}
	}
	b.tookOnce(t, 3)
}

func verdicts(t *testing.T, h Harness) {
	if _, ok := h.Verdicts[Reject]; !ok {
		t.Errorf("Harness.Verdicts lacks %q", Reject)
	}
	want := maps.Clone(h.Verdicts)
	if want == nil {
		want = map[Mode]channels.Verdict{}
	}
	for mode, kind := range map[Mode]channels.Kind{Down: channels.Temporary, Hang: channels.Ambiguous, Cut: channels.Ambiguous} {
		w := want[mode]
		w.Kind = kind // not the provider's choice: these three decide whether a message is sent twice
		want[mode] = w
	}
	for mode, w := range want {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			b := start(t, h)
			conn := b.open(t, b.up.Settings)
			b.up.Play(mode)
			ctx := t.Context()
			if mode == Hang {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, patience)
				defer cancel()
			}
			id, v := b.sendCtx(ctx, t, conn, b.message(0))
			if v == nil {
				t.Fatalf("Send returned id %q and no verdict, want %s", id, w.Kind)
			}
			if v.Kind != w.Kind {
				t.Errorf("verdict is %v, want %s", v, w.Kind)
			}
			for _, c := range []struct{ name, got, want string }{
				{"reason", v.Reason, w.Reason}, {"code", v.Code, w.Code}, {"scope", string(v.Scope), string(w.Scope)}, {"moved to", v.MovedTo, w.MovedTo},
			} {
				if c.want != "" && c.got != c.want {
					t.Errorf("%s is %q, want %q (%v)", c.name, c.got, c.want, v)
				}
			}
			if w.After != 0 && v.After != w.After {
				t.Errorf("after is %v, want %v", v.After, w.After)
			}
			if v.Kind == channels.Throttled && v.Scope == "" {
				t.Errorf("a throttled verdict says what to slow down; scope is empty")
			}
			if mode == Hang || mode == Cut {
				b.tookOnce(t, 1) // neither lost on our side nor repeated by the client
			}
		})
	}
}

func cancelledBefore(t *testing.T, h Harness) {
	b := start(t, h)
	conn := b.open(t, b.up.Settings)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, v := b.sendCtx(ctx, t, conn, b.message(0))
	if v == nil || v.Kind != channels.Temporary {
		t.Errorf("verdict is %v, want %s: nothing can have been taken", v, channels.Temporary)
	}
	if got := b.up.Received(); len(got) != 0 {
		t.Errorf("the upstream received %d messages after the context had ended", len(got))
	}
}

func cancelledOnTheWire(t *testing.T, h Harness) {
	b := start(t, h)
	conn := b.open(t, b.up.Settings)
	b.up.Play(Hang)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for len(b.up.Received()) == 0 && t.Context().Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	_, v := b.sendCtx(ctx, t, conn, b.message(0))
	if v == nil || v.Kind != channels.Ambiguous {
		t.Errorf("verdict is %v, want %s", v, channels.Ambiguous)
	}
}

func concurrent(t *testing.T, h Harness) {
	b := start(t, h)
	conn := b.open(t, b.up.Settings)
	const senders, each = 16, 3
	var mu sync.Mutex
	ids := map[string]int{}
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for k := range each {
				id, v := b.send(t, conn, b.message(s*each+k))
				if v != nil {
					t.Errorf("sender %d: %v", s, v)
					return
				}
				mu.Lock()
				ids[id]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if !h.NoProviderID && !t.Failed() && len(ids) != senders*each {
		t.Errorf("%d messages have %d different ids", senders*each, len(ids))
	}
	b.tookOnce(t, senders*each)
}

func atTheLimit(t *testing.T, h Harness) {
	if h.Driver.Caps.MaxText == 0 {
		return // the driver declares no limit, so there is nothing to be at
	}
	b := start(t, h)
	conn := b.open(t, b.up.Settings)
	text := b.longest(h.Driver.Caps.MaxText)
	o := b.message(0)
	o.Text = channels.Text(text)
	if _, v := b.send(t, conn, o); v != nil {
		t.Fatalf("a text of %d units: %v", h.Driver.Caps.MaxText, v)
	}
	got := b.up.Received()
	if len(got) != 1 || !strings.Contains(got[0].Text, text) {
		t.Errorf("the text did not arrive whole; %d messages", len(got))
	}
}

func overTheLimit(t *testing.T, h Harness) {
	if h.Driver.Caps.MaxText == 0 {
		return
	}
	b := start(t, h)
	conn := b.open(t, b.up.Settings)
	o := b.message(0)
	o.Text = channels.Text(b.longest(h.Driver.Caps.MaxText + 1))
	if _, v := b.send(t, conn, o); v == nil || v.Kind != channels.Rejected {
		t.Errorf("verdict is %v, want %s", v, channels.Rejected)
	}
	if got := b.up.Received(); len(got) != 0 {
		t.Errorf("the upstream was asked all the same")
	}
}
