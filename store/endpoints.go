package store

import (
	"context"
	"strings"
	"time"

	"rapport"
)

const endpointColumns = `id, url, events, secret, old_secret, old_until, disabled, disabled_at, failing_since, created_at, updated_at`

func scanEndpoint(scan func(...any) error) (e rapport.Endpoint, err error) {
	var events string
	var until, disabled, failing, created, updated int64
	err = scan(&e.ID, &e.URL, &events, &e.Secret, &e.OldSecret, &until, (*string)(&e.Disabled), &disabled, &failing, &created, &updated)
	e.Events, e.OldUntil, e.DisabledAt, e.FailingSince, e.CreatedAt, e.UpdatedAt = strings.Fields(events), at(until), at(disabled), at(failing), at(created), at(updated)
	return
}

// CreateEndpoint stores a new one under its ID and fills in its times.
func (s *Store) CreateEndpoint(ctx context.Context, e *rapport.Endpoint) error {
	e.CreatedAt = s.Now()
	e.UpdatedAt = e.CreatedAt
	_, err := s.exec(ctx, `INSERT INTO endpoints (id, url, events, secret, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)`,
		e.ID, e.URL, strings.Join(e.Events, " "), e.Secret, ms(e.CreatedAt))
	return err
}

// Endpoint finds one.
func (s *Store) Endpoint(ctx context.Context, id rapport.ID) (rapport.Endpoint, error) {
	e, err := scanEndpoint(s.row(ctx, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1`, id).Scan)
	return e, missing(err, "endpoint")
}

// Endpoints lists newest first.
func (s *Store) Endpoints(ctx context.Context, p Page) ([]rapport.Endpoint, rapport.ID, error) {
	rows, err := collect(ctx, s, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE id < $1 ORDER BY id DESC LIMIT $2`, p.after(), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(e rapport.Endpoint) rapport.ID { return e.ID })
	return out, next, nil
}

// CountEndpoints counts all of them.
func (s *Store) CountEndpoints(ctx context.Context) (n int, err error) {
	err = s.row(ctx, `SELECT count(*) FROM endpoints`).Scan(&n)
	return
}

// Listening lists the endpoints that are told what happens.
func (s *Store) Listening(ctx context.Context) ([]rapport.Endpoint, error) {
	return collect(ctx, s, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE disabled = '' ORDER BY id`)
}

// ChangeEndpoint reads an endpoint, lets change at it, and stores what it made of it, while nobody else does.
func (s *Store) ChangeEndpoint(ctx context.Context, id rapport.ID, change func(*rapport.Endpoint) error) (e rapport.Endpoint, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		e, err = scanEndpoint(s.row(ctx, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1 `+s.d.forUpdate(), id).Scan)
		if err = missing(err, "endpoint"); err != nil {
			return err
		}
		if err := change(&e); err != nil {
			return err
		}
		e.UpdatedAt = s.Now()
		_, err := s.exec(ctx, `UPDATE endpoints SET url = $1, events = $2, secret = $3, old_secret = $4, old_until = $5, disabled = $6, disabled_at = $7, failing_since = $8, updated_at = $9 WHERE id = $10`,
			e.URL, strings.Join(e.Events, " "), e.Secret, e.OldSecret, ms(e.OldUntil), string(e.Disabled), ms(e.DisabledAt), ms(e.FailingSince), ms(e.UpdatedAt), id)
		return err
	})
	return e, err
}

// DeleteEndpoint forgets an endpoint. Its deliveries go with DropDeliveries.
func (s *Store) DeleteEndpoint(ctx context.Context, id rapport.ID) error {
	n, err := s.exec(ctx, `DELETE FROM endpoints WHERE id = $1`, id)
	if err == nil && n == 0 {
		return rapport.NotFound("endpoint")
	}
	return err
}

// DropDeliveries deletes up to MaxRows deliveries of an endpoint; more tells that there may be others.
func (s *Store) DropDeliveries(ctx context.Context, endpoint rapport.ID) (more bool, err error) {
	n, err := s.exec(ctx, `DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE endpoint_id = $1 ORDER BY id LIMIT $2)`, endpoint, MaxRows)
	return n == MaxRows, err
}

// PurgeDeliveries deletes up to MaxRows deliveries that were made before a time; more tells that there may be others.
func (s *Store) PurgeDeliveries(ctx context.Context, before time.Time) (more bool, err error) {
	last := rapport.ID(before.Sub(rapport.IDEpoch).Milliseconds() << 22)
	n, err := s.exec(ctx, `DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE id < $1 ORDER BY id LIMIT $2)`, last, MaxRows)
	return n == MaxRows, err
}
