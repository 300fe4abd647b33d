package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport"
)

// ThreadSort is an order of threads.
type ThreadSort string

// The orders, as they are unless reversed.
const (
	ByActivity ThreadSort = ""         // the newest entry first
	ByCreation ThreadSort = "created"  // the youngest first
	ByPriority ThreadSort = "priority" // the most urgent first, and of these the newest entry
	ByWaiting  ThreadSort = "waiting"  // whose customer waits, the longest first; the others are not there
)

// threadRank is the text of an index: it must stand in queries as it stands there.
const threadRank = `(CASE t.priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 WHEN 'low' THEN 0 ELSE 1 END)`

func rankOf(p rapport.Priority) int {
	switch p {
	case rapport.Urgent:
		return 3
	case rapport.High:
		return 2
	case rapport.Low:
		return 0
	}
	return 1
}

// ThreadCursor is a place in the list: zero is its beginning, and its end. It holds what the list is ordered by, because
// a thread that gets an entry meanwhile moves.
type ThreadCursor struct {
	Rank int
	At   time.Time
	ID   rapport.ID
}

// order is what a list is ordered by, which way, and where in it the cursor stands.
func (f *ThreadFilter) order() (keys []string, descends bool, at []any) {
	c := f.After
	switch f.Sort {
	case ByCreation:
		return []string{`t.id`}, !f.Reverse, []any{c.ID}
	case ByPriority:
		return []string{threadRank, `t.last_entry_at`, `t.id`}, !f.Reverse, []any{c.Rank, ms(c.At), c.ID}
	case ByWaiting:
		return []string{`t.waiting_since`, `t.id`}, f.Reverse, []any{ms(c.At), c.ID}
	}
	return []string{`t.last_entry_at`, `t.id`}, !f.Reverse, []any{ms(c.At), c.ID}
}

func (f *ThreadFilter) cursorAt(t rapport.Thread) ThreadCursor {
	switch f.Sort {
	case ByCreation:
		return ThreadCursor{ID: t.ID}
	case ByPriority:
		return ThreadCursor{rankOf(t.Priority), t.LastEntryAt, t.ID}
	case ByWaiting:
		return ThreadCursor{At: t.WaitingSince, ID: t.ID}
	}
	return ThreadCursor{At: t.LastEntryAt, ID: t.ID}
}

// narrow tells whether a filter leaves so few threads that they are found first and ordered then.
func (f *ThreadFilter) narrow() bool {
	return f.Customer != 0 || f.Campaign != 0 || f.Label != "" || f.Q != ""
}

// statuses are those that may be in the list.
func (f *ThreadFilter) statuses() []string {
	var out []string
	for _, known := range rapport.ThreadStatuses {
		if slices.Contains(f.Status, known) || len(f.Status) == 0 && known != rapport.ThreadSpam {
			out = append(out, `'`+string(known)+`'`)
		}
	}
	return out
}

// Threads lists what a filter leaves, in its order. Each status is read in the order of an index of its own, so that a page
// costs its rows; what narrows the list so much that an order is cheap is looked up instead.
func (s *Store) Threads(ctx context.Context, f ThreadFilter) ([]rapport.Thread, ThreadCursor, error) {
	none := []rapport.Thread{}
	if !storable(f.Q + f.Label + f.Assignee) {
		return none, ThreadCursor{}, nil
	}
	text, args, err := f.list(ctx, s)
	if text == "" || err != nil {
		return none, ThreadCursor{}, err
	}
	rows, err := collect(ctx, s, scanThread, text, args...)
	if err != nil || len(rows) <= f.Limit {
		return rows, ThreadCursor{}, err
	}
	return rows[:f.Limit], f.cursorAt(rows[f.Limit-1]), nil
}

