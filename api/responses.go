package api

import (
	"context"
	"net/http"
	"time"

	"rapport"
	"rapport/store"
)

// Response is how long a customer waited for a person.
type Response struct {
	ID              string               `json:"id"`
	Thread          string               `json:"thread"`
	Kind            rapport.ResponseKind `json:"kind" enum:"first_reply,reply,resolution"`
	Agent           string               `json:"agent,omitempty"`
	Channel         rapport.Channel      `json:"channel"`
	Campaign        string               `json:"campaign,omitempty" doc:"That the thread answers."`
	WaitedFrom      time.Time            `json:"waited_from" doc:"The customer's oldest word that waited."`
	Seconds         float64              `json:"seconds" doc:"Waited, as the clock goes."`
	BusinessSeconds float64              `json:"business_seconds" doc:"Of it, within the business hours that held then."`
	CreatedAt       time.Time            `json:"created_at"`
}

func responseView(r rapport.Response) Response {
	return Response{rapport.KindResponse.Format(r.ID), rapport.KindThread.Format(r.Thread), r.Kind, r.Agent, r.Channel, rapport.KindCampaign.Format(r.Campaign), r.WaitedFrom,
		r.Waited.Seconds(), r.Business.Seconds(), r.At}
}

// ResponseSummary tells how response times of one kind are spread.
type ResponseSummary struct {
	Kind     rapport.ResponseKind `json:"kind" enum:"first_reply,reply,resolution"`
	Count    int64                `json:"count"`
	Seconds  Percentiles          `json:"seconds"`
	Business Percentiles          `json:"business_seconds"`
}

// Percentiles by nearest rank.
type Percentiles struct {
	Median float64 `json:"median"`
	P90    float64 `json:"p90"`
}

func (d *door) responses() {
	const tag = "Agents"
	handle(d, route{Method: http.MethodGet, Path: "/v1/responses", Scope: "read:threads", Tag: tag, Summary: "Response times",
		About: "One for each answer of an agent to words that waited, and for each resolution; the newest first. Campaigns and automatic answers count for none."}, d.listResponses)
	handle(d, route{Method: http.MethodGet, Path: "/v1/responses/summary", Scope: "read:threads", Tag: tag, Summary: "Response times, summed up", About: "Median and 90th percentile by kind."}, d.sumResponses)
}

// ResponseQuery narrows response times.
type ResponseQuery struct {
	Request
	Kind     rapport.ResponseKind `query:"kind" enum:"first_reply,reply,resolution"`
	Agent    string               `query:"agent" maxLength:"200"`
	Channel  rapport.Channel      `query:"channel" enum:"email,sms,whatsapp,telegram,webhook,phone"`
	Campaign string               `query:"campaign" maxLength:"40"`
	From     time.Time            `query:"from" doc:"Answers given from then on."`
	Until    time.Time            `query:"until" doc:"And before then."`
}

func (q *ResponseQuery) filter() (f store.ResponseFilter, err error) {
	f = store.ResponseFilter{Kind: q.Kind, Agent: q.Agent, Channel: q.Channel, From: q.From, Until: q.Until}
	f.Campaign, err = parseQuery(rapport.KindCampaign, q.Campaign, "campaign")
	return f, err
}

type listResponses struct {
	ResponseQuery
	Paging
}

func (d *door) listResponses(ctx context.Context, in *listResponses) (*reply[List[Response]], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	p, err := in.page("responses")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Responses(ctx, f, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("responses", rows, next, responseView))
}

func (d *door) sumResponses(ctx context.Context, in *ResponseQuery) (*reply[[]ResponseSummary], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	sums, err := d.st.SummarizeResponses(ctx, f)
	if err != nil {
		return nil, err
	}
	out := []ResponseSummary{}
	for _, s := range sums {
		out = append(out, ResponseSummary{s.Kind, s.Count, Percentiles{s.Median.Seconds(), s.P90.Seconds()}, Percentiles{s.BusinessMedian.Seconds(), s.BusinessP90.Seconds()}})
	}
	return ok(out)
}
