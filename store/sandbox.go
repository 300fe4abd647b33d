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

// SandboxSent is one message that the sandbox took, as the person would see it.
type SandboxSent struct {
	ID        rapport.ID // given by the caller: it is what Send returned
	Channel   rapport.Channel
	Address   string
	Message   rapport.ID
	Campaign  rapport.ID
	Customer  rapport.ID // whom the message is for; only read
	Content   json.RawMessage
	CreatedAt time.Time
}

// KeepSandbox stores at most MaxRows sent messages. One whose ID is stored already stays as it is.
func (s *Store) KeepSandbox(ctx context.Context, sent []SandboxSent) error {
	if len(sent) > MaxRows {
		return fmt.Errorf("storing the sandbox's outbox: %d in one call, at most %d", len(sent), MaxRows)
	}
	rows := make([][]any, len(sent))
	for i, x := range sent {
		if x.ID == 0 {
			x.ID = s.NewID()
		}
		if x.CreatedAt.IsZero() {
			x.CreatedAt = s.Now()
		}
		rows[i] = []any{x.ID, string(x.Channel), rapport.AddressKey(x.Channel, x.Address), x.Message, x.Campaign, string(x.Content), ms(x.CreatedAt)}
	}
	return s.Tx(ctx, func(s *Store) error {
		_, err := s.bulk(ctx, "sandbox_outbox", []column{{"id", "bigint"}, {"channel", "text"}, {"akey", "text"}, {"message_id", "bigint"},
			{"campaign_id", "bigint"}, {"content", "text"}, {"created_at", "bigint"}}, rows, `ON CONFLICT (id) DO NOTHING`)
		return err
	})
}

// OutboxFilter narrows Outbox; empty fields do not.
type OutboxFilter struct {
	Channel  rapport.Channel
	Address  string
	Campaign rapport.ID
	Message  rapport.ID
	ID       rapport.ID // that one alone
	Page
}

// Outbox lists what the sandbox took, newest first. Address is as it is compared: lower case for email.
func (s *Store) Outbox(ctx context.Context, f OutboxFilter) ([]SandboxSent, rapport.ID, error) {
	if !storable(f.Address) {
		return []SandboxSent{}, 0, nil
	}
	q := `SELECT id, channel, akey, message_id, campaign_id, coalesce((SELECT customer_id FROM messages WHERE messages.id = message_id), 0), content, created_at FROM sandbox_outbox WHERE id < $1`
	args := []any{f.after()}
	and := func(cond string, v any) {
		args = append(args, v)
		q += fmt.Sprintf(" AND "+cond, len(args))
	}
	if f.Channel != "" {
		and(`channel = $%d`, string(f.Channel))
	}
	if f.Address != "" {
		if f.Channel == "" && rapport.AddressKey(rapport.Email, f.Address) != f.Address {
			and(`akey IN ($%[1]d, lower($%[1]d))`, f.Address)
		} else {
			and(`akey = $%d`, rapport.AddressKey(f.Channel, f.Address))
		}
	}
	if f.Campaign != 0 {
		and(`campaign_id = $%d`, f.Campaign)
	}
	if f.Message != 0 {
		and(`message_id = $%d`, f.Message)
	}
	if f.ID != 0 {
		and(`id = $%d`, f.ID)
	}
	args = append(args, f.Limit+1)
	rows, err := collect(ctx, s, func(scan func(...any) error) (x SandboxSent, err error) {
		var content string
		var created int64
		err = scan(&x.ID, &x.Channel, &x.Address, &x.Message, &x.Campaign, &x.Customer, &content, &created)
		x.Content, x.CreatedAt = json.RawMessage(content), at(created)
		return
	}, q+fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, f.Limit, func(x SandboxSent) rapport.ID { return x.ID })
	return out, next, nil
}

// Behaviour is how the sandbox treats an address, or with Address "" a whole channel.
type Behaviour struct {
	Channel rapport.Channel
	Address string
	Mode    string // accept, reject, throttle, down, slow, bounce, ambiguous
	Delay   time.Duration
}

// SetBehaviour stores one.
func (s *Store) SetBehaviour(ctx context.Context, b Behaviour) error {
	_, err := s.exec(ctx, `INSERT INTO sandbox_behaviour (channel, akey, mode, delay_ms) VALUES ($1, $2, $3, $4)
		ON CONFLICT (channel, akey) DO UPDATE SET mode = excluded.mode, delay_ms = excluded.delay_ms`,
		string(b.Channel), rapport.AddressKey(b.Channel, b.Address), b.Mode, b.Delay.Milliseconds())
	return err
}

// Behaviour finds what holds for an address: its own, else its channel's, else "accept".
func (s *Store) Behaviour(ctx context.Context, c rapport.Channel, address string) (Behaviour, error) {
	b := Behaviour{Channel: c}
	var delay int64
	err := s.row(ctx, `SELECT akey, mode, delay_ms FROM sandbox_behaviour WHERE channel = $1 AND akey IN ($2, '') ORDER BY akey DESC LIMIT 1`,
		string(c), rapport.AddressKey(c, address)).Scan(&b.Address, &b.Mode, &delay)
	if errors.Is(err, sql.ErrNoRows) {
		return Behaviour{Channel: c, Mode: "accept"}, nil
	}
	b.Delay = time.Duration(delay) * time.Millisecond
	return b, err
}

// Behaviours lists all of them: people set them one by one, so they are few.
func (s *Store) Behaviours(ctx context.Context) ([]Behaviour, error) {
	return collect(ctx, s, func(scan func(...any) error) (b Behaviour, err error) {
		var delay int64
		err = scan(&b.Channel, &b.Address, &b.Mode, &delay)
		b.Delay = time.Duration(delay) * time.Millisecond
		return
	}, `SELECT channel, akey, mode, delay_ms FROM sandbox_behaviour ORDER BY channel, akey`)
}
