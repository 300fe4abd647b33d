package store

import (
	"context"
	"strings"
	"time"

	"rapport"
)

// Stray is a report, or a machine's answer, that nothing ties to a message of ours; or a mail that names no sender.
type Stray struct {
	ID       rapport.ID
	Provider string
	About    string          // the address that it claims to be about, or that wrote it, folded; may be empty
	Kind     rapport.Receipt // or StrayMessage
	Reason   string          // why it is one: unknown_message, not_proven, no_sender
	Code     string
	Subject  string
	Text     string     // what it says, at most mostStray bytes of it
	Original rapport.ID // a file; 0: none
	At       time.Time
}

// StrayMessage is the kind of a mail that a person may have written, though nobody can tell who.
const StrayMessage rapport.Receipt = "message"

// mostStray is how much of a stray's words is kept, in bytes. The rest stands in its original.
const mostStray = 64 << 10

// KeepStray keeps one for an operator, until PurgeStrays.
func (s *Store) KeepStray(ctx context.Context, x Stray) error {
	_, err := s.exec(ctx, `INSERT INTO strays (id, provider, akey, kind, reason, code, subject, text, file_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		s.NewID(), x.Provider, rapport.AddressKey(rapport.Email, x.About), string(x.Kind), x.Reason, x.Code, x.Subject, strings.ToValidUTF8(x.Text[:min(len(x.Text), mostStray)], ""), x.Original, ms(s.Now()))
	return err
}

const strayColumns = `id, provider, akey, kind, reason, code, subject, text, file_id, created_at`

func scanStray(scan func(...any) error) (x Stray, err error) {
	var created int64
	err = scan(&x.ID, &x.Provider, &x.About, &x.Kind, &x.Reason, &x.Code, &x.Subject, &x.Text, &x.Original, &created)
	x.At = at(created)
	return
}

// Strays lists them, the newest first: of one kind, unless that is empty, and not older than since.
func (s *Store) Strays(ctx context.Context, kind rapport.Receipt, since time.Time, p Page) ([]Stray, rapport.ID, error) {
	rows, err := collect(ctx, s, scanStray, `SELECT `+strayColumns+` FROM strays WHERE id < $1 AND created_at >= $2 AND ($3 = '' OR kind = $3) ORDER BY id DESC LIMIT $4`,
		p.after(), ms(since), string(kind), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(x Stray) rapport.ID { return x.ID })
	return out, next, nil
}

// Stray finds one.
func (s *Store) Stray(ctx context.Context, id rapport.ID) (Stray, error) {
	x, err := scanStray(s.row(ctx, `SELECT `+strayColumns+` FROM strays WHERE id = $1`, id).Scan)
	return x, missing(err, "stray")
}

// TakeStray is Stray for the one caller who makes something else of it: it is none any more, and its original is the
// caller's.
func (s *Store) TakeStray(ctx context.Context, id rapport.ID) (Stray, error) {
	x, err := scanStray(s.row(ctx, `DELETE FROM strays WHERE id = $1 RETURNING `+strayColumns, id).Scan)
	return x, missing(err, "stray")
}

// DropStray forgets one, with its original.
func (s *Store) DropStray(ctx context.Context, id rapport.ID) error {
	if _, err := s.Stray(ctx, id); err != nil {
		return err
	}
	return s.dropStrays(ctx, `id = $1`, id)
}

// StraysAbout lists those about an address, oldest first.
func (s *Store) StraysAbout(ctx context.Context, about string) ([]Stray, error) {
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
