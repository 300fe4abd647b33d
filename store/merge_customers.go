package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"rapport"
)

// CustomerMerge is a merge of two customers that was done.
type CustomerMerge struct {
	ID       rapport.ID
	From     rapport.ID
	Into     rapport.ID
	Rule     string // the rule that did it; empty: a person
	Actor    string
	Key      rapport.ID
	At       time.Time
	UndoneBy string
	UndoneAt time.Time
}

// merged is the column detail: what an undo needs.
type merged struct {
	Before    fields        `json:"before"`
	After     fields        `json:"after"`
	Addresses []mergedPlace `json:"addresses,omitempty"`
	Messages  []rapport.ID  `json:"messages,omitempty"`
	Entries   []rapport.ID  `json:"entries,omitempty"`
	Threads   []rapport.ID  `json:"threads,omitempty"`
	Events    []rapport.ID  `json:"events,omitempty"`
	Calls     []rapport.ID  `json:"calls,omitempty"`
	Consents  []rapport.ID  `json:"consents,omitempty"` // that the merge said
	Chained   []rapport.ID  `json:"chained,omitempty"`  // customers that had been merged into the one that is merged now
	Prefs     []mergedPref  `json:"prefs,omitempty"`
}

type mergedPlace struct {
	ID      rapport.ID `json:"id"`
	Primary bool       `json:"primary,omitempty"`
}

type mergedPref struct {
	Topic   string          `json:"topic"`
	Channel rapport.Channel `json:"channel"`
	Had     bool            `json:"had"`
	Was     bool            `json:"was"`
	WasAt   int64           `json:"was_at"`
	Is      bool            `json:"is"`
}

// fields are the columns of a customer that a merge may change, as they stand in the table.
type fields struct {
	Name, Locale, Timezone, Attributes, Order string
	QuietFrom, QuietUntil, CapMax, CapPer     *int64
	Track                                     bool
}

// maxMoved bounds what one merge moves: it is one transaction, and is kept whole for its undo.
const maxMoved = 20_000

// MergeSide reads one customer for a merge. One that was merged comes as it is, with MergedInto.
func (s *Store) MergeSide(ctx context.Context, id rapport.ID) (side rapport.Side, err error) {
	found, err := s.CustomersByID(ctx, []rapport.ID{id})
	if err != nil {
		return side, err
	}
	if found[id] == nil {
		return side, rapport.NotFound("customer")
	}
	side.Customer = *found[id]
	var track int
	if err := s.row(ctx, `SELECT track FROM customers WHERE id = $1`, id).Scan(&track); err != nil {
		return side, err
	}
	side.Track = track == 1
	side.Consents, err = collect(ctx, s, scanConsent, `SELECT `+consentColumns+` FROM consents WHERE customer_id = $1 ORDER BY id`, id)
	return side, err
}

// LockCustomers makes others who change or merge these customers wait, or begin again.
func (s *Store) LockCustomers(ctx context.Context, ids ...rapport.ID) error {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	for _, id := range ids { // in one order
		if _, err := s.exec(ctx, `UPDATE customers SET updated_at = CASE WHEN updated_at < $1 THEN $1 ELSE updated_at + 1 END WHERE id = $2`, ms(s.Now()), id); err != nil {
			return err
		}
	}
	return nil
}

// Holdings counts what stands under a customer's own id.
type Holdings struct{ Messages, Entries, Threads, Events int64 }

// Holdings counts them.
func (s *Store) Holdings(ctx context.Context, id rapport.ID) (h Holdings, err error) {
	err = s.row(ctx, `SELECT (SELECT count(*) FROM messages WHERE customer_id = $1), (SELECT count(*) FROM entries WHERE customer_id = $1),
		(SELECT count(*) FROM threads WHERE customer_id = $1), (SELECT count(*) FROM events WHERE customer_id = $1)`, id).Scan(&h.Messages, &h.Entries, &h.Threads, &h.Events)
	return
}

