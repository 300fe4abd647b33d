package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rapport"
)

const threadColumns = `t.id, t.customer_id, t.address_id, t.channel, t.subject, t.status, t.assignee, t.labels, t.priority, t.snoozed_until,
	t.campaign_id, t.last_entry_at, t.preview, t.created_at, t.updated_at`

func scanThread(scan func(...any) error) (t rapport.Thread, err error) {
	var labels string
	var snoozed, last, created, updated int64
	if err = scan(&t.ID, &t.Customer, &t.Address, &t.Channel, &t.Subject, &t.Status, &t.Assignee, &labels, &t.Priority, &snoozed,
		&t.Campaign, &last, &t.Preview, &created, &updated); err != nil {
		return
	}
	t.SnoozedUntil, t.LastEntryAt, t.CreatedAt, t.UpdatedAt = at(snoozed), at(last), at(created), at(updated)
	if err = json.Unmarshal([]byte(labels), &t.Labels); err != nil {
		err = fmt.Errorf("reading thread %s: %w", rapport.KindThread.Format(t.ID), err)
	}
	return
}

// Thread finds one.
func (s *Store) Thread(ctx context.Context, id rapport.ID) (rapport.Thread, error) {
	t, err := scanThread(s.row(ctx, `SELECT `+threadColumns+` FROM threads t WHERE t.id = $1`, id).Scan)
	return t, missing(err, "thread")
}

// OpenThread finds the newest thread of an address that is not resolved. Who creates one when there is
// none holds LockAddress.
func (s *Store) OpenThread(ctx context.Context, address rapport.ID) (rapport.Thread, error) {
	t, err := scanThread(s.row(ctx, `SELECT `+threadColumns+` FROM threads t WHERE t.address_id = $1 AND t.status <> 'resolved' ORDER BY t.id DESC LIMIT 1`, address).Scan)
	return t, missing(err, "open thread")
}

