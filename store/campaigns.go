package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"rapport"
)

// spec is what of a campaign only planning and rendering read.
type spec struct {
	TemplateKey     string                 `json:"template_key,omitempty"`
	TemplateVersion int                    `json:"template_version,omitempty"`
	Inline          json.RawMessage        `json:"inline,omitempty"`
	Data            json.RawMessage        `json:"data,omitempty"`
	Routing         rapport.Routing        `json:"routing"`
	Window          *rapport.SendWindow    `json:"window,omitempty"`
	From            string                 `json:"from,omitempty"`
	ReplyTo         string                 `json:"reply_to,omitempty"`
	Metadata        json.RawMessage        `json:"metadata,omitempty"`
	Segment         *rapport.PinnedSegment `json:"segment,omitempty"`
}

func specOf(c *rapport.Campaign) spec {
	sp := spec{c.TemplateKey, c.TemplateVersion, c.Inline, c.Data, c.Routing, c.Window, c.From, c.ReplyTo, c.Metadata, nil}
	if c.Segment.ID != 0 {
		sp.Segment = &c.Segment
	}
	return sp
}

const campaignColumns = `id, kind, name, purpose, topic, template_id, status, paused_from, sandbox, dry_run, everyone, spec,
	send_at, expires_at, cancellation_key, thread_id, key_id, audience, planned, refused, cursor, created_at, launched_at, finished_at`

var campaignCols = []column{{"id", "bigint"}, {"kind", "text"}, {"name", "text"}, {"purpose", "text"}, {"topic", "text"},
	{"template_id", "bigint"}, {"status", "text"}, {"sandbox", "integer"}, {"dry_run", "integer"}, {"everyone", "integer"}, {"segment_id", "bigint"}, {"spec", "text"},
	{"send_at", "bigint"}, {"expires_at", "bigint"}, {"cancellation_key", "text"}, {"thread_id", "bigint"}, {"key_id", "bigint"},
	{"audience", "bigint"}, {"planned", "bigint"}, {"created_at", "bigint"}, {"launched_at", "bigint"}, {"owner", "bigint"}}

// InsertCampaigns writes new campaign rows, each as it stands.
func (s *Store) InsertCampaigns(ctx context.Context, cs ...*rapport.Campaign) error {
	rows := make([][]any, len(cs))
	for i, c := range cs {
		b, err := json.Marshal(specOf(c))
		if err != nil {
			return fmt.Errorf("storing a campaign: %w", err)
		}
		rows[i] = []any{c.ID, string(c.Kind), c.Name, string(c.Purpose), c.Topic, c.Template, string(c.Status), c.Sandbox, c.DryRun, c.Everyone, c.Segment.ID,
			string(b), ms(c.SendAt), ms(c.ExpiresAt), c.CancellationKey, c.Thread, c.Key, c.Audience, c.Planned, ms(c.CreatedAt), ms(c.LaunchedAt), c.Owner}
	}
	return s.Tx(ctx, func(s *Store) error { return s.bulkLater(ctx, "campaigns", campaignCols, rows, "") })
}

func scanCampaign(scan func(...any) error) (*rapport.Campaign, error) {
	c := &rapport.Campaign{}
	var text string
	var sandbox, dry, everyone int
	var send, expires, created, launched, finished int64
	err := scan(&c.ID, &c.Kind, &c.Name, &c.Purpose, &c.Topic, &c.Template, &c.Status, &c.PausedFrom, &sandbox, &dry, &everyone, &text,
		&send, &expires, &c.CancellationKey, &c.Thread, &c.Key, &c.Audience, &c.Planned, &c.Refused, &c.Cursor, &created, &launched, &finished)
	if err != nil {
		return nil, err
	}
	var sp spec
	if err := json.Unmarshal([]byte(text), &sp); err != nil {
		return nil, fmt.Errorf("reading campaign %s: %w", rapport.KindCampaign.Format(c.ID), err)
	}
	c.TemplateKey, c.TemplateVersion, c.Inline, c.Data, c.Routing = sp.TemplateKey, sp.TemplateVersion, sp.Inline, sp.Data, sp.Routing
	if sp.Segment != nil {
		c.Segment = *sp.Segment
	}
	c.Window, c.From, c.ReplyTo, c.Metadata = sp.Window, sp.From, sp.ReplyTo, sp.Metadata
	c.Sandbox, c.DryRun, c.Everyone = sandbox == 1, dry == 1, everyone == 1
	c.SendAt, c.ExpiresAt, c.CreatedAt, c.LaunchedAt, c.FinishedAt = at(send), at(expires), at(created), at(launched), at(finished)
	return c, nil
}

