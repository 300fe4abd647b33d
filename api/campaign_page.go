package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// drafting is what a draft is worked on with, and what a page about a campaign shows.
func (d *door) drafting() {
	const tag = "Campaigns"
	handleJSON(d, route{Method: http.MethodPatch, Path: "/v1/campaigns/{id}", Scope: "write:campaigns", Tag: tag, Summary: "Change a draft", Refuses: []int{404, 409},
		About: "What is not given stays. What the draft is then is checked as a new one is. 409: it is no draft any more, or, for audience, has recipients of its own."}, d.patchCampaign)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/campaigns/{id}", Scope: "write:campaigns", Tag: tag, Summary: "Delete a draft", Status: 204, Refuses: []int{404, 409}, About: "With its recipients. 409: it is no draft any more."}, d.deleteCampaign)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/campaigns/{id}/duplicate", Scope: "write:campaigns", Tag: tag, Summary: "Make a draft like a campaign", Status: 201, Bare: true, Refuses: []int{404},
		About: "With the template's current version, without times that are past, and without recipients, unless they are drawn from a segment or everyone."}, d.duplicateCampaign)
	handle(d, route{Method: http.MethodPost, Path: "/v1/campaigns/{id}/estimate", Scope: "read:campaigns", Tag: tag, Summary: "What would a draft do?", Refuses: []int{404},
		About: "As a dry run, at once, and without a trace: of as many recipients as can be looked at in 3 seconds, at most 20,000; complete says whether that was all. 200 messages of each channel are rendered, and the segments of the others are as many on average. " +
			"409: it is no draft."}, d.estimateCampaign)
	handle(d, route{Method: http.MethodGet, Path: "/v1/campaigns/{id}/funnel", Scope: "read:campaigns", Tag: tag, Summary: "How a campaign fares, in figures for charts", Refuses: []int{404},
		About: "Counted from its rows, and kept for a second at least, for a large campaign longer: as_of says when. The series has at most some 300 steps, and only those in which something happened."}, d.funnel)
}

func (d *door) patchCampaign(ctx context.Context, in *CampaignPath, body *gateway.CampaignChange) (*reply[Campaign], error) {
	id, err := parse(rapport.KindCampaign, in.ID, "campaign")
	if err != nil {
		return nil, err
	}
	c, err := d.g.PatchCampaign(ctx, in.caller(), id, *body)
	if err != nil {
		return nil, err
	}
	return d.wholeCampaign(ctx, c)
}

func (d *door) deleteCampaign(ctx context.Context, in *CampaignPath) (*reply[nothing], error) {
	id, err := parse(rapport.KindCampaign, in.ID, "campaign")
	if err != nil {
		return nil, err
	}
	if err := d.g.DropCampaign(ctx, in.caller(), id); err != nil {
		return nil, err
	}
	return done()
}

// DuplicateInput names the new draft.
type DuplicateInput struct {
	Name string `json:"name,omitempty" maxLength:"200" doc:"Default: that of the campaign, and (copy)."`
}

func (d *door) duplicateCampaign(ctx context.Context, in *CampaignPath, body *DuplicateInput) (*reply[Campaign], error) {
	id, err := parse(rapport.KindCampaign, in.ID, "campaign")
	if err != nil {
		return nil, err
	}
	c, err := d.g.DuplicateCampaign(ctx, in.caller(), id, body.Name)
	if err != nil {
		return nil, err
	}
	out, err := d.wholeCampaign(ctx, c)
	if err != nil {
		return nil, err
	}
	return created("/v1/campaigns/"+out.Body.ID, out.Body)
}

func (d *door) estimateCampaign(ctx context.Context, in *CampaignPath) (*reply[*gateway.DryRun], error) {
	id, err := parse(rapport.KindCampaign, in.ID, "campaign")
	if err != nil {
		return nil, err
	}
	e, err := d.g.Estimate(ctx, id)
	if rapport.CodeOf(err) == rapport.CodeRateLimited {
		fiberOf(in.ctx).Locals(overloadKey{}, overCampaigns)
	}
	if err != nil {
		return nil, err
	}
	return ok(e)
}

