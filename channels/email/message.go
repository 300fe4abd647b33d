package email

import (
	"bytes"
	"errors"
	"net/mail"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rapport"
	"rapport/channels"
)

// draft is a message being rendered, and the envelope it travels in.
type draft struct {
	b     []byte
	from  string // envelope sender
	to    string
	also  []string // who gets a copy, in the order of Outgoing.Copies
	id    string   // Message-ID without brackets
	token string   // of the reply address and of bounces; may be empty
	utf8  bool     // needs SMTPUTF8
}

// render appends o to d.b as RFC 5322 asks: CRLF everywhere, 7-bit, lines of at most 998 characters, no
// line that begins with a dot. Equal messages at equal times give equal bytes. Its errors are verdicts.
func (c *conn) render(d *draft, o *channels.Outgoing) error {
	d.id = o.Token + "@" + c.idDomain
	if c.env.ReplyToken != nil && (c.envelopeDomain != "" || c.replyDomain != "") {
		d.token = c.env.ReplyToken(o.ID)
	}
	if !atom(o.Token) || len(o.Token) > 50 {
		return refuse("bad_token", errors.New("the token cannot be part of a Message-ID"))
	}
	if v := c.address(d, o); v != nil {
		return v
	}
	if v := c.header(d, o); v != nil {
		return v
	}
	return c.body(d, o)
}

func refuse(reason string, err error) *channels.Verdict {
	return &channels.Verdict{Kind: channels.Rejected, Reason: reason, Err: err}
}

// address fills the envelope. The sender carries a signed token (VERP), so that a bounce names its message
// whatever a foreign server makes of the rest.
func (c *conn) address(d *draft, o *channels.Outgoing) *channels.Verdict {
	to, err := asciiDomain(o.To)
	if err != nil {
		return refuse("bad_address", errors.New("the address "+err.Error()))
	}
	d.to, d.utf8 = to, !isASCII(to)
	for _, copied := range o.Copies {
		address, err := asciiDomain(copied.Address)
		if err != nil {
			return refuse("bad_copy", errors.New("the address of a copy "+err.Error()))
		}
		d.also, d.utf8 = append(d.also, address), d.utf8 || !isASCII(address)
	}
	d.from = c.from.Address
	if d.token != "" && c.envelopeDomain != "" {
		d.from = "bounce+" + d.token + "@" + c.envelopeDomain
		if !atom(d.token) || len(d.from) > 254 {
			return refuse("bad_token", errors.New("the reply token cannot be part of an address"))
		}
	}
	d.utf8 = d.utf8 || !isASCII(d.from)
	return nil
}

func (c *conn) header(d *draft, o *channels.Outgoing) *channels.Verdict {
	from := c.from
	if o.From != "" {
		var err error
		if from, err = c.mailboxes.read(o.From); err != nil {
			return refuse("bad_from", errors.New("from "+err.Error()))
		}
	}
	d.utf8 = d.utf8 || !isASCII(from.Address)
	d.b = append(d.b, "MIME-Version: 1.0\r\nDate: "...)
	d.b = c.date.append(d.b, c.env.Now())
	d.b = append(d.b, "\r\n"...)

	var err error
	note := func(b []byte, e error) {
		d.b, err = b, errors.Join(err, e)
	}
	note(appendMailbox(d.b, "From", from))
	note(appendMailbox(d.b, "To", mail.Address{Name: o.ToName, Address: d.to}))
	if len(d.also) > 0 {
		d.b = appendCopies(d.b, o.Copies, d.also)
	}
	if o.ReplyTo != "" {
		reply, e := c.mailboxes.read(o.ReplyTo)
		if e != nil {
			return refuse("bad_reply_to", errors.New("reply_to "+e.Error()))
		}
		d.utf8 = d.utf8 || !isASCII(reply.Address)
		note(appendMailbox(d.b, "Reply-To", reply))
	} else if d.token != "" && c.replyDomain != "" {
		note(appendMailbox(d.b, "Reply-To", mail.Address{Name: from.Name, Address: "reply+" + d.token + "@" + c.replyDomain}))
	}
	note(appendText(d.b, "Subject", o.Subject.String()))
	d.b = append(append(append(d.b, "Message-ID: <"...), d.id...), ">\r\n"...)
	note(appendIDs(d.b, "In-Reply-To", c.idDomain, o.InReplyTo))
	note(appendIDs(d.b, "References", c.idDomain, o.References...))
	note(appendUnsubscribe(d.b, o.Unsubscribe))
	for _, h := range o.Headers {
		if !allowed(h.Name) {
			return refuse("bad_header", errors.New("a header of this name is ours to write, or no header at all"))
		}
		note(appendText(d.b, h.Name, h.Value))
	}
	if err != nil {
		return refuse("header_injection", err)
	}
	return nil
}

