package store

import (
	"context"
	"strings"
)

// PlanOfThreads is how the engine means to answer a list of threads.
func (s *Store) PlanOfThreads(ctx context.Context, f ThreadFilter) (string, error) {
	text, args, err := f.list(ctx, s)
	if err != nil {
		return "", err
	}
	return s.plan(ctx, text, args)
}

func (s *Store) plan(ctx context.Context, text string, args []any) (string, error) {
	var lines []string
	explain := `EXPLAIN `
	if s.d.name() == "sqlite" {
		explain = `EXPLAIN QUERY PLAN `
	}
	err := s.each(ctx, func(scan func(...any) error) error {
		var line string
		var ids [3]int
		into := []any{&line}
		if s.d.name() == "sqlite" {
			into = []any{&ids[0], &ids[1], &ids[2], &line}
		}
		err := scan(into...)
		lines = append(lines, line)
		return err
	}, explain+text, args...)
	return strings.Join(lines, "\n"), err
}
