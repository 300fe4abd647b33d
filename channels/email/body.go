package email

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	"rapport/channels"
)

// body appends the content and its MIME header:
//
//	mixed ─ alternative ─ text
//	      │             └ related ─ html
//	      │                       └ inline images
//	      └ attachments
//
// where a multipart of one part is that part.
func (c *conn) body(d *draft, o *channels.Outgoing) error {
	var inline, files []*channels.Attachment
	for i := range o.Attachments {
		a := &o.Attachments[i]
		if a.ContentID != "" && len(o.HTML) > 0 {
			inline = append(inline, a)
		} else {
			files = append(files, a)
		}
	}
	left := int64(maxAttachments)
	mixed := d.multipart("mixed", o.Token, 1+len(files))
	d.next(mixed)
	if err := c.readable(d, o, inline, &left); err != nil {
		return err
	}
	return d.attachments(mixed, files, &left)
}

// readable appends what is to be read: the text, the HTML with its images, or both.
func (c *conn) readable(d *draft, o *channels.Outgoing, inline []*channels.Attachment, left *int64) error {
	text, html := len(o.Text) > 0 || len(o.HTML) == 0, len(o.HTML) > 0
	alternative := parts{}
	if text && html {
		alternative = d.multipart("alternative", o.Token, 2)
	}
	if text {
		d.next(alternative)
		d.b = append(d.b, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"...)
		d.b = c.drafts.appendQuoted(d.b, draftKey{template: o.Key}, o.Text)
	}
	if html {
		d.next(alternative)
		related := d.multipart("related", o.Token, 1+len(inline))
		d.next(related)
		d.b = append(d.b, "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"...)
		d.b = c.drafts.appendQuoted(d.b, draftKey{template: o.Key, html: true}, o.HTML)
		if err := d.attachments(related, inline, left); err != nil {
			return err
		}
	}
	d.end(alternative)
	return nil
}

// parts is a multipart that is being written. The zero value holds a single part, and has no frame of its own.
type parts struct{ kind, token string }

// multipart begins one of n parts.
func (d *draft) multipart(kind, token string, n int) parts {
	if n == 1 {
		return parts{}
	}
	m := parts{kind, token}
	d.b = append(append(append(d.b, "Content-Type: multipart/"...), kind...), ";\r\n boundary=\""...)
	d.b = append(m.boundary(d.b), "\"\r\n\r\n"...)
	return m
}

// boundary appends what no part can hold: quoted-printable and base64 never contain "=_" (RFC 2045 §6.7 suggests just
// that).
func (m parts) boundary(b []byte) []byte {
	return append(append(append(append(b, "=_"...), m.kind...), '.'), m.token...)
}

// next begins another part of m.
func (d *draft) next(m parts) {
	if m.kind != "" {
		d.b = append(m.boundary(append(d.b, "--"...)), "\r\n"...)
	}
}

func (d *draft) end(m parts) {
	if m.kind != "" {
		d.b = append(m.boundary(append(d.b, "--"...)), "--\r\n"...)
	}
}

// attachments appends the last parts of m.
func (d *draft) attachments(m parts, as []*channels.Attachment, left *int64) error {
	for _, a := range as {
		d.next(m)
		if err := d.attachment(a, left); err != nil {
			return err
		}
	}
	d.end(m)
	return nil
}

// attachment appends a and lowers left, the bytes that the message may still hold.
func (d *draft) attachment(a *channels.Attachment, left *int64) error {
	disposition := "attachment"
	if a.ContentID != "" {
		disposition = "inline"
		if !atom(a.ContentID) {
			return refuse("bad_attachment", errors.New("an attachment's content id cannot stand in a header"))
		}
	}
	if a.Name != "" {
		if unsafe(a.Name) || len(a.Name) > 255 {
			return refuse("bad_attachment", errors.New("an attachment's name is longer than 255 bytes or "+errUnsafe.Error()))
		}
		// Beyond ASCII this gives filename*=utf-8''... (RFC 2231).
		disposition = strings.Replace(mime.FormatMediaType(disposition, map[string]string{"filename": a.Name}), "; ", ";\r\n ", 1)
	}
	d.b = append(d.b, "Content-Type: "+mediaType(a.ContentType)+"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: "+disposition+"\r\n"...)
	if a.ContentID != "" {
		d.b = append(d.b, "Content-ID: <"+a.ContentID+">\r\n"...)
	}
	d.b = append(d.b, "\r\n"...)

	// Storage that fails now may work later, and nothing is on the wire yet.
	gone := func(err error) error {
		return &channels.Verdict{Kind: channels.Temporary, Reason: "attachment_unreadable", Err: err}
	}
	if a.Open == nil {
		return refuse("bad_attachment", errors.New("an attachment has no content"))
	}
	r, err := a.Open()
	if err != nil {
		return gone(fmt.Errorf("opening an attachment: %w", err))
	}
	defer r.Close()
	content := bufio.NewReaderSize(r, 32<<10)
	var line [57]byte // 76 characters in base64
	for {
		n, err := io.ReadFull(content, line[:])
		if *left -= int64(n); *left < 0 {
			return refuse("attachments_too_large", nil)
		}
		if n > 0 {
			d.b = append(base64.StdEncoding.AppendEncode(d.b, line[:n]), "\r\n"...)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return gone(fmt.Errorf("reading an attachment: %w", err))
		}
	}
}

// mediaType is what s says when it says something that may be sent as base64 (RFC 2045 §6.4 forbids it
// for multipart and message).
func mediaType(s string) string {
	t, params, err := mime.ParseMediaType(s)
	if err == nil && len(s) < 200 && strings.Contains(t, "/") && !strings.HasPrefix(t, "multipart/") && !strings.HasPrefix(t, "message/") {
		if full := mime.FormatMediaType(t, params); full != "" {
			return full
		}
	}
	return "application/octet-stream"
}
