package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"rapport"
)

// TimelineItem is one thing that happened with a customer. Exactly one of the pointers is set.
type TimelineItem struct {
	Moment
	Message    *rapport.Message // placed at the time when it was decided
	Campaign   string           // the name of Message's or Engagement's campaign; empty for an agent's answer and for what we say by ourselves
	Entry      *rapport.Entry
	Consent    *rapport.Consent
	Event      *rapport.Event // placed at the time when it occurred
	Engagement *Engaged
	Report     *Reported
	Call       *rapport.Call
}

// Reported is what came back about one message and is no engagement: a bounce, a complaint, a machine's answer.
type Reported struct {
	Message rapport.ID
	ReceiptRow
}

// TimelineKinds are the sources of a timeline.
var TimelineKinds = []string{"message", "entry", "consent", "event", "engagement", "report", "call"}

// Engaged is what the customer did with one message, for the first time at the item's At.
type Engaged struct {
	Message rapport.ID
	Kind    rapport.Engagement
	N       int64 // how often
	Machine int64 // how often a scanner or a prefetch did, beside that
}

// Moment is a place in a timeline: zero is its beginning, and its end.
type Moment struct {
	At   time.Time
	Rank int // which source, so that things of one millisecond have an order
	ID   rapport.ID
}

const (
	rankMessage = iota + 1
	rankEntry
	rankConsent
	rankEvent
	rankReport
	rankEngagement // and the next ones, one a kind: a click opens a message in the same millisecond
	rankCall       = rankEngagement + 10
)

// Timeline lists what happened with a customer, newest first, from all sources and of all customers that
// were merged into this one; of some kinds only, when there are any. Each source is asked for at most limit rows.
func (s *Store) Timeline(ctx context.Context, customer rapport.ID, before Moment, limit int, kinds ...string) ([]TimelineItem, Moment, error) {
	selves, err := s.selves(ctx, customer)
	if err != nil {
		return nil, Moment{}, err
	}
	if before.ID == 0 {
		before = Moment{At: time.UnixMilli(math.MaxInt64 >> 10), ID: math.MaxInt64}
	}
	who := s.d.list(selves)
	var out []TimelineItem
	sources := []func(context.Context, any, Moment, int) ([]TimelineItem, error){
		s.messagesBefore, s.entriesBefore, s.consentsBefore, s.eventsBefore, s.engagementsBefore, s.reportsBefore, s.callsBefore}
	for i, source := range sources {
		if len(kinds) > 0 && !slices.Contains(kinds, TimelineKinds[i]) {
			continue
		}
		items, err := source(ctx, who, before, limit+1)
		if err != nil {
			return nil, Moment{}, fmt.Errorf("reading a timeline: %w", err)
		}
		out = append(out, items...)
	}
	slices.SortFunc(out, func(a, b TimelineItem) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Rank, a.Rank), cmp.Compare(b.ID, a.ID))
	})
	if len(out) <= limit {
		return out, Moment{}, nil
	}
	return out[:limit], out[limit-1].Moment, nil
}

// of is the bound of a source with this rank: its rows before m are those with (at, id) below it.
func (m Moment) of(rank int) (at int64, id rapport.ID) {
	switch {
	case m.Rank == 0 || rank < m.Rank:
		return ms(m.At) + 1, 0
	case rank == m.Rank:
		return ms(m.At), m.ID
	}
	return ms(m.At), 0
}

// id is the same bound for rows whose time is that of their id.
func (m Moment) id(rank int) rapport.ID {
	at, id := m.of(rank)
	since := at - rapport.IDEpoch.UnixMilli()
	switch {
	case id != 0:
		return id
	case since >= 1<<41:
		return math.MaxInt64
	case since <= 0:
		return 0
	}
	return rapport.ID(since << 22)
}

// besideItsEntry is how far apart, as ids count time, an answer's message and its entry can be: they are made in one transaction.
const besideItsEntry = 10_000 << 22

// messagesBefore leaves out the answers of agents: their entries tell of them.
func (s *Store) messagesBefore(ctx context.Context, who any, before Moment, limit int) ([]TimelineItem, error) {
	return collect(ctx, s, func(scan func(...any) error) (i TimelineItem, err error) {
		m, err := scanMessage(func(to ...any) error { return scan(append(to, &i.Campaign)...) })
		i.Moment, i.Message = Moment{m.ID.Time(), rankMessage, m.ID}, &m
		return
	}, `SELECT `+messageColumns+`, CASE WHEN c.kind IN ('reply', 'system') THEN '' ELSE c.name END FROM messages m JOIN campaigns c ON c.id = m.campaign_id
		WHERE m.customer_id `+s.d.in(1)+` AND m.id < $2 AND NOT EXISTS (SELECT 1 FROM entries e WHERE c.kind <> 'campaign' AND e.customer_id `+s.d.in(1)+` AND e.id > m.id - $4 AND e.id < m.id + $4 AND e.message_id = m.id)
		ORDER BY m.id DESC LIMIT $3`, who, before.id(rankMessage), limit, besideItsEntry)
}

