package store

import "context"

// told blanks what the stream and the outbox say about the customer; the places in the stream stay, because its ids
// have no gaps. The relay waits meanwhile, so that nothing is between the two. What endpoints answered may repeat
// what they were told, and goes too.
func (e *erasure) told(ctx context.Context) error {
	for more := true; more; {
		err := e.s.Tx(ctx, func(s *Store) error {
			if _, _, err := s.lockStream(ctx, 0); err != nil {
				return err
			}
			n, err := s.exec(ctx, `UPDATE outbox SET data = '{}' WHERE id IN (SELECT id FROM outbox WHERE customer_id `+s.d.in(1)+` AND customer_id <> 0 AND data <> '{}' LIMIT $2)`, e.who, MaxRows/2)
			if err != nil {
				return err
			}
			ids, err := collect(ctx, s, scanID, `SELECT id FROM stream WHERE customer_id `+s.d.in(1)+` AND customer_id <> 0 AND data <> '{}' LIMIT $2`, e.who, MaxRows/4)
			if err != nil {
				return err
			}
			more = n == MaxRows/2 || len(ids) == MaxRows/4
			return s.run(ctx, ids, `UPDATE stream SET data = '{}' WHERE id`, `UPDATE deliveries SET tries = '[]' WHERE tries <> '[]' AND state <> 'sending' AND notice_id`)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
