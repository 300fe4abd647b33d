package store

import (
	"context"
	"encoding/json"
	"fmt"

	"rapport"
)

const topicColumns = `key, policy, title, track_opens, track_clicks, implicit, updated_at`

func scanTopic(scan func(...any) error) (t rapport.Topic, err error) {
	var title string
	var opens, clicks, implicit int
	var updated int64
	if err = scan(&t.Key, &t.Policy, &title, &opens, &clicks, &implicit, &updated); err != nil {
		return
	}
	t.TrackOpens, t.TrackClicks, t.Implicit, t.UpdatedAt = opens == 1, clicks == 1, implicit == 1, at(updated)
	if err = json.Unmarshal([]byte(title), &t.Title); err != nil {
		err = fmt.Errorf("reading topic %q: %w", t.Key, err)
	}
	return
}

// Topic finds one by its key.
func (s *Store) Topic(ctx context.Context, key string) (rapport.Topic, error) {
	if !storable(key) {
		return rapport.Topic{}, rapport.NotFound("topic")
	}
	t, err := scanTopic(s.row(ctx, `SELECT `+topicColumns+` FROM topics WHERE key = $1`, key).Scan)
	return t, missing(err, "topic")
}

// Topics lists all of them by key: people name them, so they are few.
func (s *Store) Topics(ctx context.Context) ([]rapport.Topic, error) {
	return collect(ctx, s, scanTopic, `SELECT `+topicColumns+` FROM topics ORDER BY key`)
}

// PutTopic creates or replaces a topic. A new policy holds for what is planned from now on; messages that
// were planned before keep the decision that was made for them.
func (s *Store) PutTopic(ctx context.Context, t rapport.Topic) error {
	title, err := json.Marshal(t.Title)
	if err != nil {
		return fmt.Errorf("storing a topic: %w", err)
	}
	_, err = s.exec(ctx, `INSERT INTO topics (key, policy, title, track_opens, track_clicks, implicit, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (key) DO UPDATE SET policy = excluded.policy, title = excluded.title, track_opens = excluded.track_opens,
		track_clicks = excluded.track_clicks, implicit = excluded.implicit, updated_at = excluded.updated_at`,
		t.Key, string(t.Policy), string(title), bit(t.TrackOpens), bit(t.TrackClicks), bit(t.Implicit), ms(s.Now()))
	return err
}

// EnsureTopic creates an implicit topic unless the key is known.
func (s *Store) EnsureTopic(ctx context.Context, key string, policy rapport.Policy) (created bool, err error) {
	n, err := s.exec(ctx, `INSERT INTO topics (key, policy, implicit, updated_at) VALUES ($1, $2, 1, $3) ON CONFLICT (key) DO NOTHING`,
		key, string(policy), ms(s.Now()))
	return n == 1, err
}
