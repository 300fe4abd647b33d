package email

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/jhillyerd/enmime/v2"

	"rapport"
	"rapport/channels"
	"rapport/channels/email/emailtest"
)

const token = "msg_0akw66mqc0001"

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func env() channels.Env {
	return channels.Env{
		Name: "mail", Channel: rapport.Email, Now: func() time.Time { return noon },
		ReplyToken: func(rapport.ID) string { return "r7token" },
	}
}

func openConn(t testing.TB, s channels.Settings) *conn {
	t.Helper()
	c, err := Driver.Open(s, env())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.(io.Closer).Close() })
	return c.(*conn)
}

func outgoing() *channels.Outgoing {
	return &channels.Outgoing{
		ID: 1, Attempt: 1, Token: token, Channel: rapport.Email, Purpose: rapport.Marketing,
		To: "anna@customers.example", ToName: "Anna",
		Subject: channels.Text("Your order"), Text: channels.Text("Hello Anna\n"), HTML: channels.Text("<p>Hello Anna</p>"),
		Unsubscribe: "https://rapport.example/u/0123456789abcdef",
	}
}

func file(name, kind, id, content string) channels.Attachment {
	return channels.Attachment{Name: name, ContentType: kind, ContentID: id, Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
}

// received sends o through a real SMTP conversation and returns what came out at the other end.
func received(t *testing.T, change channels.Settings, o *channels.Outgoing) emailtest.Message {
	t.Helper()
	sink := start(t, emailtest.Options{})
	s := settings(sink)
	for k, v := range change {
		s[k] = v
	}
	c := openConn(t, s)
	id, err := c.Send(t.Context(), o)
	if err != nil {
		t.Fatalf("sending: %v", err)
	}
	if id != o.Token+"@reply.shop.example" {
		t.Errorf("provider id is %q", id)
	}
	got := sink.Messages()
	if len(got) != 1 {
		t.Fatalf("%d messages came out", len(got))
	}
	wellFormed(t, got[0].Data)
	return got[0]
}

// wellFormed checks what every mail server may ask of a message (RFC 5322 §2.1, RFC 5321 §4.5.3.1.6).
func wellFormed(t testing.TB, raw []byte) {
	t.Helper()
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		t.Errorf("the message does not end with a line end")
	}
	for _, line := range bytes.Split(raw, []byte("\r\n")) {
		if len(line) > 998 {
			t.Errorf("a line of %d characters", len(line))
		}
		if bytes.ContainsAny(line, "\r\n\x00") {
			t.Errorf("a bare CR, LF or NUL in %q", line)
		}
		if len(line) > 0 && line[0] == '.' {
			t.Errorf("a line that needs dot-stuffing: %q", line)
		}
		for _, c := range line {
			if c >= 0x80 {
				t.Errorf("an 8-bit line: %q", line)
				break
			}
		}
	}
}

func TestMessage_HeaderAndEnvelope(t *testing.T) {
	t.Parallel()
	o := outgoing()
	o.InReplyTo = "<first@shop.example>"
	o.References = []string{"msg_0b8t9g3kq8x1w", "no id", "noid", "zero@shop.example", "first@shop.example"}
	o.Headers = []channels.Header{{Name: "X-Campaign", Value: "Весна"}}
	m := received(t, nil, o)
	if m.From != "bounce+r7token@reply.shop.example" || m.To != "anna@customers.example" {
		t.Errorf("envelope %q to %q", m.From, m.To)
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"From":                  `"Shop" <news@shop.example>`,
		"To":                    `"Anna" <anna@customers.example>`,
		"Reply-To":              `"Shop" <reply+r7token@reply.shop.example>`,
		"Subject":               "Your order",
		"Date":                  "Sat, 21 Nov 2026 12:00:00 +0000",
		"Message-ID":            "<" + token + "@reply.shop.example>",
		"In-Reply-To":           "<first@shop.example>",
		"References":            "<msg_0b8t9g3kq8x1w@reply.shop.example> <zero@shop.example> <first@shop.example>",
		"MIME-Version":          "1.0",
		"List-Unsubscribe":      "<https://rapport.example/u/0123456789abcdef>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"X-Campaign":            "Весна",
		"Auto-Submitted":        "",
		"Bcc":                   "",
	} {
		got, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get(field))
		if err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", field, got, err, want)
		}
	}
}

