package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"rapport/store"
	"rapport/store/storetest"
)

func TestMigrate_TwiceChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if err := s.Migrate(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := s.Current(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOpen_SecondProcessOnOneSQLiteFileIsRefused(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	storetest.Open(t, url, nil)
	if s, err := store.Open(context.Background(), store.Options{URL: url}); err == nil {
		s.Close()
		t.Fatal("two holders of one file")
	}
}

func TestOpen_MakesSQLiteFilesForItsUserOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := store.Open(t.Context(), store.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "rapport.db*"))
	if err != nil || len(files) != 4 { // the database, -wal, -shm and .lock
		t.Fatalf("%v, %v", files, err)
	}
	for _, path := range append(files, dir) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %o", path, mode)
		}
	}
}

// SQLite writes no page for a value that stays the same, and a full disk would go unnoticed.
func TestPing_WritesANewValue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "rapport.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	seen := map[string]bool{}
	for range 3 {
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		var value string
		if err := db.QueryRow(`SELECT value FROM meta WHERE key = 'ping'`).Scan(&value); err != nil {
			t.Fatal(err)
		}
		seen[value] = true
	}
	if len(seen) != 3 {
		t.Errorf("three pings wrote %d values: %v", len(seen), seen)
	}
}
