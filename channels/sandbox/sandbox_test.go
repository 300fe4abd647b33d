package sandbox

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport"
	"rapport/channels"
)

func opened(t *testing.T, box Box, ch rapport.Channel) channels.Conn {
	t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 7200))
	c, err := Driver(box).Open(channels.Settings{}, channels.Env{Name: "demo", Channel: ch, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSend_KeepsWhatThePersonWouldSee(t *testing.T) {
	t.Parallel()
	box := NewMemory()
	o := &channels.Outgoing{
		ID: 7, Attempt: 2, Token: rapport.KindMessage.Format(7), Channel: rapport.Email, Purpose: rapport.Marketing, Locale: "en",
		To: "anna@example.com", ToName: "Anna", From: "Shop <shop@example.com>", ReplyTo: "reply+t@example.com",
		Subject: channels.Part{{Bytes: []byte("Hi "), Static: true}, {Bytes: []byte("Anna")}}, Text: channels.Text("Text"), HTML: channels.Text("<p>Text</p>"),
		Headers: []channels.Header{{Name: "X-Shop", Value: "Riga"}}, Buttons: [][]channels.Button{{{Text: "Yes", Data: "yes"}}},
		Attachments: []channels.Attachment{{Name: "a.pdf", ContentType: "application/pdf", Size: 9}},
		Unsubscribe: "https://r.example/u/t", InReplyTo: "x@example.com", References: []string{"w@example.com"},
	}
	id, err := opened(t, box, rapport.Email).Send(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := []Sent{{
		MessageID: "msg_0000000000007", ProviderID: id, Provider: "demo", Channel: rapport.Email, To: "anna@example.com", ToName: "Anna",
		From: "Shop <shop@example.com>", ReplyTo: "reply+t@example.com", Subject: "Hi Anna", Text: "Text", HTML: "<p>Text</p>",
		Buttons: o.Buttons, Headers: []Header{{"X-Shop", "Riga"}}, Attachments: []Attachment{{Name: "a.pdf", ContentType: "application/pdf", Size: 9}},
		ListUnsubscribe: "https://r.example/u/t", InReplyTo: "x@example.com", References: []string{"w@example.com"},
		Purpose: rapport.Marketing, Locale: "en", Attempt: 2, Mode: Accept, At: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), Copies: 1,
	}}
	if diff := cmp.Diff(want, box.Outbox(rapport.Email, "anna@example.com")); diff != "" {
		t.Error(diff)
	}
	if got := len(box.Outbox(rapport.SMS, "")) + len(box.Outbox("", "bert@example.com")); got != 0 {
		t.Errorf("other outboxes hold %d", got)
	}
	if _, err := opened(t, box, rapport.Email).Send(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := box.Outbox("", ""); len(got) != 1 || got[0].Copies != 2 {
		t.Errorf("sent twice, the outbox holds %d messages: a copy must be counted, not added", len(got))
	}
}

func TestSent_SurvivesJSON(t *testing.T) {
	t.Parallel()
	box := NewMemory()
	o := &channels.Outgoing{ID: 7, Token: rapport.KindMessage.Format(7), To: "https://shop.example/h", Body: channels.Text(`{"a":1}`), Unsubscribe: "https://r.example/u/t",
		Attachments: []channels.Attachment{{Name: "a", ContentType: "b", Size: 1, ContentID: "c"}}}
	if _, err := opened(t, box, rapport.Webhook).Send(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(box.Outbox("", "")[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"message_id"`, `"provider_id"`, `"list_unsubscribe"`, `"content_type"`, `"content_id"`, `"body"`, `"copies"`} {
		if !strings.Contains(string(b), key) {
			t.Errorf("%s is not in %s", key, b)
		}
	}
	var back Sent
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(box.Outbox("", "")[0], back); diff != "" {
		t.Error(diff)
	}
}

func TestSend_BehavesAsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		behaviour Behaviour
		kind      channels.Kind // "": sent
		kept      bool
		receipt   rapport.Receipt
	}{
		{Behaviour{}, "", true, rapport.ReceiptDelivered},
		{Behaviour{Mode: Accept}, "", true, rapport.ReceiptDelivered},
		{Behaviour{Mode: Slow, DelayMS: 30}, "", true, rapport.ReceiptDelivered},
		{Behaviour{Mode: Bounce}, "", true, rapport.ReceiptBounced},
		{Behaviour{Mode: Silent}, "", true, ""},
		{Behaviour{Mode: Ambiguous}, channels.Ambiguous, true, ""},
		{Behaviour{Mode: Reject}, channels.Rejected, false, ""},
		{Behaviour{Mode: Throttle}, channels.Throttled, false, ""},
		{Behaviour{Mode: Down}, channels.Temporary, false, ""},
	} {
		t.Run("mode "+string(c.behaviour.Mode), func(t *testing.T) {
			t.Parallel()
			box := NewMemory()
			box.Behave(rapport.SMS, "+37120000001", c.behaviour)
			conn := opened(t, box, rapport.SMS)
			o := &channels.Outgoing{ID: 7, Token: rapport.KindMessage.Format(7), To: "+37120000001", Text: channels.Text("Hi")}
			begin := time.Now()
			id, err := conn.Send(t.Context(), o)
			if took := time.Since(begin); took < time.Duration(c.behaviour.DelayMS)*time.Millisecond {
				t.Errorf("took %v", took)
			}
			if v := channels.VerdictOf(err); c.kind == "" && v != nil || c.kind != "" && (v == nil || v.Kind != c.kind) {
				t.Errorf("verdict is %v, want %q", v, c.kind)
			}
			answer, err := conn.(channels.Lookup).Lookup(t.Context(), channels.Query{ID: 7})
			if err != nil || answer.Found != c.kept {
				t.Errorf("lookup: found %t, error %v; want %t", answer.Found, err, c.kept)
			}
			kept := box.Outbox("", "")
			if (len(kept) == 1) != c.kept {
				t.Fatalf("%d messages were kept", len(kept))
			}
			if !c.kept {
				return
			}
			u, ok := Receipt(kept[0])
			if ok != (c.receipt != "") {
				t.Fatalf("a receipt follows: %t", ok)
			}
			if !ok {
				return
			}
			if u.Receipt.Kind != c.receipt || u.Receipt.ProviderID != id || u.Receipt.Suppress != (c.receipt == rapport.ReceiptBounced) {
				t.Errorf("receipt is %+v, sent was %q", *u.Receipt, id)
			}
			if again, _ := Receipt(kept[0]); again.EventID != u.EventID || u.EventID == "" {
				t.Errorf("event ids are %q and %q", u.EventID, again.EventID)
			}
		})
	}
}

func TestBehaviour_OfTheAddressGoesBeforeTheChannels(t *testing.T) {
	t.Parallel()
	box := NewMemory()
	box.Behave(rapport.SMS, "", Behaviour{Mode: Down})
	box.Behave(rapport.SMS, "+37120000001", Behaviour{Mode: Accept})
	conn := opened(t, box, rapport.SMS)
	if _, err := conn.Send(t.Context(), &channels.Outgoing{ID: 1, Token: "msg_1", To: "+37120000001"}); err != nil {
		t.Errorf("the address accepts: %v", err)
	}
	_, err := conn.Send(t.Context(), &channels.Outgoing{ID: 2, Token: "msg_2", To: "+37120000002"})
	if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Temporary || v.Scope != "" {
		t.Errorf("a channel that is down is its provider's fault: %+v", v)
	}
	box.Behave(rapport.SMS, "+37120000003", Behaviour{Mode: Down})
	_, err = conn.Send(t.Context(), &channels.Outgoing{ID: 3, Token: "msg_3", To: "+37120000003"})
	if v := channels.VerdictOf(err); v == nil || v.Scope != channels.ScopeRecipient {
		t.Errorf("an address that is down is not: %+v", v)
	}
	if _, err := opened(t, box, rapport.Email).Send(t.Context(), &channels.Outgoing{ID: 4, Token: "msg_4", To: "a@example.com"}); err != nil {
		t.Errorf("another channel: %v", err)
	}
}

func TestSend_NothingIsKeptWhenTheDelayIsCutShort(t *testing.T) {
	t.Parallel()
	box := NewMemory()
	box.Behave(rapport.SMS, "", Behaviour{Mode: Slow, DelayMS: 60_000})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := opened(t, box, rapport.SMS).Send(ctx, &channels.Outgoing{ID: 1, Token: "msg_1", To: "+37120000001"})
	if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Temporary || len(box.Outbox("", "")) != 0 {
		t.Errorf("verdict is %v and %d were kept; want temporary and none", v, len(box.Outbox("", "")))
	}
}

func TestReply_NamesWhatItAnswersAndIsNewEachTime(t *testing.T) {
	t.Parallel()
	a := Reply(rapport.Telegram, "42", "Yes", "yes", "msg_0000000000007")
	b := Reply(rapport.Telegram, "42", "Yes", "yes", a.Message.InReplyTo[0])
	if a.EventID == b.EventID || a.EventID == "" {
		t.Errorf("two answers have the event ids %q and %q", a.EventID, b.EventID)
	}
	if a.Message.InReplyTo[0] != "sandbox-msg_0000000000007" || b.Message.InReplyTo[0] != a.Message.InReplyTo[0] {
		t.Errorf("in reply to %q and %q", a.Message.InReplyTo, b.Message.InReplyTo)
	}
	if a.Message.From != "42" || a.Message.Channel != rapport.Telegram || a.Message.Text != "Yes" || a.Message.Button != "yes" {
		t.Errorf("message is %+v", *a.Message)
	}
	if c := Reply(rapport.SMS, "+37120000001", "Hi", "", ""); len(c.Message.InReplyTo) != 0 {
		t.Errorf("in reply to %q", c.Message.InReplyTo)
	}
}

func TestBehaviour_Check(t *testing.T) {
	t.Parallel()
	for _, m := range Modes() {
		if err := (Behaviour{Mode: m, DelayMS: 100}).Check(); err != nil {
			t.Errorf("%s: %v", m, err)
		}
	}
	for _, b := range []Behaviour{{}, {Mode: "explode"}, {Mode: Slow, DelayMS: -1}, {Mode: Slow, DelayMS: 60_001}} {
		if b.Check() == nil {
			t.Errorf("%+v was taken", b)
		}
	}
}
