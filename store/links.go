package store

import (
	"context"
	"fmt"
	"time"

	"rapport"
)

// Link is a token that works once: a Telegram /start link, a confirmation of consent.
type Link struct {
	Token     string // 128 random bits or more
	Kind      string
	Customer  rapport.ID
	Message   rapport.ID
	Payload   string // what Kind's verb needs
	ExpiresAt time.Time
	UsedAt    time.Time // zero: not yet
}

const linkColumns = `token, kind, customer_id, message_id, payload, expires_at, used_at`

func scanLink(scan func(...any) error) (l Link, err error) {
	var expires, used int64
	err = scan(&l.Token, &l.Kind, &l.Customer, &l.Message, &l.Payload, &expires, &used)
	l.ExpiresAt, l.UsedAt = at(expires), at(used)
	return
}

// CreateLinks stores at most MaxRows links.
func (s *Store) CreateLinks(ctx context.Context, links []Link) error {
	if len(links) > MaxRows {
		return fmt.Errorf("storing links: %d in one call, at most %d", len(links), MaxRows)
	}
	rows := make([][]any, len(links))
	for i, l := range links {
		rows[i] = []any{l.Token, l.Kind, l.Customer, l.Message, l.Payload, ms(l.ExpiresAt)}
	}
	return s.Tx(ctx, func(s *Store) error {
		_, err := s.bulk(ctx, "links", []column{{"token", "text"}, {"kind", "text"}, {"customer_id", "bigint"}, {"message_id", "bigint"},
			{"payload", "text"}, {"expires_at", "bigint"}}, rows, "")
		return err
	})
}

// Link finds one without using it, whether or not it still works.
func (s *Store) Link(ctx context.Context, kind, token string) (Link, error) {
	if !storable(token) {
		return Link{}, rapport.NotFound("link")
	}
	l, err := scanLink(s.row(ctx, `SELECT `+linkColumns+` FROM links WHERE token = $1 AND kind = $2`, token, kind).Scan)
	return l, missing(err, "link")
}

// UseLink uses one up: of any number of callers one gets it. CodeConflict: it was used, or has expired.
func (s *Store) UseLink(ctx context.Context, kind, token string) (l Link, err error) {
	if !storable(token) {
		return Link{}, rapport.NotFound("link")
	}
	err = s.Tx(ctx, func(s *Store) error {
		now := ms(s.Now())
		n, err := s.exec(ctx, `UPDATE links SET used_at = $1 WHERE token = $2 AND kind = $3 AND used_at = 0 AND expires_at > $1`, now, token, kind)
		if err != nil {
			return err
		}
		if l, err = s.Link(ctx, kind, token); err != nil {
			return err
		}
		if n == 0 {
			return &rapport.Error{Code: rapport.CodeConflict, Message: "This link was used already, or has expired."}
		}
		return nil
	})
	if err != nil {
		return Link{}, err
	}
	return l, nil
}

// PurgeLinks removes up to MaxRows links that expired before then.
func (s *Store) PurgeLinks(ctx context.Context, before time.Time) (int64, error) {
	return s.exec(ctx, `DELETE FROM links WHERE token IN (SELECT token FROM links WHERE expires_at < $1 LIMIT $2)`, ms(before), MaxRows)
}
