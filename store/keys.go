package store

import (
	"context"
	"strings"
	"time"

	"rapport"
)

const keyColumns = `id, name, hint, scopes, expires_at, revoked_at, used_at, created_at`

func scanKey(scan func(...any) error) (k rapport.Key, err error) {
	var scopes string
	var expires, revoked, used, created int64
	err = scan(&k.ID, &k.Name, &k.Hint, &scopes, &expires, &revoked, &used, &created)
	k.Scopes, k.ExpiresAt, k.RevokedAt, k.UsedAt, k.CreatedAt = strings.Fields(scopes), at(expires), at(revoked), at(used), at(created)
	return
}

// CreateKey stores a new key under hash (hex SHA-256 of the key itself) and fills in its ID and CreatedAt.
func (s *Store) CreateKey(ctx context.Context, k *rapport.Key, hash string) error {
	k.ID, k.CreatedAt = s.NewID(), s.Now()
	_, err := s.exec(ctx, `INSERT INTO keys (id, name, hash, hint, scopes, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		k.ID, k.Name, hash, k.Hint, strings.Join(k.Scopes, " "), ms(k.ExpiresAt), ms(k.CreatedAt))
	return err
}

// KeyByHash finds a key, also one that is revoked or has expired: see rapport.Key.Valid.
func (s *Store) KeyByHash(ctx context.Context, hash string) (rapport.Key, error) {
	k, err := scanKey(s.row(ctx, `SELECT `+keyColumns+` FROM keys WHERE hash = $1`, hash).Scan)
	return k, missing(err, "key")
}

// Key finds a key by its id, revoked or not.
func (s *Store) Key(ctx context.Context, id rapport.ID) (rapport.Key, error) {
	k, err := scanKey(s.row(ctx, `SELECT `+keyColumns+` FROM keys WHERE id = $1`, id).Scan)
	return k, missing(err, "key")
}

// Keys lists newest first.
func (s *Store) Keys(ctx context.Context, p Page) ([]rapport.Key, rapport.ID, error) {
	rows, err := collect(ctx, s, scanKey, `SELECT `+keyColumns+` FROM keys WHERE id < $1 ORDER BY id DESC LIMIT $2`, p.after(), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(k rapport.Key) rapport.ID { return k.ID })
	return out, next, nil
}

// RevokeKey closes a key for good. Doing it again changes nothing.
func (s *Store) RevokeKey(ctx context.Context, id rapport.ID) error {
	n, err := s.exec(ctx, `UPDATE keys SET revoked_at = CASE WHEN revoked_at = 0 THEN $1 ELSE revoked_at END WHERE id = $2`, ms(s.Now()), id)
	if err == nil && n == 0 {
		return rapport.NotFound("key")
	}
	return err
}

// TouchKey notes that k, as it was read, was used now: at most once a minute, so that reading costs no
// write.
func (s *Store) TouchKey(ctx context.Context, k rapport.Key) error {
	now := s.Now()
	if now.Sub(k.UsedAt) < time.Minute {
		return nil
	}
	_, err := s.exec(ctx, `UPDATE keys SET used_at = $1 WHERE id = $2 AND used_at <= $3`, ms(now), k.ID, ms(now.Add(-time.Minute)))
	return err
}
