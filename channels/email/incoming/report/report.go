// Package report reads what mail systems send back about a mail of ours: delivery status notifications (RFC 3464),
// bounces in free words, and feedback reports (RFC 5965). docs/bounces.md tells how each is known.
package report

import (
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// Kind is what a report tells.
type Kind string

const (
	Bounced    Kind = "bounce"    // at least one recipient did not get it, and will not
	Complained Kind = "complaint" // the recipient called it spam
	Delayed    Kind = "delayed"   // not there yet, still tried: ends nothing
	Delivered  Kind = "delivered" // handed over, or passed on to a system that reports no more
)

// Class is what a bounce proves.
type Class string

const (
	Hard   Class = "hard"   // the address is dead
	Soft   Class = "soft"   // this message did not arrive; another one may
	Policy Class = "policy" // refused for what it was or where it came from; the address may be well
)

// Report is what a mail told. Bounces, MessageIDs and Tokens hold at most 100 each.
type Report struct {
	Kind Kind
	// Bounces are the recipients that it is about; without a class when they complained or got it.
	Bounces []Bounce
	// More says that it named more recipients than are kept.
	More bool
	// MessageIDs of the mail that it is about, without brackets.
	MessageIDs []string
	// Tokens of ours, of bounce+<token>@ and reply+<token>@, wherever it names them.
	Tokens []string
	// FeedbackType of a complaint, in lower case: abuse, fraud, virus, other (RFC 5965 §7.3).
	FeedbackType string
}

// Bounce is what happened to one recipient.
type Bounce struct {
	Recipient string // the address that failed, which is another than we wrote to where mail is passed on; "" when it is not named
	Original  string // the address that was written to, where the report names it and it is another
	Class     Class
	Status    string // RFC 3463, such as "5.1.1"; "" when it gave none
	Reason    string // ours, in the words that sending uses too: hard_bounce, mailbox_full, policy ...
	Detail    string // the server's words on one line, addresses out, at most 400 bytes
}

// Read says what a delivery status notification, a bounce in free words or a feedback report tells. ok is false when
// the mail is none of these; so it is of a multipart/report about something else (a read receipt, a taken-back
// complaint). text is its readable body. It may be called concurrently.
func Read(root *enmime.Part, text string) (r Report, ok bool) {
	if root == nil {
		return Report{}, false
	}
	l := open(root, text)
	for _, read := range []func(*letter) (Report, bool){(*letter).complaint, (*letter).deliveries, (*letter).notice} {
		if r, ok = read(l); ok {
			r.MessageIDs, r.Tokens = l.about()
			return r, true
		}
	}
	return Report{}, false
}

// about finds which mail of ours it is: what the report gives back of it says so first, then the fields, then the
// header of the report.
func (l *letter) about() (messageIDs, tokens []string) {
	var ids, ours set
	h := l.root.Header
	for _, name := range []string{"To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Rcpt-To", "Cc", "X-Failed-Recipients", "Original-Recipient"} {
		for _, v := range h[name] {
			ours.tokens(v)
		}
	}
	for _, r := range l.returned {
		for _, f := range header(r) {
			ours.tokens(f.value)
			switch f.name {
			case "message-id", "x-original-message-id":
				ids.ids(f.value)
			}
		}
	}
	for _, content := range [][]string{l.status, l.feedback} {
		for _, c := range content {
			for _, f := range fields(c) {
				switch f.name {
				case "original-message-id", "x-original-message-id", "message-id", "original-mail-from", "original-rcpt-to", "original-envelope-id", "original-recipient", "final-recipient", "x-postfix-sender", "x-original-sender", "diagnostic-code":
					ours.tokens(f.value)
					if strings.HasSuffix(f.name, "message-id") {
						ids.ids(f.value)
					}
				}
			}
		}
	}
	ours.tokens(l.words)
	ids.written(l.words)
	if answered := h.Get("In-Reply-To"); answered != "" {
		ids.ids(answered)
	} else if all := strings.Fields(h.Get("References")); len(all) > 0 && len(ids.values) == 0 {
		ids.ids(all[len(all)-1])
	}
	return ids.values, ours.values
}
