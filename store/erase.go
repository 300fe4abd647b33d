package store

import (
	"context"
	"encoding/json"
	"fmt"

	"rapport"
)

// DeleteCustomer erases a person: the customer and those merged into it, addresses, preferences, events,
// links, calls, what was told about them, the words of all messages, entries and drafts, what campaigns that have not ended say of them, the
// samples of dry runs, and rows of files that imports refused. What stays names nobody: rows of the ledger, consents
// without proof and IP, and the hash of a suppressed address. It works in transactions of at most
// MaxRows rows; the customer goes last, so that an erasure that broke off can be begun again.
func (s *Store) DeleteCustomer(ctx context.Context, id rapport.ID) error {
	ids, err := s.selves(ctx, id)
	if err != nil {
		return err
	}
	if err := s.noteErased(ids); err != nil {
		return fmt.Errorf("erasing a customer: noting it for a restore: %w", err)
	}
	return s.erase(ctx, ids)
}

func (s *Store) erase(ctx context.Context, ids []rapport.ID) error {
	e := &erasure{s: s, ids: ids, who: s.d.list(ids)}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"stopping what is on its way", e.stop}, {"messages", e.messages}, {"reports", e.reports}, {"staged recipients", e.staged}, {"refused rows", e.rejects}, {"dry runs", e.dryRuns}, {"entries", e.entries}, {"guests", e.guests}, {"forwards", e.forwards}, {"copies", e.copies}, {"threads", e.threads},
		{"events", e.events}, {"calls", e.calls}, {"consents", e.consents}, {"links", e.links}, {"sandbox", e.sandbox}, {"what was told", e.told}, {"customer", e.customer},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("erasing a customer: %s: %w", step.what, err)
		}
	}
	return nil
}

type erasure struct {
	s   *Store
	ids []rapport.ID
	who any // ids as dialect.list makes them
}

func (e *erasure) stop(ctx context.Context) error {
	_, err := e.s.exec(ctx, `UPDATE addresses SET off_reason = 'erased', epoch = epoch + 1 WHERE customer_id `+e.s.d.in(1), e.who)
	return err
}

// pages calls fn, each time in a transaction of its own, with up to MaxRows ids of table that belong to
// the customer.
func (e *erasure) pages(ctx context.Context, table string, fn func(s *Store, ids []rapport.ID) error) error {
	after := rapport.ID(0)
	for {
		ids, err := collect(ctx, e.s, scanID, `SELECT id FROM `+table+` WHERE customer_id `+e.s.d.in(1)+` AND id > $2 ORDER BY id LIMIT $3`, e.who, after, MaxRows)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := e.s.Tx(ctx, func(s *Store) error { return fn(s, ids) }); err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// run executes statements whose only parameter is a list of ids.
func (s *Store) run(ctx context.Context, ids []rapport.ID, statements ...string) error {
	list := s.d.list(ids)
	for _, q := range statements {
		if _, err := s.exec(ctx, q+` `+s.d.in(1), list); err != nil {
			return err
		}
	}
	return nil
}

func (e *erasure) messages(ctx context.Context) error {
	return e.pages(ctx, "messages", func(s *Store, ids []rapport.ID) error { return s.blankMessages(ctx, ids) })
}

// blankMessages takes the words out of messages.
func (s *Store) blankMessages(ctx context.Context, ids []rapport.ID) error {
	err := s.run(ctx, ids, `UPDATE messages SET vars = '', provider_ref = '' WHERE id`, `DELETE FROM sandbox_outbox WHERE message_id`,
		`UPDATE attempts SET detail = '' WHERE detail <> '' AND message_id`, `UPDATE receipts SET detail = '' WHERE detail <> '' AND message_id`)
	if err != nil {
		return err
	}
	var stages, files [][]any
	err = s.each(ctx, func(scan func(...any) error) error {
		var campaign, seq int64
		err := scan(&campaign, &seq)
		stages, files = append(stages, []any{campaign, seq, `{}`}), append(files, []any{campaign, seq, ""})
		return err
	}, `SELECT DISTINCT campaign_id, seq FROM messages WHERE id `+s.d.in(1), s.d.list(ids))
	if err != nil {
		return err
	}
	if _, err := s.update(ctx, "recipients", 2, []column{{"campaign_id", "bigint"}, {"seq", "bigint"}, {"payload", "text"}}, stages); err != nil {
		return err
	}
	if _, err := s.update(ctx, "recipient_cells", 2, []column{{"campaign_id", "bigint"}, {"seq", "bigint"}, {"cells", "text"}}, files); err != nil {
		return err
	}
	return s.blankSpecs(ctx, ids)
}

// blankSpecs takes what a campaign of one says to its one recipient out of it.
func (s *Store) blankSpecs(ctx context.Context, messages []rapport.ID) error {
	var rows [][]any
	err := s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var text string
		if err := scan(&id, &text); err != nil {
			return err
		}
		var sp spec
		if err := json.Unmarshal([]byte(text), &sp); err != nil {
			return err
		}
		sp.Inline, sp.Data, sp.Metadata = nil, nil, nil
		b, err := json.Marshal(sp)
		rows = append(rows, []any{id, string(b)})
		return err
	}, `SELECT id, spec FROM campaigns WHERE kind <> 'campaign' AND id IN (SELECT campaign_id FROM messages WHERE id `+s.d.in(1)+`)`, s.d.list(messages))
	if err != nil {
		return err
	}
	_, err = s.update(ctx, "campaigns", 1, []column{{"id", "bigint"}, {"spec", "text"}}, rows)
	return err
}

