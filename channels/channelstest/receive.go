package channelstest

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
)

func forged(t *testing.T, h Harness) {
	b, r := receiver(t, h)
	if r == nil {
		return
	}
	body := b.anyBody()
	good := b.up.Sign(body)
	if _, _, err := r.Receive(t.Context(), good); err != nil {
		t.Fatalf("the genuine callback was refused: %v", err)
	}
	forge := func(name string, change func(c *channels.Callback)) {
		t.Helper()
		c := b.up.Sign(body)
		c.Header = c.Header.Clone()
		if c.Header == nil {
			c.Header = http.Header{}
		}
		c.Body = slices.Clone(c.Body)
		change(c)
		updates, _, err := r.Receive(t.Context(), c)
		if !errors.Is(err, channels.ErrSignature) {
			t.Errorf("%s: error is %v, want ErrSignature", name, err)
		}
		if len(updates) != 0 {
			t.Errorf("%s: %d updates came with the refusal", name, len(updates))
		}
		if err != nil {
			b.showsNoSecret(t, name, err.Error())
		}
	}
	if k := h.SignatureHeader; k != "" {
		forge("no signature", func(c *channels.Callback) { c.Header.Del(k) })
		forge("an empty signature", func(c *channels.Callback) { c.Header.Set(k, "") })
		forge("one character changed", func(c *channels.Callback) {
			s := []byte(c.Header.Get(k))
			i := len(s) / 2 // not the last: base64 padding ignores bits there
			if s[i] == 'A' {
				s[i] = 'B'
			} else {
				s[i] = 'A'
			}
			c.Header.Set(k, string(s))
		})
		forge("a shortened signature", func(c *channels.Callback) { s := c.Header.Get(k); c.Header.Set(k, s[:len(s)-2]) })
		forge("garbage", func(c *channels.Callback) { c.Header.Set(k, "v1,\x00 ,,=") })
	}
	if !h.BodyNotSigned {
		forge("a byte added to the body", func(c *channels.Callback) { c.Body = append(c.Body, 'x') })
		forge("a byte changed in the body", func(c *channels.Callback) { c.Body[len(c.Body)/2] ^= 1 })
	}
}

func malformed(t *testing.T, h Harness) {
	b, r := receiver(t, h)
	if r == nil {
		return
	}
	if len(h.Malformed) == 0 {
		t.Errorf("the Conn is a Receiver, but Harness.Malformed is empty")
	}
	for _, body := range h.Malformed {
		updates, _, err := r.Receive(t.Context(), b.up.Sign(body))
		if !errors.Is(err, channels.ErrMalformed) || len(updates) != 0 {
			t.Errorf("%.60q: %d updates and error %v, want ErrMalformed", body, len(updates), err)
		}
		if err != nil {
			b.showsNoSecret(t, "a refusal", err.Error())
		}
	}
	garbage := [][]byte{nil, []byte("{"), []byte("null"), []byte("[]"), []byte("0"), []byte(`""`), []byte("\x00\xff\xfe"), []byte("a=%zz&;"),
		bytes.Repeat([]byte("["), 100_000), bytes.Repeat([]byte(`{"a":`), 50_000)}
	whole := b.anyBody()
	for i := range whole {
		garbage = append(garbage, whole[:i])
	}
	for _, body := range garbage {
		_, _, err := r.Receive(t.Context(), b.up.Sign(body))
		if err != nil && !errors.Is(err, channels.ErrMalformed) && !errors.Is(err, channels.ErrSignature) {
			t.Errorf("%.60q: error is %v, want ErrMalformed or ErrSignature", body, err)
		}
	}
}

func replayed(t *testing.T, h Harness) {
	b, r := receiver(t, h)
	if r == nil || b.up.Inbound == nil {
		return
	}
	first, second := b.up.Sign(b.up.Inbound(0, "Yes please")), b.up.Sign(b.up.Inbound(0, "Yes please"))
	one := receive(t, r, first)
	again := receive(t, r, first)
	other := receive(t, r, second)
	if len(one) == 0 {
		t.Fatalf("an incoming message gave no update")
	}
	if !slices.Equal(eventIDs(one), eventIDs(again)) {
		t.Errorf("event ids are %q, and %q when the callback is repeated", eventIDs(one), eventIDs(again))
	}
	for i, id := range append(eventIDs(one), eventIDs(other)...) {
		if id == "" {
			t.Errorf("update %d has no event id", i)
		}
	}
	if slices.Equal(eventIDs(one), eventIDs(other)) {
		t.Errorf("two messages have the same event id %q", eventIDs(one))
	}
	i := slices.IndexFunc(one, func(u channels.Update) bool { return u.Message != nil })
	if i < 0 {
		t.Fatalf("an incoming message gave no Update.Message")
	}
	m := one[i].Message
	if m.Text != "Yes please" || m.Channel != h.Channel {
		t.Errorf("text %q on %q, want %q on %q", m.Text, m.Channel, "Yes please", h.Channel)
	}
	from, fe := rapport.NormalizeAddress(m.Channel, m.From)
	want, we := rapport.NormalizeAddress(h.Channel, b.up.Address(0))
	if fe != nil || we != nil || from != want {
		t.Errorf("from is %q, want %q", m.From, b.up.Address(0))
	}
}

