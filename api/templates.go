package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
	"rapport/templates"
)

// Template is one version of a template; in a list, the current one.
type Template struct {
	ID        string              `json:"id" doc:"Of the version."`
	Key       string              `json:"key"`
	Version   int                 `json:"version"`
	Topic     string              `json:"topic,omitempty"`
	Variants  []templates.Variant `json:"variants,omitempty"`
	Required  []string            `json:"required,omitempty"`
	Warnings  []string            `json:"warnings,omitempty" doc:"For the author; nothing that stops it from being sent."`
	CreatedAt time.Time           `json:"created_at"`
	Archived  *time.Time          `json:"archived_at,omitempty" doc:"Since then nothing new is sent with it."`
	Versions  []TemplateVersion   `json:"versions,omitempty" doc:"The newest fifty."`
}

// TemplateVersion names a version.
type TemplateVersion struct {
	ID        string    `json:"id"`
	Version   int       `json:"version"`
	CreatedAt time.Time `json:"created_at"`
}

func templateView(v store.TemplateVersion) (Template, error) {
	t := Template{ID: rapport.KindTemplate.Format(v.ID), Key: v.Key, Version: v.Version, CreatedAt: v.CreatedAt, Archived: maybe(v.Archived)}
	var src templates.Source
	if err := json.Unmarshal([]byte(v.Source), &src); err != nil {
		return t, fmt.Errorf("reading template %q: %w", v.Key, err)
	}
	t.Topic, t.Variants, t.Required = src.Topic, src.Variants, src.Required
	return t, nil
}

type oneTemplate struct {
	Request
	Key string `path:"key" maxLength:"100" example:"welcome"`
}

func (d *door) templates() {
	d.starters()
	handle(d, route{Method: http.MethodGet, Path: "/v1/templates", Scope: "read:templates", Tag: "Templates", Summary: "List templates", About: "The current version of each, without its texts; the newest template first."}, d.listTemplates)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/templates/{key}", Scope: "write:templates", Tag: "Templates", Summary: "Save a template", Also: 201,
		About: "Makes a new version (201), unless it is so already (200). Campaigns keep the version that was current when they were made. The language is Liquid."}, d.putTemplate)
	handle(d, route{Method: http.MethodGet, Path: "/v1/templates/{key}", Scope: "read:templates", Tag: "Templates", Summary: "A template and its versions", Refuses: []int{404}}, d.getTemplate)
	handle(d, route{Method: http.MethodGet, Path: "/v1/templates/{key}/versions/{version}", Scope: "read:templates", Tag: "Templates", Summary: "One version of a template", Refuses: []int{404}}, d.getVersion)
	for verb, archived := range map[string]bool{"archive": true, "restore": false} {
		summary := map[bool]string{true: "Archive a template", false: "Take a template out of the archive"}[archived]
		handle(d, route{Method: http.MethodPost, Path: "/v1/templates/{key}/" + verb, Scope: "write:templates", Tag: "Templates", Summary: summary, Refuses: []int{404},
			About: "Nothing new is sent with an archived one (422). What was accepted before is, and drafts that have it pinned can be launched."},
			func(ctx context.Context, in *oneTemplate) (*reply[Template], error) {
				v, err := d.g.ArchiveTemplate(ctx, in.caller(), in.Key, archived)
				if err != nil {
					return nil, err
				}
				t, err := templateView(v)
				if err != nil {
					return nil, err
				}
				return ok(t)
			})
	}
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/templates/{key}/preview", Scope: "read:templates", Tag: "Templates", Summary: "Render a template", Refuses: []int{404},
		About: "With the very engine that sends: the parts, what is missing, and for SMS what it costs."}, d.previewTemplate)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/templates/{key}/test", Scope: "write:messages", Tag: "Templates", Summary: "Send a template to one address", Status: 202, Own: true, Refuses: []int{404}}, d.testTemplate)
}

type listTemplates struct {
	Request
	Paging
	Archived bool `query:"archived" doc:"Only archived ones; without it, only the others."`
}

func (d *door) listTemplates(ctx context.Context, in *listTemplates) (*reply[List[Template]], error) {
	name := fmt.Sprintf("templates, archived %t", in.Archived)
	p, err := in.page(name)
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Templates(ctx, in.Archived, p)
	if err != nil {
		return nil, err
	}
	var bad error
	list := listOf(name, rows, next, func(v store.TemplateVersion) Template {
		t, err := templateView(v)
		if err != nil {
			bad = err
		}
		t.Variants = nil
		return t
	})
	if bad != nil {
		return nil, bad
	}
	return ok(list)
}

func (d *door) putTemplate(ctx context.Context, in *oneTemplate, body *templates.Source) (*reply[Template], error) {
	v, warnings, isNew, err := d.g.SaveTemplate(ctx, in.caller(), in.Key, *body)
	if err != nil {
		return nil, err
	}
	t, err := templateView(v)
	if err != nil {
		return nil, err
	}
	t.Warnings = warnings
	if isNew {
		return created(fmt.Sprintf("/v1/templates/%s/versions/%d", v.Key, v.Version), t)
	}
	return ok(t)
}

func (d *door) getTemplate(ctx context.Context, in *oneTemplate) (*reply[Template], error) {
	v, err := d.st.CurrentTemplate(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	t, err := templateView(v)
	if err != nil {
		return nil, err
	}
	versions, _, err := d.st.Versions(ctx, in.Key, store.Page{Limit: 50})
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		t.Versions = append(t.Versions, TemplateVersion{rapport.KindTemplate.Format(v.ID), v.Version, v.CreatedAt})
	}
	return ok(t)
}

type oneVersion struct {
	Request
	Key     string `path:"key" maxLength:"100" example:"welcome"`
	Version int    `path:"version" minimum:"1"`
}

func (d *door) getVersion(ctx context.Context, in *oneVersion) (*reply[Template], error) {
	v, err := d.g.TemplateVersion(ctx, in.Key, in.Version)
	if err != nil {
		return nil, err
	}
	t, err := templateView(v)
	if err != nil {
		return nil, err
	}
	return ok(t)
}

func (d *door) previewTemplate(ctx context.Context, in *oneTemplate, body *gateway.PreviewInput) (*reply[*gateway.Preview], error) {
	p, err := d.g.Preview(ctx, in.Key, *body)
	if err != nil {
		return nil, err
	}
	return ok(p)
}

func (d *door) testTemplate(ctx context.Context, in *oneTemplate, body *gateway.TestInput) (*reply[gateway.SendResult], error) {
	res, replayed, err := d.g.TestSend(ctx, in.caller(), in.Key, *body, in.idem)
	return sent(res, replayed, err)
}
