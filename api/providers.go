package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"rapport/gateway"
)

type oneProvider struct {
	Request
	Name string `path:"name" maxLength:"64" example:"twilio-main"`
}

func (d *door) providers() {
	const tag = "Providers"
	handle(d, route{Method: http.MethodGet, Path: "/v1/providers", Scope: "read:providers", Tag: tag, Summary: "List providers", About: "With how each is doing, over all processes. Secrets are not shown."}, d.listProviders)
	handle(d, route{Method: http.MethodGet, Path: "/v1/providers/{name}", Scope: "read:providers", Tag: tag, Summary: "Find a provider", Refuses: []int{404}}, d.getProvider)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/providers/{name}", Scope: "write:providers", Tag: tag, Summary: "Add or change a provider", Refuses: []int{409},
		About: "The settings are sealed with the secret key. Providers of the configuration file are changed there."}, d.putProvider)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/providers/{name}", Scope: "write:providers", Tag: tag, Summary: "Remove a provider", Status: 204, Refuses: []int{404, 409}}, d.deleteProvider)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/providers/{name}/test", Scope: "write:providers", Tag: tag, Summary: "Send a test through a provider", Refuses: []int{404, 409},
		About: "Hands one message to exactly this provider, now, and tells its answer. It is tried once and stands in no campaign; a suppressed address is a 409."}, d.tryProvider)
	handle(d, route{Method: http.MethodGet, Path: "/v1/drivers", Scope: "read:providers", Tag: tag, Summary: "The kinds of providers",
		About: "Each with its channels and its settings, as a form can be drawn from."}, d.listDrivers)
}

func (d *door) listDrivers(_ context.Context, in *shortList) (*reply[List[gateway.DriverView]], error) {
	rows := d.g.Drivers()
	slices.SortFunc(rows, func(a, b gateway.DriverView) int { return strings.Compare(a.Name, b.Name) })
	page, err := excerpt("drivers", in.Paging, rows, func(v gateway.DriverView) string { return v.Name }, func(v gateway.DriverView) gateway.DriverView { return v })
	if err != nil {
		return nil, err
	}
	return ok(page)
}

func (d *door) tryProvider(ctx context.Context, in *oneProvider, body *gateway.TryInput) (*reply[gateway.TryResult], error) {
	out, err := d.g.TryProvider(ctx, in.caller(), in.Name, *body)
	if err != nil {
		return nil, err
	}
	return ok(out)
}

func (d *door) listProviders(ctx context.Context, in *shortList) (*reply[List[gateway.ProviderView]], error) {
	rows, err := d.g.Providers(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b gateway.ProviderView) int { return strings.Compare(a.Name, b.Name) })
	page, err := excerpt("providers", in.Paging, rows, func(p gateway.ProviderView) string { return p.Name }, func(p gateway.ProviderView) gateway.ProviderView { return p })
	if err != nil {
		return nil, err
	}
	return ok(page)
}

func (d *door) getProvider(ctx context.Context, in *oneProvider) (*reply[gateway.ProviderView], error) {
	p, err := d.g.Provider(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return ok(p)
}

func (d *door) putProvider(ctx context.Context, in *oneProvider, body *gateway.ProviderInput) (*reply[gateway.ProviderView], error) {
	p, err := d.g.PutProvider(ctx, in.caller(), in.Name, *body)
	if err != nil {
		return nil, err
	}
	return ok(p)
}

func (d *door) deleteProvider(ctx context.Context, in *oneProvider) (*reply[nothing], error) {
	if err := d.g.DeleteProvider(ctx, in.caller(), in.Name); err != nil {
		return nil, err
	}
	return done()
}
