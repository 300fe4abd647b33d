package store

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"rapport"
)

// AuditEntry says who did what to whom. Detail holds no personal data: the log outlives an erasure.
type AuditEntry struct {
	ID      rapport.ID
	Key     rapport.ID // the API key, or the agent, who did it; 0: Rapport itself, or a command
	KeyName string     // of the list: how the key is called; "" when it is none
	Agent   string     // of the list: how the agent is called; "" when it is none
	Action  string     // key.created, customer.erased, ...
	Subject string     // an id as it is shown: cus_..., key_...
	Detail  json.RawMessage
	At      time.Time
}

// Audit appends an entry, in the transaction of what it tells about.
func (s *Store) Audit(ctx context.Context, e AuditEntry) error {
	if len(e.Detail) == 0 {
		e.Detail = json.RawMessage(`{}`)
	}
	_, err := s.exec(ctx, `INSERT INTO audit (id, key_id, action, subject, detail, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		s.NewID(), e.Key, e.Action, e.Subject, string(e.Detail), ms(s.Now()))
	return err
}

// AuditFilter narrows the log; what is zero does not.
type AuditFilter struct {
	Page
	By      rapport.ID // whoever answers for it
	Own     bool       // what Rapport did by itself, or a command
	Action  string     // "key.created", or "key" for all that is done to keys
	Subject string
	Since   time.Time
	Until   time.Time // not included
}

// AuditLog lists newest first.
func (s *Store) AuditLog(ctx context.Context, f AuditFilter) ([]AuditEntry, rapport.ID, error) {
	if !storable(f.Subject) || !storable(f.Action) {
		return []AuditEntry{}, 0, nil
	}
	own, until := 0, int64(math.MaxInt64)
	if f.Own {
		own = 1
	}
	if !f.Until.IsZero() {
		until = ms(f.Until)
	}
	// '/' is the character after '.': everything that begins with the action and a dot is below it.
	rows, err := collect(ctx, s, func(scan func(...any) error) (e AuditEntry, err error) {
		var detail string
		var created int64
		err = scan(&e.ID, &e.Key, &e.KeyName, &e.Agent, &e.Action, &e.Subject, &detail, &created)
		e.Detail, e.At = json.RawMessage(detail), at(created)
		return
	}, `SELECT a.id, a.key_id, COALESCE(k.name, ''), COALESCE(g.name, ''), a.action, a.subject, a.detail, a.created_at FROM audit a LEFT JOIN keys k ON k.id = a.key_id LEFT JOIN agents g ON g.id = a.key_id
		WHERE a.id < $1 AND ($2 = '' OR a.subject = $2) AND (a.key_id = $3 OR CAST($3 AS BIGINT) = 0) AND ($4 = 0 OR a.key_id = 0)
		AND ($5 = '' OR a.action = $5 OR a.action > $6 AND a.action < $7) AND a.created_at >= $8 AND a.created_at < $9 ORDER BY a.id DESC LIMIT $10`,
		f.after(), f.Subject, f.By, own, f.Action, f.Action+".", f.Action+"/", ms(f.Since), until, f.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, f.Limit, func(e AuditEntry) rapport.ID { return e.ID })
	return out, next, nil
}
