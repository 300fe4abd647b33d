package rapport

import "time"

// Purpose is why a message is sent. It is stated by the caller, never guessed.
type Purpose string

const (
	Marketing     Purpose = "marketing"     // needs consent as the topic's policy asks
	Transactional Purpose = "transactional" // a person expects it; ignores topics, never a STOP or a dead address
)

// Lane keeps what a person waits for out of the queue behind a campaign.
type Lane int8

const (
	Bulk Lane = 0
	Fast Lane = 1
)

func (l Lane) String() string {
	if l == Fast {
		return "fast"
	}
	return "bulk"
}

// Method is how a message finds its channel.
type Method string

const (
	Preferred Method = "preferred" // the first usable channel of the customer's order, else of the campaign's
	Fallback  Method = "fallback"  // the next one when the last failed or stayed undelivered
	All       Method = "all"       // each usable one
)

// Routing of a campaign or message.
type Routing struct {
	Method        Method
	Channels      []Channel
	EscalateAfter time.Duration // Fallback: how long to wait for a delivery receipt
}
