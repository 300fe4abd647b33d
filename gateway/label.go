package gateway

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"rapport"
	"rapport/store"
)

// LabelInput is how a label is shown.
type LabelInput struct {
	Colour string `json:"colour" maxLength:"7" doc:"#rrggbb; empty: none of its own." example:"#c2410c"`
	Name   string `json:"name,omitempty" maxLength:"100" doc:"What it is called from now on: threads that carry it and views that ask for it follow. Where there is a label of that name, both become one."`
}

var colour = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// SaveLabel gives a label a colour, whether or not a thread carries it yet, and perhaps another name, which is returned.
func (g *Gateway) SaveLabel(ctx context.Context, by Caller, name string, in LabelInput) (string, error) {
	v := validation{}
	if name = strings.TrimSpace(name); name == "" {
		v.refuse("name", "is required")
	}
	v.text("name", name, longestLabel)
	to := name
	if in.Name != "" {
		if to = strings.TrimSpace(in.Name); to == "" {
			v.refuse("name", "is empty")
		}
		v.text("name", to, longestLabel)
	}
	if in.Colour = strings.ToLower(in.Colour); in.Colour != "" && !colour.MatchString(in.Colour) {
		v.refuse("colour", "must look like #c2410c")
	}
	if len(v.errs) > 0 {
		return "", invalid(v.errs)
	}
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		if to != name {
			if err := s.SaveLabel(ctx, name, ""); err != nil {
				return err
			}
		}
		if err := s.SaveLabel(ctx, to, in.Colour); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "label.saved", Subject: to})
	})
	if err == nil && to != name {
		err = g.relabel(ctx, name, to)
	}
	return to, err
}

// DropLabel takes a label off every thread and forgets its colour. Views that ask for it stay, and find nothing.
func (g *Gateway) DropLabel(ctx context.Context, by Caller, name string) error {
	all, err := g.Store.Labels(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(l store.Label) bool { return rapport.NameKey(l.Name) == rapport.NameKey(name) }) {
		return rapport.NotFound("label")
	}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.SaveLabel(ctx, name, ""); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "label.deleted", Subject: strings.TrimSpace(name)})
	})
	if err != nil {
		return err
	}
	return g.relabel(ctx, name, "")
}

// relabel puts a label in the place of another, or nothing, on all threads: in pieces, so that nobody who writes waits long.
// What a crash leaves half done, doing it again ends.
func (g *Gateway) relabel(ctx context.Context, from, to string) error {
	for {
		n, err := g.Store.Relabel(ctx, from, to)
		if err != nil || n < store.MaxRows {
			return err
		}
	}
}
