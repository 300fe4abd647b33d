package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// Endpoint is an address of somebody's server that is told what happens.
type Endpoint struct {
	ID           string              `json:"id"`
	URL          string              `json:"url"`
	Events       []string            `json:"events" nullable:"false"`
	Enabled      bool                `json:"enabled"`
	Disabled     rapport.DisabledFor `json:"disabled_for,omitempty" enum:"by_hand,gone,failing" doc:"Why it is not enabled: gone is an answer of 410, failing are five days without a good one."`
	DisabledAt   *time.Time          `json:"disabled_at,omitempty"`
	FailingSince *time.Time          `json:"failing_since,omitempty" doc:"Nothing was delivered since then; a good answer ends it."`
	CreatedAt    time.Time           `json:"created_at"`
	UpdatedAt    time.Time           `json:"updated_at"`
	Secret       string              `json:"secret,omitempty" doc:"What deliveries are signed with: only in the answer that made it."`
}

// kept is what an Idempotency-Key may keep: not the secret, which is shown once.
func (e Endpoint) kept() Endpoint {
	e.Secret = ""
	return e
}

func endpointView(e rapport.Endpoint) Endpoint {
	return Endpoint{rapport.KindEndpoint.Format(e.ID), e.URL, e.Events, e.Disabled == "", e.Disabled, maybe(e.DisabledAt), maybe(e.FailingSince), e.CreatedAt, e.UpdatedAt, ""}
}

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	ID        string                `json:"id"`
	Event     string                `json:"event" doc:"The webhook-id, the same for every attempt."`
	Type      rapport.NoticeType    `json:"type"`
	State     rapport.DeliveryState `json:"state" enum:"pending,sending,delivered,failed"`
	Attempts  int                   `json:"attempts"`
	DueAt     *time.Time            `json:"due_at,omitempty" doc:"When the next attempt is made."`
	Tries     []rapport.DeliveryTry `json:"tries" nullable:"false" doc:"The last twelve, the newest last."`
	CreatedAt time.Time             `json:"created_at"`
	UpdatedAt time.Time             `json:"updated_at"`
}

func deliveryView(x rapport.Delivery) Delivery {
	v := Delivery{rapport.KindDelivery.Format(x.ID), rapport.KindEvent.Format(x.Notice), x.Type, x.State, x.Attempt, nil, append([]rapport.DeliveryTry{}, x.Tries...), x.CreatedAt, x.UpdatedAt}
	if x.State == rapport.DeliveryPending {
		v.DueAt = maybe(x.Due)
	}
	return v
}

func (d *door) endpoints() {
	const tag, path = "Endpoints", "/v1/endpoints"
	handle(d, route{Method: http.MethodGet, Path: path, Scope: "read:endpoints", Tag: tag, Summary: "List endpoints", About: "Newest first."}, d.listEndpoints)
	handleJSON(d, route{Method: http.MethodPost, Path: path, Scope: "write:endpoints", Tag: tag, Summary: "Create an endpoint", Status: 201,
		About: "It is told what happens from then on, by signed requests (Standard Webhooks), at least once and in no promised order. The secret is in this answer and in no other. A key may subscribe to what it may read, and needs the same to change, rotate, test or replay an endpoint and to see its deliveries."}, d.postEndpoint)
	handle(d, route{Method: http.MethodGet, Path: path + "/{id}", Scope: "read:endpoints", Tag: tag, Summary: "Find an endpoint", Refuses: []int{404}}, d.getEndpoint)
	handleJSON(d, route{Method: http.MethodPatch, Path: path + "/{id}", Scope: "write:endpoints", Tag: tag, Summary: "Change an endpoint", Refuses: []int{404}, About: "`enabled: true` switches it on again; what waits is delivered at once."}, d.patchEndpoint)
	handle(d, route{Method: http.MethodDelete, Path: path + "/{id}", Scope: "write:endpoints", Tag: tag, Summary: "Delete an endpoint", Status: 204, Refuses: []int{404}}, d.deleteEndpoint)
	handleJSON(d, route{Method: http.MethodPost, Path: path + "/{id}/rotate", Scope: "write:endpoints", Tag: tag, Summary: "Replace an endpoint's secret", Bare: true, Refuses: []int{404}, About: "For 24 hours deliveries carry the signatures of both."}, d.rotateEndpoint)
	handle(d, route{Method: http.MethodPost, Path: path + "/{id}/test", Scope: "write:endpoints", Tag: tag, Summary: "Send an endpoint a test", Status: 202, Refuses: []int{404}, About: "An event of type `endpoint.test`; its delivery shows what came of it."}, d.testEndpoint)
	handle(d, route{Method: http.MethodGet, Path: path + "/{id}/deliveries", Scope: "read:endpoints", Tag: tag, Summary: "What was delivered to an endpoint", Refuses: []int{404}, About: "Newest first, of the last 30 days."}, d.listDeliveries)
	handleJSON(d, route{Method: http.MethodPost, Path: path + "/{id}/replay", Scope: "write:endpoints", Tag: tag, Summary: "Deliver again", Status: 202, Refuses: []int{404},
		About: "One delivery, or everything since a time, under the old webhook-ids: a receiver that drops what it has seen must forget them first. 409: what the delivery told is not kept any more."}, d.replayEndpoint)
}

type listEndpoints struct {
	Request
	Paging
}

