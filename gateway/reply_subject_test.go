package gateway_test

import (
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/store"
)

func TestReply_ByMailAlwaysHasASubject(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		subjects := make(chan string, 8)
		w.email.behave(func(_ int, o *channels.Outgoing) (bool, *channels.Verdict) {
			subjects <- o.Subject.String()
			return true, nil
		})
		c := w.campaign([]map[string]any{person(1, rapport.Email)})
		w.until("it is sent", func() bool { return w.states(c)["sent"] == 1 })
		if got := <-subjects; got != "Hi Anna 1" {
			t.Fatalf("the campaign's: %q", got)
		}
		answers := func(n int, want string, update channels.Update) {
			t.Helper()
			w.ingest("mail", update)
			a, err := w.st.AddressOf(t.Context(), rapport.Email, addressOf(rapport.Email, n))
			if err != nil {
				t.Fatal(err)
			}
			th, err := w.st.OpenThread(t.Context(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			w.answer(th.ID, gateway.ReplyInput{Text: "Yes"})
			if got := <-subjects; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		to := reply(rapport.Email, addressOf(rapport.Email, 1), "Is it?", "e1")
		to.Message.Tokens = []string{w.g.ReplyToken(w.only(c).ID)}
		answers(1, "Re: Hi Anna 1", to)
		answers(2, "Re: your message", reply(rapport.Email, addressOf(rapport.Email, 2), "Hello?", "e2"))
		locale := "ru-LV"
		if _, err := w.st.UpsertCustomers(t.Context(), []store.CustomerPatch{{Locale: &locale, Addresses: []store.AddressPatch{{Channel: rapport.Email, Value: addressOf(rapport.Email, 3)}}}}); err != nil {
			t.Fatal(err)
		}
		answers(3, "Re: ваше сообщение", reply(rapport.Email, addressOf(rapport.Email, 3), "Hello?", "e3"))
	})
}
