package gateway

import (
	"context"
	"math/rand/v2"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// attempt is one try and what its policy looks at.
type attempt struct {
	row      *store.Claimed
	batch    *store.Batch
	campaign *rapport.Campaign
	caps     channels.Caps
	provider string
	id       string // the provider's id for it
	verdict  *channels.Verdict
	segments int
	micros   int64
}

// outcome is the policy over verdicts: the only place that decides what a failed attempt means.
func (g *Gateway) outcome(a *attempt) store.Outcome {
	now := g.now()
	o := store.Outcome{ID: a.row.ID, Campaign: a.row.Campaign, Counted: a.batch.Campaign != 0, Channel: a.row.Channel, Lane: a.batch.Lane,
		Sandbox: a.batch.Sandbox, Attempt: a.row.Attempt, Provider: a.provider, ProviderID: a.id}
	fallback := a.campaign != nil && a.campaign.Routing.Method == rapport.Fallback
	v := a.verdict
	if v == nil {
		o.To, o.SentAt, o.Segments, o.Micros = rapport.Sent, now, a.segments, a.micros
		if fallback && a.caps.Receipts {
			o.What, o.Due = store.WhatEscalate, now.Add(g.escalateAfter(a.campaign))
		}
		return o
	}
	o.Verdict, o.Reason, o.Code, o.Detail = string(v.Kind), v.Reason, v.Code, v.Detail
	if o.Reason == "" {
		o.Reason = string(v.Kind)
	}
	retry := func(after time.Duration) {
		o.To, o.What, o.Due, o.Pin = rapport.Pending, store.WhatSend, now.Add(after), a.batch.Provider
		if !a.row.ValidTo.IsZero() && o.Due.After(a.row.ValidTo) && (a.campaign == nil || a.campaign.Window == nil) {
			o.Due = a.row.ValidTo // the claim closes it as expired, or finds the next window
		}
	}
	fail := func() {
		o.To = rapport.Failed
		if fallback {
			o.What, o.Due = store.WhatEscalate, now
		}
	}
	kind := v.Kind
	if kind == channels.Misconfigured && v.Scope != "" {
		kind = channels.Temporary // about this recipient's domain alone: retried, and given up like anything else
	}
	switch kind {
	case channels.Rejected:
		fail()
		if v.Copy != "" { // it is asked for nothing again, and an answer to all goes without it
			o.Effect = func(ctx context.Context, s *store.Store) error {
				return s.Suppress(ctx, []rapport.Suppression{{Channel: a.row.Channel, Address: v.Copy, Reason: "hard_bounce", Scope: rapport.SuppressAll, Source: "provider " + a.provider, Message: a.row.ID, At: now}})
			}
		}
	case channels.AddressDead:
		fail()
		o.Effect = g.suppressEffect(a, "hard_bounce")
	case channels.OptedOut:
		fail()
		o.Effect = g.suppressEffect(a, "stop")
		if a.row.Channel == rapport.Telegram {
			o.Effect = func(ctx context.Context, s *store.Store) error {
				return s.SwitchAddress(ctx, a.row.AddressID, "blocked")
			}
		}
	case channels.AddressMoved:
		if a.row.Misses > 2 {
			fail()
			break
		}
		retry(0)
		o.Miss = true
		o.Effect = func(ctx context.Context, s *store.Store) error {
			addr, err := s.Address(ctx, a.row.AddressID)
			if err != nil {
				return err
			}
			return s.MoveAddress(ctx, addr, v.MovedTo)
		}
	case channels.Throttled:
		// Not counted as a failure: the provider is well, we are too fast. A pause keeps the others back too.
		wait := max(v.After, time.Second)
		scope, key := v.Scope, a.provider
		if scope == "" {
			scope = channels.ScopeProvider
		}
		if scope != channels.ScopeProvider {
			key = pauseKey(scope, a.row.Channel, a.row.Address)
		}
		g.pause(scope, key, now.Add(wait))
		if scope == channels.ScopeProvider && g.failsOver(a) {
			retry(0)
		} else {
			retry(wait + jitter(wait/10))
		}
		o.Effect = func(ctx context.Context, s *store.Store) error {
			return s.Pause(ctx, string(scope), key, now.Add(wait), v.Reason)
		}
	case channels.Temporary:
		if v.Reason == recalled {
			retry(0) // the claim decides it again
			break
		}
		if g.failsOver(a) {
			retry(0) // nothing was taken, and it is the provider that is down, not this message
			break
		}
		switch v.Reason {
		case "breaker_open", "provider_changed", "cancelled": // nothing was tried
		default:
			o.Miss = true
		}
		if o.Miss && a.row.Misses+1 >= g.set.MaxAttempts {
			fail()
			if a.row.Channel == rapport.Webhook {
				o.Effect = g.failingEffect(a)
			}
			break
		}
		wait := backoff(a.row.Misses)
		if v.After > wait {
			wait = v.After
		}
		retry(wait + jitter(wait/5))
	case channels.Misconfigured:
		// The same for every message and mended by us: the breaker is open, the row waits with the others.
		if now.Sub(a.row.ID.Time()) > 72*time.Hour {
			fail()
			break
		}
		if g.failsOver(a) {
			retry(0)
		} else {
			retry(30*time.Second + jitter(5*time.Second))
		}
	default: // Ambiguous
		o.To, o.What, o.Due = rapport.Doubtful, store.WhatSettle, now.Add(g.settleAfter(a.caps, a.campaign))
	}
	return o
}

// backoff is how long to wait before the next attempt after misses failed ones.
func backoff(misses int) time.Duration {
	steps := []time.Duration{2 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
	return steps[min(misses, len(steps)-1)]
}

func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

func (g *Gateway) escalateAfter(c *rapport.Campaign) time.Duration {
	if c.Routing.EscalateAfter > 0 {
		return c.Routing.EscalateAfter
	}
	return g.set.EscalateAfter
}

// doubt is how a doubtful row of a channel and purpose is settled.
type doubt int

const (
	resend doubt = iota // the receiver recognises the repetition, or twice is better than never
	ask                 // the provider can say whether it took the message
	hold                // nobody can say: proof may still come, else it ends as unknown
)

// doubtOf is the policy of docs/states.md: webhook resends (the receiver dedupes on the id), a provider
// that can be asked is asked, otherwise transactional is resent with the same Message-ID and marketing held.
func doubtOf(caps channels.Caps, purpose rapport.Purpose) doubt {
	switch {
	case caps.Idempotent:
		return resend
	case caps.Lookup:
		return ask
	case purpose == rapport.Transactional:
		return resend
	}
	return hold
}

// settleAfter is how long a row stays in doubt before it is settled: longer than any send may take where
// we ask, because asking early misreads a late acceptance.
func (g *Gateway) settleAfter(caps channels.Caps, c *rapport.Campaign) time.Duration {
	purpose := rapport.Marketing
	if c != nil {
		purpose = c.Purpose
	}
	switch doubtOf(caps, purpose) {
	case resend:
		return time.Second
	case ask:
		if purpose == rapport.Transactional {
			return g.set.AskTransaction
		}
		return g.set.AskMarketing
	}
	return g.set.Hold
}

func (g *Gateway) suppressEffect(a *attempt, reason string) func(context.Context, *store.Store) error {
	return func(ctx context.Context, s *store.Store) error {
		return s.Suppress(ctx, []rapport.Suppression{{Channel: a.row.Channel, Address: a.row.Address, Reason: reason, Scope: rapport.SuppressAll,
			Source: "provider " + a.provider, Message: a.row.ID, At: s.Now()}})
	}
}

// webhookPatience is how long a webhook may fail before it is switched off. Standard Webhooks asks for
// disabling after days of failure; five is what others give.
const webhookPatience = 5 * 24 * time.Hour

// failingEffect switches a webhook off that has answered nothing but errors for webhookPatience.
func (g *Gateway) failingEffect(a *attempt) func(context.Context, *store.Store) error {
	return func(ctx context.Context, s *store.Store) error {
		since, err := s.FailingSince(ctx, a.row.Customer, a.row.AddressID)
		if err != nil || since.IsZero() || s.Now().Sub(since) < webhookPatience {
			return err
		}
		return s.SwitchAddress(ctx, a.row.AddressID, "failing")
	}
}
