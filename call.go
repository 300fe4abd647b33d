package rapport

import "time"

// Call is one telephone call as a PBX reported it. Its reports may come in any order, and more than once.
type Call struct {
	ID         ID
	Door       string // which PBX
	CallID     string // what it calls the call; unique with Door
	Direction  Direction
	Number     string // the other side's: E.164, or as it was reported; "": hidden
	Line       string // ours
	Customer   ID     // 0: nobody has the number
	Agent      string // who was called, or calls
	AnsweredBy string // the number that answered
	Cause      string // why it ended, in the PBX's word
	StartedAt  time.Time
	AnsweredAt time.Time // zero: nobody has answered
	EndedAt    time.Time // zero: it goes on
	Thread     ID        // that a missed call opened, or came into
	Entry      ID        // which says so
}

// Direction of a call.
type Direction string

const (
	CallIn  Direction = "in"
	CallOut Direction = "out"
)

// CallState says how a call stands.
type CallState string

const (
	CallRinging  CallState = "ringing"
	CallAnswered CallState = "answered"
	CallEnded    CallState = "ended"
	CallMissed   CallState = "missed" // somebody called, and nobody answered
	CallFailed   CallState = "failed" // we called, and nobody answered
)

// State follows from what was reported. A call that ended normally, or was passed on, was answered somewhere, even if
// the report of that is still on its way.
func (c *Call) State() CallState {
	switch {
	case c.EndedAt.IsZero() && c.AnsweredAt.IsZero():
		return CallRinging
	case c.EndedAt.IsZero():
		return CallAnswered
	case !c.AnsweredAt.IsZero() || c.Cause == "normalClearing" || c.Cause == "forwarded":
		return CallEnded
	case c.Direction == CallOut:
		return CallFailed
	}
	return CallMissed
}
