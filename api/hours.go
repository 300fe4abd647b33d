package api

import (
	"context"
	"net/http"

	"rapport/gateway"
)

func (d *door) hours() {
	handle(d, route{Method: http.MethodGet, Path: "/v1/hours", Scope: "read:agents", Tag: "Agents", Summary: "Business hours"}, d.getHours)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/hours", Scope: "write:agents", Tag: "Agents", Summary: "Replace the business hours",
		About: "Response times are told as the clock goes and within these hours. What was measured before stays as it is."}, d.putHours)
}

func (d *door) getHours(ctx context.Context, _ *noInput) (*reply[gateway.HoursInput], error) {
	h, err := d.g.BusinessHours(ctx)
	if err != nil {
		return nil, err
	}
	return ok(h)
}

func (d *door) putHours(ctx context.Context, in *noInput, body *gateway.HoursInput) (*reply[gateway.HoursInput], error) {
	if err := d.g.PutHours(ctx, in.caller(), *body); err != nil {
		return nil, err
	}
	return ok(*body)
}
