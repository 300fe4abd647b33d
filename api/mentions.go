package api

import (
	"context"
	"net/http"

	"rapport/store"
)

// Mention is a note that calls an agent.
type Mention struct {
	Agent string `json:"agent" doc:"In lower case."`
	Entry Entry  `json:"entry" doc:"The note."`
}

func (d *door) mentions() {
	handle(d, route{Method: http.MethodGet, Path: "/v1/mentions", Scope: "read:threads", Tag: "Threads", Summary: "Notes that call an agent", About: "Newest first."}, d.listMentions)
}

type listMentions struct {
	Request
	Paging
	Agent string `query:"agent" required:"true" minLength:"1" maxLength:"200" doc:"A name or an id, without the @."`
}

func (d *door) listMentions(ctx context.Context, in *listMentions) (*reply[List[Mention]], error) {
	p, err := in.page("mentions")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Mentions(ctx, in.Agent, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("mentions", rows, next, func(m store.Mention) Mention { return Mention{m.Agent, entryView(m.Entry)} }))
}
