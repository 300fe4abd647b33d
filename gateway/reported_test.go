package gateway_test

import (
	"testing"

	"rapport"
	"rapport/channels"
)

// A bounce names its message by the signed token of the return address, whatever else it says; a token that we did not
// sign is worth nothing.
func TestIngest_AReceiptFindsItsMessageByToken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := w.campaign(persons(1, rapport.Email))
		w.until("it is sent", func() bool { return w.states(c)["sent"] == 1 })
		token := w.g.ReplyToken(w.only(c).ID)
		bounce := func(event, token string) channels.Update {
			return channels.Update{EventID: event, Receipt: &channels.Receipted{Token: token, ProviderID: "unknown@customers.example", Channel: rapport.Email, To: "forwarded@elsewhere.example",
				Kind: rapport.ReceiptBounced, Reason: "hard_bounce", Suppress: true}}
		}
		w.ingest("mail", bounce("1", token[1:]+token[:1]), bounce("2", "x"))
		w.want(c, "sent=1")
		w.ingest("mail", bounce("3", token))
		w.want(c, "failed=1")
		if s, err := w.st.Suppression(t.Context(), rapport.Email, addressOf(rapport.Email, 1)); err != nil || s.Reason != "hard_bounce" {
			t.Errorf("%+v %v", s, err)
		}
	})
}
