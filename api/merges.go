package api

import (
	"context"
	"net/http"

	"rapport"
	"rapport/gateway"
)

func (d *door) merges() {
	const tag = "Threads"
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/threads/{id}/merge", Scope: "write:threads", Tag: tag, Summary: "Merge a thread into another", Refuses: []int{404, 409},
		About: "The other one shows every entry of both, in order, each with its origin_thread. Whoever asks for the merged thread, or answers in it, comes to the other. 409: the threads are of two customers, or it is merged already."}, d.postMerge)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/threads/{id}/unmerge", Scope: "write:threads", Tag: tag, Summary: "Take a merged thread out again", Bare: true, Refuses: []int{404, 409},
		About: "It gets back what was its own, whatever has happened since; what was said since the merge stays where it was said."}, d.postUnmerge)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/threads/{id}/split", Scope: "write:threads", Tag: tag, Summary: "Split entries off into a new thread", Status: 201, Refuses: []int{404},
		About: "Merging the new thread back undoes it."}, d.postSplit)
}

// MergeInput says where a thread goes.
type MergeInput struct {
	Into  string `json:"into" maxLength:"40" example:"thr_0b8t9g3kq8x1w"`
	Agent string `json:"agent,omitempty" maxLength:"200" doc:"Who merges. Default: the key's name."`
}

// UnmergeInput says who does it.
type UnmergeInput struct {
	Agent string `json:"agent,omitempty" maxLength:"200" doc:"Who takes it out. Default: the key's name."`
}

func (d *door) postMerge(ctx context.Context, in *ThreadPath, body *MergeInput) (*reply[Thread], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	into, err := rapport.KindThread.Parse(body.Into)
	if err != nil {
		return nil, rapport.Invalid("into", "is no thread's id (thr_...)")
	}
	by, err := in.caller().As(body.Agent)
	if err != nil {
		return nil, err
	}
	t, err := d.g.MergeThread(ctx, by, id, into)
	if err != nil {
		return nil, err
	}
	v, err := d.whole(ctx, t)
	if err != nil {
		return nil, err
	}
	return ok(v)
}

func (d *door) postUnmerge(ctx context.Context, in *ThreadPath, body *UnmergeInput) (*reply[Thread], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	by, err := in.caller().As(body.Agent)
	if err != nil {
		return nil, err
	}
	t, err := d.g.UnmergeThread(ctx, by, id)
	if err != nil {
		return nil, err
	}
	v, err := d.whole(ctx, t)
	if err != nil {
		return nil, err
	}
	return ok(v)
}

func (d *door) postSplit(ctx context.Context, in *ThreadPath, body *gateway.SplitInput) (*reply[Thread], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	by, err := in.caller().As(body.Agent)
	if err != nil {
		return nil, err
	}
	t, err := d.g.SplitThread(ctx, by, id, *body)
	if err != nil {
		return nil, err
	}
	return created("/v1/threads/"+rapport.KindThread.Format(t.ID), threadView(t))
}
