package store

import (
	"context"
	"encoding/json"
	"time"

	"rapport"
)

// View is a filter of the list of threads, under a name.
type View struct {
	ID        rapport.ID
	Agent     string // whose it is; empty: everybody's
	Name      string
	Filter    json.RawMessage // a JSON object of the caller's
	Position  int
	CreatedAt time.Time
	UpdatedAt time.Time
}

const viewColumns = `id, agent, name, filter, position, created_at, updated_at`

func scanView(scan func(...any) error) (v View, err error) {
	var filter string
	var created, updated int64
	err = scan(&v.ID, &v.Agent, &v.Name, &filter, &v.Position, &created, &updated)
	v.Filter, v.CreatedAt, v.UpdatedAt = json.RawMessage(filter), at(created), at(updated)
	return
}

// CreateView stores a new one and fills in its ID and times, and the agent as they are spelled.
func (s *Store) CreateView(ctx context.Context, v *View) error {
	var err error
	if v.Agent, err = s.KeepAgent(ctx, v.Agent); err != nil {
		return err
	}
	v.ID, v.CreatedAt = s.NewID(), at(ms(s.Now()))
	v.UpdatedAt = v.CreatedAt
	_, err = s.exec(ctx, `INSERT INTO views (`+viewColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $6)`, v.ID, v.Agent, v.Name, string(v.Filter), v.Position, ms(v.CreatedAt))
	return err
}

// ChangeView replaces all but its times.
func (s *Store) ChangeView(ctx context.Context, v View) (View, error) {
	var err error
	if v.Agent, err = s.KeepAgent(ctx, v.Agent); err != nil {
		return v, err
	}
	n, err := s.exec(ctx, `UPDATE views SET agent = $1, name = $2, filter = $3, position = $4, updated_at = $5 WHERE id = $6`, v.Agent, v.Name, string(v.Filter), v.Position, ms(s.Now()), v.ID)
	if err != nil {
		return v, err
	}
	if n == 0 {
		return v, rapport.NotFound("view")
	}
	return s.View(ctx, v.ID)
}

// View finds one.
func (s *Store) View(ctx context.Context, id rapport.ID) (View, error) {
	v, err := scanView(s.row(ctx, `SELECT `+viewColumns+` FROM views WHERE id = $1`, id).Scan)
	return v, missing(err, "view")
}

// ViewCursor is a place in the list of views; zero is its beginning, and its end.
type ViewCursor struct {
	Position int
	ID       rapport.ID
}

// Views lists everybody's and an agent's, by position.
func (s *Store) Views(ctx context.Context, agent string, after ViewCursor, limit int) ([]View, ViewCursor, error) {
	if !storable(agent) {
		return []View{}, ViewCursor{}, nil
	}
	agent, err := s.SpelledAgent(ctx, agent)
	if err != nil {
		return nil, ViewCursor{}, err
	}
	rows, err := collect(ctx, s, scanView, `SELECT `+viewColumns+` FROM views WHERE agent IN ('', $1) AND (position, id) > ($2, $3) ORDER BY position, id LIMIT $4`,
		agent, after.Position, after.ID, limit+1)
	if err != nil || len(rows) <= limit {
		return rows, ViewCursor{}, err
	}
	return rows[:limit], ViewCursor{rows[limit-1].Position, rows[limit-1].ID}, nil
}

// CountViews counts everybody's and an agent's.
func (s *Store) CountViews(ctx context.Context, agent string) (n int, err error) {
	if agent, err = s.SpelledAgent(ctx, agent); err != nil {
		return 0, err
	}
	err = s.row(ctx, `SELECT count(*) FROM views WHERE agent IN ('', $1)`, agent).Scan(&n)
	return n, err
}

// DropView deletes one. False: there was none.
func (s *Store) DropView(ctx context.Context, id rapport.ID) (bool, error) {
	n, err := s.exec(ctx, `DELETE FROM views WHERE id = $1`, id)
	return n == 1, err
}
