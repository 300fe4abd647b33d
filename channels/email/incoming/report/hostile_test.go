package report

import (
	"fmt"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"

	"rapport/internal/fuzzing"
)

// part makes a part as a parser would.
func part(contentType, content string, children ...*enmime.Part) *enmime.Part {
	p := enmime.NewPart(contentType)
	p.Header.Set("Content-Type", contentType)
	p.Content = []byte(content)
	for _, c := range children {
		p.AddChild(c)
	}
	return p
}

func delivered(root *enmime.Part, header map[string]string) *enmime.Part {
	root.Header = textproto.MIMEHeader{}
	for k, v := range header {
		root.Header.Set(k, v)
	}
	return root
}

var daemon = map[string]string{"From": "Mail Delivery System <MAILER-DAEMON@mx.example>", "Return-Path": "<>", "Subject": "Undelivered Mail Returned to Sender", "To": "bounce+abc@reply.shop.example"}

var validStatus = regexp.MustCompile(`^([245]\.[0-9]{1,3}\.[0-9]{1,3})?$`)

// holds checks what is true of every report, whatever it was read from.
func holds(t *testing.T, r Report) {
	t.Helper()
	if !slices.Contains([]Kind{Bounced, Complained, Delayed, Delivered}, r.Kind) {
		t.Errorf("kind %q", r.Kind)
	}
	if len(r.Bounces) == 0 || len(r.Bounces) > 100 || len(r.MessageIDs) > 100 || len(r.Tokens) > 100 {
		t.Errorf("%d bounces, %d ids, %d tokens", len(r.Bounces), len(r.MessageIDs), len(r.Tokens))
	}
	for _, b := range r.Bounces {
		for _, a := range []string{b.Recipient, b.Original} {
			if p, err := mail.ParseAddress(a); a != "" && (err != nil || p.Address != a || len(a) > 254) {
				t.Errorf("address %q: %v", a, err)
			}
		}
		switch r.Kind {
		case Bounced:
			if b.Class != Hard && b.Class != Soft && b.Class != Policy || b.Reason == "" {
				t.Errorf("a bounce says %+v", b)
			}
		case Delayed:
			if b.Class != Soft || b.Reason == "" {
				t.Errorf("a delay says %+v", b)
			}
		default:
			if b.Class != "" {
				t.Errorf("%s has a class: %+v", r.Kind, b)
			}
		}
		if !validStatus.MatchString(b.Status) {
			t.Errorf("status %q", b.Status)
		}
		if !utf8.ValidString(b.Detail) || len(b.Detail) > 400 || strings.Contains(b.Detail, "@") || strings.ContainsFunc(b.Detail, unicode.IsControl) {
			t.Errorf("detail %q", b.Detail)
		}
	}
	for _, id := range r.MessageIDs {
		if len(id) > 401 || strings.ContainsAny(id, "<> \r\n") {
			t.Errorf("id %q", id)
		}
	}
	for _, s := range r.Tokens {
		if s == "" || len(s) > 64 {
			t.Errorf("token %q", s)
		}
	}
}

func TestRead_KeepsAHundredRecipientsAndSaysThatThereWereMore(t *testing.T) {
	t.Parallel()
	var status, words strings.Builder
	status.WriteString("Reporting-MTA: dns; mx.example\n\n")
	words.WriteString("Your message could not be delivered:\n\n")
	for i := range 1000 {
		fmt.Fprintf(&status, "Final-Recipient: rfc822; u%d@customers.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n\n", i)
		fmt.Fprintf(&words, "<u%d@customers.example>: 550 5.1.1 no such user\n\n", i)
	}
	for name, root := range map[string]*enmime.Part{
		"fields":     part("multipart/report", "", part("text/plain", words.String()), part("message/delivery-status", status.String())),
		"free words": part("text/plain", words.String()),
	} {
		r, ok := Read(delivered(root, daemon), "")
		if !ok || len(r.Bounces) != 100 || !r.More {
			t.Fatalf("%s: %v, %d recipients, more: %v", name, ok, len(r.Bounces), r.More)
		}
		if b := r.Bounces[99]; b.Recipient != "u99@customers.example" || b.Class != Hard {
			t.Errorf("%s: the last one is %+v", name, b)
		}
		holds(t, r)
	}
	header := map[string]string{"From": daemon["From"], "X-Failed-Recipients": strings.Repeat("x@a.example,", 500) + "last@a.example"}
	r, ok := Read(delivered(part("text/plain", "This is a permanent error. User unknown"), header), "")
	if !ok || len(r.Bounces) == 0 || len(r.Bounces) > 100 {
		t.Errorf("a long X-Failed-Recipients: %v %d", ok, len(r.Bounces))
	}
}

