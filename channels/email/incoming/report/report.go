// Package report reads what mail systems send back about a mail of ours: delivery status notifications (RFC 3464),
// bounces in free words, and feedback reports (RFC 5965). docs/bounces.md tells how each is known.
package report

import "github.com/jhillyerd/enmime/v2"

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
	Recipient string // as the server names it, perhaps not the address that we wrote to; "" when it names none or hides it
	Class     Class
	Status    string // RFC 3463, such as "5.1.1"; "" when it gave none
	Reason    string // ours, in the words that sending uses too: hard_bounce, mailbox_full, policy ...
	Detail    string // the server's words on one line, addresses out, at most 400 bytes
}

// Read says what a delivery status notification, a bounce in free words or a feedback report tells. ok is false when
// the mail is none of these. text is its readable body. It may be called concurrently.
func Read(root *enmime.Part, text string) (r Report, ok bool) {
	return Report{}, false
}
