package gateway

import (
	"context"
	"time"

	"rapport"
)

// Explanation says why a customer got a campaign's message, or why not.
type Explanation struct {
	Campaign string         `json:"campaign"`
	Customer string         `json:"customer"`
	Messages []SentMessage  `json:"messages" doc:"What the ledger holds."`
	Rules    []rapport.Rule `json:"rules" doc:"Each rule in order, with the facts it sees now."`
	Outcome  []Outlook      `json:"would" doc:"What would be decided now."`
}

// Outlook is a decision as it would be made now.
type Outlook struct {
	Channel rapport.Channel `json:"channel"`
	Send    bool            `json:"send"`
	Reason  string          `json:"reason,omitempty"`
	DueAt   *time.Time      `json:"due_at,omitempty"`
}

// Explain asks every rule again, aloud. The facts are those of now; what was decided then stands in the
// ledger, which is shown beside it.
func (g *Gateway) Explain(ctx context.Context, campaign rapport.ID, customerRef string) (*Explanation, error) {
	c, err := g.Store.Campaign(ctx, campaign)
	if err != nil {
		return nil, err
	}
	cu, err := g.Store.FindCustomer(ctx, customerRef)
	if err != nil {
		return nil, err
	}
	set, err := g.rules(ctx, g.Store, c)
	if err != nil {
		return nil, err
	}
	profiles, err := g.Store.Profiles(ctx, []rapport.ID{cu.ID}, c.Purpose, c.Topic)
	if err != nil {
		return nil, err
	}
	p := profiles[cu.ID]
	if p == nil {
		return nil, rapport.NotFound("customer")
	}
	out := &Explanation{Campaign: rapport.KindCampaign.Format(c.ID), Customer: rapport.KindCustomer.Format(cu.ID), Messages: []SentMessage{}, Rules: []rapport.Rule{}}
	rows, err := g.Store.OfCampaign(ctx, c.ID, cu.ID)
	if err != nil {
		return nil, err
	}
	for _, m := range rows {
		out.Messages = append(out.Messages, SentMessage{ID: rapport.KindMessage.Format(m.ID), Channel: m.Channel, State: m.State.String(), Reason: m.Reason, DueAt: &m.Due})
	}
	for _, d := range rapport.Decide(g.facts(set, p, g.now()), func(r rapport.Rule) { out.Rules = append(out.Rules, r) }) {
		o := Outlook{Channel: d.Channel, Send: d.Send, Reason: d.Reason}
		if d.Send {
			o.DueAt = &d.Due
		}
		out.Outcome = append(out.Outcome, o)
	}
	return out, nil
}
