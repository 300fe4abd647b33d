// Package storetest gives a test one fresh store on each engine.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
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

// Open opens and migrates the database at url and closes it with the test. A SQLite file that is not there yet begins as
// a copy of a migrated one.
func Open(t testing.TB, url string, now func() time.Time) *store.Store {
	t.Helper()
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if err := place(path); err != nil {
			t.Fatal(err)
		}
	}
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

// SQLite names a database file that goes away with the test. Open makes it; who opens it otherwise finds none.
func SQLite(t testing.TB) string { return "sqlite:" + t.TempDir() + "/rapport.db" }

// Postgres makes a migrated database that goes away with the test, and names it.
func Postgres(t testing.TB) (string, bool) {
	t.Helper()
	base, ok := server(t)
	if !ok {
		return "", false
	}
	name, err := postgresTemplate()
	if err != nil {
		t.Fatal(err)
	}
	// A deadlock is looked for when somebody has waited for so long: a second would only make the tests wait that provoke
	// them (receipts in any order from several callers). Who loses is the same.
	return create(t, base, "CREATE DATABASE %s TEMPLATE "+name, "ALTER DATABASE %s SET deadlock_timeout = '50ms'"), true
}

// EmptyPostgres is Postgres for those who migrate themselves: servers that are started, and what is restored.
func EmptyPostgres(t testing.TB) (string, bool) {
	t.Helper()
	base, ok := server(t)
	if !ok {
		return "", false
	}
	return create(t, base, "CREATE DATABASE %s"), true
}

const databaseURL = "RAPPORT_TEST_DATABASE_URL"

func server(t testing.TB) (url string, ok bool) {
	t.Helper()
	if url = os.Getenv(databaseURL); url != "" {
		return url, true
	}
	if os.Getenv("RAPPORT_TEST_REQUIRED") != "" {
		t.Fatal("RAPPORT_TEST_DATABASE_URL is not set: run the tests with make test")
	}
	t.Log("PostgreSQL is left out: RAPPORT_TEST_DATABASE_URL is not set (make test sets it)")
	return "", false
}

// create runs statements that name the new database, and drops it with the test.
func create(t testing.TB, base string, statements ...string) string {
	t.Helper()
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	name := "t_" + strings.ToLower(rand.Text())
	for _, q := range statements {
		if _, err := admin.Exec(fmt.Sprintf(q, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		defer admin.Close()
		if _, err := admin.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return on(base, name)
}

// on is the URL of another database of the same server.
func on(base, name string) string {
	u, err := url.Parse(base)
	if err != nil {
		panic(err) // the server's own URL, which has just been connected to
	}
	u.Path = "/" + name
	return u.String()
}
