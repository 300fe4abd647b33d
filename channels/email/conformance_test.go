package email

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"strings"
	"testing"
	"time"

	"rapport/channels"
	"rapport/channels/channelstest"
	"rapport/channels/email/emailtest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	channelstest.Run(t, channelstest.Harness{
		Driver: Driver,
		New:    newUpstream,
		Bad: []channelstest.BadSetting{
			{Key: "host", Value: "mail.example:25"},
			{Key: "port", Value: 0},
			{Key: "tls", Value: "opportunistic"},
			{Key: "tls_ca_file", Value: "/does/not/exist.pem"},
			{Key: "password", Value: nil},
			{Key: "from", Value: "Shop"},
			{Key: "from", Value: "Shop <news@>"},
			{Key: "reply_domain", Value: "reply shop"},
			{Key: "envelope_domain", Value: "x@y"},
			{Key: "helo", Value: "a b"},
			{Key: "connections", Value: 0},
			{Key: "timeout", Value: "1h"},
			{Key: "dot_timeout", Value: "11m"},
			{Key: "idle_timeout", Value: "0s"},
			{Key: "inbound", Value: map[string]any{"listen": "2525"}, Want: "inbound.listen"},
			{Key: "inbound", Value: map[string]any{"listen": "unix:lmtp.sock"}, Want: "inbound.listen"},
			{Key: "inbound", Value: map[string]any{"listen": "lmtp://"}, Want: "inbound.listen"},
			{Key: "inbound", Value: map[string]any{"listen": ":2525", "tls": map[string]any{"required": true}}, Want: "inbound.tls.required"},
			{Key: "inbound", Value: map[string]any{"listen": ":2525", "tls": map[string]any{"cert_file": "/does/not/exist.pem", "key_file": "/does/not/exist.pem"}}, Want: "inbound.tls.cert_file"},
			{Key: "inbound", Value: map[string]any{"addresses": []any{"support"}}, Want: "inbound.addresses"},
			{Key: "inbound", Value: map[string]any{"imap": map[string]any{"host": "imap.shop.example", "username": "x"}}, Want: "inbound.imap.password"},
			{Key: "inbound", Value: map[string]any{"imap": map[string]any{"host": "imap.shop.example", "username": "x", "password": "y", "tls": "none"}}, Want: "inbound.imap.tls"},
			{Key: "inbound", Value: map[string]any{"imap": map[string]any{"host": "imap.shop.example", "username": "x", "password": "y", "after": "move"}}, Want: "inbound.imap.move_to"},
			{Key: "inbound", Value: map[string]any{"imap": map[string]any{"host": "imap.shop.example", "username": "x", "password": "y", "after": "delete"}}, Want: "inbound.imap.after"},
			{Key: "inbound", Value: map[string]any{"imap": map[string]any{"host": "imap.shop.example", "username": "x", "password": "y", "folders": []any{"INBOX", "INBOX"}}}, Want: "inbound.imap.folders"},
			{Key: "inbound", Value: map[string]any{"pop3": "pop.shop.example"}, Want: "inbound.pop3"},
			{Key: "dkim.domain", Value: "shop.example", Want: "dkim.key"},
			{Key: "dkim.key", Value: "not a key"},
			{Key: "dkim.key_file", Value: "/does/not/exist.pem"},
			{Key: "dkim.colour", Value: "red"},
		},
		Verdicts: map[channelstest.Mode]channels.Verdict{
			channelstest.Reject:   {Kind: channels.Rejected, Reason: "policy", Code: "550 5.7.1"},
			channelstest.Dead:     {Kind: channels.AddressDead, Reason: "hard_bounce", Code: "550 5.1.1"},
			channelstest.Throttle: {Kind: channels.Throttled, Scope: channels.ScopeDomain},
			channelstest.Deny:     {Kind: channels.Misconfigured, Reason: "relay_denied"},
			channelstest.Busy:     {Kind: channels.Temporary, Reason: "greylisted", After: 5 * time.Minute},
			channelstest.Down:     {Reason: "unreachable"},
			channelstest.Cut:      {Reason: "no_answer"},
			channelstest.Hang:     {Reason: "no_answer"},
		},
	})
}

