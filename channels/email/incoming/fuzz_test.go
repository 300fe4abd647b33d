package incoming

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"
	"pgregory.net/rapid"

	"rapport/internal/fuzzing"
)

// FuzzRead: whatever comes, Read does not panic, keeps its bounds, gives texts that can be stored, and gives the same again.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) == 0 {
		f.Fatal("no mails to begin with")
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		defer fuzzing.Budget(t)()
		m, err := Read(raw)
		if err != nil {
			return
		}
		sound(t, m)
		again, err := Read(raw)
		if err != nil || again.Kind != m.Kind || again.Text != m.Text || again.MessageID != m.MessageID {
			t.Error("the second time it is another mail")
		}
	})
}

// FuzzWords: a plain text comes out with every word, however its sender encoded it.
func FuzzWords(f *testing.F) {
	f.Add("Привет, это я.\n> старое\nи новое", byte(0), byte(0))
	f.Add("On Monday Anna wrote:\n> a\n\n-- \nAnna", byte(1), byte(1))
	f.Add("--b\nContent-Type: text/html\n\n<p>no</p>", byte(2), byte(2))
	f.Fuzz(func(t *testing.T, text string, encoding, shape byte) {
		if !utf8.ValidString(text) || len(text) > 64<<10 {
			return
		}
		defer fuzzing.Budget(t)()
		m, err := Read([]byte(written(text, encoding, shape)))
		if err != nil {
			t.Fatal(err)
		}
		sound(t, m)
		if lost := missing(shown(text), m); len(lost) > 0 {
			t.Errorf("of %q these words are lost: %q", text, lost)
		}
	})
}

// written is a whole mail with that text.
func written(text string, encoding, shape byte) string {
	var body strings.Builder
	name := "8bit"
	switch encoding % 3 {
	case 0:
		body.WriteString(text)
	case 1:
		name = "base64"
		body.WriteString(base64.StdEncoding.EncodeToString([]byte(text)))
	case 2:
		name = "quoted-printable"
		w := quotedprintable.NewWriter(&body)
		_, _ = io.WriteString(w, text)
		_ = w.Close()
	}
	part := "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: " + name + "\r\n\r\n" + body.String() + "\r\n"
	const head = "From: anna@customers.example\r\nSubject: Re: x\r\nMIME-Version: 1.0\r\n"
	boundary := "=_of no text"
	for i := 0; strings.Contains(body.String(), boundary); i++ {
		boundary = fmt.Sprint("=_", i)
	}
	switch shape % 3 {
	case 1:
		return head + "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n\r\n--" + boundary + "\r\n" + part + "--" + boundary + "--\r\n"
	case 2:
		return head + "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n\r\n--" + boundary + "\r\nContent-Type: image/png\r\n\r\nx\r\n--" + boundary + "\r\n" + part
	}
	return head + part
}

// missing are the words of text that m does not show.
func missing(text string, m *Mail) (lost []string) {
	have := map[string]int{}
	for _, w := range words(m.Text + " " + m.Quoted + " " + m.Signature) {
		have[w]++
	}
	for _, w := range words(text) {
		if have[w]--; have[w] < 0 {
			lost = append(lost, w)
		}
	}
	return lost
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// sound checks what holds for every mail.
func sound(t interface{ Errorf(string, ...any) }, m *Mail) {
	texts := []string{m.Text, m.Quoted, m.Signature, m.HTML, m.Subject, m.MessageID, m.From.Name, m.From.Address}
	texts = slices.Concat(texts, m.InReplyTo, m.References, m.Recipients, m.Tokens, m.BounceTokens)
	for _, p := range slices.Concat(m.To, m.Cc, m.ReplyTo) {
		texts = append(texts, p.Name, p.Address)
	}
	for _, a := range m.Attachments {
		texts = append(texts, a.Name, a.ContentType, a.ContentID)
		if strings.ContainsAny(a.Name, "/\\\n") || a.Name == "" || len(a.Name) > 150 || a.Name == ".." {
			t.Errorf("a file is called %q", a.Name)
		}
	}
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\u202e\u2066") {
			t.Errorf("%q cannot be shown", s)
		}
	}
	if len(m.Attachments) > maxParts+maxFiles || len(m.Recipients) > 2*maxPeople || len(m.InReplyTo) > maxIDs || len(m.References) > maxIDs {
		t.Errorf("too many of something")
	}
	if !slices.Contains([]Kind{Reply, Bounce, Complaint, AutoReply, Challenge, Other}, m.Kind) {
		t.Errorf("%q is no kind", m.Kind)
	}
	updates := m.Updates(Box{})
	seen := map[string]bool{}
	for _, u := range updates {
		if u.EventID == "" || len(u.EventID) > 300 || seen[u.EventID] || (u.Message == nil) == (u.Receipt == nil) {
			t.Errorf("the update %q", u.EventID)
		}
		seen[u.EventID] = true
	}
	if len(updates) == 0 {
		t.Errorf("no update")
	}
}

