package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"rapport"
	"rapport/channels"
	"rapport/channels/email/incoming"
)

const (
	defaultMaxSize = 35 << 20 // bytes of a mail
	maxHops        = 50       // Received fields; a mail with more runs in a circle
)

// inbound is what taking mail in by IMAP and by listening have in common: which mail is ours, and what it means.
type inbound struct {
	env       channels.Env
	from      string // our own mailbox, in small letters
	idDomain  string // of the Message-IDs that we write
	domains   []string
	addresses []string // mailboxes of ours, in small letters
	box       incoming.Box
	maxSize   int64
}

func readInbound(r *channels.Reader, c *conn) *inbound {
	in := &inbound{env: c.env, from: strings.ToLower(c.from.Address), idDomain: c.idDomain}
	for _, d := range []string{c.replyDomain, c.envelopeDomain} {
		if d != "" && !slices.Contains(in.domains, d) {
			in.domains = append(in.domains, d)
		}
	}
	for _, a := range r.Strings("inbound.addresses") {
		address, err := asciiDomain(strings.ToLower(a))
		if err != nil {
			r.Fail("inbound.addresses", "%.60q %v", a, err)
			continue
		}
		in.addresses = append(in.addresses, address)
	}
	in.box = incoming.Box{Addresses: append([]string{in.from}, in.addresses...), AuthservID: r.String("inbound.authserv_id", "")}
	in.maxSize = int64(r.Int("inbound.max_size", defaultMaxSize, 64<<10, incoming.MaxSize))
	return in
}

// accepts tells whether a recipient is ours: a reply or bounce address of our domains, or a mailbox that is listed. Whether
// its token is one of ours is for the gateway to say: a mail to a wrong one is shown to people rather than lost.
func (in *inbound) accepts(recipient string) bool {
	a, err := asciiDomain(strings.ToLower(recipient))
	if err != nil {
		return false
	}
	if slices.Contains(in.addresses, a) {
		return true
	}
	local, domain, _ := strings.Cut(a, "@")
	if !slices.Contains(in.domains, domain) {
		return false
	}
	prefix, token, ok := strings.Cut(local, "+")
	return ok && (prefix == "reply" || prefix == "bounce") && atom(token)
}

// updates reads a mail, below what the server that delivered it has put in front. A mail that cannot be read comes as a
// message that holds it as a file, so that nothing behind it waits. None: it is not to be taken.
func (in *inbound) updates(raw []byte) []channels.Update {
	m, updates, err := in.read(raw)
	switch {
	case err != nil:
		in.env.Log.Warn("a mail could not be read; it is shown as a file", "bytes", len(raw), "error", err)
		return []channels.Update{in.unreadable(raw, err)}
	case m.Hops > maxHops:
		in.drop("loop", m)
		return nil
	case in.wrote(m):
		in.drop("own", m)
		return nil
	}
	for _, u := range updates {
		if u.Message != nil && !address(u.Message.From) {
			u.Message.From = in.sender(raw)
		}
	}
	return updates
}

// sender is who a mail comes from that does not say so itself: its envelope's sender, or nobody at an address of ours.
func (in *inbound) sender(raw []byte) string {
	for line := range bytes.Lines(raw[:min(len(raw), 64<<10)]) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		if name, value, _ := strings.Cut(string(line), ":"); strings.EqualFold(name, "Return-Path") {
			if a := strings.Trim(value, " \t<>"); address(a) {
				return a
			}
			break // the first is the last server's
		}
	}
	return "unknown-sender@" + in.idDomain
}

func address(s string) bool {
	_, err := asciiDomain(s)
	return err == nil
}

func (in *inbound) read(raw []byte) (m *incoming.Mail, updates []channels.Update, err error) {
	defer func() {
		if r := recover(); r != nil {
			in.env.Log.Error("reading a mail panicked", "panic", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			err = fmt.Errorf("its reader gave up")
		}
	}()
	if m, err = incoming.Read(raw); err == nil {
		updates = m.Updates(in.box)
	}
	return m, updates, err
}

// wrote tells whether we sent m ourselves: to a customer whose mail comes back to us, or in a circle. Reports about our
// mail are not ours, whatever they return of it.
func (in *inbound) wrote(m *incoming.Mail) bool {
	if m.Report != nil {
		return false
	}
	left, right, _ := strings.Cut(m.MessageID, "@")
	_, err := rapport.KindMessage.Parse(left)
	return strings.EqualFold(m.From.Address, in.from) || err == nil && strings.EqualFold(right, in.idDomain)
}

func (in *inbound) drop(why string, m *incoming.Mail) {
	in.env.Log.Warn("a mail was thrown away, because it runs in a circle", "why", why, "message_id", m.MessageID, "hops", m.Hops)
	if in.env.Dropped != nil {
		in.env.Dropped(why)
	}
}

// unreadable shows a mail that is none.
func (in *inbound) unreadable(raw []byte, why error) channels.Update {
	sum := sha256.Sum256(raw)
	return channels.Update{EventID: "unreadable-" + hex.EncodeToString(sum[:]), Message: &channels.Incoming{
		Channel: rapport.Email, From: in.sender(raw), Subject: "A mail that could not be read", Raw: raw,
		Text: "This mail could not be read: " + why.Error() + ". It is attached as it came.",
		Attachments: []channels.Attachment{{Name: "mail.eml", ContentType: "message/rfc822", Size: int64(len(raw)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }}},
	}}
}
