package store

import (
	"context"
	"encoding/json"
	"time"

	"rapport"
)

// ExportedCall is one telephone call.
type ExportedCall struct {
	Direction  rapport.Direction `json:"direction"`
	Number     string            `json:"number"`
	Agent      string            `json:"agent,omitempty"`
	Cause      string            `json:"cause,omitempty"`
	StartedAt  time.Time         `json:"started_at"`
	AnsweredAt time.Time         `json:"answered_at,omitzero"`
	EndedAt    time.Time         `json:"ended_at,omitzero"`
}

// ExportedNotice is what others were told, as long as it is kept.
type ExportedNotice struct {
	Type      rapport.NoticeType `json:"type"`
	Data      json.RawMessage    `json:"data"`
	CreatedAt time.Time          `json:"created_at"`
}

func (s *Store) exportCalls(ctx context.Context, e *Export, who any) (err error) {
	e.Calls, err = collect(ctx, s, func(scan func(...any) error) (ExportedCall, error) {
		c, err := scanCall(scan)
		return ExportedCall{c.Direction, c.Number, c.Agent, c.Cause, c.StartedAt, c.AnsweredAt, c.EndedAt}, err
	}, `SELECT `+callColumns+` FROM calls WHERE id IN (`+s.callsOf(1)+`) ORDER BY id`, who)
	return err
}

func (s *Store) exportNotices(ctx context.Context, e *Export, who any) (err error) {
	e.Notices, err = collect(ctx, s, func(scan func(...any) error) (ExportedNotice, error) {
		n, err := scanNotice(scan)
		return ExportedNotice{n.Type, n.Data, n.CreatedAt}, err
	}, `SELECT `+noticeColumns+` FROM stream WHERE customer_id `+s.d.in(1)+` AND customer_id <> 0 ORDER BY id`, who)
	return err
}
