package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"rapport"
)

// Idempotent says what Begin found.
type Idempotent int8

const (
	Begun    Idempotent = iota // nobody did this before: do it, then call Finish
	Running                    // the same request is being worked on
	Replay                     // it was done: give the stored answer again
	Mismatch                   // the key was used for another body
)

// KeepAnswers is how long an answer can be replayed.
const KeepAnswers = 24 * time.Hour

// Answer is what Begin found, with the stored answer when it is Replay.
type Answer struct {
	Found    Idempotent
	Status   int
	Response string
}

// Begin takes the Idempotency-Key of one request for owner, the worker id of this process. scope is
// method, path and key. What a dead process had begun is begun anew: it never answered, and whatever
// it wrote before was written as one or can be found again by its own unique keys.
func (s *Store) Begin(ctx context.Context, key rapport.ID, scope, bodyHash string, owner rapport.ID) (a Answer, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		now := s.Now()
		if _, err := s.exec(ctx, `DELETE FROM idempotency WHERE key_id = $1 AND scope = $2 AND created_at < $3`, key, scope, ms(now.Add(-KeepAnswers))); err != nil {
			return err
		}
		n, err := s.exec(ctx, `INSERT INTO idempotency (key_id, scope, body_hash, status, owner, created_at) VALUES ($1, $2, $3, 0, $4, $5)
			ON CONFLICT (key_id, scope) DO NOTHING`, key, scope, bodyHash, owner, ms(now))
		if err != nil || n == 1 {
			a = Answer{Found: Begun}
			return err
		}
		var hash string
		a = Answer{Found: Replay}
		if err := s.row(ctx, `SELECT body_hash, status, response FROM idempotency WHERE key_id = $1 AND scope = $2`, key, scope).Scan(&hash, &a.Status, &a.Response); err != nil {
			return err
		}
		switch {
		case hash != bodyHash:
			a = Answer{Found: Mismatch}
		case a.Status == 0:
			a = Answer{Found: Running}
			n, err := s.exec(ctx, `UPDATE idempotency SET owner = $1, created_at = $2 WHERE key_id = $3 AND scope = $4 AND status = 0
				AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = idempotency.owner AND w.dead = 0)`, owner, ms(now), key, scope)
			if err != nil {
				return err
			}
			if n == 1 {
				a = Answer{Found: Begun}
			}
		}
		return nil
	})
	if err != nil {
		return Answer{}, fmt.Errorf("beginning an idempotent request: %w", err)
	}
	return a, nil
}

// Resume takes up again what owner itself had begun without learning it, because the answer to Begin was lost
// with a connection. Only for a request that nothing else in this process works on. False: it is not owner's.
func (s *Store) Resume(ctx context.Context, key rapport.ID, scope string, owner rapport.ID) (bool, error) {
	n, err := s.exec(ctx, `UPDATE idempotency SET created_at = $1 WHERE key_id = $2 AND scope = $3 AND status = 0 AND owner = $4`, ms(s.Now()), key, scope, owner)
	if err != nil {
		return false, fmt.Errorf("resuming an idempotent request: %w", err)
	}
	return n == 1, nil
}

// Finish stores the answer of a request that owner began: a 2xx is kept, after anything else the key is
// free again. Call it in the last transaction of the request. CodeConflict: this process was taken for
// dead and another one works on the request, so the transaction must not commit.
func (s *Store) Finish(ctx context.Context, key rapport.ID, scope string, owner rapport.ID, status int, response string) error {
	q, args := `DELETE FROM idempotency WHERE key_id = $1 AND scope = $2 AND owner = $3 AND status = 0`, []any{key, scope, owner}
	if status >= 200 && status < 300 {
		q = `UPDATE idempotency SET status = $4, response = $5 WHERE key_id = $1 AND scope = $2 AND owner = $3 AND status = 0`
		args = append(args, status, response)
	}
	n, err := s.exec(ctx, q, args...)
	if err != nil {
		return fmt.Errorf("finishing an idempotent request: %w", err)
	}
	if n == 0 {
		return &rapport.Error{Code: rapport.CodeConflict, Message: "Another process has taken over this request."}
	}
	return nil
}

// RequestKey names a request: an API key, and as scope method, path and Idempotency-Key.
type RequestKey struct {
	Key   rapport.ID
	Scope string
}

// RequestsKnown tells which of these requests somebody has made before, whatever came of them: Begin knows what.
func (s *Store) RequestsKnown(ctx context.Context, keys []RequestKey) (map[RequestKey]bool, error) {
	scopes := map[rapport.ID][]string{}
	for _, k := range keys {
		scopes[k.Key] = append(scopes[k.Key], k.Scope)
	}
	known := map[RequestKey]bool{}
	for key, list := range scopes { // most often one
		err := s.each(ctx, func(scan func(...any) error) error {
			k := RequestKey{Key: key}
			err := scan(&k.Scope)
			known[k] = true
			return err
		}, `SELECT i.scope FROM `+s.d.among(2, "text", "idempotency", "i", "key_id = $1", "scope"), key, s.d.list(list))
		if err != nil {
			return nil, fmt.Errorf("looking idempotent requests up: %w", err)
		}
	}
	return known, nil
}

// Answered is a request with its answer, a 2xx.
type Answered struct {
	RequestKey
	BodyHash string
	Status   int
	Response string
}

// AddAnswers stores the answers of requests that nobody had made before, in the transaction of their effects:
// instead of Begin and Finish. False: somebody else has made one of them meanwhile, and the transaction must not commit.
func (s *Store) AddAnswers(ctx context.Context, owner rapport.ID, answers []Answered) (bool, error) {
	now := ms(s.Now())
	slices.SortFunc(answers, func(a, b Answered) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Scope, b.Scope)) }) // so that two processes do not wait for each other
	rows := make([][]any, len(answers))
	for i, a := range answers {
		rows[i] = []any{a.Key, a.Scope, a.BodyHash, a.Status, a.Response, owner, now}
	}
	n, err := s.bulk(ctx, "idempotency", []column{{"key_id", "bigint"}, {"scope", "text"}, {"body_hash", "text"}, {"status", "integer"}, {"response", "text"},
		{"owner", "bigint"}, {"created_at", "bigint"}}, rows, "ON CONFLICT (key_id, scope) DO NOTHING")
	if err != nil {
		return false, fmt.Errorf("keeping answers: %w", err)
	}
	return int(n) == len(answers), nil
}

// PurgeIdempotency forgets up to MaxRows answers that are older than KeepAnswers. More are left when it
// returns MaxRows.
func (s *Store) PurgeIdempotency(ctx context.Context) (int64, error) {
	return s.exec(ctx, `DELETE FROM idempotency WHERE (key_id, scope) IN
		(SELECT key_id, scope FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)`, ms(s.Now().Add(-KeepAnswers)), MaxRows)
}
