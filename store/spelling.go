package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rapport"
)

// What is spelled one way, whatever the case in which somebody types it: the first that was written.
const (
	agentsName = "agent"
	labelsName = "label"
)

// SpelledAgent is how the name of an agent is spelled; one that nobody has used is returned as it is.
func (s *Store) SpelledAgent(ctx context.Context, name string) (string, error) {
	return s.spelled(ctx, agentsName, name)
}

// KeepAgent does so and remembers a new name. The store does it itself with whom a thread is given to, who is there, who
// drafts, who has a view, whose answers are measured, and who becomes an agent who signs in.
func (s *Store) KeepAgent(ctx context.Context, name string) (string, error) {
	out, err := s.spell(ctx, agentsName, []string{name})
	if err != nil {
		return name, err
	}
	return out[0], nil
}

func (s *Store) spelled(ctx context.Context, kind, name string) (string, error) {
	if name == "" || !storable(name) {
		return name, nil
	}
	spelling := name
	err := s.row(ctx, `SELECT spelling FROM spellings WHERE kind = $1 AND skey = $2`, kind, rapport.NameKey(name)).Scan(&spelling)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return name, fmt.Errorf("looking for the spelling of a name: %w", err)
	}
	return spelling, nil
}

// spell returns names as they are spelled and remembers the new ones, in the order of their keys: two who write the same new
// names wait for each other, and not both for both.
func (s *Store) spell(ctx context.Context, kind string, names []string) ([]string, error) {
	byKey := slices.Clone(names)
	slices.SortStableFunc(byKey, func(a, b string) int { return strings.Compare(rapport.NameKey(a), rapport.NameKey(b)) })
	known := map[string]string{}
	for _, name := range byKey {
		key := rapport.NameKey(name)
		if _, ok := known[key]; ok || name == "" {
			continue
		}
		spelling, err := s.spelled(ctx, kind, name)
		if err != nil {
			return nil, err
		}
		if spelling == name { // known so, or new
			if _, err := s.exec(ctx, `INSERT INTO spellings (kind, skey, spelling) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, kind, key, name); err != nil {
				return nil, fmt.Errorf("keeping the spelling of a name: %w", err)
			}
			if spelling, err = s.spelled(ctx, kind, name); err != nil {
				return nil, err
			}
		}
		known[key] = spelling
	}
	out := make([]string, 0, len(names))
	for _, name := range names {
		if name != "" {
			name = known[rapport.NameKey(name)]
		}
		out = append(out, name)
	}
	return out, nil
}
