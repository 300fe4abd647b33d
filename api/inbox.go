package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// ThreadRow is a thread as a list shows it: with all that stands on its line.
type ThreadRow struct {
	Thread
	CustomerName string     `json:"customer_name"`
	CampaignName string     `json:"campaign_name,omitempty"`
	Last         *LastWords `json:"last,omitempty" doc:"The newest words that the customer can see: preview is how they begin."`
	Unverified   bool       `json:"unverified,omitempty" doc:"Who wrote the customer's newest words is not certain."`
	Drafts       []string   `json:"drafts" nullable:"false" doc:"Agents who have begun to write."`
}

// LastWords are an entry without its text.
type LastWords struct {
	Entry       string            `json:"entry"`
	Kind        rapport.EntryKind `json:"kind" enum:"inbound,outbound"`
	Channel     rapport.Channel   `json:"channel"`
	Author      string            `json:"author,omitempty"`
	Attachments int               `json:"attachments" doc:"How many."`
	CreatedAt   time.Time         `json:"created_at"`
}

// threadRows adds what rows show.
func (d *door) threadRows(ctx context.Context, rows []rapport.Thread) (func(rapport.Thread) ThreadRow, error) {
	shown, err := d.st.InboxRows(ctx, rows)
	return func(t rapport.Thread) ThreadRow {
		r := shown[t.ID]
		v := ThreadRow{Thread: threadView(t), CustomerName: r.Customer, CampaignName: r.Campaign, Unverified: r.Unverified, Drafts: append([]string{}, r.Drafts...)}
		if w := r.Last; w.ID != 0 {
			v.Last = &LastWords{rapport.KindEntry.Format(w.ID), w.Kind, w.Channel, w.Author, w.Files, w.At}
		}
		return v
	}, err
}

func (d *door) inbox() {
	const tag = "Inbox"
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/threads/bulk", Scope: "write:threads", Tag: tag, Summary: "Change many threads",
		About: "At most 200, each by itself: what one refuses does not stop the others. The outcomes stand in the order of the request."}, d.bulkThreads)
	handle(d, route{Method: http.MethodGet, Path: "/v1/labels", Scope: "read:threads", Tag: tag, Summary: "List labels", About: "Those that threads carry and those that have a colour, by name. Case does not matter in a label."}, d.listLabels)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/labels/{name}", Scope: "write:threads", Tag: tag, Summary: "Give a label a colour, or another name"}, d.putLabel)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/labels/{name}", Scope: "write:threads", Tag: tag, Summary: "Delete a label", Status: 204, Refuses: []int{404},
		About: "Threads that carry it lose it. Views that ask for it stay, and find nothing."}, d.deleteLabel)
	handle(d, route{Method: http.MethodGet, Path: "/v1/views", Scope: "read:threads", Tag: tag, Summary: "List views", About: "Everybody's and those of one agent, by position."}, d.listViews)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/views", Scope: "write:threads", Tag: tag, Summary: "Save a filter as a view", Status: 201, About: "409: there are 200 already."}, d.postView)
	handle(d, route{Method: http.MethodGet, Path: "/v1/views/{id}", Scope: "read:threads", Tag: tag, Summary: "Find a view", Refuses: []int{404}}, d.getView)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/views/{id}", Scope: "write:threads", Tag: tag, Summary: "Replace a view", Refuses: []int{404}, About: "Whose it is stays, unless the request names somebody or shares it."}, d.putView)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/views/{id}", Scope: "write:threads", Tag: tag, Summary: "Delete a view", Status: 204, Refuses: []int{404}}, d.deleteView)
}

// ThreadsChange is one change of many threads.
type ThreadsChange struct {
	Threads []string   `json:"threads" minItems:"1" maxItems:"200"`
	Change  BulkChange `json:"change"`
	Agent   string     `json:"agent,omitempty" maxLength:"200" doc:"Who changes them. Default: the key's name."`
}

