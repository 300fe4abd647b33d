package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

// shop is a SQLite database in a directory of its own, with n customers.
func shop(t *testing.T, n int) (s *store.Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "rapport.db")
	s = storetest.Open(t, "sqlite:"+path, nil)
	for i := range n {
		newcomer(t, s, i)
	}
	return s, path
}

func newcomer(t *testing.T, s *store.Store, n int) rapport.ID {
	t.Helper()
	c, err := s.UpsertCustomers(t.Context(), []store.CustomerPatch{{ExternalID: fmt.Sprintf("c-%d", n),
		Addresses: []store.AddressPatch{{Channel: rapport.Email, Value: fmt.Sprintf("c%d@example.com", n)}}}})
	if err != nil {
		t.Fatal(err)
	}
	return c[0].ID
}

func people(t *testing.T, s *store.Store) int64 {
	t.Helper()
	n, _, err := s.CountCustomers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestBackup_IsWholeWhileOthersWrite(t *testing.T) {
	t.Parallel()
	s, path := shop(t, 50)
	var stop atomic.Bool
	var written atomic.Int64
	done := make(chan error, 1)
	go func() {
		n := 1000
		for ; !stop.Load(); n++ {
			_, err := s.UpsertCustomers(context.Background(), []store.CustomerPatch{{ExternalID: fmt.Sprintf("c-%d", n)}})
			if err != nil {
				done <- err
				return
			}
			written.Add(1)
		}
		done <- nil
	}()
	beside, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + path, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	for i := range 3 {
		before := 50 + written.Load()
		file := filepath.Join(t.TempDir(), fmt.Sprintf("copy-%d.db", i))
		made, err := beside.Backup(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() != made.Size || made.Size == 0 {
			t.Errorf("the file is %v, said to be of %d bytes: %v", info, made.Size, err)
		}
		copied := storetest.Open(t, "sqlite:"+file, nil)
		if n := people(t, copied); n < before {
			t.Errorf("the copy has %d customers, %d were there before it was begun", n, before)
		}
		at, is, err := copied.CopyOf(t.Context())
		if err != nil || !is || !at.Equal(made.At) || time.Since(at) > time.Minute {
			t.Errorf("the copy says it is of %v, %v, %v", at, is, err)
		}
		if _, is, err := s.CopyOf(t.Context()); is || err != nil {
			t.Errorf("the original takes itself for a copy: %v", err)
		}
	}
	stop.Store(true)
	if err := <-done; err != nil {
		t.Errorf("a writer beside the backup: %v", err)
	}
	if written.Load() == 0 {
		t.Error("nobody wrote meanwhile: this proves nothing")
	}
}

func TestBackup_NeverOverwritesAndLeavesNothingHalf(t *testing.T) {
	t.Parallel()
	s, _ := shop(t, 1)
	dir := t.TempDir()
	file := filepath.Join(dir, "taken.db")
	if err := os.WriteFile(file, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(t.Context(), file); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another file: %v", err)
	}
	if b, _ := os.ReadFile(file); string(b) != "dear" {
		t.Errorf("the file says %q now", b)
	}
	if _, err := s.Backup(t.Context(), filepath.Join(dir, "nowhere", "x.db")); err == nil {
		t.Error("into a directory that is not there")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Backup(ended, filepath.Join(dir, "late.db")); err == nil {
		t.Error("after the end")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("there is %v, %v", left, err)
	}
}

func TestBackup_HoldsNothingOfWhatWasDeleted(t *testing.T) {
	t.Parallel()
	s, _ := shop(t, 1)
	id := newcomer(t, s, 777)
	if err := s.DeleteCustomer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.db")
	if _, err := s.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(b), "c777@example.com") || !strings.Contains(string(b), "c0@example.com") {
		t.Errorf("the erased address is in the backup, or nothing is: %v", err)
	}
}

func TestBackup_OfPostgresIsNoFile(t *testing.T) {
	t.Parallel()
	url, ok := storetest.Postgres(t)
	if !ok {
		return
	}
	if _, err := storetest.Open(t, url, nil).Backup(t.Context(), filepath.Join(t.TempDir(), "x.db")); !errors.Is(err, store.ErrNoFile) {
		t.Errorf("it said %v", err)
	}
}

func TestRestore_PutsTheCopyInPlaceAndKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, path := shop(t, 3)
	file := filepath.Join(t.TempDir(), "copy.db")
	if _, err := s.Backup(ctx, file); err != nil {
		t.Fatal(err)
	}
	newcomer(t, s, 3)
	r := store.Restore{To: store.Options{URL: "sqlite:" + path}, File: file}
	if _, err := r.Run(ctx); !errors.Is(err, store.ErrLocked) {
		t.Errorf("under a running server: %v", err)
	}
	s.Close()
	if _, err := r.Run(ctx); !errors.Is(err, store.ErrThere) {
		t.Errorf("over a database: %v", err)
	}
	r.Replace = true
	kept, err := r.Run(ctx)
	if err != nil || !strings.HasPrefix(kept, path+".replaced-") {
		t.Fatalf("kept at %q: %v", kept, err)
	}
	if n := people(t, storetest.Open(t, "sqlite:"+kept, nil)); n != 4 {
		t.Errorf("what was there has %d customers", n)
	}
	back := storetest.Open(t, "sqlite:"+path, nil)
	if n := people(t, back); n != 3 {
		t.Errorf("%d customers were restored", n)
	}
	if _, is, err := back.CopyOf(ctx); !is || err != nil {
		t.Errorf("it does not say that it is a copy: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
}

// A server that died has left commits in its journal (-wal). They belong to the old database, and would
// destroy the new one.
func TestRestore_TakesTheJournalOfTheOldDatabaseAway(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, path := shop(t, 3)
	file := filepath.Join(t.TempDir(), "copy.db")
	if _, err := s.Backup(ctx, file); err != nil {
		t.Fatal(err)
	}
	newcomer(t, s, 99)
	// As after kill -9: the files as they stand, without a checkpoint.
	other := filepath.Join(t.TempDir(), "rapport.db")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil || len(b) == 0 {
			t.Fatalf("%s: %d bytes, %v", suffix, len(b), err)
		}
		if err := os.WriteFile(other+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := store.Restore{To: store.Options{URL: "sqlite:" + other}, File: file, Replace: true}.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n := people(t, storetest.Open(t, "sqlite:"+other, nil)); n != 3 {
		t.Errorf("%d customers were restored", n)
	}
	if n := people(t, storetest.Open(t, "sqlite:"+kept, nil)); n != 4 {
		t.Errorf("the old database has %d customers: its journal is gone", n)
	}
}

func TestRestore_RefusesWhatIsNotABackup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, original := shop(t, 200)
	good := filepath.Join(t.TempDir(), "copy.db")
	if _, err := s.Backup(ctx, good); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	change := func(q string) func(string) error {
		return func(path string) error {
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				return err
			}
			db, err := sql.Open("sqlite", "file:"+path)
			if err != nil {
				return err
			}
			defer db.Close()
			_, err = db.Exec(q)
			return err
		}
	}
	write := func(b []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, b, 0o600) }
	}
	damaged := append([]byte{}, whole...)
	for i := len(damaged) / 2; i < len(damaged)/2+8192; i++ {
		damaged[i] ^= 0x5a
	}
	for _, c := range []struct {
		name, want string
		make       func(string) error
		since      time.Time
	}{
		{"no such file", "no such file", func(string) error { return nil }, time.Time{}},
		{"empty", "no SQLite database", write(nil), time.Time{}},
		{"something else", "no SQLite database", write([]byte("%PDF-1.7 and much more text")), time.Time{}},
		{"cut off", "", write(whole[:len(whole)/2]), time.Time{}},
		{"damaged", "", write(damaged), time.Time{}},
		{"of a newer binary", "use the newer binary", change(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`), time.Time{}},
		{"of another program", "no database of Rapport", change(`DROP TABLE meta`), time.Time{}},
		{"without its moment", "--since", change(`DELETE FROM meta WHERE key = 'backup'`), time.Time{}},
		{"of the future", "clocks", change(`UPDATE meta SET value = '{"at":"2999-01-01T00:00:00Z"}' WHERE key = 'backup'`), time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "file.db")
			if err := c.make(file); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			_, err := store.Restore{To: store.Options{DataDir: dir}, File: file, Since: c.since}.Run(ctx)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it said %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "rapport.db*")); len(left) != 1 || !strings.HasSuffix(left[0], ".lock") {
				t.Errorf("it left %v", left)
			}
		})
	}
	t.Run("a plain copy, with its moment said", func(t *testing.T) {
		t.Parallel()
		file, dir, since := filepath.Join(t.TempDir(), "file.db"), t.TempDir(), time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		if err := change(`DELETE FROM meta WHERE key = 'backup'`)(file); err != nil {
			t.Fatal(err)
		}
		if _, err := (store.Restore{To: store.Options{DataDir: dir}, File: file, Since: since}).Run(ctx); err != nil {
			t.Fatal(err)
		}
		at, is, err := storetest.Open(t, "sqlite:"+filepath.Join(dir, "rapport.db"), nil).CopyOf(ctx)
		if err != nil || !is || !at.Equal(since) {
			t.Errorf("it is of %v, %v, %v", at, is, err)
		}
	})
	if n := people(t, s); n != 200 {
		t.Errorf("%s: %d customers", original, n)
	}
}

func TestRestore_ErasesAgainWhoWasErasedSince(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, path := shop(t, 2)
	gone, before := newcomer(t, s, 7), newcomer(t, s, 8)
	if err := s.DeleteCustomer(ctx, before); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "copy.db")
	made, err := s.Backup(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	after := newcomer(t, s, 9) // the backup never knew this one
	for _, id := range []rapport.ID{gone, after} {
		if err := s.DeleteCustomer(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	journal, err := os.ReadFile(path + ".erased")
	if err != nil || strings.Count(string(journal), "\n") != 3 || strings.Contains(string(journal), "example.com") {
		t.Errorf("the journal is %q, %v", journal, err)
	}
	s.Close()
	if _, err := (store.Restore{To: store.Options{URL: "sqlite:" + path}, File: file, Replace: true}).Run(ctx); err != nil {
		t.Fatal(err)
	}
	back := storetest.Open(t, "sqlite:"+path, nil)
	if n := people(t, back); n != 3 {
		t.Fatalf("%d customers came back", n)
	}
	list, err := back.Erasures(made.At)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := back.EraseAgain(ctx, list); n != 1 || err != nil {
		t.Errorf("%d were erased again: %v", n, err)
	}
	if _, err := back.Customer(ctx, gone); rapport.CodeOf(err) != rapport.CodeNotFound || people(t, back) != 2 {
		t.Errorf("the erased customer: %v", err)
	}
	if again, err := os.ReadFile(path + ".erased"); err != nil || string(again) != string(journal) {
		t.Errorf("the journal became %q, %v", again, err)
	}
	if none, err := back.Erasures(time.Now().Add(time.Hour)); err != nil || len(none) != 0 {
		t.Errorf("of later: %v, %v", none, err)
	}
}
