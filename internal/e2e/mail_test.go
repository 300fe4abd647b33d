package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/mail"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jhillyerd/enmime/v2"
)

// names that break careless templates, headers and parsers. What a customer is called must arrive as it is.
var names = []string{
	"Anna Berzina", `O'Neil "Shaq" Jr.`, "Анна Иванова-Петрова", "山田 太郎", "Zoë Łukasiewicz", "مريم العلي", "😀 Emoji 👩‍👩‍👧",
	"<script>alert(1)</script>", "{{ customer.email }}", "{% for i in (1..9) %}x{% endfor %}", "a, b; c: d", "Eve <evil@attacker.test>", `back\slash\`, "(a comment)",
	"=?utf-8?q?=41nna?=", "& &amp; &lt;", "100% sure", "dot.\u00a0dash–", "Å combining: A\u030a", "O\u200bzero\u200bwidth", "@", ".", "\u202eevil\u202c", "To: nobody",
	strings.Repeat("long ", 60) + "name", strings.Repeat("ы", 200), "tab-free", "'single'", "Ünï cödé, Ltd.", "List-Unsubscribe",
}

const nobody = "nobody-here@example.test"

// A campaign and a single message through a real Postfix over STARTTLS. What arrived in the mailbox is
// read by parsers that are not ours (net/mail, enmime), and its signature is checked by dkimpy.
func TestMail(t *testing.T) {
	m := startMail(t)
	in := m.in
	attachment, picture := randomBytes(t, 150_000), append([]byte("\x89PNG\r\n\x1a\n"), randomBytes(t, 3_000)...)
	file, image := upload(t, in, "прайс лист.bin", attachment), upload(t, in, "logo.png", picture)
	in.Must("PUT", "/v1/templates/letter", map[string]any{"topic": "news", "variants": []any{map[string]any{"channel": "email",
		"subject": "News for {{ customer.name }}", "text": "Dear {{ customer.name }},\n.\n..a line that begins with dots\nFrom here on: {{ data.offer }}\n",
		"html": `<p>Dear {{ customer.name }},</p><img src="cid:` + image + `" alt=""><p>{{ data.offer }}</p>`, "attachments": []string{file, image}}}}, nil)
	in.Must("PUT", "/v1/templates/receipt", map[string]any{"variants": []any{map[string]any{"channel": "email",
		"subject": "Receipt {{ data.number }}", "text": "Thank you, {{ customer.name }}."}}}, nil)

	to := map[string]string{nobody: "Nobody Here"}
	for i, name := range names {
		to[fmt.Sprintf("customer%d.o'neil+tag@example.test", i)] = name
	}
	customers := func() (list []any) {
		for _, address := range slices.Sorted(maps.Keys(to)) {
			list = append(list, map[string]any{"external_id": address, "name": to[address], "addresses": []any{map[string]any{"channel": "email", "address": address}},
				"consents": []any{map[string]any{"channel": "email", "purpose": "marketing", "topic": "news", "granted": true, "source": "e2e", "text_version": "1"}}})
		}
		return list
	}
	campaign := func(name string) string {
		var c struct{ ID string }
		in.Must("POST", "/v1/campaigns", map[string]any{"name": name, "purpose": "marketing", "template": "letter", "data": map[string]any{"offer": "<b>50 %</b> & more"},
			"audience": map[string]any{"customers": customers()}}, &c)
		return c.ID
	}

	first := campaign("First")
	l := settle(t, in, first)
	total := int64(len(to))
	if l.Counts["audience"] != total || l.Counts["planned"] != total || l.sum() != total || l.Counts["sent"] != total-1 || l.Counts["failed"] != 1 {
		t.Fatalf("the ledger: %v", l.Counts)
	}
	rows := messages(t, in, first)
	arrived := m.arrived(t, rows, 1)
	for _, row := range rows {
		if row.State == "sent" {
			m.check(t, arrived[row.ID], row.ID, to, attachment, picture, image)
		}
	}
	m.signatures(t, slices.Collect(maps.Values(arrived)), true)
	m.tampered(t, arrived)

	// The unknown user: failed, suppressed, and passed over from now on.
	bad := only(t, rows, func(r row) bool { return r.State == "failed" })
	if bad.Reason != "hard_bounce" || m.address(t, bad.ID) != nobody {
		t.Errorf("failed: %+v", bad)
	}
	var s struct{ Reason, Scope, Message string }
	in.Must("GET", "/v1/suppressions/email/"+url.PathEscape(nobody), nil, &s)
	if s.Reason != "hard_bounce" || s.Scope != "all" || s.Message != bad.ID {
		t.Errorf("suppression: %+v", s)
	}

	// One customer's mail program follows the link as a scanner would, which changes nothing, and then as
	// its button does (RFC 8058 §3.2): a POST without cookies, answered without a redirect.
	gone := arrived[only(t, rows, func(r row) bool { return m.address(t, r.ID) == "customer2.o'neil+tag@example.test" }).ID]
	link := strings.Trim(gone.Header.Get("List-Unsubscribe"), "<>")
	var calls []response
	for _, body := range []string{"", "List-Unsubscribe=One-Click"} {
		calls = append(calls, oneClick(t, link, body))
		if body == "" {
			if why := explained(t, in, first, "ext:customer2.o'neil+tag@example.test"); strings.Contains(why, "{consent false") {
				t.Errorf("a GET has unsubscribed: %s", why)
			}
		}
	}
	if calls[1].Header.Get("Set-Cookie") != "" || calls[1].Header.Get("Location") != "" {
		t.Errorf("one-click answered with %v", calls[1].Header)
	}

	second := campaign("Second")
	l = settle(t, in, second)
	again := messages(t, in, second)
	skipped := map[string]string{}
	for _, r := range again {
		if r.State == "skipped" {
			skipped[m.address(t, r.ID)+r.Customer] = r.Reason
		}
	}
	if got := slices.Sorted(maps.Values(skipped)); l.sum() != total || l.Counts["sent"] != total-2 || !slices.Equal(got, []string{"consent_withdrawn", "suppressed"}) {
		t.Errorf("the second campaign: %v, skipped %v", l.Counts, skipped)
	}
	for id, x := range m.arrived(t, again, 1) {
		if to := x.Header.Get("X-Original-To"); to == nobody || to == "customer2.o'neil+tag@example.test" {
			t.Errorf("%s got %s all the same", to, id)
		}
	}

	// A receipt is no marketing: it reaches who unsubscribed, carries no unsubscribe link, and stays away
	// from a dead address all the same.
	receipt := func(to, subject string) (r struct {
		ID       string
		Messages []row
	}) {
		in.Must("POST", "/v1/messages", map[string]any{"purpose": "transactional", "template": "receipt", "data": map[string]any{"number": subject}, "from": "Shop Ü <shop@example.test>",
			"to": map[string]any{"id": "ext:" + to}}, &r)
		return r
	}
	r := receipt("customer2.o'neil+tag@example.test", "№ 1")
	x := m.arrived(t, []row{{ID: r.ID, State: "sent"}}, 1)[r.ID]
	if got := x.Header; got.Get("List-Unsubscribe") != "" || got.Get("List-Unsubscribe-Post") != "" || x.subject(t) != "Receipt № 1" || x.from(t) != "shop@example.test" {
		t.Errorf("the receipt: %v", got)
	}
	m.signatures(t, []*received{x}, true)
	if r := receipt(nobody, "№ 2"); r.Messages[0].State != "skipped" || r.Messages[0].Reason != "suppressed" {
		t.Errorf("a receipt to a dead address: %+v", r.Messages)
	}
	// A value that would begin another header fails its message, and nothing is sent.
	evil := receipt("customer3.o'neil+tag@example.test", "3\r\nBcc: victim@example.test")
	in.Wait(20*time.Second, "the message with a line break in its subject has failed", func() bool {
		var got struct{ State, Reason string }
		in.Must("GET", "/v1/messages/"+evil.ID, nil, &got)
		return got.State == "failed" && got.Reason != ""
	})
	if n := len(m.copies(t, evil.ID)); n != 0 {
		t.Errorf("%d mails with an injected header", n)
	}
}

// mailServer is an installation that sends through the tests' Postfix, and what it signs with.
type mailServer struct {
	in      *Installation
	maildir string
	public  string // the key as its DNS record
	seen    map[string]*received
	read    map[string]bool // files of the Maildir
	to      map[string]string
}

func startMail(t *testing.T) *mailServer {
	t.Helper()
	host, port, ok := strings.Cut(os.Getenv("RAPPORT_TEST_SMTP"), ":")
	if !ok {
		if os.Getenv("RAPPORT_TEST_REQUIRED") != "" {
			t.Fatal("RAPPORT_TEST_SMTP is not set: run the tests with make test")
		}
		t.Skip("RAPPORT_TEST_SMTP is not set; make test starts a mail server")
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "dkim.pem"), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	write(t, filepath.Join(dir, "rapport.yaml"), fmt.Appendf(nil, `
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
      from: Rapport Tests <news@example.test>
      reply_domain: reply.example.test
      connections: 4
      dkim: {domain: example.test, selector: e2e, key_file: %s/dkim.pem}
`, host, port, os.Getenv("RAPPORT_TEST_SMTP_CA"), dir))
	m := &mailServer{in: Install(t, secret, "CONFIG="+filepath.Join(dir, "rapport.yaml")), maildir: os.Getenv("RAPPORT_TEST_MAILDIR"),
		public: "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), seen: map[string]*received{}, read: map[string]bool{}, to: map[string]string{}}
	m.in.Start("serve")
	m.in.NewKey()
	return m
}

// received is a mail as Postfix put it into the mailbox.
type received struct {
	mail.Header
	raw []byte
	n   int // how often it arrived
}

func (r *received) subject(t *testing.T) string {
	e, err := enmime.ReadEnvelope(bytes.NewReader(r.raw))
	if err != nil {
		t.Fatal(err)
	}
	return e.GetHeader("Subject")
}

func (r *received) from(t *testing.T) string {
	list, err := r.AddressList("From")
	if err != nil || len(list) != 1 {
		t.Fatalf("From: %v %v", list, err)
	}
	return list[0].Address
}

// look reads what has come into the Maildir since the last look. Others deliver into it too.
func (m *mailServer) look(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(m.maildir, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if m.read[f] {
			continue
		}
		m.read[f] = true
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		x, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("net/mail cannot read what arrived: %v\n%.2000s", err, raw)
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(x.Header.Get("Message-ID"), "<"), "@")
		if m.seen[id] == nil {
			m.seen[id] = &received{Header: x.Header, raw: raw}
		}
		m.seen[id].n++
	}
}

// arrived waits for each message that was sent, and fails unless each came copies times.
func (m *mailServer) arrived(t *testing.T, rows []row, copies int) map[string]*received {
	t.Helper()
	out := map[string]*received{}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		m.look(t)
		missing := 0
		for _, r := range rows {
			if x := m.seen[r.ID]; x != nil {
				out[r.ID] = x
			} else if r.State == "sent" {
				missing++
			}
		}
		if missing == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d mails have not arrived", missing, len(rows))
		}
	}
	for _, r := range rows {
		if x := out[r.ID]; x != nil && (x.n != copies || r.State != "sent") {
			t.Errorf("%s (%s) arrived %d times", r.ID, r.State, x.n)
		}
	}
	return out
}

func (m *mailServer) copies(t *testing.T, id string) []*received {
	m.look(t)
	if x := m.seen[id]; x != nil {
		return []*received{x}
	}
	return nil
}

// address asks where a message goes.
func (m *mailServer) address(t *testing.T, id string) string {
	t.Helper()
	if m.to[id] == "" {
		var w struct{ Address string }
		m.in.Must("GET", "/v1/messages/"+id, nil, &w)
		m.to[id] = w.Address
	}
	return m.to[id]
}

var verp = regexp.MustCompile(`^<bounce\+([0-9a-z]+)@reply\.example\.test>$`)

// check compares a marketing mail as received with what was asked for.
func (m *mailServer) check(t *testing.T, x *received, id string, to map[string]string, attachment, picture []byte, image string) {
	t.Helper()
	h := x.Header
	address := h.Get("X-Original-To")
	name, known := to[address]
	if !known {
		t.Errorf("%s went to %s", id, address)
		return
	}
	list, err := h.AddressList("To")
	if err != nil || len(list) != 1 || list[0].Address != address || list[0].Name != name {
		t.Errorf("To of %q: %v %v", name, list, err)
	}
	token := verp.FindStringSubmatch(h.Get("Return-Path"))
	if token == nil || h.Get("Message-ID") != "<"+id+"@reply.example.test>" || x.from(t) != "news@example.test" {
		t.Errorf("%q: Return-Path %s, Message-ID %s, From %s", name, h.Get("Return-Path"), h.Get("Message-ID"), h.Get("From"))
	} else if r, err := h.AddressList("Reply-To"); err != nil || len(r) != 1 || r[0].Address != "reply+"+token[1]+"@reply.example.test" {
		t.Errorf("%q: Reply-To %v %v", name, r, err)
	}
	if tls := h.Get("Received"); !strings.Contains(tls, "with ESMTPS id") {
		t.Errorf("%q: came in without TLS: %s", name, tls)
	}
	link := h.Get("List-Unsubscribe")
	if !strings.HasPrefix(link, "<"+m.in.URL+"/u/") || !strings.HasSuffix(link, ">") || h.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Errorf("%q: List-Unsubscribe %s, Post %s", name, link, h.Get("List-Unsubscribe-Post"))
	}
	tags := signature(h)
	signed := strings.Split(strings.ToLower(tags["h"]), ":")
	for _, f := range []string{"from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post"} {
		if !slices.Contains(signed, f) {
			t.Errorf("%q: h=%s leaves %s unsigned", name, tags["h"], f)
		}
	}
	if tags["d"] != "example.test" || tags["s"] != "e2e" || tags["a"] != "rsa-sha256" || tags["l"] != "" {
		t.Errorf("%q: signature %v", name, tags)
	}

	e, err := enmime.ReadEnvelope(bytes.NewReader(x.raw))
	if err != nil || len(e.Errors) > 0 {
		t.Fatalf("%q: enmime: %v %v", name, err, e.Errors)
	}
	if got := e.GetHeader("Subject"); got != "News for "+name {
		t.Errorf("subject %q, want it for %q", got, name)
	}
	text := strings.ReplaceAll(e.Text, "\r\n", "\n")
	if !strings.HasPrefix(text, "Dear "+name+",\n.\n..a line that begins with dots\nFrom here on: <b>50 %</b> & more\n") || !strings.Contains(text, m.in.URL+"/u/") {
		t.Errorf("text for %q: %q", name, text)
	}
	if seen := html.UnescapeString(e.HTML); !strings.Contains(seen, "<p>Dear "+name+",</p>") || !strings.Contains(seen, "<p><b>50 %</b> & more</p>") {
		t.Errorf("HTML for %q: %q", name, e.HTML)
	}
	if strings.Contains(e.HTML, "<script") || strings.Contains(e.HTML, "<b>50") || !strings.Contains(e.HTML, "cid:"+image) {
		t.Errorf("HTML for %q is not escaped: %q", name, e.HTML)
	}
	if len(e.Attachments) != 1 || e.Attachments[0].FileName != "прайс лист.bin" || !bytes.Equal(e.Attachments[0].Content, attachment) {
		t.Errorf("%q: %d attachments, or not the bytes that were sent", name, len(e.Attachments))
	}
	if len(e.Inlines) != 1 || e.Inlines[0].ContentID != image || e.Inlines[0].ContentType != "image/png" || !bytes.Equal(e.Inlines[0].Content, picture) {
		t.Errorf("%q: %d inline parts, or not the picture that was sent", name, len(e.Inlines))
	}
}

// signature reads the tags of DKIM-Signature (RFC 6376 §3.2).
func signature(h mail.Header) map[string]string {
	out := map[string]string{}
	for tag := range strings.SplitSeq(h.Get("DKIM-Signature"), ";") {
		name, value, _ := strings.Cut(tag, "=")
		out[strings.TrimSpace(name)] = strings.Join(strings.Fields(value), "")
	}
	return out
}

// verifier is Debian's python3-dkim: it reads file names, and writes 1 or 0 for each. The DNS is the test's.
const verifier = `
import sys, dkim
def dns(name, timeout=5):
    return sys.argv[1].encode() if name == b"e2e._domainkey.example.test." else None
for path in sys.stdin.read().split("\n"):
    ok = False
    try:
        ok = dkim.verify(open(path, "rb").read(), dnsfunc=dns)
    except dkim.DKIMException:
        pass
    print(1 if ok else 0)
`

// signatures lets dkimpy judge mails as they were received.
func (m *mailServer) signatures(t *testing.T, mails []*received, want bool) {
	t.Helper()
	raws := make([][]byte, len(mails))
	for i, x := range mails {
		raws[i] = x.raw
	}
	for i, ok := range m.verify(t, raws) {
		if ok != want {
			t.Errorf("dkimpy says %v, not %v, of\n%.3000s", ok, want, raws[i])
		}
	}
}

func (m *mailServer) verify(t *testing.T, raws [][]byte) (ok []bool) {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i, raw := range raws {
		path := filepath.Join(dir, fmt.Sprint(i))
		write(t, path, raw)
		paths = append(paths, path)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", verifier, m.public)
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\n"))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("dkimpy (Debian's python3-dkim; make test installs it): %v\n%s", err, &errs)
	}
	for _, line := range strings.Fields(string(out)) {
		ok = append(ok, line == "1")
	}
	if len(ok) != len(raws) {
		t.Fatalf("dkimpy judged %d of %d mails", len(ok), len(raws))
	}
	return ok
}

// tampered changes a mail in every way that a signature must notice, so that the checks above can fail.
func (m *mailServer) tampered(t *testing.T, arrived map[string]*received) {
	t.Helper()
	x := arrived[slices.Min(slices.Collect(maps.Keys(arrived)))]
	replace := func(old, new string) []byte { return bytes.Replace(x.raw, []byte(old), []byte(new), 1) }
	changes := map[string][]byte{
		"another body":            replace("a line that begins", "a line that began"),
		"another subject":         replace("Subject: ", "Subject: Re: "),
		"another unsubscribe":     replace("List-Unsubscribe: <http://", "List-Unsubscribe: <https://"),
		"no one-click":            replace("List-Unsubscribe-Post: ", "X-Unsubscribe-Post: "),
		"a second From":           append([]byte("From: Evil <evil@attacker.test>\n"), x.raw...),
		"a second unsubscribe":    append([]byte("List-Unsubscribe: <https://attacker.test/>\n"), x.raw...),
		"another message id":      replace("Message-ID: <msg_", "Message-ID: <msg_0"),
		"something after its end": append(bytes.Clone(x.raw), "Buy now\n"...),
		"no signature":            replace("DKIM-Signature:", "X-Signature:"),
	}
	whats := slices.Sorted(maps.Keys(changes))
	var raws [][]byte
	for _, what := range whats {
		if bytes.Equal(changes[what], x.raw) {
			t.Errorf("%s: nothing was changed", what)
		}
		raws = append(raws, changes[what])
	}
	for i, ok := range m.verify(t, raws) {
		if ok {
			t.Errorf("%s: the signature still verifies", whats[i])
		}
	}
}

// row is one message of the ledger.
type row struct{ ID, Customer, Channel, State, Reason string }

func messages(t *testing.T, in *Installation, campaign string) []row {
	t.Helper()
	var list struct{ Data []row }
	in.Must("GET", "/v1/campaigns/"+campaign+"/messages?limit=1000", nil, &list)
	return list.Data
}

func only(t *testing.T, rows []row, is func(row) bool) row {
	t.Helper()
	var found []row
	for _, r := range rows {
		if is(r) {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d rows instead of one: %v", len(found), found)
	}
	return found[0]
}

// explained is the rules of an explanation, as "{rule passed channel}".
func explained(t *testing.T, in *Installation, campaign, customer string) string {
	t.Helper()
	var why struct {
		Rules []struct {
			Rule    string
			Passed  bool
			Channel string
		}
	}
	in.Must("GET", "/v1/campaigns/"+campaign+"/explain?customer="+url.QueryEscape(customer), nil, &why)
	return fmt.Sprint(why.Rules)
}

// oneClick is what a mail program does with the link: GET without a body, the button with one.
func oneClick(t *testing.T, link, body string) response {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var res *http.Response
	var err error
	if body == "" {
		res, err = client.Get(link)
	} else {
		res, err = client.Post(link, "application/x-www-form-urlencoded", strings.NewReader(body))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%q to %s: %d %v %s", body, link, res.StatusCode, err, raw)
	}
	return response{res.StatusCode, res.Header, raw}
}

func upload(t *testing.T, in *Installation, name string, content []byte) (id string) {
	t.Helper()
	a := in.ask(t, "POST", "/v1/files?name="+url.QueryEscape(name), "application/octet-stream", bytes.NewReader(content))
	id = regexp.MustCompile(`fil_[0-9a-z]+`).FindString(string(a.Body))
	if a.Status != 201 || id == "" {
		t.Fatalf("uploading %s: %d %s", name, a.Status, a.Body)
	}
	return id
}

func randomBytes(t *testing.T, n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
