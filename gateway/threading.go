package gateway

import (
	"context"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// threadFor is the thread of what is answered, else the open one of the address, else new. One that waited for the
// customer is open again; one that was resolved is too, within the channel's time, else a new one begins that names it. What
// belongs to a thread of spam stays there, unseen. What nobody is to look at (aside) comes into a thread as it is, and a
// new one is resolved from the start.
func (g *Gateway) threadFor(ctx context.Context, s *store.Store, in *channels.Incoming, a rapport.Address, f found, aside bool) (rapport.Thread, error) {
	t, err := g.threadOf(ctx, s, f)
	if err == nil && t.ID == 0 {
		t, err = g.running(ctx, s, in, a)
	}
	if err != nil || aside && t.ID != 0 {
		return t, err
	}
	if t.ID != 0 && t.Status == rapport.ThreadResolved && g.now().Sub(t.UpdatedAt) > g.set.ReopenWithin[in.Channel] {
		earlier := t
		if t, err = s.OpenThread(ctx, a.ID); rapport.CodeOf(err) == rapport.CodeNotFound {
			return g.begin(ctx, s, in, a, f, earlier.ID, false)
		}
	}
	switch {
	case err != nil:
		return t, err
	case t.ID == 0:
		return g.begin(ctx, s, in, a, f, 0, aside)
	case t.Status == rapport.ThreadOpen || t.Status == rapport.ThreadSpam:
		return t, nil
	}
	open := rapport.ThreadOpen
	return s.PatchThread(ctx, t.ID, store.ThreadPatch{Status: &open})
}

// threadOf is the thread of what was found; ID 0: there is none yet.
func (g *Gateway) threadOf(ctx context.Context, s *store.Store, f found) (t rapport.Thread, err error) {
	id := f.thread
	if f.message != nil {
		c, err := s.Campaign(ctx, f.message.Campaign)
		if err != nil {
			return t, err
		}
		if id = c.Thread; id == 0 {
			if id, err = s.ThreadOfMessage(ctx, f.message.ID); err != nil {
				return t, err
			}
		}
	}
	if id == 0 {
		return t, nil
	}
	return s.Thread(ctx, id)
}

// running is the thread that goes on on an address: the open one, and in a chat, where nothing says that a new matter
// begins, the newest. ID 0: there is none.
func (g *Gateway) running(ctx context.Context, s *store.Store, in *channels.Incoming, a rapport.Address) (rapport.Thread, error) {
	t, err := s.OpenThread(ctx, a.ID)
	if rapport.CodeOf(err) == rapport.CodeNotFound && in.Channel != rapport.Email {
		t, err = s.NewestThread(ctx, a.ID)
	}
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return rapport.Thread{}, nil
	}
	return t, err
}

// begin opens a thread; earlier, unless 0, is the one that it goes on from.
func (g *Gateway) begin(ctx context.Context, s *store.Store, in *channels.Incoming, a rapport.Address, f found, earlier rapport.ID, aside bool) (rapport.Thread, error) {
	t := rapport.Thread{Customer: a.Customer, Address: a.ID, Channel: a.Channel, Subject: truncate(in.Subject, 300), Status: rapport.ThreadOpen, Priority: rapport.Normal}
	if aside {
		t.Status = rapport.ThreadResolved
	}
	if f.message != nil {
		t.Campaign = f.message.Campaign
	}
	if err := s.CreateThread(ctx, &t); err != nil || earlier == 0 {
		return t, err
	}
	name := rapport.KindThread.Format(earlier)
	_, err := happened(ctx, s, t, "", "Goes on from thread "+name+".", map[string]any{"event": "continued", "earlier": name})
	return t, err
}
