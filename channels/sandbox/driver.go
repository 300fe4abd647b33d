// Package sandbox stands in for the provider of any channel. It keeps what was sent as the person would
// see it, misbehaves as it is told, and lets the person answer. It reaches nobody.
package sandbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rapport"
	"rapport/channels"
)

// Box is where sandbox messages are kept and behaviour is looked up. The program has one in the database,
// because api and workers may be different processes; Memory is one for tests. Safe for concurrent use.
type Box interface {
	// Keep stores s. A repeated MessageID replaces the earlier copy and counts in Sent.Copies.
	Keep(ctx context.Context, s Sent) error
	// Find returns what was kept for a message; ok is false if nothing was.
	Find(ctx context.Context, messageID string) (s Sent, ok bool, err error)
	// Behaviour is that of the address, else of the channel, else the zero value (accept).
	Behaviour(ctx context.Context, ch rapport.Channel, address string) (Behaviour, error)
}

// Mode is how the sandbox treats a message.
type Mode string

const (
	Accept    Mode = "accept"    // kept; a delivery receipt should follow (Delivered)
	Reject    Mode = "reject"    // refused for good
	Throttle  Mode = "throttle"  // "not now": the delay, or 5 s
	Down      Mode = "down"      // as if nobody listened
	Slow      Mode = "slow"      // kept after the delay, or 2 s
	Bounce    Mode = "bounce"    // kept; a bounce should follow (Bounced)
	Silent    Mode = "silent"    // kept; no receipt ever follows
	Ambiguous Mode = "ambiguous" // kept, but the sender is not told
)

// Modes lists all of them.
func Modes() []Mode {
	return []Mode{Accept, Reject, Throttle, Down, Slow, Bounce, Silent, Ambiguous}
}

// Behaviour of a channel or an address. The zero value accepts at once.
type Behaviour struct {
	Mode    Mode `json:"mode"`
	DelayMS int  `json:"delay_ms,omitempty"` // before the answer; with throttle, how long to wait
	// Channelwide is set by the Box when the behaviour is the whole channel's: then Down is the provider's
	// fault and opens its breaker, while one address that is down stops nobody else.
	Channelwide bool `json:"-"`
}

// Check refuses what makes no sense, in words for people.
func (b Behaviour) Check() error {
	if !slices.Contains(Modes(), b.Mode) {
		return fmt.Errorf("mode must be one of %v, not %.40q", Modes(), b.Mode)
	}
	if b.DelayMS < 0 || b.DelayMS > 60_000 {
		return fmt.Errorf("delay_ms must be from 0 to 60000")
	}
	return nil
}

const timeout = 30 * time.Second

// Driver makes the driver "sandbox" on top of box. A provider entry of any channel may use it.
func Driver(box Box) channels.Driver {
	return channels.Driver{
		Name:     "sandbox",
		Channels: []rapport.Channel{rapport.Email, rapport.SMS, rapport.WhatsApp, rapport.Telegram, rapport.Webhook},
		Caps: channels.Caps{
			Receipts:    true,
			Lookup:      true,
			Files:       files(),
			Timeout:     timeout,
			ReplyWindow: map[rapport.Channel]time.Duration{rapport.WhatsApp: 24 * time.Hour}, // as the real one has
		},
		Settings: []channels.Setting{
			{Key: "from", Help: "who the person sees as sender", Default: "Rapport (sandbox)"},
		},
		Open: func(s channels.Settings, env channels.Env) (channels.Conn, error) {
			r := s.Read()
			c := &conn{box: box, env: env, from: r.String("from", "Rapport (sandbox)")}
			return c, r.Err()
		},
	}
}

// files are as the real providers take them, all that may be uploaded where they take more.
func files() map[rapport.Channel]channels.FileLimit {
	const most = 25 << 20
	return map[rapport.Channel]channels.FileLimit{rapport.Email: {Bytes: most}, rapport.SMS: {Bytes: 5 << 20, Number: 10},
		rapport.WhatsApp: {Bytes: 16 << 20, Number: 1}, rapport.Telegram: {Bytes: most}}
}

type conn struct {
	box  Box
	env  channels.Env
	from string
}

// Send keeps o unless the behaviour refuses it. The provider id is "sandbox-" and the token.
func (c *conn) Send(ctx context.Context, o *channels.Outgoing) (string, error) {
	b, err := c.box.Behaviour(ctx, c.env.Channel, o.To)
	if err != nil {
		return "", &channels.Verdict{Kind: channels.Temporary, Reason: "sandbox_unavailable", Err: err}
	}
	delay := time.Duration(b.DelayMS) * time.Millisecond
	if b.Mode == Slow && delay == 0 {
		delay = 2 * time.Second
	}
	if b.Mode != Throttle { // there the delay is what the sender is asked to wait
		if err := wait(ctx, delay); err != nil {
			return "", &channels.Verdict{Kind: channels.Temporary, Reason: "timeout", Err: err}
		}
	}
	switch b.Mode {
	case Reject:
		return "", &channels.Verdict{Kind: channels.Rejected, Reason: "sandbox_reject", Code: "550", Detail: "The sandbox was told to reject this."}
	case Throttle:
		if delay == 0 {
			delay = 5 * time.Second
		}
		return "", &channels.Verdict{Kind: channels.Throttled, Reason: "sandbox_throttle", Code: "429", After: delay, Scope: channels.ScopeRecipient}
	case Down:
		v := &channels.Verdict{Kind: channels.Temporary, Reason: "sandbox_down", Detail: "The sandbox was told to be down.", Scope: channels.ScopeRecipient}
		if b.Channelwide {
			v.Scope = ""
		}
		return "", v
	}
	if err := c.box.Keep(ctx, c.sent(o, b.Mode)); err != nil {
		// A commit whose answer was lost has kept the message; Lookup tells.
		return "", &channels.Verdict{Kind: channels.Ambiguous, Reason: "sandbox_unavailable", Err: err}
	}
	if b.Mode == Ambiguous {
		return "", &channels.Verdict{Kind: channels.Ambiguous, Reason: "sandbox_ambiguous", Detail: "The sandbox took this and was told not to say so."}
	}
	return providerID(o.Token), nil
}

// Lookup tells whether the message was kept, which is the truth in every mode.
func (c *conn) Lookup(ctx context.Context, q channels.Query) (channels.Answer, error) {
	s, ok, err := c.box.Find(ctx, rapport.KindMessage.Format(q.ID))
	if err != nil || !ok {
		return channels.Answer{}, err
	}
	return channels.Answer{Found: true, ProviderID: s.ProviderID, Receipt: rapport.ReceiptSent}, nil
}

func providerID(token string) string { return "sandbox-" + token }

func wait(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d == 0 {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