func (d *door) listEndpoints(ctx context.Context, in *listEndpoints) (*reply[List[Endpoint]], error) {
	p, err := in.page("endpoints")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Endpoints(ctx, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("endpoints", rows, next, endpointView))
}

func (d *door) postEndpoint(ctx context.Context, in *justRequest, body *gateway.EndpointInput) (*reply[Endpoint], error) {
	if err := maySubscribe(in.caller(), body.Events); err != nil {
		return nil, err
	}
	e, secret, err := d.g.CreateEndpoint(ctx, in.caller(), *body)
	if err != nil {
		return nil, err
	}
	v := endpointView(e)
	v.Secret = secret
	return created("/v1/endpoints/"+v.ID, v)
}

// maySubscribe keeps a key from being told what it may not read, and from having it told again or to somebody else.
func maySubscribe(by gateway.Caller, events rapport.NoticeFilter) error {
	var lacks []string
	for _, t := range rapport.NoticeTypes {
		if scope := t.Scope(); t != rapport.EndpointTest && events.Takes(t) && !gateway.Allows(by.Scopes, scope) && !slices.Contains(lacks, scope) {
			lacks = append(lacks, scope)
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return rapport.Errorf(rapport.CodeForbidden, "This key may not read what the endpoint is told (%s): it lacks %s.", strings.Join(events, ", "), strings.Join(lacks, ", "))
}

// EndpointPath names an endpoint in the path.
type EndpointPath struct {
	Request
	ID string `path:"id" maxLength:"40" example:"end_0b8t9g3kq8x1w"`
}

func (p EndpointPath) endpoint() (rapport.ID, error) {
	return parse(rapport.KindEndpoint, p.ID, "endpoint")
}

// readable is endpoint, for a key that may read all that the endpoint is told.
func (d *door) readable(ctx context.Context, in *EndpointPath) (rapport.ID, error) {
	id, err := in.endpoint()
	if err != nil {
		return 0, err
	}
	e, err := d.st.Endpoint(ctx, id)
	if err != nil {
		return 0, err
	}
	return id, maySubscribe(in.caller(), e.Events)
}

func (d *door) getEndpoint(ctx context.Context, in *EndpointPath) (*reply[Endpoint], error) {
	id, err := in.endpoint()
	if err != nil {
		return nil, err
	}
	e, err := d.st.Endpoint(ctx, id)
	if err != nil {
		return nil, err
	}
	return ok(endpointView(e))
}

func (d *door) patchEndpoint(ctx context.Context, in *EndpointPath, body *gateway.EndpointChange) (*reply[Endpoint], error) {
	id, err := d.readable(ctx, in)
	if err != nil {
		return nil, err
	}
	if body.Events != nil {
		if err := maySubscribe(in.caller(), *body.Events); err != nil {
			return nil, err
		}
	}
	e, err := d.g.ChangeEndpoint(ctx, in.caller(), id, *body)
	if err != nil {
		return nil, err
	}
	return ok(endpointView(e))
}

func (d *door) deleteEndpoint(ctx context.Context, in *EndpointPath) (*reply[nothing], error) {
	id, err := in.endpoint()
	if err != nil {
		return nil, err
	}
	if err := d.g.DeleteEndpoint(ctx, in.caller(), id); err != nil {
		return nil, err
	}
	return done()
}

// NewSecret may name the secret to come.
type NewSecret struct {
	Secret string `json:"secret,omitempty" doc:"whsec_ and 24 to 64 bytes in base64. Without it one is made."`
}

func (d *door) rotateEndpoint(ctx context.Context, in *EndpointPath, body *NewSecret) (*reply[Endpoint], error) {
	id, err := d.readable(ctx, in)
	if err != nil {
		return nil, err
	}
	e, secret, err := d.g.RotateSecret(ctx, in.caller(), id, body.Secret)
	if err != nil {
		return nil, err
	}
	v := endpointView(e)
	v.Secret = secret
	return ok(v)
}

func (d *door) testEndpoint(ctx context.Context, in *EndpointPath) (*reply[Endpoint], error) {
	id, err := d.readable(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := d.g.TestEndpoint(ctx, id); err != nil {
		return nil, err
	}
	e, err := d.st.Endpoint(ctx, id)
	if err != nil {
		return nil, err
	}
	return accepted("/v1/endpoints/"+in.ID+"/deliveries", endpointView(e))
}

type listDeliveries struct {
	EndpointPath
	Paging
	State rapport.DeliveryState `query:"state" enum:"pending,sending,delivered,failed"`
}

func (d *door) listDeliveries(ctx context.Context, in *listDeliveries) (*reply[List[Delivery]], error) {
	id, err := d.readable(ctx, &in.EndpointPath)
	if err != nil {
		return nil, err
	}
	p, err := in.page("deliveries")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Deliveries(ctx, store.DeliveryFilter{Endpoint: id, State: in.State, Page: p})
	if err != nil {
		return nil, err
	}
	return ok(listOf("deliveries", rows, next, deliveryView))
}

func (d *door) replayEndpoint(ctx context.Context, in *EndpointPath, body *gateway.ReplayInput) (*reply[gateway.Replayed], error) {
	id, err := d.readable(ctx, in)
	if err != nil {
		return nil, err
	}
	out, err := d.g.Replay(ctx, in.caller(), id, *body)
	if err != nil {
		return nil, err
	}
	return accepted("/v1/endpoints/"+in.ID+"/deliveries", out)
}
