package rapport

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Notice is something that others are told: it stands in the event stream, and goes to the endpoints that
// subscribe to its type. (An Event is the other way round: it happened elsewhere, and we were told.)
type Notice struct {
	ID        ID // its place in the stream: 1, 2, 3 and so on, without a gap; 0: not given yet
	Type      NoticeType
	Customer  ID // whom it is about; 0: nobody
	Data      json.RawMessage
	CreatedAt time.Time // when its cause happened
}

// NoticeType says what happened: thing.happened.
type NoticeType string

const (
	MessageSent      NoticeType = "message.sent"
	MessageDelivered NoticeType = "message.delivered"
	MessageFailed    NoticeType = "message.failed"
	MessageSkipped   NoticeType = "message.skipped"
	MessageOpened    NoticeType = "message.opened"
	MessageClicked   NoticeType = "message.clicked"
	ReplyReceived    NoticeType = "reply.received"
	ThreadOpened     NoticeType = "thread.opened"
	ThreadAssigned   NoticeType = "thread.assigned"
	ThreadClosed     NoticeType = "thread.resolved"
	ThreadUpdated    NoticeType = "thread.updated"
	EntryCreated     NoticeType = "entry.created"
	CallUpdated      NoticeType = "call.updated"
	ConsentUpdated   NoticeType = "consent.updated"
	CustomerCreated  NoticeType = "customer.created"
	CustomerUpdated  NoticeType = "customer.updated"
	CustomerMerged   NoticeType = "customer.merged"
	CustomerErased   NoticeType = "customer.erased"
	CampaignLaunched NoticeType = "campaign.launched"
	CampaignProgress NoticeType = "campaign.progress"
	CampaignEnded    NoticeType = "campaign.finished"
	EndpointDisabled NoticeType = "endpoint.disabled"
	EndpointTest     NoticeType = "endpoint.test" // goes to the endpoint that it names, whatever it subscribes to
)

// NoticeTypes lists all of them.
var NoticeTypes = []NoticeType{MessageSent, MessageDelivered, MessageFailed, MessageSkipped, MessageOpened, MessageClicked, ReplyReceived,
	ThreadOpened, ThreadAssigned, ThreadClosed, ThreadUpdated, EntryCreated, CallUpdated, ConsentUpdated, CustomerCreated, CustomerUpdated,
	CustomerMerged, CustomerErased, CampaignLaunched, CampaignProgress, CampaignEnded, EndpointDisabled, EndpointTest}

// Scope is what a key must have to be shown a notice of this type.
func (t NoticeType) Scope() string {
	thing, _, _ := strings.Cut(string(t), ".")
	switch thing {
	case "reply", "entry", "call":
		thing = "thread"
	case "consent":
		thing = "customer"
	}
	return "read:" + thing + "s"
}

// NoticeFilter is a list of types, in which "*" is every type and "thread.*" all that begin so. An empty one
// takes nothing.
type NoticeFilter []string

// Takes tells whether the filter names t.
func (f NoticeFilter) Takes(t NoticeType) bool {
	return slices.ContainsFunc(f, func(p string) bool { return named(p, t) })
}

// Unknown is the first pattern of the filter that names no type at all; "": each names one.
func (f NoticeFilter) Unknown() string {
	for _, p := range f {
		if !slices.ContainsFunc(NoticeTypes, func(t NoticeType) bool { return named(p, t) }) {
			return p
		}
	}
	return ""
}

func named(pattern string, t NoticeType) bool {
	if pattern == "*" || pattern == string(t) {
		return true
	}
	family, ok := strings.CutSuffix(pattern, ".*")
	return ok && strings.HasPrefix(string(t), family+".")
}

// Fact is what a notice says, as JSON: the names of things, and the little that saves asking for them.
type Fact struct {
	Message   string     `json:"message,omitempty"`
	Campaign  string     `json:"campaign,omitempty"`
	Customer  string     `json:"customer,omitempty"`
	External  string     `json:"external_id,omitempty"`
	Into      string     `json:"merged_into,omitempty"`
	Thread    string     `json:"thread,omitempty"`
	Entry     string     `json:"entry,omitempty"`
	Call      string     `json:"call,omitempty"`
	Endpoint  string     `json:"endpoint,omitempty"`
	Kind      string     `json:"kind,omitempty"` // of an entry
	Channel   Channel    `json:"channel,omitempty"`
	State     string     `json:"state,omitempty"`  // of a message or a call
	Status    string     `json:"status,omitempty"` // of a campaign or a thread
	Reason    string     `json:"reason,omitempty"`
	Assignee  *string    `json:"assignee,omitempty"`
	Direction Direction  `json:"direction,omitempty"`
	Number    string     `json:"number,omitempty"`
	Purpose   Purpose    `json:"purpose,omitempty"`
	Topic     string     `json:"topic,omitempty"`
	Granted   *bool      `json:"granted,omitempty"`
	Source    string     `json:"source,omitempty"`
	Name      string     `json:"name,omitempty"` // of a campaign
	Text      string     `json:"text,omitempty"` // of a reply, at most MaxToldText bytes
	MatchedBy string     `json:"matched_by,omitempty"`
	InReplyTo string     `json:"in_reply_to,omitempty"` // the message
	Mentions  []string   `json:"mentions,omitempty"`    // whom a note calls, in lower case
	Counts    *Counts    `json:"counts,omitempty"`
	At        *time.Time `json:"at,omitempty"`
}

// MaxToldText is how much of a reply's text a notice repeats.
const MaxToldText = 16 << 10

// Notice makes a notice of a type about a customer, who may be nobody.
func (f Fact) Notice(t NoticeType, customer ID) Notice {
	if customer != 0 {
		f.Customer = KindCustomer.Format(customer)
	}
	data, err := json.Marshal(f)
	if err != nil {
		panic(err) // texts and numbers: cannot happen
	}
	return Notice{Type: t, Customer: customer, Data: data}
}
