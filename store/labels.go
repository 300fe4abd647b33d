package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rapport"
)

// Label is a word that threads carry: how it is shown, and how many carry it.
type Label struct {
	Name    string
	Colour  string // "#rrggbb"; empty: nobody has chosen one
	Threads int64
}

// labelSets reads which labels stand together on threads, from an index of those that have any: threads are many, sets few.
func (s *Store) labelSets(ctx context.Context, fn func(text string, names []string, threads int64)) error {
	return s.each(ctx, func(scan func(...any) error) error {
		var text string
		var n int64
		if err := scan(&text, &n); err != nil {
			return err
		}
		var names []string
		if err := json.Unmarshal([]byte(text), &names); err != nil {
			return fmt.Errorf("reading the labels of threads: %w", err)
		}
		fn(text, names, n)
		return nil
	}, `SELECT t.labels, count(*) FROM threads t WHERE t.labels <> '[]' AND t.merged_into = 0 GROUP BY t.labels`)
}

// labelled lists the sets that a label is in.
func (s *Store) labelled(ctx context.Context, label string) (sets []string, err error) {
	key := rapport.NameKey(label)
	err = s.labelSets(ctx, func(text string, names []string, _ int64) {
		if slices.ContainsFunc(names, func(n string) bool { return rapport.NameKey(n) == key }) {
			sets = append(sets, text)
		}
	})
	return sets, err
}

// Labels lists all labels that threads carry or that have a colour, by name.
func (s *Store) Labels(ctx context.Context) ([]Label, error) {
	by := map[string]*Label{}
	get := func(name string) *Label {
		l := by[rapport.NameKey(name)]
		if l == nil {
			l = &Label{Name: name}
			by[rapport.NameKey(name)] = l
		}
		return l
	}
	err := s.each(ctx, func(scan func(...any) error) error {
		var l Label
		err := scan(&l.Name, &l.Colour)
		by[rapport.NameKey(l.Name)] = &l
		return err
	}, `SELECT name, colour FROM labels ORDER BY key`)
	if err != nil {
		return nil, err
	}
	if err = s.labelSets(ctx, func(_ string, names []string, n int64) {
		for _, name := range names {
			get(name).Threads += n
		}
	}); err != nil {
		return nil, err
	}
	out := make([]Label, 0, len(by))
	for _, l := range by {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Label) int { return strings.Compare(rapport.NameKey(a.Name), rapport.NameKey(b.Name)) })
	return out, nil
}

// SaveLabel keeps how a label is shown; without a colour it is forgotten.
func (s *Store) SaveLabel(ctx context.Context, name, colour string) error {
	if colour == "" {
		_, err := s.exec(ctx, `DELETE FROM labels WHERE key = $1`, rapport.NameKey(name))
		return err
	}
	_, err := s.exec(ctx, `INSERT INTO labels (key, name, colour, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET name = excluded.name, colour = excluded.colour, updated_at = excluded.updated_at`, rapport.NameKey(name), strings.TrimSpace(name), colour, ms(s.Now()))
	return err
}

// relabelled is a thread's labels after some were added and others taken away.
func relabelled(have, add, drop []string) []string {
	if len(add)+len(drop) == 0 {
		return have
	}
	in := func(list []string, name string) bool {
		return slices.ContainsFunc(list, func(l string) bool { return rapport.NameKey(l) == rapport.NameKey(name) })
	}
	out := []string{}
	for _, l := range append(slices.Clone(have), add...) {
		if l = strings.TrimSpace(l); !in(out, l) && !in(drop, l) {
			out = append(out, l)
		}
	}
	return out
}

// Relabel puts a label in the place of another on at most MaxRows threads, merged ones too, or takes it away where to is
// empty. It returns how many threads it changed. Views that ask for the old name ask for the new one.
func (s *Store) Relabel(ctx context.Context, from, to string) (changed int64, err error) {
	sets, err := collect(ctx, s, func(scan func(...any) error) (text string, err error) { return text, scan(&text) },
		`SELECT t.labels FROM threads t WHERE t.labels <> '[]' AND t.merged_into = 0 GROUP BY t.labels
		UNION SELECT t.labels FROM threads t WHERE t.merged_into <> 0 AND t.labels <> '[]'`)
	if err != nil {
		return 0, err
	}
	err = s.Tx(ctx, func(s *Store) error {
		changed = 0
		for _, text := range sets {
			fresh, differs, err := renamed(text, from, to)
			if err != nil {
				return err
			}
			if !differs || changed >= MaxRows {
				continue
			}
			n, err := s.exec(ctx, `UPDATE threads SET labels = $1 WHERE id IN (SELECT id FROM threads WHERE labels = $2 AND labels <> '[]' LIMIT $3)`, fresh, text, MaxRows-changed)
			if err != nil {
				return err
			}
			changed += n
		}
		if to == "" {
			return nil
		}
		return s.relabelViews(ctx, from, to)
	})
	return changed, err
}

// renamed is a set of labels with one of them called otherwise, or without it.
func renamed(text, from, to string) (fresh string, differs bool, err error) {
	var names []string
	if err := json.Unmarshal([]byte(text), &names); err != nil {
		return "", false, fmt.Errorf("reading the labels of threads: %w", err)
	}
	out := []string{}
	for _, n := range names {
		if rapport.NameKey(n) == rapport.NameKey(from) {
			n = to
		}
		if n != "" && !slices.ContainsFunc(out, func(l string) bool { return rapport.NameKey(l) == rapport.NameKey(n) }) {
			out = append(out, n)
		}
	}
	raw, err := json.Marshal(out)
	return string(raw), !slices.Equal(names, out), err
}

func (s *Store) relabelViews(ctx context.Context, from, to string) error {
	views, err := collect(ctx, s, scanView, `SELECT `+viewColumns+` FROM views`)
	if err != nil {
		return err
	}
	for _, v := range views {
		var filter map[string]any
		if err := json.Unmarshal(v.Filter, &filter); err != nil {
			return fmt.Errorf("reading a view: %w", err)
		}
		label, _ := filter["label"].(string)
		if label == "" || rapport.NameKey(label) != rapport.NameKey(from) || label == to {
			continue
		}
		filter["label"] = to
		raw, err := json.Marshal(filter)
		if err != nil {
			return err
		}
		if _, err := s.exec(ctx, `UPDATE views SET filter = $1 WHERE id = $2`, string(raw), v.ID); err != nil {
			return err
		}
	}
	return nil
}
