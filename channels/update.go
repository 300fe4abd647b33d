package channels

import (
	"net/http"
	"time"

	"rapport"
)

// Callback is a request from a provider, read whole (at most 1 MiB unless the provider's Caps allow attachments).
type Callback struct {
	Method string
	URL    string // the public URL as configured, with the request's path and query: what signatures cover
	Header http.Header
	Body   []byte
}

// Reply is what the provider gets to read once the updates are stored.
type Reply struct {
	Status      int // 0: 204
	ContentType string
	Body        []byte
}

// Update is something that happened at the provider. Exactly one of Message, Receipt, Change is set.
type Update struct {
	// EventID is unique within the provider entry, and equal when the provider repeats itself.
	EventID string
	At      time.Time // zero: now
	Message *Incoming
	Receipt *Receipted
	Change  *Change
}

// Incoming is what a person sent.
type Incoming struct {
	Channel    rapport.Channel
	From       string // address of the person, to be normalised by the caller
	FromName   string
	To         string // our side: number, mailbox, bot
	ProviderID string // the message's id at the provider (email: Message-ID without brackets)
	Subject    string
	// Text is what the person wrote, readable as it is: a location, a contact or a sticker is put into words. What a mail
	// program added is folded away into Quoted and Signature; the three together lose no line of the original.
	Text      string
	Quoted    string
	Signature string
	HTML      string
	Locale    string // the person's language if the provider tells
	// What it answers, strongest first: our signed tokens, then provider ids (In-Reply-To), then References, the newest first.
	Tokens     []string
	InReplyTo  []string
	References []string
	// Others are the people beside From and us who have this message too (To and Cc of an email).
	Others []Person
	// Checks are what the server that received it found about its sender: method (spf, dkim, dmarc) to result, both
	// in the words of RFC 8601 (pass, fail, softfail, neutral, none, temperror, permerror).
	Checks map[string]string
	Button string // data of a pressed button
	Start  string // payload of Telegram's /start
	EditOf string // ProviderID of the earlier message that this one replaces
	Auto   Auto   // not empty: written by a machine
	Album  string // messages of one sender with the same Album are one entry
	OptOut bool   // the channel's own stop (Telegram /stop); stop words in text are found by the gateway
	OptIn  bool
	// Answered says that the provider has answered the stop, start or help by itself.
	Answered bool
	// OwnPhone is the number of a contact that the provider vouches to be the person's own.
	OwnPhone string
	// Attachments fetched or fetchable; Open may go to the network through a guarded client.
	Attachments []Attachment
	Raw         []byte // the original, when it says more than the fields above
}

// Person is somebody who takes part in a conversation. Address is to be normalised by the caller.
type Person struct{ Name, Address string }

// Auto says which machine wrote a message. Such a one opens no thread, is no feedback and is never answered (RFC 3834 §2).
type Auto string

const (
	AutoReply     Auto = "auto_reply" // out of office, vacation, a bot
	AutoChallenge Auto = "challenge"  // wants a click before it delivers
)

// Receipted is what became of a message of ours. MessageID names it, or Token, or ProviderID together with the
// address that it went to.
type Receipted struct {
	MessageID  rapport.ID
	Token      string // our signed token, such as that of a mail's return address
	ProviderID string
	Channel    rapport.Channel
	To         string // to be normalised by the caller
	Kind       rapport.Receipt
	Reason     string // ours: "hard_bounce", "carrier_blocked"
	Code       string // the provider's
	Detail     string
	// Suppress says that the address must not be used any more, with Reason as the reason.
	Suppress bool
	Cost     int64 // in millionths of Currency's major unit; 0: not told
	Currency string
}

// Change is news about an address without a message: blocked, unblocked, moved.
type Change struct {
	Channel rapport.Channel
	Address string
	Off     bool
	Reason  string
	MovedTo string
}
