// Package channelstest is the conformance suite that every provider passes.
//
//	func TestConformance(t *testing.T) {
//		channelstest.Run(t, channelstest.Harness{Driver: Driver, New: newUpstream, ...})
//	}
//
// The provider lends a local stand-in of its upstream (an SMTP server, an httptest.Server); the suite
// asks the same questions of all. Each check gets an Upstream of its own, and checks run in parallel.
package channelstest

import (
	"testing"
	"time"

	"rapport"
	"rapport/channels"
)

// Mode is how an upstream behaves towards the requests that begin from now on.
type Mode string

const (
	Accept Mode = "accept"
	// Reject refuses the message for good (spam policy, invalid content); the address may be fine.
	Reject Mode = "reject"
	// Dead refuses because the address does not exist. Optional.
	Dead Mode = "dead"
	// OptOut refuses because the person told the provider to stop. Optional.
	OptOut Mode = "opt_out"
	// Throttle refuses for now and asks to wait Harness.RetryAfter. Optional.
	Throttle Mode = "throttle"
	// Deny refuses us: wrong login, unknown sender. Optional.
	Deny Mode = "deny"
	// Busy refuses for now with a reply that proves nothing was taken (5xx of HTTP, 4xx of SMTP). Optional.
	Busy Mode = "busy"
	// Down refuses the connection: the listener is closed. No way back is needed.
	Down Mode = "down"
	// Hang takes the whole message and never answers, until the test ends.
	Hang Mode = "hang"
	// Cut takes the whole message and closes the connection instead of answering.
	Cut Mode = "cut"
)

// Harness is what a provider lends the suite.
type Harness struct {
	Driver  channels.Driver
	Channel rapport.Channel // that the entry serves; "": the driver's first

	// New starts an Upstream in mode Accept and stops it with t.Cleanup. env is what Open will get
	// (Callback is the URL that signatures cover); keep what is needed of it.
	New func(t *testing.T, env channels.Env) *Upstream

	// Bad lists settings that Open must refuse. The suite itself tries an unknown key and each
	// Required one left out.
	Bad []BadSetting

	// Verdicts says what Send must return in each mode that Upstream can play. Accept is not in it; Down
	// (Temporary), Hang and Cut (both Ambiguous) are checked always, and need no entry. Reject is
	// required. Kind must match; Reason, Code, Scope, After and MovedTo must match where not zero.
	Verdicts map[Mode]channels.Verdict

	// NoProviderID: Send returns "" (nothing will ever name the message but our own id).
	NoProviderID bool

	// Message changes the suite's message where a provider needs more; nil: as it is (To, Subject, Text,
	// HTML, Body all set, the Token part of each text).
	Message func(o *channels.Outgoing)

	// Longest makes a text that measures n units of Caps.MaxText; nil: n times "a".
	Longest func(n int) string

	// SignatureHeader carries the proof of a callback; "" when the proof is in the URL.
	SignatureHeader string
	// BodyNotSigned: the proof is a shared secret that does not cover the body (Telegram).
	BodyNotSigned bool
	// Malformed lists bodies that Receive must refuse with ErrMalformed although they are signed. At
	// least one when the Conn is a Receiver. The suite adds garbage of its own, which may be refused or
	// ignored, but must not panic.
	Malformed [][]byte
}

// BadSetting is the good settings with one change. Key is dotted, Value nil deletes it. The error must
// contain "settings." + Want (Want "": Key).
type BadSetting struct {
	Key   string
	Value any
	Want  string
}

// Upstream is a local stand-in of a provider's other side. All functions may be called concurrently.
type Upstream struct {
	// Settings open a Conn that reaches this upstream and nothing else. Their values may be nested maps.
	Settings channels.Settings
	// Open replaces Driver.Open where no setting leads to the upstream (sandbox). nil: Driver.Open.
	Open func(channels.Settings, channels.Env) (channels.Conn, error)
	// Secrets must show up in no error and no log; each is at least 6 bytes long.
	Secrets []string
	// Address is the address of the i-th person (0 to 63); different numbers, different people.
	Address func(i int) string
	// Play switches the mode.
	Play func(Mode)
	// Received lists the messages that were taken in full, in order, in the modes Accept, Hang and Cut.
	Received func() []Received

	// Sign makes a callback around body with a valid signature: what the provider would send at this
	// moment. Needed when the Conn is a Receiver.
	Sign func(body []byte) *channels.Callback
	// Receipt makes the body that reports the delivery of the last message taken, in the provider's
	// words and with the upstream's own notion of its id. Needed when Caps.Receipts and the Conn is a Receiver.
	Receipt func() []byte
	// Inbound makes the body of a message of the i-th person; another call is another message (and
	// another event). Needed when the Conn is a Receiver, unless nobody can answer on this channel.
	Inbound func(i int, text string) []byte

	// Say puts a message of the i-th person where Poll will find it. Needed when the Conn is a Poller.
	Say func(i int, text string)
	// PollSettings open a Conn that polls; nil: Settings.
	PollSettings channels.Settings
}

// Received is one message as the upstream got it. Text is whatever holds the text, decoded (the raw
// request body will do where it is not encoded).
type Received struct {
	To, Text string
}

// RetryAfter is how long an upstream in mode Throttle asks to wait.
const RetryAfter = 7 * time.Second
