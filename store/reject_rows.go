package store

import (
	"context"
	"strings"
	"time"
	"unicode"

	"rapport"
)

// ForgetRejects blanks the rows of files that imports refused before a time; line and reason stay. It does at most
// MaxRows and tells whether there are more.
func (s *Store) ForgetRejects(ctx context.Context, before time.Time) (bool, error) {
	ids, err := collect(ctx, s, scanID, `SELECT id FROM jobs WHERE created_at < $1 AND EXISTS (SELECT 1 FROM job_rejects r WHERE r.job_id = jobs.id AND r.cells <> '') ORDER BY id LIMIT 1`, ms(before))
	if err != nil || len(ids) == 0 {
		return false, err
	}
	_, err = s.exec(ctx, `UPDATE job_rejects SET cells = '' WHERE job_id = $1 AND line IN (SELECT line FROM job_rejects WHERE job_id = $1 AND cells <> '' LIMIT $2)`, ids[0], MaxRows)
	return err == nil, err
}

// rejects blanks refused rows of files that speak of the person. They belong to no customer, because they were refused,
// so every row that is kept is read: spelled otherwise (spaces in a phone number, capitals), a name is still the name.
func (e *erasure) rejects(ctx context.Context) error {
	words, err := e.words(ctx)
	if err != nil || len(words) == 0 {
		return err
	}
	type row struct {
		job   rapport.ID
		line  int64
		cells string
	}
	var job rapport.ID
	for line := int64(0); ; {
		rows, err := collect(ctx, e.s, func(scan func(...any) error) (r row, err error) { err = scan(&r.job, &r.line, &r.cells); return }, `SELECT job_id, line, cells FROM job_rejects
			WHERE cells <> '' AND job_id >= $1 AND (job_id > $1 OR line > $2) ORDER BY job_id, line LIMIT $3`, job, line, MaxRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		var blank [][]any
		for _, r := range rows {
			text := squeezed(r.cells)
			for _, w := range words {
				if strings.Contains(text, w) {
					blank = append(blank, []any{r.job, r.line, ""})
					break
				}
			}
		}
		if _, err := e.s.update(ctx, "job_rejects", 2, []column{{"job_id", "bigint"}, {"line", "bigint"}, {"cells", "text"}}, blank); err != nil {
			return err
		}
		job, line = rows[len(rows)-1].job, rows[len(rows)-1].line
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
