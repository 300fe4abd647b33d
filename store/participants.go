package store

import (
	"context"

	"rapport"
)

// MaxParticipants is how many people beside the customer a thread remembers.
const MaxParticipants = 200

// AddParticipants notes who else takes part in a thread, as of an entry. Whom it has already keeps name and entry, and
// becomes known when they are known now. Beyond MaxParticipants nobody is added.
func (s *Store) AddParticipants(ctx context.Context, thread, entry rapport.ID, people []rapport.Participant) error {
	for _, p := range people {
		_, err := s.exec(ctx, `INSERT INTO thread_participants (thread_id, akey, address, name, known, entry_id)
			SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM thread_participants WHERE thread_id = $1) < $7
			ON CONFLICT (thread_id, akey) DO UPDATE SET known = 1 WHERE thread_participants.known = 0 AND excluded.known = 1`,
			thread, rapport.AddressKey(rapport.Email, p.Address), p.Address, p.Name, bit(p.Known), entry, MaxParticipants)
		if err != nil {
			return err
		}
	}
	return nil
}

// Participants of a thread beside its customer, in the order of their addresses. after and next are such; "" begins,
// and ends.
func (s *Store) Participants(ctx context.Context, thread rapport.ID, after string, limit int) (out []rapport.Participant, next string, err error) {
	parts, err := s.parts(ctx, thread)
	if err != nil {
		return nil, "", err
	}
	var keys []string
	out, err = collect(ctx, s, func(scan func(...any) error) (p rapport.Participant, err error) {
		var key string
		var known int
		err = scan(&key, &p.Address, &p.Name, &known, &p.Entry)
		p.Known = known == 1
		keys = append(keys, key)
		return
	}, `SELECT akey, min(address), max(name), max(known), min(entry_id) FROM thread_participants WHERE thread_id `+s.d.in(1)+` AND akey > $2
		GROUP BY akey ORDER BY akey LIMIT $3`, parts, after, limit+1)
	if err != nil || len(out) <= limit {
		return out, "", err
	}
	return out[:limit], keys[limit-1], nil
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