// list is the query of a list; "": nothing can be found.
func (f ThreadFilter) list(ctx context.Context, s *Store) (text string, args []any, err error) {
	if f.Sort == ByWaiting {
		f.Waiting = true
	}
	q, err := f.query(ctx, s)
	statuses := f.statuses()
	if q == nil || err != nil || len(statuses) == 0 {
		return "", nil, err
	}
	keys, descends, at := f.order()
	way, beyond := ``, `>`
	if descends {
		way, beyond = ` DESC`, `<`
	}
	if f.After.ID != 0 {
		q.and(`(`+strings.Join(keys, `, `)+`) `+beyond+` (`+strings.TrimSuffix(strings.Repeat(`$%d, `, len(at)), `, `)+`)`, at...)
	}
	limit := fmt.Sprintf(` ORDER BY %s LIMIT $%d`, strings.Join(keys, way+`, `)+way, len(q.args)+1)
	args = append(q.args, f.Limit+1)
	if f.narrow() || f.Sort == ByWaiting { // who waits has an index of all statuses
		return `SELECT ` + threadColumns + ` FROM threads t WHERE ` + q.where + ` AND coalesce(t.status, '') IN (` + strings.Join(statuses, `, `) + `)` + limit, args, nil
	}
	each := make([]string, len(statuses))
	for i, status := range statuses {
		each[i] = fmt.Sprintf(`SELECT * FROM (SELECT t.* FROM threads t WHERE %s AND t.status = %s%s) AS t%d`, q.where, status, limit, i)
	}
	return `SELECT ` + threadColumns + ` FROM (` + strings.Join(each, ` UNION ALL `) + `) AS t` + limit, args, nil
}

// ThreadCounts is how many threads a filter leaves, by status: all, Mine and Nobody's. Unassigned, Unread and Waiting count
// among those that are neither resolved nor spam.
type ThreadCounts struct {
	Status, Mine, Nobodys       map[rapport.ThreadStatus]int64
	Unassigned, Unread, Waiting int64
}

// CountThreads counts the threads that a filter leaves; mine are those of an agent. Without a filter that names something
// rare it reads an index from end to end, and of the threads themselves only those that are still open.
func (s *Store) CountThreads(ctx context.Context, f ThreadFilter, agent string) (ThreadCounts, error) {
	out := ThreadCounts{Status: map[rapport.ThreadStatus]int64{}, Mine: map[rapport.ThreadStatus]int64{}, Nobodys: map[rapport.ThreadStatus]int64{}}
	for _, status := range rapport.ThreadStatuses {
		out.Status[status], out.Mine[status], out.Nobodys[status] = 0, 0, 0
	}
	if !storable(f.Q + f.Label + f.Assignee + agent) {
		return out, nil
	}
	q, err := f.query(ctx, s)
	if q == nil || err != nil {
		return out, err
	}
	if len(f.Status) > 0 {
		q.where += ` AND coalesce(t.status, '') IN (` + strings.Join(f.statuses(), `, `) + `)`
	}
	me := len(q.args) + 1
	err = s.each(ctx, func(scan func(...any) error) error {
		var status rapport.ThreadStatus
		var whose int
		var n int64
		if err := scan(&status, &whose, &n); err != nil {
			return err
		}
		out.Status[status] += n
		switch whose {
		case 1:
			out.Nobodys[status] += n
			if status != rapport.ThreadResolved && status != rapport.ThreadSpam {
				out.Unassigned += n
			}
		case 2:
			out.Mine[status] += n
		}
		return nil
	}, fmt.Sprintf(`SELECT t.status, CASE WHEN t.assignee = '' THEN 1 WHEN t.assignee = $%d THEN 2 ELSE 0 END AS whose, count(*) FROM threads t WHERE %s GROUP BY 1, 2`, me, q.where), append(slices.Clone(q.args), agent)...)
	if err != nil {
		return out, err
	}
	open := `t.status`
	if f.narrow() {
		open = `coalesce(t.status, '')`
	}
	err = s.row(ctx, `SELECT count(CASE t.unread WHEN 1 THEN 1 END), count(CASE t.waiting_since WHEN 0 THEN NULL ELSE 1 END)
		FROM threads t WHERE `+q.where+` AND `+open+` IN ('open', 'pending', 'snoozed')`, q.args...).Scan(&out.Unread, &out.Waiting)
	return out, err
}

// InboxRow is what a row of the list shows besides the thread.
type InboxRow struct {
	Customer   string // the name
	Campaign   string // the name
	Last       LastWords
	Unverified bool     // who wrote the customer's newest words is not certain
	Drafts     []string // agents who have begun to write, by name
}

// LastWords are the newest that the customer can see: those of the preview.
type LastWords struct {
	ID      rapport.ID // 0: there are none
	Kind    rapport.EntryKind
	Channel rapport.Channel
	Author  string
	Files   int
	At      time.Time
}

