package email

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"rapport/channels"
	"rapport/internal/fuzzing"
)

// part cuts text into segments of which every other one is static.
func part(text string, cuts ...int) channels.Part {
	var p channels.Part
	from := 0
	for i, cut := range append(cuts, len(text)) {
		cut = min(max(cut, from), len(text))
		p = append(p, channels.Segment{Bytes: []byte(text[from:cut]), Static: i%2 == 0})
		from = cut
	}
	return p
}

// unquoted is what every mail program reads: line ends are CRLF, and the last one is there.
func unquoted(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return strings.ReplaceAll(text, "\n", "\r\n")
}

func checkQuoted(t *testing.T, d *drafts, key, text string, cuts ...int) {
	t.Helper()
	b := d.appendQuoted(nil, draftKey{template: key}, part(text, cuts...))
	got, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(b)))
	if err != nil || string(got) != unquoted(text) {
		t.Errorf("cut at %v: read %q (%v), want %q, encoded\n%s", cuts, got, err, unquoted(text), b)
	}
	for line := range strings.SplitSeq(string(b), "\r\n") {
		if len(line) > 76 || strings.HasPrefix(line, ".") || strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") || strings.ContainsAny(line, "\r\n") || !isASCII(line) {
			t.Errorf("line %q in\n%s", line, b)
		}
	}
}

func TestQuoted_EveryCutReadsBackTheSame(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<td style=\"padding: 8px\">Привет, €</td>.\n", 8)
	for _, text := range []string{
		"", "\n", "\r", "\r\n", ".", "..", " ", "a ", "a \n b\t\n", "=", "a\r\n\r\nb", "\r\r\n\n", long,
		strings.Repeat("x", 75) + "." + strings.Repeat("y", 75) + " ." + strings.Repeat("=", 80), strings.Repeat(" ", 200), strings.Repeat(".\r\n", 50),
	} {
		d := newDrafts()
		for i := range len(text) + 1 {
			checkQuoted(t, d, "", text, i)
			checkQuoted(t, d, "campaign/1", text, i, i+3, i+100)
			checkQuoted(t, d, "campaign/1", text, i, i+3, i+100) // from the pieces that were kept
		}
	}
}

func TestQuoted_PiecesAreKeptAndNeverMixedUp(t *testing.T) {
	t.Parallel()
	d := newDrafts()
	static := strings.Repeat("static text of the first template ", 4)
	other := strings.Repeat("another template with the same key ", 4)
	checkQuoted(t, d, "k", static+"Anna", len(static))
	kept := d.parts[draftKey{template: "k"}]
	checkQuoted(t, d, "k", static+"Boris", len(static))
	if again := d.parts[draftKey{template: "k"}]; len(kept) != 1 || &kept[0] != &again[0] {
		t.Errorf("the static segment was encoded twice")
	}
	checkQuoted(t, d, "k", other+"Boris", len(other))
	checkQuoted(t, d, "k", other+"x"+static+"y", len(other), len(other)+1, len(other)+1+len(static))
	for i := range 3 * draftsAtOnce {
		checkQuoted(t, d, strings.Repeat("k", i+1), static, len(static))
	}
	if n := len(d.parts); n > draftsAtOnce {
		t.Errorf("%d templates are remembered, want %d at most", n, draftsAtOnce)
	}
}

func FuzzQuoted(f *testing.F) {
	f.Add("Hello\r\n.world =\t\n", 3, 9)
	f.Add(strings.Repeat("Привет. ", 40), 100, 301)
	f.Add(strings.Repeat("a", 64)+"\r", 65, 65)
	f.Add(strings.Repeat("a", 64)+"\r\n"+strings.Repeat("b", 70), 65, 65)
	f.Fuzz(func(t *testing.T, text string, a, b int) {
		defer fuzzing.Budget(t)()
		if len(text) > 4096 {
			return
		}
		d := newDrafts()
		checkQuoted(t, d, "k", text, a, b)
		checkQuoted(t, d, "k", text, a, b)
	})
}

// Whatever stands in the fields, one message comes out, with our fields and no others.
func FuzzMessage(f *testing.F) {
	c := openConn(f, channels.Settings{"host": "127.0.0.1", "tls": "none", "from": "Shop <news@shop.example>", "reply_domain": "reply.shop.example"})
	f.Add("Hello", "Anna", "X-A", "b", "https://a.example/u", "text\n.\n", "file.txt")
	f.Add("a\r\nBcc: x@y.example", "\"", "Bcc", "\r\n", "https://a/>", "\r\n.\r\nMAIL FROM:<>", "\"\r\n")
	f.Add(strings.Repeat("é", 300), strings.Repeat("a b", 300), "Subject", "=?utf-8?q?=0A?=", "", "", "../..")
	f.Fuzz(func(t *testing.T, subject, name, header, value, link, text, file string) {
		defer fuzzing.Budget(t)()
		o := outgoing()
		o.Subject, o.ToName, o.Unsubscribe, o.Text = channels.Text(subject), name, link, channels.Text(text)
		o.Headers = []channels.Header{{Name: header, Value: value}}
		o.Attachments = []channels.Attachment{{Name: file, ContentType: value, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}}
		d := &draft{}
		err := c.render(d, o)
		if err != nil {
			if v := channels.VerdictOf(err); v.Kind != channels.Rejected {
				t.Errorf("verdict %v", v)
			}
			return
		}
		wellFormed(t, d.b)
		m, err := mail.ReadMessage(bytes.NewReader(d.b))
		if err != nil {
			t.Fatalf("not a message: %v\n%s", err, d.b)
		}
		for k, v := range m.Header {
			if len(v) != 1 && !strings.EqualFold(k, header) || strings.EqualFold(k, "Bcc") {
				t.Errorf("field %s came %d times", k, len(v))
			}
		}
		want := 9 // ours, and the caller's one
		if link != "" {
			want += 2
		}
		if len(m.Header) != want {
			t.Errorf("%d fields, want %d\n%s", len(m.Header), want, d.b)
		}
		got, _ := bodies(t, d.b)
		if utf8.ValidString(text) && got != unquoted(text) && strings.TrimSuffix(got, "\r\n")+"\r\n" != unquoted(text) && got+"\r\n" != unquoted(text) {
			t.Errorf("text %q, want %q", got, unquoted(text))
		}
	})
}
