package api

import (
	"context"
	"net/http"
	"time"

	"rapport"
	"rapport/gateway"
)

// Suppression forbids an address.
type Suppression struct {
	Channel rapport.Channel          `json:"channel"`
	Address string                   `json:"address,omitempty" doc:"Empty after an erasure: only its keyed hash is left."`
	Reason  string                   `json:"reason"`
	Scope   rapport.SuppressionScope `json:"scope" enum:"all,marketing"`
	Source  string                   `json:"source,omitempty"`
	Message string                   `json:"message,omitempty"`
	At      time.Time                `json:"at"`
}

func suppressionView(s rapport.Suppression) Suppression {
	return Suppression{s.Channel, s.Address, s.Reason, s.Scope, s.Source, rapport.KindMessage.Format(s.Message), s.At}
}

// oneAddress names an address in the path; it is percent-encoded.
type oneAddress struct {
	Request
	Channel rapport.Channel `path:"channel" enum:"email,sms,whatsapp,telegram,webhook"`
	Address string          `path:"address" maxLength:"6000" doc:"Percent-encoded." example:"anna%40example.com"`
}

func (d *door) suppressions() {
	handle(d, route{Method: http.MethodGet, Path: "/v1/suppressions/{channel}", Scope: "read:suppressions", Tag: "Consent", Summary: "List forbidden addresses of a channel"}, d.listSuppressions)
	handle(d, route{Method: http.MethodGet, Path: "/v1/suppressions/{channel}/{address}", Scope: "read:suppressions", Tag: "Consent", Summary: "Is an address forbidden?", About: "404: it is not.", Refuses: []int{404}}, d.getSuppression)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/suppressions/{channel}/{address}", Scope: "write:suppressions", Tag: "Consent", Summary: "Forbid an address", Bare: true,
		About: "Whether a customer has it or not. One that is forbidden already keeps its reason, unless the scope gets wider."}, d.putSuppression)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/suppressions/{channel}/{address}", Scope: "write:suppressions", Tag: "Consent", Summary: "Allow an address again", Status: 204, Refuses: []int{404}}, d.deleteSuppression)
}

type listSuppressions struct {
	Request
	Paging
	Channel rapport.Channel `path:"channel" enum:"email,sms,whatsapp,telegram,webhook"`
}

func (d *door) listSuppressions(ctx context.Context, in *listSuppressions) (*reply[List[Suppression]], error) {
	name := "suppressions " + string(in.Channel)
	var after string
	if err := in.after(name, &after); err != nil {
		return nil, err
	}
	rows, next, err := d.st.Suppressions(ctx, in.Channel, after, in.Limit)
	if err != nil {
		return nil, err
	}
	return ok(listOf(name, rows, next, suppressionView))
}

func (d *door) getSuppression(ctx context.Context, in *oneAddress) (*reply[Suppression], error) {
	s, err := d.g.Suppression(ctx, in.Channel, in.Address)
	if err != nil {
		return nil, err
	}
	return ok(suppressionView(*s))
}

func (d *door) putSuppression(ctx context.Context, in *oneAddress, body *gateway.SuppressionInput) (*reply[Suppression], error) {
	s, err := d.g.Suppress(ctx, in.caller(), in.Channel, in.Address, *body)
	if err != nil {
		return nil, err
	}
	return ok(suppressionView(*s))
}

func (d *door) deleteSuppression(ctx context.Context, in *oneAddress) (*reply[nothing], error) {
	if err := d.g.Unsuppress(ctx, in.caller(), in.Channel, in.Address); err != nil {
		return nil, err
	}
	return done()
}
