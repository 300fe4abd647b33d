package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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
			if _, err := w.g.SandboxReply(t.Context(), in); err != nil {
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
		var mark struct {
			EditedAt time.Time `json:"edited_at"`
			Before   string
		}
		edited := func(text string) string {
			does(gateway.SandboxReplyInput{Text: text, Edits: rapport.KindEntry.Format(entries()[0].ID)})
			mark.EditedAt, mark.Before = time.Time{}, ""
			if err := json.Unmarshal(entries()[0].Meta, &mark); err != nil || mark.EditedAt.IsZero() || len(entries()[0].Files) != 1 || !utf8.ValidString(mark.Before) {
				t.Errorf("%s, %v", entries()[0].Meta, err)
			}
			return mark.Before
		}
		if before := edited("The red one"); before != "The blue one" { // nothing changed
			t.Errorf("before: %q", before)
		}
		long := strings.Repeat("ё", 5000)
		if before := edited(long); before != "The red one" {
			t.Errorf("before: %q", before)
		}
		if before := edited("The red one"); len(before) < 8000 || len(before) > 8<<10 || !strings.HasPrefix(long, before) {
			t.Errorf("%d bytes are kept", len(before))
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
			if _, err := w.g.SandboxReply(t.Context(), in); rapport.CodeOf(err) != rapport.CodeInvalid {
				t.Errorf("%+v: %v", in, err)
			}
		}
	})
}