func (s *Store) entriesBefore(ctx context.Context, who any, before Moment, limit int) ([]TimelineItem, error) {
	return collect(ctx, s, func(scan func(...any) error) (i TimelineItem, err error) {
		e, err := scanEntry(scan)
		i.Moment, i.Entry = Moment{e.ID.Time(), rankEntry, e.ID}, &e
		return
	}, `SELECT `+entryColumns+` FROM entries WHERE customer_id `+s.d.in(1)+` AND id < $2 ORDER BY id DESC LIMIT $3`, who, before.id(rankEntry), limit)
}

func (s *Store) consentsBefore(ctx context.Context, who any, before Moment, limit int) ([]TimelineItem, error) {
	at, id := before.of(rankConsent)
	return collect(ctx, s, func(scan func(...any) error) (i TimelineItem, err error) {
		c, err := scanConsent(scan)
		i.Moment, i.Consent = Moment{c.At, rankConsent, c.ID}, &c
		return
	}, `SELECT `+consentColumns+` FROM consents WHERE customer_id `+s.d.in(1)+` AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4`, who, at, id, limit)
}

func (s *Store) eventsBefore(ctx context.Context, who any, before Moment, limit int) ([]TimelineItem, error) {
	at, id := before.of(rankEvent)
	return collect(ctx, s, func(scan func(...any) error) (i TimelineItem, err error) {
		e, err := scanEvent(scan)
		i.Moment, i.Event = Moment{e.OccurredAt, rankEvent, e.ID}, &e
		return
	}, `SELECT `+eventColumns+` FROM events WHERE customer_id `+s.d.in(1)+` AND (occurred_at, id) < ($2, $3) ORDER BY occurred_at DESC, id DESC LIMIT $4`, who, at, id, limit)
}

func (s *Store) engagementsBefore(ctx context.Context, who any, before Moment, limit int) ([]TimelineItem, error) {
	kinds := []rapport.Engagement{rapport.Opened, rapport.Clicked, rapport.Replied, rapport.Converted, rapport.Unsubscribed, rapport.Complained}
	rank := `CASE e.kind`
	for i, k := range kinds {
		rank += fmt.Sprintf(" WHEN '%s' THEN %d", k, rankEngagement+i)
	}
	rank += ` ELSE 99 END`
	if before.Rank == 0 {
		before.Rank = 100
	}
	return collect(ctx, s, func(scan func(...any) error) (i TimelineItem, err error) {
		e := &Engaged{}
		var first int64
		err = scan(&e.Message, &e.Kind, &first, &e.N, &e.Machine, &i.Rank, &i.Campaign)
		i.At, i.ID, i.Engagement = at(first), e.Message, e
		return
	}, `SELECT e.message_id, e.kind, e.first_at, e.n, e.machine, `+rank+`, c.name FROM messages m JOIN engagements e ON e.message_id = m.id
		JOIN campaigns c ON c.id = m.campaign_id WHERE m.customer_id `+s.d.in(1)+` AND e.n > 0 AND (e.first_at, `+rank+`, e.message_id) < ($2, $3, $4)
		ORDER BY e.first_at DESC, `+rank+` DESC, e.message_id DESC LIMIT $5`, who, ms(before.At), before.Rank, before.ID, limit)
}

func (s *Store) reportsBefore(ctx context.Context, who any, before Moment, limit int) ([]TimelineItem, error) {
	when, id := before.of(rankReport)
	return collect(ctx, s, func(scan func(...any) error) (i TimelineItem, err error) {
		r := &Reported{}
		var ms int64
		err = scan(&i.ID, &r.Message, &r.Provider, &r.Kind, &r.Reason, &r.Code, &r.Detail, &r.Class, &r.Original, &ms, &i.Campaign)
		r.At, r.File = at(ms), rapport.KindFile.Format(r.Original)
		i.At, i.Rank, i.Report = r.At, rankReport, r
		return
	}, `SELECT r.id, r.message_id, r.provider, r.kind, r.reason, r.code, r.detail, r.class, r.file_id, r.at, c.name FROM messages m JOIN receipts r ON r.message_id = m.id
		JOIN campaigns c ON c.id = m.campaign_id WHERE m.customer_id `+s.d.in(1)+` AND (r.kind NOT IN ('sent', 'delivered', 'read') OR r.class <> '') AND (r.at, r.id) < ($2, $3)
		ORDER BY r.at DESC, r.id DESC LIMIT $4`, who, when, id, limit)
}

func (s *Store) callsBefore(ctx context.Context, who any, before Moment, limit int) ([]TimelineItem, error) {
	return collect(ctx, s, func(scan func(...any) error) (i TimelineItem, err error) {
		c, err := scanCall(scan)
		i.Moment, i.Call = Moment{c.ID.Time(), rankCall, c.ID}, &c
		return
	}, `SELECT `+callColumns+` FROM calls WHERE id IN (`+s.callsOf(1)+`) AND id < $2 ORDER BY id DESC LIMIT $3`, who, before.id(rankCall), limit)
}

// selves are the ids under which things of a customer may stand: its own, and those that were merged into it.
func (s *Store) selves(ctx context.Context, id rapport.ID) ([]rapport.ID, error) {
	c, err := s.Customer(ctx, id)
	if err != nil {
		return nil, err
	}
	out := []rapport.ID{c.ID}
	from := out
	for range maxMerges {
		from, err = collect(ctx, s, scanID, `SELECT id FROM customers WHERE merged_into `+s.d.in(1), s.d.list(from))
		if err != nil || len(from) == 0 {
			break
		}
		out = append(out, from...)
	}
	return out, err
}
