package api

import (
	"context"
	"net/http"

	"rapport/gateway"
	"rapport/store"
)

func (d *door) drafts() {
	const tag = "Threads"
	handle(d, route{Method: http.MethodGet, Path: "/v1/threads/{id}/drafts", Scope: "read:threads", Tag: tag, Summary: "What colleagues are writing in a thread", Refuses: []int{404}}, d.listDrafts)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/threads/{id}/drafts/{agent}", Scope: "write:threads", Tag: tag, Summary: "Keep a draft", Refuses: []int{404},
		About: "One for each agent and thread. The agent's reply, or note, deletes it."}, d.putDraft)
	handle(d, route{Method: http.MethodGet, Path: "/v1/threads/{id}/drafts/{agent}", Scope: "read:threads", Tag: tag, Summary: "An agent's draft", Refuses: []int{404}}, d.getDraft)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/threads/{id}/drafts/{agent}", Scope: "write:threads", Tag: tag, Summary: "Throw a draft away", Status: 204, Refuses: []int{404}}, d.deleteDraft)
}

type draftPath struct {
	ThreadPath
	Agent string `path:"agent" maxLength:"1000" doc:"Percent-encoded." example:"anna"`
}

type listDrafts struct {
	ThreadPath
	Paging
}

func (d *door) listDrafts(ctx context.Context, in *listDrafts) (*reply[List[gateway.Draft]], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	var after string
	if err := in.after("drafts", &after); err != nil {
		return nil, err
	}
	t, err := d.st.Thread(ctx, id)
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Drafts(ctx, t.ID, after, in.Limit)
	if err != nil {
		return nil, err
	}
	var bad error
	list := listOf("drafts", rows, next, func(row store.Draft) gateway.Draft {
		v, err := gateway.DraftOf(row)
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

func (d *door) putDraft(ctx context.Context, in *draftPath, body *gateway.DraftInput) (*reply[gateway.Draft], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	by, err := in.caller().As(in.Agent)
	if err != nil {
		return nil, err
	}
	v, err := d.g.SaveDraft(ctx, id, by.Name, *body)
	if err != nil {
		return nil, err
	}
	return ok(v)
}

func (d *door) getDraft(ctx context.Context, in *draftPath) (*reply[gateway.Draft], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	t, err := d.st.Thread(ctx, id)
	if err != nil {
		return nil, err
	}
	row, err := d.st.Draft(ctx, t.ID, in.Agent)
	if err != nil {
		return nil, err
	}
	v, err := gateway.DraftOf(row)
	if err != nil {
		return nil, err
	}
	return ok(v)
}

func (d *door) deleteDraft(ctx context.Context, in *draftPath) (*reply[nothing], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	by, err := in.caller().As(in.Agent)
	if err != nil {
		return nil, err
	}
	if err := d.g.DropDraft(ctx, id, by.Name); err != nil {
		return nil, err
	}
	return done()
}