// What a mail program writes by the rules is read as enmime reads it.
func TestRead_AgreesWithEnmimeOnWhatIsWellFormed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOfN(rapid.RuneFrom([]rune("abc абв żółw 漢字 =?_.,!-\n")), 1, 200, -1)
		text, subject := letters.Draw(t, "text"), strings.TrimSpace(strings.ReplaceAll(letters.Draw(t, "subject"), "\n", " "))
		name := rapid.StringMatching(`[a-zа-я]{1,20}\.pdf`).Draw(t, "name")
		files := rapid.IntRange(0, 3).Draw(t, "files")
		b := enmime.Builder().From("Анна", "anna@customers.example").To("Shop", "reply+abc@shop.example").Subject(subject).Text([]byte(text))
		if rapid.Bool().Draw(t, "html") {
			b = b.HTML([]byte("<p>" + strings.ReplaceAll(text, "\n", "<br>") + "</p>"))
		}
		content := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "content")
		for range files {
			b = b.AddAttachment(content, "application/pdf", name)
		}
		part, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		var raw bytes.Buffer
		if err := part.Encode(&raw); err != nil {
			t.Fatal(err)
		}
		e, err := enmime.ReadEnvelope(bytes.NewReader(raw.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(raw.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		sound(t, m)
		if want := strings.Join(strings.Fields(e.GetHeader("Subject")), " "); strings.Join(strings.Fields(m.Subject), " ") != want {
			t.Errorf("subject %q, want %q", m.Subject, want)
		}
		if m.From.Name != "Анна" || !slices.Equal(m.Tokens, []string{"abc"}) {
			t.Errorf("from %v, tokens %v", m.From, m.Tokens)
		}
		if lost := missing(e.Text, m); len(lost) > 0 {
			t.Errorf("words %q of %q are lost", lost, e.Text)
		}
		if len(m.Attachments) != files {
			t.Fatalf("%d files, want %d", len(m.Attachments), files)
		}
		for i, a := range m.Attachments {
			r, err := a.Open()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) || a.Name != e.Attachments[i].FileName {
				t.Errorf("file %q: %d bytes, want %q: %d: %v", a.Name, len(got), e.Attachments[i].FileName, len(content), err)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"reply-koi8-r", "reply-attachments", "bounce-hard"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzUnpack: winmail.dat in any state.
func FuzzUnpack(f *testing.F) {
	for _, a := range load(f, "reply-winmail").tnef() {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		defer fuzzing.Budget(t)()
		u, ok := unpack(b)
		if !utf8.ValidString(u.text) || !utf8.ValidString(u.html) || len(u.files) > maxFiles || ok == (len(u.files) == 0 && u.text == "" && u.html == "") {
			t.Errorf("%v, %d files, %q %q", ok, len(u.files), u.text, u.html)
		}
	})
}

// tnef are the contents of every winmail.dat.
func (m *Mail) tnef() (all [][]byte) {
	fields, content := splitHeader(m.Raw)
	each(readTree(fields, content).root, func(p *enmime.Part) {
		if p.ContentType == "application/ms-tnef" {
			all = append(all, p.Content)
		}
	})
	return all
}

// FuzzHeader: fields of any shape.
func FuzzHeader(f *testing.F) {
	f.Add(`"Shop, orders" <reply+a@b.example>, group: x@y.example; =?utf-8?B?0K8=?= (comment (in it)) <z@y.example>`)
	f.Add(`attachment; filename*0*=koi8-r''%F3%DE; filename*1=".pdf"; filename="a\"b"`)
	f.Add(`mx.shop.example 1; spf=pass (a (b) c) smtp.mailfrom=x; dkim=fail`)
	f.Add(`Your message <a@b> of "Sunday" <c@d`)
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > maxField {
			return
		}
		defer fuzzing.Budget(t)()
		s = plain(s)
		texts := ids(s)
		for _, p := range people(s) {
			texts = append(texts, p.Name, p.Address)
			if !strings.Contains(p.Address, "@") || strings.ContainsAny(p.Address, " <>\n") {
				t.Errorf("%q is no address", p.Address)
			}
		}
		value, params := valued(s)
		id, results := authResults(s)
		texts = append(texts, value, id, decodeWords(s), bare(s))
		for name, v := range params {
			texts = append(texts, name, v)
		}
		for _, r := range results {
			if result(r[1]) != r[1] {
				t.Errorf("%q is no result", r[1])
			}
		}
		for _, text := range texts {
			if !utf8.ValidString(text) {
				t.Errorf("%q is not UTF-8", text)
			}
		}
		date(s)
		receivedBy(s)
	})
}
