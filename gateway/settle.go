package gateway

import (
	"context"
	"errors"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// settleBatch settles rows in doubt whose time has come, by the policy of doubtOf.
func (g *Gateway) settleBatch(ctx context.Context, b store.Batch) error {
	for !g.engine.closed.Load() {
		rows, err := g.Store.SettleRows(ctx, b, 100, rapport.Doubtful)
		if err != nil || len(rows) == 0 {
			return err
		}
		later := g.now().Add(30 * time.Second)
		var outs []store.Outcome
		var postponed []rapport.ID
		for _, r := range rows {
			o := store.Outcome{ID: r.ID, Campaign: r.Campaign, Counted: b.Campaign != 0, Channel: r.Channel, Lane: b.Lane, Sandbox: b.Sandbox, Attempt: r.Attempt, Provider: r.Provider}
			var caps channels.Caps
			p, known := g.Hub.Provider(r.Provider)
			if known {
				caps = p.Caps()
			}
			policy, began := doubtOf(caps, r.Purpose), r.UpdatedAt
			if r.Reason == store.ReasonRestored {
				if policy, err = g.doubtAfterRestore(ctx, policy, caps, r); err != nil {
					return err
				}
				began = b.ID.Time()
			}
			switch policy {
			case resend:
				o.To, o.Reason, o.What, o.Due = rapport.Pending, "resent_after_doubt", store.WhatSend, g.now()
				if known {
					o.Pin = r.Provider
				}
			case hold:
				o.To, o.Reason = rapport.Unknown, "no_proof"
			case ask:
				answer, err := g.ask(ctx, p, r)
				switch {
				case err != nil && g.now().Sub(began) > g.set.Hold:
					o.To, o.Reason = rapport.Unknown, "provider_could_not_say"
				case err != nil:
					g.Log.Warn("a provider could not say whether it took a message", "message", rapport.KindMessage.Format(r.ID), "provider", r.Provider, "error", err)
					postponed = append(postponed, r.ID)
					continue
				case answer.Found:
					o.To, o.Reason, o.ProviderID, o.SentAt = rapport.Sent, "found_at_provider", answer.ProviderID, r.UpdatedAt
					if to := rapport.Advance(rapport.Sent, answer.Receipt); to != rapport.Sent {
						o.To = to
						if to == rapport.Failed {
							o.Reason = answer.Reason
						}
					}
				default:
					o.To, o.Reason, o.What, o.Due = rapport.Pending, "never_accepted", store.WhatSend, g.now()
				}
			}
			o.Notice = g.noticeOf(o.To, about{r.ID, r.Campaign, r.Customer, r.Channel, o.Reason})
			outs = append(outs, o)
		}
		if len(postponed) > 0 {
			if err := g.Store.Postpone(ctx, postponed, later); err != nil {
				return err
			}
		}
		if _, _, err := g.Store.Commit(ctx, g.Worker(), outs, nil); err != nil {
			return err
		}
	}
	return nil
}

func (g *Gateway) ask(ctx context.Context, p *channels.Provider, r store.SettleRow) (channels.Answer, error) {
	if r.Reason == store.ReasonRestored {
		return g.askEverybody(ctx, p, r)
	}
	return g.askOne(ctx, p, r, r.UpdatedAt.Add(p.Caps().Timeout+time.Minute))
}

// askOne asks a provider about a message that was sent between a minute before its claim and until.
func (g *Gateway) askOne(ctx context.Context, p *channels.Provider, r store.SettleRow, until time.Time) (channels.Answer, error) {
	l, ok := p.Lookup()
	if !ok {
		return channels.Answer{}, errors.New("it cannot be asked")
	}
	q := channels.Query{ID: r.ID, To: r.Value, SentFrom: r.UpdatedAt.Add(-time.Minute), SentUntil: until}
	if c, err := g.content(ctx, r.Campaign); err == nil {
		if o, _, err := g.compose(c, r.ID, r.Channel, r.Value, r.Vars, r.UpdatedAt, nil); err == nil {
			q.Text = o.Text.String()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return l.Lookup(ctx, q)
}

// escalateBatch looks at rows of a fallback routing that failed, or have no delivery receipt in time, and
// plans the next channel for them. What is delivered, in doubt or unknown stays as it is, and so does what
// was escalated before.
func (g *Gateway) escalateBatch(ctx context.Context, b store.Batch) error {
	rows, err := g.Store.SettleRows(ctx, b, store.MaxRows, rapport.Failed, rapport.Sent)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := g.escalate(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (g *Gateway) escalate(ctx context.Context, r store.SettleRow) error {
	campaign, err := g.campaigns.get(ctx, r.Campaign)
	if err != nil {
		return err
	}
	live, err := g.Store.Campaign(ctx, r.Campaign)
	if err != nil || live.Status == rapport.CampaignCancelled {
		return err
	}
	return g.Store.Tx(ctx, func(s *store.Store) error {
		tried, err := s.OfCampaign(ctx, r.Campaign, r.Customer)
		if err != nil || tried[len(tried)-1].ID != r.ID {
			return err
		}
		profiles, err := s.Profiles(ctx, []rapport.ID{r.Customer}, campaign.Purpose, campaign.Topic)
		if err != nil {
			return err
		}
		p := profiles[r.Customer]
		if p == nil {
			return nil
		}
		set, err := g.rules(ctx, s, campaign)
		if err != nil {
			return err
		}
		f := g.facts(set, p, g.now())
		f.Tried = map[rapport.Channel]bool{}
		for _, m := range tried {
			f.Tried[m.Channel] = true
		}
		d := rapport.Decide(f, nil)[0]
		if !d.Send {
			return nil // nothing is left to try: the row that failed says why
		}
		if d.Due.Before(g.now()) {
			d.Due = g.now()
		}
		row := g.row(set, p, d, r.Seq, r.Vars)
		if _, err = s.AddMessages(ctx, g.Worker(), []store.Row{row}); err != nil || campaign.Kind != rapport.KindOfCampaign {
			return err
		}
		// A late bounce may come when the campaign was finished: now it is not.
		_, err = s.MoveCampaign(ctx, r.Campaign, rapport.CampaignRunning, rapport.CampaignFinished)
		return err
	})
}
