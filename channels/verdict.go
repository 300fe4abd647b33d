package channels

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what a failed Send proves.
type Kind string

const (
	Rejected      Kind = "rejected"      // refused for good: this message, this address; nothing to learn about the address
	AddressDead   Kind = "address_dead"  // refused for good because the address does not exist: suppress it
	OptedOut      Kind = "opted_out"     // the person has told the provider to stop: suppress, for this channel
	AddressMoved  Kind = "address_moved" // the same person is at MovedTo now: store it and send once more
	Throttled     Kind = "throttled"     // not taken; try again After, and slow Scope down
	Temporary     Kind = "temporary"     // certainly not taken, may be next time (4xx, connection refused, greylisting)
	Misconfigured Kind = "misconfigured" // our fault (login, sender, settings): the same for every message; the breaker opens
	Ambiguous     Kind = "ambiguous"     // it was on the wire and no answer came: may have been taken
)

// Scope is what a Throttled verdict, or a pause, is about.
type Scope string

const (
	ScopeProvider  Scope = "provider"
	ScopeDomain    Scope = "domain"    // the recipient's mail domain
	ScopeRecipient Scope = "recipient" // one chat
)

// Verdict is the error of a Send that did not succeed. Scope belongs to Throttled; on Temporary and
// Ambiguous, ScopeRecipient or ScopeDomain says that the fault lies with this one receiver (its server is
// down, its mailbox full), so that the provider's breaker is not moved by it. Reason is a short word of ours
// ("mailbox_full", "spam_policy"); Detail is what the provider said, shown to people as plain text.
type Verdict struct {
	Kind    Kind
	Reason  string
	Code    string // the provider's own ("550 5.1.1", "21610")
	Detail  string
	After   time.Duration
	Scope   Scope
	MovedTo string
	Copy    string // of a Rejected message: the address of a copy, which is dead
	Err     error
}

func (v *Verdict) Error() string {
	s := string(v.Kind)
	if v.Reason != "" {
		s += " (" + v.Reason + ")"
	}
	if v.Code != "" {
		s += " " + v.Code
	}
	if v.Detail != "" {
		s += ": " + v.Detail
	}
	if v.Err != nil {
		s += ": " + v.Err.Error()
	}
	return s
}

func (v *Verdict) Unwrap() error { return v.Err }

// Retryable tells whether sending again cannot send twice.
func (v *Verdict) Retryable() bool {
	return v.Kind == Throttled || v.Kind == Temporary || v.Kind == AddressMoved
}

// VerdictOf reads err. An error that nobody classified may have left something on the wire, so it is
// Ambiguous: holding a message costs less than sending it twice. nil stays nil.
func VerdictOf(err error) *Verdict {
	if err == nil {
		return nil
	}
	if v, ok := errors.AsType[*Verdict](err); ok {
		return v
	}
	return &Verdict{Kind: Ambiguous, Reason: "unclassified", Err: err}
}

// Refusals of a callback.
var (
	ErrSignature = errors.New("the signature is missing or wrong")
	ErrMalformed = errors.New("the callback is malformed")
	// ErrStale is an ErrSignature: right, but of another time.
	ErrStale = fmt.Errorf("%w: its timestamp is too far from now", ErrSignature)
)

// UnknownWord is the error for a receipt in a word that a provider's map does not know.
func UnknownWord(provider, word string, known []string) error {
	return fmt.Errorf("%w: %s reports the unknown status %.40q; known are %v", ErrMalformed, provider, word, known)
}
