package rapport

import "time"

// Endpoint is an address of somebody's own server that is told what happens (Standard Webhooks).
type Endpoint struct {
	ID     ID
	URL    string
	Events NoticeFilter
	// Secret and OldSecret are sealed. The old one signs too until OldUntil, so that it can be replaced without a gap.
	Secret, OldSecret string
	OldUntil          time.Time
	Disabled          DisabledFor // "": it is told
	DisabledAt        time.Time
	FailingSince      time.Time // nothing but failures since then; zero: the newest attempt was good
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// DisabledFor is why an endpoint is not told anything.
type DisabledFor string

const (
	DisabledByHand DisabledFor = "by_hand"
	DisabledGone   DisabledFor = "gone"    // it answered 410
	DisabledFailed DisabledFor = "failing" // for days
)

// Delivery is one notice on its way to one endpoint.
type Delivery struct {
	ID       ID
	Endpoint ID
	Notice   ID
	Type     NoticeType
	State    DeliveryState
	Attempt  int // how many were begun
	Due      time.Time
	Tries    []DeliveryTry // the newest last, at most MaxTries
	// CreatedAt is when the notice came into the stream; UpdatedAt, when something was last tried.
	CreatedAt, UpdatedAt time.Time
}

// MaxTries is how many attempts a delivery remembers.
const MaxTries = 12

// DeliveryState says how a delivery stands.
type DeliveryState string

const (
	DeliveryPending   DeliveryState = "pending"   // waits for its (next) attempt
	DeliverySending   DeliveryState = "sending"   // is on the wire
	DeliveryDelivered DeliveryState = "delivered" // the endpoint answered 2xx
	DeliveryFailed    DeliveryState = "failed"    // given up
)

// DeliveryTry is what came of one attempt.
type DeliveryTry struct {
	At     time.Time `json:"at"`
	Status int       `json:"status,omitempty" doc:"Of HTTP; 0: no answer."`
	TookMS int64     `json:"took_ms"`
	Error  string    `json:"error,omitempty" doc:"Why there was no answer."`
	Answer string    `json:"answer,omitempty" doc:"How the answer began, without what looks like a secret or an address."`
}
