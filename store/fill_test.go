package store

import (
	"context"
	"fmt"

	"rapport"
)

// FillEntries adds n short entries with words of known frequency: "w10" stands in every tenth, and so on. In bulk, because one by
// one a million takes minutes.
func (s *Store) FillEntries(ctx context.Context, n int) error {
	t := rapport.Thread{Subject: "filled"}
	if err := s.CreateThread(ctx, &t); err != nil {
		return err
	}
	for from := 0; from < n; from += MaxRows {
		var rows, found [][]any
		for i := from; i < min(n, from+MaxRows); i++ {
			words := fmt.Sprintf("every entry number n%d has words like wordy%d and v%d", i, i%5000, i%777)
			for every := 10; every <= 100_000; every *= 10 {
				if i%every == 0 {
					words += fmt.Sprintf(" w%d", every)
				}
			}
			id := s.NewID()
			rows = append(rows, []any{id, t.ID, int64(0), "inbound", "email", words, ms(s.Now())})
			found = append(found, []any{id, s.d.words(indexed(words))})
		}
		err := s.Tx(ctx, func(s *Store) error {
			_, err := s.bulk(ctx, "entries", []column{{"id", "bigint"}, {"thread_id", "bigint"}, {"customer_id", "bigint"}, {"kind", "text"}, {"channel", "text"}, {"text", "text"}, {"created_at", "bigint"}}, rows, "")
			for _, r := range found {
				if err == nil {
					_, err = s.exec(ctx, s.d.addWords(), r...)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.Analyze(ctx)
}

// ForgetWords leaves entries as they were before there was an index.
func (s *Store) ForgetWords(ctx context.Context) error {
	if _, err := s.exec(ctx, `INSERT INTO meta (key, value) VALUES ($1, '0')`, unindexed); err != nil {
		return err
	}
	ids, err := collect(ctx, s, scanID, `SELECT id FROM entries`)
	if err != nil {
		return err
	}
	return s.unindex(ctx, ids)
}