func TestMessage_WithoutReplyDomainAnswersAndBouncesGoToFrom(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{})
	s := settings(sink)
	delete(s, "reply_domain")
	o := outgoing()
	o.Unsubscribe = ""
	id, err := openConn(t, s).Send(t.Context(), o)
	if err != nil || id != token+"@shop.example" {
		t.Fatalf("id %q, %v", id, err)
	}
	m := sink.Messages()[0]
	if m.From != "news@shop.example" {
		t.Errorf("envelope sender is %q", m.From)
	}
	for _, field := range []string{"Reply-To:", "List-Unsubscribe"} {
		if bytes.Contains(m.Data, []byte(field)) {
			t.Errorf("the message has %s", field)
		}
	}
}

func TestMessage_OwnFromAndReplyTo(t *testing.T) {
	t.Parallel()
	o := outgoing()
	o.From, o.ReplyTo = "Анна Петрова <anna.p@shop.example>", "desk@shop.example"
	m, err := mail.ReadMessage(bytes.NewReader(received(t, nil, o).Data))
	if err != nil {
		t.Fatal(err)
	}
	from, err := m.Header.AddressList("From")
	if err != nil || from[0].Name != "Анна Петрова" || from[0].Address != "anna.p@shop.example" {
		t.Errorf("from is %v (%v)", from, err)
	}
	if got := m.Header.Get("Reply-To"); got != "<desk@shop.example>" {
		t.Errorf("reply-to is %q", got)
	}
}

func TestMessage_PartsAsMailProgramsReadThem(t *testing.T) {
	t.Parallel()
	text := "Привет,\n.a line that begins with a dot\n..\n.\nFrom here a trailing space \n\ttab\t\nend = 100 %  "
	html := `<p>Привет</p><img src="cid:logo@shop">` + strings.Repeat("<b>x</b>", 300)
	o := outgoing()
	o.Text, o.HTML = channels.Text(text), channels.Text(html)
	binary := strings.Repeat("\x00\xff\r\n.\r\n", 999)
	o.Attachments = []channels.Attachment{
		file("счёт \"2026\"; final.pdf", "application/pdf", "", binary),
		file("logo.png", "image/png", "logo@shop", "PNG"),
		file("", "multipart/mixed", "", "odd"),
	}
	e, err := enmime.ReadEnvelope(bytes.NewReader(received(t, nil, o).Data))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range e.Errors {
		t.Errorf("the reader complains: %v", problem)
	}
	if want := strings.ReplaceAll(text, "\n", "\r\n") + "\r\n"; !strings.HasPrefix(want, e.Text) || len(e.Text) < len(want)-2 {
		t.Errorf("text\n%q, want\n%q", e.Text, want)
	}
	if strings.TrimSuffix(e.HTML, "\r\n") != html {
		t.Errorf("html %q", e.HTML)
	}
	if len(e.Attachments) != 2 || len(e.Inlines) != 1 {
		t.Fatalf("%d attachments, %d inline", len(e.Attachments), len(e.Inlines))
	}
	if a := e.Attachments[0]; a.FileName != "счёт \"2026\"; final.pdf" || a.ContentType != "application/pdf" || string(a.Content) != binary {
		t.Errorf("attachment %q %q, %d bytes", a.FileName, a.ContentType, len(a.Content))
	}
	if a := e.Attachments[1]; a.ContentType != "application/octet-stream" || string(a.Content) != "odd" {
		t.Errorf("attachment %q %q", a.ContentType, a.Content)
	}
	if a := e.Inlines[0]; a.ContentID != "logo@shop" || string(a.Content) != "PNG" {
		t.Errorf("inline %q %q", a.ContentID, a.Content)
	}
	if got := e.Root.ContentType; got != "multipart/mixed" {
		t.Errorf("root is %s", got)
	}
}

