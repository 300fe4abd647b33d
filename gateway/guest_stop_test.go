package gateway_test

import (
	"slices"
	"testing"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// Whoever writes in somebody else's conversation stops what comes to themselves, with a confirmation, and nobody else's mail.
func TestOptOut_OfAGuestIsTheirOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th, row := w.mailThread()
		f, err := w.g.Forward(t.Context(), gateway.Caller{}, w.entries(th.ID)[0].ID, gateway.ForwardInput{To: []string{"supplier@parts.example"}})
		if err != nil {
			t.Fatal(err)
		}
		w.sentIn(f)
		before := w.thread(th.ID)
		stopped := func(address string) bool {
			x, err := w.st.Suppression(t.Context(), rapport.Email, address)
			return err == nil && x.Reason == rapport.ReasonStop
		}
		for _, guest := range []struct {
			address string
			answers rapport.ID
		}{{"supplier@parts.example", f.Message}, {"cora@work.example", row.ID}, {"stranger@else.example", row.ID}} {
			w.ingest("mail", mailed(guest.address, "Unsubscribe", "stop-"+guest.address, tokens(w.g.ReplyToken(guest.answers))))
			if !stopped(guest.address) || stopped(addressOf(rapport.Email, 1)) {
				t.Errorf("%s stopped: %t, the customer: %t", guest.address, stopped(guest.address), stopped(addressOf(rapport.Email, 1)))
			}
			a, err := w.st.AddressOf(t.Context(), rapport.Email, guest.address)
			if err != nil || a.Customer == th.Customer {
				t.Fatal(err, a)
			}
			entries := w.entries(th.ID)
			said := slices.IndexFunc(entries, func(e rapport.Entry) bool {
				return e.ProviderID == "in-stop-"+guest.address || e.ProviderID == "in-stop-"+guest.address+"@example.net"
			})
			consents, _, err := w.st.Consents(t.Context(), a.Customer, store.Page{Limit: 5})
			if err != nil || said < 0 || len(consents) != 1 || consents[0].Granted || consents[0].Proof != rapport.KindEntry.Format(entries[max(said, 0)].ID) {
				t.Errorf("%s: entry %d, %+v, %v", guest.address, said, consents, err)
			}
			sure := w.last(th.ID)
			if m, err := w.st.Message(t.Context(), sure.Message); err != nil || m.Customer != a.Customer || !sure.Aside || meta(sure, "automatic") != "stopped" {
				t.Errorf("%+v %s, %v", sure, sure.Meta, err)
			}
			w.until("it is confirmed", func() bool { return w.email.count(guest.address) > 0 && w.state(&sure).Final() })

			// They may come back by answering that, and it stays between us.
			w.ingest("mail", mailed(guest.address, "START", "start-"+guest.address, tokens(w.g.ReplyToken(sure.Message))))
			if stopped(guest.address) || len(w.threads()) != 1 {
				t.Errorf("%s cannot come back, %d threads", guest.address, len(w.threads()))
			}
		}
		mine, _, err := w.st.Consents(t.Context(), th.Customer, store.Page{Limit: 5})
		if err != nil || slices.ContainsFunc(mine, func(c rapport.Consent) bool { return !c.Granted }) {
			t.Errorf("%+v, %v", mine, err)
		}
		if now := w.thread(th.ID); now.Status != before.Status || !now.WaitingSince.Equal(before.WaitingSince) || now.Preview != before.Preview && now.Preview != "Unsubscribe" {
			t.Errorf("%+v, was %+v", now, before)
		}
		if n := w.email.count(addressOf(rapport.Email, 1)); n != 1 {
			t.Errorf("the customer got %d mails", n)
		}
	})
}
