package email

import (
	"bytes"
	"errors"
	"net/mail"
	"slices"
	"testing"

	"rapport/channels"
	"rapport/channels/email/emailtest"
)

func copied() *channels.Outgoing {
	o := outgoing()
	o.Copies = []channels.Copy{{Field: channels.CopyCc, Address: "bob@work.example"}, {Field: channels.CopyBcc, Address: "boss@shop.example"},
		{Field: channels.CopyTo, Address: "cora@bücher.example"}, {Field: channels.CopyCc, Address: "dan@work.example"}}
	return o
}

func TestSend_CopiesTravelInOneTransaction(t *testing.T) {
	t.Parallel()
	for _, o := range []emailtest.Options{{}, {NoPipelining: true}} {
		sink := start(t, o)
		c := openConn(t, settings(sink))
		for range 2 { // on the same connection
			if _, err := c.Send(t.Context(), copied()); err != nil {
				t.Fatal(err)
			}
		}
		all := sink.Messages()
		if len(all) != 2 || sink.Total() != 2 {
			t.Fatalf("%d messages", len(all))
		}
		m := all[1]
		if want := []string{"bob@work.example", "boss@shop.example", "cora@xn--bcher-kva.example", "dan@work.example"}; m.To != "anna@customers.example" || !slices.Equal(m.Also, want) {
			t.Errorf("envelope: %s, %v", m.To, m.Also)
		}
		read, err := mail.ReadMessage(bytes.NewReader(m.Data))
		if err != nil {
			t.Fatal(err)
		}
		for field, want := range map[string][]string{"To": {"anna@customers.example", "cora@xn--bcher-kva.example"}, "Cc": {"bob@work.example", "dan@work.example"}} {
			list, err := read.Header.AddressList(field)
			var got []string
			for _, a := range list {
				got = append(got, a.Address)
			}
			if err != nil || !slices.Equal(got, want) || len(read.Header[field]) != 1 {
				t.Errorf("%s: %v, %v", field, read.Header[field], err)
			}
		}
		if bytes.Contains(m.Data, []byte("boss@")) || bytes.Contains(bytes.ToLower(m.Data), []byte("bcc")) {
			t.Errorf("the blind copy shows:\n%s", m.Data)
		}
	}
}

// A server that refuses one recipient would still take the message for the others: nobody gets it, and what was said of the
// copy is not said of the customer.
func TestSend_ARefusedCopyIsNobodysMail(t *testing.T) {
	t.Parallel()
	for _, o := range []emailtest.Options{{}, {NoPipelining: true}} {
		sink := start(t, o)
		c := openConn(t, settings(sink))
		for _, tt := range []struct {
			to, reply string
			kind      channels.Kind
			reason    string
		}{
			{"boss@shop.example", "550 5.1.1 No such user", channels.Rejected, "copy_refused"},
			{"boss@shop.example", "451 4.7.1 Greylisted, come back later", channels.Temporary, "copy_refused"},
			{"dan@work.example", "554 5.7.1 Relay access denied", channels.Rejected, "copy_refused"},
			{"anna@customers.example", "550 5.1.1 No such user", channels.AddressDead, "hard_bounce"},
		} {
			sink.Script(emailtest.Rule{At: emailtest.Rcpt, To: tt.to, Reply: tt.reply})
			_, err := c.Send(t.Context(), copied())
			v, ok := errors.AsType[*channels.Verdict](err)
			if !ok || v.Kind != tt.kind || (v.Copy != "") != (tt.reply[:3] == "550" && v.Kind == channels.Rejected) || tt.kind != channels.AddressDead && v.Reason != tt.reason || v.Code == "" || v.Scope != "" {
				t.Errorf("%s said of %s: %v", tt.reply, tt.to, err)
			}
			sink.Script()
		}
		if n := sink.Total(); n != 0 {
			t.Fatalf("%d messages were taken all the same", n)
		}
		if _, err := c.Send(t.Context(), copied()); err != nil || sink.Total() != 1 {
			t.Errorf("after the refusals: %v, %d taken", err, sink.Total())
		}
		if accepted, _ := sink.Connections(); accepted != 1 {
			t.Errorf("%d connections", accepted)
		}
	}
}

func TestRender_ACopyThatIsNoAddressIsRefused(t *testing.T) {
	t.Parallel()
	c := openConn(t, settings(start(t, emailtest.Options{})))
	for _, address := range []string{"", "bob", "bob@work.example>\r\nDATA", "a b@work.example", "bob@"} {
		o := outgoing()
		o.Copies = []channels.Copy{{Field: channels.CopyBcc, Address: address}}
		if _, err := c.Send(t.Context(), o); err == nil {
			t.Errorf("%q was sent", address)
		}
	}
}