// MergeCustomers makes from a part of into: its addresses, messages, threads, entries, events and calls become into's, and into gets
// what u says. Consents stay with whom they are about, and those of u are said again. A message of a campaign that into has
// one of as well stays where it is: see MergedAway. The caller holds both by LockCustomers and has checked that neither was
// merged. m gets its ID and time.
func (s *Store) MergeCustomers(ctx context.Context, m *CustomerMerge, from, into rapport.Side, u rapport.Union) error {
	m.ID, m.At = s.NewID(), s.Now()
	d := merged{Before: fieldsOf(&into.Customer, into.Track), After: fieldsOf(&u.Customer, u.Track)}
	h, err := s.Holdings(ctx, m.From)
	if err != nil {
		return err
	}
	if h.Messages+h.Entries+h.Threads+h.Events > maxMoved {
		return rapport.Errorf(rapport.CodeConflict, "More than %d things stand under this customer. Merge the other one into it.", maxMoved)
	}
	if err := s.moveAddresses(ctx, m, from, into, &d); err != nil {
		return err
	}
	for _, part := range []struct {
		of    *[]rapport.ID
		table string
		where string
	}{
		{&d.Messages, "messages", ` AND NOT EXISTS (SELECT 1 FROM messages o WHERE o.campaign_id = messages.campaign_id AND o.customer_id = $2)`},
		{&d.Threads, "threads", ``}, {&d.Entries, "entries", ``}, {&d.Events, "events", ``}, {&d.Calls, "calls", ``},
	} {
		args := []any{m.From}
		if part.where != "" {
			args = append(args, m.Into)
		}
		if *part.of, err = collect(ctx, s, scanID, `SELECT id FROM `+part.table+` WHERE customer_id = $1`+part.where+` ORDER BY id`, args...); err != nil {
			return err
		}
		if err := s.giveTo(ctx, part.table, *part.of, m.From, m.Into); err != nil {
			return err
		}
	}
	if d.Chained, err = collect(ctx, s, scanID, `SELECT id FROM customers WHERE merged_into = $1 ORDER BY id`, m.From); err != nil {
		return err
	}
	// Nobody stands two merges away: whoever counts people looks one step up.
	if _, err := s.exec(ctx, `UPDATE customers SET merged_into = $1 WHERE id = $2 OR merged_into = $2`, m.Into, m.From); err != nil {
		return err
	}
	if err := s.setFields(ctx, m.Into, d.After); err != nil {
		return err
	}
	if err := s.unitePrefs(ctx, m, u.Prefs, &d); err != nil {
		return err
	}
	if err := s.AddConsents(ctx, u.Consents); err != nil {
		return err
	}
	for _, c := range u.Consents {
		d.Consents = append(d.Consents, c.ID)
	}
	if err := s.bumpEpoch(ctx, []rapport.ID{m.Into}); err != nil {
		return err
	}
	detail, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, `INSERT INTO merges (id, customer_id, into_id, rule, actor, key_id, detail, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		m.ID, m.From, m.Into, m.Rule, m.Actor, m.Key, string(detail), ms(m.At))
	return err
}

func fieldsOf(c *rapport.Customer, track bool) fields {
	f := fields{Name: c.Name, Locale: c.Locale, Timezone: c.Timezone, Attributes: string(c.Attributes), Track: track}
	for i, k := range c.Order {
		if i > 0 {
			f.Order += " "
		}
		f.Order += string(k)
	}
	number := func(n int64) *int64 { return &n }
	if q := c.Quiet; q != nil {
		f.QuietFrom, f.QuietUntil = number(int64(q.From)), number(int64(q.Until))
	}
	if k := c.Cap; k != nil {
		f.CapMax, f.CapPer = number(int64(k.Max)), number(k.Per.Milliseconds())
	}
	return f
}

func (s *Store) setFields(ctx context.Context, id rapport.ID, f fields) error {
	value := func(n *int64) any {
		if n == nil {
			return nil
		}
		return *n
	}
	_, err := s.exec(ctx, `UPDATE customers SET name = $1, locale = $2, timezone = $3, attributes = $4, channel_order = $5, quiet_from = $6, quiet_until = $7, cap_max = $8, cap_per = $9, track = $10 WHERE id = $11`,
		f.Name, f.Locale, f.Timezone, f.Attributes, f.Order, value(f.QuietFrom), value(f.QuietUntil), value(f.CapMax), value(f.CapPer), bit(f.Track), id)
	return err
}

func (s *Store) moveAddresses(ctx context.Context, m *CustomerMerge, from, into rapport.Side, d *merged) error {
	for _, a := range from.Addresses {
		d.Addresses = append(d.Addresses, mergedPlace{a.ID, a.Primary})
		second := slices.ContainsFunc(into.Addresses, func(o rapport.Address) bool { return o.Channel == a.Channel && o.Primary })
		if _, err := s.exec(ctx, `UPDATE addresses SET customer_id = $1, is_primary = $2, epoch = epoch + 1 WHERE id = $3`, m.Into, bit(a.Primary && !second), a.ID); err != nil {
			return err
		}
	}
	return nil
}

// giveTo moves rows of a table from one customer to another, those that are still the first one's.
func (s *Store) giveTo(ctx context.Context, table string, ids []rapport.ID, from, to rapport.ID) error {
	for part := range slices.Chunk(ids, MaxRows) {
		if _, err := s.exec(ctx, `UPDATE `+table+` SET customer_id = $1 WHERE customer_id = $2 AND id `+s.d.in(3), to, from, s.d.list(part)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) unitePrefs(ctx context.Context, m *CustomerMerge, prefs []rapport.Preference, d *merged) error {
	for _, p := range prefs {
		x := mergedPref{Topic: p.Topic, Channel: p.Channel, Is: p.Enabled}
		var was int
		err := s.row(ctx, `SELECT enabled, updated_at FROM preferences WHERE customer_id = $1 AND topic = $2 AND channel = $3`, m.Into, p.Topic, string(p.Channel)).Scan(&was, &x.WasAt)
		if err == nil {
			x.Had, x.Was = true, was == 1
		} else if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		d.Prefs = append(d.Prefs, x)
		if _, err := s.exec(ctx, `INSERT INTO preferences (customer_id, topic, channel, enabled, updated_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (customer_id, topic, channel) DO UPDATE SET enabled = excluded.enabled, updated_at = excluded.updated_at`,
			m.Into, p.Topic, string(p.Channel), bit(p.Enabled), ms(m.At)); err != nil {
			return err
		}
	}
	return nil
}

const mergeColumns = `id, customer_id, into_id, rule, actor, key_id, undone_by, undone_at, created_at`

func scanMerge(scan func(...any) error) (m CustomerMerge, err error) {
	var undone, created int64
	err = scan(&m.ID, &m.From, &m.Into, &m.Rule, &m.Actor, &m.Key, &m.UndoneBy, &undone, &created)
	m.UndoneAt, m.At = at(undone), at(created)
	return
}

// CustomerMergeByID finds one.
func (s *Store) CustomerMergeByID(ctx context.Context, id rapport.ID) (CustomerMerge, error) {
	m, err := scanMerge(s.row(ctx, `SELECT `+mergeColumns+` FROM merges WHERE id = $1`, id).Scan)
	return m, missing(err, "merge")
}

// CustomerMerges lists them, newest first.
func (s *Store) CustomerMerges(ctx context.Context, p Page) ([]CustomerMerge, rapport.ID, error) {
	rows, err := collect(ctx, s, scanMerge, `SELECT `+mergeColumns+` FROM merges WHERE id < $1 ORDER BY id DESC LIMIT $2`, p.after(), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	rows, next := pageOf(rows, p.Limit, func(m CustomerMerge) rapport.ID { return m.ID })
	return rows, next, nil
}

// UndoMerge gives from back what was its own, and what has come to or by its addresses since. The caller holds both customers
// and has checked that the merge stands, and that the survivor was not merged itself.
func (s *Store) UndoMerge(ctx context.Context, m *CustomerMerge) error {
	var text string
	if err := s.row(ctx, `SELECT detail FROM merges WHERE id = $1`, m.ID).Scan(&text); err != nil {
		return err
	}
	var d merged
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return fmt.Errorf("reading what a merge moved: %w", err)
	}
	for _, step := range []func(context.Context, *CustomerMerge, *merged) error{s.undoAddresses, s.undoRows, s.undoSince, s.undoFields, s.undoPrefs, s.undoConsents} {
		if err := step(ctx, m, &d); err != nil {
			return err
		}
	}
	if len(d.Chained) > 0 {
		if _, err := s.exec(ctx, `UPDATE customers SET merged_into = $1 WHERE merged_into = $2 AND id `+s.d.in(3), m.From, m.Into, s.d.list(d.Chained)); err != nil {
			return err
		}
	}
	if _, err := s.exec(ctx, `UPDATE customers SET merged_into = NULL WHERE id = $1`, m.From); err != nil {
		return err
	}
	if err := s.bumpEpoch(ctx, []rapport.ID{m.From, m.Into}); err != nil {
		return err
	}
	m.UndoneAt = s.Now()
	_, err := s.exec(ctx, `UPDATE merges SET undone_by = $1, undone_at = $2 WHERE id = $3`, m.UndoneBy, ms(m.UndoneAt), m.ID)
	return err
}

func (s *Store) undoAddresses(ctx context.Context, m *CustomerMerge, d *merged) error {
	for _, a := range d.Addresses {
		if _, err := s.exec(ctx, `UPDATE addresses SET customer_id = $1, is_primary = $2 WHERE id = $3 AND customer_id = $4`, m.From, bit(a.Primary), a.ID, m.Into); err != nil {
			return err
		}
	}
	// An address of from's may have become into's first one since.
	_, err := s.exec(ctx, `UPDATE addresses SET is_primary = 1 WHERE customer_id = $1 AND id = (SELECT min(o.id) FROM addresses o WHERE o.customer_id = $1 AND o.channel = addresses.channel)
		AND NOT EXISTS (SELECT 1 FROM addresses p WHERE p.customer_id = $1 AND p.channel = addresses.channel AND p.is_primary = 1)`, m.Into)
	return err
}

func (s *Store) undoRows(ctx context.Context, m *CustomerMerge, d *merged) error {
	for table, ids := range map[string][]rapport.ID{"messages": d.Messages, "threads": d.Threads, "entries": d.Entries, "events": d.Events, "calls": d.Calls} {
		if err := s.giveTo(ctx, table, ids, m.Into, m.From); err != nil {
			return err
		}
	}
	return nil
}

// undoSince gives from what happened after the merge on its addresses, and in its threads where no address tells. A thread of
// one that was merged into a thread of the other stands for itself again.
func (s *Store) undoSince(ctx context.Context, m *CustomerMerge, d *merged) error {
	var places []rapport.ID
	for _, a := range d.Addresses {
		places = append(places, a.ID)
	}
	of := s.d.list(places)
	for _, q := range []string{
		`UPDATE messages SET customer_id = $1 WHERE customer_id = $2 AND id > $3 AND address_id ` + s.d.in(4) + ` AND NOT EXISTS (SELECT 1 FROM messages o
			WHERE o.campaign_id = messages.campaign_id AND o.customer_id = $1 AND o.channel = messages.channel)`,
		`UPDATE threads SET customer_id = $1 WHERE customer_id = $2 AND id > $3 AND address_id ` + s.d.in(4),
		`UPDATE entries SET customer_id = $1 WHERE customer_id = $2 AND id > $3 AND address_id ` + s.d.in(4),
	} {
		if len(places) == 0 {
			break
		}
		if _, err := s.exec(ctx, q, m.From, m.Into, m.ID, of); err != nil {
			return err
		}
	}
	if _, err := s.exec(ctx, `UPDATE entries SET customer_id = $1 WHERE customer_id = $2 AND id > $3 AND address_id = 0 AND thread_id IN (SELECT id FROM threads WHERE customer_id = $1)`, m.From, m.Into, m.ID); err != nil {
		return err
	}
	if _, err := s.exec(ctx, `UPDATE calls SET customer_id = $1 WHERE customer_id = $2 AND id > $3 AND number IN (SELECT akey FROM addresses WHERE customer_id = $1 AND channel IN ('sms', 'whatsapp'))`, m.From, m.Into, m.ID); err != nil {
		return err
	}
	_, err := s.exec(ctx, `UPDATE threads SET merged_into = 0 WHERE merged_into <> 0 AND customer_id IN ($1, $2)
		AND EXISTS (SELECT 1 FROM threads o WHERE o.id = threads.merged_into AND o.customer_id IN ($1, $2) AND o.customer_id <> threads.customer_id)`, m.From, m.Into)
	return err
}

// undoFields takes back what the merge changed about into; what was changed since stays.
func (s *Store) undoFields(ctx context.Context, m *CustomerMerge, d *merged) error {
	side, err := s.MergeSide(ctx, m.Into)
	if err != nil {
		return err
	}
	now := fieldsOf(&side.Customer, side.Track)
	same := func(a, b *int64) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
	for _, f := range []struct {
		now           *string
		after, before string
	}{{&now.Name, d.After.Name, d.Before.Name}, {&now.Locale, d.After.Locale, d.Before.Locale}, {&now.Timezone, d.After.Timezone, d.Before.Timezone}, {&now.Order, d.After.Order, d.Before.Order}} {
		if *f.now == f.after {
			*f.now = f.before
		}
	}
	if now.Attributes, err = undoAttributes(now.Attributes, d.After.Attributes, d.Before.Attributes); err != nil {
		return err
	}
	if same(now.QuietFrom, d.After.QuietFrom) && same(now.QuietUntil, d.After.QuietUntil) {
		now.QuietFrom, now.QuietUntil = d.Before.QuietFrom, d.Before.QuietUntil
	}
	if same(now.CapMax, d.After.CapMax) && same(now.CapPer, d.After.CapPer) {
		now.CapMax, now.CapPer = d.Before.CapMax, d.Before.CapPer
	}
	if now.Track == d.After.Track {
		now.Track = d.Before.Track
	}
	return s.setFields(ctx, m.Into, now)
}

// undoAttributes takes the keys out that the merge brought, unless their value was changed since.
func undoAttributes(now, after, before string) (string, error) {
	if now == after {
		return before, nil
	}
	var n, a, b map[string]json.RawMessage
	for text, to := range map[string]*map[string]json.RawMessage{now: &n, after: &a, before: &b} {
		if err := json.Unmarshal([]byte(text), to); err != nil {
			return "", err
		}
	}
	for k, v := range a {
		if _, had := b[k]; !had && string(n[k]) == string(v) {
			delete(n, k)
		}
	}
	out, err := json.Marshal(n)
	return string(out), err
}

func (s *Store) undoPrefs(ctx context.Context, m *CustomerMerge, d *merged) error {
	for _, p := range d.Prefs {
		args := []any{m.Into, p.Topic, string(p.Channel), bit(p.Is), ms(m.At)}
		q := `DELETE FROM preferences WHERE customer_id = $1 AND topic = $2 AND channel = $3 AND enabled = $4 AND updated_at = $5`
		if p.Had {
			q = `UPDATE preferences SET enabled = $6, updated_at = $7 WHERE customer_id = $1 AND topic = $2 AND channel = $3 AND enabled = $4 AND updated_at = $5`
			args = append(args, bit(p.Was), p.WasAt)
		}
		if _, err := s.exec(ctx, q, args...); err != nil {
			return err
		}
	}
	return nil
}

// undoConsents takes back what the merge said. What was said since goes to whose address it answers; a refusal that no
// message belongs to stands for both, because nobody can tell whose it was.
func (s *Store) undoConsents(ctx context.Context, m *CustomerMerge, d *merged) error {
	if len(d.Consents) > 0 {
		if _, err := s.exec(ctx, `DELETE FROM consents WHERE id `+s.d.in(1), s.d.list(d.Consents)); err != nil {
			return err
		}
	}
	if _, err := s.exec(ctx, `UPDATE consents SET customer_id = $1 WHERE customer_id = $2 AND id > $3 AND message_id <> 0 AND message_id IN (SELECT id FROM messages WHERE customer_id = $1)`, m.From, m.Into, m.ID); err != nil {
		return err
	}
	both, err := collect(ctx, s, scanConsent, `SELECT `+consentColumns+` FROM consents WHERE customer_id = $1 AND id > $2 AND granted = 0 AND source <> $3
		AND (message_id = 0 OR NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = consents.message_id)) ORDER BY id LIMIT $4`, m.Into, m.ID, rapport.SourceMerge, MaxRows)
	if err != nil {
		return err
	}
	for i := range both {
		both[i].Customer = m.From
	}
	return s.AddConsents(ctx, both)
}

// MergedAway tells of pending messages whose customer was merged into another whose they are now, and whether that one has,
// or had, another message of the same campaign: then they must not get this one too.
func (s *Store) MergedAway(ctx context.Context, messages []rapport.ID) (into map[rapport.ID]rapport.ID, twice map[rapport.ID]bool, err error) {
	into, twice = map[rapport.ID]rapport.ID{}, map[rapport.ID]bool{}
	err = s.each(ctx, func(scan func(...any) error) error {
		var message, customer rapport.ID
		var others int64
		if err := scan(&message, &customer, &others); err != nil {
			return err
		}
		into[message] = customer
		if others > 0 {
			twice[message] = true
		}
		return nil
	}, `SELECT m.id, c.merged_into, (SELECT count(*) FROM messages o WHERE o.campaign_id = m.campaign_id AND o.id <> m.id AND o.state IN (1, 2, 3, 4, 5, 10)
			AND o.customer_id IN (SELECT p.id FROM customers p WHERE p.id = c.merged_into OR p.merged_into = c.merged_into)
			AND (o.state <> 1 OR o.customer_id = c.merged_into OR o.id < m.id))
		FROM messages m JOIN customers c ON c.id = m.customer_id WHERE c.merged_into IS NOT NULL AND m.id `+s.d.in(1), s.d.list(messages))
	return into, twice, err
}
