package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/email"
	"rapport/channels/email/emailtest"
	"rapport/gateway"
	"rapport/store/storetest"
)

// A campaign's mail, what the customer writes back, what we answer, and so on: one conversation for whoever looks at the
// headers. The customer's side is written here as mail programs write it; ours is what went over the wire.
func TestReply_IsOneConversationInOtherMailPrograms(t *testing.T) {
	t.Parallel()
	sink, err := emailtest.Start(emailtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sink.Close)
	w := newWorld(t, storetest.SQLite(t))
	w.hub = channels.NewHub([]channels.Driver{email.Driver}, channels.HubOptions{Now: w.clock.now, ReplyToken: w.g.ReplyToken})
	if err := w.hub.Configure([]channels.Entry{{Name: "mail", Driver: "email", Channel: rapport.Email, Settings: channels.Settings{"host": sink.Host(), "port": sink.Port(), "tls": "none",
		"from": "Fern Shop <news@shop.example>", "reply_domain": "reply.shop.example"}}}); err != nil {
		t.Fatal(err)
	}
	w.g = gateway.New(w.st, w.hub, slog.New(slog.DiscardHandler), w.set)
	w.start()
	conversation := &mailbox{t: t, w: w, sink: sink}

	w.campaign([]map[string]any{person(1, rapport.Email)})
	first := conversation.arrived(1)
	conversation.write("Do you deliver to Riga?\n\nAnna", "support@shop.example", first)
	th := w.threads()[0]
	w.answer(th.ID, gateway.ReplyInput{Text: "We do, from Monday on.", Agent: "Ivan Ivanov", ShowAgent: true})
	second := conversation.arrived(2)
	w.answer(th.ID, gateway.ReplyInput{Text: "And to Liepāja.", HTML: "<p>And to <b>Liepāja</b>.</p>"})
	third := conversation.arrived(3)
	conversation.write("Great!", "support@shop.example", third)
	w.answer(th.ID, gateway.ReplyInput{Text: "Bye", Quote: set(false)})
	conversation.arrived(4)

	if got := first.Header.Get("Subject"); got != "Hi Anna 1" {
		t.Errorf("subject of the campaign: %q", got)
	}
	body := conversation.text(second)
	if from := second.Header.Get("From"); !strings.Contains(from, "Ivan Ivanov") || !strings.Contains(from, "<support@shop.example>") {
		t.Errorf("the answer comes from %q, not from the mailbox that the customer wrote to", from)
	}
	if !strings.HasPrefix(body, "We do, from Monday on.\n\nOn ") || !strings.Contains(body, "Anna 1 wrote:\n> Do you deliver to Riga?\n>\n> Anna") {
		t.Errorf("the answer says:\n%s", body)
	}
	if to := second.Header.Get("Reply-To"); !strings.Contains(to, "reply+") {
		t.Errorf("Reply-To: %q", to)
	}
	if whole := conversation.text(third); !strings.Contains(whole, `<blockquote type="cite"`) && !strings.Contains(whole, `<blockquote type=3D"cite"`) {
		t.Errorf("without a quotation in HTML:\n%s", whole)
	}
	if all := conversation.mails; strings.Contains(conversation.text(all[len(all)-1]), "Great!") {
		t.Error("quoted against the sender's wish")
	}
	conversation.documented()
	conversation.notmuch()
}

// mailbox is everything that was said, in order, as the customer's mail program has it.
type mailbox struct {
	t     *testing.T
	w     *world
	sink  *emailtest.Sink
	mails []*mail.Message
	raw   [][]byte
}

