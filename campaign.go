package rapport

import (
	"encoding/json"
	"time"
)

// CampaignKind says what made a campaign row. All kinds go the same road.
type CampaignKind string

const (
	KindOfCampaign CampaignKind = "campaign" // POST /v1/campaigns
	KindOfMessage  CampaignKind = "message"  // POST /v1/messages: a campaign of one
	KindOfReply    CampaignKind = "reply"    // an agent's answer in a thread
	KindOfSystem   CampaignKind = "system"   // what we answer by ourselves to a word to us (STOP, START, HELP)
)

// Campaign is what to send, to whom, how and when.
type Campaign struct {
	ID              ID
	Kind            CampaignKind
	Name            string
	Purpose         Purpose
	Topic           string
	Template        ID // the pinned version's id; 0 with Inline
	TemplateKey     string
	TemplateVersion int
	Inline          json.RawMessage // content given directly (agents' replies), see templates.Inline
	Data            json.RawMessage // a JSON object, the same for everyone
	Routing         Routing
	SendAt          time.Time
	Window          *SendWindow
	ExpiresAt       time.Time
	CancellationKey string
	From            string
	ReplyTo         string
	Metadata        json.RawMessage
	Sandbox         bool
	DryRun          bool
	Everyone        bool
	Segment         PinnedSegment
	Status          CampaignStatus
	PausedFrom      CampaignStatus // what resume returns to
	Audience        int64          // recipients
	Planned         int64          // message rows
	Refused         int64          // recipients that could not become a message row (bad row, conflict)
	Cursor          int64          // how far planning has come
	Thread          ID             // a reply belongs to it
	Key             ID             // the API key that made it
	Owner           ID             // the process that is storing its audience
	CreatedAt       time.Time
	LaunchedAt      time.Time
	FinishedAt      time.Time
}

// PinnedSegment is the segment that an audience is drawn from. Filter is what it asked when the campaign was launched; until
// then it is empty.
type PinnedSegment struct {
	ID      ID              `json:"id"`
	Key     string          `json:"key"`
	Version int             `json:"version,omitempty"`
	Filter  json.RawMessage `json:"filter,omitempty"`
}

// Drawn tells whether the audience is drawn from the customers, page by page; else it was stored.
func (c *Campaign) Drawn() bool { return c.Everyone || c.Segment.ID != 0 }

// Lane is where the campaign's messages queue.
func (c *Campaign) Lane() Lane {
	if c.Kind == KindOfCampaign {
		return Bulk // also a transactional one: an incident notice to everyone must not stand before a password reset
	}
	return Fast
}

// Message is one row of the ledger: one customer, one channel, one end.
type Message struct {
	ID        ID
	Campaign  ID
	Customer  ID
	Channel   Channel
	Address   ID
	Batch     ID
	State     State
	Reason    string
	Attempt   int
	Owner     ID
	Due       time.Time
	WindowEnd time.Time
	ExpiresAt time.Time
	Epoch     int64
	Seq       int64 // of its recipient in the audience
	Provider  string
	UpdatedAt time.Time
	SentAt    time.Time
}

// Counts are a campaign's ledger. The ten states sum to Planned plus recipients not planned yet.
type Counts struct {
	Audience     int64 `json:"audience"`
	Planned      int64 `json:"planned"`
	Pending      int64 `json:"pending"`
	Sending      int64 `json:"sending"`
	Doubtful     int64 `json:"doubtful"`
	Sent         int64 `json:"sent"`
	Delivered    int64 `json:"delivered"`
	Skipped      int64 `json:"skipped"`
	Failed       int64 `json:"failed"`
	Expired      int64 `json:"expired"`
	Cancelled    int64 `json:"cancelled"`
	Unknown      int64 `json:"unknown"`
	Opened       int64 `json:"opened"`
	Clicked      int64 `json:"clicked"`
	Replied      int64 `json:"replied"`
	Converted    int64 `json:"converted"`
	Unsubscribed int64 `json:"unsubscribed"`
	Complained   int64 `json:"complained"`
}

// Of returns the place of a state's count.
func (c *Counts) Of(s State) *int64 {
	switch s {
	case Pending:
		return &c.Pending
	case Sending:
		return &c.Sending
	case Doubtful:
		return &c.Doubtful
	case Sent:
		return &c.Sent
	case Delivered:
		return &c.Delivered
	case Skipped:
		return &c.Skipped
	case Failed:
		return &c.Failed
	case Expired:
		return &c.Expired
	case Cancelled:
		return &c.Cancelled
	}
	return &c.Unknown
}

// Engaged returns the place of an engagement's count.
func (c *Counts) Engaged(e Engagement) *int64 {
	switch e {
	case Opened:
		return &c.Opened
	case Clicked:
		return &c.Clicked
	case Replied:
		return &c.Replied
	case Converted:
		return &c.Converted
	case Unsubscribed:
		return &c.Unsubscribed
	}
	return &c.Complained
}
