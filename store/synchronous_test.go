package store

import (
	"testing"
)

// A 202 is a promise: WAL with synchronous=NORMAL may drop a committed transaction at power loss
// (https://www.sqlite.org/pragma.html#pragma_synchronous).
func TestOpen_SQLiteSyncsEveryCommit(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const full = 2
	var got int
	var journal string
	if err := s.db.QueryRowContext(t.Context(), `PRAGMA synchronous`).Scan(&got); err != nil {
		t.Fatal(err)
	}
	if err := s.db.QueryRowContext(t.Context(), `PRAGMA journal_mode`).Scan(&journal); err != nil {
		t.Fatal(err)
	}
	if got != full || journal != "wal" {
		t.Errorf("synchronous is %d and journal_mode %q, want %d (FULL) and wal", got, journal, full)
	}
}
