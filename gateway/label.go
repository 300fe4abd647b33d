package gateway

import (
	"context"
	"regexp"
	"strings"

	"rapport/store"
)

// LabelInput is how a label is shown.
type LabelInput struct {
	Colour string `json:"colour" maxLength:"7" doc:"#rrggbb; empty: none of its own." example:"#c2410c"`
}

var colour = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// SaveLabel gives a label a colour, whether or not a thread carries it yet.
func (g *Gateway) SaveLabel(ctx context.Context, by Caller, name string, in LabelInput) error {
	v := validation{}
	if strings.TrimSpace(name) == "" {
		v.refuse("name", "is required")
	}
	v.text("name", name, 100)
	if in.Colour = strings.ToLower(in.Colour); in.Colour != "" && !colour.MatchString(in.Colour) {
		v.refuse("colour", "must look like #c2410c")
	}
	if len(v.errs) > 0 {
		return invalid(v.errs)
	}
	return g.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.SaveLabel(ctx, name, in.Colour); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "label.saved", Subject: strings.TrimSpace(name)})
	})
}
