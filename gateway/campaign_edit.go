package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport"
	"rapport/store"
)

// CampaignChange is what may be changed about a draft; what is not given stays.
type CampaignChange struct {
	Name            *string          `json:"name,omitempty" maxLength:"200"`
	Purpose         *rapport.Purpose `json:"purpose,omitempty" enum:"marketing,transactional"`
	Topic           *string          `json:"topic,omitempty" maxLength:"100" doc:"Empty: the template's."`
	Template        *string          `json:"template,omitempty" maxLength:"128" doc:"Key of the template; its current version is pinned, also if it was this one's before."`
	Data            map[string]any   `json:"data,omitempty" doc:"Replaces all of it."`
	Routing         *RoutingInput    `json:"routing,omitempty" doc:"Replaces all of it."`
	SendAt          *time.Time       `json:"send_at,omitempty"`
	SendWindow      *WindowInput     `json:"send_window,omitempty" doc:"Replaces all of it."`
	ExpiresAt       *time.Time       `json:"expires_at,omitempty"`
	CancellationKey *string          `json:"cancellation_key,omitempty" maxLength:"200"`
	From            *string          `json:"from,omitempty" maxLength:"320"`
	ReplyTo         *string          `json:"reply_to,omitempty" maxLength:"320"`
	Metadata        map[string]any   `json:"metadata,omitempty" doc:"Replaces all of it."`
	Settings        *SendSettings    `json:"settings,omitempty" doc:"Replaces all of it."`
	Audience        *DrawnInput      `json:"audience,omitempty" doc:"Only while no recipients were stored."`
	Clear           []string         `json:"clear,omitempty" maxItems:"4" enum:"send_at,send_window,expires_at,audience" doc:"What the draft is no longer to have."`
}

// DrawnInput is an audience that is drawn from the customers: one of its fields.
type DrawnInput struct {
	Segment  string `json:"segment,omitempty" maxLength:"100" doc:"Its key, or seg_…."`
	Everyone bool   `json:"everyone,omitempty" doc:"Every customer, without partners: they are known from the conversations of others. Must be said."`
}

var clearable = []string{"send_at", "send_window", "expires_at", "audience"}

func (in *CampaignChange) apply(spec *SendSpec) error {
	for i, name := range in.Clear {
		if !slices.Contains(clearable, name) {
			return rapport.Invalid(fmt.Sprintf("clear[%d]", i), "must be one of %s", strings.Join(clearable, ", "))
		}
	}
	for _, f := range []struct{ from, to *string }{{in.Name, &spec.Name}, {in.Topic, &spec.Topic}, {in.Template, &spec.Template}, {in.CancellationKey, &spec.CancellationKey}, {in.From, &spec.From}, {in.ReplyTo, &spec.ReplyTo}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if in.Purpose != nil {
		spec.Purpose = *in.Purpose
	}
	if in.Data != nil {
		spec.Data = in.Data
	}
	if in.Metadata != nil {
		spec.Metadata = in.Metadata
	}
	if in.Routing != nil {
		spec.Routing = in.Routing
	}
	if slices.Contains(in.Clear, "send_at") {
		spec.SendAt = nil
	} else if in.SendAt != nil {
		spec.SendAt = in.SendAt
	}
	if slices.Contains(in.Clear, "send_window") {
		spec.SendWindow = nil
	} else if in.SendWindow != nil {
		spec.SendWindow = in.SendWindow
	}
	if slices.Contains(in.Clear, "expires_at") {
		spec.ExpiresAt = nil
	} else if in.ExpiresAt != nil {
		spec.ExpiresAt = in.ExpiresAt
	}
	if in.Settings != nil {
		spec.Settings = in.Settings
	}
	return nil
}

// specOf is what a campaign was asked for with.
func specOf(c *rapport.Campaign) (SendSpec, error) {
	spec := SendSpec{Name: c.Name, Purpose: c.Purpose, Topic: c.Topic, Template: c.TemplateKey, Routing: &RoutingInput{Method: c.Routing.Method, Channels: c.Routing.Channels}, CancellationKey: c.CancellationKey,
		From: c.From, ReplyTo: c.ReplyTo, Settings: &SendSettings{DryRun: c.DryRun, Sandbox: c.Sandbox}}
	for text, to := range map[*json.RawMessage]*map[string]any{&c.Data: &spec.Data, &c.Metadata: &spec.Metadata} {
		if len(*text) > 0 {
			if err := json.Unmarshal(*text, to); err != nil {
				return spec, fmt.Errorf("reading campaign %s: %w", rapport.KindCampaign.Format(c.ID), err)
			}
		}
	}
	if c.Routing.EscalateAfter > 0 {
		spec.Routing.EscalateAfter = c.Routing.EscalateAfter.String()
	}
	if !c.SendAt.IsZero() {
		spec.SendAt = &c.SendAt
	}
	if !c.ExpiresAt.IsZero() {
		spec.ExpiresAt = &c.ExpiresAt
	}
	if w := c.Window; w != nil {
		clock := func(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }
		spec.SendWindow = &WindowInput{From: clock(w.From), Until: clock(w.Until), Timezone: w.Zone}
		for name, day := range weekdays {
			if w.Days&(1<<day) != 0 {
				spec.SendWindow.Days = append(spec.SendWindow.Days, name)
			}
		}
	}
	return spec, nil
}

// PatchCampaign changes a draft. What it is then is checked as if it were new.
func (g *Gateway) PatchCampaign(ctx context.Context, by Caller, id rapport.ID, in CampaignChange) (*rapport.Campaign, error) {
	was, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	conflict := rapport.Errorf(rapport.CodeConflict, "Only a draft can be changed; this campaign is %s.", was.Status)
	if was.Status != rapport.CampaignDraft {
		return nil, conflict
	}
	spec, err := specOf(was)
	if err == nil {
		err = in.apply(&spec)
	}
	if err != nil {
		return nil, err
	}
	c, newTopic, err := g.campaign(ctx, by, was.Kind, &spec)
	if err != nil {
		return nil, err
	}
	c.ID, c.Status, c.Key, c.CreatedAt, c.Audience, c.Everyone, c.Segment = was.ID, was.Status, was.Key, was.CreatedAt, was.Audience, was.Everyone, was.Segment
	if in.Template == nil { // the version that was pinned stays
		c.Template, c.TemplateVersion = was.Template, was.TemplateVersion
	}
	if in.Audience != nil || slices.Contains(in.Clear, "audience") {
		if was.Audience > 0 {
			return nil, rapport.Errorf(rapport.CodeConflict, "The draft has recipients of its own already.")
		}
		c.Everyone, c.Segment = false, rapport.PinnedSegment{}
		if in.Audience != nil {
			if err := g.drawFrom(ctx, c, *in.Audience); err != nil {
				return nil, err
			}
		}
	}
	return c, g.Store.Tx(ctx, func(s *store.Store) error {
		if newTopic {
			if _, err := s.EnsureTopic(ctx, c.Topic, g.set.DefaultPolicy); err != nil {
				return err
			}
		}
		ok, err := s.ChangeDraft(ctx, c)
		if err == nil && !ok {
			err = conflict
		}
		return err
	})
}

// drawFrom lets an audience be drawn from the customers.
func (g *Gateway) drawFrom(ctx context.Context, c *rapport.Campaign, in DrawnInput) error {
	if (in.Segment != "") == in.Everyone {
		return rapport.Invalid("audience", "must hold exactly one of segment, everyone")
	}
	c.Everyone = in.Everyone
	if in.Segment == "" {
		return nil
	}
	seg, err := g.Store.FindSegment(ctx, in.Segment)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return rapport.Invalid("audience.segment", "there is no segment %q", in.Segment)
	}
	c.Segment = rapport.PinnedSegment{ID: seg.ID, Key: seg.Key}
	return err
}

