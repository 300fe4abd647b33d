package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// Segment is a filter of customers, under a key.
type Segment struct {
	ID        string          `json:"id"`
	Key       string          `json:"key"`
	Name      string          `json:"name"`
	Filter    json.RawMessage `json:"filter"`
	Version   int             `json:"version" doc:"Of the filter; it rises when that changes."`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

func segmentView(s store.Segment) Segment {
	return Segment{rapport.KindSegment.Format(s.ID), s.Key, s.Name, s.Filter, s.Version, s.CreatedAt, s.UpdatedAt}
}

func (d *door) segments() {
	const tag = "Segments"
	handle(d, route{Method: http.MethodGet, Path: "/v1/segments", Scope: "read:customers", Tag: tag, Summary: "List segments", About: "Newest first."}, d.listSegments)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/segments", Scope: "write:customers", Tag: tag, Summary: "Save a segment", Status: 201}, d.postSegment)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/segments/preview", Scope: "read:customers", Tag: tag, Summary: "Whom does a filter choose?", About: "How many, and the newest twenty."}, d.previewSegment)
	handle(d, route{Method: http.MethodGet, Path: "/v1/segments/{id}", Scope: "read:customers", Tag: tag, Summary: "Find a segment", Refuses: []int{404}}, d.getSegment)
	handleJSON(d, route{Method: http.MethodPut, Path: "/v1/segments/{id}", Scope: "write:customers", Tag: tag, Summary: "Replace a segment", Refuses: []int{404},
		About: "Campaigns that were launched keep the filter that they were launched with; a draft takes the new one."}, d.putSegment)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/segments/{id}", Scope: "write:customers", Tag: tag, Summary: "Delete a segment", Status: 204, Refuses: []int{404, 409}, About: "409: a draft draws its audience from it."}, d.deleteSegment)
}

type oneSegment struct {
	Request
	ID string `path:"id" maxLength:"100" doc:"seg_…, or its key." example:"loyal-riga"`
}

type listSegments struct {
	Request
	Paging
}

func (d *door) listSegments(ctx context.Context, in *listSegments) (*reply[List[Segment]], error) {
	p, err := in.page("segments")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Segments(ctx, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("segments", rows, next, segmentView))
}

func (d *door) postSegment(ctx context.Context, in *justRequest, body *gateway.SegmentInput) (*reply[Segment], error) {
	s, err := d.g.CreateSegment(ctx, in.caller(), *body)
	if err != nil {
		return nil, err
	}
	return created("/v1/segments/"+rapport.KindSegment.Format(s.ID), segmentView(s))
}

func (d *door) getSegment(ctx context.Context, in *oneSegment) (*reply[Segment], error) {
	s, err := d.st.FindSegment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(segmentView(s))
}

func (d *door) putSegment(ctx context.Context, in *oneSegment, body *gateway.SegmentInput) (*reply[Segment], error) {
	s, err := d.g.ChangeSegment(ctx, in.caller(), in.ID, *body)
	if err != nil {
		return nil, err
	}
	return ok(segmentView(s))
}

func (d *door) deleteSegment(ctx context.Context, in *oneSegment) (*reply[nothing], error) {
	if err := d.g.DropSegment(ctx, in.caller(), in.ID); err != nil {
		return nil, err
	}
	return done()
}

// SegmentQuestion is a filter that nobody has saved.
type SegmentQuestion struct {
	Filter json.RawMessage `json:"filter"`
}

// SegmentAnswer is whom it chooses.
type SegmentAnswer struct {
	Count     int64      `json:"count"`
	Customers []Customer `json:"customers" nullable:"false" doc:"The newest twenty."`
}

func (d *door) previewSegment(ctx context.Context, _ *justRequest, body *SegmentQuestion) (*reply[SegmentAnswer], error) {
	f, err := rapport.ParseFilter(body.Filter)
	if err != nil {
		return nil, err
	}
	out := SegmentAnswer{Customers: []Customer{}}
	if out.Count, err = d.st.CountMatching(ctx, f, d.st.Now()); err != nil {
		return nil, err
	}
	rows, _, err := d.st.Customers(ctx, store.CustomerFilter{Match: f, Page: store.Page{Limit: 20}})
	if err != nil {
		return nil, err
	}
	for _, c := range rows {
		out.Customers = append(out.Customers, customerView(c))
	}
	return ok(out)
}

// chosen is the filter that a list of customers is asked for with: in the request itself, or that of a segment.
func (d *door) chosen(ctx context.Context, filter, segment string) (*rapport.Filter, error) {
	switch {
	case filter != "" && segment != "":
		return nil, rapport.Invalid("query.filter", "does not go together with segment")
	case segment != "":
		s, err := d.st.FindSegment(ctx, segment)
		if rapport.CodeOf(err) == rapport.CodeNotFound {
			return nil, rapport.Invalid("query.segment", "there is no segment %.40q", segment)
		}
		if err != nil {
			return nil, err
		}
		return rapport.ParseFilter(s.Filter)
	case filter != "":
		return rapport.ParseFilter(json.RawMessage(filter))
	}
	return nil, nil
}
