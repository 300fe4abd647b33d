package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"rapport"
	"rapport/gateway"
)

// remoteHeader says how many pictures from elsewhere a document names.
const remoteHeader = "Rapport-Remote-Images"

func (d *door) showsHTML() {
	const path = "/v1/entries/{id}/html"
	handle(d, route{Method: http.MethodGet, Path: path, Scope: "read:threads", Tag: "Threads", Summary: "What was written as HTML, for a sandboxed frame",
		About:   "A complete document without scripts, forms, style sheets and addresses that load anything; links open in a new window. Inline pictures of a mail stand in it (data:). Pictures from elsewhere are left out unless `remote_images=true`; the header `" + remoteHeader + "` tells how many the mail names. Its own Content-Security-Policy forbids whatever is left; fill `srcdoc` of an `<iframe sandbox>` with it, or point `src` there.",
		Refuses: []int{404}}, d.getHTML)
	text := huma.Schema{Type: huma.TypeString}
	d.api.OpenAPI().Paths[path].Get.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"text/html": {Schema: &text}},
		Headers: map[string]*huma.Param{remoteHeader: {Description: "How many pictures from elsewhere it names.", Schema: &huma.Schema{Type: huma.TypeInteger}}}}
}

type getHTML struct {
	Request
	ID     string `path:"id" maxLength:"40" example:"ent_0b8t9g3kq8x1w"`
	Remote bool   `query:"remote_images" doc:"With the pictures that lie elsewhere, by https. Loading one tells its sender that somebody looks."`
}

func (d *door) getHTML(ctx context.Context, in *getHTML) (*reply[func(huma.Context)], error) {
	id, err := parse(rapport.KindEntry, in.ID, "entry")
	if err != nil {
		return nil, err
	}
	page, err := d.g.ShowHTML(ctx, id, in.Remote)
	if err != nil {
		return nil, err
	}
	c := fiberOf(in.ctx)
	return &reply[func(huma.Context)]{Status: http.StatusOK, Body: func(huma.Context) {
		c.Set("Content-Type", "text/html; charset=utf-8")
		c.Set("Content-Security-Policy", gateway.FramePolicy(in.Remote))
		c.Set("X-Frame-Options", "SAMEORIGIN") // for browsers that do not know frame-ancestors
		c.Set(remoteHeader, strconv.Itoa(page.RemoteImages))
		c.Response().SetBodyString(page.Document)
	}}, nil
}
