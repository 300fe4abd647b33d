package email

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"rapport/channels"
	"rapport/channels/email/emailtest"
)

// shreds are what texts are put together of: whatever has broken a header, a body or a parser.
var shreds = []string{
	"Anna", "O'Neil", `"quoted"`, `back\slash`, "(comment)", "<evil@attacker.test>", "a,b;c:d", "@", ".", "..", "\n.", "\r\n.\r\n", "=", "=?utf-8?q?=41?=", "=?utf-8?B?", "?=", "=0D=0A", "=\r\n",
	"Анна Петрова", "山田太郎", "مريم العلي", "\u202eevil\u202c", "👩‍👩‍👧", "Å\u030a", "\u00a0", "\u2028", "\u0085", "\ufeff", "\u200b", " ", "  ", "\t", "\t\t ", " \n", "\r", "\n\n", "\r\n",
	"From here on", "\nFrom ", "--=_alternative.", "Content-Type: text/html", "<b>&amp;</b>", "{{ name }}", "%", "https://shop.example/?a=1&b=2#c", "x",
}

// breaking begin a header of their own, or end one where it should not.
var breaking = []string{"\r\nBcc: victim@example.test", "\n\nbody", "\rX: y", "\x00", "\x1b[2J", "\x7f"}

type hostile struct{ *rand.Rand }

func (h hostile) text(most int) string {
	var b strings.Builder
	for range 1 + h.IntN(most) {
		b.WriteString(shreds[h.IntN(len(shreds))])
		if h.IntN(3) == 0 {
			b.WriteByte(' ')
		}
	}
	if h.IntN(20) == 0 {
		b.WriteString(strings.Repeat(shreds[h.IntN(len(shreds))], 200))
	}
	return b.String()
}

// line is a text for a header; one in fifty must be refused.
func (h hostile) line(most int) string {
	s := strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, h.text(most))
	if h.IntN(50) == 0 {
		s += breaking[h.IntN(len(breaking))]
	}
	return s
}

// part is static text of a template, which the driver encodes once, with values in between.
func (h hostile) part(template []string) (p channels.Part) {
	for _, s := range template {
		p = append(p, channels.Segment{Bytes: []byte(s), Static: true}, channels.Segment{Bytes: []byte(h.text(6))})
	}
	return p
}

// expected is a mail as it came out of the server, and what is to be read in it.
type expected struct {
	Raw     []byte `json:"raw"`
	To      string `json:"to"`
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Note    string `json:"note"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

// Mails of a campaign to customers with hostile names, through the driver and a server: Python's parser reads
// exactly what was meant, and dkimpy finds every signature good.
func TestSend_HostileMailsAreReadAsTheyWereMeant(t *testing.T) {
	t.Parallel()
	if err := exec.Command("/usr/bin/python3", "-c", "import dkim").Run(); err != nil && os.Getenv("RAPPORT_TEST_REQUIRED") == "" {
		t.Skip("python3-dkim is not installed; make test installs it")
	}
	n := 1000
	if os.Getenv("RAPPORT_TEST_CRASH") == "long" {
		n = 10_000
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	h := hostile{rand.New(rand.NewPCG(seed, 0))}
	sink := start(t, emailtest.Options{Keep: n})
	sign, lookup := keys(t)["rsa"]()
	s := settings(sink)
	for k, v := range sign {
		s[k] = v
	}
	s["reply_domain"] = "reply.shop.example"
	c := openConn(t, s)
	record, err := lookup("rapport._domainkey.shop.example")
	if err != nil {
		t.Fatal(err)
	}

	template := func() (texts []string) {
		for range 3 {
			texts = append(texts, h.text(20)+strings.Repeat("static text of the template, ", 4))
		}
		return texts
	}
	texts, htmls := template(), template()
	want := map[string]*expected{}
	send := make(chan *channels.Outgoing)
	var sends sync.WaitGroup
	for range 16 {
		sends.Go(func() {
			for o := range send {
				_, err := c.Send(t.Context(), o)
				v := channels.VerdictOf(err)
				if bad := controls(o.ToName) || controls(o.Subject.String()) || controls(o.Headers[0].Value); bad != (v != nil) || bad && (v.Kind != channels.Rejected || v.Reason != "header_injection") {
					t.Errorf("name %q, subject %q, note %q: %v", o.ToName, o.Subject, o.Headers[0].Value, v)
				}
			}
		})
	}
	for i := range n {
		o := outgoing()
		o.Key, o.Token = "hostile/1", fmt.Sprintf("msg_%013d", i)
		o.To, o.ToName = fmt.Sprintf("p%d@customers.example", i), h.line(4)
		o.Subject, o.Headers = channels.Text(h.line(12)), []channels.Header{{Name: "X-Note", Value: "n" + h.line(12)}}
		o.Text, o.HTML = h.part(texts), h.part(htmls)
		if h.IntN(10) == 0 {
			o.HTML = nil
		}
		if !controls(o.ToName) && !controls(o.Subject.String()) && !controls(o.Headers[0].Value) {
			want[o.To] = &expected{To: o.To, Name: strings.TrimSpace(o.ToName), Subject: strings.Trim(o.Subject.String(), " \t"), Note: strings.Trim(o.Headers[0].Value, " \t"),
				Text: o.Text.String(), HTML: o.HTML.String()}
		}
		send <- o
	}
	close(send)
	sends.Wait()

	var in bytes.Buffer
	write := json.NewEncoder(&in)
	for _, m := range sink.Messages() {
		x := want[m.To]
		if x == nil {
			t.Errorf("%s got a mail that was refused, or two", m.To)
			continue
		}
		delete(want, m.To)
		x.Raw = m.Data
		if err := write.Encode(x); err != nil {
			t.Fatal(err)
		}
	}
	if len(want) > 0 {
		t.Errorf("%d mails did not arrive", len(want))
	}
	// The judge must be able to find fault: a mail whose text was changed on the way.
	m := sink.Messages()[0]
	forged := expected{Raw: bytes.Replace(m.Data, []byte("static"), []byte("statik"), 1), To: "forged"}
	if err := write.Encode(forged); err != nil {
		t.Fatal(err)
	}

	judge := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/judge.py", record[0])
	var errs bytes.Buffer
	judge.Stdin, judge.Stderr = &in, &errs
	out, err := judge.Output()
	if err != nil {
		t.Fatalf("the judge (it needs Debian's python3-dkim, which make test installs): %v\n%s", err, &errs)
	}
	judged, faults := 0, 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var said struct {
			To, Wrong string
			Judged    int
		}
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			t.Fatal(err)
		}
		judged += said.Judged
		if said.To == "forged" {
			faults++
		} else if said.Wrong != "" {
			t.Errorf("%s: %s", said.To, said.Wrong)
		}
	}
	if judged != sink.Total()+1 || judged < n*8/10 {
		t.Errorf("%d of %d mails were judged", judged, sink.Total()+1)
	}
	if faults < 2 { // its signature, and all that it was not to say
		t.Error("the judge found no fault with a forged mail")
	}
}

// controls tells whether s may not stand in a header.
func controls(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
