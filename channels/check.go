package channels

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Check refuses what could never be sent: before any attempt, without asking the provider. It is what
// Hub does first, and what a dry run does only. nil: nothing speaks against o.
//
// Reasons: "header_injection", "invalid_utf8", "no_address", "text_too_long", "attachments_not_supported",
// "attachments_too_many", "attachments_too_large",
// "attachments_without_url".
func (c Caps) Check(o *Outgoing) *Verdict {
	if o.To == "" {
		return &Verdict{Kind: Rejected, Reason: "no_address"}
	}
	if where := unsafeLine(o); where != "" {
		return &Verdict{Kind: Rejected, Reason: "header_injection", Detail: where + " holds a line break, a NUL or broken UTF-8"}
	}
	for _, p := range []Part{o.Text, o.HTML, o.Body} {
		if !validUTF8(p) {
			return &Verdict{Kind: Rejected, Reason: "invalid_utf8"}
		}
	}
	if c.MaxText > 0 && c.length(o.Text) > c.MaxText {
		return &Verdict{Kind: Rejected, Reason: "text_too_long"}
	}
	if len(o.Attachments) == 0 {
		return nil
	}
	limit, ok := c.Files[o.Channel]
	if !ok {
		return &Verdict{Kind: Rejected, Reason: "attachments_not_supported", Detail: "messages there carry no files"}
	}
	if limit.Number > 0 && len(o.Attachments) > limit.Number {
		return &Verdict{Kind: Rejected, Reason: "attachments_too_many", Detail: fmt.Sprintf("a message there carries at most %d files", limit.Number)}
	}
	var total int64
	for _, a := range o.Attachments {
		total += a.Size
		if limit.Linked && a.URL == "" {
			return &Verdict{Kind: Rejected, Reason: "attachments_without_url", Detail: "its provider fetches files from this server, which has no public_url"}
		}
		if a.Size < 0 || a.Size > limit.Bytes || total > limit.Bytes {
			return &Verdict{Kind: Rejected, Reason: "attachments_too_large", Detail: fmt.Sprintf("the files of a message there may have %s together", inBytes(limit.Bytes))}
		}
	}
	return nil
}

func inBytes(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

func (c Caps) length(p Part) int {
	if c.Measure != nil {
		return c.Measure(p)
	}
	n := 0
	for _, s := range p {
		n += utf8.RuneCount(s.Bytes)
	}
	return n
}

// unsafeLine names the first field that would end up on a header line and could break out of it.
func unsafeLine(o *Outgoing) string {
	for _, f := range []struct{ name, value string }{
		{"the address", o.To}, {"the recipient's name", o.ToName}, {"from", o.From}, {"reply_to", o.ReplyTo},
		{"the unsubscribe link", o.Unsubscribe}, {"in_reply_to", o.InReplyTo}, {"the token", o.Token},
	} {
		if !safeLine(f.value) {
			return f.name
		}
	}
	for _, c := range o.Copies {
		if !safeLine(c.Address) {
			return "the address of a copy"
		}
	}
	for _, s := range o.References {
		if !safeLine(s) {
			return "references"
		}
	}
	for _, s := range o.Subject {
		if bytes.ContainsAny(s.Bytes, "\r\n\x00") {
			return "the subject"
		}
	}
	if !validUTF8(o.Subject) {
		return "the subject"
	}
	for _, h := range o.Headers {
		if !safeLine(h.Value) || !headerName(h.Name) {
			return "a header"
		}
	}
	for _, a := range o.Attachments {
		if !safeLine(a.Name) || !safeLine(a.ContentType) || !safeLine(a.ContentID) {
			return "an attachment's name or type"
		}
	}
	return ""
}

func safeLine(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\r' || c == '\n' || c == 0:
			return false
		case c >= utf8.RuneSelf:
			return !strings.ContainsAny(s[i:], "\r\n\x00") && utf8.ValidString(s[i:])
		}
	}
	return true
}

// headerName tells whether s is a token of RFC 9110 §5.6.2, which all of RFC 5322's names that we write are too.
func headerName(s string) bool {
	for _, c := range []byte(s) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// validUTF8 looks across the borders of segments only when a segment alone is not valid, because a
// template's pieces and values are cut between characters.
func validUTF8(p Part) bool {
	for _, s := range p {
		if !s.Static && !utf8.Valid(s.Bytes) {
			return utf8.ValidString(p.String())
		}
	}
	return true
}
