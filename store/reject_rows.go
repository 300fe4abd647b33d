package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"rapport"
)

// packCells is how the cells of a row are stored; "" when there are none.
func packCells(cells []string) (string, error) {
	if len(cells) == 0 {
		return "", nil
	}
	text, err := json.Marshal(cells)
	if err != nil {
		return "", fmt.Errorf("storing the cells of a row: %w", err)
	}
	return string(text), nil
}

func unpackCells(text string) (cells []string, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &cells); err != nil {
		return nil, fmt.Errorf("reading the cells of a row: %w", err)
	}
	return cells, nil
}

// ForgetRejects blanks the rows of files that imports and audiences refused before a time; line and reason stay. It does
// at most MaxRows of each and tells whether there are more.
func (s *Store) ForgetRejects(ctx context.Context, before time.Time) (more bool, err error) {
	for _, q := range []struct{ old, blank string }{
		{`SELECT id FROM jobs WHERE created_at < $1 AND EXISTS (SELECT 1 FROM job_rejects r WHERE r.job_id = jobs.id AND r.cells <> '') ORDER BY id LIMIT 1`,
			`UPDATE job_rejects SET cells = '' WHERE job_id = $1 AND line IN (SELECT line FROM job_rejects WHERE job_id = $1 AND cells <> '' LIMIT $2)`},
		{`SELECT id FROM campaigns WHERE created_at < $1 AND status IN ('finished', 'cancelled') AND EXISTS (SELECT 1 FROM recipient_cells r WHERE r.campaign_id = campaigns.id) ORDER BY id LIMIT 1`,
			`DELETE FROM recipient_cells WHERE campaign_id = $1 AND seq IN (SELECT seq FROM recipient_cells WHERE campaign_id = $1 LIMIT $2)`},
	} {
		ids, err := collect(ctx, s, scanID, q.old, ms(before))
		if err != nil {
			return false, err
		}
		if len(ids) == 0 {
			continue
		}
		more = true
		if _, err := s.exec(ctx, q.blank, ids[0], MaxRows); err != nil {
			return false, err
		}
	}
	return more, nil
}

// rejects blanks rows of files that speak of the person. Refused ones belong to no customer, so every row that is kept is
// read: spelled otherwise (spaces in a phone number, capitals), a name is still the name.
func (e *erasure) rejects(ctx context.Context) error {
	words, err := e.words(ctx)
	if err != nil || len(words) == 0 {
		return err
	}
	if err := e.cells(ctx, words, "job_rejects", "job_id", "line"); err != nil {
		return err
	}
	return e.cells(ctx, words, "recipient_cells", "campaign_id", "seq")
}

// cells blanks the rows of a table, whose key is of and at, in which one of the words stands.
func (e *erasure) cells(ctx context.Context, words []string, table, of, at string) error {
	type row struct {
		of    rapport.ID
		at    int64
		cells string
	}
	last := row{at: -1}
	for {
		rows, err := collect(ctx, e.s, func(scan func(...any) error) (r row, err error) { err = scan(&r.of, &r.at, &r.cells); return }, `SELECT `+of+`, `+at+`, cells FROM `+table+`
			WHERE cells <> '' AND `+of+` >= $1 AND (`+of+` > $1 OR `+at+` > $2) ORDER BY `+of+`, `+at+` LIMIT $3`, last.of, last.at, MaxRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		var blank [][]any
		for _, r := range rows {
			text := squeezed(r.cells)
			for _, w := range words {
				if strings.Contains(text, w) {
					blank = append(blank, []any{r.of, r.at, ""})
					break
				}
			}
		}
		if _, err := e.s.update(ctx, table, 2, []column{{of, "bigint"}, {at, "bigint"}, {"cells", "text"}}, blank); err != nil {
			return err
		}
		last = rows[len(rows)-1]
	}
}

// words are what a text that speaks of the person would hold: addresses, our caller's own id, the name.
func (e *erasure) words(ctx context.Context) (words []string, err error) {
	keep := func(text string) {
		if w := squeezed(text); len(w) >= 4 { // shorter ones stand in half of all rows
			words = append(words, w)
		}
	}
	if err = e.eachAddress(ctx, func(a rapport.Address) error { keep(a.Value); return nil }); err != nil {
		return nil, err
	}
	err = e.s.each(ctx, func(scan func(...any) error) error {
		var external, name string
		err := scan(&external, &name)
		keep(external)
		keep(name)
		return err
	}, `SELECT coalesce(external_id, ''), name FROM customers WHERE id `+e.s.d.in(1), e.who)
	return words, err
}

// squeezed leaves letters and digits, in lower case.
func squeezed(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}
