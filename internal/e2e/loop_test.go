package e2e

import (
	"bytes"
	"fmt"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The whole way round: Rapport → Postfix → the customer's mailbox in Dovecot; there an ordinary mail program (Debian's
// s-nail, by IMAP) answers, → Postfix → the answers' mailbox in Dovecot, which Rapport reads by IMAP, or Rapport's own
// listener by LMTP. Bounces are Postfix's, vacation answers Pigeonhole's.
func TestMailLoop(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"imap", "lmtp"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			t.Run("one process", func(t *testing.T) { loop(t, way) })
			t.Run("api and workers", func(t *testing.T) { loopApart(t, way) }) // afterwards: there is one port for LMTP
		})
	}
}

// mailAnswer is what one customer does with our mail, and what an agent should read of it.
type mailAnswer struct {
	name   string   // the local part is made of it
	script string   // commands of s-nail; %s is the reply address
	set    []string // its settings
	edit   string   // sed, as the editor of ~e
	text   []string // lines that were written, in order
	file   string   // an attachment
	by     string   // how the message was found
}

func mailAnswers() []mailAnswer {
	return []mailAnswer{
		{name: "reply", script: "reply 1\nOn Monday, please.\n", text: []string{"On Monday, please."}, by: "reply_token"},
		{name: "inline", script: "reply 1\n~e\n", set: []string{"quote"}, edit: `s/^> When may we deliver?.*/&\n\nOn Tuesday.\n/; s/^> Which colour?.*/&\n\nBlue.\n/`, text: []string{"On Tuesday.", "Blue."}, by: "reply_token"},
		{name: "forward", script: "forward 1 %s\nThis came to me, see above.\n", text: []string{"This came to me, see above."}, by: "reply_token"},
		{name: "file", script: "reply 1\n~@ plan.txt\nThe plan is attached.\n", text: []string{"The plan is attached."}, file: "the plan of our house\n", by: "reply_token"},
		{name: "koi8", script: "reply 1\nВ среду, спасибо. Жду звонка.\n", set: []string{"quote", "sendcharsets=koi8-r"}, text: []string{"В среду, спасибо. Жду звонка."}, by: "reply_token"},
		{name: "listed", script: "set reply-to-honour=no\nreply 1\nTo your other address.\n", text: []string{"To your other address."}, by: "in_reply_to"}, // to the From, which is a mailbox of ours: only the headers tell
	}
}

func loop(t *testing.T, way string) {
	b := startBoxes(t, way)
	in := b.in
	b.ask(t)
	vacation := b.box("vacation")
	b.put("vacation", ".dovecot.sieve", "require [\"vacation\"];\nvacation :subject \"Out of office\" \"I am away until Monday.\";\n")

	// Everybody gets a mail.
	sent := map[string]string{}
	for _, a := range mailAnswers() {
		sent[a.name] = b.send(t, b.box(a.name))
	}
	sent["vacation"] = b.send(t, vacation)
	const unknown = "nobody-here@box.test"
	sent["unknown"] = b.send(t, unknown)

	// Everybody answers.
	for _, a := range mailAnswers() {
		b.answers(t, a)
	}
	for _, a := range mailAnswers() {
		t.Run(a.name, func(t *testing.T) {
			b.got(t, a, sent[a.name])
		})
	}

	t.Run("unknown", func(t *testing.T) {
		b.bounced(t, unknown, sent["unknown"])
		if n := b.entries(t, func(e loopEntry) bool { return strings.Contains(e.Text, "mail system") }); n != nil {
			t.Errorf("the bounce opened a thread: %+v", n)
		}
	})
	t.Run("vacation", func(t *testing.T) {
		var about string
		in.Wait(30*time.Second, "the vacation answer is recorded", func() bool {
			about = string(in.ask(t, "GET", "/v1/messages/"+sent["vacation"], "", nil).Body)
			return strings.Contains(about, "auto_reply")
		})
		time.Sleep(500 * time.Millisecond) // an answer to it would be on its way by now
		if n := len(b.mails("vacation")); n != 1 {
			t.Errorf("%d mails are in the mailbox: the machine was answered", n)
		}
		if n := b.entries(t, func(e loopEntry) bool { return strings.Contains(e.Text, "away until Monday") }); n != nil {
			t.Errorf("it opened a thread: %+v", n)
		}
	})
}

// ask makes the template of the mail that everybody answers.
func (b *boxes) ask(t *testing.T) {
	t.Helper()
	b.in.Must("PUT", "/v1/templates/question", map[string]any{"variants": []any{map[string]any{"channel": "email",
		"subject": "Your order", "text": "Dear {{ customer.name }},\nWhen may we deliver?\nWhich colour?\n"}}}, nil)
}

