package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"rapport"
	"rapport/store"
)

// MergeThread makes into show everything that thread holds, in the order in which it was said; whoever asks for thread,
// or answers in it, comes to into. Only threads of one customer merge: another's is a conflict.
func (g *Gateway) MergeThread(ctx context.Context, by Caller, thread, into rapport.ID) (rapport.Thread, error) {
	var t rapport.Thread
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		from, err := s.ThreadItself(ctx, thread)
		if err != nil {
			return err
		}
		if from.MergedInto != 0 {
			return rapport.Errorf(rapport.CodeConflict, "This thread is merged already, into %s.", rapport.KindThread.Format(from.MergedInto))
		}
		if t, err = s.Thread(ctx, into); rapport.CodeOf(err) == rapport.CodeNotFound {
			return rapport.Invalid("into", "there is no such thread")
		} else if err != nil {
			return err
		}
		if t.ID == from.ID {
			return rapport.Invalid("into", "is the same thread")
		}
		// In the order of their ids, so that two who merge crosswise wait and do not lock each other out.
		for _, id := range slices.Sorted(slices.Values([]rapport.ID{from.ID, t.ID})) {
			held, err := s.LockThread(ctx, id)
			if err != nil {
				return err
			}
			if held.ID != id {
				return rapport.Errorf(rapport.CodeConflict, "One of the threads is being merged by somebody else.")
			}
		}
		if same, err := sameCustomer(ctx, s, from.Customer, t.Customer); err != nil {
			return err
		} else if !same {
			return rapport.Errorf(rapport.CodeConflict, "The threads are of two customers. Merge the customers first, if they are one person.")
		}
		if err := s.MergeThread(ctx, from.ID, t.ID); err != nil {
			return err
		}
		name := rapport.KindThread.Format(from.ID)
		if _, err := happened(ctx, s, t, by.Name, "Thread "+name+" was merged into this one.", map[string]any{"event": "merged", "status": string(t.Status), "thread": name, "name": from.Subject}); err != nil {
			return err
		}
		if t, err = s.RefreshThread(ctx, t.ID); err != nil {
			return err
		}
		p := store.ThreadPatch{}
		if from.Unread && !t.Unread {
			p.Unread = &from.Unread
		}
		if from.Status == rapport.ThreadOpen && (t.Status == rapport.ThreadPending || t.Status == rapport.ThreadSnoozed || t.Status == rapport.ThreadResolved) {
			p.Status = &from.Status // what waits there must not be lost here
		}
		if t, err = s.PatchThread(ctx, t.ID, p); err != nil || p.Status == nil {
			return err
		}
		t, err = s.RefreshThread(ctx, t.ID)
		return err
	})
	return t, err
}

func sameCustomer(ctx context.Context, s *store.Store, a, b rapport.ID) (bool, error) {
	if a == b {
		return true, nil
	}
	one, err := s.Customer(ctx, a) // the one it was merged into
	if err != nil {
		return false, err
	}
	two, err := s.Customer(ctx, b)
	return err == nil && one.ID == two.ID, err
}

// UnmergeThread gives a thread back what was its own. What was said since the merge stays where it was said. A thread that
// is not merged is a conflict.
func (g *Gateway) UnmergeThread(ctx context.Context, by Caller, thread rapport.ID) (rapport.Thread, error) {
	var t rapport.Thread
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		itself, err := s.ThreadItself(ctx, thread)
		if err != nil {
			return err
		}
		if itself.MergedInto == 0 {
			return rapport.Errorf(rapport.CodeConflict, "This thread is not merged.")
		}
		into, err := s.LockThread(ctx, thread)
		if err != nil {
			return err
		}
		if err := s.UnmergeThread(ctx, thread); err != nil {
			return err
		}
		name := rapport.KindThread.Format(thread)
		if _, err := happened(ctx, s, into, by.Name, "Thread "+name+" was taken out of this one.", map[string]any{"event": "unmerged", "thread": name}); err != nil {
			return err
		}
		other := rapport.KindThread.Format(into.ID)
		if _, err := happened(ctx, s, itself, by.Name, "This thread was taken out of thread "+other+".", map[string]any{"event": "unmerged", "from": other}); err != nil {
			return err
		}
		if _, err := follow(ctx, s, into.ID); err != nil {
			return err
		}
		if err := resolveAgain(ctx, s, into.ID, name); err != nil {
			return err
		}
		t, err = follow(ctx, s, thread)
		return err
	})
	return t, err
}

// resolveAgain makes a thread resolved that only a merge had opened: nobody has said anything in it since.
func resolveAgain(ctx context.Context, s *store.Store, thread rapport.ID, merged string) error {
	e, err := s.MergeEvent(ctx, thread, merged)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	var was struct{ Status rapport.ThreadStatus }
	if err := json.Unmarshal(e.Meta, &was); err != nil {
		return err
	}
	if was.Status != rapport.ThreadResolved {
		return nil
	}
	t, err := s.Thread(ctx, thread)
	if err != nil || t.Status != rapport.ThreadOpen && t.Status != rapport.ThreadPending {
		return err
	}
	since, err := s.SaidAfter(ctx, thread, e.ID, 1)
	if err != nil || len(since) > 0 {
		return err
	}
	unread := false
	_, err = s.PatchThread(ctx, thread, store.ThreadPatch{Status: &was.Status, Unread: &unread})
	return err
}