// Funnel is how a campaign fares.
type Funnel struct {
	AsOf     time.Time        `json:"as_of"`
	Channels []FunnelChannel  `json:"channels" nullable:"false"`
	Skipped  map[string]int64 `json:"skipped" doc:"Messages by reason."`
	Failed   map[string]int64 `json:"failed" doc:"Messages by reason."`
	Replies  ReplySummary     `json:"replies"`
	Step     string           `json:"step,omitempty" doc:"Of the series, as a duration: 1m, 5m, 15m, 1h, 6h, 24h, 168h or 672h." example:"5m"`
	Series   []FunnelStep     `json:"series" nullable:"false" doc:"What happened in each step, each message once of a kind."`
}

// FunnelChannel is one channel's part.
type FunnelChannel struct {
	Channel rapport.Channel              `json:"channel"`
	States  map[string]int64             `json:"states" doc:"They exclude each other and sum to the messages of the channel."`
	Engaged map[rapport.Engagement]int64 `json:"engaged" doc:"With how many messages a person did that: opened, clicked, replied, converted, unsubscribed, complained."`
}

// FunnelStep is what happened from At on, for a step.
type FunnelStep struct {
	At        time.Time `json:"at"`
	Sent      int64     `json:"sent"`
	Delivered int64     `json:"delivered" doc:"By the provider's word."`
	Opened    int64     `json:"opened"`
	Clicked   int64     `json:"clicked"`
	Replied   int64     `json:"replied"`
}

// mostReasons bounds what is told of reasons: the more frequent ones come one by one, the others as "other".
const mostReasons = 30

func funnelView(f *gateway.Funnel) Funnel {
	v := Funnel{AsOf: f.At, Channels: []FunnelChannel{}, Skipped: map[string]int64{}, Failed: map[string]int64{}, Replies: replySummaryView(f.Replies), Series: []FunnelStep{}}
	at := map[rapport.Channel]int{}
	channel := func(c rapport.Channel) *FunnelChannel {
		i, known := at[c]
		if !known {
			i = len(v.Channels)
			at[c] = i
			v.Channels = append(v.Channels, FunnelChannel{c, map[string]int64{}, map[rapport.Engagement]int64{}})
		}
		return &v.Channels[i]
	}
	tell := func(reasons map[string]int64, x store.FunnelState) {
		reason := x.Reason
		if _, known := reasons[reason]; !known && len(reasons) >= mostReasons || reason == "" {
			reason = "other"
		}
		reasons[reason] += x.N
	}
	for _, x := range f.States {
		channel(x.Channel).States[x.State.String()] += x.N
		switch x.State {
		case rapport.Skipped:
			tell(v.Skipped, x)
		case rapport.Failed:
			tell(v.Failed, x)
		}
	}
	for _, x := range f.Engaged {
		channel(x.Channel).Engaged[x.Kind] = x.N
	}
	if f.Step > 0 {
		v.Step = rapport.FormatDuration(f.Step)
	}
	steps := map[time.Time]*FunnelStep{}
	for _, p := range f.Points {
		s := steps[p.At]
		if s == nil {
			s = &FunnelStep{At: p.At}
			steps[p.At] = s
		}
		switch p.What {
		case "sent":
			s.Sent = p.N
		case "delivered":
			s.Delivered = p.N
		case string(rapport.Opened):
			s.Opened = p.N
		case string(rapport.Clicked):
			s.Clicked = p.N
		case string(rapport.Replied):
			s.Replied = p.N
		}
	}
	for _, s := range steps {
		v.Series = append(v.Series, *s)
	}
	slices.SortFunc(v.Series, func(a, b FunnelStep) int { return a.At.Compare(b.At) })
	return v
}

func (d *door) funnel(ctx context.Context, in *CampaignPath) (*reply[Funnel], error) {
	id, err := parse(rapport.KindCampaign, in.ID, "campaign")
	if err != nil {
		return nil, err
	}
	f, err := d.g.Funnel(ctx, id)
	if err != nil {
		return nil, err
	}
	return ok(funnelView(f))
}
