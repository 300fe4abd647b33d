package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"rapport"
)

const entryColumns = `id, thread_id, customer_id, kind, channel, text, html, author, address_id, message_id, answers_message, answers_campaign,
	answers_template, matched_by, provider, provider_id, meta, created_at`

// entryMeta is the column meta: what nobody searches by.
type entryMeta struct {
	Files []rapport.ID    `json:"files,omitempty"`
	Meta  json.RawMessage `json:"meta,omitempty"`
}

func scanEntry(scan func(...any) error) (e rapport.Entry, err error) {
	var meta string
	var created int64
	if err = scan(&e.ID, &e.Thread, &e.Customer, &e.Kind, &e.Channel, &e.Text, &e.HTML, &e.Author, &e.Address, &e.Message, &e.Answers.Message, &e.Answers.Campaign,
		&e.Answers.Template, &e.MatchedBy, &e.Provider, &e.ProviderID, &meta, &created); err != nil {
		return
	}
	var m entryMeta
	if err = json.Unmarshal([]byte(meta), &m); err != nil {
		err = fmt.Errorf("reading entry %s: %w", rapport.KindEntry.Format(e.ID), err)
	}
	e.Files, e.Meta, e.CreatedAt = m.Files, m.Meta, at(created)
	return
}

// AddEntry appends to a thread and fills in ID and CreatedAt. What the customer can see becomes the
// thread's preview and moves it to the top of the list. The thread's status is the caller's affair.
func (s *Store) AddEntry(ctx context.Context, e *rapport.Entry) error {
	meta, err := json.Marshal(entryMeta{e.Files, e.Meta})
	if err != nil {
		return fmt.Errorf("storing an entry: %w", err)
	}
	e.ID, e.CreatedAt = s.NewID(), s.Now()
	return s.Tx(ctx, func(s *Store) error {
		q := `UPDATE threads SET updated_at = $1 WHERE id = $2`
		args := []any{ms(e.CreatedAt), e.Thread}
		if e.Kind == rapport.Inbound || e.Kind == rapport.Outbound {
			q = `UPDATE threads SET updated_at = $1, last_entry_at = $1, preview = $3 WHERE id = $2`
			args = append(args, preview(e.Text))
		}
		n, err := s.exec(ctx, q, args...)
		if err != nil {
			return fmt.Errorf("storing an entry: %w", err)
		}
		if n == 0 {
			return rapport.NotFound("thread")
		}
		_, err = s.exec(ctx, `INSERT INTO entries (`+entryColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
			e.ID, e.Thread, e.Customer, string(e.Kind), string(e.Channel), e.Text, e.HTML, e.Author, e.Address, e.Message, e.Answers.Message, e.Answers.Campaign,
			e.Answers.Template, e.MatchedBy, e.Provider, e.ProviderID, string(meta), ms(e.CreatedAt))
		if err != nil {
			return fmt.Errorf("storing an entry: %w", err)
		}
		return s.tellEntry(ctx, e)
	})
}

// preview is the beginning of a text on one line.
func preview(text string) string {
	const most = 140
	r := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(text[:min(len(text), 8*most)], "")), " "))
	if len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return string(r)
}

// Entry finds one.
func (s *Store) Entry(ctx context.Context, id rapport.ID) (rapport.Entry, error) {
	e, err := scanEntry(s.row(ctx, `SELECT `+entryColumns+` FROM entries WHERE id = $1`, id).Scan)
	return e, missing(err, "entry")
}

// EntryByProvider finds the newest entry that a provider knows under its own id: what an edit, or a
// reply to something said in a thread, is about.
func (s *Store) EntryByProvider(ctx context.Context, provider, providerID string) (rapport.Entry, error) {
	e, err := scanEntry(s.row(ctx, `SELECT `+entryColumns+` FROM entries WHERE provider = $1 AND provider_id = $2 AND provider_id <> ''
		ORDER BY id DESC LIMIT 1`, provider, providerID).Scan)
	return e, missing(err, "entry")
}

// EditEntry replaces the words of an entry, because the customer edited them.
func (s *Store) EditEntry(ctx context.Context, id rapport.ID, text, html string) error {
	_, err := s.exec(ctx, `UPDATE entries SET text = $1, html = $2 WHERE id = $3`, text, html, id)
	return err
}

// Entries of one thread, oldest first: page.After 0 begins with the oldest.
func (s *Store) Entries(ctx context.Context, thread rapport.ID, p Page) ([]rapport.Entry, rapport.ID, error) {
	return s.entries(ctx, p, `thread_id = $1 AND id > $2 ORDER BY id LIMIT $3`, thread, p.After, p.Limit+1)
}

// LastInbound lists the customer's newest messages in a thread, newest first; on one channel, unless that
// is empty.
func (s *Store) LastInbound(ctx context.Context, thread rapport.ID, c rapport.Channel, limit int) ([]rapport.Entry, error) {
	return collect(ctx, s, scanEntry, `SELECT `+entryColumns+` FROM entries WHERE thread_id = $1 AND kind = 'inbound' AND ($2 = '' OR channel = $2) ORDER BY id DESC LIMIT $3`,
		thread, string(c), limit)
}

// Replies are what customers answered to one campaign, newest first.
func (s *Store) Replies(ctx context.Context, campaign rapport.ID, p Page) ([]rapport.Entry, rapport.ID, error) {
	return s.entries(ctx, p, `answers_campaign = $1 AND answers_campaign <> 0 AND id < $2 AND kind = 'inbound' ORDER BY id DESC LIMIT $3`, campaign, p.after(), p.Limit+1)
}

func (s *Store) entries(ctx context.Context, p Page, where string, args ...any) ([]rapport.Entry, rapport.ID, error) {
	rows, err := collect(ctx, s, scanEntry, `SELECT `+entryColumns+` FROM entries WHERE `+where, args...)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(e rapport.Entry) rapport.ID { return e.ID })
	return out, next, nil
}

// AttachFile adds a file to an entry that is stored already.
func (s *Store) AttachFile(ctx context.Context, entry, file rapport.ID) error {
	return s.Tx(ctx, func(s *Store) error {
		e, err := s.Entry(ctx, entry)
		if err != nil {
			return err
		}
		meta, err := json.Marshal(entryMeta{append(e.Files, file), e.Meta})
		if err != nil {
			return fmt.Errorf("storing an entry: %w", err)
		}
		_, err = s.exec(ctx, `UPDATE entries SET meta = $1 WHERE id = $2`, string(meta), entry)
		return err
	})
}
