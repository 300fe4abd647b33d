package gateway

import (
	"context"
	"slices"

	"rapport"
	"rapport/store"
)

// unsubscribeLink is the source of a consent that the link of a message has withdrawn, resubscribeLink of one that it gave
// back.
const (
	unsubscribeLink = "unsubscribe_link"
	resubscribeLink = "resubscribe_link"
)

// mostHistory is how much of a customer's consents an undo looks at.
const mostHistory = 1000

// Resubscribe takes back what Unsubscribe did by the same link: where that was the last word about a topic on a channel, it is
// again as it was before. Nobody gets more than they had, besides this topic on this message's channel, which the button
// names. Doing it again changes nothing more.
func (g *Gateway) Resubscribe(ctx context.Context, token, ip string) error {
	l, err := g.letter(ctx, useUnsubscribe, token)
	if err != nil {
		return err
	}
	if l.campaign.Purpose != rapport.Marketing {
		return rapport.NotFound("subscription")
	}
	return g.Store.Tx(ctx, func(s *store.Store) error {
		back, err := g.undone(ctx, s, l)
		if err != nil {
			return err
		}
		for i := range back {
			back[i].Customer, back[i].IP, back[i].At = l.customer.ID, ip, g.now()
		}
		return s.AddConsents(ctx, back)
	})
}

// undone is what an undo of the link's withdrawals would give back.
func (g *Gateway) undone(ctx context.Context, s *store.Store, l letter) ([]rapport.Consent, error) {
	history, _, err := s.Consents(ctx, l.customer.ID, store.Page{Limit: mostHistory})
	if err != nil || !slices.ContainsFunc(history, func(c rapport.Consent) bool { return withdrawnBy(c, l.message.ID) }) {
		return nil, err
	}
	topics, err := s.Topics(ctx)
	if err != nil {
		return nil, err
	}
	var back []rapport.Consent
	for _, t := range topics {
		for _, ch := range rapport.Channels {
			own := t.Key == l.campaign.Topic && ch == l.message.Channel
			if wasOn(history, l.message.ID, t, ch, own) {
				back = append(back, rapport.Consent{Channel: ch, Purpose: rapport.Marketing, Topic: t.Key, Granted: true, Source: resubscribeLink,
					Proof: rapport.KindMessage.Format(l.message.ID), Message: l.message.ID})
			}
		}
	}
	return back[:min(len(back), store.MaxRows)], nil
}

func withdrawnBy(c rapport.Consent, message rapport.ID) bool {
	return c.Message == message && c.Source == unsubscribeLink && !c.Granted
}

// wasOn tells whether a topic on a channel is off by the link of a message and nothing said later, and was on before; own:
// it is what the message itself was sent for. history is newest first.
func wasOn(history []rapport.Consent, message rapport.ID, t rapport.Topic, ch rapport.Channel, own bool) bool {
	off := false
	for _, c := range history {
		if c.Purpose != rapport.Marketing || c.Channel != ch || c.Topic != "" && c.Topic != t.Key {
			continue
		}
		switch {
		case withdrawnBy(c, message):
			off = true
		case off:
			return c.Granted || own
		default:
			return false
		}
	}
	return off && (own || t.Policy == rapport.OptOut)
}
