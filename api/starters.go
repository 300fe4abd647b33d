package api

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"rapport/templates"
)

// Starter is a template to begin with.
type Starter struct {
	Key    string           `json:"key"`
	Source templates.Source `json:"source" doc:"The body of PUT /v1/templates/{key}."`
}

func (d *door) starters() {
	handle(d, route{Method: http.MethodGet, Path: "/v1/starters", Scope: "read:templates", Tag: "Templates", Summary: "Templates to begin with", About: "By key; each for email, SMS, Telegram and webhook, in English and Russian. Nothing is saved until you do."}, d.listStarters)
}

func (d *door) listStarters(context.Context, *justRequest) (*reply[List[Starter]], error) {
	all, err := templates.Starters()
	if err != nil {
		return nil, err
	}
	return ok(listOf("starters", slices.Sorted(maps.Keys(all)), 0, func(key string) Starter { return Starter{key, all[key]} }))
}
