package gateway

import (
	"context"
	"fmt"
	"time"

	"rapport"
	"rapport/store"
)

// replyWindow is how long after the person's last message a free answer may be sent on a channel; 0: always.
func (g *Gateway) replyWindow(ch rapport.Channel, sandbox bool) time.Duration {
	for _, p := range g.Hub.Route(ch, sandbox) {
		return p.Caps().ReplyWindow[ch]
	}
	return 0
}

// ReplyUntil is until when an answer in the thread may be sent on its channel; ok is false when it always may.
func (g *Gateway) ReplyUntil(ctx context.Context, t rapport.Thread) (until time.Time, ok bool, err error) {
	sandbox, err := g.cameBySandbox(ctx, g.Store, t.ID)
	if err != nil {
		return until, false, err
	}
	window := g.replyWindow(t.Channel, sandbox)
	if window == 0 {
		return until, false, nil
	}
	heard, err := g.Store.HeardAt(ctx, t.Customer, t.Address)
	if heard.IsZero() {
		heard = t.CreatedAt.Add(-window) // nobody wrote: it never opened
	}
	return heard.Add(window), true, err
}

// withinWindow refuses an answer whose window has closed, and makes one that is in time expire with it: a provider would
// refuse it later, and the agent would not know.
func (g *Gateway) withinWindow(ctx context.Context, s *store.Store, c *rapport.Campaign, row *store.Row) error {
	ch := row.Message.Channel
	window := g.replyWindow(ch, c.Sandbox)
	if window == 0 {
		return nil
	}
	heard, err := s.HeardAt(ctx, row.Message.Customer, row.Message.Address)
	if err != nil {
		return err
	}
	name := map[rapport.Channel]string{rapport.SMS: "SMS", rapport.WhatsApp: "WhatsApp", rapport.Telegram: "Telegram", rapport.Webhook: "The webhook"}[ch]
	rule := fmt.Sprintf("%s takes answers only within %s of the customer's last message", name, inHours(window))
	until := heard.Add(window)
	switch {
	case heard.IsZero():
		return rapport.Errorf(rapport.CodeConflict, "%s, and this customer has not written there. Answer on another channel.", rule)
	case !g.now().Before(until):
		return rapport.Errorf(rapport.CodeConflict, "%s. That time ended at %s. Answer on another channel, or wait until the customer writes again.", rule, until.UTC().Format(time.RFC3339))
	}
	c.ExpiresAt, row.Message.ExpiresAt = until, until
	return nil
}

func inHours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return d.String()
}