// hostile are mails that cost a careless reader its memory or its time.
func hostile() map[string]*enmime.Part {
	big := strings.Repeat("a", 3<<20)
	dsn := func(status string) *enmime.Part {
		return part("multipart/report", "", part("text/plain", "failed"), part("message/delivery-status", status))
	}
	deep := part("message/delivery-status", "Final-Recipient: rfc822; a@b.example\nAction: failed\n")
	for range 10000 {
		deep = part("multipart/mixed", "", deep)
	}
	wide := part("multipart/report", "")
	for range 5000 {
		wide.AddChild(part("message/rfc822", "Message-ID: <x@y>\n"))
	}
	return map[string]*enmime.Part{
		"a huge value":                dsn("Final-Recipient: rfc822; a@b.example\nAction: failed\nDiagnostic-Code: smtp; 550 " + big),
		"a huge address":              dsn("Final-Recipient: rfc822; " + big + "@b.example\nAction: failed\n"),
		"a huge name":                 dsn(big + ": x\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n"),
		"endless folding":             dsn("Final-Recipient: rfc822; a@b.example\nAction: failed\nDiagnostic-Code: x\n" + strings.Repeat(" a\n", 1<<20)),
		"endless fields":              dsn(strings.Repeat("Action: failed\n", 200000)),
		"endless empty lines":         dsn(strings.Repeat("\n", 1<<20) + "Final-Recipient: rfc822; a@b.example\nAction: failed\n"),
		"a recipient over and over":   dsn(strings.Repeat("Final-Recipient: rfc822; a@b.example\nAction: failed\n\n", 10000)),
		"no names at all":             dsn(strings.Repeat("Final-Recipient: rfc822;\nAction: failed\n\n", 10000)),
		"deep":                        deep,
		"wide":                        wide,
		"only at signs":               part("text/plain", "could not be delivered "+strings.Repeat("@", 1<<20)),
		"addresses without an end":    part("text/plain", "could not be delivered "+strings.Repeat("a@b.example,", 1<<18)),
		"one word":                    part("text/plain", "could not be delivered "+big),
		"many copies":                 part("text/plain", "could not be delivered a@b.example\n"+strings.Repeat("--- original message:\n", 1<<17)),
		"many codes":                  part("text/plain", "could not be delivered a@b.example\n"+strings.Repeat("550 5.1.1 -> 550 ", 1<<16)),
		"tokens without an end":       part("text/plain", "could not be delivered a@b.example\n"+strings.Repeat("bounce+", 1<<18)),
		"ids without an end":          part("text/plain", "could not be delivered a@b.example\n"+strings.Repeat("Message-ID: <x@y.example>\n", 1<<17)),
		"a boundary that never was":   part("multipart/report", "--x\nContent-Type: text/plain\n\nThe message could not be delivered to a@b.example: 550 5.1.1 no such user\n"),
		"a report in a report, deep":  part("multipart/report", "", part("message/rfc822", strings.Repeat("Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n", 20000))),
		"zeros and halves of runes":   part("text/plain", "could not be delivered \x00\xff\xfe <a@b\xc3.example>\x00: 550 \xf0\x9f 5.1.1 \u202e\x1b[2J"),
		"an encoded word of any kind": dsn("Final-Recipient: =?x?q?=00?=; =?utf-8?b?" + strings.Repeat("A", 1<<16) + "?=\nAction: =?utf-8?q?failed?=\nStatus: 5.999999.1\n"),
	}
}

