package rapport

import (
	"encoding/json"
	"slices"
	"time"
)

// Thread is one conversation with one customer. It begins on the address that wrote, and may go on over
// another channel.
type Thread struct {
	ID           ID
	Customer     ID
	Address      ID // where it began
	Channel      Channel
	Subject      string
	Status       ThreadStatus
	Assignee     string
	Labels       []string
	Priority     Priority
	SnoozedUntil time.Time // zero while snoozed: until the customer writes
	Unread       bool      // the customer wrote, and nobody has answered or marked it as read since
	WaitingSince time.Time // when the oldest word of the customer came that nobody has answered; zero: none waits
	MergedInto   ID        // the thread that shows its entries now; 0: it stands for itself
	Campaign     ID        // the campaign that it answers; 0: none
	LastEntryAt  time.Time
	Preview      string // the beginning of the newest entry that the customer can see
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// ThreadStatus says who has the word.
type ThreadStatus string

const (
	ThreadOpen     ThreadStatus = "open"     // we owe an answer
	ThreadPending  ThreadStatus = "pending"  // the customer does
	ThreadSnoozed  ThreadStatus = "snoozed"  // we do, from SnoozedUntil on, or from the customer's next word
	ThreadResolved ThreadStatus = "resolved" // nobody does; the next reply begins a new thread or opens this one again
	ThreadSpam     ThreadStatus = "spam"     // nobody does, and what else the address sends stays here; not in lists unless asked for
)

// ThreadStatuses lists all of them.
var ThreadStatuses = []ThreadStatus{ThreadOpen, ThreadPending, ThreadSnoozed, ThreadResolved, ThreadSpam}

// Priority of a thread.
type Priority string

const (
	Low    Priority = "low"
	Normal Priority = "normal"
	High   Priority = "high"
	Urgent Priority = "urgent"
)

// Priorities lists all of them, lowest first.
var Priorities = []Priority{Low, Normal, High, Urgent}

// EntryKind says what an entry of a thread is.
type EntryKind string

const (
	Inbound  EntryKind = "inbound"  // the customer wrote
	Outbound EntryKind = "outbound" // we wrote; Message tells how it fared
	Note     EntryKind = "note"     // for colleagues only
	Happened EntryKind = "event"    // something was done to the thread: assigned, resolved, ...
)

// Entry is one line of a thread.
type Entry struct {
	ID         ID
	Thread     ID // that shows it
	Origin     ID // the thread it was written in, where that was merged or the entry split off; 0: Thread
	Customer   ID
	Kind       EntryKind
	Channel    Channel
	Text       string
	HTML       string // sanitised already; empty: there is only text
	Author     string // an agent's name, or the name under which the customer wrote
	Address    ID     // whence it came, or whither it went
	Message    ID     // of an outbound entry: its row in the ledger
	Answers    Answered
	MatchedBy  string // how Answers was found: reply_token, in_reply_to, references, provider_id, latest
	Provider   string
	ProviderID string
	Files      []ID            // attachments
	Quoted     string          // of a mail: the earlier words that its program put under or between the new ones
	Signature  string          // of a mail
	Original   ID              // the mail as it came, a file; 0: there is none
	Copies     Recipients      // of a mail of ours: who else got it
	Aside      bool            // between us and somebody else: the customer does not see it, and it answers nobody
	Forwarded  ID              // of an outbound entry: the entry that it passes on
	Meta       json.RawMessage // a JSON object: what the channel knows beyond this (button, edit, intent, ...)
	CreatedAt  time.Time
}

// Recipients are the addresses of a mail by the field that they stand in. To is empty where it went to the customer alone.
type Recipients struct {
	To  []string `json:"to,omitempty"`
	Cc  []string `json:"cc,omitempty"`
	Bcc []string `json:"bcc,omitempty"`
}

// All lists them, To first.
func (r *Recipients) All() []string { return slices.Concat(r.To, r.Cc, r.Bcc) }

// Participant is somebody who takes part in a thread beside its customer.
type Participant struct {
	Address string
	Name    string
	Known   bool // somebody who has a part in the thread named them; else they only wrote themselves
	Aside   bool // the customer does not know of them: only a forward or a blind copy brought them in
	Entry   ID   // the first that they wrote or were named in
}

// Idle tells whether it changes nothing about who waits for whom: no person wrote it (an out-of-office reply, our own
// automatic answer), or it is nothing but a command that was obeyed (STOP).
func (e *Entry) Idle() bool {
	var said struct{ Auto, Automatic, Command string }
	return json.Unmarshal(e.Meta, &said) == nil && said.Auto+said.Automatic+said.Command != ""
}

// Answered is what an inbound entry replies to. All zero: nothing that we know of.
type Answered struct {
	Message  ID
	Campaign ID
	Template ID // the pinned version's id
}
