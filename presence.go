package rapport

import "time"

// Presence says whether an agent is there to be given work.
type Presence struct {
	Agent  string
	Status PresenceStatus
	SeenAt time.Time // when they last said so
	Thread ID        // that they look at; 0: none
}

// PresenceStatus of an agent.
type PresenceStatus string

const (
	Online  PresenceStatus = "online"  // gets new threads
	Away    PresenceStatus = "away"    // there, and gets none
	Offline PresenceStatus = "offline" // also whoever has said nothing for PresentFor
)

// PresenceStatuses lists all of them.
var PresenceStatuses = []PresenceStatus{Online, Away, Offline}

// PresentFor is how long an agent counts as there after the last word of it. Programs say so once a minute.
const PresentFor = 3 * time.Minute

// At is the status at a time, silence considered.
func (p Presence) At(now time.Time) PresenceStatus {
	if now.Sub(p.SeenAt) > PresentFor {
		return Offline
	}
	return p.Status
}

// Assignment says who gets threads that nobody has.
type Assignment struct {
	Automatic bool `json:"automatic"`
	Cap       int  `json:"cap"` // open threads an agent may have at once; 0: any number
}

// ResponseKind says what somebody waited for.
type ResponseKind string

const (
	FirstReply ResponseKind = "first_reply" // an agent's first answer in a thread
	NextReply  ResponseKind = "reply"       // every later one
	Resolution ResponseKind = "resolution"  // the thread was resolved
)

// ResponseKinds lists all of them.
var ResponseKinds = []ResponseKind{FirstReply, NextReply, Resolution}

// Response is how long a customer waited for a person.
type Response struct {
	ID         ID
	Thread     ID
	Kind       ResponseKind
	Agent      string
	Channel    Channel
	Campaign   ID            // that the thread answers; 0: none
	WaitedFrom time.Time     // the oldest word that waited
	Waited     time.Duration // as the clock goes
	Business   time.Duration // of it, within business hours
	At         time.Time
}
