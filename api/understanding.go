package api

import (
	"context"
	"net/http"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// Understanding is what a customer's words are taken to mean.
type Understanding struct {
	Language    Meant      `json:"language"`
	Intent      Meant      `json:"intent" doc:"stop, question, complaint, thanks, order or other."`
	Sentiment   Meant      `json:"sentiment" doc:"positive, neutral or negative."`
	CorrectedBy string     `json:"corrected_by,omitempty"`
	CorrectedAt *time.Time `json:"corrected_at,omitempty"`
}

// Meant is one of them, and how far to trust it.
type Meant struct {
	Value      string         `json:"value"`
	Confidence float64        `json:"confidence" doc:"0 to 1."`
	Source     rapport.Source `json:"source" enum:"guess,model,person" doc:"guess: word lists, offline; model: the assistant; person: stands over both."`
}

func understandingView(u rapport.Understanding) *Understanding {
	return &Understanding{Meant(u.Language), Meant(u.Intent), Meant(u.Sentiment), u.CorrectedBy, maybe(u.CorrectedAt)}
}

func (d *door) understanding() {
	const tag = "Threads"
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/entries/{id}/understanding", Scope: "write:threads", Tag: tag, Summary: "Say what a reply means", Refuses: []int{404},
		About: "It stands over every guess, and counts in the campaign's numbers; what is not given stays a guess. 404: no customer wrote it, or it was erased."}, d.putUnderstanding)
	handle(d, route{Method: http.MethodPost, Path: "/v1/threads/{id}/suggest", Scope: "write:threads", Tag: tag, Summary: "Have an answer drafted", Refuses: []int{404, 409},
		About: "By the assistant, if one is configured; what is said in the thread goes there without addresses. The draft is neither sent nor kept. 409: none is configured, or there is nothing to answer. 503: it did not answer."}, d.suggest)
	handle(d, route{Method: http.MethodGet, Path: "/v1/campaigns/{id}/replies/summary", Scope: "read:threads", Tag: tag, Summary: "What a campaign's recipients answered, in numbers", Refuses: []int{404},
		About: "People, not messages: each counts once, by the newest reply of theirs, as it is understood now."}, d.getReplySummary)
}

func (d *door) putUnderstanding(ctx context.Context, in *oneEntry, body *gateway.CorrectionInput) (*reply[Entry], error) {
	id, err := parse(rapport.KindEntry, in.ID, "entry")
	if err != nil {
		return nil, err
	}
	e, err := d.g.Correct(ctx, in.caller(), id, *body)
	if err != nil {
		return nil, err
	}
	view, err := d.delivered(ctx, []rapport.Entry{e})
	if err != nil {
		return nil, err
	}
	return ok(view(e))
}

// ReplySummary counts people.
type ReplySummary struct {
	Reached    int64            `json:"reached" doc:"To whom a message went out."`
	Customers  int64            `json:"customers" doc:"Who answered. Of those who were erased since it is not known any more what."`
	Rate       float64          `json:"rate" doc:"customers of reached, 0 to 1."`
	Intents    map[string]int64 `json:"intents"`
	Sentiments map[string]int64 `json:"sentiments"`
	Languages  map[string]int64 `json:"languages"`
}

func (d *door) getReplySummary(ctx context.Context, in *CampaignPath) (*reply[ReplySummary], error) {
	id, err := parse(rapport.KindCampaign, in.ID, "campaign")
	if err != nil {
		return nil, err
	}
	if _, err := d.st.Campaign(ctx, id); err != nil {
		return nil, err
	}
	n, err := d.st.ReplySummary(ctx, id)
	if err != nil {
		return nil, err
	}
	return ok(replySummaryView(n))
}

func replySummaryView(n store.ReplySummary) ReplySummary {
	v := ReplySummary{Reached: n.Reached, Customers: n.Customers, Intents: n.Intents, Sentiments: n.Sentiments, Languages: n.Languages}
	if n.Reached > 0 {
		v.Rate = min(1, float64(n.Customers)/float64(n.Reached))
	}
	return v
}

func (d *door) suggest(ctx context.Context, in *ThreadPath) (*reply[gateway.Suggestion], error) {
	id, err := in.thread()
	if err != nil {
		return nil, err
	}
	v, err := d.g.Suggest(ctx, id)
	if err != nil {
		return nil, err
	}
	return ok(v)
}
