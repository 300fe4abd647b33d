package gateway

import (
	"cmp"
	"context"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// An address from which this many messages came back within softWithin, with none known to have arrived between them, is
// given up, though each time it may have been well.
const (
	softBounces = 5
	softWithin  = 14 * 24 * time.Hour
)

// complained is the reason of a suppression, and of a receipt, after a complaint.
const complained = "complaint"

// receipt applies a provider's report: to the message, and to the address that it went to. One that nothing ties to a
// message of ours is kept for an operator and otherwise ignored: the provider must not call for ever.
func (g *Gateway) receipt(ctx context.Context, s *store.Store, u *arrival) (after func(), err error) {
	r := u.Receipt
	m, to, proven, err := g.reported(ctx, s, u)
	if err != nil {
		return nil, err
	}
	if m == nil || !proven {
		reason := "unknown_message"
		if m != nil {
			reason = "not_proven"
		}
		return nil, g.stray(ctx, s, u, r.To, reason)
	}
	if copied, err := g.ofCopy(ctx, s, u, *m, to); copied || err != nil {
		return nil, err
	}
	row := store.ReceiptRow{Kind: r.Kind, Reason: r.Reason, Code: r.Code, Detail: r.Detail, At: u.At, Class: string(classOf(r))}
	if row.Original, err = u.original.keep(ctx, s); err != nil {
		return nil, err
	}
	was, is, err := s.ApplyReceipt(ctx, g.Worker(), m.ID, u.from.Name, row)
	if err != nil {
		return nil, err
	}
	if err := g.tellReceipt(ctx, s, *m, was, is); err != nil {
		return nil, err
	}
	if was != is && (was == rapport.Failed || is == rapport.Failed) {
		if err := s.AwaitAgain(ctx, m.ID, m.Campaign); err != nil {
			return nil, err
		}
	}
	if r.Kind == rapport.ReceiptRead {
		first, err := s.Engage(ctx, g.Worker(), m.ID, rapport.Opened, false)
		if err == nil {
			err = g.tellEngaged(ctx, s, *m, rapport.Opened, first)
		}
		if err != nil {
			return nil, err
		}
	}
	if to.ID != 0 {
		if err := g.judge(ctx, s, u, *m, to); err != nil {
			return nil, err
		}
	}
	if is == rapport.Failed && was != is {
		return func() { g.escalateNow(*m) }, nil
	}
	return nil, nil
}

// reported finds the message that a receipt is about, the address that this went to (ID 0: erased), and whether the
// receipt can be believed: anybody can write a mail, and our ids can be guessed. A report by email that accuses is
// believed when it came to, or returns, our signed token, or names the message together with its address.
func (g *Gateway) reported(ctx context.Context, s *store.Store, u *arrival) (m *rapport.Message, to rapport.Address, proven bool, err error) {
	r := u.Receipt
	f, err := g.byToken(ctx, s, []string{r.Token})
	if err != nil {
		return nil, to, false, err
	}
	m, proven = f.message, f.message != nil
	claimed, wrong := rapport.NormalizeAddress(cmp.Or(r.Channel, u.from.Channel), r.To)
	if m == nil {
		if m, err = g.named(ctx, s, u, claimed); m == nil || err != nil {
			return nil, to, false, err
		}
	}
	if to, err = addressOf(ctx, s, m.Address); err != nil || proven {
		return m, to, proven, err
	}
	same := wrong == nil && to.ID != 0 && rapport.AddressKey(to.Channel, to.Value) == rapport.AddressKey(to.Channel, claimed)
	return m, to, same || m.Channel != rapport.Email || !accuses(r), nil
}

// named is the message that a receipt names without proof; nil: none.
func (g *Gateway) named(ctx context.Context, s *store.Store, u *arrival, claimed string) (*rapport.Message, error) {
	r := u.Receipt
	id := r.MessageID
	if left, _, _ := strings.Cut(r.ProviderID, "@"); id == 0 && r.Channel == rapport.Email {
		if own, err := rapport.KindMessage.Parse(left); err == nil {
			id = own // whichever provider sent it, and whichever mailbox the report came into
		}
	}
	if id == 0 {
		a, err := s.AddressOf(ctx, r.Channel, claimed)
		if err == nil || rapport.CodeOf(err) == rapport.CodeNotFound {
			id, err = s.MessageByRef(ctx, u.from.Name, r.ProviderID, a.Customer)
		}
		if err != nil {
			return nil, err
		}
	}
	return known(ctx, s, id)
}

// addressOf is an address of ours; ID 0: it was erased, or there never was one.
func addressOf(ctx context.Context, s *store.Store, id rapport.ID) (a rapport.Address, err error) {
	if id == 0 {
		return a, nil
	}
	if a, err = s.Address(ctx, id); rapport.CodeOf(err) == rapport.CodeNotFound {
		return rapport.Address{}, nil
	}
	return a, err
}

// accuses tells whether a receipt would be to the harm of a message or its address.
func accuses(r *channels.Receipted) bool {
	return r.Suppress || r.Class != "" || r.Kind == rapport.ReceiptFailed || r.Kind == rapport.ReceiptBounced || r.Kind == rapport.ReceiptComplaint
}

// classOf is what a failure says of the address.
func classOf(r *channels.Receipted) channels.Bounce {
	if r.Class == "" && r.Kind == rapport.ReceiptBounced {
		return channels.BounceHard
	}
	return r.Class
}

// judge draws the consequences for the message's own address, whatever address the report names: a forwarder may
// stand between.
func (g *Gateway) judge(ctx context.Context, s *store.Store, u *arrival, m rapport.Message, to rapport.Address) error {
	r := u.Receipt
	suppress := func(reason string, scope rapport.SuppressionScope) error {
		return s.Suppress(ctx, []rapport.Suppression{{Channel: to.Channel, Address: to.Value, Reason: reason, Scope: scope, Source: "provider " + u.from.Name, Message: m.ID, At: u.At}})
	}
	switch {
	case r.Kind == rapport.ReceiptComplaint || r.Reason == complained:
		if err := suppress(complained, rapport.SuppressMarketing); err != nil {
			return err
		}
		if _, err := s.Engage(ctx, g.Worker(), m.ID, rapport.Complained, false); err != nil {
			return err
		}
		return s.AddConsents(ctx, []rapport.Consent{{Customer: m.Customer, Channel: to.Channel, Purpose: rapport.Marketing, Granted: false, Source: complained,
			Proof: rapport.KindMessage.Format(m.ID), Message: m.ID, At: u.At}})
	case classOf(r) == channels.BounceHard || r.Class == "" && r.Suppress:
		return suppress(cmp.Or(r.Reason, "hard_bounce"), rapport.SuppressAll)
	case r.Class == channels.BounceSoft:
		n, err := s.SoftBounces(ctx, to, g.now().Add(-softWithin))
		if err != nil || n < softBounces {
			return err
		}
		return suppress("repeated_soft_bounce", rapport.SuppressAll)
	}
	return nil // policy: that was about the message, or about us
}

// strayFor is how long a stray waits for an operator, and brokenFor how long an upload, or an original that was written
// ahead, may take.
const (
	strayFor  = 30 * 24 * time.Hour
	brokenFor = 24 * time.Hour
)

// forgetStrays removes what nobody looked at, and files that were never finished.
func (g *Gateway) forgetStrays(ctx context.Context) error {
	if err := g.Store.PurgeStrays(ctx, g.now().Add(-strayFor)); err != nil {
		return err
	}
	broken, err := g.Store.BrokenFiles(ctx, g.now().Add(-brokenFor))
	if err != nil {
		return err
	}
	for _, id := range broken {
		if err := g.Store.DeleteFile(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// escalateNow moves on to the next channel when a message that seemed sent turns out not to arrive.
func (g *Gateway) escalateNow(m rapport.Message) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := g.campaigns.get(ctx, m.Campaign)
	if err != nil || c.Routing.Method != rapport.Fallback {
		return
	}
	stored, err := g.Store.Vars(ctx, m.ID)
	if err == nil {
		err = g.escalate(ctx, store.SettleRow{Message: m, Purpose: c.Purpose, Kind: c.Kind, Vars: stored})
	}
	if err != nil {
		g.Log.Error("escalating after a failed receipt", "message", rapport.KindMessage.Format(m.ID), "error", err)
	}
}