func TestMessage_OnePartNeedsNoMultipart(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]*channels.Outgoing{
		"text/plain": {Text: channels.Text("hello")},
		"text/html":  {HTML: channels.Text("<p>hello")},
	} {
		o.ID, o.Token, o.To = 1, token, "anna@customers.example"
		m, err := mail.ReadMessage(bytes.NewReader(received(t, nil, o).Data))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Header.Get("Content-Type"); got != want+"; charset=utf-8" {
			t.Errorf("content type %q, want %s", got, want)
		}
	}
}

func TestMessage_RefusedBeforeTheWire(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change func(o *channels.Outgoing)
	}{
		"line break in the subject":  {"header_injection", func(o *channels.Outgoing) { o.Subject = channels.Text("Hi\r\nBcc: eve@evil.example") }},
		"bare LF in the subject":     {"header_injection", func(o *channels.Outgoing) { o.Subject = channels.Text("Hi\nBcc: eve@evil.example") }},
		"NUL in the subject":         {"header_injection", func(o *channels.Outgoing) { o.Subject = channels.Text("Hi\x00") }},
		"broken UTF-8":               {"header_injection", func(o *channels.Outgoing) { o.Subject = channels.Text("Hi\xff") }},
		"broken across segments":     {"header_injection", func(o *channels.Outgoing) { o.Subject = channels.Part{{Bytes: []byte("a\r")}, {Bytes: []byte("\nb")}} }},
		"line break in a name":       {"header_injection", func(o *channels.Outgoing) { o.ToName = "Anna\r\n\r\nbody" }},
		"line break in a header":     {"header_injection", func(o *channels.Outgoing) { o.Headers = []channels.Header{{Name: "X-A", Value: "a\rb"}} }},
		"header name with a colon":   {"bad_header", func(o *channels.Outgoing) { o.Headers = []channels.Header{{Name: "X:A", Value: "a"}} }},
		"header name with a newline": {"bad_header", func(o *channels.Outgoing) { o.Headers = []channels.Header{{Name: "X\nBcc", Value: "a"}} }},
		"a second From":              {"bad_header", func(o *channels.Outgoing) { o.Headers = []channels.Header{{Name: "from", Value: "a@b.example"}} }},
		"Bcc":                        {"bad_header", func(o *channels.Outgoing) { o.Headers = []channels.Header{{Name: "Bcc", Value: "a@b.example"}} }},
		"Content-Type":               {"bad_header", func(o *channels.Outgoing) { o.Headers = []channels.Header{{Name: "Content-Type", Value: "a/b"}} }},
		"command in the address":     {"bad_address", func(o *channels.Outgoing) { o.To = "a@b.example>\r\nRCPT TO:<eve@evil.example" }},
		"two addresses":              {"bad_address", func(o *channels.Outgoing) { o.To = "a@b.example,c@d.example" }},
		"no domain":                  {"bad_address", func(o *channels.Outgoing) { o.To = "anna" }},
		"impossible domain":          {"bad_address", func(o *channels.Outgoing) { o.To = "anna@\u00ad.example" }},
		"from without address":       {"bad_from", func(o *channels.Outgoing) { o.From = "Shop" }},
		"from with a line break":     {"bad_from", func(o *channels.Outgoing) { o.From = "Shop\r\nBcc: x <a@b.example>" }},
		"reply-to with two":          {"bad_reply_to", func(o *channels.Outgoing) { o.ReplyTo = "a@b.example, c@d.example" }},
		"unsubscribe closes early":   {"header_injection", func(o *channels.Outgoing) { o.Unsubscribe = "https://a.example/>,<mailto:eve@evil.example" }},
		"unsubscribe by script":      {"header_injection", func(o *channels.Outgoing) { o.Unsubscribe = "javascript:alert(1)" }},
		"token with a bracket":       {"bad_token", func(o *channels.Outgoing) { o.Token = "a>b" }},
		"attachment's name":          {"bad_attachment", func(o *channels.Outgoing) { o.Attachments = []channels.Attachment{file("a\r\nb", "", "", "x")} }},
		"attachment's content id":    {"bad_attachment", func(o *channels.Outgoing) { o.Attachments = []channels.Attachment{file("a", "", "a>\r\n", "x")} }},
		"more than declared": {"attachments_too_large", func(o *channels.Outgoing) {
			o.Attachments = []channels.Attachment{{Name: "a", Size: 1, Open: func() (io.ReadCloser, error) {
				return io.NopCloser(io.LimitReader(zeros{}, maxAttachments+1)), nil
			}}}
		}},
	}
	sink := start(t, emailtest.Options{})
	c := openConn(t, settings(sink))
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			o := outgoing()
			tc.change(o)
			_, err := c.Send(t.Context(), o)
			v := channels.VerdictOf(err)
			if v == nil || v.Kind != channels.Rejected || v.Reason != tc.reason {
				t.Errorf("verdict %v, want rejected (%s)", v, tc.reason)
			}
		})
	}
	if accepted, _ := sink.Connections(); accepted != 0 {
		t.Errorf("the server was asked %d times", accepted)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestMessage_UnreadableAttachmentIsTriedAgain(t *testing.T) {
	t.Parallel()
	c := openConn(t, settings(start(t, emailtest.Options{})))
	for _, open := range []func() (io.ReadCloser, error){
		func() (io.ReadCloser, error) { return nil, errors.New("storage is away") },
		func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader("abc"), broken{})), nil
		},
	} {
		o := outgoing()
		o.Attachments = []channels.Attachment{{Name: "a", Size: 1, Open: open}}
		_, err := c.Send(t.Context(), o)
		if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Temporary || v.Reason != "attachment_unreadable" {
			t.Errorf("verdict %v", v)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestMessage_AddressesBeyondASCII(t *testing.T) {
	t.Parallel()
	o := outgoing()
	o.To = "anna@почта.рф"
	if m := received(t, nil, o); m.To != "anna@xn--80a1acny.xn--p1ai" {
		t.Errorf("the recipient is %q", m.To)
	}
	o.To = "анна@почта.рф"
	sink := start(t, emailtest.Options{})
	if _, err := openConn(t, settings(sink)).Send(t.Context(), o); err != nil || sink.Count("анна@xn--80a1acny.xn--p1ai") != 1 {
		t.Errorf("with SMTPUTF8: %v, %v", err, sink.Counts())
	}
	old := start(t, emailtest.Options{NoUTF8: true})
	_, err := openConn(t, settings(old)).Send(t.Context(), o)
	if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Rejected || v.Reason != "smtputf8" {
		t.Errorf("without SMTPUTF8: %v", v)
	}
}

// keys returns settings that sign, and a look-up that publishes the key, for each algorithm.
func keys(t testing.TB) map[string]func() (channels.Settings, func(string) ([]string, error)) {
	publish := func(record string) func(string) ([]string, error) {
		return func(name string) ([]string, error) {
			if name != "rapport._domainkey.shop.example" {
				return nil, fmt.Errorf("no key at %s", name)
			}
			return []string{record}, nil
		}
	}
	with := func(private any, record string) (channels.Settings, func(string) ([]string, error)) {
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		return channels.Settings{"dkim": map[string]any{"domain": "shop.example", "selector": "rapport", "key": text}}, publish(record)
	}
	return map[string]func() (channels.Settings, func(string) ([]string, error)){
		"rsa": func() (channels.Settings, func(string) ([]string, error)) {
			k, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				t.Fatal(err)
			}
			der, err := x509.MarshalPKIXPublicKey(k.Public())
			if err != nil {
				t.Fatal(err)
			}
			return with(k, "v=DKIM1; k=rsa; p="+base64.StdEncoding.EncodeToString(der))
		},
		"ed25519": func() (channels.Settings, func(string) ([]string, error)) {
			public, k, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			return with(k, "v=DKIM1; k=ed25519; p="+base64.StdEncoding.EncodeToString(public))
		},
	}
}

func TestMessage_SignatureVerifiesAsReceived(t *testing.T) {
	t.Parallel()
	hostile := map[string]func(o *channels.Outgoing){
		"plain":               func(*channels.Outgoing) {},
		"quotes and brackets": func(o *channels.Outgoing) { o.ToName = `Bob \"the" <eve@evil.example>, (x)` },
		"encoded word": func(o *channels.Outgoing) {
			o.ToName = "=?utf-8?B?RXZl?="
			o.Subject = channels.Text("=?utf-8?Q?a=0D=0ABcc:?=")
		},
		"long name":       func(o *channels.Outgoing) { o.ToName = strings.Repeat("Иванов-Петров ", 20) },
		"long subject":    func(o *channels.Outgoing) { o.Subject = channels.Text(strings.Repeat("many  words\tand spaces ", 60)) },
		"endless word":    func(o *channels.Outgoing) { o.Subject = channels.Text(strings.Repeat("x", 3000)) },
		"only spaces":     func(o *channels.Outgoing) { o.Subject = channels.Text("a" + strings.Repeat(" ", 2000) + "b") },
		"no subject":      func(o *channels.Outgoing) { o.Subject = nil },
		"emoji":           func(o *channels.Outgoing) { o.Subject = channels.Text(strings.Repeat("👩‍👩‍👧 ", 40)) },
		"right to left":   func(o *channels.Outgoing) { o.Subject = channels.Text("שלום \u202e abc"); o.ToName = "\u200f" },
		"dots":            func(o *channels.Outgoing) { o.Text = channels.Text(".\r\n..\r\n.x\n\r\n.\r\nQUIT\r\n"); o.HTML = nil },
		"line ends":       func(o *channels.Outgoing) { o.Text = channels.Text("a\rb\nc\r\nd\r\r\n\n\re"); o.HTML = nil },
		"trailing blanks": func(o *channels.Outgoing) { o.Text = channels.Text("a  \nb\t\n\n\n  "); o.HTML = nil },
		"empty":           func(o *channels.Outgoing) { o.Text, o.HTML = nil, nil },
		"no unsubscribe":  func(o *channels.Outgoing) { o.Unsubscribe = "" },
		"a long conversation": func(o *channels.Outgoing) {
			for i := range 100 {
				o.References = append(o.References, fmt.Sprintf("%d@shop.example", i))
			}
		},
		"attachment": func(o *channels.Outgoing) {
			o.Attachments = []channels.Attachment{file("счёт.pdf", "application/pdf", "", strings.Repeat("x", 10000))}
		},
	}
	for algorithm, make := range keys(t) {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			sign, lookup := make()
			for name, change := range hostile {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					o := outgoing()
					change(o)
					raw := received(t, sign, o).Data
					verified, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: lookup})
					if err != nil || len(verified) != 1 || verified[0].Err != nil {
						t.Fatalf("the signature does not verify: %v %+v\n%s", err, verified, raw)
					}
					if verified[0].Domain != "shop.example" {
						t.Errorf("domain %q", verified[0].Domain)
					}
					signed := strings.ToLower(strings.Join(verified[0].HeaderKeys, ":"))
					for _, field := range []string{"from", "list-unsubscribe", "list-unsubscribe-post"} {
						if !strings.Contains(":"+signed+":", ":"+field+":") {
							t.Errorf("%s is not signed: %s", field, signed)
						}
					}
					m, err := mail.ReadMessage(bytes.NewReader(raw))
					if err != nil {
						t.Fatal(err)
					}
					subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
					if want := strings.Trim(o.Subject.String(), " \t"); err != nil || subject != want {
						t.Errorf("subject %q (%v), want %q", subject, err, want)
					}
					to, err := m.Header.AddressList("To")
					if err != nil || len(to) != 1 || to[0].Address != o.To || to[0].Name != strings.TrimSpace(o.ToName) {
						t.Errorf("to is %v (%v), want %q <%s>", to, err, o.ToName, o.To)
					}
					for _, smuggled := range []string{"Bcc", "QUIT"} {
						if m.Header.Get(smuggled) != "" {
							t.Errorf("a header %s came in", smuggled)
						}
					}
				})
			}
		})
	}
}

