package channels

import (
	"io"
	"time"

	"rapport"
)

// Outgoing is one rendered message for one address. It is shared, read-only, by whoever handles it.
type Outgoing struct {
	ID      rapport.ID
	Attempt int
	// Token is fixed when the row is created and never changes between attempts: the left part of the
	// Message-ID, the webhook-id, our id in an SMS callback. It is KindMessage.Format(ID).
	Token   string
	Channel rapport.Channel
	Purpose rapport.Purpose
	Locale  string

	To     string // normalised address
	ToName string
	// Copies are others who get the same message in the same transaction, email only: all of them or nobody.
	Copies []Copy
	// From and ReplyTo override the provider's own, email only. Both are RFC 5322 mailboxes.
	From    string
	ReplyTo string

	// Key names the template version and variant that the static segments belong to. Two Outgoings with
	// equal, non-empty keys have the same static segments, byte for byte, at the same places.
	Key     string
	Subject Part // email
	Text    Part // email text part, SMS, Telegram (its HTML subset), WhatsApp
	HTML    Part // email
	Body    Part // webhook: JSON
	Headers []Header
	Buttons [][]Button // rows of buttons (Telegram inline keyboard)

	Attachments []Attachment
	// Unsubscribe is the HTTPS URL of RFC 8058 one-click; empty for mail that needs none.
	Unsubscribe string
	// InReplyTo and References are provider ids of the messages that this one answers (email:
	// Message-IDs without angle brackets, or the Token of a message of ours; Telegram: message id).
	InReplyTo  string
	References []string
	// ValidUntil is when the provider must stop trying (end of the send window or expiry); zero: never.
	ValidUntil time.Time

	// Wire is called before the first byte of the message may leave, by Provider.Send or, where Caps.Wires, by the
	// driver, which knows better. It may be called more than once. nil: nobody wants to know.
	Wire func()
}

// Copy is one more recipient of a message.
type Copy struct {
	Field   CopyField
	Address string // normalised
}

// CopyField is where a copy's address stands.
type CopyField string

// The fields of RFC 5322 §3.6.3. A Bcc stands in the envelope alone.
const (
	CopyTo  CopyField = "To"
	CopyCc  CopyField = "Cc"
	CopyBcc CopyField = "Bcc"
)

// Part is a text as the template's own static pieces and the values between them.
type Part []Segment

// Segment is one piece of a Part.
type Segment struct {
	Bytes  []byte // never changed by a provider; a static one may be shared by all messages of a campaign
	Static bool   // the template's own, which was found to be UTF-8 when it was compiled
}

// Text makes a Part of one value.
func Text(s string) Part {
	if s == "" {
		return nil
	}
	return Part{{Bytes: []byte(s)}}
}

// Len is the number of bytes.
func (p Part) Len() int {
	n := 0
	for _, s := range p {
		n += len(s.Bytes)
	}
	return n
}

func (p Part) String() string {
	if len(p) == 1 {
		return string(p[0].Bytes)
	}
	return string(p.Append(make([]byte, 0, p.Len())))
}

// Append appends the text to b.
func (p Part) Append(b []byte) []byte {
	for _, s := range p {
		b = append(b, s.Bytes...)
	}
	return b
}

// Header is an additional header of an email or webhook. Checked for CR, LF, NUL before it gets here,
// and again by the provider.
type Header struct{ Name, Value string }

// Button is an inline button: URL opens a page, Data comes back as the person's answer (at most 64
// bytes, Telegram's limit). Contact is one below the person's keyboard that shares their own phone number; it has
// neither, and stands with none of the others.
type Button struct {
	Text    string `json:"text"`
	URL     string `json:"url,omitempty"`
	Data    string `json:"data,omitempty"`
	Contact bool   `json:"contact,omitempty"`
}

// Attachment is a file of a message. Open may be called many times and concurrently.
type Attachment struct {
	Name        string
	ContentType string
	Size        int64
	ContentID   string // not empty: inline, referred to as cid:<ContentID>
	Open        func() (io.ReadCloser, error)
	// URL is where the file can be fetched with Open, when a provider wants a link instead; may be empty.
	URL string
}