const password = "hunter2-hunter2"

func newUpstream(t *testing.T, _ channels.Env) *channelstest.Upstream {
	sink := start(t, emailtest.Options{Username: "rapport", Password: password})
	settings := settings(sink)
	settings["username"], settings["password"] = "rapport", password
	down := func() {}
	up := &channelstest.Upstream{
		Settings: settings,
		Secrets:  []string{password},
		Address:  func(i int) string { return fmt.Sprintf("person%d@customers.example", i) },
		Play: func(m channelstest.Mode) {
			switch m {
			case channelstest.Accept:
				sink.Script()
			case channelstest.Reject:
				sink.Script(emailtest.Rule{At: emailtest.Dot, Reply: "550 5.7.1 Message rejected as spam"})
			case channelstest.Dead:
				sink.Script(emailtest.Rule{At: emailtest.Rcpt, Reply: "550 5.1.1 No such user"})
			case channelstest.Throttle:
				sink.Script(emailtest.Rule{At: emailtest.Rcpt, Reply: "450 4.7.28 Unusual rate of mail"})
			case channelstest.Deny:
				sink.Script(emailtest.Rule{At: emailtest.Rcpt, Reply: "554 5.7.1 Relay access denied"})
			case channelstest.Busy:
				sink.Script(emailtest.Rule{At: emailtest.Rcpt, Reply: "451 4.7.1 Greylisted"})
			case channelstest.Hang:
				sink.Script(emailtest.Rule{At: emailtest.Dot, Hang: true})
			case channelstest.Cut:
				sink.Script(emailtest.Rule{At: emailtest.Dot, Cut: true})
			case channelstest.Down:
				sink.Close()
				down()
			default:
				t.Errorf("mode %q is not known here", m)
			}
		},
		Received: func() []channelstest.Received {
			var out []channelstest.Received
			for _, m := range sink.Messages() {
				text, html := bodies(t, m.Data)
				out = append(out, channelstest.Received{To: m.To, Text: text + html})
			}
			return out
		},
	}
	if os.Getenv("RAPPORT_TEST_IMAP_HOME") != "" {
		d := newDovecot(t)
		box := newProxy(t, d.addr)
		down = box.close
		_, port, _ := net.SplitHostPort(box.Addr().String())
		up.PollSettings = d.settings(channels.Settings{"port": port, "since": 1})
		up.Say = func(i int, text string) {
			d.put("INBOX", strings.ReplaceAll(letter(text), "anna@", fmt.Sprintf("person%d@", i)))
		}
	}
	return up
}

func start(t testing.TB, o emailtest.Options) *emailtest.Sink {
	t.Helper()
	sink, err := emailtest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sink.Close)
	return sink
}

func settings(sink *emailtest.Sink) channels.Settings {
	return channels.Settings{
		"host": sink.Host(), "port": sink.Port(), "tls": "none",
		"from": "Shop <news@shop.example>", "reply_domain": "reply.shop.example",
	}
}

// bodies reads the text and the HTML of a message with the standard library's readers.
func bodies(t testing.TB, raw []byte) (text, html string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("the message cannot be parsed: %v", err)
	}
	var walk func(header func(string) string, body io.Reader)
	walk = func(header func(string) string, body io.Reader) {
		kind, params, err := mime.ParseMediaType(header("Content-Type"))
		if err != nil {
			t.Errorf("content type: %v", err)
			return
		}
		if strings.HasPrefix(kind, "multipart/") {
			parts := multipart.NewReader(body, params["boundary"])
			for {
				p, err := parts.NextRawPart()
				if err == io.EOF {
					return
				}
				if err != nil {
					t.Errorf("multipart: %v", err)
					return
				}
				walk(p.Header.Get, p)
			}
		}
		if header("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(body)
		}
		b, err := io.ReadAll(body)
		if err != nil {
			t.Errorf("body: %v", err)
		}
		switch kind {
		case "text/plain":
			text = string(b)
		case "text/html":
			html = string(b)
		}
	}
	walk(m.Header.Get, m.Body)
	return text, html
}
