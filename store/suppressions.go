package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"rapport"
)

// SetHashKey gives the key of the hashes under which suppressions are kept. Call it once, before the
// store is shared; with another key than before no suppression is found any more.
func (s *Store) SetHashKey(key []byte) { s.hashKey = key }

// addressHash is hex HMAC-SHA256 over channel and address. Keyed, because every phone number could be tried
// against a plain hash in minutes.
func (s *Store) addressHash(c rapport.Channel, value string) string {
	h := hmac.New(sha256.New, s.hashKey)
	h.Write([]byte(c))
	h.Write([]byte{0})
	h.Write([]byte(rapport.AddressKey(c, value)))
	return hex.EncodeToString(h.Sum(nil))
}

const suppressionColumns = `channel, address, reason, scope, source, message_id, created_at`

func scanSuppression(scan func(...any) error) (x rapport.Suppression, err error) {
	var created int64
	err = scan(&x.Channel, &x.Address, &x.Reason, &x.Scope, &x.Source, &x.Message, &created)
	x.At = at(created)
	return
}

// Suppress forbids at most MaxRows addresses. One that is forbidden already keeps its reason and date,
// unless the new scope is wider: marketing becomes all, never the other way round.
func (s *Store) Suppress(ctx context.Context, list []rapport.Suppression) error {
	if len(list) > MaxRows {
		return fmt.Errorf("storing suppressions: %d in one call, at most %d", len(list), MaxRows)
	}
	if len(s.hashKey) == 0 {
		return errors.New("storing suppressions: SetHashKey was not called")
	}
	rows := make([][]any, 0, len(list))
	place := map[string]int{}
	keys := map[rapport.Channel][]string{}
	for _, x := range list {
		hash := s.addressHash(x.Channel, x.Address)
		if x.At.IsZero() {
			x.At = s.Now()
		}
		row := []any{string(x.Channel), hash, x.Address, x.Reason, string(x.Scope), x.Source, x.Message, ms(x.At)}
		// Twice in one call: the wider one, because one statement may write a row only once.
		if i, twice := place[hash]; twice {
			if x.Scope == rapport.SuppressAll && rows[i][4] != string(rapport.SuppressAll) {
				rows[i] = row
			}
			continue
		}
		place[hash] = len(rows)
		rows = append(rows, row)
		keys[x.Channel] = append(keys[x.Channel], rapport.AddressKey(x.Channel, x.Address))
	}
	return s.Tx(ctx, func(s *Store) error {
		_, err := s.bulk(ctx, "suppressions", []column{{"channel", "text"}, {"hash", "text"}, {"address", "text"}, {"reason", "text"}, {"scope", "text"},
			{"source", "text"}, {"message_id", "bigint"}, {"created_at", "bigint"}}, rows,
			`ON CONFLICT (channel, hash) DO UPDATE SET address = excluded.address, reason = excluded.reason, scope = excluded.scope, source = excluded.source,
			message_id = excluded.message_id, created_at = excluded.created_at WHERE suppressions.scope = 'marketing' AND excluded.scope = 'all'`)
		if err != nil {
			return fmt.Errorf("storing suppressions: %w", err)
		}
		return s.bumpAddresses(ctx, keys)
	})
}

// Unsuppress allows an address again. NotFound: it was not forbidden.
func (s *Store) Unsuppress(ctx context.Context, c rapport.Channel, address string) error {
	return s.Tx(ctx, func(s *Store) error {
		n, err := s.exec(ctx, `DELETE FROM suppressions WHERE channel = $1 AND hash = $2`, string(c), s.addressHash(c, address))
		if err != nil {
			return err
		}
		if n == 0 {
			return rapport.NotFound("suppression")
		}
		return s.bumpAddresses(ctx, map[rapport.Channel][]string{c: {rapport.AddressKey(c, address)}})
	})
}

// Suppression finds what is known about one address.
func (s *Store) Suppression(ctx context.Context, c rapport.Channel, address string) (rapport.Suppression, error) {
	x, err := scanSuppression(s.row(ctx, `SELECT `+suppressionColumns+` FROM suppressions WHERE channel = $1 AND hash = $2`,
		string(c), s.addressHash(c, address)).Scan)
	if err == nil {
		x.Address = address // after an erasure only the hash is kept, and who asks knows it
	}
	return x, missing(err, "suppression")
}

// Suppressions lists those of one channel in the order of their hashes. after and next are such hashes;
// "" begins, and ends.
func (s *Store) Suppressions(ctx context.Context, c rapport.Channel, after string, limit int) (out []rapport.Suppression, next string, err error) {
	var hashes []string
	out, err = collect(ctx, s, func(scan func(...any) error) (rapport.Suppression, error) {
		var hash string
		x, err := scanSuppression(func(to ...any) error { return scan(append(to, &hash)...) })
		hashes = append(hashes, hash)
		return x, err
	}, `SELECT `+suppressionColumns+`, hash FROM suppressions WHERE channel = $1 AND hash > $2 ORDER BY hash LIMIT $3`, string(c), after, limit+1)
	if err != nil || len(out) <= limit {
		return out, "", err
	}
	return out[:limit], hashes[limit-1], nil
}