// DuplicateCampaign makes a draft like another campaign: with the template's current version, without what has a time
// that is past, and without recipients, unless they are drawn from the customers.
func (g *Gateway) DuplicateCampaign(ctx context.Context, by Caller, id rapport.ID, name string) (*rapport.Campaign, error) {
	was, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	if was.Kind != rapport.KindOfCampaign {
		return nil, rapport.NotFound("campaign")
	}
	spec, err := specOf(was)
	if err != nil {
		return nil, err
	}
	if spec.Name = name; name == "" {
		const suffix = " (copy)"
		spec.Name = strings.ToValidUTF8(was.Name[:min(len(was.Name), 200-len(suffix))], "") + suffix
	}
	if was.SendAt.Before(g.now()) {
		spec.SendAt = nil
	}
	if was.ExpiresAt.Before(g.now()) {
		spec.ExpiresAt = nil
	}
	c, newTopic, err := g.campaign(ctx, by, rapport.KindOfCampaign, &spec)
	if err != nil {
		return nil, err
	}
	c.Status, c.Everyone, c.Segment = rapport.CampaignDraft, was.Everyone, rapport.PinnedSegment{ID: was.Segment.ID, Key: was.Segment.Key}
	return c, g.Store.Tx(ctx, func(s *store.Store) error {
		if newTopic {
			if _, err := s.EnsureTopic(ctx, c.Topic, g.set.DefaultPolicy); err != nil {
				return err
			}
		}
		return s.InsertCampaigns(ctx, c)
	})
}

// DropCampaign deletes a draft with its recipients.
func (g *Gateway) DropCampaign(ctx context.Context, by Caller, id rapport.ID) error {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return err
	}
	conflict := rapport.Errorf(rapport.CodeConflict, "Only a draft can be deleted; this campaign is %s.", c.Status)
	if c.Status != rapport.CampaignDraft {
		return conflict
	}
	if _, taken := g.staging.LoadOrStore(id, true); taken {
		return conflict
	}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		ok, err := s.ForsakeDraft(ctx, id, g.Worker())
		if err == nil && !ok {
			err = conflict
		}
		if err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "campaign.deleted", Subject: rapport.KindCampaign.Format(id)})
	})
	if err != nil {
		g.staging.Delete(id)
		return err
	}
	g.discard(id)
	return nil
}
