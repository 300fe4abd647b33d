package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"rapport"
)

// forwards stops and blanks what of the customer's threads went to others, because it passes on the customer's words: those
// messages are the others'.
func (e *erasure) forwards(ctx context.Context) error {
	for after := rapport.ID(0); ; {
		ids, err := collect(ctx, e.s, scanID, `SELECT m.id FROM threads t JOIN entries n ON n.thread_id = t.id JOIN messages m ON m.id = n.message_id WHERE t.customer_id `+e.s.d.in(1)+`
			AND n.kind = 'outbound' AND m.customer_id <> t.customer_id AND m.id > $2 ORDER BY m.id LIMIT $3`, e.who, after, MaxRows)
		if err != nil || len(ids) == 0 {
			return err
		}
		err = e.s.Tx(ctx, func(s *Store) error {
			for _, id := range ids {
				if _, err := s.CancelReply(ctx, id); err != nil {
					return err
				}
			}
			return s.blankMessages(ctx, ids)
		})
		if err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// copies strikes the customer from the participants of other people's threads, and from what says who else got a mail.
func (e *erasure) copies(ctx context.Context) error {
	return e.eachAddress(ctx, func(a rapport.Address) error {
		key := rapport.AddressKey(a.Channel, a.Value)
		for after := rapport.ID(0); a.Channel == rapport.Email; {
			sent, err := collect(ctx, e.s, scanEntry, `SELECT `+qualified("n", entryColumns)+` FROM thread_participants p JOIN entries n ON n.id = p.entry_id
				WHERE p.akey = $1 AND n.kind IN ('outbound', 'event') AND n.id > $2 ORDER BY n.id LIMIT $3`, key, after, MaxRows)
			if err != nil {
				return err
			}
			if len(sent) == 0 {
				break
			}
			if err := e.s.Tx(ctx, func(s *Store) error { return s.strike(ctx, sent, key) }); err != nil {
				return err
			}
			after = sent[len(sent)-1].ID
		}
		_, err := e.s.exec(ctx, `DELETE FROM thread_participants WHERE akey = $1`, key)
		return err
	})
}

// strike takes an address out of the recipients of mails of ours.
func (s *Store) strike(ctx context.Context, sent []rapport.Entry, key string) error {
	is := func(address string) bool { return rapport.AddressKey(rapport.Email, address) == key }
	var metas, specs [][]any
	var events []rapport.ID // that name them
	messages := make([]rapport.ID, 0, len(sent))
	for i := range sent {
		e := &sent[i]
		if e.Kind == rapport.Happened {
			events = append(events, e.ID)
			continue
		}
		for _, list := range []*[]string{&e.Copies.To, &e.Copies.Cc, &e.Copies.Bcc} {
			*list = slices.DeleteFunc(*list, is)
		}
		meta, err := metaOf(e)
		if err != nil {
			return err
		}
		metas, messages = append(metas, []any{e.ID, meta}), append(messages, e.Message)
	}
	if err := s.blank(ctx, events); err != nil {
		return err
	}
	if _, err := s.update(ctx, "entries", 1, []column{{"id", "bigint"}, {"meta", "text"}}, metas); err != nil {
		return err
	}
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
		said := map[string]any{}
		if len(sp.Inline) == 0 {
			return nil
		}
		if err := json.Unmarshal(sp.Inline, &said); err != nil {
			return err
		}
		for _, field := range []string{"to", "cc", "bcc"} {
			if list, ok := said[field].([]any); ok {
				said[field] = slices.DeleteFunc(list, func(a any) bool { address, _ := a.(string); return is(address) })
			}
		}
		var err error
		if sp.Inline, err = json.Marshal(said); err != nil {
			return err
		}
		b, err := json.Marshal(sp)
		specs = append(specs, []any{id, string(b)})
		return err
	}, `SELECT id, spec FROM campaigns WHERE kind = 'reply' AND id IN (SELECT campaign_id FROM messages WHERE id `+s.d.in(1)+`)`, s.d.list(messages))
	if err != nil {
		return fmt.Errorf("striking an address: %w", err)
	}
	_, err = s.update(ctx, "campaigns", 1, []column{{"id", "bigint"}, {"spec", "text"}}, specs)
	return err
}
