package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rapport"
)

const messageColumns = `m.id, m.campaign_id, m.customer_id, m.channel, m.address_id, m.batch_id, m.state, m.reason, m.attempt, m.owner, m.due_at, m.window_end,
	m.expires_at, m.epoch, m.seq, m.provider, m.updated_at, m.sent_at`

func scanMessage(scan func(...any) error) (m rapport.Message, err error) {
	var due, end, expires, updated, sent int64
	err = scan(&m.ID, &m.Campaign, &m.Customer, &m.Channel, &m.Address, &m.Batch, &m.State, &m.Reason, &m.Attempt, &m.Owner, &due, &end,
		&expires, &m.Epoch, &m.Seq, &m.Provider, &updated, &sent)
	m.Due, m.WindowEnd, m.ExpiresAt, m.UpdatedAt, m.SentAt = at(due), at(end), at(expires), at(updated), at(sent)
	return
}

// Message finds one row of the ledger.
func (s *Store) Message(ctx context.Context, id rapport.ID) (rapport.Message, error) {
	m, err := scanMessage(s.row(ctx, `SELECT `+messageColumns+` FROM messages m WHERE m.id = $1`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return m, rapport.NotFound("message")
	}
	return m, err
}

// MessageFilter narrows Messages to one campaign, and further.
type MessageFilter struct {
	Campaign rapport.ID
	Customer rapport.ID
	State    rapport.State // 0: any
	Channel  rapport.Channel
	Page
}

// Messages lists rows of the ledger, newest id first.
func (s *Store) Messages(ctx context.Context, f MessageFilter) ([]rapport.Message, rapport.ID, error) {
	q := `SELECT ` + messageColumns + ` FROM messages m WHERE m.id < $1`
	args := []any{f.after()}
	and := func(cond string, v any) {
		args = append(args, v)
		q += fmt.Sprintf(" AND "+cond, len(args))
	}
	if f.Campaign != 0 {
		and("m.campaign_id = $%d", f.Campaign)
	}
	if f.Customer != 0 {
		and("m.customer_id = $%d", f.Customer)
	}
	if f.State != 0 {
		and("m.state = $%d", int64(f.State))
	}
	if f.Channel != "" {
		and("m.channel = $%d", string(f.Channel))
	}
	args = append(args, f.Limit+1)
	rows, err := collect(ctx, s, scanMessage, q+fmt.Sprintf(` ORDER BY m.id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, f.Limit, func(m rapport.Message) rapport.ID { return m.ID })
	return out, next, nil
}

// Vars is what a message is rendered with; nil after an erasure.
func (s *Store) Vars(ctx context.Context, message rapport.ID) (json.RawMessage, error) {
	var text string
	err := s.row(ctx, `SELECT vars FROM messages WHERE id = $1`, message).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) || text == "" {
		return nil, nil
	}
	return json.RawMessage(text), err
}

// Attempt is one try that did not simply succeed.
type Attempt struct {
	Attempt  int       `json:"attempt"`
	Provider string    `json:"provider"`
	Verdict  string    `json:"verdict"`
	Reason   string    `json:"reason"`
	Code     string    `json:"code,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	At       time.Time `json:"at"`
}

// Attempts of one message, oldest first.
func (s *Store) Attempts(ctx context.Context, message rapport.ID) ([]Attempt, error) {
	return collect(ctx, s, func(scan func(...any) error) (a Attempt, err error) {
		var ms int64
		err = scan(&a.Attempt, &a.Provider, &a.Verdict, &a.Reason, &a.Code, &a.Detail, &ms)
		a.At = at(ms)
		return
	}, `SELECT attempt, provider, verdict, reason, code, detail, at FROM attempts WHERE message_id = $1 ORDER BY attempt, at`, message)
}

// ReceiptRow is one report of a provider.
type ReceiptRow struct {
	Provider string          `json:"provider"`
	Kind     rapport.Receipt `json:"kind"`
	Reason   string          `json:"reason,omitempty"`
	Code     string          `json:"code,omitempty"`
	Detail   string          `json:"detail,omitempty"`
	At       time.Time       `json:"at"`
	Class    string          `json:"class,omitempty" doc:"What a bounce says of the address: hard, soft or policy."`
	Original rapport.ID      `json:"-"` // the mail that it came as, a file; 0: none
	File     string          `json:"original,omitempty" doc:"The mail that it came as: fil_…"`
}

// Receipts of one message, oldest first.
func (s *Store) Receipts(ctx context.Context, message rapport.ID) ([]ReceiptRow, error) {
	return collect(ctx, s, func(scan func(...any) error) (r ReceiptRow, err error) {
		var ms int64
		err = scan(&r.Provider, &r.Kind, &r.Reason, &r.Code, &r.Detail, &ms, &r.Class, &r.Original)
		r.At, r.File = at(ms), rapport.KindFile.Format(r.Original)
		return
	}, `SELECT provider, kind, reason, code, detail, at, class, file_id FROM receipts WHERE message_id = $1 ORDER BY id`, message)
}

// EngagementRow is one kind of engagement with a message.
type EngagementRow struct {
	Kind    rapport.Engagement `json:"kind"`
	FirstAt time.Time          `json:"first_at"`
	N       int64              `json:"count"`
	Machine int64              `json:"machine"`
}

// Engagements of one message.
func (s *Store) Engagements(ctx context.Context, message rapport.ID) ([]EngagementRow, error) {
	return collect(ctx, s, func(scan func(...any) error) (e EngagementRow, err error) {
		var ms int64
		err = scan(&e.Kind, &ms, &e.N, &e.Machine)
		e.FirstAt = at(ms)
		return
	}, `SELECT kind, first_at, n, machine FROM engagements WHERE message_id = $1 ORDER BY first_at, kind`, message)
}

// Undecided tells how many rows of a campaign are not at an end: by its counters, which are cheap.
// Before a campaign says finished, Recount must agree.
func (s *Store) Undecided(ctx context.Context, campaign rapport.ID) (int64, error) {
	var n int64
	err := s.row(ctx, `SELECT coalesce(sum(n), 0) FROM campaign_counts WHERE campaign_id = $1 AND what IN ('pending', 'sending', 'doubtful')`, campaign).Scan(&n)
	return n, err
}

// SettleRow is a row of a settle or escalate batch, with what its policy looks at.
type SettleRow struct {
	rapport.Message
	Value   string // the address
	Purpose rapport.Purpose
	Kind    rapport.CampaignKind
	Vars    json.RawMessage
}

// SettleRows lists up to limit rows of a batch that stand in one of the states and are due.
func (s *Store) SettleRows(ctx context.Context, b Batch, limit int, states ...rapport.State) ([]SettleRow, error) {
	nums := make([]int64, len(states))
	for i, st := range states {
		nums[i] = int64(st)
	}
	where, args := b.rows(0)
	return collect(ctx, s, func(scan func(...any) error) (r SettleRow, err error) {
		var value sql.NullString
		var vars string
		r.Message, err = scanMessage(func(dest ...any) error {
			return scan(append(dest, &value, &r.Purpose, &r.Kind, &vars)...)
		})
		r.Value, r.Vars = value.String, json.RawMessage(vars)
		return
	}, `SELECT `+messageColumns+`, a.address, c.purpose, c.kind, m.vars FROM messages m JOIN campaigns c ON c.id = m.campaign_id
		LEFT JOIN addresses a ON a.id = m.address_id
		WHERE `+where+` AND m.state `+s.d.in(4)+` AND m.due_at <= $5 ORDER BY m.id LIMIT $6`, append(args, s.d.list(nums), ms(s.Now()), limit)...)
}

// OfCampaign lists a customer's rows of one campaign.
func (s *Store) OfCampaign(ctx context.Context, campaign, customer rapport.ID) ([]rapport.Message, error) {
	return collect(ctx, s, scanMessage, `SELECT `+messageColumns+` FROM messages m WHERE m.campaign_id = $1 AND m.customer_id = $2 ORDER BY m.id`, campaign, customer)
}

// CampaignsOf tells which campaign each message belongs to.
func (s *Store) CampaignsOf(ctx context.Context, ids []rapport.ID) (map[rapport.ID]rapport.ID, error) {
	out := make(map[rapport.ID]rapport.ID, len(ids))
	err := s.each(ctx, func(scan func(...any) error) error {
		var id, campaign rapport.ID
		err := scan(&id, &campaign)
		out[id] = campaign
		return err
	}, `SELECT id, campaign_id FROM messages WHERE id `+s.d.in(1), s.d.list(ids))
	return out, err
}