// appendCopies appends those in To to the field that has just been written, and a Cc field of those in Cc, one a line.
func appendCopies(b []byte, copies []channels.Copy, addresses []string) []byte {
	for _, field := range [...]channels.CopyField{channels.CopyTo, channels.CopyCc} {
		some := field == channels.CopyTo
		if some {
			b = bytes.TrimSuffix(b, []byte("\r\n"))
		}
		for i, c := range copies {
			if c.Field != field {
				continue
			}
			if some {
				b = append(b, ",\r\n <"...)
			} else {
				b = append(append(b, field...), ": <"...)
			}
			b, some = append(append(b, addresses[i]...), '>'), true
		}
		if some {
			b = append(b, "\r\n"...)
		}
	}
	return b
}

// dateLine is the date as it was last written: it is the same for all messages of a second.
type dateLine struct{ last atomic.Pointer[dated] }

type dated struct {
	second int64
	zone   *time.Location
	text   []byte
}

func (l *dateLine) append(b []byte, now time.Time) []byte {
	d := l.last.Load()
	if d == nil || d.second != now.Unix() || d.zone != now.Location() {
		d = &dated{now.Unix(), now.Location(), now.AppendFormat(nil, time.RFC1123Z)}
		l.last.Store(d)
	}
	return append(b, d.text...)
}

// mailboxes remembers those that campaigns name, because each does so in every message.
type mailboxes struct {
	mu    sync.RWMutex
	known map[string]mail.Address
}

const mailboxesAtOnce = 64 // beyond that all are forgotten, which costs one parse each

// read parses an address with a name; the local part may be anything that needs no quotes.
func (m *mailboxes) read(s string) (mail.Address, error) {
	m.mu.RLock()
	a, ok := m.known[s]
	m.mu.RUnlock()
	if ok {
		return a, nil
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil {
		return mail.Address{}, errors.New("is not a mailbox such as Shop <news@shop.example>")
	}
	if parsed.Address, err = asciiDomain(parsed.Address); err != nil {
		return mail.Address{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= mailboxesAtOnce {
		m.known = map[string]mail.Address{}
	}
	m.known[s] = *parsed
	return *parsed, nil
}

// appendIDs appends Message-IDs, one a line. A long conversation keeps its first and its newest twenty
// (RFC 5322 §3.6.4 leaves room for that); ids that are none are left out, and a token of ours (msg_...) is completed by our domain.
func appendIDs(b []byte, field, domain string, ids ...string) ([]byte, error) {
	if len(ids) > 21 {
		ids = append([]string{ids[0]}, ids[len(ids)-20:]...)
	}
	begin := len(b)
	b = append(append(b, field...), ':')
	some := false
	for _, id := range ids {
		if id = strings.Trim(id, "<>"); !atom(id) {
			continue
		}
		if !strings.Contains(id, "@") {
			if _, err := rapport.KindMessage.Parse(id); err != nil {
				continue
			}
			id += "@" + domain
		}
		if some {
			b = append(b, "\r\n"...)
		}
		b = append(append(append(b, " <"...), id...), '>')
		some = true
	}
	if !some {
		return b[:begin], nil
	}
	return append(b, "\r\n"...), nil
}

// appendUnsubscribe appends the two fields of one-click unsubscription, which mail programs show as a
// button (RFC 8058 §3.1). Both are in what DKIM signs.
func appendUnsubscribe(b []byte, link string) ([]byte, error) {
	if link == "" {
		return b, nil
	}
	scheme := strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://")
	if !scheme || len(link) > 900 || !isASCII(link) || unsafe(link) || strings.ContainsAny(link, " \t<>\",") {
		return b, errors.New("the unsubscribe link is not a URL that can stand in a header")
	}
	b = append(append(append(b, "List-Unsubscribe: <"...), link...), ">\r\n"...)
	return append(b, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"...), nil
}

// ours are the fields that a caller may not add; so are all that begin with Content-, Resent- and ARC-.
const ours = " mime-version date from sender to cc bcc reply-to subject message-id in-reply-to references return-path received " +
	"dkim-signature list-unsubscribe list-unsubscribe-post authentication-results delivered-to "

func allowed(name string) bool {
	for _, c := range []byte(name) {
		if !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	n := strings.ToLower(name)
	return n != "" && len(n) <= 60 && !strings.Contains(ours, " "+n+" ") &&
		!strings.HasPrefix(n, "content-") && !strings.HasPrefix(n, "resent-") && !strings.HasPrefix(n, "arc-")
}