// SplitInput says what goes.
type SplitInput struct {
	FromEntry string   `json:"from_entry,omitempty" maxLength:"40" doc:"This entry and all after it."`
	Entries   []string `json:"entries,omitempty" maxItems:"500" doc:"These entries."`
	Subject   string   `json:"subject,omitempty" maxLength:"500" doc:"Of the new thread. Default: the old one's."`
	Agent     string   `json:"agent,omitempty" maxLength:"200" doc:"Who splits. Default: the key's name."`
}

// SplitThread moves entries into a thread of their own, which is like the old one in all but that. Merging it back undoes it.
func (g *Gateway) SplitThread(ctx context.Context, by Caller, thread rapport.ID, in SplitInput) (rapport.Thread, error) {
	v := validation{}
	if (in.FromEntry == "") == (len(in.Entries) == 0) {
		v.refuse("from_entry", "either from_entry or entries is needed, and not both")
	}
	if len(in.Entries) > store.MaxRows {
		v.refuse("entries", "at most %d at once", store.MaxRows)
	}
	v.text("subject", in.Subject, 500)
	want := map[rapport.ID]string{}
	for i, text := range in.Entries {
		id, err := rapport.KindEntry.Parse(text)
		if err != nil {
			v.refuse(fmt.Sprintf("entries[%d]", i), "is no entry's id (ent_...)")
		}
		want[id] = fmt.Sprintf("entries[%d]", i)
	}
	var first rapport.ID
	if in.FromEntry != "" {
		var err error
		if first, err = rapport.KindEntry.Parse(in.FromEntry); err != nil {
			v.refuse("from_entry", "is no entry's id (ent_...)")
		}
	}
	if len(v.errs) > 0 {
		return rapport.Thread{}, invalid(v.errs)
	}
	var fresh rapport.Thread
	err := g.Store.Tx(ctx, func(s *store.Store) error {
		t, err := s.LockThread(ctx, thread)
		if err != nil {
			return err
		}
		ids, err := splitOff(ctx, s, t.ID, first, want)
		if err != nil {
			return err
		}
		fresh = rapport.Thread{Customer: t.Customer, Address: t.Address, Channel: t.Channel, Subject: t.Subject, Status: rapport.ThreadOpen, Assignee: t.Assignee,
			Labels: t.Labels, Priority: t.Priority, Campaign: t.Campaign}
		if in.Subject != "" {
			fresh.Subject = in.Subject
		}
		if err := s.CreateThread(ctx, &fresh); err != nil {
			return err
		}
		if err := s.MoveEntries(ctx, ids, fresh.ID); err != nil {
			return err
		}
		old, name := rapport.KindThread.Format(t.ID), rapport.KindThread.Format(fresh.ID)
		if _, err := happened(ctx, s, t, by.Name, fmt.Sprintf("%d entries were split off into thread %s.", len(ids), name), map[string]any{"event": "split", "into": name}); err != nil {
			return err
		}
		if _, err := happened(ctx, s, fresh, by.Name, "Split off from thread "+old+".", map[string]any{"event": "split", "from": old}); err != nil {
			return err
		}
		if _, err := s.RefreshThread(ctx, t.ID); err != nil {
			return err
		}
		if fresh, err = s.RefreshThread(ctx, fresh.ID); err != nil || !fresh.WaitingSince.IsZero() || t.Status != rapport.ThreadPending {
			return err
		}
		fresh, err = s.PatchThread(ctx, fresh.ID, store.ThreadPatch{Status: &t.Status}) // nobody waits there
		return err
	})
	return fresh, err
}

// splitOff finds the entries to go: from first on, or those that are wanted.
func splitOff(ctx context.Context, s *store.Store, thread, first rapport.ID, want map[rapport.ID]string) (ids []rapport.ID, err error) {
	stay := false
	page := store.Page{Limit: store.MaxRows}
	for {
		entries, next, err := s.Entries(ctx, thread, page)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			_, named := want[e.ID]
			if named || first != 0 && e.ID >= first {
				ids = append(ids, e.ID)
				delete(want, e.ID)
			} else if e.Kind != rapport.Happened {
				stay = true
			}
		}
		if page.After = next; next == 0 {
			break
		}
	}
	v := validation{}
	for _, place := range want {
		v.refuse(place, "is no entry of this thread")
	}
	switch {
	case len(v.errs) > 0:
	case first != 0 && !slices.Contains(ids, first):
		v.refuse("from_entry", "is no entry of this thread")
	case !stay:
		v.refuse("from_entry", "nothing would be left in this thread")
	case len(ids) > store.MaxRows:
		v.refuse("from_entry", "%d entries would go, at most %d at once", len(ids), store.MaxRows)
	}
	if len(v.errs) > 0 {
		return nil, invalid(v.errs)
	}
	return ids, nil
}