// entries deletes what the customer attached before it blanks the entries: an erasure that breaks off
// between the two would not find the files again. Our own attachments may have gone to others too.
func (e *erasure) entries(ctx context.Context) error {
	var files []rapport.ID
	err := e.pages(ctx, "entries", func(s *Store, ids []rapport.ID) error {
		more, err := s.filesOf(ctx, `id `+s.d.in(1), s.d.list(ids))
		files = append(files, more...)
		return err
	})
	if err == nil {
		err = e.s.deleteFiles(ctx, files)
	}
	if err != nil {
		return err
	}
	return e.pages(ctx, "entries", func(s *Store, ids []rapport.ID) error { return s.blank(ctx, ids) })
}

// blank takes the words out of entries, out of the search, and calls nobody any more.
func (s *Store) blank(ctx context.Context, ids []rapport.ID) error {
	if err := s.unindex(ctx, ids); err != nil {
		return err
	}
	// The words of guests stand under their own names in what was told.
	for _, id := range ids {
		for _, table := range []string{"outbox", "stream"} {
			if _, err := s.exec(ctx, `UPDATE `+table+` SET data = '{}' WHERE customer_id = (SELECT customer_id FROM entries WHERE id = $1) AND customer_id <> 0 AND data LIKE $2`, id, `%"`+rapport.KindEntry.Format(id)+`"%`); err != nil {
				return err
			}
		}
	}
	return s.run(ctx, ids, `UPDATE entries SET text = '', html = '', meta = '{}', provider_id = '', author = CASE kind WHEN 'inbound' THEN '' ELSE author END WHERE id`, `DELETE FROM mentions WHERE entry_id`, `DELETE FROM readings WHERE entry_id`)
}

// filesOf names what customers attached to entries, and the mails that those were.
func (s *Store) filesOf(ctx context.Context, where string, args ...any) (files []rapport.ID, err error) {
	err = s.each(ctx, func(scan func(...any) error) error {
		entry, err := scanEntry(scan)
		files = append(files, entry.Files...)
		if entry.Original != 0 {
			files = append(files, entry.Original)
		}
		return err
	}, `SELECT `+entryColumns+` FROM entries WHERE kind = 'inbound' AND `+where, args...)
	return files, err
}

