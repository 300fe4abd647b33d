package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"rapport/store"
)

// Every test has a database of its own. All migrations for each took a quarter of the tests' CPU time under the race
// detector; so they run once for an engine, by the same Migrate, and the tests begin with copies. What migrates from
// nothing by itself, as the servers of cmd/rapport, internal/e2e and internal/crash, gets an empty one.

// sqliteTemplate is a migrated file without rows.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "rapport-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "rapport.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	// The last connection to be closed is one that may only read: it leaves the journal beside the file.
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	var busy, pages, moved int
	if err := errors.Join(db.QueryRow(`PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved), db.Close()); err != nil {
		return nil, fmt.Errorf("taking the journal into the template: %w", err)
	}
	return os.ReadFile(path)
})

func place(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	b, err := sqliteTemplate()
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

// postgresTemplate names a migrated database without rows, made by whoever needs it first. Its name tells the schema,
// so that a server that runs for long (scripts/services.sh start) never gives out an old one.
var postgresTemplate = sync.OnceValues(func() (string, error) {
	ctx, base := context.Background(), os.Getenv(databaseURL)
	s, err := store.Open(ctx, store.Options{URL: base})
	if err != nil {
		return "", err
	}
	defer s.Close()
	sum, err := s.SchemaSum()
	if err != nil {
		return "", err
	}
	name := "template_" + sum
	admin, err := sql.Open("pgx", base)
	if err != nil {
		return "", err
	}
	defer admin.Close()
	conn, err := admin.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	// Test binaries run beside one another. The lock ends with the connection.
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock(hashtext($1))`, name); err != nil {
		return "", err
	}
	var there bool
	if err := conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, name).Scan(&there); err != nil || there {
		return name, err
	}
	half := name + "_half" // of one who was killed in the middle
	for _, q := range []string{"DROP DATABASE IF EXISTS " + half + " WITH (FORCE)", "CREATE DATABASE " + half} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return "", err
		}
	}
	if err := migrate(on(base, half)); err != nil {
		return "", err
	}
	_, err = conn.ExecContext(ctx, "ALTER DATABASE "+half+" RENAME TO "+name)
	return name, err
})

func migrate(url string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{URL: url})
	if err != nil {
		return err
	}
	if err := errors.Join(s.Migrate(ctx), s.Close()); err != nil {
		return fmt.Errorf("making the template: %w", err)
	}
	return nil
}
