package rapport

import (
	"encoding/json"
	"time"
)

// Event is something that happened to a customer elsewhere: an order, a visit, a call. ExternalID is the
// caller's and unique, so that reporting an event twice changes nothing.
type Event struct {
	ID         ID
	ExternalID string
	Customer   ID
	Type       string // "order" has order_id, total, currency and items[] among its properties
	OccurredAt time.Time
	Properties json.RawMessage // a JSON object
	CreatedAt  time.Time
}