func TestRead_IsBounded(t *testing.T) {
	t.Parallel()
	for name, root := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			if r, ok := Read(delivered(root, daemon), ""); ok {
				holds(t, r)
			}
			if took := time.Since(begin); took > 5*time.Second { // some milliseconds on an idle machine
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestRead_BoundaryIsBroken(t *testing.T) {
	t.Parallel()
	r, ok := Read(delivered(hostile()["a boundary that never was"], daemon), "")
	if !ok || len(r.Bounces) != 1 || r.Bounces[0].Recipient != "a@b.example" || r.Bounces[0].Class != Hard || !slices.Equal(r.Tokens, []string{"abc"}) {
		t.Errorf("%v %+v", ok, r)
	}
}

func TestRead_NothingIsNoReport(t *testing.T) {
	t.Parallel()
	if r, ok := Read(nil, "550 5.1.1 <a@b.example> user unknown"); ok {
		t.Errorf("%+v", r)
	}
	if r, ok := Read(part("", ""), ""); ok {
		t.Errorf("%+v", r)
	}
}

func TestAddress_IsValidOrEmpty(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"anna@customers.example":                  "anna@customers.example",
		"<anna@customers.example>":                "anna@customers.example",
		"Anna <anna@customers.example>":           "anna@customers.example",
		"<@a.example,@b.example:anna@c.example>":  "anna@c.example",
		"anna@customers.example.":                 "anna@customers.example",
		"ирина@пример.example":                    "ирина@пример.example",
		"anna":                                    "",
		"anna@":                                   "",
		"@customers.example":                      "",
		"a b@customers.example":                   "",
		"a@b@customers.example":                   "",
		"anna@customers.example\r\nBcc: x@y.test": "",
		"redacted@provider.example":               "",
		"redacted-12ab@provider.example":          "",
		"xxxxx@provider.example":                  "",
		"reda@provider.example":                   "reda@provider.example",
		"undisclosed-recipients:;":                "",
		strings.Repeat("a", 300) + "@b.example":   "",
	} {
		if got := address(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestTyped_UndoesWhatTheStandardsEncode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"rfc822; anna@customers.example":         "anna@customers.example",
		"RFC822;<anna@customers.example>":        "anna@customers.example",
		"rfc822;anna+2Bshop@customers.example":   "anna+shop@customers.example",
		"rfc822;anna+30@customers.example":       "anna+30@customers.example",
		"rfc822;bob+3Deve@customers.example":     "bob=eve@customers.example",
		`utf-8;\x{430}\x{43D}@customers.example`: "ан@customers.example",
		"utf-8;анна@пример.example":              "анна@пример.example",
		"X400; c=us;a= ;p=org":                   "",
		"LOCAL;<>":                               "",
		`utf-8;\x{FFFFFF}@customers.example`:     "",
		"anna@customers.example":                 "anna@customers.example",
	} {
		if got := typed(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestTokens_SurviveWhatIsDoneToAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<bounce+abc2@reply.shop.example>":                             "abc2",
		"REPLY+ABC2@REPLY.SHOP.EXAMPLE":                                "ABC2",
		"SRS0=Ab1=CD=reply.shop.example=bounce+abc2@forwarder.example": "abc2",
		"owner-bounce+abc2=reply.shop.example@lists.example":           "abc2",
		"bounce=2Babc2@reply.shop.example":                             "abc2",
		"mailto:reply%2Babc2%40reply.shop.example":                     "abc2",
		"bounce+@reply.shop.example":                                   "",
		"bounce+a b@reply.shop.example":                                "",
		"bounce-abc2@reply.shop.example":                               "",
		"the reply + abc":                                              "",
		"bounce+" + strings.Repeat("a", 65) + "@reply.shop.example":    "",
		"reply+": "",
		"bounce": "",
	} {
		var s set
		s.tokens(in)
		if got := strings.Join(s.values, " "); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// seeds gives each sample's parts to a fuzz target.
func seeds(f *testing.F, add func(header map[string]string, words, fields, returned string)) {
	files, err := filepath.Glob("testdata/*/*.eml")
	if err != nil || len(files) == 0 {
		f.Fatal("no samples")
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		e, err := enmime.ReadEnvelope(strings.NewReader(string(raw)))
		if err != nil {
			f.Fatal(err)
		}
		l := open(e.Root, e.Text)
		header := map[string]string{}
		for _, n := range []string{"From", "Subject", "Return-Path", "X-Failed-Recipients"} {
			header[n] = e.Root.Header.Get(n)
		}
		add(header, l.words, strings.Join(append(l.status, l.feedback...), "\n"), strings.Join(l.returned, "\n"))
	}
}

func FuzzFields(f *testing.F) {
	seeds(f, func(_ map[string]string, words, fields, returned string) {
		if fields != "" {
			f.Add(words, fields, returned, strings.Contains(fields, "Feedback-Type"))
		}
	})
	f.Fuzz(func(t *testing.T, words, fields, returned string, feedback bool) {
		defer fuzzing.Budget(t)()
		kind := "message/delivery-status"
		if feedback {
			kind = "message/feedback-report"
		}
		root := part("multipart/report", "", part("text/plain", words), part(kind, fields), part("message/rfc822", returned))
		if r, ok := Read(delivered(root, daemon), words); ok {
			holds(t, r)
		}
	})
}

func FuzzWords(f *testing.F) {
	seeds(f, func(h map[string]string, words, _, _ string) {
		f.Add(h["From"], h["Subject"], h["Return-Path"], h["X-Failed-Recipients"], words)
	})
	f.Fuzz(func(t *testing.T, from, subject, path, failed, words string) {
		defer fuzzing.Budget(t)()
		header := map[string]string{"From": from, "Subject": subject, "Return-Path": path}
		if failed != "" {
			header["X-Failed-Recipients"] = failed
		}
		if r, ok := Read(delivered(part("text/plain", words), header), words); ok {
			holds(t, r)
		}
	})
}