func TestMessage_TamperingBreaksTheSignature(t *testing.T) {
	t.Parallel()
	sign, lookup := keys(t)["ed25519"]()
	raw := received(t, sign, outgoing()).Data
	for name, tampered := range map[string][]byte{
		"unsubscribe link":   bytes.Replace(raw, []byte("rapport.example/u/"), []byte("evil.example/u/"), 1),
		"body":               bytes.Replace(raw, []byte("Hello Anna"), []byte("Hello Eve!"), 1),
		"no reply-to before": append([]byte("In-Reply-To: <x@y.example>\r\n"), raw...),
		"second subject":     append([]byte("Subject: Free money\r\n"), raw...),
	} {
		v, err := dkim.VerifyWithOptions(bytes.NewReader(tampered), &dkim.VerifyOptions{LookupTXT: lookup})
		if err == nil && len(v) == 1 && v[0].Err == nil {
			t.Errorf("%s: still verifies", name)
		}
	}
}

// What a retry sends is the same message, byte for byte, at the same time.
func TestMessage_RenderingIsDeterministic(t *testing.T) {
	t.Parallel()
	c := openConn(t, settings(start(t, emailtest.Options{})))
	a, b := &draft{}, &draft{}
	err := c.render(a, outgoing())
	if err != nil {
		t.Fatal(err)
	}
	o := outgoing()
	o.Attempt = 2
	err = c.render(b, o)
	if err != nil || !bytes.Equal(a.b, b.b) {
		t.Errorf("two renderings differ (%v)", err)
	}
}

