package gateway

import (
	"bytes"
	"context"
	"encoding/json"

	"rapport"
	"rapport/store"
)

// SegmentInput is a filter of customers, under a key.
type SegmentInput struct {
	Key    string          `json:"key,omitempty" maxLength:"100" doc:"Needed when it is made, and not changed later." example:"loyal-riga"`
	Name   string          `json:"name" minLength:"1" maxLength:"200" example:"Loyal customers in Riga"`
	Filter json.RawMessage `json:"filter" doc:"A tree of all, any and not over questions, see docs/segments.md."`
}

func (in *SegmentInput) check(isNew bool) error {
	v := validation{}
	if in.Name = agentName(in.Name); in.Name == "" {
		v.refuse("name", "is required")
	}
	v.text("name", in.Name, 200)
	if isNew && !validKey(in.Key) {
		v.refuse("key", "must be %s", keyRule)
	}
	if !isNew && in.Key != "" {
		v.refuse("key", "cannot be changed")
	}
	if len(v.errs) > 0 {
		return invalid(v.errs)
	}
	if _, err := rapport.ParseFilter(in.Filter); err != nil {
		return err
	}
	var flat bytes.Buffer
	if err := json.Compact(&flat, in.Filter); err != nil {
		return rapport.Invalid("filter", "is not JSON")
	}
	in.Filter = flat.Bytes()
	return nil
}

// CreateSegment keeps a new one.
func (g *Gateway) CreateSegment(ctx context.Context, by Caller, in SegmentInput) (seg store.Segment, err error) {
	if err := in.check(true); err != nil {
		return seg, err
	}
	seg = store.Segment{Key: in.Key, Name: in.Name, Filter: in.Filter}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.CreateSegment(ctx, &seg); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "segment.saved", Subject: in.Key})
	})
	if g.Store.Duplicate(err) {
		return seg, rapport.Errorf(rapport.CodeConflict, "There is a segment %q already.", in.Key)
	}
	return seg, err
}

// ChangeSegment replaces name and filter. Campaigns that were launched keep the filter that they were launched with.
func (g *Gateway) ChangeSegment(ctx context.Context, by Caller, ref string, in SegmentInput) (seg store.Segment, err error) {
	if err := in.check(false); err != nil {
		return seg, err
	}
	return seg, g.Store.Tx(ctx, func(s *store.Store) error {
		was, err := s.FindSegment(ctx, ref)
		if err != nil {
			return err
		}
		if seg, err = s.ChangeSegment(ctx, was.ID, in.Name, in.Filter); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "segment.saved", Subject: seg.Key})
	})
}

// DropSegment deletes one that no draft needs.
func (g *Gateway) DropSegment(ctx context.Context, by Caller, ref string) error {
	return g.Store.Tx(ctx, func(s *store.Store) error {
		seg, err := s.FindSegment(ctx, ref)
		if err != nil {
			return err
		}
		used, err := s.SegmentInUse(ctx, seg.ID)
		if err == nil && used {
			err = rapport.Errorf(rapport.CodeConflict, "A draft draws its audience from this segment.")
		}
		if err != nil {
			return err
		}
		if _, err := s.DropSegment(ctx, seg.ID); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "segment.deleted", Subject: seg.Key})
	})
}
