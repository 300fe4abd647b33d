package gateway

import (
	"context"
	"fmt"
	"strconv"

	"rapport"
	"rapport/store"
)

// Launch sets a draft going.
func (g *Gateway) Launch(ctx context.Context, by Caller, id rapport.ID) (*rapport.Campaign, error) {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Status == rapport.CampaignQuarantined {
		return nil, inQuarantine()
	}
	if c.Status != rapport.CampaignDraft {
		return nil, rapport.Errorf(rapport.CodeConflict, "Only a draft can be launched; this campaign is %s.", c.Status)
	}
	if c.Audience == 0 && !c.Drawn() {
		return nil, rapport.Errorf(rapport.CodeConflict, "The draft has no recipients yet.")
	}
	return c, g.launch(ctx, by, c, rapport.CampaignDraft)
}

func (g *Gateway) launch(ctx context.Context, by Caller, c *rapport.Campaign, from rapport.CampaignStatus) error {
	if err := g.launchIn(ctx, g.Store, by, c, from); err != nil {
		return err
	}
	if c.Status == rapport.CampaignPlanning {
		g.hint(Wake{Plan: c.ID})
	}
	return nil
}

func (g *Gateway) launchIn(ctx context.Context, s *store.Store, by Caller, c *rapport.Campaign, from rapport.CampaignStatus) error {
	to := rapport.CampaignPlanning
	if c.SendAt.After(g.now()) && !c.DryRun {
		// Recipients whose quiet hours or zones move them further are planned then, with the facts of then.
		to = rapport.CampaignScheduled
	}
	if err := g.draw(ctx, s, c); err != nil {
		return err
	}
	err := s.Tx(ctx, func(s *store.Store) error {
		if c.Segment.ID != 0 {
			if err := s.PinSegment(ctx, c); err != nil {
				return err
			}
		}
		ok, err := s.LaunchCampaign(ctx, c, to, from)
		if err != nil {
			return err
		}
		if !ok {
			return rapport.Errorf(rapport.CodeConflict, "The campaign was changed by another request.")
		}
		if c.DryRun {
			return nil
		}
		if err := s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "campaign.launched", Subject: rapport.KindCampaign.Format(c.ID)}); err != nil {
			return err
		}
		return g.publish(ctx, s, aboutCampaign(c, to, nil).Notice(rapport.CampaignLaunched, 0))
	})
	if err != nil {
		return err
	}
	c.Status = to
	return nil
}

// Pause stops new sends within a second; what is on the wire is recorded.
func (g *Gateway) Pause(ctx context.Context, by Caller, id rapport.ID) (*rapport.Campaign, error) {
	return g.move(ctx, by, id, rapport.CampaignPaused, "paused", rapport.CampaignScheduled, rapport.CampaignPlanning, rapport.CampaignRunning)
}

// Resume returns to where Pause found the campaign.
func (g *Gateway) Resume(ctx context.Context, by Caller, id rapport.ID) (*rapport.Campaign, error) {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	to := c.PausedFrom
	if to == "" {
		to = rapport.CampaignPlanning
	}
	if c, err = g.move(ctx, by, id, to, "resumed", rapport.CampaignPaused); err != nil {
		return nil, err
	}
	if to == rapport.CampaignPlanning {
		g.hint(Wake{Plan: id})
	}
	return c, nil
}

// Cancel closes what has not been sent. It takes hold within a second; the rows are closed 500 at a time.
func (g *Gateway) Cancel(ctx context.Context, by Caller, id rapport.ID) (*rapport.Campaign, error) {
	return g.move(ctx, by, id, rapport.CampaignCancelled, "cancelled", rapport.CampaignDraft, rapport.CampaignScheduled, rapport.CampaignPlanning, rapport.CampaignRunning, rapport.CampaignPaused, rapport.CampaignQuarantined)
}

func (g *Gateway) move(ctx context.Context, by Caller, id rapport.ID, to rapport.CampaignStatus, word string, from ...rapport.CampaignStatus) (*rapport.Campaign, error) {
	ok := false
	err := g.Store.Tx(ctx, func(s *store.Store) (err error) {
		if ok, err = s.MoveCampaign(ctx, id, to, from...); err != nil || !ok {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "campaign." + word, Subject: rapport.KindCampaign.Format(id)})
	})
	if err != nil {
		return nil, err
	}
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	if !ok && c.Status == rapport.CampaignQuarantined {
		return nil, inQuarantine()
	}
	if !ok && c.Status != to {
		return nil, rapport.Errorf(rapport.CodeConflict, "A campaign that is %s cannot be %s.", c.Status, word)
	}
	return c, nil
}

// CancelByKey cancels every open campaign and message with that key, or only what is for some customers
// ("cus_..." or "ext:..."). It returns how many campaigns it touched and, with customers, how many
// messages it closed at once.
func (g *Gateway) CancelByKey(ctx context.Context, by Caller, key string, customers []string) (campaigns int, messages int64, err error) {
	if key == "" {
		return 0, 0, rapport.Invalid("cancellation_key", "is required")
	}
	found, err := g.Store.CampaignsByCancellation(ctx, key)
	if err != nil {
		return 0, 0, err
	}
	var only []rapport.ID
	for i, ref := range customers {
		cu, err := g.Store.FindCustomer(ctx, ref)
		if err != nil {
			return 0, 0, rapport.Invalid(fmt.Sprintf("customers[%d]", i), "there is no such customer")
		}
		only = append(only, cu.ID)
	}
	for _, c := range found {
		campaigns++
		if only == nil {
			if _, err := g.Store.MoveCampaign(ctx, c.ID, rapport.CampaignCancelled, c.Status); err != nil {
				return campaigns, messages, err
			}
		}
		if err := g.Store.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "campaign.cancelled", Subject: rapport.KindCampaign.Format(c.ID), Detail: detail("cancellation_key", key, "customers", strconv.Itoa(len(only)))}); err != nil {
			return campaigns, messages, err
		}
		for {
			n, err := g.Store.CancelRows(ctx, g.Worker(), c, only)
			if err != nil {
				return campaigns, messages, err
			}
			if messages += int64(n); n < store.MaxRows {
				break
			}
		}
	}
	return campaigns, messages, nil
}
