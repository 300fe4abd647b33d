package gateway

import (
	"context"
	"strings"

	"rapport"
)

// Refused counts the recipients that could not become a message, also those refused when they were staged
// that planning has not come to.
func (g *Gateway) Refused(ctx context.Context, c *rapport.Campaign) (int64, error) {
	n, err := g.refusedAhead(ctx, c)
	return c.Refused + n[c.ID], err
}

func (g *Gateway) refusedAhead(ctx context.Context, cs ...*rapport.Campaign) (map[rapport.ID]int64, error) {
	var staged []rapport.ID
	for _, c := range cs {
		if !c.Drawn() && c.Cursor < c.Audience {
			staged = append(staged, c.ID)
		}
	}
	return g.Store.CountRefused(ctx, staged...)
}

// Ledger sums up a campaign. Recipients that are not planned yet count as planned and pending, unless they
// are refused already; when it was cancelled before they were, as cancelled.
func (g *Gateway) Ledger(ctx context.Context, c *rapport.Campaign) (*rapport.Counts, error) {
	ns, err := g.Ledgers(ctx, c)
	if err != nil {
		return nil, err
	}
	return ns[0], nil
}

// Ledgers sums up many campaigns by two questions to the database, each at its place.
func (g *Gateway) Ledgers(ctx context.Context, cs ...*rapport.Campaign) ([]*rapport.Counts, error) {
	ns, err := g.Store.Counts(ctx, cs...)
	if err != nil {
		return nil, err
	}
	refused, err := g.refusedAhead(ctx, cs...)
	if err != nil {
		return nil, err
	}
	for i, c := range cs {
		n, left := ns[i], int64(0)
		open := c.Status == rapport.CampaignCancelled || c.Status == rapport.CampaignScheduled || c.Status == rapport.CampaignPlanning || c.Status == rapport.CampaignDraft || (c.Status == rapport.CampaignPaused || c.Status == rapport.CampaignQuarantined) && !strings.HasSuffix(string(c.PausedFrom), string(rapport.CampaignRunning))
		if open && !c.DryRun {
			if left = c.Audience - c.Cursor - refused[c.ID]; c.Drawn() {
				left = c.Audience - n.Planned - c.Refused
			}
		}
		if left > 0 {
			n.Planned += left
			if c.Status == rapport.CampaignCancelled {
				n.Cancelled += left
			} else {
				n.Pending += left
			}
		}
	}
	return ns, nil
}
