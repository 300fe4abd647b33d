package gateway

import (
	"context"
	"encoding/json"

	"rapport"
	"rapport/store"
)

// ViewInput is a filter of the list of threads, under a name.
type ViewInput struct {
	Name     string     `json:"name" minLength:"1" maxLength:"100" example:"Urgent, nobody's"`
	Filter   ViewFilter `json:"filter"`
	Shared   bool       `json:"shared,omitempty" doc:"Everybody sees it."`
	Agent    string     `json:"agent,omitempty" maxLength:"200" doc:"Whose it is, unless it is shared. Default: the key's name."`
	Position int        `json:"position,omitempty" minimum:"0" maximum:"10000" doc:"Views are listed by it, and those of one position in the order in which they were made."`
}

// ViewFilter is what GET /v1/threads takes, but for one customer's: nothing of a view names a person.
type ViewFilter struct {
	Status    []string `json:"status,omitempty" maxItems:"5" enum:"open,pending,snoozed,resolved,spam"`
	Assignee  string   `json:"assignee,omitempty" maxLength:"200" doc:"A name; me, none or any."`
	Channel   string   `json:"channel,omitempty" enum:"email,sms,whatsapp,telegram,webhook,phone"`
	Label     string   `json:"label,omitempty" maxLength:"100"`
	Priority  string   `json:"priority,omitempty" enum:"low,normal,high,urgent"`
	Unread    bool     `json:"unread,omitempty"`
	Waiting   bool     `json:"waiting,omitempty"`
	Campaign  string   `json:"campaign,omitempty" maxLength:"40"`
	Intent    string   `json:"intent,omitempty" enum:"stop,question,complaint,thanks,order,other"`
	Sentiment string   `json:"sentiment,omitempty" enum:"positive,neutral,negative"`
	Q         string   `json:"q,omitempty" maxLength:"200"`
	Sort      string   `json:"sort,omitempty" enum:"last_activity,created,priority,waiting"`
	Order     string   `json:"order,omitempty" enum:"asc,desc"`
}

// mostViews is how many one agent may see.
const mostViews = 200

func (in *ViewInput) check(by Caller) (v store.View, err error) {
	bad := validation{}
	if in.Name = agentName(in.Name); in.Name == "" {
		bad.refuse("name", "is required")
	}
	bad.text("name", in.Name, 100)
	if in.Position < 0 || in.Position > 10_000 {
		bad.refuse("position", "must be from 0 to 10000")
	}
	if in.Shared && in.Agent != "" {
		bad.refuse("agent", "does not go together with shared")
	}
	f := in.Filter
	one := func(field, value string, known ...string) {
		if value == "" {
			return
		}
		for _, k := range known {
			if k == value {
				return
			}
		}
		bad.refuse("filter."+field, "must be one of %v", known)
	}
	bad.text("filter.assignee", f.Assignee, 200)
	bad.text("filter.label", f.Label, 100)
	bad.text("filter.q", f.Q, 200)
	if len(f.Status) > len(rapport.ThreadStatuses) {
		bad.refuse("filter.status", "names one twice")
	}
	for _, s := range f.Status {
		one("status", s, names(rapport.ThreadStatuses)...)
	}
	one("channel", f.Channel, append(names(rapport.Channels), string(rapport.Phone))...)
	one("priority", f.Priority, names(rapport.Priorities)...)
	one("intent", f.Intent, "stop", "question", "complaint", "thanks", "order", "other")
	one("sentiment", f.Sentiment, "positive", "neutral", "negative")
	one("sort", f.Sort, "last_activity", "created", "priority", "waiting")
	one("order", f.Order, "asc", "desc")
	if f.Campaign != "" {
		if _, err := rapport.KindCampaign.Parse(f.Campaign); err != nil {
			bad.refuse("filter.campaign", "is no campaign's id (cmp_...)")
		}
	}
	if len(bad.errs) > 0 {
		return v, invalid(bad.errs)
	}
	v = store.View{Name: in.Name, Position: in.Position}
	if !in.Shared {
		if v.Agent, err = agentOr(in.Agent, by); err != nil {
			return v, err
		}
	}
	v.Filter, err = json.Marshal(f)
	return v, err
}

func names[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// CreateView keeps a new view.
func (g *Gateway) CreateView(ctx context.Context, by Caller, in ViewInput) (store.View, error) {
	v, err := in.check(by)
	if err != nil {
		return v, err
	}
	return v, g.Store.Tx(ctx, func(s *store.Store) error {
		n, err := s.CountViews(ctx, v.Agent)
		if err == nil && n >= mostViews {
			err = rapport.Errorf(rapport.CodeConflict, "There are %d views already; delete one.", n)
		}
		if err != nil {
			return err
		}
		if err := s.CreateView(ctx, &v); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "view.saved", Subject: rapport.KindView.Format(v.ID)})
	})
}

// View finds one. An agent who is signed in knows everybody's and their own; a key knows all.
func (g *Gateway) View(ctx context.Context, by Caller, id rapport.ID) (store.View, error) {
	return viewFor(ctx, g.Store, by, id)
}

func viewFor(ctx context.Context, s *store.Store, by Caller, id rapport.ID) (store.View, error) {
	v, err := s.View(ctx, id)
	if err == nil && v.Agent != "" && by.Self(v.Agent) != nil {
		return store.View{}, rapport.NotFound("view")
	}
	return v, err
}

// ChangeView replaces one. Whose it is stays, unless the request names somebody or shares it.
func (g *Gateway) ChangeView(ctx context.Context, by Caller, id rapport.ID, in ViewInput) (v store.View, err error) {
	next, err := in.check(by)
	if err != nil {
		return v, err
	}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		was, err := viewFor(ctx, s, by, id)
		if err != nil {
			return err
		}
		next.ID = id
		if !in.Shared && in.Agent == "" && was.Agent != "" {
			next.Agent = was.Agent
		}
		if v, err = s.ChangeView(ctx, next); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "view.saved", Subject: rapport.KindView.Format(id)})
	})
	return v, err
}

// DropView deletes one.
func (g *Gateway) DropView(ctx context.Context, by Caller, id rapport.ID) error {
	return g.Store.Tx(ctx, func(s *store.Store) error {
		if _, err := viewFor(ctx, s, by, id); err != nil {
			return err
		}
		was, err := s.DropView(ctx, id)
		if err == nil && !was {
			err = rapport.NotFound("view")
		}
		if err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "view.deleted", Subject: rapport.KindView.Format(id)})
	})
}
