package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rapport"
)

// Segment is a filter of customers, under a key.
type Segment struct {
	ID        rapport.ID
	Key       string
	Name      string
	Filter    json.RawMessage
	Version   int // of the filter
	CreatedAt time.Time
	UpdatedAt time.Time
}

const segmentColumns = `id, key, name, filter, version, created_at, updated_at`

func scanSegment(scan func(...any) error) (g Segment, err error) {
	var filter string
	var created, updated int64
	err = scan(&g.ID, &g.Key, &g.Name, &filter, &g.Version, &created, &updated)
	g.Filter, g.CreatedAt, g.UpdatedAt = json.RawMessage(filter), at(created), at(updated)
	return
}

// CreateSegment stores a new one and fills in its ID, version and times. Where the key is taken the error is Duplicate.
func (s *Store) CreateSegment(ctx context.Context, g *Segment) error {
	g.ID, g.Version, g.CreatedAt = s.NewID(), 1, at(ms(s.Now()))
	g.UpdatedAt = g.CreatedAt
	_, err := s.exec(ctx, `INSERT INTO segments (`+segmentColumns+`) VALUES ($1, $2, $3, $4, 1, $5, $5)`, g.ID, g.Key, g.Name, string(g.Filter), ms(g.CreatedAt))
	return err
}

// ChangeSegment replaces its name and filter; another filter is another version.
func (s *Store) ChangeSegment(ctx context.Context, id rapport.ID, name string, filter json.RawMessage) (Segment, error) {
	n, err := s.exec(ctx, `UPDATE segments SET name = $1, version = CASE WHEN filter = $2 THEN version ELSE version + 1 END, filter = $2, updated_at = $3 WHERE id = $4`, name, string(filter), ms(s.Now()), id)
	if err != nil {
		return Segment{}, err
	}
	if n == 0 {
		return Segment{}, rapport.NotFound("segment")
	}
	return s.Segment(ctx, id)
}

// Segment finds one.
func (s *Store) Segment(ctx context.Context, id rapport.ID) (Segment, error) {
	g, err := scanSegment(s.row(ctx, `SELECT `+segmentColumns+` FROM segments WHERE id = $1`, id).Scan)
	return g, missing(err, "segment")
}

// FindSegment finds one by "seg_..." or by its key.
func (s *Store) FindSegment(ctx context.Context, ref string) (Segment, error) {
	if id, err := rapport.KindSegment.Parse(ref); err == nil {
		return s.Segment(ctx, id)
	}
	if !storable(ref) {
		return Segment{}, rapport.NotFound("segment")
	}
	g, err := scanSegment(s.row(ctx, `SELECT `+segmentColumns+` FROM segments WHERE key = $1`, ref).Scan)
	return g, missing(err, "segment")
}

// Segments lists them, the newest first.
func (s *Store) Segments(ctx context.Context, p Page) ([]Segment, rapport.ID, error) {
	rows, err := collect(ctx, s, scanSegment, `SELECT `+segmentColumns+` FROM segments WHERE id < $1 ORDER BY id DESC LIMIT $2`, p.after(), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(g Segment) rapport.ID { return g.ID })
	return out, next, nil
}

// SegmentInUse tells whether a campaign that has not been launched draws its audience from a segment.
func (s *Store) SegmentInUse(ctx context.Context, id rapport.ID) (bool, error) {
	var n int
	err := s.row(ctx, `SELECT count(*) FROM (SELECT 1 FROM campaigns WHERE segment_id = $1 AND status = 'draft' LIMIT 1) c`, id).Scan(&n)
	return n > 0, err
}

// DropSegment deletes one. False: there was none.
func (s *Store) DropSegment(ctx context.Context, id rapport.ID) (bool, error) {
	n, err := s.exec(ctx, `DELETE FROM segments WHERE id = $1`, id)
	return n == 1, err
}

// matching writes a filter as a condition on customers c. What it compares with travels as parameters. Each condition is true
// or false, never NULL, so that not means what it says.
type matching struct {
	d    dialect
	now  time.Time
	args []any
}

func (m *matching) arg(v any) string {
	m.args = append(m.args, v)
	return fmt.Sprintf("$%d", len(m.args))
}

// text and number are parameters whose type both engines know.
func (m *matching) text(v string) string { return `CAST(` + m.arg(v) + ` AS TEXT)` }
func (m *matching) number(v float64) string {
	return `CAST(CAST(` + m.arg(strconv.FormatFloat(v, 'f', -1, 64)) + ` AS TEXT) AS NUMERIC)`
}
func (m *matching) whole(v int64) string { return `CAST(` + m.arg(v) + ` AS BIGINT)` }