// BulkChange is what may be changed of many; what is not given stays.
type BulkChange struct {
	Status       *rapport.ThreadStatus `json:"status,omitempty" enum:"open,pending,snoozed,resolved,spam"`
	SnoozedUntil *time.Time            `json:"snoozed_until,omitempty" doc:"Goes with the status snoozed."`
	Assignee     *string               `json:"assignee,omitempty" maxLength:"200" doc:"Empty: nobody."`
	LabelsAdd    []string              `json:"labels_add,omitempty" maxItems:"50"`
	LabelsRemove []string              `json:"labels_remove,omitempty" maxItems:"50"`
	Priority     *rapport.Priority     `json:"priority,omitempty" enum:"low,normal,high,urgent"`
	Read         *bool                 `json:"read,omitempty"`
}

func (c *BulkChange) patch() (p store.ThreadPatch, err error) {
	if err := (&ThreadChange{Status: c.Status, Priority: c.Priority, Assignee: c.Assignee}).check(); err != nil {
		refusal, _ := errors.AsType[*rapport.Error](err)
		for i, f := range refusal.Fields {
			refusal.Fields[i].Path = "change." + f.Path
		}
		return p, refusal
	}
	add, err := gateway.Labels("change.labels_add", c.LabelsAdd)
	if err != nil {
		return p, err
	}
	remove, err := gateway.Labels("change.labels_remove", c.LabelsRemove)
	if err != nil {
		return p, err
	}
	if c.Status == nil && c.SnoozedUntil == nil && c.Assignee == nil && c.Priority == nil && c.Read == nil && len(add)+len(remove) == 0 {
		return p, rapport.Invalid("change", "changes nothing")
	}
	p = store.ThreadPatch{Status: c.Status, SnoozedUntil: c.SnoozedUntil, Assignee: c.Assignee, Priority: c.Priority, AddLabels: add, DropLabels: remove}
	if c.Read != nil {
		unread := !*c.Read
		p.Unread = &unread
	}
	return p, nil
}

// ThreadsChanged is what became of each.
type ThreadsChanged struct {
	Outcomes []ThreadOutcome `json:"outcomes" nullable:"false"`
	Changed  int             `json:"changed"`
	Refused  int             `json:"refused"`
}

// ThreadOutcome is the thread as it is now, or why it was not changed.
type ThreadOutcome struct {
	ID     string  `json:"id" doc:"As it was asked for; of a thread that was merged, thread is the one that it was merged into."`
	Thread *Thread `json:"thread,omitempty"`
	Error  string  `json:"error,omitempty" doc:"The kind of refusal: not_found, conflict, invalid."`
	Detail string  `json:"detail,omitempty"`
}

func (d *door) bulkThreads(ctx context.Context, in *justRequest, body *ThreadsChange) (*reply[ThreadsChanged], error) {
	if n := len(body.Threads); n == 0 || n > 200 {
		return nil, rapport.Invalid("threads", "must name from 1 to 200 threads")
	}
	ids, seen := make([]rapport.ID, len(body.Threads)), map[rapport.ID]bool{}
	for i, text := range body.Threads {
		id, err := rapport.KindThread.Parse(text)
		if err != nil || seen[id] {
			return nil, rapport.Invalid(fmt.Sprintf("threads[%d]", i), "is no thread's id (thr_...), or there twice")
		}
		ids[i], seen[id] = id, true
	}
	p, err := body.Change.patch()
	if err != nil {
		return nil, err
	}
	by, err := in.caller().As(body.Agent)
	if err != nil {
		return nil, err
	}
	all, err := d.g.PatchThreads(ctx, by, ids, p)
	if err != nil {
		return nil, err
	}
	out := ThreadsChanged{Outcomes: make([]ThreadOutcome, len(all))}
	for i, x := range all {
		out.Outcomes[i].ID = rapport.KindThread.Format(x.ID)
		if x.Err != nil {
			out.Refused++
			out.Outcomes[i].Error, out.Outcomes[i].Detail = string(x.Err.Code), x.Err.Message
			if len(x.Err.Fields) > 0 {
				out.Outcomes[i].Detail = "change." + x.Err.Fields[0].Path + " " + x.Err.Fields[0].Message
			}
			continue
		}
		v := threadView(x.Thread)
		out.Changed++
		out.Outcomes[i].Thread = &v
	}
	return ok(out)
}

// Label is a word that threads carry.
type Label struct {
	Name    string `json:"name"`
	Colour  string `json:"colour,omitempty" doc:"#rrggbb."`
	Threads int64  `json:"threads" doc:"How many carry it."`
}

