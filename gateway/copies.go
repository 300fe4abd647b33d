package gateway

import (
	"context"
	"encoding/json"
	"fmt"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// mostRecipients bounds each of to, cc and bcc.
const mostRecipients = 20

// recipients checks who else is to get an answer, and returns them as they are written to. Each refusal names its address.
func (g *Gateway) recipients(ctx context.Context, s *store.Store, t rapport.Thread, ch rapport.Channel, in ReplyInput) (out rapport.Recipients, err error) {
	v := validation{}
	own, err := addressOf(ctx, s, t.Address)
	if err != nil {
		return out, err
	}
	seen := map[string]bool{}
	for _, list := range []struct {
		field string
		in    []string
		out   *[]string
	}{{"to", in.To, &out.To}, {"cc", in.Cc, &out.Cc}, {"bcc", in.Bcc, &out.Bcc}} {
		switch {
		case len(list.in) == 0:
			continue
		case ch != rapport.Email:
			v.refuse(list.field, "goes with email alone, and this answer goes out by %s", ch)
			continue
		case len(list.in) > mostRecipients:
			v.refuse(list.field, "holds more than %d addresses", mostRecipients)
			continue
		}
		for i, text := range list.in {
			value, why, err := g.reachable(ctx, s, text)
			if err != nil {
				return out, err
			}
			key := rapport.AddressKey(rapport.Email, value)
			switch {
			case why != "":
			case own.Channel == rapport.Email && key == rapport.AddressKey(rapport.Email, own.Value):
				why = "is the customer, who gets it without being named; what goes to others instead is not for the customer"
			case seen[key]:
				why = "is there twice"
			}
			if why != "" {
				v.refuse(fmt.Sprintf("%s[%d]", list.field, i), "%s", why)
			}
			seen[key] = true
			*list.out = append(*list.out, value)
		}
	}
	if len(v.errs) > 0 {
		return out, invalid(v.errs)
	}
	return out, nil
}

// reachable is an address as it is written to, or why nothing may be sent there.
func (g *Gateway) reachable(ctx context.Context, s *store.Store, text string) (value, why string, err error) {
	value, wrong := rapport.NormalizeAddress(rapport.Email, text)
	if wrong != nil {
		return "", wrong.Message, nil
	}
	if g.ours(value) {
		return value, "is an address of ours: the mail would come back as an answer", nil
	}
	x, err := s.Suppression(ctx, rapport.Email, value)
	if err == nil && x.Binds(rapport.Transactional) {
		return value, "is suppressed: nothing may be sent there (" + x.Reason + ")", nil
	}
	if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
		return value, "", err
	}
	a, err := s.AddressOf(ctx, rapport.Email, value)
	if err == nil && a.Off != "" {
		return value, "cannot be written to: " + a.Off, nil
	}
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		err = nil
	}
	return value, "", err
}

// ReplyAll is whom an answer to all goes to beside the customer, as cc takes it: who takes part and is known, as far as
// anything may be sent there.
func (g *Gateway) ReplyAll(ctx context.Context, thread rapport.ID) (out []string, err error) {
	people, err := g.Store.Known(ctx, thread, store.MaxParticipants)
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		value, why, err := g.reachable(ctx, g.Store, p.Address)
		if err != nil {
			return nil, err
		}
		if why == "" {
			out = append(out, value)
		}
		if len(out) == mostRecipients {
			break
		}
	}
	return out, nil
}

// partner is the audience of those whom we know from somebody else's conversation.
const partner = "partner"

// addressee is t, for whom the answer is its customer; or, for an answer to others, t with the first of them in the place of
// the customer: whom we write to is somebody we know, so that their bounces and stops are theirs.
func (g *Gateway) addressee(ctx context.Context, s *store.Store, t rapport.Thread, others rapport.Recipients) (rapport.Thread, error) {
	if len(others.To) == 0 {
		return t, nil
	}
	a, err := s.AddressOf(ctx, rapport.Email, others.To[0])
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		audience := partner
		var up []store.Upserted
		if up, err = s.UpsertCustomers(ctx, []store.CustomerPatch{{Audience: &audience, Addresses: []store.AddressPatch{{Channel: rapport.Email, Value: others.To[0], Primary: true}}}}); err != nil {
			return t, err
		}
		if err := up[0].Err(); err != nil {
			return t, err
		}
		if err := g.tellCustomers(ctx, s, up, nil); err != nil {
			return t, err
		}
		a, err = s.AddressOf(ctx, rapport.Email, others.To[0])
	}
	if err != nil {
		return t, err
	}
	if same, err := sameCustomer(ctx, s, a.Customer, t.Customer); err != nil {
		return t, err
	} else if same {
		return t, rapport.Invalid("to[0]", "is an address of the customer, who gets an answer without to")
	}
	t.Customer, t.Address, t.Channel = a.Customer, a.ID, rapport.Email
	return t, nil
}

