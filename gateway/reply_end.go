package gateway

import (
	"context"
	"fmt"

	"rapport"
	"rapport/store"
)

// endReplies works out what the ends of agents' answers mean for their threads: one that was sent is a response, and of
// one that was not the thread says so, because its customer still waits. It goes by what is stored, so that a crash
// between the end of a message and this loses nothing, and delivery knows nothing of threads.
func (g *Gateway) endReplies(ctx context.Context) error {
	for after := rapport.ID(0); ; {
		ids, err := g.Store.Ended(ctx, after, store.MaxRows)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := g.Store.Tx(ctx, func(s *store.Store) error { return g.endReply(ctx, s, id) }); err != nil {
				g.Log.Warn("the end of an answer was not worked out", "entry", rapport.KindEntry.Format(id), "error", err)
			}
			after = id
		}
		if len(ids) < store.MaxRows {
			return nil
		}
	}
}

func (g *Gateway) endReply(ctx context.Context, s *store.Store, entry rapport.ID) error {
	e, err := s.Entry(ctx, entry)
	if err != nil {
		return err
	}
	t, err := s.LockThread(ctx, e.Thread) // before the message, as whoever takes an answer back
	if err != nil {
		return err
	}
	// Taken before the message is read: a report that comes in between has it awaited again.
	if taken, err := s.TakeEnded(ctx, e.ID); err != nil || !taken {
		return err
	}
	m, err := known(ctx, s, e.Message)
	if err != nil || m == nil {
		return err
	}
	if !m.State.Final() {
		return s.Await(ctx, e.ID) // it is sent again
	}
	switch m.State {
	case rapport.Sent, rapport.Delivered, rapport.Unknown:
		if e.Aside { // nobody waited for it
			return nil
		}
		if t, err = arrived(ctx, s, t); err != nil {
			return err
		}
		if known, err := s.HasResponse(ctx, e.ID, e.Thread, t.ID); err != nil || known {
			return err
		}
		e.CreatedAt = latest(e.CreatedAt, m.SentAt)
		return g.measure(ctx, s, t, e, rapport.NextReply)
	case rapport.Failed, rapport.Skipped, rapport.Expired:
		return g.missed(ctx, s, t, e, *m)
	}
	return nil
}

// arrived ends the wait for an answer that had failed and went out after all.
func arrived(ctx context.Context, s *store.Store, t rapport.Thread) (rapport.Thread, error) {
	if t.WaitingSince.IsZero() {
		return t, nil
	}
	t, err := s.RefreshThread(ctx, t.ID)
	if err != nil || !t.WaitingSince.IsZero() || t.Status != rapport.ThreadOpen {
		return t, err
	}
	pending, unread := rapport.ThreadPending, false
	return s.PatchThread(ctx, t.ID, store.ThreadPatch{Status: &pending, Unread: &unread})
}

// missed gives a thread back to the agents, because their answer did not go out.
func (g *Gateway) missed(ctx context.Context, s *store.Store, t rapport.Thread, e rapport.Entry, m rapport.Message) error {
	for _, thread := range []rapport.ID{e.Thread, t.ID} { // it may have been merged since
		if err := s.DropResponse(ctx, thread, e.ID); err != nil {
			return err
		}
		if err := s.AwaitLater(ctx, thread, e.ID); err != nil { // it is the next one that ended the wait
			return err
		}
	}
	why := m.Reason
	if why == "" {
		why = m.State.String()
	}
	_, err := happened(ctx, s, t, "", fmt.Sprintf("An answer was not sent (%s): %s.", m.State, why),
		map[string]any{"event": "reply_failed", "entry": rapport.KindEntry.Format(e.ID), "state": m.State.String(), "reason": m.Reason})
	if err != nil || t.Status == rapport.ThreadSpam {
		return err
	}
	open, unread := rapport.ThreadOpen, true
	if _, err := s.PatchThread(ctx, t.ID, store.ThreadPatch{Status: &open, Unread: &unread}); err != nil {
		return err
	}
	if t, err = s.RefreshThread(ctx, t.ID); err != nil {
		return err
	}
	_, err = g.assign(ctx, s, t)
	return err
}
