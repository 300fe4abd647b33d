package store

import (
	"context"
	"encoding/json"
	"fmt"

	"rapport"
)

const eventColumns = `id, external_id, customer_id, type, occurred_at, properties, created_at`

func scanEvent(scan func(...any) error) (e rapport.Event, err error) {
	var properties string
	var occurred, created int64
	err = scan(&e.ID, &e.ExternalID, &e.Customer, &e.Type, &occurred, &properties, &created)
	e.OccurredAt, e.Properties, e.CreatedAt = at(occurred), json.RawMessage(properties), at(created)
	return
}

// InsertEvents stores at most MaxRows events and tells for each whether it was new; one whose external
// id is known already changes nothing. It fills in ID and CreatedAt of all.
func (s *Store) InsertEvents(ctx context.Context, events []rapport.Event) (fresh []bool, err error) {
	if len(events) > MaxRows {
		return nil, fmt.Errorf("storing events: %d in one call, at most %d", len(events), MaxRows)
	}
	rows := make([][]any, len(events))
	ids := make([]rapport.ID, len(events))
	now := s.Now()
	for i := range events {
		e := &events[i]
		e.ID, e.CreatedAt = s.NewID(), now
		if len(e.Properties) == 0 {
			e.Properties = json.RawMessage(`{}`)
		}
		ids[i] = e.ID
		rows[i] = []any{e.ID, e.ExternalID, e.Customer, e.Type, ms(e.OccurredAt), string(e.Properties), ms(now)}
	}
	fresh = make([]bool, len(events))
	err = s.Tx(ctx, func(s *Store) error {
		n, err := s.bulk(ctx, "events", []column{{"id", "bigint"}, {"external_id", "text"}, {"customer_id", "bigint"}, {"type", "text"},
			{"occurred_at", "bigint"}, {"properties", "text"}, {"created_at", "bigint"}}, rows, `ON CONFLICT (external_id) DO NOTHING`)
		if err != nil {
			return err
		}
		clear(fresh)
		if n == int64(len(events)) {
			for i := range fresh {
				fresh[i] = true
			}
			return nil
		}
		stored := make(map[rapport.ID]bool, n)
		err = s.each(ctx, func(scan func(...any) error) error {
			id, err := scanID(scan)
			stored[id] = true
			return err
		}, `SELECT id FROM events WHERE id `+s.d.in(1), s.d.list(ids))
		for i, id := range ids {
			fresh[i] = stored[id]
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("storing events: %w", err)
	}
	return fresh, nil
}

// Events of one customer, newest stored first.
func (s *Store) Events(ctx context.Context, customer rapport.ID, p Page) ([]rapport.Event, rapport.ID, error) {
	rows, err := collect(ctx, s, scanEvent, `SELECT `+eventColumns+` FROM events WHERE customer_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
		customer, p.after(), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(e rapport.Event) rapport.ID { return e.ID })
	return out, next, nil
}
