package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"rapport"
	"rapport/gateway"
)

// Topic is a subject that people can choose.
type Topic struct {
	Key         string            `json:"key"`
	Policy      rapport.Policy    `json:"policy" enum:"opt_in,opt_out,none"`
	Title       map[string]string `json:"title"`
	TrackOpens  bool              `json:"track_opens"`
	TrackClicks bool              `json:"track_clicks"`
	Implicit    bool              `json:"implicit" doc:"Created at its first use, with the default policy; nobody has looked at it yet."`
	UpdatedAt   time.Time         `json:"updated_at"`
}

func topicView(t rapport.Topic) Topic {
	v := Topic{t.Key, t.Policy, t.Title, t.TrackOpens, t.TrackClicks, t.Implicit, t.UpdatedAt}
	if v.Title == nil {
		v.Title = map[string]string{}
	}
	return v
}

type oneTopic struct {
	Request
	Key string `path:"key" maxLength:"100" example:"news"`
}

func (d *door) topics() {
	handle(d, route{Method: http.MethodGet, Path: "/v1/topics", Scope: "read:topics", Tag: "Consent", Summary: "List topics"}, d.listTopics)
	handle(d, route{Method: http.MethodGet, Path: "/v1/topics/{key}", Scope: "read:topics", Tag: "Consent", Summary: "Find a topic", Refuses: []int{404}}, d.getTopic)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/topics/{key}", Scope: "write:topics", Tag: "Consent", Summary: "Create or replace a topic",
		About: "The policy says what marketing needs: opt_in a consent, opt_out no withdrawal; none is for transactional topics, marketing on it is refused."}, d.putTopic)
}

type shortList struct {
	Request
	Paging
}

func (d *door) listTopics(ctx context.Context, in *shortList) (*reply[List[Topic]], error) {
	rows, err := d.st.Topics(ctx)
	if err != nil {
		return nil, err
	}
	// The database may order keys by another alphabet than ours.
	slices.SortFunc(rows, func(a, b rapport.Topic) int { return strings.Compare(a.Key, b.Key) })
	page, err := excerpt("topics", in.Paging, rows, func(t rapport.Topic) string { return t.Key }, topicView)
	if err != nil {
		return nil, err
	}
	return ok(page)
}

func (d *door) getTopic(ctx context.Context, in *oneTopic) (*reply[Topic], error) {
	t, err := d.st.Topic(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	return ok(topicView(t))
}

func (d *door) putTopic(ctx context.Context, in *oneTopic, body *gateway.TopicInput) (*reply[Topic], error) {
	t, err := d.g.PutTopic(ctx, in.caller(), in.Key, *body)
	if err != nil {
		return nil, err
	}
	return ok(topicView(*t))
}