type listLabels struct {
	Request
	Paging
}

func (d *door) listLabels(ctx context.Context, in *listLabels) (*reply[List[Label]], error) {
	rows, err := d.st.Labels(ctx)
	if err != nil {
		return nil, err
	}
	list, err := excerpt("labels", in.Paging, rows, func(l store.Label) string { return strings.ToLower(l.Name) }, func(l store.Label) Label { return Label(l) })
	if err != nil {
		return nil, err
	}
	return ok(list)
}

type oneLabel struct {
	Request
	Name string `path:"name" maxLength:"300" example:"refund"`
}

func (d *door) putLabel(ctx context.Context, in *oneLabel, body *gateway.LabelInput) (*reply[Label], error) {
	name, err := d.g.SaveLabel(ctx, in.caller(), in.Name, *body)
	if err != nil {
		return nil, err
	}
	all, err := d.st.Labels(ctx)
	if err != nil {
		return nil, err
	}
	out := Label{Name: name}
	for _, l := range all {
		if strings.EqualFold(l.Name, out.Name) {
			out = Label(l)
		}
	}
	return ok(out)
}

func (d *door) deleteLabel(ctx context.Context, in *oneLabel) (*reply[nothing], error) {
	if err := d.g.DropLabel(ctx, in.caller(), in.Name); err != nil {
		return nil, err
	}
	return done()
}

// View is a filter of the list of threads, under a name.
type View struct {
	ID        string             `json:"id"`
	Name      string             `json:"name"`
	Filter    gateway.ViewFilter `json:"filter"`
	Shared    bool               `json:"shared"`
	Agent     string             `json:"agent,omitempty" doc:"Whose it is, unless it is shared."`
	Position  int                `json:"position"`
	CreatedAt time.Time          `json:"created_at"`
	UpdatedAt time.Time          `json:"updated_at"`
}

func viewView(v store.View) View {
	out := View{ID: rapport.KindView.Format(v.ID), Name: v.Name, Shared: v.Agent == "", Agent: v.Agent, Position: v.Position, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt}
	_ = json.Unmarshal(v.Filter, &out.Filter) // we wrote it
	return out
}

type listViews struct {
	Request
	Paging
	Agent string `query:"agent" maxLength:"200" doc:"Whose, besides everybody's. Default: the key's name."`
}

func (d *door) listViews(ctx context.Context, in *listViews) (*reply[List[View]], error) {
	var after store.ViewCursor
	if err := in.after("views", &after); err != nil {
		return nil, err
	}
	by, err := in.caller().As(in.Agent)
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Views(ctx, by.Name, after, in.Limit)
	if err != nil {
		return nil, err
	}
	return ok(listOf("views", rows, next, viewView))
}

func (d *door) postView(ctx context.Context, in *justRequest, body *gateway.ViewInput) (*reply[View], error) {
	v, err := d.g.CreateView(ctx, in.caller(), *body)
	if err != nil {
		return nil, err
	}
	return created("/v1/views/"+rapport.KindView.Format(v.ID), viewView(v))
}

type oneView struct {
	Request
	ID string `path:"id" maxLength:"40" example:"viw_0b8t9g3kq8x1w"`
}

func (d *door) getView(ctx context.Context, in *oneView) (*reply[View], error) {
	id, err := parse(rapport.KindView, in.ID, "view")
	if err != nil {
		return nil, err
	}
	v, err := d.g.View(ctx, in.caller(), id)
	if err != nil {
		return nil, err
	}
	return ok(viewView(v))
}

func (d *door) putView(ctx context.Context, in *oneView, body *gateway.ViewInput) (*reply[View], error) {
	id, err := parse(rapport.KindView, in.ID, "view")
	if err != nil {
		return nil, err
	}
	v, err := d.g.ChangeView(ctx, in.caller(), id, *body)
	if err != nil {
		return nil, err
	}
	return ok(viewView(v))
}

func (d *door) deleteView(ctx context.Context, in *oneView) (*reply[nothing], error) {
	id, err := parse(rapport.KindView, in.ID, "view")
	if err != nil {
		return nil, err
	}
	if err := d.g.DropView(ctx, in.caller(), id); err != nil {
		return nil, err
	}
	return done()
}
