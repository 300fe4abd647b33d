package gateway_test

import (
	"log/slog"
	"slices"
	"testing"

	"rapport"
	"rapport/channels"
	"rapport/channels/email"
	"rapport/gateway"
)

// A copy to a mailbox of ours would come back as an answer: it cannot be named, and an answer to all does not propose it.
func TestReplyAll_LeavesOutOursAndTheDead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		th, _ := w.mailThread()
		w.ingest("mail", mailed(addressOf(rapport.Email, 1), "More", "q2", tokens(w.g.ReplyToken(w.entries(th.ID)[0].Answers.Message)),
			others(channels.Person{Address: "Support@shop.example"}, channels.Person{Address: "reply+x@reply.shop.example"}, channels.Person{Address: "gone@work.example"}, channels.Person{Address: "two@shop.example"})))
		hub := channels.NewHub([]channels.Driver{email.Driver}, channels.HubOptions{Now: w.clock.now})
		entry := func(name string, addresses any) channels.Entry {
			return channels.Entry{Name: name, Driver: "email", Channel: rapport.Email, Settings: channels.Settings{"host": "127.0.0.1", "port": 1, "tls": "none",
				"from": "Fern Shop <news@shop.example>", "reply_domain": "reply.shop.example", "inbound": map[string]any{"addresses": addresses}}}
		}
		if err := hub.Configure([]channels.Entry{entry("mail", []any{"support@shop.example"}), entry("other", "two@shop.example")}); err != nil {
			t.Fatal(err)
		}
		g := gateway.New(w.st, hub, slog.New(slog.DiscardHandler), w.set)
		if err := w.st.Suppress(t.Context(), []rapport.Suppression{{Channel: rapport.Email, Address: "gone@work.example", Reason: "hard_bounce", Scope: rapport.SuppressAll}}); err != nil {
			t.Fatal(err)
		}
		if all, err := g.ReplyAll(t.Context(), th.ID); err != nil || !slices.Equal(all, []string{"cora@work.example"}) {
			t.Errorf("%v, %v", all, err)
		}
		for _, ours := range []string{"SUPPORT@shop.example", "two@shop.example", "reply+x@reply.shop.example", "news@shop.example"} {
			for path, in := range map[string]gateway.ReplyInput{"to[0]": {To: []string{ours}}, "cc[0]": {Cc: []string{ours}}, "bcc[0]": {Bcc: []string{ours}}} {
				in.Text = "Hello"
				if _, err := g.ReplyInThread(t.Context(), gateway.Caller{}, th.ID, in); rapport.CodeOf(err) != rapport.CodeInvalid || !slices.Equal(refusals(err), []string{path}) {
					t.Errorf("%s %s: %v", path, ours, err)
				}
			}
		}
	})
}