// got demands that what was written stands in the thread of the message, and the file with it.
func (b *boxes) got(t *testing.T, a mailAnswer, message string) {
	t.Helper()
	e := b.entry(t, message)
	last := 0
	for _, line := range a.text {
		i := strings.Index(e.Text[last:], line)
		if i < 0 {
			t.Fatalf("%q is missing in %q", line, e.Text)
		}
		last += i
	}
	if strings.Contains(e.Text, "Shop <shop@") && a.name != "forward" {
		t.Errorf("what the program wrote above the quote stands in the text: %q", e.Text)
	}
	if e.MatchedBy != a.by {
		t.Errorf("matched by %q, want %q", e.MatchedBy, a.by)
	}
	if a.file != "" {
		b.in.Wait(10*time.Second, "the attachment is stored", func() bool { e = b.entry(t, message); return len(e.Attachments) > 0 })
		if got := b.in.ask(t, "GET", "/v1/files/"+e.Attachments[0]+"/content", "", nil); strings.ReplaceAll(string(got.Body), "\r\n", "\n") != a.file {
			t.Errorf("the file is %d %q", got.Status, got.Body)
		}
	}
}

// bounced demands that the message's bounce has suppressed the address.
func (b *boxes) bounced(t *testing.T, address, message string) {
	t.Helper()
	var s struct{ Reason, Scope, Message string }
	b.in.Wait(30*time.Second, "the bounce is understood", func() bool {
		return b.in.Call("GET", "/v1/suppressions/email/"+address, nil, &s) == 200 && s.Reason != ""
	})
	if s.Reason != "hard_bounce" || s.Message != message {
		t.Errorf("suppressed: %+v", s)
	}
}

// boxes are an installation whose customers have mailboxes in Dovecot.
type boxes struct {
	in     *Installation
	way    string
	run    string // makes the addresses of this run its own
	smtp   string
	imap   string
	read   string // where Rapport reads the mailbox of answers: imap, or what stands before it
	home   string
	secret string
	tmp    string
}

// startBoxes starts one process on SQLite.
func startBoxes(t *testing.T, way string) *boxes {
	t.Helper()
	b := prepareBoxes(t, way)
	b.install(t)
	b.in.Start("serve")
	b.in.NewKey()
	return b
}

func prepareBoxes(t *testing.T, way string) *boxes {
	t.Helper()
	b := &boxes{way: way, smtp: os.Getenv("RAPPORT_TEST_SMTP"), imap: os.Getenv("RAPPORT_TEST_IMAP"), home: os.Getenv("RAPPORT_TEST_IMAP_HOME"), secret: os.Getenv("RAPPORT_TEST_IMAP_PASSWORD"), tmp: t.TempDir()}
	b.read = b.imap
	if b.home == "" {
		if os.Getenv("RAPPORT_TEST_REQUIRED") != "" {
			t.Fatal("RAPPORT_TEST_IMAP_HOME is not set: run the tests with make test")
		}
		t.Skip("RAPPORT_TEST_IMAP_HOME is not set; make test starts Dovecot")
	}
	b.run = fmt.Sprintf("%s-%x", way, randomBytes(t, 4))
	return b
}

// install prepares the installation, with settings of its own.
func (b *boxes) install(t *testing.T, settings ...string) {
	t.Helper()
	way := b.way
	host, port, _ := net.SplitHostPort(b.smtp)
	inbound := fmt.Sprintf(`{addresses: [shop@reply-lmtp.test], listen: "lmtp://%s"}`, os.Getenv("RAPPORT_TEST_LMTP"))
	if way == "imap" {
		ihost, iport, _ := net.SplitHostPort(b.read)
		inbound = fmt.Sprintf(`{addresses: [shop@reply-imap.test], imap: {host: %s, port: %s, tls: starttls, tls_ca_file: %s, username: reply@reply-imap.test, password: "env:IMAP_PASSWORD", since: 1}}`, ihost, iport, os.Getenv("RAPPORT_TEST_SMTP_CA"))
	}
	write(t, filepath.Join(b.tmp, "rapport.yaml"), fmt.Appendf(nil, `
company: {name: Test Ltd, postal_address: "1 Example Street, Riga"}
providers:
  - name: postfix
    driver: email
    channel: email
    settings:
      host: %s
      port: %s
      tls: starttls
      tls_ca_file: %s
      from: Shop <shop@reply-%s.test>
      reply_domain: reply-%s.test
      inbound: %s
`, host, port, os.Getenv("RAPPORT_TEST_SMTP_CA"), way, way, inbound))
	b.in = Install(t, append(settings, secret, "CONFIG="+filepath.Join(b.tmp, "rapport.yaml"))...)
	b.in.env = append(b.in.env, "IMAP_PASSWORD="+b.secret)
}

func (b *boxes) box(name string) string { return name + "-" + b.run + "@box.test" }