func receipted(t *testing.T, h Harness) {
	b, r := receiver(t, h)
	if r == nil || !h.Driver.Caps.Receipts {
		return
	}
	if b.up.Receipt == nil {
		t.Fatalf("Caps.Receipts is set, but Upstream.Receipt is nil")
	}
	o := b.message(0)
	id, v := b.send(t, b.conn, o)
	if v != nil {
		t.Fatal(v)
	}
	callback := b.up.Sign(b.up.Receipt())
	updates := receive(t, r, callback)
	i := slices.IndexFunc(updates, func(u channels.Update) bool { return u.Receipt != nil })
	if i < 0 {
		t.Fatalf("a receipt gave no Update.Receipt")
	}
	got := updates[i].Receipt
	if got.ProviderID == "" && got.MessageID == 0 {
		t.Errorf("the receipt names no message")
	}
	if got.ProviderID != "" && got.ProviderID != id {
		t.Errorf("the receipt names %q, Send returned %q", got.ProviderID, id)
	}
	if got.MessageID != 0 && got.MessageID != o.ID {
		t.Errorf("the receipt names message %d, sent was %d", got.MessageID, o.ID)
	}
	if got.Kind != rapport.ReceiptDelivered {
		t.Errorf("the receipt is %q, want %q", got.Kind, rapport.ReceiptDelivered)
	}
	if again := receive(t, r, callback); !slices.Equal(eventIDs(updates), eventIDs(again)) || eventIDs(updates)[i] == "" {
		t.Errorf("event ids are %q, and %q when the receipt is repeated", eventIDs(updates), eventIDs(again))
	}
}

func polled(t *testing.T, h Harness) {
	b := start(t, h)
	settings := b.up.PollSettings
	if settings == nil {
		settings = b.up.Settings
	}
	p, ok := b.open(t, settings).(channels.Poller)
	if !ok {
		return
	}
	if b.up.Say == nil {
		t.Fatalf("the Conn is a Poller, but Upstream.Say is nil")
	}
	b.up.Say(0, "First")
	b.up.Say(1, "Second")
	one, next := poll(t, p, "")
	again, _ := poll(t, p, "")
	if len(one) == 0 || next == "" {
		t.Fatalf("polling from the beginning gave %d updates and cursor %q", len(one), next)
	}
	if !slices.Equal(eventIDs(one), eventIDs(again)) {
		t.Errorf("event ids are %q, and %q when the old cursor is polled again", eventIDs(one), eventIDs(again))
	}
	seen := eventIDs(one)
	for len(seen) < 2 {
		more, n := poll(t, p, next)
		if len(more) == 0 {
			t.Fatalf("only %d of 2 updates came", len(seen))
		}
		seen, next = append(seen, eventIDs(more)...), n
	}
	slices.Sort(seen)
	if slices.Contains(seen, "") || len(slices.Compact(seen)) != 2 {
		t.Errorf("event ids are not two different ones: %q", seen)
	}
	// Nothing more is there: Poll waits, and comes back without error when its context ends.
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begin := time.Now()
	rest, after, err := p.Poll(ctx, next)
	if took := time.Since(begin); took > patience+grace {
		t.Errorf("Poll came back %v after its context had ended", took-patience)
	}
	if len(rest) != 0 {
		t.Errorf("polling after the last cursor gave %q again", eventIDs(rest))
	}
	if err == nil && after != next {
		t.Errorf("an empty poll moved the cursor from %q to %q", next, after)
	}
	b.up.Play(Down)
	ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, _, err := p.Poll(ctx, next); err == nil {
		t.Errorf("polling a dead upstream gave no error")
	} else {
		b.showsNoSecret(t, "the error of Poll", err.Error())
	}
}

func lookedUp(t *testing.T, h Harness) {
	if !h.Driver.Caps.Lookup {
		return
	}
	for _, mode := range []Mode{Accept, Cut} {
		t.Run("after "+string(mode), func(t *testing.T) {
			b := start(t, h)
			conn := b.open(t, b.up.Settings)
			lookup := conn.(channels.Lookup)
			b.up.Play(mode)
			o := b.message(0)
			id, _ := b.send(t, conn, o)
			b.up.Play(Accept)
			got, err := lookup.Lookup(t.Context(), query(o))
			if err != nil || !got.Found {
				t.Fatalf("a message that was taken: found %t, error %v", got.Found, err)
			}
			if id != "" && got.ProviderID != id {
				t.Errorf("provider id is %q, Send returned %q", got.ProviderID, id)
			}
			got, err = lookup.Lookup(t.Context(), query(b.message(1)))
			if err != nil || got.Found {
				t.Errorf("a message that was never sent: found %t, error %v", got.Found, err)
			}
		})
	}
	t.Run("while down", func(t *testing.T) {
		b := start(t, h)
		conn := b.open(t, b.up.Settings)
		b.up.Play(Down)
		ctx, cancel := context.WithTimeout(t.Context(), grace)
		defer cancel()
		if _, err := conn.(channels.Lookup).Lookup(ctx, query(b.message(0))); err == nil {
			t.Errorf("no error, which reads as a firm \"never accepted\"")
		} else {
			b.showsNoSecret(t, "the error of Lookup", err.Error())
		}
	})
}
