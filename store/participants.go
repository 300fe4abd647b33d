package store

import (
	"context"

	"rapport"
)

// MaxParticipants is how many people beside the customer a thread remembers.
const MaxParticipants = 200

// AddParticipants notes who else takes part in a thread, as of an entry. Beyond MaxParticipants nobody new is added.
func (s *Store) AddParticipants(ctx context.Context, thread, entry rapport.ID, people []rapport.Participant) error {
	for _, p := range people {
		_, err := s.exec(ctx, `INSERT INTO thread_participants (thread_id, akey, entry_id, address, name, known, aside)
			SELECT $1, $2, $3, $4, $5, $6, $7 WHERE EXISTS (SELECT 1 FROM thread_participants WHERE thread_id = $1 AND akey = $2)
				OR (SELECT count(DISTINCT akey) FROM thread_participants WHERE thread_id = $1) < $8
			ON CONFLICT (thread_id, akey, entry_id) DO UPDATE SET known = 1 WHERE thread_participants.known = 0 AND excluded.known = 1`,
			thread, rapport.AddressKey(rapport.Email, p.Address), entry, p.Address, p.Name, bit(p.Known), bit(p.Aside), MaxParticipants)
		if err != nil {
			return err
		}
	}
	return nil
}

// Participants of a thread beside its customer, in the order of their addresses. after and next are such; "" begins,
// and ends. Each has the name and the entry of when they came first, and is known, or no longer aside, once any entry made
// them so.
func (s *Store) Participants(ctx context.Context, thread rapport.ID, after string, limit int) (out []rapport.Participant, next string, err error) {
	parts, err := s.parts(ctx, thread)
	if err != nil {
		return nil, "", err
	}
	var keys []string
	out, err = collect(ctx, s, func(scan func(...any) error) (p rapport.Participant, err error) {
		var key, named string
		var known, aside int
		err = scan(&key, &p.Address, &p.Name, &p.Entry, &named, &known, &aside)
		if p.Name == "" {
			p.Name = named
		}
		p.Known, p.Aside = known == 1, aside == 1
		keys = append(keys, key)
		return
	}, `SELECT p.akey, p.address, p.name, p.entry_id, o.name, o.known, o.aside FROM thread_participants p
		JOIN (SELECT akey, min(entry_id) AS entry_id, max(name) AS name, max(known) AS known, min(aside) AS aside FROM thread_participants
			WHERE thread_id `+s.d.in(1)+` AND akey > $2 GROUP BY akey ORDER BY akey LIMIT $3) o ON o.akey = p.akey AND o.entry_id = p.entry_id
		WHERE p.thread_id `+s.d.in(1)+` ORDER BY p.akey`, parts, after, limit+1)
	if err != nil || len(out) <= limit {
		return out, "", err
	}
	return out[:limit], keys[limit-1], nil
}

// Known are those of them whom an answer to all goes to, at most limit: somebody who has a part named them, and the customer
// knows of it.
func (s *Store) Known(ctx context.Context, thread rapport.ID, limit int) ([]rapport.Participant, error) {
	all, _, err := s.Participants(ctx, thread, "", MaxParticipants)
	out := []rapport.Participant{}
	for _, p := range all {
		if p.Known && !p.Aside && len(out) < limit {
			out = append(out, p)
		}
	}
	return out, err
}

// HasPart tells whether somebody who has a part in a thread named this address.
func (s *Store) HasPart(ctx context.Context, thread rapport.ID, address string) (bool, error) {
	parts, err := s.parts(ctx, thread)
	if err != nil {
		return false, err
	}
	var n int
	err = s.row(ctx, `SELECT count(*) FROM thread_participants WHERE thread_id `+s.d.in(1)+` AND akey = $2 AND known = 1`, parts, rapport.AddressKey(rapport.Email, address)).Scan(&n)
	return n > 0, err
}

// parts is a thread and those that were merged into it, as a list for the engine.
func (s *Store) parts(ctx context.Context, thread rapport.ID) (any, error) {
	merged, err := s.Merged(ctx, thread)
	return s.d.list(append(merged, thread)), err
}
