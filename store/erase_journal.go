package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"rapport"
)

// noteErased appends to the journal of erasures beside the SQLite file: a line a person, with the time and
// the ids, which name nobody. A backup from before an erasure brings the person back; EraseAgain takes them
// out again. It is on disk before anything is erased. On PostgreSQL there is no such place; the audit
// log of the database that was replaced says whom to erase again.
func (s *Store) noteErased(ids []rapport.ID) error {
	if s.path == "" {
		return nil
	}
	f, err := os.OpenFile(s.path+erasedSuffix, os.O_CREATE|os.O_APPEND|os.O_WRONLY|os.O_SYNC, 0o600)
	if err != nil {
		return err
	}
	line := s.Now().Format(time.RFC3339)
	for _, id := range ids {
		line += " " + rapport.KindCustomer.Format(id)
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

const erasedSuffix = ".erased"

// Erasures are the lines of the journal since a time: who must be erased again after a restore.
func (s *Store) Erasures(since time.Time) ([][]rapport.ID, error) {
	if s.path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.path + erasedSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out [][]rapport.ID
	for n, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		at, err := time.Parse(time.RFC3339, words[0])
		if err != nil {
			return nil, fmt.Errorf("%s%s, line %d: no time", s.path, erasedSuffix, n+1)
		}
		if at.Before(since.Add(-time.Minute)) {
			continue
		}
		var ids []rapport.ID
		for _, word := range words[1:] {
			id, err := rapport.KindCustomer.Parse(word)
			if err != nil {
				return nil, fmt.Errorf("%s%s, line %d: %w", s.path, erasedSuffix, n+1, err)
			}
			ids = append(ids, id)
		}
		out = append(out, ids)
	}
	return out, nil
}

// EraseAgain erases what a restore has brought back, and tells how many people that were. It needs the hash key.
func (s *Store) EraseAgain(ctx context.Context, people [][]rapport.ID) (n int, err error) {
	for _, ids := range people {
		var here []rapport.ID
		for _, id := range ids {
			now, err := s.selves(ctx, id)
			if rapport.CodeOf(err) == rapport.CodeNotFound {
				continue
			}
			if err != nil {
				return n, err
			}
			here = append(here, now...)
		}
		if len(here) == 0 {
			continue
		}
		if err := s.erase(ctx, here); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