// Campaign finds one campaign of any kind.
func (s *Store) Campaign(ctx context.Context, id rapport.ID) (*rapport.Campaign, error) {
	c, err := scanCampaign(s.row(ctx, `SELECT `+campaignColumns+` FROM campaigns WHERE id = $1`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, rapport.NotFound("campaign")
	}
	return c, err
}

// CampaignsByID finds many; missing ones are left out.
func (s *Store) CampaignsByID(ctx context.Context, ids []rapport.ID) (map[rapport.ID]*rapport.Campaign, error) {
	out := make(map[rapport.ID]*rapport.Campaign, len(ids))
	err := s.each(ctx, func(scan func(...any) error) error {
		c, err := scanCampaign(scan)
		if err == nil {
			out[c.ID] = c
		}
		return err
	}, `SELECT `+campaignColumns+` FROM campaigns WHERE id `+s.d.in(1), s.d.list(ids))
	return out, err
}

// CampaignFilter narrows Campaigns. Only kind "campaign" is listed.
type CampaignFilter struct {
	Status string
	Q      string
	Page
}

// Page is a keyset page: rows with ids below After (0: from the newest), at most Limit.
type Page struct {
	Limit int
	After rapport.ID
}

func (p Page) after() rapport.ID {
	if p.After == 0 {
		return 1<<63 - 1
	}
	return p.After
}

// next is the After of the following page, 0 at the end; rows must have been asked for with Limit + 1.
func pageOf[T any](rows []T, limit int, id func(T) rapport.ID) ([]T, rapport.ID) {
	if len(rows) <= limit {
		return rows, 0
	}
	rows = rows[:limit]
	return rows, id(rows[limit-1])
}

// Campaigns lists newest first.
func (s *Store) Campaigns(ctx context.Context, f CampaignFilter) ([]*rapport.Campaign, rapport.ID, error) {
	q := `SELECT ` + campaignColumns + ` FROM campaigns WHERE kind = 'campaign' AND status <> 'accepting' AND id < $1`
	args := []any{f.after()}
	if f.Status != "" {
		args = append(args, f.Status)
		q += fmt.Sprintf(` AND status = $%d`, len(args))
	}
	if f.Q != "" {
		args = append(args, "%"+escapeLike(f.Q)+"%")
		q += fmt.Sprintf(` AND name %s $%d ESCAPE '\'`, s.d.like(), len(args))
	}
	args = append(args, f.Limit+1)
	rows, err := collect(ctx, s, scanCampaign, q+fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, f.Limit, func(c *rapport.Campaign) rapport.ID { return c.ID })
	return out, next, nil
}

func escapeLike(q string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q)
}

// OpenCampaigns lists those that somebody must still do something for, oldest first.
func (s *Store) OpenCampaigns(ctx context.Context, limit int, statuses ...rapport.CampaignStatus) ([]*rapport.Campaign, error) {
	return collect(ctx, s, scanCampaign, `SELECT `+campaignColumns+` FROM campaigns
		WHERE status NOT IN ('finished', 'cancelled', 'draft') AND status `+s.d.in(1)+` ORDER BY id LIMIT $2`, s.d.list(texts(statuses)), limit)
}

func texts[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = string(v)
	}
	return out
}

// MoveCampaign changes the status if it stands at one of from. False: it did not.
func (s *Store) MoveCampaign(ctx context.Context, id rapport.ID, to rapport.CampaignStatus, from ...rapport.CampaignStatus) (bool, error) {
	now := ms(s.Now())
	n, err := s.exec(ctx, `UPDATE campaigns SET status = $1,
			paused_from = CASE WHEN $1 = 'paused' THEN status ELSE paused_from END,
			launched_at = CASE WHEN launched_at = 0 AND $1 IN ('scheduled', 'planning') THEN $2 ELSE launched_at END,
			finished_at = CASE WHEN $1 IN ('finished', 'cancelled') THEN $2 ELSE finished_at END
		WHERE id = $3 AND status `+s.d.in(4), string(to), now, id, s.d.list(texts(from)))
	return n == 1, err
}