func (s *Store) deleteFiles(ctx context.Context, ids []rapport.ID) error {
	for _, id := range ids {
		if err := s.DeleteFile(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// guests blanks what others wrote in the customer's threads, because it quotes the customer.
func (e *erasure) guests(ctx context.Context) error {
	for after := rapport.ID(0); ; {
		ids, err := collect(ctx, e.s, scanID, `SELECT g.id FROM threads t JOIN entries g ON g.thread_id = t.id WHERE t.customer_id `+e.s.d.in(1)+`
			AND g.customer_id <> t.customer_id AND g.kind = 'inbound' AND g.id > $2 ORDER BY g.id LIMIT $3`, e.who, after, MaxRows)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		files, err := e.s.filesOf(ctx, `id `+e.s.d.in(1), e.s.d.list(ids))
		if err == nil {
			err = e.s.deleteFiles(ctx, files)
		}
		if err == nil {
			err = e.s.Tx(ctx, func(s *Store) error { return s.blank(ctx, ids) })
		}
		if err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
	return nil
}

func (e *erasure) threads(ctx context.Context) error {
	return e.pages(ctx, "threads", func(s *Store, ids []rapport.ID) error {
		return s.run(ctx, ids, `DELETE FROM thread_participants WHERE thread_id`, `DELETE FROM drafts WHERE thread_id`, `UPDATE threads SET subject = '', preview = '' WHERE id`)
	})
}

// reports deletes the mails that receipts came as, those that nothing ties to a message, and the note of when a machine
// answered.
func (e *erasure) reports(ctx context.Context) error {
	var files []rapport.ID
	err := e.pages(ctx, "messages", func(s *Store, ids []rapport.ID) error {
		more, err := collect(ctx, s, scanID, `SELECT file_id FROM receipts WHERE file_id <> 0 AND message_id `+s.d.in(1), s.d.list(ids))
		files = append(files, more...)
		return err
	})
	if err == nil {
		err = e.s.deleteFiles(ctx, files)
	}
	if err == nil {
		err = e.pages(ctx, "messages", func(s *Store, ids []rapport.ID) error {
			return s.run(ctx, ids, `UPDATE receipts SET file_id = 0 WHERE file_id <> 0 AND message_id`)
		})
	}
	if err != nil {
		return err
	}
	return e.eachAddress(ctx, func(a rapport.Address) error {
		if _, err := e.s.exec(ctx, `DELETE FROM auto_answers WHERE address_id = $1`, a.ID); err != nil {
			return err
		}
		return e.s.dropStrays(ctx, `akey = $1`, rapport.AddressKey(a.Channel, a.Value))
	})
}

func (e *erasure) eachAddress(ctx context.Context, fn func(rapport.Address) error) error {
	addresses, err := e.addresses(ctx, e.s)
	for _, a := range addresses {
		if err == nil {
			err = fn(a)
		}
	}
	return err
}

func (e *erasure) events(ctx context.Context) error {
	return e.pages(ctx, "events", func(s *Store, ids []rapport.ID) error { return s.run(ctx, ids, `DELETE FROM events WHERE id`) })
}

func (e *erasure) consents(ctx context.Context) error {
	return e.pages(ctx, "consents", func(s *Store, ids []rapport.ID) error {
		return s.run(ctx, ids, `UPDATE consents SET proof = '', ip = '' WHERE (proof <> '' OR ip <> '') AND id`)
	})
}

func (e *erasure) links(ctx context.Context) error {
	for {
		n, err := e.s.exec(ctx, `DELETE FROM links WHERE token IN (SELECT token FROM links WHERE customer_id `+e.s.d.in(1)+` LIMIT $2)`, e.who, MaxRows)
		if err != nil || n < MaxRows {
			return err
		}
	}
}

func (e *erasure) sandbox(ctx context.Context) error {
	addresses, err := e.addresses(ctx, e.s)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		key := rapport.AddressKey(a.Channel, a.Value)
		for {
			n, err := e.s.exec(ctx, `DELETE FROM sandbox_outbox WHERE id IN (SELECT id FROM sandbox_outbox WHERE channel = $1 AND akey = $2 LIMIT $3)`, string(a.Channel), key, MaxRows)
			if err != nil {
				return err
			}
			if n < MaxRows {
				break
			}
		}
		if _, err := e.s.exec(ctx, `DELETE FROM sandbox_behaviour WHERE channel = $1 AND akey = $2`, string(a.Channel), key); err != nil {
			return err
		}
	}
	return nil
}

func (e *erasure) addresses(ctx context.Context, s *Store) ([]rapport.Address, error) {
	return collect(ctx, s, scanAddress, `SELECT `+addressColumns+` FROM addresses a WHERE customer_id `+s.d.in(1), e.who)
}

func (e *erasure) customer(ctx context.Context) error {
	return e.s.Tx(ctx, func(s *Store) error {
		addresses, err := e.addresses(ctx, s)
		if err != nil {
			return err
		}
		for _, a := range addresses {
			if _, err := s.exec(ctx, `UPDATE suppressions SET address = '' WHERE channel = $1 AND hash = $2`, string(a.Channel), s.addressHash(a.Channel, a.Value)); err != nil {
				return err
			}
		}
		if err := s.run(ctx, e.ids, `DELETE FROM preferences WHERE customer_id`, `UPDATE merges SET detail = '{}' WHERE customer_id`, `UPDATE merges SET detail = '{}' WHERE into_id`, `DELETE FROM addresses WHERE customer_id`, `DELETE FROM customers WHERE id`); err != nil {
			return err
		}
		// About nobody by then: an id is all that is left.
		return s.Tell(ctx, rapport.Fact{Customer: rapport.KindCustomer.Format(e.ids[0])}.Notice(rapport.CustomerErased, 0))
	})
}