// CreateThread stores a new thread and fills in its ID and times, and what is empty of status and priority.
func (s *Store) CreateThread(ctx context.Context, t *rapport.Thread) error {
	now := s.Now()
	t.ID, t.CreatedAt, t.UpdatedAt, t.LastEntryAt = s.NewID(), now, now, now
	if t.Status == "" {
		t.Status = rapport.ThreadOpen
	}
	if t.Priority == "" {
		t.Priority = rapport.Normal
	}
	if t.Labels == nil {
		t.Labels = []string{}
	}
	labels, err := json.Marshal(t.Labels)
	if err != nil {
		return fmt.Errorf("storing a thread: %w", err)
	}
	return s.Tx(ctx, func(s *Store) error {
		_, err := s.exec(ctx, `INSERT INTO threads (id, customer_id, address_id, channel, subject, status, assignee, labels, priority, snoozed_until,
			campaign_id, last_entry_at, preview, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
			t.ID, t.Customer, t.Address, string(t.Channel), t.Subject, string(t.Status), t.Assignee, string(labels), string(t.Priority), ms(t.SnoozedUntil),
			t.Campaign, ms(now), t.Preview, ms(now), ms(now))
		if err != nil {
			return err
		}
		return s.Tell(ctx, threadFact(*t).Notice(rapport.ThreadOpened, t.Customer))
	})
}

// ThreadFilter narrows Threads; empty fields do not.
type ThreadFilter struct {
	Status   rapport.ThreadStatus
	Assignee string
	Channel  rapport.Channel
	Label    string
	Customer rapport.ID
	Campaign rapport.ID
	Q        string // part of the subject, of the newest text, or of the customer's name
	Limit    int
	After    ThreadCursor
}

// ThreadCursor is a place in the list: zero is its beginning, and its end. It holds the time because the
// list is ordered by it, and because a thread that gets an entry meanwhile moves to the top.
type ThreadCursor struct {
	LastEntryAt time.Time
	ID          rapport.ID
}

// Threads lists those with the newest entry first.
func (s *Store) Threads(ctx context.Context, f ThreadFilter) ([]rapport.Thread, ThreadCursor, error) {
	if !storable(f.Q + f.Label + f.Assignee) {
		return []rapport.Thread{}, ThreadCursor{}, nil
	}
	q := `SELECT ` + threadColumns + ` FROM threads t WHERE 1 = 1`
	var args []any
	and := func(cond string, v ...any) {
		nums := make([]any, len(v))
		for i := range v {
			nums[i] = len(args) + i + 1
		}
		args = append(args, v...)
		q += fmt.Sprintf(" AND "+cond, nums...)
	}
	if f.After.ID != 0 {
		and(`(t.last_entry_at, t.id) < ($%d, $%d)`, ms(f.After.LastEntryAt), f.After.ID)
	}
	if f.Status != "" {
		and(`t.status = $%d`, string(f.Status))
	}
	if f.Assignee != "" {
		and(`t.assignee = $%d`, f.Assignee)
	}
	if f.Channel != "" {
		and(`t.channel = $%d`, string(f.Channel))
	}
	if f.Label != "" {
		label, _ := json.Marshal(f.Label)                            // of a string: cannot fail
		and(`replace(t.labels, $%d, '') <> t.labels`, string(label)) // "contains", exact on both engines
	}
	if f.Customer != 0 {
		and(`t.customer_id = $%d`, f.Customer)
	}
	if f.Campaign != 0 {
		and(`t.campaign_id = $%d`, f.Campaign)
	}
	if f.Q != "" {
		like := s.d.like() + ` $%[1]d ESCAPE '\'`
		and(`(t.subject `+like+` OR t.preview `+like+` OR EXISTS (SELECT 1 FROM customers c WHERE c.id = t.customer_id AND c.name `+like+`))`, "%"+escapeLike(f.Q)+"%")
	}
	args = append(args, f.Limit+1)
	rows, err := collect(ctx, s, scanThread, q+fmt.Sprintf(` ORDER BY t.last_entry_at DESC, t.id DESC LIMIT $%d`, len(args)), args...)
	if err != nil || len(rows) <= f.Limit {
		return rows, ThreadCursor{}, err
	}
	last := rows[f.Limit-1]
	return rows[:f.Limit], ThreadCursor{last.LastEntryAt, last.ID}, nil
}

// ThreadPatch changes a thread; nil fields stay.
type ThreadPatch struct {
	Status       *rapport.ThreadStatus
	SnoozedUntil *time.Time
	Assignee     *string
	Labels       *[]string
	Priority     *rapport.Priority
	Subject      *string
}

// PatchThread changes a thread and returns it as it is then. A thread that is not snoozed any more has
// no SnoozedUntil.
func (s *Store) PatchThread(ctx context.Context, id rapport.ID, p ThreadPatch) (t rapport.Thread, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		// The row is written before it is read, so that two patches of different fields both hold.
		now := s.Now()
		n, err := s.exec(ctx, `UPDATE threads SET updated_at = $1 WHERE id = $2`, ms(now), id)
		if err != nil {
			return err
		}
		if n == 0 {
			return rapport.NotFound("thread")
		}
		if t, err = s.Thread(ctx, id); err != nil {
			return err
		}
		was := t
		if p.Status != nil {
			t.Status = *p.Status
		}
		if p.SnoozedUntil != nil {
			t.SnoozedUntil = *p.SnoozedUntil
		}
		if t.Status != rapport.ThreadSnoozed {
			t.SnoozedUntil = time.Time{}
		}
		if p.Assignee != nil {
			t.Assignee = *p.Assignee
		}
		if p.Labels != nil {
			t.Labels = append([]string{}, *p.Labels...)
		}
		if p.Priority != nil {
			t.Priority = *p.Priority
		}
		if p.Subject != nil {
			t.Subject = *p.Subject
		}
		labels, err := json.Marshal(t.Labels)
		if err != nil {
			return err
		}
		_, err = s.exec(ctx, `UPDATE threads SET status = $1, snoozed_until = $2, assignee = $3, labels = $4, priority = $5, subject = $6 WHERE id = $7`,
			string(t.Status), ms(t.SnoozedUntil), t.Assignee, string(labels), string(t.Priority), t.Subject, id)
		if err != nil {
			return err
		}
		return s.tellThread(ctx, was, t)
	})
	if err != nil {
		return rapport.Thread{}, err
	}
	return t, nil
}

// WakeThreads opens up to MaxRows snoozed threads whose time has come, and names them.
func (s *Store) WakeThreads(ctx context.Context) (ids []rapport.ID, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		now := ms(s.Now())
		ids, err = collect(ctx, s, scanID, `SELECT id FROM threads WHERE status = 'snoozed' AND snoozed_until > 0 AND snoozed_until <= $1 ORDER BY id LIMIT $2 `+
			s.d.skipLocked(), now, MaxRows)
		if err != nil || len(ids) == 0 {
			return err
		}
		if _, err = s.exec(ctx, `UPDATE threads SET status = 'open', snoozed_until = 0, updated_at = $1 WHERE id `+s.d.in(2), now, s.d.list(ids)); err != nil {
			return err
		}
		woken, err := collect(ctx, s, scanThread, `SELECT `+threadColumns+` FROM threads t WHERE t.id `+s.d.in(1), s.d.list(ids))
		if err != nil {
			return err
		}
		notices := make([]rapport.Notice, len(woken))
		for i, t := range woken {
			notices[i] = threadFact(t).Notice(rapport.ThreadUpdated, t.Customer)
		}
		return s.Tell(ctx, notices...)
	})
	if err != nil {
		return nil, fmt.Errorf("waking threads: %w", err)
	}
	return ids, nil
}