// LaunchCampaign stores how many recipients there are and sets the campaign going, once.
func (s *Store) LaunchCampaign(ctx context.Context, c *rapport.Campaign, to rapport.CampaignStatus, from ...rapport.CampaignStatus) (bool, error) {
	ok := false
	err := s.Tx(ctx, func(s *Store) (err error) {
		if _, err = s.exec(ctx, `UPDATE campaigns SET audience = $1 WHERE id = $2 AND status `+s.d.in(3), c.Audience, c.ID, s.d.list(texts(from))); err != nil {
			return err
		}
		ok, err = s.MoveCampaign(ctx, c.ID, to, from...)
		return err
	})
	return ok, err
}

// CampaignsByCancellation finds open campaigns of any kind with that key.
func (s *Store) CampaignsByCancellation(ctx context.Context, key string) ([]*rapport.Campaign, error) {
	return collect(ctx, s, scanCampaign, `SELECT `+campaignColumns+` FROM campaigns
		WHERE cancellation_key = $1 AND cancellation_key <> '' AND status <> 'cancelled' AND (status <> 'finished' OR kind <> 'campaign') ORDER BY id DESC LIMIT 1000`, key)
}

// SetResult keeps the outcome of a dry run.
func (s *Store) SetResult(ctx context.Context, id rapport.ID, result json.RawMessage) error {
	_, err := s.exec(ctx, `UPDATE campaigns SET result = $1 WHERE id = $2`, string(result), id)
	return err
}

// Result of a dry run, or nil.
func (s *Store) Result(ctx context.Context, id rapport.ID) (json.RawMessage, error) {
	var text string
	err := s.row(ctx, `SELECT result FROM campaigns WHERE id = $1`, id).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) || text == "" {
		return nil, nil
	}
	return json.RawMessage(text), err
}

// BeginStage takes a campaign for one request that stores recipients. False: another one is at it, or
// the campaign is no draft.
func (s *Store) BeginStage(ctx context.Context, id, owner rapport.ID) (bool, error) {
	n, err := s.exec(ctx, `UPDATE campaigns SET status = 'accepting', paused_from = 'draft', owner = $1 WHERE id = $2 AND status = 'draft'`, owner, id)
	return n == 1, err
}

// Staging tells whether owner has taken a draft with BeginStage, whose answer was lost. It waits for one that is
// still under way.
func (s *Store) Staging(ctx context.Context, id, owner rapport.ID) (bool, error) {
	n, err := s.exec(ctx, `UPDATE campaigns SET owner = owner WHERE id = $1 AND owner = $2 AND status = 'accepting' AND paused_from = 'draft'`, id, owner)
	return n == 1, err
}

// EndStage makes the staged rows up to audience part of the draft.
func (s *Store) EndStage(ctx context.Context, id rapport.ID, audience int64) error {
	_, err := s.exec(ctx, `UPDATE campaigns SET status = 'draft', paused_from = '', owner = 0, audience = $1 WHERE id = $2 AND status = 'accepting'`, audience, id)
	return err
}

// DiscardStage takes back up to MaxRows staged rows of a request that failed. With the last of them a
// draft becomes a draft again, and a campaign that was never accepted goes. True: all gone.
func (s *Store) DiscardStage(ctx context.Context, id rapport.ID) (bool, error) {
	done := false
	err := s.Tx(ctx, func(s *Store) error {
		// Ranges of each table's own key and no join, as in PurgeStage.
		const kept = `(SELECT audience FROM campaigns WHERE id = $1 AND status = 'accepting')`
		for _, q := range []string{
			`DELETE FROM recipients WHERE campaign_id = $1 AND seq > ` + kept + ` AND seq <=
				(SELECT max(seq) FROM (SELECT seq FROM recipients WHERE campaign_id = $1 AND seq > ` + kept + ` ORDER BY seq LIMIT $2) first)`,
			`DELETE FROM recipient_cells WHERE campaign_id = $1 AND seq > ` + kept + ` AND seq <=
				(SELECT max(seq) FROM (SELECT seq FROM recipient_cells WHERE campaign_id = $1 AND seq > ` + kept + ` ORDER BY seq LIMIT $2) first)`,
			`DELETE FROM recipient_keys WHERE campaign_id = $1 AND seq > ` + kept + ` AND dedupe <=
				(SELECT max(dedupe) FROM (SELECT dedupe FROM recipient_keys WHERE campaign_id = $1 AND seq > ` + kept + ` ORDER BY dedupe LIMIT $2) first)`} {
			n, err := s.exec(ctx, q, id, MaxRows)
			if err != nil || n >= MaxRows {
				return err
			}
		}
		done = true
		if _, err := s.exec(ctx, `UPDATE campaigns SET status = 'draft', paused_from = '', owner = 0 WHERE id = $1 AND status = 'accepting' AND paused_from = 'draft'`, id); err != nil {
			return err
		}
		n, err := s.exec(ctx, `DELETE FROM campaigns WHERE id = $1 AND status = 'accepting'`, id)
		if err == nil && n > 0 {
			_, err = s.exec(ctx, `DELETE FROM recipient_cells WHERE campaign_id = $1`, id) // what is left: the names of columns
		}
		return err
	})
	return done, err
}

