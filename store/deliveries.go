package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rapport"
)

var deliveryColumns = []column{{"id", "bigint"}, {"endpoint_id", "bigint"}, {"notice_id", "bigint"}, {"type", "text"}, {"state", "text"}, {"due_at", "bigint"}, {"created_at", "bigint"}, {"updated_at", "bigint"}}

// queueDeliveries makes a delivery of each notice for each endpoint that subscribes to its type.
func (s *Store) queueDeliveries(ctx context.Context, listening []rapport.Endpoint, notices []rapport.Notice) error {
	var rows [][]any
	now := ms(s.Now())
	for _, n := range notices {
		for _, e := range listening {
			if wants(e, n) {
				rows = append(rows, []any{s.NewID(), e.ID, n.ID, string(n.Type), string(rapport.DeliveryPending), now, now, now})
			}
		}
	}
	return s.bulkLater(ctx, "deliveries", deliveryColumns, rows, `ON CONFLICT (notice_id, endpoint_id) DO NOTHING`)
}

// wants tells whether an endpoint is told of n. A test is about one endpoint, and for it alone.
func wants(e rapport.Endpoint, n rapport.Notice) bool {
	if n.Type != rapport.EndpointTest {
		return e.Events.Takes(n.Type)
	}
	var about struct{ Endpoint string }
	return json.Unmarshal(n.Data, &about) == nil && about.Endpoint == rapport.KindEndpoint.Format(e.ID)
}

// Handed is a delivery that was claimed, with what is to be delivered.
type Handed struct {
	rapport.Delivery
	Step    int // attempts since it was queued, or replayed: this one included
	Content rapport.Notice
}

