package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"rapport/gateway"
	"rapport/store"
)

// Canned is an answer that agents give often.
type Canned struct {
	Key       string               `json:"key"`
	Title     string               `json:"title"`
	Bodies    []gateway.CannedBody `json:"bodies" nullable:"false"`
	CreatedAt time.Time            `json:"created_at"`
	UpdatedAt time.Time            `json:"updated_at"`
}

func cannedView(c store.Canned) (Canned, error) {
	v := Canned{Key: c.Key, Title: c.Title, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
	if err := json.Unmarshal(c.Bodies, &v.Bodies); err != nil {
		return v, fmt.Errorf("reading canned reply %q: %w", c.Key, err)
	}
	return v, nil
}

func (d *door) canned() {
	const tag = "Canned replies"
	handle(d, route{Method: http.MethodGet, Path: "/v1/canned", Scope: "read:threads", Tag: tag, Summary: "List canned replies", About: "By key."}, d.listCanned)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/canned/{key}", Scope: "write:threads", Tag: tag, Summary: "Save a canned reply", Also: 201, About: "201: it is new."}, d.putCanned)
	handle(d, route{Method: http.MethodGet, Path: "/v1/canned/{key}", Scope: "read:threads", Tag: tag, Summary: "Find a canned reply", Refuses: []int{404}}, d.getCanned)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/canned/{key}", Scope: "write:threads", Tag: tag, Summary: "Delete a canned reply", Status: 204, Refuses: []int{404}}, d.deleteCanned)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/canned/{key}/render", Scope: "read:threads", Tag: tag, Summary: "Fill a canned reply in for a thread", Refuses: []int{404},
		About: "In the language of the thread's customer. What is missing stays in the text as {{ its name }}, and a reply that still holds it is refused."}, d.renderCanned)
}

type oneCanned struct {
	Request
	Key string `path:"key" maxLength:"100" example:"where-is-my-order"`
}

type listCanned struct {
	Request
	Paging
}

func (d *door) listCanned(ctx context.Context, in *listCanned) (*reply[List[Canned]], error) {
	var after string
	if err := in.after("canned", &after); err != nil {
		return nil, err
	}
	rows, next, err := d.st.AllCanned(ctx, after, in.Limit)
	if err != nil {
		return nil, err
	}
	var bad error
	list := listOf("canned", rows, next, func(c store.Canned) Canned {
		v, err := cannedView(c)
		if err != nil {
			bad = err
		}
		return v
	})
	if bad != nil {
		return nil, bad
	}
	return ok(list)
}

func (d *door) putCanned(ctx context.Context, in *oneCanned, body *gateway.CannedInput) (*reply[Canned], error) {
	c, fresh, err := d.g.SaveCanned(ctx, in.caller(), in.Key, *body)
	if err != nil {
		return nil, err
	}
	v, err := cannedView(c)
	if err != nil {
		return nil, err
	}
	if fresh {
		return created("/v1/canned/"+c.Key, v)
	}
	return ok(v)
}

func (d *door) getCanned(ctx context.Context, in *oneCanned) (*reply[Canned], error) {
	c, err := d.st.Canned(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	v, err := cannedView(c)
	if err != nil {
		return nil, err
	}
	return ok(v)
}

func (d *door) deleteCanned(ctx context.Context, in *oneCanned) (*reply[nothing], error) {
	if err := d.g.DropCanned(ctx, in.caller(), in.Key); err != nil {
		return nil, err
	}
	return done()
}

func (d *door) renderCanned(ctx context.Context, in *oneCanned, body *gateway.CannedRenderInput) (*reply[*gateway.CannedRendered], error) {
	r, err := d.g.RenderCanned(ctx, in.caller(), in.Key, *body)
	if err != nil {
		return nil, err
	}
	return ok(r)
}
