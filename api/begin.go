package api

import (
	"context"
	"net/http"

	"rapport"
	"rapport/gateway"
)

// begin is how an agent writes to a customer first.
func (d *door) begin() {
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/threads", Scope: "write:threads", Tag: "Threads", Summary: "Begin a conversation", Status: 202,
		About: "Writes to a customer who has not written, as an agent's answer would: the same rules decide whether that may be. 409: the customer may not be written to there, and detail says which rule forbids it; nothing is kept. The thread is the agent's and waits for the customer; in a chat the open thread of the address goes on, if there is one."}, d.postThread)
	handle(d, route{Method: http.MethodGet, Path: "/v1/customers/{id}/channels", Scope: "read:customers", Tag: "Customers", Summary: "On which channels an agent can write to a customer", Refuses: []int{404},
		About: "Where, at what price, within what limits, and which rule forbids it now."}, d.customerChannels)
}

func (d *door) postThread(ctx context.Context, in *justRequest, body *gateway.BeginInput) (*reply[Entry], error) {
	e, err := d.g.Begin(ctx, in.caller(), *body)
	if err != nil {
		return nil, err
	}
	view, err := d.delivered(ctx, []rapport.Entry{*e})
	if err != nil {
		return nil, err
	}
	return accepted("/v1/threads/"+rapport.KindThread.Format(e.Thread), view(*e))
}

// CustomerChannels are the ways to a customer.
type CustomerChannels struct {
	Data []gateway.Way `json:"data" nullable:"false"`
}

func (d *door) customerChannels(ctx context.Context, in *CustomerPath) (*reply[CustomerChannels], error) {
	ways, err := d.g.WaysTo(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(CustomerChannels{ways})
}