// OrphanStages lists campaigns whose audience was being stored by a process that is dead.
func (s *Store) OrphanStages(ctx context.Context) ([]rapport.ID, error) {
	return collect(ctx, s, func(scan func(...any) error) (id rapport.ID, err error) { err = scan(&id); return },
		`SELECT c.id FROM campaigns c WHERE c.status = 'accepting' AND c.status NOT IN ('finished', 'cancelled', 'draft')
		AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = c.owner AND w.dead = 0) LIMIT 20`)
}

// CancelledWithRows lists cancelled campaigns that still have batches.
func (s *Store) CancelledWithRows(ctx context.Context) ([]*rapport.Campaign, error) {
	return collect(ctx, s, scanCampaign, `SELECT `+campaignColumns+` FROM campaigns c WHERE status = 'cancelled'
		AND id IN (SELECT campaign_id FROM batches WHERE owner = 0 AND what = 'send') LIMIT 50`)
}

// HasBatches tells whether anything of a campaign is still waiting for a time or a worker.
func (s *Store) HasBatches(ctx context.Context, id rapport.ID) (bool, error) {
	var n int
	err := s.row(ctx, `SELECT count(*) FROM (SELECT 1 FROM batches WHERE campaign_id = $1 LIMIT 1) b`, id).Scan(&n)
	return n > 0, err
}

// PurgeStage deletes up to MaxRows staged rows of an ended campaign: each message keeps what it was
// rendered with. Refused rows stay, with their lines and reasons, and for a time as their file had them. False: there are no more.
func (s *Store) PurgeStage(ctx context.Context, id rapport.ID) (more bool, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		// A range and no join: PostgreSQL, whose figures about a table that has just been filled say that it is
		// empty, joins each row with each (measured: 3.5 s for 500 rows of 10,000).
		if _, err := s.exec(ctx, `DELETE FROM recipient_cells WHERE campaign_id = $1 AND EXISTS (SELECT 1 FROM recipient_cells WHERE campaign_id = $1 AND seq = 0)
			AND seq IN (SELECT seq FROM recipients WHERE campaign_id = $1 AND refusal = '' ORDER BY seq LIMIT $2)`, id, MaxRows); err != nil {
			return err
		}
		for _, q := range []string{
			`DELETE FROM recipients WHERE campaign_id = $1 AND refusal = '' AND seq <=
				(SELECT max(seq) FROM (SELECT seq FROM recipients WHERE campaign_id = $1 AND refusal = '' ORDER BY seq LIMIT $2) first)`,
			`UPDATE recipients SET payload = '{}' WHERE campaign_id = $1 AND payload <> '{}' AND seq <=
				(SELECT max(seq) FROM (SELECT seq FROM recipients WHERE campaign_id = $1 AND payload <> '{}' ORDER BY seq LIMIT $2) first)`,
			`DELETE FROM recipient_keys WHERE campaign_id = $1 AND dedupe <=
				(SELECT max(dedupe) FROM (SELECT dedupe FROM recipient_keys WHERE campaign_id = $1 ORDER BY dedupe LIMIT $2) first)`} {
			n, err := s.exec(ctx, q, id, MaxRows)
			if err != nil {
				return err
			}
			if n == MaxRows {
				more = true
				return nil
			}
		}
		more = false
		return nil
	})
	return more, err
}
