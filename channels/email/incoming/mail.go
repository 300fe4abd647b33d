// Package incoming makes of a mail that came in what the rest of the house needs to know: who wrote, what they said, what
// it answers, and whether a person or a machine wrote it. It takes any bytes, keeps within bounds, and never loses a
// word of the body that it shows. docs/mail-in.md tells the rules.
package incoming

import (
	"bytes"
	"errors"
	"time"

	"github.com/jhillyerd/enmime/v2"

	"rapport/channels"
	"rapport/channels/email/incoming/quote"
	"rapport/channels/email/incoming/report"
)

// Kind is what a mail is to an operator.
type Kind string

const (
	Reply     Kind = "reply"     // answers something: a reply token, In-Reply-To, References, or "Re:"
	Bounce    Kind = "bounce"    // tells that a mail of ours did not arrive, or not yet
	Complaint Kind = "complaint" // tells that somebody called a mail of ours spam
	AutoReply Kind = "auto_reply"
	Challenge Kind = "challenge" // wants a click before it delivers
	Other     Kind = "other"     // a person's mail that answers nothing
)

// MaxSize is how large a mail may be, in bytes: 36 MiB of files in base64, and some text.
const MaxSize = 50 << 20

// What is no mail at all.
var (
	ErrEmpty    = errors.New("it is empty")
	ErrTooLarge = errors.New("it is larger than 50 MiB")
	ErrNoHeader = errors.New("it has no header, so it is no mail")
)

// Mail is one mail, read. All its texts are valid UTF-8 without NUL and with bidirectional controls written out as marks
// (⟪RLO⟫). Addresses are as written, to be normalised by the caller. Lists are bounded.
type Mail struct {
	Kind      Kind
	MessageID string          // without brackets
	NoID      bool            // the mail had none: MessageID is made from a hash of what does not change on the way
	From      channels.Person // where it names nobody, who posted it
	Sender    channels.Person // who posted it for From
	ReplyTo   []channels.Person
	To        []channels.Person
	Cc        []channels.Person
	Subject   string
	Date      time.Time // as its writer's clock had it; zero: none that can be read
	Arrived   time.Time // as the last server noted; zero: none did
	// InReplyTo and References are Message-IDs without brackets, the newest of References first.
	InReplyTo  []string
	References []string
	// Recipients are the addresses of every field that names one, whoever wrote it: To, Cc, Delivered-To, X-Original-To,
	// Envelope-To and their like. A server that knows the envelope puts it in front as Delivered-To (RFC 9228).
	Recipients   []string
	Tokens       []string // of reply+<token>@ among Recipients, lower case
	BounceTokens []string // of bounce+<token>@ among them
	// Checks are what the receiving server found about the sender; ChecksBy says whom to believe.
	Checks map[string]string
	// Text is what was said, Quoted and Signature what was folded away. The three hold every word of the body between them.
	Text      string
	Quoted    string
	Signature string
	HTML      string // as it came, not sanitised; empty: there is only text
	// Attachments hold their bytes in memory. Their names are bare file names.
	Attachments []channels.Attachment
	Report      *report.Report // of what a mail system reports; nil: it is no report
	Hops        int            // servers that it passed, by their own account
	// NoAnswer says that no machine may answer it (RFC 3834 §2): a report, an automatic reply, a list, bulk mail, a mail
	// without a sender, or one that runs in a circle.
	NoAnswer bool
	Raw      []byte

	fields []field
	hash   string // of what no server changes
	signs  signs
}

// maxHops is where a circle is assumed; Postfix and Sendmail draw the line between 25 and 100.
const maxHops = 50

// Read reads one mail (RFC 5322, MIME), however broken it is. Its error says why raw is no mail at all: empty, larger than
// MaxSize, without a header. raw is kept, and must not change. It may be called concurrently.
func Read(raw []byte) (*Mail, error) {
	if len(raw) == 0 {
		return nil, ErrEmpty
	}
	if len(raw) > MaxSize {
		return nil, ErrTooLarge
	}
	fields, content := splitHeader(lines(raw))
	if len(fields) == 0 {
		return nil, ErrNoHeader
	}
	m := &Mail{Raw: raw, fields: fields}
	m.address()
	m.Checks = m.ChecksBy("")
	t := readTree(fields, content)
	m.identify(t.sum.Sum(nil))
	text, html := t.body()
	m.Attachments = t.attachments()
	text, html = m.shorten(text, html)
	m.part(t.root, text, html)
	return m, nil
}

// lines are the mail's, without what stands before the first. A mail that knows CR alone gets LF.
func lines(raw []byte) []byte {
	raw = bytes.TrimLeft(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), "\r\n")
	if bytes.IndexByte(raw, '\n') < 0 {
		return bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
	}
	return raw
}

// shorten keeps of a body what people read: at most 2 MiB of each form. The whole of a longer one becomes a file.
func (m *Mail) shorten(text, html string) (string, string) {
	const most = 2 << 20
	if len(html) > most {
		m.Attachments = append(m.Attachments, file("message.html", "text/html; charset=utf-8", "", []byte(html)))
		if text == "" {
			text = quote.Text(cut(html, most))
		}
		html = ""
	}
	if len(text) > most {
		m.Attachments = append(m.Attachments, file("message.txt", "text/plain; charset=utf-8", "", []byte(text)))
		text = cut(text, most)
	}
	return text, html
}

// part parts the body, and finds out what kind of mail it is.
func (m *Mail) part(root *enmime.Part, text, html string) {
	p := quote.CutOf(m.From.Name, text, html)
	if text == "" {
		text = quote.Text(html)
	}
	if r, ok := report.Read(root, text); ok {
		m.Report = &r
	}
	m.Text, m.Quoted, m.Signature, m.HTML = shown(p.Said), shown(p.Quoted), shown(p.Signature), shownHTML(html)
	m.signs = m.automation()
	m.Kind = m.kind()
	m.NoAnswer = m.Kind != Reply && m.Kind != Other || m.unanswerable()
}

func (m *Mail) kind() Kind {
	if m.Report != nil {
		switch m.Report.Kind {
		case report.Bounced, report.Delayed:
			return Bounce
		case report.Complained:
			return Complaint
		case report.Delivered:
			return AutoReply
		}
	}
	switch {
	case m.challenges():
		return Challenge
	case m.automatic():
		return AutoReply
	case m.refers():
		return Reply
	}
	return Other
}

// About are the Message-IDs of the mails that this one is about: those that did not arrive or were complained about, else
// those that it refers to, In-Reply-To before References.
func (m *Mail) About() []string {
	if m.Report != nil {
		return m.Report.MessageIDs
	}
	return unique(append(append([]string{}, m.InReplyTo...), m.References...))
}