func TestMessage_SizeLimitOfTheServer(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{MaxBytes: 20000})
	o := outgoing()
	o.Text = channels.Text(strings.Repeat("long ", 10000))
	_, err := openConn(t, settings(sink)).Send(context.Background(), o)
	if v := channels.VerdictOf(err); v == nil || v.Kind != channels.Rejected || v.Reason != "too_large" {
		t.Errorf("verdict %v", v)
	}
}

func TestMessage_FewLargeOnesAreInMemoryAtOnce(t *testing.T) {
	t.Parallel()
	sink := start(t, emailtest.Options{})
	c := openConn(t, settings(sink))
	var opened atomic.Int64
	release := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 * largeAtOnce {
		wg.Go(func() {
			o := outgoing()
			a := file("a.txt", "text/plain", "", "content")
			content := a.Open
			a.Open = func() (io.ReadCloser, error) {
				opened.Add(1)
				<-release
				return content()
			}
			o.Attachments = []channels.Attachment{a}
			sent(t, c, o)
		})
	}
	for deadline := time.Now().Add(5 * time.Second); opened.Load() < largeAtOnce && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	if n := opened.Load(); n != largeAtOnce {
		t.Errorf("%d at once, want %d", n, largeAtOnce)
	}
	close(release)
	wg.Wait()
	if sink.Total() != 3*largeAtOnce {
		t.Errorf("%d were taken", sink.Total())
	}
}
