package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"rapport"
)

// Bounds of what is read to find out whom a customer names.
const (
	latestEntries = 20 // of each customer: whoever has a signature has it under most mails
	mostNamed     = 50 // addresses of one text
	mostNaming    = 2  // of a page: whom more name is a salesperson or a secretary, and not all of them
	mostVisits    = 50 // threads of a guest: with more they are a colleague, and counting them takes long
)

// named collects the addresses that customers name as if they were their own, and who names them why.
type named map[rapport.Channel]map[string]map[rapport.ID][]string

func (n named) add(ch rapport.Channel, address string, by rapport.ID, reason string) {
	value, wrong := rapport.NormalizeAddress(ch, address)
	if wrong != nil {
		return
	}
	key := rapport.AddressKey(ch, value)
	if n[ch] == nil {
		n[ch] = map[string]map[rapport.ID][]string{}
	}
	if n[ch][key] == nil {
		n[ch][key] = map[rapport.ID][]string{}
	}
	if had := n[ch][key][by]; !slices.Contains(had, reason) {
		n[ch][key][by] = append(had, reason)
	}
}

// An address within a text. A number has its country: else it is anybody's.
var (
	mailWithin  = regexp.MustCompile(`[\pL\pN._%+-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)+`)
	phoneWithin = regexp.MustCompile(`\+?[0-9][0-9 \x{a0}().-]{6,24}[0-9]`)
)

// read takes the mail addresses of a text, and the phone numbers: after + or 00, or of ten digits at least, as Telegram and
// many a table write them. What is no number after all ("order 4711000815") is nobody's.
func (n named) read(text string, by rapport.ID, reason string) {
	for _, m := range mailWithin.FindAllString(text, mostNamed) {
		n.add(rapport.Email, m, by, reason)
	}
	for _, m := range phoneWithin.FindAllString(text, mostNamed) {
		digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, strings.Replace(m, "(0)", "", 1)) // +44 (0)20 ...
		if m[0] != '+' {
			if d, ok := strings.CutPrefix(digits, "00"); ok {
				digits = d
			} else if len(digits) < 10 {
				continue
			}
		}
		n.add(rapport.SMS, "+"+digits, by, reason)
	}
}

// sayNamed notes the pairs of which one names the other's address: in an attribute, in the signature of a mail, or by sharing
// that number as their own in a chat that is linked to somebody else.
func (s *Store) sayNamed(ctx context.Context, ids []rapport.ID, note func(string, rapport.ID, rapport.ID)) error {
	n := named{}
	if err := s.readAttributes(ctx, ids, n); err != nil {
		return err
	}
	if err := s.readEntries(ctx, ids, n); err != nil {
		return err
	}
	for ch, where := range map[rapport.Channel]string{rapport.Email: `channel = 'email'`, rapport.SMS: `channel IN ('sms', 'whatsapp')`} {
		for part := range slices.Chunk(slices.Sorted(maps.Keys(n[ch])), MaxRows) {
			err := s.each(ctx, func(scan func(...any) error) error {
				var owner rapport.ID
				var key string
				if err := scan(&owner, &key); err != nil {
					return err
				}
				by := maps.Clone(n[ch][key])
				delete(by, owner)
				for id, reasons := range by {
					for _, r := range reasons {
						if len(by) <= mostNaming || r == sharedContact {
							note(r, id, owner)
						}
					}
				}
				return nil
			}, `SELECT customer_id, akey FROM addresses WHERE `+where+` AND akey `+s.d.in(1), s.d.list(part))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// readAttributes reads every text and number in the attributes.
func (s *Store) readAttributes(ctx context.Context, ids []rapport.ID, n named) error {
	return s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var attributes string
		if err := scan(&id, &attributes); err != nil {
			return err
		}
		d := json.NewDecoder(strings.NewReader(attributes))
		d.UseNumber()
		for {
			t, err := d.Token()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("reading the attributes of customer %s: %w", rapport.KindCustomer.Format(id), err)
			}
			switch v := t.(type) {
			case string:
				n.read(v, id, "address_in_attributes")
			case json.Number:
				n.read(v.String(), id, "address_in_attributes")
			}
		}
	}, `SELECT id, attributes FROM customers WHERE attributes <> '{}' AND id `+s.d.in(1), s.d.list(ids))
}

const sharedContact = "shared_contact"

// readEntries reads the signatures of what a customer wrote lately, and the number they shared. Of a stranger in the same
// thread there is no address, and their signature is not the customer's.
func (s *Store) readEntries(ctx context.Context, ids []rapport.ID, n named) error {
	return s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var text string
		if err := scan(&id, &text); err != nil {
			return err
		}
		var m entryMeta
		var shared struct{ Phone string }
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return fmt.Errorf("reading an entry of customer %s: %w", rapport.KindCustomer.Format(id), err)
		}
		if len(m.Meta) > 0 {
			if err := json.Unmarshal(m.Meta, &shared); err != nil {
				return fmt.Errorf("reading an entry of customer %s: %w", rapport.KindCustomer.Format(id), err)
			}
		}
		n.read(m.Signature, id, "address_in_signature")
		if shared.Phone != "" {
			n.add(rapport.SMS, "+"+strings.TrimPrefix(shared.Phone, "+"), id, sharedContact)
		}
		return nil
	}, fmt.Sprintf(`SELECT c.id, e.meta FROM customers c JOIN entries e ON e.customer_id = c.id
		AND e.id >= coalesce((SELECT n.id FROM entries n WHERE n.customer_id = c.id ORDER BY n.id DESC LIMIT 1 OFFSET %d), 0)
		WHERE e.kind = 'inbound' AND e.address_id <> 0 AND (e.meta LIKE '%%"signature":%%' OR e.meta LIKE '%%"phone":%%') AND c.id `, latestEntries-1)+s.d.in(1), s.d.list(ids))
}

// sameGuests notes the pairs whose threads have a guest in common whom nobody else's have.
func (s *Store) sameGuests(ctx context.Context, ids []rapport.ID, note func(string, rapport.ID, rapport.ID)) error {
	return s.each(ctx, func(scan func(...any) error) error {
		var a, b rapport.ID
		err := scan(&a, &b)
		note("same_guest", a, b)
		return err
	}, fmt.Sprintf(`SELECT min(t.customer_id), max(t.customer_id) FROM thread_participants p JOIN threads t ON t.id = p.thread_id
		WHERE p.akey IN (SELECT g.akey FROM threads h JOIN thread_participants g ON g.thread_id = h.id WHERE g.known = 1 AND h.customer_id `+s.d.in(1)+`
			AND (SELECT count(*) FROM (SELECT 1 FROM thread_participants m WHERE m.akey = g.akey LIMIT %[1]d) AS visits) < %[1]d)
		GROUP BY p.akey HAVING count(DISTINCT t.customer_id) = 2 AND min(p.known) = 1 LIMIT 1000`, mostVisits), s.d.list(ids))
}