// DueEndpoints lists the endpoints that have a delivery which is due.
func (s *Store) DueEndpoints(ctx context.Context) ([]rapport.Endpoint, error) {
	return collect(ctx, s, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints e WHERE e.disabled = ''
		AND EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.due_at <= $1) ORDER BY e.id`, ms(s.Now()))
}

// ClaimDeliveries gives worker up to most deliveries to an endpoint that are due. Nobody else gets them while
// worker lives.
func (s *Store) ClaimDeliveries(ctx context.Context, worker, endpoint rapport.ID, most int) (out []Handed, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		now := ms(s.Now())
		out, err = collect(ctx, s, func(scan func(...any) error) (h Handed, err error) {
			var base int
			var tries string
			err = scan(&h.ID, &h.Endpoint, &h.Notice, (*string)(&h.Type), &h.Attempt, &base, &tries)
			h.Step = h.Attempt - base
			if err == nil {
				err = json.Unmarshal([]byte(tries), &h.Tries)
			}
			return
		}, `UPDATE deliveries SET state = 'sending', owner = $1, attempt = attempt + 1, updated_at = $2 WHERE id IN
			(SELECT id FROM deliveries WHERE endpoint_id = $3 AND state = 'pending' AND due_at <= $2 ORDER BY due_at, id LIMIT $4 `+s.d.skipLocked()+`)
			RETURNING id, endpoint_id, notice_id, type, attempt, base, tries`, worker, now, endpoint, most)
		if err != nil || len(out) == 0 {
			return err
		}
		ids := make([]rapport.ID, len(out))
		for i := range out {
			ids[i] = out[i].Notice
		}
		notices := map[rapport.ID]rapport.Notice{}
		err := s.each(ctx, func(scan func(...any) error) error {
			n, err := scanNotice(scan)
			notices[n.ID] = n
			return err
		}, `SELECT `+noticeColumns+` FROM stream WHERE id `+s.d.in(1), s.d.list(ids))
		for i := range out {
			out[i].Content = notices[out[i].Notice]
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claiming deliveries: %w", err)
	}
	slices.SortFunc(out, func(a, b Handed) int { return int(a.Notice - b.Notice) })
	return out, nil
}

// DeliveryEnd is what came of one attempt.
type DeliveryEnd struct {
	Handed
	Worker rapport.ID
	Try    rapport.DeliveryTry
	To     rapport.DeliveryState
	Due    time.Time // of the next attempt
}

// EndDeliveries records attempts, in the caller's transaction; of one that was taken over meanwhile nothing.
func (s *Store) EndDeliveries(ctx context.Context, ends []DeliveryEnd) error {
	for _, e := range ends {
		tries := append(slices.Clone(e.Tries), e.Try)
		text, err := json.Marshal(tries[max(0, len(tries)-rapport.MaxTries):])
		if err != nil {
			return fmt.Errorf("recording a delivery: %w", err)
		}
		if _, err := s.exec(ctx, `UPDATE deliveries SET state = $1, due_at = $2, owner = 0, tries = $3, updated_at = $4 WHERE id = $5 AND owner = $6 AND attempt = $7 AND state = 'sending'`,
			string(e.To), ms(e.Due), string(text), ms(s.Now()), e.ID, e.Worker, e.Attempt); err != nil {
			return fmt.Errorf("recording a delivery: %w", err)
		}
	}
	return nil
}

// TakeOverDeliveries makes what dead workers were delivering due again. It may have arrived: the receiver knows it by
// its webhook-id.
func (s *Store) TakeOverDeliveries(ctx context.Context) error {
	const dead = `state = 'sending' AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = deliveries.owner AND w.dead = 0)`
	ids, err := collect(ctx, s, scanID, `SELECT id FROM deliveries WHERE `+dead+` LIMIT $1`, MaxRows)
	if err != nil || len(ids) == 0 {
		return err
	}
	_, err = s.exec(ctx, `UPDATE deliveries SET state = 'pending', owner = 0, due_at = $1 WHERE `+dead+` AND id `+s.d.in(2), ms(s.Now()), s.d.list(ids))
	return err
}

// DeliveryFilter narrows Deliveries; empty fields do not.
type DeliveryFilter struct {
	Endpoint rapport.ID
	State    rapport.DeliveryState
	Page
}

const deliveryShown = `id, endpoint_id, notice_id, type, state, attempt, due_at, tries, created_at, updated_at`

func scanDelivery(scan func(...any) error) (d rapport.Delivery, err error) {
	var tries string
	var due, created, updated int64
	if err = scan(&d.ID, &d.Endpoint, &d.Notice, (*string)(&d.Type), (*string)(&d.State), &d.Attempt, &due, &tries, &created, &updated); err != nil {
		return
	}
	d.Due, d.CreatedAt, d.UpdatedAt = at(due), at(created), at(updated)
	return d, json.Unmarshal([]byte(tries), &d.Tries)
}

// Deliveries lists those of an endpoint, newest first.
func (s *Store) Deliveries(ctx context.Context, f DeliveryFilter) ([]rapport.Delivery, rapport.ID, error) {
	rows, err := collect(ctx, s, scanDelivery, `SELECT `+deliveryShown+` FROM deliveries WHERE endpoint_id = $1 AND id < $2 AND ($3 = '' OR state = $3) ORDER BY id DESC LIMIT $4`,
		f.Endpoint, f.after(), string(f.State), f.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, f.Limit, func(d rapport.Delivery) rapport.ID { return d.ID })
	return out, next, nil
}

// ReplayDelivery makes a delivery due again, its schedule from the beginning. One that is being sent is not touched.
// CodeConflict: its notice is not kept any more.
func (s *Store) ReplayDelivery(ctx context.Context, endpoint, id rapport.ID) (d rapport.Delivery, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		d, err = scanDelivery(s.row(ctx, `SELECT `+deliveryShown+` FROM deliveries WHERE id = $1 AND endpoint_id = $2`, id, endpoint).Scan)
		if err = missing(err, "delivery"); err != nil {
			return err
		}
		kept, err := s.Stream(ctx, d.Notice-1, 1)
		if err != nil {
			return err
		}
		if len(kept) == 0 || kept[0].ID != d.Notice {
			return rapport.Errorf(rapport.CodeConflict, "What it told is not kept any more.")
		}
		if err := s.replay(ctx, []rapport.ID{id}); err != nil {
			return err
		}
		d, err = scanDelivery(s.row(ctx, `SELECT `+deliveryShown+` FROM deliveries WHERE id = $1`, id).Scan)
		return err
	})
	return d, err
}

func (s *Store) replay(ctx context.Context, ids []rapport.ID) error {
	_, err := s.exec(ctx, `UPDATE deliveries SET state = 'pending', base = attempt, due_at = $1, updated_at = $1 WHERE state <> 'sending' AND id `+s.d.in(2), ms(s.Now()), s.d.list(ids))
	return err
}

// ReplaySince queues for an endpoint a page of what was told from a time on, after an id: what it subscribes to and has not
// got, or, with all, also what it has. It returns how many, and where to go on; 0: that was all.
func (s *Store) ReplaySince(ctx context.Context, endpoint rapport.Endpoint, since time.Time, after rapport.ID, all bool) (n int, next rapport.ID, err error) {
	const page = MaxRows / 2
	err = s.Tx(ctx, func(s *Store) error {
		n, next = 0, 0
		notices, err := collect(ctx, s, scanNotice, `SELECT `+noticeColumns+` FROM stream WHERE id > $1 AND created_at >= $2 ORDER BY id LIMIT $3`, after, ms(since), page)
		if err != nil {
			return err
		}
		if len(notices) == page {
			next = notices[page-1].ID
		}
		notices = slices.DeleteFunc(notices, func(n rapport.Notice) bool { return n.Type == rapport.EndpointTest || !wants(endpoint, n) })
		if len(notices) == 0 {
			return nil
		}
		ids := make([]rapport.ID, len(notices))
		for i := range notices {
			ids[i] = notices[i].ID
		}
		known := map[rapport.ID]bool{}
		var again []rapport.ID
		err = s.each(ctx, func(scan func(...any) error) error {
			var id, notice rapport.ID
			var state rapport.DeliveryState
			if err := scan(&id, &notice, (*string)(&state)); err != nil {
				return err
			}
			known[notice] = true
			if all && state != rapport.DeliverySending || state == rapport.DeliveryFailed {
				again = append(again, id)
			}
			return nil
		}, `SELECT id, notice_id, state FROM deliveries WHERE endpoint_id = $1 AND notice_id `+s.d.in(2), endpoint.ID, s.d.list(ids))
		if err != nil {
			return err
		}
		if len(again) > 0 {
			if err := s.replay(ctx, again); err != nil {
				return err
			}
		}
		notices = slices.DeleteFunc(notices, func(n rapport.Notice) bool { return known[n.ID] })
		n = len(again) + len(notices)
		return s.queueDeliveries(ctx, []rapport.Endpoint{endpoint}, notices)
	})
	return n, next, err
}
