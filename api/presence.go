package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"rapport"
)

// Presence says whether an agent is there.
type Presence struct {
	Agent  string                 `json:"agent"`
	Status rapport.PresenceStatus `json:"status" enum:"online,away,offline" doc:"offline also without a word for three minutes."`
	SeenAt time.Time              `json:"seen_at" doc:"When the agent's program last said so."`
	Thread string                 `json:"thread,omitempty" doc:"Which thread they look at, as far as their program says."`
}

func (d *door) presenceView(p rapport.Presence) Presence {
	return Presence{p.Agent, p.At(d.st.Now()), p.SeenAt, rapport.KindThread.Format(p.Thread)}
}

func (d *door) presence() {
	const tag = "Agents"
	handle(d, route{Method: http.MethodGet, Path: "/v1/presence", Scope: "read:agents", Tag: tag, Summary: "Who is there"}, d.listPresence)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/presence/{agent}", Scope: "write:threads", Tag: tag, Summary: "Say whether an agent is there",
		About: "Said again each minute; without a word for three minutes an agent counts as offline. Who comes online gets open threads that nobody has, if threads are assigned automatically."}, d.putPresence)
	handle(d, route{Method: http.MethodGet, Path: "/v1/assignment", Scope: "read:agents", Tag: tag, Summary: "Who gets threads that nobody has"}, d.getAssignment)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/assignment", Scope: "write:agents", Tag: tag, Summary: "Change who gets threads that nobody has",
		About: "automatic: in turn, among the agents online who have fewer open threads than cap."}, d.putAssignment)
}

type listPresence struct {
	Request
	Paging
	Thread string `query:"thread" maxLength:"40" doc:"Only who looks at this thread."`
}

func (d *door) listPresence(ctx context.Context, in *listPresence) (*reply[List[Presence]], error) {
	rows, err := d.st.Presences(ctx)
	if err != nil {
		return nil, err
	}
	thread, err := parseQuery(rapport.KindThread, in.Thread, "thread")
	if err != nil {
		return nil, err
	}
	if thread != 0 {
		rows = slices.DeleteFunc(rows, func(p rapport.Presence) bool { return p.Thread != thread })
	}
	page, err := excerpt("presence", in.Paging, rows, func(p rapport.Presence) string { return p.Agent }, d.presenceView)
	if err != nil {
		return nil, err
	}
	return ok(page)
}

type agentPath struct {
	Request
	Agent string `path:"agent" maxLength:"200" example:"Maria"`
}

// PresenceInput is what an agent says.
type PresenceInput struct {
	Status rapport.PresenceStatus `json:"status" enum:"online,away,offline"`
	Thread string                 `json:"thread,omitempty" maxLength:"40" doc:"Which thread the agent looks at; colleagues in it see that. Without it: none."`
}

func (d *door) putPresence(ctx context.Context, in *agentPath, body *PresenceInput) (*reply[Presence], error) {
	by, err := in.caller().As(in.Agent)
	if err != nil {
		return nil, err
	}
	var thread rapport.ID
	if body.Thread != "" {
		if thread, err = rapport.KindThread.Parse(body.Thread); err != nil {
			return nil, rapport.Invalid("thread", "is not an id of the form thr_…")
		}
	}
	p, err := d.g.SetPresence(ctx, by.Name, body.Status)
	if err != nil {
		return nil, err
	}
	p.Thread = thread
	if err := d.st.LookAt(ctx, p.Agent, thread); err != nil {
		return nil, err
	}
	return ok(d.presenceView(p))
}

type noInput struct{ Request }

func (d *door) getAssignment(ctx context.Context, _ *noInput) (*reply[rapport.Assignment], error) {
	a, err := d.st.Assignment(ctx)
	if err != nil {
		return nil, err
	}
	return ok(a)
}

func (d *door) putAssignment(ctx context.Context, in *noInput, body *rapport.Assignment) (*reply[rapport.Assignment], error) {
	if err := d.g.PutAssignment(ctx, in.caller(), *body); err != nil {
		return nil, err
	}
	return ok(*body)
}
