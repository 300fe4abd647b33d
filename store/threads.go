package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"rapport"
)

const threadColumns = `t.id, t.customer_id, t.address_id, t.channel, t.subject, t.status, t.assignee, t.labels, t.priority, t.snoozed_until,
	t.campaign_id, t.last_entry_at, t.preview, t.created_at, t.updated_at, t.unread, t.waiting_since, t.merged_into`

func scanThread(scan func(...any) error) (t rapport.Thread, err error) {
	var labels string
	var snoozed, last, created, updated, waiting int64
	var unread int
	if err = scan(&t.ID, &t.Customer, &t.Address, &t.Channel, &t.Subject, &t.Status, &t.Assignee, &labels, &t.Priority, &snoozed,
		&t.Campaign, &last, &t.Preview, &created, &updated, &unread, &waiting, &t.MergedInto); err != nil {
		return
	}
	t.SnoozedUntil, t.LastEntryAt, t.CreatedAt, t.UpdatedAt = at(snoozed), at(last), at(created), at(updated)
	t.Unread, t.WaitingSince = unread == 1, at(waiting)
	if err = json.Unmarshal([]byte(labels), &t.Labels); err != nil {
		err = fmt.Errorf("reading thread %s: %w", rapport.KindThread.Format(t.ID), err)
	}
	return
}

// Thread finds one. Who asks for a thread that was merged gets the one that it was merged into.
func (s *Store) Thread(ctx context.Context, id rapport.ID) (t rapport.Thread, err error) {
	for range mostMerges {
		if t, err = s.ThreadItself(ctx, id); err != nil || t.MergedInto == 0 {
			return t, err
		}
		id = t.MergedInto
	}
	return t, fmt.Errorf("reading thread %s: it was merged in a circle", rapport.KindThread.Format(id))
}

// ThreadItself finds one, also one that was merged into another.
func (s *Store) ThreadItself(ctx context.Context, id rapport.ID) (rapport.Thread, error) {
	t, err := scanThread(s.row(ctx, `SELECT `+threadColumns+` FROM threads t WHERE t.id = $1`, id).Scan)
	return t, missing(err, "thread")
}

// LockThread finds one as Thread does and makes every other transaction that writes to it wait for this one.
func (s *Store) LockThread(ctx context.Context, id rapport.ID) (t rapport.Thread, err error) {
	return s.lockThread(ctx, id, ms(s.Now()))
}

// lockThread is LockThread; a time of 0 leaves the thread's own, as if nobody had touched it.
func (s *Store) lockThread(ctx context.Context, id rapport.ID, now int64) (t rapport.Thread, err error) {
	for range mostMerges {
		if _, err = s.exec(ctx, `UPDATE threads SET updated_at = CASE WHEN $1 > updated_at THEN $1 ELSE updated_at END WHERE id = $2`, now, id); err != nil {
			return t, err
		}
		if t, err = s.ThreadItself(ctx, id); err != nil || t.MergedInto == 0 {
			return t, err
		}
		id = t.MergedInto
	}
	return t, fmt.Errorf("locking thread %s: it was merged in a circle", rapport.KindThread.Format(id))
}

// OpenThread finds the newest thread of an address that is not resolved, wherever it was merged into. Who
// creates one when there is none holds LockAddress.
func (s *Store) OpenThread(ctx context.Context, address rapport.ID) (rapport.Thread, error) {
	t, err := scanThread(s.row(ctx, `WITH RECURSIVE own (id, into_id) AS (
			SELECT id, merged_into FROM threads WHERE address_id = $1
			UNION SELECT o.id, o.merged_into FROM threads o JOIN own ON o.id = own.into_id)
		SELECT `+threadColumns+` FROM threads t WHERE t.id IN (SELECT id FROM own WHERE into_id = 0) AND t.status <> 'resolved' ORDER BY t.id DESC LIMIT 1`, address).Scan)
	return t, missing(err, "open thread")
}

