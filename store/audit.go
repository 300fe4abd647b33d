package store

import (
	"context"
	"encoding/json"
	"time"

	"rapport"
)

// AuditEntry says who did what to whom. Detail holds no personal data: the log outlives an erasure.
type AuditEntry struct {
	ID      rapport.ID
	Key     rapport.ID // the API key that did it; 0: Rapport itself
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

// AuditLog lists newest first; subject "" is every subject.
func (s *Store) AuditLog(ctx context.Context, subject string, p Page) ([]AuditEntry, rapport.ID, error) {
	if !storable(subject) {
		return []AuditEntry{}, 0, nil
	}
	rows, err := collect(ctx, s, func(scan func(...any) error) (e AuditEntry, err error) {
		var detail string
		var created int64
		err = scan(&e.ID, &e.Key, &e.Action, &e.Subject, &detail, &created)
		e.Detail, e.At = json.RawMessage(detail), at(created)
		return
	}, `SELECT id, key_id, action, subject, detail, created_at FROM audit WHERE id < $1 AND ($2 = '' OR subject = $2) ORDER BY id DESC LIMIT $3`,
		p.after(), subject, p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(e AuditEntry) rapport.ID { return e.ID })
	return out, next, nil
}
