package store

import (
	"context"
	"encoding/json"
	"time"

	"rapport"
)

// Draft is what an agent has begun to write in a thread: one each.
type Draft struct {
	Thread    rapport.ID
	Agent     string
	Content   json.RawMessage // a JSON object of the caller's
	UpdatedAt time.Time
}

func scanDraft(scan func(...any) error) (d Draft, err error) {
	var content string
	var updated int64
	err = scan(&d.Thread, &d.Agent, &content, &updated)
	d.Content, d.UpdatedAt = json.RawMessage(content), at(updated)
	return
}

// SaveDraft stores a draft in the place of the agent's last one and fills in UpdatedAt.
func (s *Store) SaveDraft(ctx context.Context, d *Draft) error {
	d.UpdatedAt = at(ms(s.Now())) // as it is read again
	var err error
	if d.Agent, err = s.KeepAgent(ctx, d.Agent); err != nil {
		return err
	}
	_, err = s.exec(ctx, `INSERT INTO drafts (thread_id, agent, content, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (thread_id, agent) DO UPDATE SET content = excluded.content, updated_at = excluded.updated_at`, d.Thread, d.Agent, string(d.Content), ms(d.UpdatedAt))
	return err
}

// Draft finds an agent's.
func (s *Store) Draft(ctx context.Context, thread rapport.ID, agent string) (Draft, error) {
	if !storable(agent) {
		return Draft{}, rapport.NotFound("draft")
	}
	agent, err := s.SpelledAgent(ctx, agent)
	if err != nil {
		return Draft{}, err
	}
	d, err := scanDraft(s.row(ctx, `SELECT thread_id, agent, content, updated_at FROM drafts WHERE thread_id = $1 AND agent = $2`, thread, agent).Scan)
	return d, missing(err, "draft")
}

// Drafts of a thread, by agent; after is the agent of the last one that is known.
func (s *Store) Drafts(ctx context.Context, thread rapport.ID, after string, limit int) ([]Draft, string, error) {
	rows, err := collect(ctx, s, scanDraft, `SELECT thread_id, agent, content, updated_at FROM drafts WHERE thread_id = $1 AND agent > $2 ORDER BY agent LIMIT $3`, thread, after, limit+1)
	if err != nil || len(rows) <= limit {
		return rows, "", err
	}
	return rows[:limit], rows[limit-1].Agent, nil
}

// DropDraft deletes an agent's draft. False: there was none.
func (s *Store) DropDraft(ctx context.Context, thread rapport.ID, agent string) (bool, error) {
	if !storable(agent) {
		return false, nil
	}
	agent, err := s.SpelledAgent(ctx, agent)
	if err != nil {
		return false, err
	}
	n, err := s.exec(ctx, `DELETE FROM drafts WHERE thread_id = $1 AND agent = $2`, thread, agent)
	return n == 1, err
}
