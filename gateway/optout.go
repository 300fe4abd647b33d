package gateway

import (
	"context"
	"strings"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// heard is an incoming message as it was stored.
type heard struct {
	in      *channels.Incoming
	from    rapport.Address
	thread  rapport.Thread
	entry   *rapport.Entry
	answers *rapport.Message // nil: nothing that we know of
	guest   bool             // the thread is somebody else's, who hears nothing of the answer
}

// hears says whom a command binds: a guest's is for their own address, and says nothing of a message to somebody else.
func (w *writer) hears(in *channels.Incoming, t rapport.Thread, e *rapport.Entry, answers *rapport.Message, asked command) heard {
	if !w.guest || asked == noCommand {
		return heard{in: in, from: w.owner, thread: t, entry: e, answers: answers}
	}
	if answers != nil && answers.Address != w.address.ID {
		answers = nil
	}
	return heard{in: in, from: w.address, thread: t, entry: e, answers: answers, guest: true}
}

// askedBy is what a message asks of the sender itself: by the channel's own sign, else by its words. A machine asks
// nothing.
func askedBy(in *channels.Incoming) command {
	text := wordsOf(in)
	switch {
	case in.Auto != "":
		return noCommand
	case in.OptOut:
		return stopIt
	case in.OptIn:
		return startIt
	}
	if in.Button != "" {
		return commandIn(rapport.Email, text) // our own words: "Cancel" on a button is about what it stood under
	}
	if in.Channel != rapport.Email {
		return commandIn(in.Channel, text)
	}
	text = unsigned(text, in.FromName)
	asked := commandIn(rapport.Email, text)
	if asked == noCommand && commandIn(rapport.Email, in.Subject+"\n"+text) == stopIt { // nothing beside the subject but courtesy
		asked = stopIt
	}
	return asked
}

// obey does what a message asks for, and answers once that it was done. What it returns is due after the commit.
func (g *Gateway) obey(ctx context.Context, s *store.Store, h heard, asked command) ([]store.Batch, error) {
	switch asked {
	case stopIt, startIt:
		news, err := g.optChange(ctx, s, h, asked == stopIt)
		if err != nil {
			return nil, err
		}
		switch {
		case asked == stopIt && news:
			return g.autoAnswer(ctx, s, h, stopped)
		case asked == startIt && (news || !h.in.OptIn):
			return g.autoAnswer(ctx, s, h, started)
		}
	case helpMe:
		return g.autoAnswer(ctx, s, h, help)
	}
	return g.acquaint(ctx, s, h)
}

// optChange writes what STOP or START means: the suppression of the address, and the consent history with the message as
// proof. news: it was not so before. It binds whatever is queued, because the address's epoch moves, and what waits for a
// connection, see recall. By mail the stop is for marketing: nobody means the bill of what they have ordered. Telegram's
// /start is how every talk with a bot begins: it takes back a stop of their own, and is no consent else.
func (g *Gateway) optChange(ctx context.Context, s *store.Store, h heard, stop bool) (news bool, err error) {
	a, e, answers := h.from, h.entry, h.answers
	old, err := s.Suppression(ctx, a.Channel, a.Value)
	if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
		return false, err
	}
	had := err == nil && old.Reason == rapport.ReasonStop
	consent := rapport.Consent{Customer: a.Customer, Channel: a.Channel, Purpose: rapport.Marketing, Granted: !stop, Source: "reply",
		Proof: rapport.KindEntry.Format(e.ID), At: g.now()}
	if answers != nil {
		consent.Message = answers.ID
	}
	if stop {
		news = !had
		x := rapport.Suppression{Channel: a.Channel, Address: a.Value, Reason: rapport.ReasonStop, Scope: rapport.SuppressAll, Source: "reply", Message: consent.Message, At: g.now()}
		if a.Channel == rapport.Email {
			x.Scope = rapport.SuppressMarketing
		}
		if err := s.Suppress(ctx, []rapport.Suppression{x}); err != nil {
			return false, err
		}
		if answers != nil {
			if _, err := s.Engage(ctx, g.Worker(), answers.ID, rapport.Unsubscribed, false); err != nil {
				return false, err
			}
		}
	} else {
		if had {
			if err := s.Unsuppress(ctx, a.Channel, a.Value); err != nil {
				return false, err
			}
		}
		if a.Off == "blocked" {
			if err := s.SwitchAddress(ctx, a.ID, ""); err != nil {
				return false, err
			}
		}
		news = had || a.Off == "blocked"
		if opening := h.in.Channel == rapport.Telegram && h.in.OptIn; opening && !had {
			return news, nil
		}
	}
	return news, s.AddConsents(ctx, []rapport.Consent{consent})
}

// acquaint tells somebody who has shared their own number that we know them now, and offers a stranger in a chat to do so,
// once.
func (g *Gateway) acquaint(ctx context.Context, s *store.Store, h heard) ([]store.Batch, error) {
	if h.in.OwnPhone == "" && (h.in.Channel != rapport.Telegram || !h.in.OptIn) {
		return nil, nil
	}
	stranger, err := s.Anonymous(ctx, h.from.Customer)
	switch {
	case err != nil:
		return nil, err
	case h.in.OwnPhone != "" && !stranger:
		return g.autoAnswer(ctx, s, h, linked)
	case h.in.OptIn && stranger:
		return g.autoAnswer(ctx, s, h, contact)
	}
	return nil, nil
}

// ownerOfPhone finds the one customer who has a number that is the sender's own; 0: nobody has it, or more than one.
func (g *Gateway) ownerOfPhone(ctx context.Context, s *store.Store, phone string) (owner rapport.ID, err error) {
	if phone == "" {
		return 0, nil
	}
	for _, ch := range []rapport.Channel{rapport.SMS, rapport.WhatsApp} {
		value, wrong := rapport.NormalizeAddress(ch, "+"+strings.TrimPrefix(phone, "+"))
		if wrong != nil {
			return 0, nil
		}
		a, err := s.AddressOf(ctx, ch, value)
		switch {
		case rapport.CodeOf(err) == rapport.CodeNotFound:
			continue
		case err != nil:
			return 0, err
		case owner != 0 && a.Customer != owner:
			return 0, nil
		}
		owner = a.Customer
	}
	return owner, nil
}
