// Package channels is the seam between Rapport and the providers that carry messages.
//
// A provider is a translator and nothing more: it turns an Outgoing into the provider's request and
// the provider's callbacks into Updates. It knows no database, no queue, no web framework, keeps no
// globals and starts nothing in init. What all providers need (opening, deadlines, limits, breaker,
// redaction, panic guard) is done once, by Hub.
package channels

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"rapport"
)

// Driver is the one name that a provider package exports. It is data: copied, never changed.
type Driver struct {
	Name     string            // as in the configuration: "email", "twilio", ...
	Channels []rapport.Channel // the kinds it can serve; a provider entry picks one
	Caps     Caps
	Settings []Setting // what Open understands, for the documentation, the form and the check of unknown keys

	// Open checks the settings and prepares a Conn. It touches no network, so that a process starts
	// while a provider is down. Errors name the setting ("settings.host: ...").
	Open func(Settings, Env) (Conn, error)
}

// Caps says what a provider can do, so that the policy of delivery can be one function over data.
type Caps struct {
	Receipts   bool // reports delivery after Send
	Idempotent bool // the receiver recognises a repeated Token: doubt is settled by sending again
	Lookup     bool // the Conn implements Lookup
	MaxText    int  // in units of the channel (runes; SMS: septets are counted by templates/sms); 0: none
	// Measure counts a text in the units of MaxText; nil: runes. (Telegram: UTF-16 units after its markup is taken out.)
	Measure func(Part) int
	// Files are what one message may carry, by channel; none on one that is not here.
	Files   map[rapport.Channel]FileLimit
	Timeout time.Duration // of one Send, all phases; Hub's deadline, see Wires
	Phases  bool          // settings.timeout bounds each phase of a Send, not the whole of it
	// Wires: the driver calls Outgoing.Wire itself. A message may wait in it for a connection, up to a minute beyond
	// Timeout where that is not Phases.
	Wires bool
	// ReplyWindow is how long after the person's last message a free answer may be sent, by channel; always on one that is
	// not here.
	ReplyWindow map[rapport.Channel]time.Duration
}

// FileLimit bounds the files of one message.
type FileLimit struct {
	Bytes  int64 `json:"bytes" doc:"Of all files of one message together."`
	Number int   `json:"number,omitempty" doc:"How many files; absent: any."`
	// Linked: the provider fetches a file itself, so it must have a URL.
	Linked bool `json:"-"`
}

// Setting describes one key of a provider's settings: what forms, the documentation and the check of unknown keys are made
// of. channelstest holds it against what Open takes.
type Setting struct {
	Key      string // dotted for nested ones: "dkim.domain"
	Help     string
	Kind     SettingKind // zero: KindText
	Choices  []string    // of KindChoice
	Default  string      // as it would be written; "" where there is none, or where it follows from other settings
	Required bool
	Secret   bool
}

// SettingKind is what a value of a setting must look like.
type SettingKind string

// KindDuration is a Go duration such as 30s; KindList a list of texts, or one text.
const (
	KindText     SettingKind = "text"
	KindNumber   SettingKind = "number"
	KindBool     SettingKind = "bool"
	KindDuration SettingKind = "duration"
	KindChoice   SettingKind = "choice"
	KindList     SettingKind = "list"
)

// Conn is an opened provider. All methods are safe for concurrent use. A Conn that holds connections
// also implements io.Closer; Close waits for running Sends.
type Conn interface {
	// Send hands one message to the provider and returns the id under which receipts and replies will
	// name it ("" if the provider has none). A nil error means the next hop has taken responsibility.
	// Every other outcome is a *Verdict; a bare error is read as Ambiguous, the verdict that costs most.
	// Send keeps nothing of o after it returns.
	Send(ctx context.Context, o *Outgoing) (providerID string, err error)
}

// Receiver is implemented by a Conn that is called by its provider (POST /in/{driver}/{provider}).
type Receiver interface {
	// Receive checks the signature over the raw callback, then translates it. The updates are stored,
	// and only then is the reply written, so a provider that gets no 2xx will call again.
	// ErrSignature and ErrMalformed say why a callback was refused; neither holds personal data.
	Receive(ctx context.Context, c *Callback) ([]Update, Reply, error)
}

// Poller is implemented by a Conn that must ask for what happened (Telegram without public address, IMAP).
type Poller interface {
	// Poll waits up to about 30 s (less if ctx ends) and returns the updates after cursor and the next
	// cursor. Cursor "" is the beginning. The next cursor is stored in the transaction of the updates'
	// effects, so Poll may be called again with an old cursor and must then return the same updates.
	Poll(ctx context.Context, cursor string) (updates []Update, next string, err error)
}

// Listener is implemented by a Conn that takes connections itself (mail by SMTP or LMTP).
type Listener interface {
	// Listen serves until ctx ends, then lets what is running end. take stores updates with their effects; only when it
	// returned nil may the sender be told that his message was taken. One process of an installation listens on one machine:
	// an address in use is an error, and Listen is called again later.
	Listen(ctx context.Context, take func(context.Context, []Update) error) error
}

// Lookup is implemented by a Conn whose provider can be asked about a message in doubt.
type Lookup interface {
	// Lookup tells whether the provider ever accepted the message. An error means it could not say.
	Lookup(ctx context.Context, q Query) (Answer, error)
}

// Query describes a message in doubt. SentFrom and SentUntil bound when the attempt ran, widened by a minute.
type Query struct {
	ID        rapport.ID
	To        string
	Text      string // the message's text, to tell it from others to the same address
	SentFrom  time.Time
	SentUntil time.Time
}

// Answer to a Query. Found false is a firm "never accepted", which allows sending again.
type Answer struct {
	Found      bool
	ProviderID string
	Receipt    rapport.Receipt
	Reason     string
}

// Env is what a provider gets from its surroundings.
type Env struct {
	Name     string // of this provider entry; part of callback URLs and VERP
	Channel  rapport.Channel
	Callback string // public URL at which the provider reaches Receive; "" when there is no public URL
	Now      func() time.Time
	Log      *slog.Logger
	// Transport, when not nil, is used for HTTP instead of the provider's own. Tests set it to one that
	// refuses to leave the machine.
	Transport http.RoundTripper
	// Dial, when not nil, is used for connections that are not HTTP (SMTP, IMAP), for the same reason.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// ReplyToken verifies nothing: it only makes the signed token that comes back in a reply address.
	ReplyToken func(rapport.ID) string
	// Dropped, when not nil, counts an incoming message that was thrown away on purpose: "loop", "own".
	Dropped func(why string)
	// Demo relaxes nothing about security; it only tells a provider that it may print for people.
	Demo bool
}
