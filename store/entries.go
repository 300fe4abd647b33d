package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"rapport"
)

const entryColumns = `id, thread_id, customer_id, kind, channel, text, html, author, address_id, message_id, answers_message, answers_campaign,
	answers_template, matched_by, provider, provider_id, meta, created_at, origin_thread`

// entryMeta is the column meta: what nobody searches by.
type entryMeta struct {
	Files     []rapport.ID    `json:"files,omitempty"`
	Meta      json.RawMessage `json:"meta,omitempty"`
	Quoted    string          `json:"quoted,omitempty"`
	Signature string          `json:"signature,omitempty"`
	Original  rapport.ID      `json:"original,omitempty"`
	rapport.Recipients
	Aside     bool       `json:"aside,omitempty"`
	Forwarded rapport.ID `json:"forwarded,omitempty"`
}

func metaOf(e *rapport.Entry) (string, error) {
	b, err := json.Marshal(entryMeta{e.Files, e.Meta, e.Quoted, e.Signature, e.Original, e.Copies, e.Aside, e.Forwarded})
	if err != nil {
		return "", fmt.Errorf("storing an entry: %w", err)
	}
	return string(b), nil
}

func scanEntry(scan func(...any) error) (e rapport.Entry, err error) {
	var meta string
	var created int64
	if err = scan(&e.ID, &e.Thread, &e.Customer, &e.Kind, &e.Channel, &e.Text, &e.HTML, &e.Author, &e.Address, &e.Message, &e.Answers.Message, &e.Answers.Campaign,
		&e.Answers.Template, &e.MatchedBy, &e.Provider, &e.ProviderID, &meta, &created, &e.Origin); err != nil {
		return
	}
	var m entryMeta
	if err = json.Unmarshal([]byte(meta), &m); err != nil {
		err = fmt.Errorf("reading entry %s: %w", rapport.KindEntry.Format(e.ID), err)
	}
	e.Files, e.Meta, e.Quoted, e.Signature, e.Original, e.CreatedAt = m.Files, m.Meta, m.Quoted, m.Signature, m.Original, at(created)
	e.Copies, e.Aside, e.Forwarded = m.Recipients, m.Aside, m.Forwarded
	return
}