// InboxRows reads what rows of the list show, with a handful of queries whatever their number.
func (s *Store) InboxRows(ctx context.Context, threads []rapport.Thread) (map[rapport.ID]InboxRow, error) {
	out := make(map[rapport.ID]InboxRow, len(threads))
	if len(threads) == 0 {
		return out, nil
	}
	var ids, customers, campaigns []rapport.ID
	for _, t := range threads {
		ids, customers, campaigns = append(ids, t.ID), append(customers, t.Customer), append(campaigns, t.Campaign)
	}
	names, err := s.names(ctx, `customers`, customers)
	if err != nil {
		return nil, err
	}
	called, err := s.names(ctx, `campaigns`, campaigns)
	if err != nil {
		return nil, err
	}
	for _, t := range threads {
		out[t.ID] = InboxRow{Customer: names[t.Customer], Campaign: called[t.Campaign]}
	}
	err = s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var agent string
		err := scan(&id, &agent)
		r := out[id]
		r.Drafts = append(r.Drafts, agent)
		out[id] = r
		return err
	}, `SELECT thread_id, agent FROM drafts WHERE thread_id `+s.d.in(1)+` ORDER BY thread_id, agent`, s.d.list(ids))
	if err != nil {
		return nil, err
	}
	return out, s.lastWords(ctx, ids, out)
}

func (s *Store) names(ctx context.Context, table string, ids []rapport.ID) (map[rapport.ID]string, error) {
	out := map[rapport.ID]string{}
	return out, s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var name string
		err := scan(&id, &name)
		out[id] = name
		return err
	}, `SELECT id, name FROM `+table+` WHERE id `+s.d.in(1), s.d.list(ids))
}

// lastWords finds the newest entry of each thread that was not taken back, and the newest of its customer, also where they stand in a thread that
// was merged into it.
func (s *Store) lastWords(ctx context.Context, threads []rapport.ID, out map[rapport.ID]InboxRow) error {
	said, wrote := map[rapport.ID]rapport.ID{}, map[rapport.ID]rapport.ID{}
	var ids []rapport.ID
	const newest = `coalesce((SELECT e.id FROM entries e WHERE e.thread_id = own.id AND e.kind IN (%s) AND coalesce((SELECT m.state FROM messages m WHERE m.id = e.message_id), 0) <> 9 ORDER BY e.id DESC LIMIT 1), 0)`
	err := s.each(ctx, func(scan func(...any) error) error {
		var root, any, inbound rapport.ID
		err := scan(&root, &any, &inbound)
		said[root], wrote[root] = max(said[root], any), max(wrote[root], inbound)
		ids = append(ids, any, inbound)
		return err
	}, `WITH RECURSIVE own (root, id) AS (SELECT id, id FROM threads WHERE id `+s.d.in(1)+`
			UNION SELECT own.root, o.id FROM threads o JOIN own ON o.merged_into = own.id WHERE o.merged_into <> 0)
		SELECT own.root, `+fmt.Sprintf(newest, `'inbound', 'outbound'`)+`, `+fmt.Sprintf(newest, `'inbound'`)+` FROM own`, s.d.list(threads))
	if err != nil {
		return err
	}
	words := map[rapport.ID]LastWords{}
	doubted := map[rapport.ID]bool{}
	err = s.each(ctx, func(scan func(...any) error) error {
		var w LastWords
		var meta string
		var created int64
		if err := scan(&w.ID, &w.Kind, &w.Channel, &w.Author, &created, &meta); err != nil {
			return err
		}
		var m struct {
			Files []json.RawMessage
			Meta  struct{ Unverified any }
		}
		if err := json.Unmarshal([]byte(meta), &m); err != nil {
			return fmt.Errorf("reading entry %s: %w", rapport.KindEntry.Format(w.ID), err)
		}
		w.At, w.Files = at(created), len(m.Files)
		words[w.ID], doubted[w.ID] = w, m.Meta.Unverified != nil && m.Meta.Unverified != false
		return nil
	}, `SELECT id, kind, channel, author, created_at, meta FROM entries WHERE id `+s.d.in(1), s.d.list(ids))
	for _, id := range threads {
		r := out[id]
		r.Last, r.Unverified = words[said[id]], doubted[wrote[id]]
		out[id] = r
	}
	return err
}
