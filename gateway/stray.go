package gateway

import (
	"cmp"
	"context"
	"encoding/json"

	"rapport"
	"rapport/store"
)

// stray keeps what nothing ties to a message of ours for an operator, and says so.
func (g *Gateway) stray(ctx context.Context, s *store.Store, u *arrival, about, reason string) error {
	x := store.Stray{Provider: u.from.Name, About: about, Reason: reason}
	if u.Receipt != nil {
		x.Kind, x.Code, x.Text = u.Receipt.Kind, u.Receipt.Code, cmp.Or(u.Receipt.Detail, u.Receipt.Reason)
	} else {
		x.Kind, x.Subject, x.Text = cmp.Or(rapport.Receipt(u.Message.Auto), store.StrayMessage), truncate(u.Message.Subject, 300), u.Message.Text
	}
	var err error
	if x.Original, err = u.original.keep(ctx, s); err != nil {
		return err
	}
	g.Log.Warn("something came in that belongs to no message of ours", "provider", u.from.Name, "kind", string(x.Kind), "reason", reason, "original", rapport.KindFile.Format(x.Original))
	if x.Original == 0 {
		return nil // there is nothing to look at
	}
	return s.KeepStray(ctx, x)
}

// AttachStray puts one into a thread, where whoever looked at it says it belongs, as an entry that has its words and its
// original; it is no stray any more. A report or a machine's answer changes nothing there and nobody answers it; a message
// opens the thread as one that came there by itself would. Nothing follows for the ledger: that nothing proves.
func (g *Gateway) AttachStray(ctx context.Context, by Caller, stray, thread rapport.ID) (e *rapport.Entry, err error) {
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		t, err := s.LockThread(ctx, thread)
		if rapport.CodeOf(err) == rapport.CodeNotFound {
			return rapport.Invalid("thread", "there is no such thread")
		}
		if err != nil {
			return err
		}
		x, err := s.TakeStray(ctx, stray)
		if err != nil {
			return err
		}
		if e, err = strayEntry(ctx, s, x, t); err != nil {
			return err
		}
		if err := s.AddEntry(ctx, e); err != nil {
			return err
		}
		if x.About != "" && e.Address != t.Address { // an erasure of theirs finds them
			if err := s.AddParticipants(ctx, e.Thread, e.ID, []rapport.Participant{{Address: x.About}}); err != nil {
				return err
			}
		}
		if !e.Idle() && t.Status != rapport.ThreadSpam {
			open := rapport.ThreadOpen
			if t, err = s.PatchThread(ctx, t.ID, store.ThreadPatch{Status: &open}); err == nil {
				_, err = g.assign(ctx, s, t)
			}
			if err != nil {
				return err
			}
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "stray.attached", Subject: rapport.KindThread.Format(t.ID), Detail: detail("entry", rapport.KindEntry.Format(e.ID))})
	})
	return e, err
}

// strayEntry is what comes to stand in the thread: from the customer, unless the stray names somebody else.
func strayEntry(ctx context.Context, s *store.Store, x store.Stray, t rapport.Thread) (*rapport.Entry, error) {
	e := &rapport.Entry{Thread: t.ID, Customer: t.Customer, Kind: rapport.Inbound, Channel: rapport.Email, Text: cmp.Or(x.Text, x.Subject, x.Reason), Author: x.About, Provider: x.Provider, Original: x.Original}
	meta := map[string]any{"stray": x.Reason}
	if x.Kind != store.StrayMessage {
		meta["auto"] = x.Kind
	}
	a, err := s.AddressOf(ctx, rapport.Email, x.About)
	switch {
	case err == nil:
		e.Address, e.Customer = a.ID, a.Customer
	case rapport.CodeOf(err) != rapport.CodeNotFound:
		return nil, err
	}
	if e.Address != t.Address {
		meta["sender"], meta["unverified"] = map[string]string{"name": "", "address": x.About}, true
	}
	e.Meta, err = json.Marshal(meta)
	return e, err
}

// ForgetStray removes one with its original.
func (g *Gateway) ForgetStray(ctx context.Context, by Caller, stray rapport.ID) error {
	if err := g.Store.DropStray(ctx, stray); err != nil {
		return err
	}
	return g.Store.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "stray.forgotten", Subject: rapport.KindStray.Format(stray)})
}
