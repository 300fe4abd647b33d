package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rapport"
	"rapport/store"
	"rapport/templates"
)

// rules is what is the same for every recipient of a campaign.
type rules struct {
	campaign  *rapport.Campaign
	template  *templates.Template // nil with inline content
	content   *content
	policy    rapport.Policy
	variants  map[rapport.Channel]bool
	providers map[rapport.Channel]bool
	window    *time.Location
	portrait  *portrait
	filter    *rapport.Filter // of a segment that the audience is drawn from; else nil
}

func (g *Gateway) rules(ctx context.Context, s *store.Store, c *rapport.Campaign) (*rules, error) {
	policy, err := g.policy(ctx, s, c.Topic)
	if err != nil {
		return nil, err
	}
	return g.rulesUnder(ctx, c, policy)
}

// policy is the one of a topic as the database has it now; of a topic that is new, or none, the configured one.
func (g *Gateway) policy(ctx context.Context, s *store.Store, topic string) (rapport.Policy, error) {
	if topic == "" {
		return g.set.DefaultPolicy, nil
	}
	t, err := s.Topic(ctx, topic)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return g.set.DefaultPolicy, nil
	}
	return t.Policy, err
}

func (g *Gateway) rulesUnder(ctx context.Context, c *rapport.Campaign, policy rapport.Policy) (*rules, error) {
	content, err := g.contentOf(ctx, c)
	if err != nil {
		return nil, err
	}
	r := &rules{campaign: c, content: content, template: content.template, policy: policy, variants: content.template.Channels(), providers: map[rapport.Channel]bool{},
		portrait: newPortrait(content.template.Reads())}
	for _, ch := range rapport.Channels {
		r.providers[ch] = len(g.Hub.Route(ch, c.Sandbox)) > 0
	}
	if c.Window != nil && c.Window.Zone != "" && c.Window.Zone != "recipient" {
		if r.window, err = zone(c.Window.Zone); err != nil {
			return nil, rapport.Invalid("send_window.timezone", "is not a time zone")
		}
	}
	if c.Segment.ID != 0 && len(c.Segment.Filter) > 0 {
		if r.filter, err = rapport.ParseFilter(c.Segment.Filter); err != nil {
			return nil, fmt.Errorf("reading the segment of campaign %s: %w", rapport.KindCampaign.Format(c.ID), err)
		}
	}
	return r, nil
}

// reads are the channels whose addresses decisions look at, or the template; nil: all.
func (r *rules) reads() []rapport.Channel {
	if len(r.campaign.Routing.Channels) == 0 || r.portrait.all {
		return nil
	}
	out := slices.Clone(r.campaign.Routing.Channels)
	for _, c := range rapport.Channels {
		if r.portrait.wants(string(c)) {
			out = append(out, c)
		}
	}
	return out
}

// facts are what Decide looks at for one customer.
func (g *Gateway) facts(r *rules, p *store.Profile, now time.Time) *rapport.Facts {
	f := &rapport.Facts{Now: now, Purpose: r.campaign.Purpose, Topic: r.campaign.Topic, Policy: r.policy, Routing: r.campaign.Routing,
		SendAt: r.campaign.SendAt, ExpiresAt: r.campaign.ExpiresAt, Window: r.campaign.Window, WindowZone: r.window,
		Order: p.Order, Zone: g.set.DefaultZone, Quiet: p.Quiet, QuietOf: g.set.QuietMarketing, Cap: p.Cap, CapUsed: p.CapUsed,
		Addresses: p.Facts, Variants: r.variants, Providers: r.providers, Confirms: r.campaign.Kind == rapport.KindOfSystem}
	if z, err := zone(p.Timezone); p.Timezone != "" && err == nil {
		f.Zone = z
	} else {
		f.Elsewhere = zonesOfPhone
	}
	return f
}