func (m *matching) where(f *rapport.Filter) string {
	switch {
	case len(f.All) > 0:
		return m.join(f.All, " AND ")
	case len(f.Any) > 0:
		return m.join(f.Any, " OR ")
	case f.Not != nil:
		return `NOT (` + m.where(f.Not) + `)`
	}
	switch f.Field {
	case "locale", "audience", "timezone":
		if f.Op == "exists" {
			return `c.` + f.Field + ` <> ''`
		}
		return m.either(f.Values, func(v any) string { return `c.` + f.Field + ` = ` + m.text(v.(string)) })
	case "created_at":
		return m.moment(f, `c.created_at`)
	case "last_reply":
		return m.moment(f, `coalesce((SELECT max(e.created_at) FROM entries e WHERE e.customer_id = c.id AND e.kind = 'inbound'), 0)`)
	case "last_message":
		return m.moment(f, `coalesce((SELECT max(m.sent_at) FROM messages m WHERE m.customer_id = c.id), 0)`)
	case "channel":
		return `EXISTS (SELECT 1 FROM addresses a WHERE a.customer_id = c.id AND a.off_reason = '' AND a.channel = ` + m.text(string(f.Channel)) + `)`
	case "consent": // as the planner reads it: see addConsents
		word := `coalesce((SELECT k.granted FROM consents k WHERE k.customer_id = c.id AND k.purpose = 'marketing' AND k.channel = ` + m.text(string(f.Channel)) + ` AND k.topic IN (` + m.text(f.Topic) + `, '') ORDER BY k.created_at DESC, k.id DESC LIMIT 1), -1)`
		return word + map[any]string{"granted": ` = 1`, "withdrawn": ` = 0`, "none": ` = -1`}[f.Values[0]]
	case "event":
		since := int64(0)
		if f.Span > 0 {
			since = m.now.Add(-f.Span).UnixMilli()
		}
		return `(SELECT count(*) FROM events e WHERE e.customer_id = c.id AND e.type = ` + m.text(f.Type) + ` AND e.occurred_at >= ` + m.whole(since) + `) >= ` + m.whole(int64(f.Min))
	}
	return m.attribute(f)
}

func (m *matching) join(list []*rapport.Filter, with string) string {
	parts := make([]string, len(list))
	for i, f := range list {
		parts[i] = m.where(f)
	}
	return `(` + strings.Join(parts, with) + `)`
}

func (m *matching) either(values []any, one func(any) string) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = one(v)
	}
	return `(` + strings.Join(parts, " OR ") + `)`
}

// moment compares milliseconds; 0 is never.
func (m *matching) moment(f *rapport.Filter, value string) string {
	switch f.Op {
	case "within":
		return value + ` >= ` + m.whole(m.now.Add(-f.Span).UnixMilli())
	case "beyond":
		return `(` + value + ` > 0 AND ` + value + ` < ` + m.whole(m.now.Add(-f.Span).UnixMilli()) + `)`
	case "after":
		return value + ` > ` + m.whole(f.At.UnixMilli())
	case "before":
		return `(` + value + ` > 0 AND ` + value + ` < ` + m.whole(f.At.UnixMilli()) + `)`
	}
	return value + ` > 0`
}

func (m *matching) attribute(f *rapport.Filter) string {
	key := m.text(f.Name)
	if f.Op == "exists" {
		return m.d.attribute(`c.attributes`, key, "exists", "", "")
	}
	return m.either(f.Values, func(v any) string {
		op := f.Op
		if op == "in" {
			op = "eq"
		}
		switch v := v.(type) {
		case string:
			return m.d.attribute(`c.attributes`, key, op, "text", m.text(v))
		case float64:
			return m.d.attribute(`c.attributes`, key, op, "number", m.number(v))
		case bool:
			return m.d.attribute(`c.attributes`, key, op, strconv.FormatBool(v), "")
		}
		return `FALSE`
	})
}

// match is a condition for the customers whom a filter chooses, and its arguments after those there are.
func (s *Store) match(f *rapport.Filter, now time.Time, args ...any) (string, []any) {
	m := &matching{d: s.d, now: now, args: args}
	where := m.where(f)
	return where, m.args
}

// CountMatching counts whom a filter chooses now.
func (s *Store) CountMatching(ctx context.Context, f *rapport.Filter, now time.Time) (n int64, err error) {
	where, args := s.match(f, now)
	err = s.row(ctx, `SELECT count(*) FROM customers c WHERE c.merged_into IS NULL AND `+where, args...).Scan(&n)
	return n, err
}

// MatchingAfter looks at one page of all customers, those with an id larger than after in the order of their ids, and lists
// whom of them a filter chooses. last is the last that was looked at; 0: there are no more.
func (s *Store) MatchingAfter(ctx context.Context, f *rapport.Filter, now time.Time, after rapport.ID, limit int) (ids []rapport.ID, last rapport.ID, more bool, err error) {
	where, args := s.match(f, now, after, limit)
	seen := 0
	err = s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var chosen int
		err := scan(&id, &chosen)
		if last = id; chosen == 1 {
			ids = append(ids, id)
		}
		seen++
		return err
	}, `SELECT c.id, CASE WHEN `+where+` THEN 1 ELSE 0 END FROM (SELECT * FROM customers WHERE id > $1 AND merged_into IS NULL ORDER BY id LIMIT $2) AS c ORDER BY c.id`, args...)
	return ids, last, seen == limit, err
}
