package gateway

import (
	"context"
	"encoding/json"
	"errors"

	"rapport"
	"rapport/store"
)

// DryRun is what a campaign would do.
type DryRun struct {
	Recipients int64                     `json:"recipients"`
	Refused    int64                     `json:"refused"`
	Channels   map[rapport.Channel]int64 `json:"channels"` // messages that would go out
	Later      int64                     `json:"later"`    // of them, how many wait for a window or quiet hours
	Skipped    map[string]int64          `json:"skipped"`  // by reason
	Segments   int64                     `json:"sms_segments"`
	CostMicros int64                     `json:"cost_micros"` // SMS segments at the configured price
	Samples    []Sample                  `json:"samples"`     // at most ten, rendered
}

// Sample is one message as its customer would see it.
type Sample struct {
	Customer string          `json:"customer"`
	Channel  rapport.Channel `json:"channel"`
	To       string          `json:"to"`
	Subject  string          `json:"subject,omitempty"`
	Text     string          `json:"text,omitempty"`
	HTML     string          `json:"html,omitempty"`
	Body     string          `json:"body,omitempty"`
	Segments int             `json:"segments,omitempty"`
	Error    string          `json:"error,omitempty"`
}

const maxSamples = 10

// dryRun plans a campaign with the very engine that sends, page by page in transactions that are rolled
// back, and keeps only the result. Every message is rendered: a template that fails for one customer shows.
func (g *Gateway) dryRun(ctx context.Context, set *rules) error {
	d := &DryRun{Recipients: set.campaign.Audience, Channels: map[rapport.Channel]int64{}, Skipped: map[string]int64{}, Samples: []Sample{}}
	for cursor, last := int64(0), false; !last; {
		err := g.Store.Tx(ctx, func(s *store.Store) error {
			page, err := g.planPage(ctx, s, set, cursor)
			if err != nil {
				return err
			}
			d.Refused += int64(len(page.refusals))
			for _, r := range page.rows {
				if err := g.dryRow(ctx, s, set, d, r); err != nil {
					return err
				}
			}
			cursor, last = page.next, page.last
			return errRollback
		})
		if !errors.Is(err, errRollback) {
			return err
		}
	}
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := g.Store.SetResult(ctx, set.campaign.ID, b); err != nil {
		return err
	}
	ok, err := g.Store.MoveCampaign(ctx, set.campaign.ID, rapport.CampaignFinished, rapport.CampaignPlanning)
	if ok {
		g.purge(ctx, set.campaign.ID)
	}
	return err
}

func (g *Gateway) dryRow(ctx context.Context, s *store.Store, set *rules, d *DryRun, r store.Row) error {
	if r.Message.State != rapport.Pending {
		d.Skipped[r.Message.Reason]++
		return nil
	}
	if r.Message.Due.After(g.now()) {
		d.Later++
	}
	a, err := s.Address(ctx, r.Message.Address)
	if err != nil {
		return err
	}
	sample := Sample{Customer: rapport.KindCustomer.Format(r.Message.Customer), Channel: r.Message.Channel, To: a.Value}
	o, rendered, err := g.compose(set.content, r.Message.ID, r.Message.Channel, a.Value, r.Vars, g.now(), nil)
	if err != nil {
		sample.Error = err.Error()
		d.Skipped[rapport.ReasonRender]++
	} else {
		d.Channels[r.Message.Channel]++
		d.Segments += int64(rendered.SMS.Segments)
		d.CostMicros += int64(rendered.SMS.Segments) * g.set.SMSCost
		sample.Subject, sample.Text, sample.HTML, sample.Body, sample.Segments = rendered.Subject.String(), o.Text.String(), o.HTML.String(), o.Body.String(), rendered.SMS.Segments
	}
	if len(d.Samples) < maxSamples && d.Channels[r.Message.Channel] <= maxSamples/2 { // so that no channel takes all of them
		d.Samples = append(d.Samples, sample)
	}
	return nil
}

// drySend says what a single message would do, and keeps nothing.
func (g *Gateway) drySend(ctx context.Context, c *rapport.Campaign, patch store.CustomerPatch, data map[string]any) (res SendResult, replayed bool, err error) {
	x := &submission{campaign: c, patch: patch, data: data, notes: &Notes{Message: "Dry run: nothing was kept or sent."}}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		up, err := s.UpsertCustomers(ctx, []store.CustomerPatch{patch})
		if err != nil {
			return err
		}
		if err := up[0].Err(); err != nil {
			return err
		}
		profiles, err := s.Profiles(ctx, []rapport.ID{up[0].ID}, c.Purpose, c.Topic)
		if err != nil {
			return err
		}
		policy, err := g.policy(ctx, s, c.Topic)
		if err != nil {
			return err
		}
		if _, err := g.single(ctx, x, profiles[up[0].ID], policy); err != nil {
			return err
		}
		return errRollback
	})
	if errors.Is(err, errRollback) {
		err = x.err
	}
	return x.result, false, err
}