// put writes a file into somebody's home, which Dovecot's user must be able to write beside.
func (b *boxes) put(name, file, content string) {
	b.in.t.Helper()
	home := filepath.Join(b.home, b.box(name))
	if err := os.Mkdir(home, 0o777); err != nil {
		b.in.t.Fatal(err)
	}
	if err := os.Chmod(home, 0o777); err != nil {
		b.in.t.Fatal(err)
	}
	path := filepath.Join(home, file)
	write(b.in.t, path, []byte(content))
	if err := os.Chmod(path, 0o644); err != nil {
		b.in.t.Fatal(err)
	}
}

// mails of somebody, as files.
func (b *boxes) mails(name string) []string {
	var all []string
	for _, d := range []string{"new", "cur"} {
		some, _ := filepath.Glob(filepath.Join(b.home, b.box(name), "Maildir", d, "*"))
		all = append(all, some...)
	}
	return all
}

func (b *boxes) send(t *testing.T, to string) (id string) {
	t.Helper()
	var r struct{ ID string }
	b.in.Must("POST", "/v1/messages", map[string]any{"purpose": "transactional", "template": "question",
		"to": map[string]any{"external_id": to, "name": "Anna", "addresses": []any{map[string]any{"channel": "email", "address": to}}}}, &r)
	return r.ID
}

// answers has a customer's mail program read our mail by IMAP and act on it.
func (b *boxes) answers(t *testing.T, a mailAnswer) {
	t.Helper()
	b.in.Wait(20*time.Second, "our mail to "+a.name+" is in the mailbox", func() bool { return len(b.mails(a.name)) == 1 })
	raw, err := os.ReadFile(b.mails(a.name)[0])
	if err != nil {
		t.Fatal(err)
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	to, err := m.Header.AddressList("Reply-To")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "plan.txt"), []byte("the plan of our house\n"))
	editor := filepath.Join(dir, "editor")
	write(t, editor, []byte("#!/bin/sh\nsed -i '"+a.edit+"' \"$1\"\n"))
	if err := os.Chmod(editor, 0o700); err != nil {
		t.Fatal(err)
	}
	args := []string{"-n", "-#", "-~"}
	for _, s := range append([]string{"v15-compat=yes", "mta=smtp://" + b.smtp, "smtp-auth=none", "from=Anna <" + b.box(a.name) + ">", "reply-to-honour=yes", "indentprefix=> ", "sendwait"}, a.set...) {
		args = append(args, "-S", s)
	}
	args = append(args, "-f", "imap://"+strings.Replace(b.box(a.name), "@", "%40", 1)+":"+b.secret+"@"+b.imap+"/INBOX")
	cmd := exec.CommandContext(t.Context(), "s-nail", args...)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "LC_ALL=C.UTF-8", "EDITOR=" + editor}
	script := a.script
	if strings.Contains(script, "%s") {
		script = fmt.Sprintf(script, to[0].Address)
	}
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("s-nail (Debian's; make test installs it): %v\n%s", err, out)
	}
}

// loopEntry is an entry of a thread.
type loopEntry struct {
	ID, Thread, Kind, Text string
	MatchedBy              string `json:"matched_by"`
	Attachments            []string
	InReplyTo              struct{ Message string } `json:"in_reply_to"`
}

// entries are those of all threads that hold.
func (b *boxes) entries(t *testing.T, holds func(loopEntry) bool) (found []loopEntry) {
	t.Helper()
	var threads struct{ Data []struct{ ID string } }
	b.in.Must("GET", "/v1/threads?limit=200", nil, &threads)
	for _, th := range threads.Data {
		var list struct{ Data []loopEntry }
		b.in.Must("GET", "/v1/threads/"+th.ID+"/entries?limit=200", nil, &list)
		for _, e := range list.Data {
			if holds(e) {
				found = append(found, e)
			}
		}
	}
	return found
}

// entry waits for the one answer to a message.
func (b *boxes) entry(t *testing.T, message string) loopEntry {
	t.Helper()
	var found []loopEntry
	b.in.Wait(30*time.Second, "the answer to "+message+" is in a thread", func() bool {
		found = b.entries(t, func(e loopEntry) bool { return e.Kind == "inbound" && e.InReplyTo.Message == message })
		return len(found) > 0
	})
	if len(found) != 1 || !slices.ContainsFunc(found, func(e loopEntry) bool { return e.Thread != "" }) {
		t.Fatalf("%d answers: %+v", len(found), found)
	}
	return found[0]
}

// What an operator reads when the mailbox's password is wrong.
func TestDoctor_TriesTheMailboxOfAnswers(t *testing.T) {
	t.Parallel()
	b := startBoxes(t, "imap")
	out, err := b.in.Run("doctor")
	if !strings.Contains(out, "logged in") {
		t.Errorf("with the right password: %v\n%s", err, out)
	}
	b.in.env = append(b.in.env, "IMAP_PASSWORD=guess-guess")
	out, err = b.in.Run("doctor")
	if err == nil || !strings.Contains(out, "imap_login") || !strings.Contains(out, "inbound.imap.username") || strings.Contains(out, "guess-guess") {
		t.Errorf("with a wrong one: %v\n%s", err, out)
	}
}
