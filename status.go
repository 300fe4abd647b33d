package rapport

import "fmt"

// State is where one message stands. docs/states.md draws it. The number is what the database holds:
// never renumber. Each comment says what the state does not prove.
type State int8

const (
	Pending   State = 1  // decided and stored; nothing has been tried in this attempt
	Sending   State = 2  // claimed by a worker; says nothing about the wire
	Doubtful  State = 3  // the attempt may or may not have reached the provider; not an end
	Sent      State = 4  // the next hop accepted it; not that it is in the mailbox or on the phone
	Delivered State = 5  // the provider reports arrival; not that a person saw it
	Failed    State = 6  // the provider, or we, refused it for good
	Skipped   State = 7  // a rule stopped it before any attempt; Reason says which
	Expired   State = 8  // its time passed before it could be sent
	Cancelled State = 9  // a person stopped it before it was sent
	Unknown   State = 10 // doubt that nobody could settle: counted, shown, raised only by proof
)

var stateNames = [...]string{Pending: "pending", Sending: "sending", Doubtful: "doubtful", Sent: "sent",
	Delivered: "delivered", Failed: "failed", Skipped: "skipped", Expired: "expired", Cancelled: "cancelled", Unknown: "unknown"}

// States lists all states in the order in which a ledger shows them.
func States() []State {
	return []State{Pending, Sending, Doubtful, Sent, Delivered, Skipped, Failed, Expired, Cancelled, Unknown}
}

func (s State) String() string {
	if s < 1 || int(s) >= len(stateNames) {
		return fmt.Sprintf("state(%d)", int8(s))
	}
	return stateNames[s]
}

// ParseState is the inverse of String.
func ParseState(s string) (State, bool) {
	for i, n := range stateNames {
		if n == s && n != "" {
			return State(i), true
		}
	}
	return 0, false
}

// Final tells whether a message in this state needs nothing more from us. A receipt may still raise it.
func (s State) Final() bool { return s >= Sent && s <= Unknown }

// Receipt is what a provider reports about a message after Send returned.
type Receipt string

const (
	ReceiptSent      Receipt = "sent"       // accepted further down the road
	ReceiptDelivered Receipt = "delivered"  // arrived
	ReceiptFailed    Receipt = "failed"     // will not arrive; the reason says why
	ReceiptBounced   Receipt = "bounced"    // failed, and the address is dead
	ReceiptDelayed   Receipt = "delayed"    // still trying; changes no state
	ReceiptRead      Receipt = "read"       // a person opened it: delivered, and the engagement "opened"
	ReceiptComplaint Receipt = "complaint"  // a person called it spam: delivered, and the engagement "complained"
	ReceiptAutoReply Receipt = "auto_reply" // a machine answered it (out of office); changes no state
	ReceiptChallenge Receipt = "challenge"  // a machine wants a click before it delivers; changes no state
)

// Advance tells where a receipt takes a message that stands at from. Late, repeated and out-of-order
// receipts never move a message back: delivered beats failed (a provider that reports both has
// delivered something), and an end that a rule or a person decided (skipped, expired, cancelled)
// is not opened again by a provider, because no provider should know of such a message.
func Advance(from State, r Receipt) State {
	rank := func(s State) int {
		switch s {
		case Delivered:
			return 3
		case Failed:
			return 2
		case Sent:
			return 1
		case Pending, Sending, Doubtful, Unknown:
			return 0
		default:
			return 4
		}
	}
	to := from
	switch r {
	case ReceiptSent:
		to = Sent
	case ReceiptDelivered, ReceiptRead, ReceiptComplaint:
		to = Delivered
	case ReceiptFailed, ReceiptBounced:
		to = Failed
	}
	if rank(to) > rank(from) {
		return to
	}
	return from
}

// CampaignStatus is where a campaign stands.
type CampaignStatus string

const (
	CampaignDraft     CampaignStatus = "draft"     // takes recipients; nothing is planned
	CampaignAccepting CampaignStatus = "accepting" // its audience is being stored; seen by nobody
	CampaignScheduled CampaignStatus = "scheduled" // waits for send_at
	CampaignPlanning  CampaignStatus = "planning"  // recipients become messages; the first may already be sent
	CampaignRunning   CampaignStatus = "running"   // all planned, not all settled
	CampaignPaused    CampaignStatus = "paused"
	// CampaignQuarantined is held after a restore: what is pending may have been sent since the backup.
	CampaignQuarantined CampaignStatus = "quarantined"
	CampaignFinished    CampaignStatus = "finished" // every row settled, and one real count agreed
	CampaignCancelled   CampaignStatus = "cancelled"
)

// Engagement is the second axis of a message: what the person did. Each is counted once a message.
type Engagement string

const (
	Opened       Engagement = "opened"
	Clicked      Engagement = "clicked"
	Replied      Engagement = "replied"
	Converted    Engagement = "converted"
	Unsubscribed Engagement = "unsubscribed"
	Complained   Engagement = "complained"
)
