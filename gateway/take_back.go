package gateway

import (
	"context"

	"rapport"
	"rapport/store"
)

// reply finds an answer in a thread.
func reply(ctx context.Context, s *store.Store, thread, entry rapport.ID) (t rapport.Thread, e rapport.Entry, err error) {
	if t, err = s.LockThread(ctx, thread); err != nil {
		return
	}
	if e, err = s.Entry(ctx, entry); err != nil {
		return
	}
	home, err := s.Thread(ctx, e.Thread)
	if err == nil && (home.ID != t.ID || e.Kind != rapport.Outbound || e.Message == 0) {
		err = rapport.NotFound("reply in this thread")
	}
	e.Thread = t.ID
	return
}

// TakeBack cancels an answer that nobody has begun to send: it is either sent or cancelled, never both. Doing it again
// is no error. Conflict: it is too late.
func (g *Gateway) TakeBack(ctx context.Context, by Caller, thread, entry rapport.ID) (rapport.Entry, error) {
	var e rapport.Entry
	err := g.Store.Tx(ctx, func(s *store.Store) (err error) {
		var t rapport.Thread
		if t, e, err = reply(ctx, s, thread, entry); err != nil {
			return err
		}
		cancelled, err := s.CancelReply(ctx, e.Message)
		if err != nil {
			return err
		}
		if !cancelled {
			m, err := s.Message(ctx, e.Message)
			if err != nil || m.State == rapport.Cancelled {
				return err
			}
			return rapport.Errorf(rapport.CodeConflict, "It is too late to take this answer back: it is %s.", m.State)
		}
		if err := s.DropResponse(ctx, t.ID, e.ID); err != nil {
			return err
		}
		if _, err := happened(ctx, s, t, by.Name, "An answer was taken back.", map[string]any{"event": "reply_cancelled", "entry": rapport.KindEntry.Format(e.ID)}); err != nil {
			return err
		}
		_, err = follow(ctx, s, t.ID)
		return err
	})
	return e, err
}

// follow makes a thread say what follows from the entries that are left after some went: how it begins and when it was
// last spoken in, since when somebody waits, and whose word it is, if it is anybody's.
func follow(ctx context.Context, s *store.Store, thread rapport.ID) (rapport.Thread, error) {
	t, err := s.RefreshThread(ctx, thread)
	if err != nil {
		return t, err
	}
	var p store.ThreadPatch
	open, pending, yes, no := rapport.ThreadOpen, rapport.ThreadPending, true, false
	switch waits := !t.WaitingSince.IsZero(); {
	case waits && t.Status == rapport.ThreadPending:
		p.Status, p.Unread = &open, &yes
	case !waits && t.Status == rapport.ThreadOpen:
		last, err := s.LastSaid(ctx, t.ID, 1)
		if err != nil {
			return t, err
		}
		if len(last) == 0 || last[0].Kind != rapport.Outbound {
			return t, nil
		}
		p.Status, p.Unread = &pending, &no
	default:
		return t, nil
	}
	return s.PatchThread(ctx, t.ID, p)
}

// Retry sends an answer again that has failed, under the same token: one message, another attempt. Conflict: it has not
// failed (then sending it again could double it), or the customer cannot be written to.
func (g *Gateway) Retry(ctx context.Context, by Caller, thread, entry rapport.ID) (rapport.Entry, error) {
	var e rapport.Entry
	var b store.Batch
	err := g.Store.Tx(ctx, func(s *store.Store) (err error) {
		var t rapport.Thread
		if t, e, err = reply(ctx, s, thread, entry); err != nil {
			return err
		}
		m, err := s.Message(ctx, e.Message)
		if err != nil {
			return err
		}
		if m.State != rapport.Failed {
			return rapport.Errorf(rapport.CodeConflict, "This answer has not failed: it is %s.", m.State)
		}
		c, err := s.Campaign(ctx, m.Campaign)
		if err != nil {
			return err
		}
		if len(c.Inline) == 0 {
			return rapport.Errorf(rapport.CodeConflict, "The words of this answer were erased.")
		}
		to := t
		a, err := addressOf(ctx, s, e.Address)
		if err != nil {
			return err
		}
		switch {
		case e.Aside:
			to.Customer, to.Address, to.Channel = a.Customer, a.ID, rapport.Email
		case a.Customer == t.Customer && a.Off == "": // where it was to go at first
			to.Address, to.Channel = a.ID, a.Channel
		}
		row, err := g.replyRow(ctx, s, c, to, m.Channel)
		if err != nil {
			return err
		}
		var ok bool
		if b, ok, err = s.RetryReply(ctx, m.ID, row); err != nil {
			return err
		}
		if !ok {
			return rapport.Errorf(rapport.CodeConflict, "This answer is being sent again already.")
		}
		if err := s.Await(ctx, e.ID); err != nil {
			return err
		}
		_, err = happened(ctx, s, t, by.Name, "An answer that failed is sent again.", map[string]any{"event": "reply_retried", "entry": rapport.KindEntry.Format(e.ID)})
		return err
	})
	if err != nil {
		return e, err
	}
	g.hintAll([]store.Batch{b})
	return e, nil
}