// brought are who takes part because we wrote to them. The customer does not know of those to whom we wrote aside, nor of
// blind copies.
func brought(r rapport.Recipients) (out []rapport.Participant) {
	aside := len(r.To) > 0
	add := func(addresses []string, aside bool) {
		for _, a := range addresses {
			out = append(out, rapport.Participant{Address: a, Known: true, Aside: aside})
		}
	}
	add(r.To, aside)
	add(r.Cc, aside)
	add(r.Bcc, true)
	return out
}

// inlineOf is what an agent's answer says; nil: it is none, or its words were erased.
func inlineOf(c *rapport.Campaign) (*Inline, error) {
	if c.Kind != rapport.KindOfReply || len(c.Inline) == 0 {
		return nil, nil
	}
	in := &Inline{}
	return in, json.Unmarshal(c.Inline, in)
}

// asideIn tells whether a message of ours went to others instead of the customer, and in which thread: an agent's, or what
// confirms a guest's stop.
func asideIn(ctx context.Context, s *store.Store, m rapport.Message) (rapport.ID, bool, error) {
	c, err := s.Campaign(ctx, m.Campaign)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	if c.Kind == rapport.KindOfSystem && c.Thread != 0 {
		t, err := s.Thread(ctx, c.Thread)
		if err != nil {
			return 0, false, err
		}
		same, err := sameCustomer(ctx, s, t.Customer, m.Customer)
		return c.Thread, err == nil && !same, err
	}
	in, err := inlineOf(c)
	return c.Thread, in != nil && len(in.To) > 0 && c.Thread != 0, err
}

// ofCopy takes a report about a copy of an agent's mail: it says nothing of the message, nor of the address that this was
// for. What came back is noted in the thread, and an address that is dead gets nothing any more.
func (g *Gateway) ofCopy(ctx context.Context, s *store.Store, u *arrival, m rapport.Message, to rapport.Address) (bool, error) {
	r := u.Receipt
	value, wrong := rapport.NormalizeAddress(rapport.Email, r.To)
	if m.Channel != rapport.Email || wrong != nil || to.ID != 0 && rapport.AddressKey(rapport.Email, value) == rapport.AddressKey(rapport.Email, to.Value) {
		return false, nil
	}
	c, err := s.Campaign(ctx, m.Campaign)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	in, err := inlineOf(c)
	if err != nil || in == nil || len(in.copies()) == 0 {
		return false, err
	}
	if !accuses(r) {
		return true, nil
	}
	named := false
	for _, copied := range in.copies() {
		named = named || rapport.AddressKey(rapport.Email, copied.Address) == rapport.AddressKey(rapport.Email, value)
	}
	if named && (r.Kind == rapport.ReceiptComplaint || r.Reason == complained || classOf(r) == channels.BounceHard) {
		x := rapport.Suppression{Channel: rapport.Email, Address: value, Reason: r.Reason, Scope: rapport.SuppressAll, Source: "provider " + u.from.Name, Message: m.ID, At: u.At}
		if r.Kind == rapport.ReceiptComplaint || r.Reason == complained {
			x.Reason, x.Scope = complained, rapport.SuppressMarketing
		} else if x.Reason == "" {
			x.Reason = "hard_bounce"
		}
		if err := s.Suppress(ctx, []rapport.Suppression{x}); err != nil {
			return true, err
		}
	}
	t, err := s.LockThread(ctx, c.Thread)
	if err != nil {
		return true, err
	}
	why := r.Reason
	if why == "" {
		why = string(r.Kind)
	}
	e, err := happened(ctx, s, t, "", fmt.Sprintf("A copy to %s came back: %s.", value, why),
		map[string]any{"event": "copy_failed", "message": rapport.KindMessage.Format(m.ID), "address": value, "class": string(classOf(r)), "reason": r.Reason})
	if err == nil { // so that an erasure finds the address
		err = s.AddParticipants(ctx, t.ID, e.ID, []rapport.Participant{{Address: value, Aside: true}})
	}
	if err != nil {
		return true, err
	}
	unread := true
	_, err = s.PatchThread(ctx, t.ID, store.ThreadPatch{Unread: &unread})
	return true, err
}
