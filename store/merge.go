package store

import (
	"context"
	"fmt"
	"time"

	"rapport"
)

// mostMerges bounds how deep threads may be merged into each other.
const mostMerges = 100

// Merged lists the threads whose entries a thread shows besides its own: those merged into it, and into those.
func (s *Store) Merged(ctx context.Context, thread rapport.ID) ([]rapport.ID, error) {
	return collect(ctx, s, scanID, `WITH RECURSIVE part (id) AS (
			SELECT id FROM threads WHERE merged_into = $1 AND merged_into <> 0
			UNION SELECT t.id FROM threads t JOIN part ON t.merged_into = part.id WHERE t.merged_into <> 0)
		SELECT id FROM part ORDER BY id`, thread)
}

// MergeThread makes into show what thread holds, from now on. The caller holds both by LockThread, and has checked
// that they are different and of one customer.
func (s *Store) MergeThread(ctx context.Context, thread, into rapport.ID) error {
	_, err := s.exec(ctx, `UPDATE threads SET merged_into = $1 WHERE id = $2`, into, thread)
	return err
}

// UnmergeThread undoes it. Not found: the thread is not merged.
func (s *Store) UnmergeThread(ctx context.Context, thread rapport.ID) error {
	n, err := s.exec(ctx, `UPDATE threads SET merged_into = 0 WHERE id = $1 AND merged_into <> 0`, thread)
	if err == nil && n == 0 {
		return rapport.NotFound("merged thread")
	}
	return err
}

// MergeEvent finds the entry that says that a thread, named as people see it, was merged into another, the newest.
func (s *Store) MergeEvent(ctx context.Context, into rapport.ID, merged string) (rapport.Entry, error) {
	e, err := scanEntry(s.row(ctx, `SELECT `+entryColumns+` FROM entries WHERE thread_id = $1 AND kind = 'event' AND meta LIKE $2 ORDER BY id DESC LIMIT 1`,
		into, `%"event":"merged"%"thread":"`+merged+`"%`).Scan)
	return e, missing(err, "entry")
}

// MoveEntries splits at most MaxRows entries off into another thread; answers to what was sent with them follow.
func (s *Store) MoveEntries(ctx context.Context, ids []rapport.ID, to rapport.ID) error {
	if len(ids) > MaxRows {
		return fmt.Errorf("moving %d entries in one call, at most %d", len(ids), MaxRows)
	}
	list := s.d.list(ids)
	_, err := s.exec(ctx, `UPDATE entries SET origin_thread = CASE origin_thread WHEN 0 THEN thread_id ELSE origin_thread END, thread_id = $1 WHERE id `+s.d.in(2), to, list)
	if err != nil {
		return err
	}
	// Who was named in them takes part there; who was named in others too, in both.
	if _, err = s.exec(ctx, `UPDATE thread_participants SET thread_id = $1 WHERE entry_id `+s.d.in(2), to, list); err != nil {
		return err
	}
	_, err = s.exec(ctx, `UPDATE campaigns SET thread_id = $1 WHERE kind = 'reply' AND id IN (SELECT m.campaign_id FROM entries e JOIN messages m ON m.id = e.message_id WHERE e.message_id <> 0 AND e.id `+s.d.in(2)+`)`, to, list)
	return err
}

// RefreshThread works out anew what a thread says of its entries, after some were added or taken away: its preview and
// place in the list, and whether somebody waits. It looks at the newest 200.
func (s *Store) RefreshThread(ctx context.Context, id rapport.ID) (t rapport.Thread, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		if t, err = s.LockThread(ctx, id); err != nil {
			return err
		}
		said, err := s.LastSaid(ctx, t.ID, 200)
		if err != nil {
			return err
		}
		sent, err := s.AnswerStates(ctx, said)
		if err != nil {
			return err
		}
		t.Preview, t.LastEntryAt, t.WaitingSince = "", t.CreatedAt, time.Time{}
		shown, listed := false, false
		for _, e := range said {
			state := sent[e.Message].State
			if e.Kind == rapport.Outbound && state == rapport.Cancelled {
				continue // taken back: as if it had never been written
			}
			if !listed {
				t.LastEntryAt, listed = e.CreatedAt, true
			}
			if e.Aside {
				continue
			}
			if !shown {
				t.Preview, shown = preview(e.Text), true
			}
			if e.Idle() {
				continue
			}
			if e.Kind == rapport.Outbound && state != rapport.Failed && state != rapport.Skipped && state != rapport.Expired {
				break
			}
			if e.Kind == rapport.Inbound && t.Status != rapport.ThreadResolved && t.Status != rapport.ThreadSpam {
				t.WaitingSince = e.CreatedAt
			}
		}
		return s.saveThread(ctx, &t)
	})
	return t, err
}
