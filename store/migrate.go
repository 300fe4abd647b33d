package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema to this binary's version. On PostgreSQL a session lock lets many processes
// start at once. A database that is newer than the binary is refused: an old binary against a new
// schema would write what the new one does not expect.
func (s *Store) Migrate(ctx context.Context) error {
	p, err := s.provider(true)
	if err != nil {
		return err
	}
	if err := s.refuseNewer(ctx, p); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	return s.indexOld(ctx)
}

// Current tells whether the schema is this binary's; the error says which way it is off.
func (s *Store) Current(ctx context.Context) error {
	p, err := s.provider(false)
	if err != nil {
		return err
	}
	if err := s.refuseNewer(ctx, p); err != nil {
		return err
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema version: %w", err)
	}
	if pending {
		return fmt.Errorf("the database schema is older than this binary: run \"rapport migrate\"")
	}
	return nil
}

func (s *Store) refuseNewer(ctx context.Context, p *goose.Provider) error {
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema version: %w", err)
	}
	sources := p.ListSources()
	if want := sources[len(sources)-1].Version; have > want {
		return fmt.Errorf("the database has schema version %d and this binary knows only %d: use the newer binary", have, want)
	}
	return nil
}

// provider reads the migrations; locked: others that start at the same moment wait (they look again each
// second, so only Migrate takes the lock).
func (s *Store) provider(locked bool) (*goose.Provider, error) {
	files, err := s.schema()
	if err != nil {
		return nil, err
	}
	if s.d.name() == "postgres" {
		if !locked {
			return goose.NewProvider(goose.DialectPostgres, s.db, files, goose.WithDisableGlobalRegistry(true))
		}
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, err
		}
		return goose.NewProvider(goose.DialectPostgres, s.db, files, goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	}
	return goose.NewProvider(goose.DialectSQLite3, s.db, files, goose.WithDisableGlobalRegistry(true))
}

// schema is the migrations in the words of this engine.
func (s *Store) schema() (fstest.MapFS, error) {
	files := fstest.MapFS{}
	err := fs.WalkDir(migrations, "migrations", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := migrations.ReadFile(path)
		if err != nil {
			return err
		}
		text := string(b)
		for from, to := range s.d.types() {
			text = strings.ReplaceAll(text, from, to)
		}
		files[strings.TrimPrefix(path, "migrations/")] = &fstest.MapFile{Data: []byte(text)}
		return nil
	})
	return files, err
}

// SchemaSum names the schema that Migrate makes on this engine: another text of a migration, another sum.
func (s *Store) SchemaSum() (string, error) {
	files, err := s.schema()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s %d\n%s", name, len(files[name].Data), files[name].Data)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}