// AddEntry appends to a thread, or to the one that it was merged into, and fills in ID, Thread and CreatedAt. What
// the customer can see becomes the thread's preview and moves it to the top of the list; what the customer wrote is
// unread, and waits. What is aside is unread and moves the thread to the top, and no more; what is idle is only shown: a
// resolved thread is no younger for it. The thread's status is the caller's affair.
func (s *Store) AddEntry(ctx context.Context, e *rapport.Entry) error {
	meta, err := metaOf(e)
	if err != nil {
		return err
	}
	err = s.Tx(ctx, func(s *Store) error {
		now := ms(s.Now())
		if e.Idle() {
			now = 0
		}
		t, err := s.lockThread(ctx, e.Thread, now)
		if err != nil {
			return err
		}
		// Only now: in the order of their ids is the order in which a thread's entries came.
		e.Thread, e.ID, e.CreatedAt = t.ID, s.NewID(), at(ms(s.Now()))
		if e.Kind == rapport.Inbound || e.Kind == rapport.Outbound {
			t.LastEntryAt = e.CreatedAt
			if !e.Aside {
				t.Preview = preview(e.Text)
			}
			if e.Kind == rapport.Inbound && t.Status != rapport.ThreadSpam && !e.Idle() {
				t.Unread = true
				if !e.Aside && t.WaitingSince.IsZero() {
					t.WaitingSince = e.CreatedAt
				}
			}
			if err := s.saveThread(ctx, &t); err != nil {
				return err
			}
		}
		_, err = s.exec(ctx, `INSERT INTO entries (`+entryColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0)`,
			e.ID, e.Thread, e.Customer, string(e.Kind), string(e.Channel), e.Text, e.HTML, e.Author, e.Address, e.Message, e.Answers.Message, e.Answers.Campaign,
			e.Answers.Template, e.MatchedBy, e.Provider, e.ProviderID, meta, ms(e.CreatedAt))
		if err != nil {
			return err
		}
		var about string
		if e.Kind != rapport.Happened { // what was done to a thread is not what was said in it
			if err := s.row(ctx, `SELECT `+threadWords+` FROM threads WHERE id = $1`, e.Thread).Scan(&about); err != nil {
				return err
			}
		}
		if err := s.index(ctx, e.ID, about, e.Author, e.Text); err != nil {
			return err
		}
		return s.tellEntry(ctx, e)
	})
	if err != nil {
		return fmt.Errorf("storing an entry: %w", err)
	}
	return nil
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

// RecentInbound lists what an address sent since then, newest first, at most 50.
func (s *Store) RecentInbound(ctx context.Context, a rapport.Address, since time.Time) ([]rapport.Entry, error) {
	return collect(ctx, s, scanEntry, `SELECT `+entryColumns+` FROM entries WHERE customer_id = $1 AND kind = 'inbound' AND address_id = $2 AND id >= $3 ORDER BY id DESC LIMIT 50`,
		a.Customer, a.ID, Moment{At: since}.id(0))
}

// EditEntry replaces the words of an entry, because the customer edited them.
func (s *Store) EditEntry(ctx context.Context, id rapport.ID, text, html string) error {
	return s.Tx(ctx, func(s *Store) error {
		var author, about string
		err := s.row(ctx, `UPDATE entries SET text = $1, html = $2 WHERE id = $3 RETURNING author, (SELECT `+threadWords+` FROM threads WHERE threads.id = entries.thread_id)`, text, html, id).Scan(&author, &about)
		if err != nil {
			return missing(err, "entry")
		}
		if err := s.unindex(ctx, []rapport.ID{id}); err != nil {
			return err
		}
		return s.index(ctx, id, about, author, text)
	})
}

// mostBefore is how much of the words before a correction is kept, in bytes.
const mostBefore = 8 << 10

// CorrectEntry is EditEntry because the author corrected the words: meta says when (edited_at), and what they were before
// (before, of the last correction).
func (s *Store) CorrectEntry(ctx context.Context, id rapport.ID, text, html string) error {
	return s.Tx(ctx, func(s *Store) error {
		// Written before it is read, see AttachFile.
		if _, err := s.exec(ctx, `UPDATE entries SET meta = meta WHERE id = $1`, id); err != nil {
			return err
		}
		e, err := s.Entry(ctx, id)
		if err != nil || e.Text == text && e.HTML == html {
			return err
		}
		meta := map[string]any{}
		if len(e.Meta) > 0 {
			if err := json.Unmarshal(e.Meta, &meta); err != nil {
				return fmt.Errorf("reading entry %s: %w", rapport.KindEntry.Format(id), err)
			}
		}
		meta["edited_at"], meta["before"] = s.Now().UTC().Format(time.RFC3339), strings.ToValidUTF8(e.Text[:min(len(e.Text), mostBefore)], "")
		if e.Meta, err = json.Marshal(meta); err != nil {
			return fmt.Errorf("correcting an entry: %w", err)
		}
		column, err := metaOf(&e)
		if err != nil {
			return err
		}
		if _, err := s.exec(ctx, `UPDATE entries SET meta = $1 WHERE id = $2`, column, id); err != nil {
			return err
		}
		return s.EditEntry(ctx, id, text, html)
	})
}

// Entries of one thread and of those merged into it, oldest first: page.After 0 begins with the oldest.
func (s *Store) Entries(ctx context.Context, thread rapport.ID, p Page) ([]rapport.Entry, rapport.ID, error) {
	rows, err := s.within(ctx, thread, `id > $2 ORDER BY id LIMIT $3`, p.After, p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(e rapport.Entry) rapport.ID { return e.ID })
	return out, next, nil
}

// EntriesBack reads the same from the other end: newest first, page.After 0 begins with the newest.
func (s *Store) EntriesBack(ctx context.Context, thread rapport.ID, p Page) ([]rapport.Entry, rapport.ID, error) {
	before := p.After
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := s.within(ctx, thread, `id < $2 ORDER BY id DESC LIMIT $3`, before, p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(e rapport.Entry) rapport.ID { return e.ID })
	return out, next, nil
}

// LastInbound lists the customer's newest messages in a thread, newest first; on one channel, unless that
// is empty.
func (s *Store) LastInbound(ctx context.Context, thread rapport.ID, c rapport.Channel, limit int) ([]rapport.Entry, error) {
	return s.within(ctx, thread, `kind = 'inbound' AND ($2 = '' OR channel = $2) ORDER BY id DESC LIMIT $3`, string(c), limit)
}

// LastSaid lists what was said in a thread, newest first: what the customer can see, and what stands aside.
func (s *Store) LastSaid(ctx context.Context, thread rapport.ID, limit int) ([]rapport.Entry, error) {
	return s.within(ctx, thread, `kind IN ('inbound', 'outbound') ORDER BY id DESC LIMIT $2`, limit)
}

// SaidAfter lists what customer and colleagues have said in a thread after an entry, oldest first.
func (s *Store) SaidAfter(ctx context.Context, thread, entry rapport.ID, limit int) ([]rapport.Entry, error) {
	return s.within(ctx, thread, `kind IN ('inbound', 'outbound') AND id > $2 ORDER BY id LIMIT $3`, entry, limit)
}

// WrittenAfter lists the same and colleagues' notes.
func (s *Store) WrittenAfter(ctx context.Context, thread, entry rapport.ID, limit int) ([]rapport.Entry, error) {
	return s.within(ctx, thread, `kind IN ('inbound', 'outbound', 'note') AND id > $2 ORDER BY id LIMIT $3`, entry, limit)
}

// within reads entries of a thread and of those merged into it; the other arguments of the condition begin with $2.
// The common case, a thread that stands alone, is read in the order of its index and not sorted.
func (s *Store) within(ctx context.Context, thread rapport.ID, where string, args ...any) ([]rapport.Entry, error) {
	all, err := s.Merged(ctx, thread)
	if err != nil {
		return nil, err
	}
	of, first := `thread_id = $1`, any(thread)
	if len(all) > 0 {
		of, first = `thread_id `+s.d.in(1), s.d.list(append(all, thread))
	}
	rows, err := collect(ctx, s, scanEntry, `SELECT `+entryColumns+` FROM entries WHERE `+of+` AND `+where, append([]any{first}, args...)...)
	for i := range rows {
		if e := &rows[i]; e.Thread != thread {
			if e.Origin == 0 {
				e.Origin = e.Thread
			}
			e.Thread = thread
		}
	}
	return rows, err
}

// Replies are what customers answered to one campaign, newest first.
func (s *Store) Replies(ctx context.Context, campaign rapport.ID, f ReadingFilter, p Page) ([]rapport.Entry, rapport.ID, error) {
	where, args := f.where("entries.id", 4)
	return s.entries(ctx, p, `answers_campaign = $1 AND answers_campaign <> 0 AND id < $2 AND kind = 'inbound'`+where+` ORDER BY id DESC LIMIT $3`, append([]any{campaign, p.after(), p.Limit + 1}, args...)...)
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
		// The row is written before it is read: the pictures of an album are attached at the same time.
		if _, err := s.exec(ctx, `UPDATE entries SET meta = meta WHERE id = $1`, entry); err != nil {
			return err
		}
		e, err := s.Entry(ctx, entry)
		if err != nil {
			return err
		}
		e.Files = append(e.Files, file)
		meta, err := metaOf(&e)
		if err != nil {
			return err
		}
		_, err = s.exec(ctx, `UPDATE entries SET meta = $1 WHERE id = $2`, meta, entry)
		return err
	})
}
