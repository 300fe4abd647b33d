package store

import (
	"context"
	"time"

	"rapport"
)

// Stray is a report, or a machine's answer, that nothing ties to a message of ours.
type Stray struct {
	Provider string
	About    string // the address that it claims to be about, or that wrote it; may be empty
	Kind     rapport.Receipt
	Reason   string
	Code     string
	Original rapport.ID // a file; 0: none
	At       time.Time
}

// KeepStray keeps one for an operator, until PurgeStrays.
func (s *Store) KeepStray(ctx context.Context, x Stray) error {
	_, err := s.exec(ctx, `INSERT INTO strays (id, provider, akey, kind, reason, code, file_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		s.NewID(), x.Provider, rapport.AddressKey(rapport.Email, x.About), string(x.Kind), x.Reason, x.Code, x.Original, ms(s.Now()))
	return err
}

const strayColumns = `provider, akey, kind, reason, code, file_id, created_at`

func scanStray(scan func(...any) error) (x Stray, err error) {
	var created int64
	err = scan(&x.Provider, &x.About, &x.Kind, &x.Reason, &x.Code, &x.Original, &created)
	x.At = at(created)
	return
}

// Strays lists those about an address, oldest first.
func (s *Store) Strays(ctx context.Context, about string) ([]Stray, error) {
	return collect(ctx, s, scanStray, `SELECT `+strayColumns+` FROM strays WHERE akey = $1 ORDER BY id LIMIT $2`, rapport.AddressKey(rapport.Email, about), MaxRows)
}

// PurgeStrays forgets up to MaxRows of those kept before then, with their originals.
func (s *Store) PurgeStrays(ctx context.Context, before time.Time) error {
	return s.dropStrays(ctx, `id IN (SELECT id FROM strays WHERE created_at < $1 ORDER BY id LIMIT $2)`, ms(before), MaxRows)
}

// dropStrays deletes originals first, so that what broke off is found again.
func (s *Store) dropStrays(ctx context.Context, where string, args ...any) error {
	files, err := collect(ctx, s, scanID, `SELECT file_id FROM strays WHERE file_id <> 0 AND `+where, args...)
	if err != nil {
		return err
	}
	for _, id := range files {
		if err := s.DeleteFile(ctx, id); err != nil {
			return err
		}
	}
	_, err = s.exec(ctx, `DELETE FROM strays WHERE `+where, args...)
	return err
}
