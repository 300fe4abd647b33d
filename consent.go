package rapport

import "time"

// Policy says what a topic needs before marketing on it may be sent.
type Policy string

const (
	OptIn    Policy = "opt_in"  // a consent row that grants
	OptOut   Policy = "opt_out" // no consent row that withdraws
	NoPolicy Policy = "none"    // transactional only: marketing on it is refused
)

// Topic is a subject that people can choose.
type Topic struct {
	Key         string
	Policy      Policy
	Title       map[string]string // by locale
	TrackOpens  bool
	TrackClicks bool
	Implicit    bool // created at first use, with the default policy; nobody has looked at it yet
	UpdatedAt   time.Time
}

// Consent is one entry of the append-only history. The current state is derived: the newest entry for
// (channel, purpose) whose topic is the one asked for, or empty, wins.
type Consent struct {
	ID          ID
	Customer    ID
	Channel     Channel
	Purpose     Purpose
	Topic       string // empty: every topic
	Granted     bool
	Source      string
	TextVersion string
	Proof       string
	IP          string
	Message     ID // the message whose link, button or answer gave it
	At          time.Time
}

// ConsentState is the derived current state.
type ConsentState int8

const (
	ConsentNone      ConsentState = iota // nobody ever said anything
	ConsentGranted                       //
	ConsentWithdrawn                     //
	ConsentAsked                         // double opt-in was started and not yet confirmed: counts as none
)

// SuppressionScope says which purposes a suppression binds.
type SuppressionScope string

const (
	SuppressAll       SuppressionScope = "all"       // hard bounce, STOP, blocked, manual
	SuppressMarketing SuppressionScope = "marketing" // complaint, unsubscribe from everything
)

// Suppression forbids an address. It outlives the customer: after an erasure only the keyed hash stays.
type Suppression struct {
	Channel Channel
	Address string // empty after erasure
	Reason  string // hard_bounce, stop, complaint, blocked, manual, ...
	Scope   SuppressionScope
	Source  string
	Message ID
	At      time.Time
}

// Binds tells whether s stops a message of purpose p.
func (s *Suppression) Binds(p Purpose) bool {
	return s != nil && (s.Scope == SuppressAll || p == Marketing)
}
