package gateway_test

import (
	"strings"
	"testing"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// What a person can do in a chat they can do in the simulator.
func TestSandboxReply_DoesWhatAPersonCan(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.status(w.campaign(persons(1, rapport.SMS)), rapport.CampaignFinished)
		file, err := w.st.KeepFile(t.Context(), "sock.png", "image/png", strings.NewReader("\x89PNG\r\n\x1a\n and more"), 1000)
		if err != nil {
			t.Fatal(err)
		}
		does := func(in gateway.SandboxReplyInput) {
			t.Helper()
			in.Channel, in.Address = rapport.Telegram, "4242"
			if err := w.g.SandboxReply(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		entries := func() []rapport.Entry {
			list, _, err := w.st.Entries(t.Context(), w.threads()[0].ID, store.Page{Limit: 50})
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		does(gateway.SandboxReplyInput{Text: "The blue one", Name: "Ilze", Attachments: []string{rapport.KindFile.Format(file.ID)}})
		w.until("the picture is kept", func() bool { return len(entries()[0].Files) == 1 })
		if e := entries()[0]; e.Author != "Ilze" || e.Text != "The blue one" {
			t.Errorf("%+v", e)
		}
		does(gateway.SandboxReplyInput{Text: "The red one", Edits: rapport.KindEntry.Format(entries()[0].ID)})
		if list := entries(); len(list) != 1 || list[0].Text != "The red one" {
			t.Errorf("%+v", list)
		}
		block, unblock := true, false
		off := func() string {
			a, err := w.st.AddressOf(t.Context(), rapport.Telegram, "4242")
			if err != nil {
				t.Fatal(err)
			}
			return a.Off
		}
		if does(gateway.SandboxReplyInput{Blocks: &block}); off() != "blocked" {
			t.Error("not blocked")
		}
		if does(gateway.SandboxReplyInput{Blocks: &unblock}); off() != "" {
			t.Error("not unblocked")
		}
		does(gateway.SandboxReplyInput{Text: "/start", Locale: "ru"})
		w.until("the button is offered", func() bool { return len(w.box.Outbox(rapport.Telegram, "4242")) == 1 })
		if s := w.box.Outbox(rapport.Telegram, "4242")[0]; len(s.Buttons) != 1 || !s.Buttons[0][0].Contact || s.Buttons[0][0].Text != "Поделиться номером телефона" {
			t.Errorf("%+v", s)
		}
		does(gateway.SandboxReplyInput{Contact: addressOf(rapport.SMS, 1)})
		a, err := w.st.AddressOf(t.Context(), rapport.Telegram, "4242")
		if err != nil {
			t.Fatal(err)
		}
		if c, err := w.st.Customer(t.Context(), a.Customer); err != nil || c.ExternalID != "c-1" {
			t.Errorf("%+v, %v", c, err)
		}
		does(gateway.SandboxReplyInput{Text: "/stop@fern_bot"})
		if _, err := w.st.Suppression(t.Context(), rapport.Telegram, "4242"); err != nil {
			t.Error(err)
		}
		for _, in := range []gateway.SandboxReplyInput{{}, {Text: "x", Edits: "nothing"}, {Text: "x", Attachments: []string{"fil_0000000000001"}}, {Contact: "12"}, {Text: "x", InReplyTo: "y"}} {
			in.Channel, in.Address = rapport.Telegram, "4242"
			if err := w.g.SandboxReply(t.Context(), in); rapport.CodeOf(err) != rapport.CodeInvalid {
				t.Errorf("%+v: %v", in, err)
			}
		}
	})
}
