package store

import (
	"context"
	"time"

	"rapport"
)

// Delivery is how an agent's answer stands in the ledger.
type Delivery struct {
	State  rapport.State
	Reason string
	Due    time.Time
}

// AnswerStates reads how the answers among entries stand, by their message. One that is not due yet has the reason for which
// it will not be sent, if it is known already: the customer has said stop since.
func (s *Store) AnswerStates(ctx context.Context, entries []rapport.Entry) (map[rapport.ID]Delivery, error) {
	var ids []rapport.ID
	for _, e := range entries {
		if e.Message != 0 {
			ids = append(ids, e.Message)
		}
	}
	out := make(map[rapport.ID]Delivery, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	to := map[rapport.ID]rapport.Address{}
	err := s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var d Delivery
		var a rapport.Address
		var due int64
		err := scan(&id, &d.State, &d.Reason, &due, &a.Channel, &a.Value)
		d.Due = at(due)
		out[id] = d
		if a.Value != "" && d.Due.After(s.Now()) {
			to[id] = a
		}
		return err
	}, `SELECT m.id, m.state, m.reason, m.due_at, COALESCE(a.channel, ''), COALESCE(a.address, '') FROM messages m JOIN campaigns c ON c.id = m.campaign_id
		LEFT JOIN addresses a ON a.id = m.address_id AND m.state = 1 AND c.kind <> 'system' WHERE m.id `+s.d.in(1), s.d.list(ids))
	if err != nil {
		return nil, err
	}
	for id, a := range to {
		switch x, err := s.Suppression(ctx, a.Channel, a.Value); {
		case rapport.CodeOf(err) == rapport.CodeNotFound:
		case err != nil:
			return nil, err
		case x.Binds(rapport.Transactional):
			d := out[id]
			d.Reason = rapport.ReasonSuppressed
			out[id] = d
		}
	}
	return out, nil
}

// CancelReply takes a message back that nobody has begun to send. False: somebody has, or it is at an end. A claim
// marks the same row in one statement as well, so one of the two comes first.
func (s *Store) CancelReply(ctx context.Context, message rapport.ID) (bool, error) {
	n, err := s.exec(ctx, `UPDATE messages SET state = 9, reason = 'cancelled', updated_at = $1 WHERE id = $2 AND state = 1`, ms(s.Now()), message)
	return n == 1, err
}

// RetryReply gives a message that failed one more round of attempts, in a batch of its own, to the address and epoch of
// to. False: it has not failed, or somebody else was first. Its token stays, so that a copy that arrived all the same can
// be told from a second message.
func (s *Store) RetryReply(ctx context.Context, message rapport.ID, to Row) (b Batch, ok bool, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		b = Batch{ID: s.NewID(), What: WhatSend, Lane: to.Lane, Channel: to.Message.Channel, Sandbox: to.Sandbox, Due: s.Now(), Size: 1}
		n, err := s.exec(ctx, `UPDATE messages SET state = 1, reason = '', misses = 0, batch_id = $1, moved = 1, due_at = $2, updated_at = $2, window_end = 0, address_id = $3, epoch = $4
			WHERE id = $5 AND state = 6`, b.ID, ms(b.Due), to.Message.Address, to.Message.Epoch, message)
		if ok = n == 1; err != nil || !ok {
			return err
		}
		return s.insertBatches(ctx, []Batch{b})
	})
	return b, ok, err
}

// Await notes that the end of an answer is to be worked out once it comes: see Ended.
func (s *Store) Await(ctx context.Context, entry rapport.ID) error {
	_, err := s.exec(ctx, `UPDATE entries SET awaited = 1 WHERE id = $1`, entry)
	return err
}

// AwaitAgain does so for the answer that a message is, after a late report changed its end. Messages that are no agent's
// answer have no such entry.
func (s *Store) AwaitAgain(ctx context.Context, message, campaign rapport.ID) error {
	_, err := s.exec(ctx, `UPDATE entries SET awaited = 1 WHERE message_id = $1 AND kind = 'outbound'
		AND thread_id = (SELECT c.thread_id FROM campaigns c WHERE c.id = $2 AND c.kind = 'reply')`, message, campaign)
	return err
}

// AwaitLater does so for the answers of a thread that went out after an entry.
func (s *Store) AwaitLater(ctx context.Context, thread, entry rapport.ID) error {
	_, err := s.exec(ctx, `UPDATE entries SET awaited = 1 WHERE thread_id = $1 AND id > $2 AND kind = 'outbound'
		AND EXISTS (SELECT 1 FROM messages m WHERE m.id = entries.message_id AND m.state IN (4, 5, 10))`, thread, entry)
	return err
}

// Ended lists awaited answers whose message has come to an end, at most limit, beginning after an entry.
func (s *Store) Ended(ctx context.Context, after rapport.ID, limit int) ([]rapport.ID, error) {
	return collect(ctx, s, scanID, `SELECT e.id FROM entries e WHERE e.awaited = 1 AND e.id > $1
		AND coalesce((SELECT m.state FROM messages m WHERE m.id = e.message_id), 9) >= 4 ORDER BY e.id LIMIT $2`, after, limit)
}

// TakeEnded makes the caller, in its transaction, the one that works out what the end of an answer means. False: somebody
// else was first.
func (s *Store) TakeEnded(ctx context.Context, entry rapport.ID) (bool, error) {
	n, err := s.exec(ctx, `UPDATE entries SET awaited = 0 WHERE id = $1 AND awaited = 1`, entry)
	return n == 1, err
}