// NewestThread finds the one of an address that was begun last, whatever its status, and wherever it was merged into.
func (s *Store) NewestThread(ctx context.Context, address rapport.ID) (rapport.Thread, error) {
	var id rapport.ID
	if err := s.row(ctx, `SELECT id FROM threads WHERE address_id = $1 ORDER BY id DESC LIMIT 1`, address).Scan(&id); err != nil {
		return rapport.Thread{}, missing(err, "thread")
	}
	return s.Thread(ctx, id)
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

// ThreadFilter narrows Threads; empty fields do not. Spam is there only where Status asks for it.
type ThreadFilter struct {
	Status     []rapport.ThreadStatus
	Assignee   string
	Unassigned bool
	Channel    rapport.Channel
	Label      string
	Priority   rapport.Priority
	Customer   rapport.ID
	Campaign   rapport.ID
	Unread     bool
	Waiting    bool          // only those whose customer waits
	Reading    ReadingFilter // of the customer's newest words
	Q          string        // words of their entries, subject or author; of a very common word the newest 2,000 entries count
	Sort       ThreadSort
	Reverse    bool // the other way round
	Limit      int
	After      ThreadCursor
}

// newestFound bounds how many entries a search looks at for their threads.
const newestFound = 2000

// threadQuery collects conditions and their arguments.
type threadQuery struct {
	where string
	args  []any
}

func (q *threadQuery) and(cond string, v ...any) {
	nums := make([]any, len(v))
	for i := range v {
		nums[i] = len(q.args) + i + 1
	}
	q.args = append(q.args, v...)
	q.where += fmt.Sprintf(" AND "+cond, nums...)
}

// query is what a filter asks; nil: nothing can be found.
func (f *ThreadFilter) query(ctx context.Context, s *Store) (*threadQuery, error) {
	q := &threadQuery{where: `t.merged_into = 0`}
	var err error
	if f.Assignee, err = s.SpelledAgent(ctx, f.Assignee); err != nil {
		return nil, err
	}
	if f.Assignee != "" {
		q.and(`t.assignee = $%d`, f.Assignee)
	}
	if f.Unassigned {
		q.and(`t.assignee = ''`)
	}
	if f.Channel != "" {
		q.and(`t.channel = $%d`, string(f.Channel))
	}
	if f.Label != "" {
		sets, err := s.labelled(ctx, f.Label)
		if err != nil || len(sets) == 0 {
			return nil, err
		}
		q.where += ` AND t.labels <> '[]' AND t.labels ` + s.d.in(len(q.args)+1)
		q.args = append(q.args, s.d.list(sets))
	}
	if f.Priority != "" {
		q.and(`t.priority = $%d`, string(f.Priority))
	}
	if f.Customer != 0 {
		q.and(`t.customer_id = $%d`, f.Customer)
	}
	if f.Campaign != 0 {
		q.and(`t.campaign_id = $%d AND t.campaign_id <> 0`, f.Campaign)
	}
	if f.Unread {
		q.and(`t.unread = 1`)
	}
	if f.Waiting {
		q.and(`t.waiting_since <> 0`)
	}
	if where, args := f.Reading.where(newestRead, len(q.args)+1); where != "" {
		q.where, q.args = q.where+where, append(q.args, args...)
	}
	if f.Q != "" {
		want := terms(f.Q)
		if len(want) == 0 {
			return nil, nil
		}
		ids, err := s.find(ctx, want, math.MaxInt64, newestFound)
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		q.and(`t.id IN (WITH RECURSIVE home (id, into_id) AS (
			SELECT id, merged_into FROM threads WHERE id IN (SELECT thread_id FROM entries WHERE id ` + s.d.in(len(q.args)+1) + `)
			UNION SELECT o.id, o.merged_into FROM threads o JOIN home ON o.id = home.into_id) SELECT id FROM home)`)
		q.args = append(q.args, s.d.list(ids))
	}
	return q, nil
}

// ThreadPatch changes a thread; nil fields stay.
type ThreadPatch struct {
	Status       *rapport.ThreadStatus
	SnoozedUntil *time.Time
	Assignee     *string
	Labels       *[]string
	AddLabels    []string // to those that it has
	DropLabels   []string
	Priority     *rapport.Priority
	Subject      *string
	Unread       *bool
	Answered     bool // nobody waits any more
}

// PatchThread changes a thread and returns it as it is then. A thread that is not snoozed any more has
// no SnoozedUntil, and in one that is resolved or spam nobody waits.
func (s *Store) PatchThread(ctx context.Context, id rapport.ID, p ThreadPatch) (t rapport.Thread, err error) {
	err = s.Tx(ctx, func(s *Store) (err error) {
		// The row is written before it is read, so that two patches of different fields both hold.
		if t, err = s.LockThread(ctx, id); err != nil {
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
			if t.Assignee, err = s.KeepAgent(ctx, *p.Assignee); err != nil {
				return err
			}
		}
		if p.Labels != nil {
			t.Labels = *p.Labels
		}
		if t.Labels, err = s.spell(ctx, labelsName, relabelled(t.Labels, p.AddLabels, p.DropLabels)); err != nil {
			return err
		}
		if p.Priority != nil {
			t.Priority = *p.Priority
		}
		if p.Subject != nil {
			t.Subject = *p.Subject
		}
		if p.Unread != nil {
			t.Unread = *p.Unread
		}
		if p.Answered || t.Status == rapport.ThreadResolved || t.Status == rapport.ThreadSpam {
			t.WaitingSince = time.Time{}
		}
		if err := s.saveThread(ctx, &t); err != nil {
			return err
		}
		return s.tellThread(ctx, was, t)
	})
	if err != nil {
		return rapport.Thread{}, err
	}
	return t, nil
}

// saveThread writes what agents change, and what follows from entries.
func (s *Store) saveThread(ctx context.Context, t *rapport.Thread) error {
	labels, err := json.Marshal(t.Labels)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, `UPDATE threads SET status = $1, snoozed_until = $2, assignee = $3, labels = $4, priority = $5, subject = $6, unread = $7, waiting_since = $8,
		last_entry_at = $9, preview = $10 WHERE id = $11`, string(t.Status), ms(t.SnoozedUntil), t.Assignee, string(labels), string(t.Priority), t.Subject, bit(t.Unread), ms(t.WaitingSince),
		ms(t.LastEntryAt), t.Preview, t.ID)
	return err
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
		for _, t := range woken {
			e := rapport.Entry{Thread: t.ID, Customer: t.Customer, Kind: rapport.Happened, Channel: t.Channel, Text: "The snooze is over.", Meta: json.RawMessage(`{"event":"woken"}`)}
			if err := s.AddEntry(ctx, &e); err != nil {
				return err
			}
		}
		return s.Tell(ctx, notices...)
	})
	if err != nil {
		return nil, fmt.Errorf("waking threads: %w", err)
	}
	return ids, nil
}
