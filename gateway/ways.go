package gateway

import (
	"context"
	"slices"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
	"rapport/templates"
)

// Way is a channel on which an agent can write to a customer: where, at what price, within what limits.
type Way struct {
	Channel   rapport.Channel     `json:"channel"`
	Addresses []WayAddress        `json:"addresses" nullable:"false" doc:"The customer's, the one that is written to unless another is named first."`
	MaxText   int                 `json:"max_text,omitempty" doc:"How many characters one message may have; absent: any number. A long SMS goes out in segments."`
	Files     *channels.FileLimit `json:"files,omitempty" doc:"What files one message may carry; absent: none."`
	Price     float64             `json:"price" doc:"Of a message, on SMS of a segment, in minor units of the currency; 0: none is configured."`
	Currency  string              `json:"currency,omitempty" doc:"ISO 4217."`
}

// WayAddress is one address of a customer, and whether the rules let an agent write there now.
type WayAddress struct {
	Address    string     `json:"address"`
	Refused    string     `json:"refused,omitempty" doc:"Why the answer would be 409: the rule's reason, such as suppressed, or reply_window."`
	ReplyUntil *time.Time `json:"reply_until,omitempty" doc:"Until when the channel takes a free answer (WhatsApp: 24 hours after the customer's last message), or took it. Absent: always, or not before they write."`
}

// reasonWindow is why a free answer cannot be sent on a channel that waits for the customer to write.
const reasonWindow = "reply_window"

// WaysTo tells on which channels a customer can be written to, out of a conversation.
func (g *Gateway) WaysTo(ctx context.Context, customer string) ([]Way, error) {
	c, err := g.Store.FindCustomer(ctx, customer)
	if err != nil {
		return nil, err
	}
	return g.ways(ctx, c, 0, false)
}

// WaysIn tells on which channels the customer of a thread can be answered.
func (g *Gateway) WaysIn(ctx context.Context, t rapport.Thread) ([]Way, error) {
	c, err := g.Store.Customer(ctx, t.Customer)
	if err != nil {
		return nil, err
	}
	sandbox, err := g.cameBySandbox(ctx, g.Store, t.ID)
	if err != nil {
		return nil, err
	}
	return g.ways(ctx, c, t.Address, sandbox)
}

// ways asks the rules of an agent's answer about each address; own is the thread's, or 0.
func (g *Gateway) ways(ctx context.Context, c *rapport.Customer, own rapport.ID, sandbox bool) ([]Way, error) {
	set := &rules{campaign: &rapport.Campaign{Kind: rapport.KindOfReply, Purpose: rapport.Transactional, Sandbox: sandbox}, policy: g.set.DefaultPolicy, providers: map[rapport.Channel]bool{}}
	profiles, err := g.Store.Profiles(ctx, []rapport.ID{c.ID}, rapport.Transactional, "")
	if err != nil {
		return nil, err
	}
	p := profiles[c.ID]
	if p == nil {
		return nil, rapport.NotFound("customer")
	}
	out, files := []Way{}, g.fileLimits(sandbox)
	for _, ch := range rapport.Channels {
		addresses := slices.DeleteFunc(slices.Clone(c.Addresses), func(a rapport.Address) bool { return a.Channel != ch })
		if len(addresses) == 0 {
			continue
		}
		slices.SortStableFunc(addresses, func(a, b rapport.Address) int { return rank(b, own) - rank(a, own) })
		w := Way{Channel: ch, Price: g.set.Prices.Minor[ch], Currency: g.set.Prices.Currency}
		route := g.Hub.Route(ch, sandbox)
		if len(route) > 0 {
			w.MaxText = longest(ch, route[0].Caps())
		}
		if limit, ok := files[ch]; ok {
			w.Files = &limit
		}
		set.variants = map[rapport.Channel]bool{ch: true}
		set.providers[ch] = len(route) > 0
		set.campaign.Routing = rapport.Routing{Method: rapport.Preferred, Channels: []rapport.Channel{ch}}
		for _, a := range addresses {
			f := g.facts(set, p, g.now())
			f.Addresses = slices.DeleteFunc(slices.Clone(f.Addresses), func(x rapport.AddressFacts) bool { return x.ID != a.ID })
			at := WayAddress{Address: a.Value}
			if d := rapport.Decide(f, nil)[0]; !d.Send {
				at.Refused = d.Reason
			}
			if err := g.windowOf(ctx, g.Store, c.ID, a, sandbox, &at); err != nil {
				return nil, err
			}
			w.Addresses = append(w.Addresses, at)
		}
		out = append(out, w)
	}
	return out, nil
}

// rank puts the thread's own address before the primary one, and that before others.
func rank(a rapport.Address, own rapport.ID) int {
	switch {
	case a.ID == own:
		return 2
	case a.Primary:
		return 1
	}
	return 0
}

// longest is what people count: a driver counts the septets of an SMS, and a mail has no end.
func longest(ch rapport.Channel, c channels.Caps) int {
	switch ch {
	case rapport.SMS:
		return templates.MostSMS
	case rapport.Email:
		return 0
	}
	return c.MaxText
}

func (g *Gateway) windowOf(ctx context.Context, s *store.Store, customer rapport.ID, a rapport.Address, sandbox bool, at *WayAddress) error {
	window := g.replyWindow(a.Channel, sandbox)
	if window == 0 {
		return nil
	}
	heard, err := s.HeardAt(ctx, customer, a.ID)
	if err != nil {
		return err
	}
	if !heard.IsZero() {
		until := heard.Add(window)
		at.ReplyUntil = &until
	}
	if at.Refused == "" && (at.ReplyUntil == nil || !g.now().Before(*at.ReplyUntil)) {
		at.Refused = reasonWindow
	}
	return nil
}
