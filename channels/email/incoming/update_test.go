package incoming

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport"
	"rapport/channels"
)

func TestUpdates_AMessage(t *testing.T) {
	t.Parallel()
	u := load(t, "reply-leaked-cc").Updates(Box{Addresses: []string{"orders@shop.example"}})
	if len(u) != 1 || u[0].Message == nil || !strings.HasPrefix(u[0].EventID, "f1@work.example/") || u[0].Message.ProviderID != "f1@work.example" {
		t.Fatalf("%+v", u)
	}
	in := u[0].Message
	others := []channels.Person{{Name: "Anna", Address: "anna@customers.example"}, {Address: "hidden@x.example"}, {Address: "two@x.example"}}
	if diff := cmp.Diff(others, in.Others); diff != "" {
		t.Error(diff)
	}
	if in.From != "boris@work.example" || in.FromName != "Colleague" || in.To != "Reply+0DH3KQ7M2V9X@reply.shop.example" || in.Channel != rapport.Email || in.Auto != "" || len(in.Raw) == 0 {
		t.Errorf("%+v", in)
	}
	if diff := cmp.Diff([]string{"0dh3kq7m2v9x"}, in.Tokens); diff != "" {
		t.Error(diff)
	}
	if in := load(t, "reply-delivered-to-only").Updates(Box{Addresses: []string{"Support@shop.example"}})[0].Message; in.To != "support@shop.example" || len(in.Others) != 0 {
		t.Errorf("to %q, others %v", in.To, in.Others)
	}
}

func TestUpdates_Machines(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]channels.Auto{"auto-gmail": channels.AutoReply, "challenge-tmda": channels.AutoChallenge, "reply-through-list": ""} {
		if in := load(t, name).Updates(Box{})[0].Message; in.Auto != want {
			t.Errorf("%s: %q", name, in.Auto)
		}
	}
	// The token of a bounce address names the message too.
	if in := load(t, "auto-to-bounce-address").Updates(Box{})[0].Message; len(in.Tokens) != 1 {
		t.Errorf("tokens %v", in.Tokens)
	}
}

func TestUpdates_Reports(t *testing.T) {
	t.Parallel()
	u := load(t, "bounce-hard").Updates(Box{})
	if len(u) != 1 || u[0].Receipt == nil || !strings.HasPrefix(u[0].EventID, "b1@mail.customers.example/") || !strings.HasSuffix(u[0].EventID, "#0") {
		t.Fatalf("%+v", u)
	}
	r := *u[0].Receipt
	if len(r.Raw) == 0 {
		t.Error("the report itself is not there")
	}
	r.Detail, r.Raw = "", nil
	want := channels.Receipted{Token: "0dh3kq7m2v9x", ProviderID: "msg_01hv3x9q8w2ta@shop.example", Channel: rapport.Email, To: "anna@customers.example",
		Kind: rapport.ReceiptBounced, Reason: "hard_bounce", Code: "5.1.1", Suppress: true, Class: channels.BounceHard}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	u = load(t, "complaint").Updates(Box{})
	if len(u) != 1 || u[0].Receipt == nil || u[0].Receipt.Reason != "complaint" || !u[0].Receipt.Suppress || u[0].Receipt.Token != "0dh3kq7m2v9x" || u[0].Receipt.To != "anna@customers.example" {
		t.Fatalf("%+v", u[0].Receipt)
	}
}
