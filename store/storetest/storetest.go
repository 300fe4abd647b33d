// Package storetest gives a test one fresh store on each engine.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx"

	"rapport/store"
)

// Each runs fn on an empty, migrated store of each engine, in parallel. PostgreSQL is the server named
// by RAPPORT_TEST_DATABASE_URL (make test starts one); without it only SQLite runs, unless
// RAPPORT_TEST_REQUIRED is set, as make test does, in which case its absence fails.
func Each(t *testing.T, fn func(*testing.T, *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); fn(t, Open(t, SQLite(t), nil)) })
	if url, ok := Postgres(t); ok {
		t.Run("postgres", func(t *testing.T) { t.Parallel(); fn(t, Open(t, url, nil)) })
	}
}

// Open opens and migrates the database at url and closes it with the test.
func Open(t testing.TB, url string, now func() time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{URL: url, Now: now, Conns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.SetHashKey([]byte("a key for tests"))
	if err := s.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

// SQLite names a database file that goes away with the test.
func SQLite(t testing.TB) string { return "sqlite:" + t.TempDir() + "/rapport.db" }

// Postgres makes an empty database that goes away with the test, and names it.
func Postgres(t testing.TB) (string, bool) {
	t.Helper()
	base := os.Getenv("RAPPORT_TEST_DATABASE_URL")
	if base == "" {
		if os.Getenv("RAPPORT_TEST_REQUIRED") != "" {
			t.Fatal("RAPPORT_TEST_DATABASE_URL is not set: run the tests with make test")
		}
		t.Log("PostgreSQL is left out: RAPPORT_TEST_DATABASE_URL is not set (make test sets it)")
		return "", false
	}
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	name := "t_" + strings.ToLower(rand.Text())
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer admin.Close()
		if _, err := admin.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String(), true
}
