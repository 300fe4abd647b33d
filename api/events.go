package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport"
	"rapport/gateway"
)

// Event is something that happened to a customer elsewhere.
type Event struct {
	ID         string          `json:"id" doc:"The caller's."`
	Type       string          `json:"type"`
	Customer   string          `json:"customer"`
	OccurredAt time.Time       `json:"occurred_at"`
	Properties json.RawMessage `json:"properties"`
	CreatedAt  time.Time       `json:"created_at"`
}

func eventView(e rapport.Event) Event {
	return Event{e.ExternalID, e.Type, rapport.KindCustomer.Format(e.Customer), e.OccurredAt, e.Properties, e.CreatedAt}
}

// Reported says what became of a request's events.
type Reported struct {
	Accepted   int `json:"accepted"`
	Duplicates int `json:"duplicates" doc:"Reported before; nothing was changed."`
}

func (d *door) events() {
	handle(d, route{Method: http.MethodPost, Path: "/v1/events", Scope: "write:events", Tag: "Events", Summary: "Report events", Status: 202, Large: true, Limit: d.o.Limits.Body, Content: []string{"application/x-ndjson"},
		About: "One event, an array of them, or one a line. Each has an id of yours: reporting it twice changes nothing. If one of them is wrong, none is taken."}, d.postEvents)
	one := d.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[gateway.EventInput](), true, "")
	d.api.OpenAPI().Paths["/v1/events"].Post.RequestBody.Content["application/json"] = &huma.MediaType{
		Schema: &huma.Schema{OneOf: []*huma.Schema{one, {Type: huma.TypeArray, Items: one}}}}
	handle(d, route{Method: http.MethodGet, Path: "/v1/customers/{id}/events", Scope: "read:events", Tag: "Events", Summary: "The events of a customer", Refuses: []int{404}, About: "Newest reported first."}, d.listEvents)
}

func (d *door) postEvents(ctx context.Context, in *justRequest) (*reply[Reported], error) {
	c := fiberOf(in.ctx)
	format := formats[mediaType(c)]
	if format != gateway.NDJSON {
		format = ""
		if err := wantJSON(c); err != nil {
			return nil, err
		}
	}
	fresh, known, err := d.g.AddEvents(ctx, in.body, format)
	if err != nil {
		return nil, err
	}
	return accepted("", Reported{fresh, known})
}

type listEvents struct {
	CustomerPath
	Paging
}

func (d *door) listEvents(ctx context.Context, in *listEvents) (*reply[List[Event]], error) {
	p, err := in.page("events")
	if err != nil {
		return nil, err
	}
	c, err := d.st.FindCustomer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Events(ctx, c.ID, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("events", rows, next, eventView))
}