func (b *mailbox) add(raw []byte) *mail.Message {
	b.t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := io.ReadAll(m.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	m.Body = bytes.NewReader(text)
	b.mails, b.raw = append(b.mails, m), append(b.raw, raw)
	return m
}

func (b *mailbox) text(m *mail.Message) string {
	raw := b.raw[slices.Index(b.mails, m)]
	_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	return strings.ReplaceAll(string(body), "\r\n", "\n")
}

// arrived waits for our n-th mail.
func (b *mailbox) arrived(n int) *mail.Message {
	b.t.Helper()
	b.w.until(fmt.Sprintf("mail %d arrives", n), func() bool { return b.sink.Total() >= n })
	return b.add(b.sink.Messages()[n-1].Data)
}

// write answers a mail as Thunderbird does, and has the answer arrive at our side.
func (b *mailbox) write(text, to string, answers *mail.Message) {
	b.t.Helper()
	id, parent := fmt.Sprintf("customer-%d@example.com", len(b.mails)), strings.Trim(answers.Header.Get("Message-ID"), "<>")
	subject, err := new(mime.WordDecoder).DecodeHeader(answers.Header.Get("Subject"))
	if err != nil {
		b.t.Fatal(err)
	}
	if !strings.HasPrefix(subject, "Re: ") {
		subject = "Re: " + subject
	}
	refs := strings.TrimSpace(answers.Header.Get("References") + " <" + parent + ">")
	b.add(fmt.Appendf(nil, "Message-ID: <%s>\r\nDate: %s\r\nFrom: Anna 1 <c1@example.com>\r\nTo: %s\r\nSubject: %s\r\nIn-Reply-To: <%s>\r\nReferences: %s\r\n\r\n%s\r\n",
		id, time.Now().Format(time.RFC1123Z), to, subject, parent, refs, strings.ReplaceAll(text, "\n", "\r\n")))
	b.w.ingest("mail", channels.Update{EventID: id, Message: &channels.Incoming{Channel: rapport.Email, From: "c1@example.com", FromName: "Anna 1", To: to, ProviderID: id, Subject: subject,
		Text: text, InReplyTo: []string{parent}}})
}

// documented checks what Gmail and Thunderbird say that they go by: the first known id of In-Reply-To or References is of
// the same conversation (RFC 5322 §3.6.4; https://kb.mozillazine.org/Message_threading), and the subjects are equal but for
// one Re: (https://developers.google.com/workspace/gmail/api/guides/threads).
func (b *mailbox) documented() {
	b.t.Helper()
	var known []string
	subject := ""
	for i, m := range b.mails {
		said, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil {
			b.t.Fatal(err)
		}
		if i == 0 {
			subject = said
		} else if said != "Re: "+subject {
			b.t.Errorf("mail %d has the subject %q, the first %q", i, said, subject)
		}
		refs := strings.Fields(m.Header.Get("References"))
		if i > 0 {
			parent := m.Header.Get("In-Reply-To")
			if len(refs) == 0 || refs[len(refs)-1] != parent || !slices.Contains(known, parent) || refs[0] != known[0] {
				b.t.Errorf("mail %d answers %q and refers to %q; known are %q", i, parent, refs, known)
			}
			at := -1
			for _, r := range refs { // all are there, in the order in which they were said
				n := slices.Index(known, r)
				if n <= at {
					b.t.Errorf("mail %d refers to %q; known are %q", i, refs, known)
				}
				at = n
			}
		}
		known = append(known, m.Header.Get("Message-ID"))
	}
}

// notmuch asks a mail indexer that is not ours how many conversations these are.
func (b *mailbox) notmuch() {
	b.t.Helper()
	if _, err := exec.LookPath("notmuch"); err != nil {
		if os.Getenv("RAPPORT_TEST_REQUIRED") != "" {
			b.t.Fatal("notmuch is not installed (apt-get install notmuch)")
		}
		b.t.Log("notmuch is not installed: only the documented rules were checked")
		return
	}
	dir := b.t.TempDir()
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, "mail", sub), 0o700); err != nil {
			b.t.Fatal(err)
		}
	}
	for i, raw := range b.raw {
		if err := os.WriteFile(filepath.Join(dir, "mail", "cur", fmt.Sprintf("%d.eml:2,S", i)), raw, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, []byte("[database]\npath="+filepath.Join(dir, "mail")+"\n[user]\nname=Test\nprimary_email=test@example.com\n[new]\ntags=new\n"), 0o600); err != nil {
		b.t.Fatal(err)
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(b.t.Context(), "notmuch", args...)
		cmd.Env = append(os.Environ(), "NOTMUCH_CONFIG="+config, "HOME="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			b.t.Fatalf("notmuch %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("new", "--quiet")
	if mails, threads := run("count", "*"), run("count", "--output=threads", "*"); mails != fmt.Sprint(len(b.raw)) || threads != "1" {
		b.t.Errorf("notmuch finds %s mails in %s conversations:\n%s", mails, threads, run("search", "*"))
	}
}

// Over the wire: the copies stand where they belong, a supplier who answers in between changes neither the mailbox that the
// customer's answer comes from nor its thread.
func TestReply_WithCopiesAndAForwardBetween(t *testing.T) {
	t.Parallel()
	sink, err := emailtest.Start(emailtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sink.Close)
	w := newWorld(t, storetest.SQLite(t))
	w.hub = channels.NewHub([]channels.Driver{email.Driver}, channels.HubOptions{Now: w.clock.now, ReplyToken: w.g.ReplyToken})
	if err := w.hub.Configure([]channels.Entry{{Name: "mail", Driver: "email", Channel: rapport.Email, Settings: channels.Settings{"host": sink.Host(), "port": sink.Port(), "tls": "none",
		"from": "Fern Shop <news@shop.example>", "reply_domain": "reply.shop.example"}}}); err != nil {
		t.Fatal(err)
	}
	w.g = gateway.New(w.st, w.hub, slog.New(slog.DiscardHandler), w.set)
	w.start()
	box := &mailbox{t: t, w: w, sink: sink}
	w.campaign([]map[string]any{person(1, rapport.Email)})
	first := box.arrived(1)
	box.write("Is it <b>broken</b>?", "support@shop.example", first)
	th := w.threads()[0]
	f, err := w.g.Forward(t.Context(), gateway.Caller{Name: "Ivan"}, w.last(th.ID).ID, gateway.ForwardInput{To: []string{"supplier@parts.example"}, Cc: []string{"lab@parts.example"}, HTML: "<p>Look:</p>"})
	if err != nil {
		t.Fatal(err)
	}
	forward := box.arrived(2)
	if envelope := sink.Messages()[1]; envelope.To != "supplier@parts.example" || !slices.Equal(envelope.Also, []string{"lab@parts.example"}) {
		t.Errorf("forwarded to %s and %v", envelope.To, envelope.Also)
	}
	if h := forward.Header; h.Get("Subject") != "Fwd: Hi Anna 1" || h.Get("Cc") != "<lab@parts.example>" || h.Get("In-Reply-To") != "" || !strings.Contains(h.Get("From"), "support@shop.example") {
		t.Errorf("%v", h)
	}
	if text := box.text(forward); !strings.Contains(text, "Forwarded message") || !strings.Contains(text, "Is it &lt;b&gt;broken&lt;/b&gt;?") {
		t.Errorf("it says:\n%s", text)
	}
	w.ingest("mail", channels.Update{EventID: "s", Message: &channels.Incoming{Channel: rapport.Email, From: "supplier@parts.example", To: "reply+x@reply.shop.example", ProviderID: "s@parts.example",
		Subject: "Re: Fwd: Hi Anna 1", Text: "Our price is secret", Tokens: []string{w.g.ReplyToken(f.Message)}}})
	w.answer(th.ID, gateway.ReplyInput{Text: "We replace it.", Cc: []string{"cora@work.example"}, Bcc: []string{"boss@shop.example"}})
	answer := box.arrived(3)
	if h := answer.Header; !strings.Contains(h.Get("From"), "support@shop.example") || h.Get("Cc") != "<cora@work.example>" || h.Get("Subject") != "Re: Hi Anna 1" || strings.Contains(h.Get("References"), "parts.example") {
		t.Errorf("%v", h)
	}
	raw := string(box.raw[len(box.raw)-1])
	if envelope := sink.Messages()[2]; !slices.Equal(envelope.Also, []string{"cora@work.example", "boss@shop.example"}) || strings.Contains(raw, "boss@") || strings.Contains(raw, "secret") {
		t.Errorf("%v\n%s", envelope.Also, raw)
	}

	// One copy that is refused: nobody gets it, the thread says why, and the customer can still be written to.
	sink.Script(emailtest.Rule{At: emailtest.Rcpt, To: "cora@work.example", Reply: "550 5.1.1 No such user"})
	e := w.answer(th.ID, gateway.ReplyInput{Text: "And a voucher.", Cc: []string{"cora@work.example"}})
	w.until("the thread says so", func() bool { return w.says(th.ID, "An answer was not sent (failed): copy_refused.") })
	if _, err := w.st.Suppression(t.Context(), rapport.Email, "c1@example.com"); rapport.CodeOf(err) != rapport.CodeNotFound || w.state(e) != rapport.Failed {
		t.Errorf("%s, the customer: %v", w.state(e), err)
	}
	if all, err := w.g.ReplyAll(t.Context(), th.ID); err != nil || slices.Contains(all, "cora@work.example") {
		t.Errorf("an answer to all goes to %v, %v", all, err)
	}
	w.answer(th.ID, gateway.ReplyInput{Text: "And a voucher."})
	if last := box.arrived(4); last.Header.Get("Cc") != "" {
		t.Errorf("%v", last.Header)
	}
}
