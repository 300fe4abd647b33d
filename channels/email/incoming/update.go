package incoming

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/email/incoming/report"
)

// Box is what is known of the mailbox that a mail came into.
type Box struct {
	// Addresses are ours: they are no participants. Those with a token of ours need not be named.
	Addresses []string
	// AuthservID names the server whose Authentication-Results are believed; see ChecksBy.
	AuthservID string
}

// Updates says what the mail means for the rest of the house: a message, or what became of messages of ours. Event ids are
// equal for the same mail on whatever way it came.
func (m *Mail) Updates(box Box) []channels.Update {
	if m.Report != nil {
		return m.receipts()
	}
	in := &channels.Incoming{
		Channel: rapport.Email, From: m.From.Address, FromName: m.From.Name, ProviderID: m.MessageID, Subject: m.Subject,
		Text: m.Text, Quoted: m.Quoted, Signature: m.Signature, HTML: m.HTML,
		Tokens: slices.Concat(m.Tokens, m.BounceTokens), InReplyTo: m.InReplyTo, References: m.References,
		Checks: m.ChecksBy(box.AuthservID), Attachments: m.Attachments, Raw: m.Raw,
	}
	switch {
	case m.Kind == Challenge:
		in.Auto = channels.AutoChallenge
	case m.Kind == AutoReply, m.Hops > maxHops:
		in.Auto = channels.AutoReply
	}
	for _, p := range slices.Concat(m.To, m.Cc) {
		switch {
		case box.holds(p.Address):
			if in.To == "" {
				in.To = p.Address
			}
		case !strings.EqualFold(p.Address, in.From) && !slices.ContainsFunc(in.Others, func(o channels.Person) bool { return strings.EqualFold(o.Address, p.Address) }):
			in.Others = append(in.Others, p)
		}
	}
	if in.To == "" { // a forwarded or blind copy
		if i := slices.IndexFunc(m.Recipients, box.holds); i >= 0 {
			in.To = m.Recipients[i]
		}
	}
	return []channels.Update{{EventID: m.eventID(), At: m.at(), Message: in}}
}

// holds tells whether an address is ours.
func (b Box) holds(address string) bool {
	_, prefix := token(address)
	return prefix != "" || slices.ContainsFunc(b.Addresses, func(a string) bool { return strings.EqualFold(a, address) })
}

// receipts are one a recipient that the report names.
func (m *Mail) receipts() []channels.Update {
	r := m.Report
	base := channels.Receipted{Channel: rapport.Email, ProviderID: ours(r.MessageIDs)}
	if tokens := slices.Concat(m.BounceTokens, r.Tokens, m.Tokens); len(tokens) > 0 {
		base.Token = tokens[0]
	}
	about := r.Bounces
	if len(about) == 0 {
		about = []report.Bounce{{}}
	}
	updates := make([]channels.Update, len(about))
	for i, b := range about {
		one := base
		one.To, one.Reason, one.Code, one.Detail = b.Recipient, b.Reason, b.Status, b.Detail
		if b.Original != "" { // where it was passed on: the address that we know
			one.To = b.Original
		}
		switch r.Kind {
		case report.Complained: // so it had arrived
			one.Kind, one.Reason, one.Suppress = rapport.ReceiptComplaint, "complaint", true
		case report.Delayed:
			one.Kind = rapport.ReceiptDelayed
		case report.Delivered:
			one.Kind = rapport.ReceiptDelivered
		case report.Bounced:
			one.Kind, one.Class = rapport.ReceiptFailed, channels.Bounce(b.Class)
			if b.Class == report.Hard {
				one.Kind, one.Suppress = rapport.ReceiptBounced, true
			}
		}
		if i == 0 { // once is enough
			one.Raw = m.Raw
		}
		updates[i] = channels.Update{EventID: m.eventID() + "#" + strconv.Itoa(i), At: m.at(), Receipt: &one}
	}
	return updates
}

// ours is the first id that we may have written, else the first.
func ours(ids []string) string {
	for _, id := range ids {
		left, _, _ := strings.Cut(id, "@")
		if _, err := rapport.KindMessage.Parse(left); err == nil {
			return id
		}
	}
	if len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// eventID is the Message-ID and a hash of what was written: programs, and people who write their own, put one id into several
// mails, and none of these may be lost.
func (m *Mail) eventID() string { return cut(m.MessageID, 200) + "/" + m.hash }

// at is when it arrived. A time before 1990 is none.
func (m *Mail) at() time.Time {
	if m.Arrived.Year() < 1990 {
		return time.Time{}
	}
	return m.Arrived
}
