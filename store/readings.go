package store

import (
	"context"
	"fmt"
	"math"

	"rapport"
)

const readingColumns = `r.entry_id, r.language, r.language_confidence, r.language_source, r.intent, r.intent_confidence, r.intent_source,
	r.sentiment, r.sentiment_confidence, r.sentiment_source, r.corrected_by, r.corrected_at`

func scanReading(scan func(...any) error) (id rapport.ID, u rapport.Understanding, err error) {
	var at0 int64
	of := [3]int{}
	err = scan(&id, &u.Language.Value, &of[0], &u.Language.Source, &u.Intent.Value, &of[1], &u.Intent.Source, &u.Sentiment.Value, &of[2], &u.Sentiment.Source, &u.CorrectedBy, &at0)
	for i, t := range []*rapport.Taken{&u.Language, &u.Intent, &u.Sentiment} {
		t.Confidence = float64(of[i]) / 100
	}
	u.CorrectedAt = at(at0)
	return
}

// KeepReading keeps what an entry is taken to mean. What a person has said about it stays.
func (s *Store) KeepReading(ctx context.Context, entry rapport.ID, u rapport.Understanding) error {
	args := []any{entry}
	for _, t := range []rapport.Taken{u.Language, u.Intent, u.Sentiment} {
		args = append(args, t.Value, int(math.Round(100*t.Confidence)), string(t.Source))
	}
	q := `INSERT INTO readings (entry_id, language, language_confidence, language_source, intent, intent_confidence, intent_source, sentiment, sentiment_confidence, sentiment_source)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (entry_id) DO UPDATE SET `
	for i, part := range []string{"language", "intent", "sentiment"} {
		if i > 0 {
			q += `, `
		}
		for k, col := range []string{part, part + "_confidence", part + "_source"} {
			if k > 0 {
				q += `, `
			}
			q += col + ` = CASE readings.` + part + `_source WHEN 'person' THEN readings.` + col + ` ELSE excluded.` + col + ` END`
		}
	}
	_, err := s.exec(ctx, q, args...)
	return err
}

// Correct keeps what a person says about an entry. Not found: nobody has guessed at it, so it is no customer's word.
func (s *Store) Correct(ctx context.Context, entry rapport.ID, c rapport.Correction) error {
	q, args := `UPDATE readings SET corrected_by = $1, corrected_at = $2`, []any{c.By, ms(s.Now())}
	for _, part := range []struct{ name, value string }{{"language", c.Language}, {"intent", c.Intent}, {"sentiment", c.Sentiment}} {
		if part.value != "" {
			args = append(args, part.value)
			q += `, ` + part.name + ` = ` + fmt.Sprintf(`$%d, `, len(args)) + part.name + `_confidence = 100, ` + part.name + `_source = 'person'`
		}
	}
	args = append(args, entry)
	n, err := s.exec(ctx, q+fmt.Sprintf(` WHERE entry_id = $%d`, len(args)), args...)
	if err == nil && n == 0 {
		return rapport.NotFound("reply")
	}
	return err
}

// Readings reads what entries are taken to mean; those that nobody has guessed at are left out.
func (s *Store) Readings(ctx context.Context, entries []rapport.Entry) (map[rapport.ID]rapport.Understanding, error) {
	var ids []rapport.ID
	for _, e := range entries {
		if e.Kind == rapport.Inbound {
			ids = append(ids, e.ID)
		}
	}
	out := make(map[rapport.ID]rapport.Understanding, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	return out, s.each(ctx, func(scan func(...any) error) error {
		id, u, err := scanReading(scan)
		out[id] = u
		return err
	}, `SELECT `+readingColumns+` FROM readings r WHERE r.entry_id `+s.d.in(1), s.d.list(ids))
}

// ReadingFilter narrows lists by what words are taken to mean; what is empty does not.
type ReadingFilter struct{ Intent, Sentiment string }

// where is the condition that entry is taken so; its arguments begin with n.
func (f ReadingFilter) where(entry string, n int) (string, []any) {
	if f == (ReadingFilter{}) {
		return "", nil
	}
	q, args := ` AND EXISTS (SELECT 1 FROM readings r WHERE r.entry_id = `+entry, []any{}
	for _, part := range []struct{ column, value string }{{"intent", f.Intent}, {"sentiment", f.Sentiment}} {
		if part.value != "" {
			q += fmt.Sprintf(` AND r.%s = $%d`, part.column, n+len(args))
			args = append(args, part.value)
		}
	}
	return q + `)`, args
}

// newestRead is the customer's newest words in thread t, or in one that was merged into it.
const newestRead = `(SELECT max(e.id) FROM threads o JOIN entries e ON e.thread_id = o.id JOIN readings k ON k.entry_id = e.id
	WHERE e.kind = 'inbound' AND (o.id = t.id OR o.merged_into = t.id))`

// ReplySummary is what a campaign's recipients answered. People are counted, not messages: each once, and by the newest
// reply of theirs that is read.
type ReplySummary struct {
	Reached    int64 // people to whom a message went out
	Customers  int64 // of them, who answered
	Intents    map[string]int64
	Sentiments map[string]int64
	Languages  map[string]int64
}

// ReplySummary counts. Customers who were merged are one; of one who was erased it is only known that they answered. It
// reads the campaign's rows, so it is for a page that somebody looks at, not for a list.
func (s *Store) ReplySummary(ctx context.Context, campaign rapport.ID) (ReplySummary, error) {
	out := ReplySummary{Intents: map[string]int64{}, Sentiments: map[string]int64{}, Languages: map[string]int64{}}
	err := s.row(ctx, `SELECT count(DISTINCT coalesce(c.merged_into, m.customer_id)) FROM messages m LEFT JOIN customers c ON c.id = m.customer_id
		WHERE m.campaign_id = $1 AND m.sent_at > 0`, campaign).Scan(&out.Reached)
	if err != nil {
		return out, err
	}
	const own = `FROM entries e LEFT JOIN customers c ON c.id = e.customer_id WHERE e.answers_campaign = $1 AND e.answers_campaign <> 0 AND e.kind = 'inbound'`
	if err := s.row(ctx, `SELECT count(DISTINCT coalesce(c.merged_into, e.customer_id)) `+own, campaign).Scan(&out.Customers); err != nil {
		return out, err
	}
	return out, s.each(ctx, func(scan func(...any) error) error {
		var intent, sentiment, language string
		var n int64
		if err := scan(&intent, &sentiment, &language, &n); err != nil {
			return err
		}
		out.Intents[intent] += n
		out.Sentiments[sentiment] += n
		out.Languages[language] += n
		return nil
	}, `SELECT r.intent, r.sentiment, r.language, count(*) FROM readings r WHERE r.entry_id IN (
			SELECT max(e.id) `+own+` AND EXISTS (SELECT 1 FROM readings k WHERE k.entry_id = e.id) GROUP BY coalesce(c.merged_into, e.customer_id))
		GROUP BY r.intent, r.sentiment, r.language`, campaign)
}
