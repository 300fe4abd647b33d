package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"rapport"
)

// relayName is the relay's row among the cursors: whose turn it is, and the last id of the stream. No provider
// can be called so.
const relayName = "(relay)"

// Untold tells whether the relay has something to do.
func (s *Store) Untold(ctx context.Context) (some bool, err error) {
	err = s.row(ctx, `SELECT 1 FROM outbox LIMIT 1`).Scan(new(int))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// RelayTurn makes worker the relay, if nobody alive is.
func (s *Store) RelayTurn(ctx context.Context, worker rapport.ID) (bool, error) {
	return s.PollTurn(ctx, relayName, worker)
}

// relayRoom is how many rows a transaction of the relay writes at most.
const relayRoom = MaxRows

// Relay moves what was told into the stream, gives it its ids, and queues it for the endpoints that subscribe. The
// row of the turn is locked from the first statement to the commit, so whatever reads an id can read every smaller
// one. mine is false when the turn is another's; more tells that not all was taken.
func (s *Store) Relay(ctx context.Context, worker rapport.ID) (told []rapport.Notice, mine, more bool, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		told, mine, more = nil, false, false
		last, ok, err := s.lockStream(ctx, worker)
		if err != nil || !ok {
			return err
		}
		mine = true
		listening, err := s.Listening(ctx)
		if err != nil {
			return err
		}
		most := max(relayRoom/(2+len(listening)), 10)
		var outbox []rapport.ID
		told, err = collect(ctx, s, func(scan func(...any) error) (rapport.Notice, error) {
			n, err := scanNotice(scan)
			outbox = append(outbox, n.ID)
			return n, err
		}, `SELECT `+noticeColumns+` FROM outbox ORDER BY id LIMIT $1`, most)
		if err != nil || len(told) == 0 {
			return err
		}
		more = len(told) == most
		rows := make([][]any, len(told))
		for i := range told {
			last++
			n := &told[i]
			n.ID = last
			rows[i] = []any{n.ID, string(n.Type), n.Customer, string(n.Data), ms(n.CreatedAt)}
		}
		if err := s.bulkLater(ctx, "stream", []column{{"id", "bigint"}, {"type", "text"}, {"customer_id", "bigint"}, {"data", "text"}, {"created_at", "bigint"}}, rows, ""); err != nil {
			return err
		}
		if err := s.queueDeliveries(ctx, listening, told); err != nil {
			return err
		}
		if err := s.run(ctx, outbox, `DELETE FROM outbox WHERE id`); err != nil {
			return err
		}
		_, err = s.exec(ctx, `UPDATE cursors SET cursor = $1 WHERE provider = $2`, strconv.FormatInt(int64(last), 10), relayName)
		return err
	})
	if err != nil {
		return nil, false, false, fmt.Errorf("relaying: %w", err)
	}
	return told, mine, more, nil
}

// lockStream keeps everybody else from writing to the stream until the transaction ends, and returns its last id.
// False: worker is not the relay. worker 0 locks for whoever it is.
func (s *Store) lockStream(ctx context.Context, worker rapport.ID) (last rapport.ID, ok bool, err error) {
	var cursor string
	err = s.row(ctx, `UPDATE cursors SET updated_at = $1 WHERE provider = $2 AND (owner = $3 OR $3 = 0) RETURNING cursor`, ms(s.Now()), relayName, worker).Scan(&cursor)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil || cursor == "" {
		return 0, err == nil, err
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	return rapport.ID(n), err == nil, err
}

const noticeColumns = `id, type, customer_id, data, created_at`

func scanNotice(scan func(...any) error) (n rapport.Notice, err error) {
	var data string
	var created int64
	err = scan(&n.ID, (*string)(&n.Type), &n.Customer, &data, &created)
	n.Data, n.CreatedAt = json.RawMessage(data), at(created)
	return
}

// Stream reads what was told after an id, oldest first.
func (s *Store) Stream(ctx context.Context, after rapport.ID, limit int) ([]rapport.Notice, error) {
	return collect(ctx, s, scanNotice, `SELECT `+noticeColumns+` FROM stream WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// StreamBounds are the oldest id that is kept and the newest. Without any, oldest is the one after newest.
func (s *Store) StreamBounds(ctx context.Context) (oldest, newest rapport.ID, err error) {
	var cursor string
	var first sql.NullInt64
	// One statement, so that both are of one moment.
	err = s.row(ctx, `SELECT coalesce((SELECT cursor FROM cursors WHERE provider = $1), ''), (SELECT min(id) FROM stream)`, relayName).Scan(&cursor, &first)
	if err != nil {
		return 0, 0, err
	}
	if cursor != "" {
		n, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil {
			return 0, 0, err
		}
		newest = rapport.ID(n)
	}
	if oldest = newest + 1; first.Valid {
		oldest = rapport.ID(first.Int64)
	}
	return oldest, newest, nil
}

// PurgeStream drops the oldest notices of the stream, at most MaxRows: those from before a time, and those beyond
// most that no endpoint waits for. A delivery that was still waiting for one of the first is given up. more tells that
// there may be more.
func (s *Store) PurgeStream(ctx context.Context, before time.Time, most int64) (more bool, err error) {
	oldest, newest, err := s.StreamBounds(ctx)
	if err != nil || oldest > newest {
		return false, err
	}
	var until rapport.ID // the last one to go
	err = s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var created int64
		if err := scan(&id, &created); err != nil {
			return err
		}
		if created < ms(before) && (until == 0 || until == id-1) {
			until = id
		}
		return nil
	}, `SELECT id, created_at FROM stream ORDER BY id LIMIT $1`, MaxRows/2)
	if err != nil {
		return false, err
	}
	if until < oldest { // the first of them is not old
		until = 0
	}
	if beyond := min(newest-rapport.ID(most), oldest+MaxRows/2-1); beyond > until {
		var waited sql.NullInt64
		if err := s.row(ctx, `SELECT min(notice_id) FROM deliveries WHERE state IN ('pending', 'sending')`).Scan(&waited); err != nil {
			return false, err
		}
		if waited.Valid {
			beyond = min(beyond, rapport.ID(waited.Int64)-1)
		}
		until = max(until, beyond)
	}
	if until < oldest {
		return false, nil
	}
	err = s.Tx(ctx, func(s *Store) error {
		// Nobody waits for most of them, so these are few.
		if _, err := s.exec(ctx, `UPDATE deliveries SET state = 'failed', updated_at = $1 WHERE state = 'pending' AND notice_id <= $2`, ms(s.Now()), until); err != nil {
			return err
		}
		_, err := s.exec(ctx, `DELETE FROM stream WHERE id <= $1`, until)
		return err
	})
	return until-oldest+1 >= MaxRows/2, err
}
