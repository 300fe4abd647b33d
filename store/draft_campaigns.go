package store

import (
	"context"
	"encoding/json"
	"fmt"

	"rapport"
)

// ChangeDraft writes all that a draft was asked for with. False: it is no draft any more, or was given recipients meanwhile.
func (s *Store) ChangeDraft(ctx context.Context, c *rapport.Campaign) (bool, error) {
	b, err := json.Marshal(specOf(c))
	if err != nil {
		return false, fmt.Errorf("storing a campaign: %w", err)
	}
	n, err := s.exec(ctx, `UPDATE campaigns SET name = $1, purpose = $2, topic = $3, template_id = $4, sandbox = $5, dry_run = $6, everyone = $7, segment_id = $8, spec = $9, send_at = $10, expires_at = $11, cancellation_key = $12
		WHERE id = $13 AND status = 'draft' AND audience = $14`, c.Name, string(c.Purpose), c.Topic, c.Template, bit(c.Sandbox), bit(c.DryRun), bit(c.Everyone), c.Segment.ID, string(b), ms(c.SendAt), ms(c.ExpiresAt), c.CancellationKey, c.ID, c.Audience)
	return n == 1, err
}

// ForsakeDraft makes a draft what a request leaves that broke off: DiscardStage takes it away, and if owner dies, whoever
// looks after orphans.
func (s *Store) ForsakeDraft(ctx context.Context, id, owner rapport.ID) (bool, error) {
	n, err := s.exec(ctx, `UPDATE campaigns SET status = 'accepting', paused_from = '', audience = 0, owner = $1 WHERE id = $2 AND status = 'draft'`, owner, id)
	return n == 1, err
}

// PinSegment keeps what a campaign's segment asks from now on.
func (s *Store) PinSegment(ctx context.Context, c *rapport.Campaign) error {
	b, err := json.Marshal(specOf(c))
	if err != nil {
		return fmt.Errorf("storing a campaign: %w", err)
	}
	_, err = s.exec(ctx, `UPDATE campaigns SET spec = $1 WHERE id = $2`, string(b), c.ID)
	return err
}
