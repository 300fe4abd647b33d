package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"rapport"
)

// Proposal is two customers who may be one person.
type Proposal struct {
	From    rapport.ID // the later one
	Into    rapport.ID
	Reasons []string // see Proposals
}

// Proposals looks at a page of customers, the oldest first, for others who may be the same: with the same
// number on SMS and WhatsApp (same_phone); with the same mailbox written differently (same_mailbox: a +tag, Gmail's dots; found
// where the other one is the plain form); with the same name in the same zone (same_name_and_zone). Either of two is found by
// naming the other's address (address_in_attributes, address_in_signature, shared_contact), and both by a guest (same_guest).
// Pairs whose merge was undone are not proposed again. next is where to go on, 0: nowhere.
func (s *Store) Proposals(ctx context.Context, after rapport.ID, limit int) (out []Proposal, next rapport.ID, err error) {
	ids, err := collect(ctx, s, scanID, `SELECT id FROM customers WHERE id > $1 AND merged_into IS NULL ORDER BY id LIMIT $2`, after, limit)
	if err != nil || len(ids) == 0 {
		return nil, 0, err
	}
	if len(ids) == limit {
		next = ids[limit-1]
	}
	reasons := map[[2]rapport.ID][]string{}
	note := func(reason string, a, b rapport.ID) {
		key := [2]rapport.ID{max(a, b), min(a, b)}
		if a != b && !slices.Contains(reasons[key], reason) {
			reasons[key] = append(reasons[key], reason)
		}
	}
	pairs := func(reason, q string) error {
		return s.each(ctx, func(scan func(...any) error) error {
			var a, b rapport.ID
			err := scan(&a, &b)
			note(reason, a, b)
			return err
		}, q, s.d.list(ids))
	}
	if err := pairs("same_phone", `SELECT a.customer_id, b.customer_id `+samePhones+` AND a.customer_id `+s.d.in(1)); err != nil {
		return nil, 0, err
	}
	if err := pairs("same_name_and_zone", `SELECT a.id, b.id FROM customers a JOIN customers b ON b.name = a.name AND b.timezone = a.timezone AND b.id < a.id
		WHERE a.name <> '' AND a.timezone <> '' AND b.name <> '' AND b.timezone <> '' AND b.merged_into IS NULL AND a.id `+s.d.in(1)+` ORDER BY a.id, b.id LIMIT 1000`); err != nil {
		return nil, 0, err
	}
	if err := s.sameMailbox(ctx, ids, note); err != nil {
		return nil, 0, err
	}
	if err := s.sayNamed(ctx, ids, note); err != nil {
		return nil, 0, err
	}
	if err := s.sameGuests(ctx, ids, note); err != nil {
		return nil, 0, err
	}
	for pair, why := range reasons {
		slices.Sort(why)
		undone, err := s.undone(ctx, pair)
		if err != nil {
			return nil, 0, err
		}
		if !undone {
			out = append(out, Proposal{pair[0], pair[1], why})
		}
	}
	slices.SortFunc(out, func(a, b Proposal) int {
		if a.From != b.From {
			return int(min(1, max(-1, a.From-b.From)))
		}
		return int(min(1, max(-1, a.Into-b.Into)))
	})
	return out, next, nil
}

// samePhones joins addresses a, of later customers, and b with one number.
const samePhones = `FROM addresses a JOIN addresses b ON b.channel = CASE a.channel WHEN 'sms' THEN 'whatsapp' ELSE 'sms' END AND b.akey = a.akey
	WHERE a.channel IN ('sms', 'whatsapp') AND a.customer_id > b.customer_id`

// SamePhones lists pairs of customers with one number. fresh: without those whose merge was undone.
func (s *Store) SamePhones(ctx context.Context, after rapport.ID, limit int, fresh bool) ([]Proposal, error) {
	q := `SELECT DISTINCT a.customer_id, b.customer_id ` + samePhones + ` AND a.customer_id > $1`
	if fresh {
		q += ` AND NOT EXISTS (SELECT 1 FROM merges m WHERE m.undone_at <> 0 AND (m.customer_id = a.customer_id AND m.into_id = b.customer_id OR m.customer_id = b.customer_id AND m.into_id = a.customer_id))`
	}
	return collect(ctx, s, func(scan func(...any) error) (p Proposal, err error) {
		p.Reasons = []string{"same_phone"}
		err = scan(&p.From, &p.Into)
		return
	}, q+` ORDER BY a.customer_id, b.customer_id LIMIT $2`, after, limit)
}

// sameMailbox looks for the plain form of each mailbox among the addresses of others.
func (s *Store) sameMailbox(ctx context.Context, ids []rapport.ID, note func(string, rapport.ID, rapport.ID)) error {
	owners := map[string][]rapport.ID{}
	var plain []string
	err := s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var key string
		if err := scan(&id, &key); err != nil {
			return err
		}
		for _, form := range plainMailbox(key) {
			owners[form] = append(owners[form], id)
			plain = append(plain, form)
		}
		return nil
	}, `SELECT customer_id, akey FROM addresses WHERE channel = 'email' AND customer_id `+s.d.in(1), s.d.list(ids))
	if err != nil {
		return err
	}
	for part := range slices.Chunk(plain, MaxRows) {
		err := s.each(ctx, func(scan func(...any) error) error {
			var id rapport.ID
			var key string
			err := scan(&id, &key)
			for _, owner := range owners[key] {
				note("same_mailbox", owner, id)
			}
			return err
		}, `SELECT customer_id, akey FROM addresses WHERE channel = 'email' AND akey `+s.d.in(1), s.d.list(part))
		if err != nil {
			return err
		}
	}
	return nil
}

// plainMailbox lists other forms under which the mailbox of an address is likely to be known: without a +tag (RFC 5233), and
// at Gmail without dots, in either domain (https://support.google.com/mail/answer/7436150).
func plainMailbox(key string) (forms []string) {
	local, domain, ok := strings.Cut(key, "@")
	if !ok {
		return nil
	}
	base, _, _ := strings.Cut(local, "+")
	if base == "" {
		return nil
	}
	add := func(local, domain string) {
		if form := local + "@" + domain; form != key && !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	add(base, domain)
	if domain == "gmail.com" || domain == "googlemail.com" {
		for _, d := range []string{"gmail.com", "googlemail.com"} {
			add(strings.ReplaceAll(base, ".", ""), d)
			add(base, d)
		}
	}
	return forms
}

func (s *Store) undone(ctx context.Context, pair [2]rapport.ID) (bool, error) {
	var n int
	err := s.row(ctx, `SELECT count(*) FROM merges WHERE undone_at <> 0 AND (customer_id = $1 AND into_id = $2 OR customer_id = $2 AND into_id = $1)`, pair[0], pair[1]).Scan(&n)
	return n > 0, err
}

// Meta reads a setting of the installation; empty: it was never set.
func (s *Store) Meta(ctx context.Context, key string) (value string, err error) {
	err = s.row(ctx, `SELECT value FROM meta WHERE key = $1`, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return
}

// SetMeta keeps a setting of the installation.
func (s *Store) SetMeta(ctx context.Context, key, value string) error {
	_, err := s.exec(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}