// row is the message that a decision makes.
func (g *Gateway) row(r *rules, p *store.Profile, d rapport.Decision, seq int64, stored json.RawMessage) store.Row {
	m := rapport.Message{ID: g.Store.NewID(), Campaign: r.campaign.ID, Customer: p.ID, Channel: d.Channel, Address: d.Address, Epoch: d.Epoch,
		State: rapport.Pending, Reason: d.Reason, Due: d.Due, WindowEnd: d.WindowEnd, ExpiresAt: r.campaign.ExpiresAt, Seq: seq}
	if !d.Send {
		m.State = d.State
	}
	return store.Row{Message: m, Counted: r.campaign.Kind == rapport.KindOfCampaign, Lane: r.campaign.Lane(), Sandbox: r.campaign.Sandbox, Vars: stored}
}

// decideAgain settles rows whose facts have changed since they were decided: consent, suppression,
// preference or zone moved the address's epoch, or the window closed.
func (g *Gateway) decideAgain(ctx context.Context, b store.Batch, rows []store.Claimed) error {
	byCampaign := map[rapport.ID][]store.Claimed{}
	for _, r := range rows {
		byCampaign[r.Campaign] = append(byCampaign[r.Campaign], r)
	}
	var out []store.Redecided
	for id, rows := range byCampaign {
		campaign, err := g.campaigns.get(ctx, id)
		if err != nil {
			return err
		}
		set, err := g.rules(ctx, g.Store, campaign)
		if err != nil {
			return err
		}
		ids := make([]rapport.ID, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		into, twice, err := g.Store.MergedAway(ctx, ids)
		if err != nil {
			return err
		}
		for i := range rows {
			if to := into[rows[i].ID]; to != 0 {
				rows[i].Customer = to
			}
			ids[i] = rows[i].Customer
		}
		profiles, err := g.Store.Profiles(ctx, ids, campaign.Purpose, campaign.Topic)
		if err != nil {
			return err
		}
		for _, r := range rows {
			d := store.Redecided{ID: r.ID, Campaign: id, Counted: b.Campaign != 0, Lane: b.Lane, Sandbox: b.Sandbox, Channel: r.Channel, Pin: b.Provider}
			p := profiles[r.Customer]
			switch {
			case r.Cancelled:
				d.State, d.Reason = rapport.Cancelled, "cancelled"
			case r.Expired:
				d.State, d.Reason = rapport.Expired, rapport.ReasonExpired
			case twice[r.ID]:
				d.State, d.Reason = rapport.Skipped, rapport.ReasonDuplicate
			case r.Gone || p == nil:
				d.State, d.Reason = rapport.Skipped, rapport.ReasonNoAddress
			default:
				g.again(&d, set, p, r)
			}
			d.Notice = g.noticeOf(d.State, about{message: r.ID, campaign: id, customer: r.Customer, channel: r.Channel, reason: d.Reason})
			out = append(out, d)
		}
	}
	return g.Store.Redecide(ctx, g.Worker(), out)
}

// again decides for the row's own address only: the row is (campaign, customer, channel), and moving it to
// another channel would be another row.
func (g *Gateway) again(d *store.Redecided, set *rules, p *store.Profile, r store.Claimed) {
	now := g.now()
	f := g.facts(set, p, now)
	f.CapUsed-- // the row itself was counted
	f.Routing = rapport.Routing{Method: rapport.Preferred, Channels: []rapport.Channel{r.Channel}}
	var own []rapport.AddressFacts
	for _, a := range f.Addresses {
		if a.ID == r.AddressID {
			own = append(own, a)
		}
	}
	f.Addresses = own
	if len(own) == 1 && overtaken(set.campaign, own[0].Suppressed) {
		d.Epoch, d.State, d.Reason = own[0].Epoch, rapport.Skipped, rapport.ReasonOvertaken
		return
	}
	dec := rapport.Decide(f, nil)[0]
	d.Epoch, d.Reason = dec.Epoch, dec.Reason
	if !dec.Send {
		d.State = dec.State
		return
	}
	d.State, d.Due, d.WindowEnd = rapport.Pending, dec.Due, dec.WindowEnd
	d.Stay = !dec.Due.After(now)
}
