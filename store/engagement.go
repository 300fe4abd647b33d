package store

import (
	"context"

	"rapport"
)

// Engage notes that the person did something with a message; machine marks a scanner or a prefetch,
// which is kept but not counted as the person. It tells whether this was the person's first time.
func (s *Store) Engage(ctx context.Context, worker rapport.ID, message rapport.ID, kind rapport.Engagement, machine bool) (first bool, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		var campaign rapport.ID
		var of rapport.CampaignKind
		if err := s.row(ctx, `SELECT c.id, c.kind FROM messages m JOIN campaigns c ON c.id = m.campaign_id WHERE m.id = $1`, message).Scan(&campaign, &of); err != nil {
			return err
		}
		var n int64
		person := bit(!machine)
		err := s.row(ctx, `INSERT INTO engagements (message_id, kind, campaign_id, first_at, n, machine) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (message_id, kind) DO UPDATE SET n = engagements.n + excluded.n, machine = engagements.machine + excluded.machine,
			first_at = CASE WHEN engagements.n = 0 THEN excluded.first_at ELSE engagements.first_at END RETURNING n`,
			message, string(kind), campaign, ms(s.Now()), person, 1-person).Scan(&n)
		if err != nil {
			return err
		}
		first = !machine && n == 1
		if first && of == rapport.KindOfCampaign {
			d := deltas{}
			d.add(campaign, string(kind), 1)
			return s.apply(ctx, worker, d)
		}
		return nil
	})
	return first, err
}
