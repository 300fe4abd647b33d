package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// backupMark is the key of meta under which a copy says what it is. Only copies hold it: a database that
// begins with it is a restored one, however it came to its place.
const backupMark = "backup"

type backedUp struct {
	At time.Time `json:"at"`
}

// ErrNoFile means that a database is not a file: it is a PostgreSQL server's.
var ErrNoFile = errors.New("PostgreSQL is not backed up as a file")

// Copy is a backup that was written.
type Copy struct {
	At   time.Time // what was committed before is in it
	Size int64     // bytes
}

// Backup writes a consistent copy of the SQLite database to a new file (mode 0600) while servers go on. The
// copy is compact, so that it holds nothing of what was deleted; it has been read back and checked; it
// is on disk when Backup returns, and stands under its name only then. A file that is there already is left
// alone: os.ErrExist.
func (s *Store) Backup(ctx context.Context, file string) (c Copy, err error) {
	if s.path == "" {
		return c, ErrNoFile
	}
	if _, err := os.Lstat(file); err == nil {
		return c, fmt.Errorf("%s: %w", file, fs.ErrExist)
	}
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".part-*") // 0600
	if err != nil {
		return c, err
	}
	part.Close()
	defer func() { _ = os.Remove(part.Name()) }() // in place it has another name by then
	c.At = s.Now().Truncate(time.Millisecond)     // before the copy's snapshot: what may be missing is counted as missing
	// VACUUM INTO reads one snapshot and blocks no writer; unlike a copy of pages it is not begun again by each write.
	if _, err := s.db.ExecContext(ctx, `VACUUM INTO $1`, part.Name()); err != nil {
		return c, fmt.Errorf("copying the database: %w", err)
	}
	if err := finishCopy(ctx, part.Name(), c.At); err != nil {
		return c, err
	}
	info, err := os.Stat(part.Name())
	if err != nil {
		return c, err
	}
	c.Size = info.Size()
	return c, PutInPlace(part.Name(), file)
}

// finishCopy writes the mark into a copy and reads all of it back.
func finishCopy(ctx context.Context, path string, at time.Time) error {
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(path)+"?_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // for the ways out that have an error already
	db.SetMaxOpenConns(1)
	mark, err := json.Marshal(backedUp{at})
	if err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, backupMark, string(mark)); err != nil {
		return fmt.Errorf("marking the copy: %w", err)
	}
	if err := sound(ctx, db); err != nil {
		return err
	}
	return db.Close()
}

// sound is nil when every page, row and index of the database can be read and agrees.
func sound(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil {
		return fmt.Errorf("checking the copy: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("the copy is damaged: %s", verdict)
	}
	return nil
}

// PutInPlace gives a finished file its name, durably, and never takes the name from another file.
func PutInPlace(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	err = errors.Join(f.Sync(), f.Close())
	if err != nil {
		return err
	}
	// A link fails where a file stands; a rename would replace it. Some network file systems have no links.
	if err = os.Link(from, to); err != nil {
		if _, there := os.Lstat(to); there == nil || errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", to, fs.ErrExist)
		}
		if err = os.Rename(from, to); err != nil {
			return err
		}
	}
	return syncDir(filepath.Dir(to))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Restore says what to restore, and where.
type Restore struct {
	To      Options
	File    string
	Since   time.Time // when the copy was taken, where it does not say so itself
	Replace bool      // move a database that is there aside
}

// ErrThere means that the place of a restore is taken and Replace was not said.
var ErrThere = errors.New("there is a database already")

// Run puts the copy into the place of the SQLite database, and returns where a database that stood there is
// kept now ("": there was none). The copy is checked first, after it was brought over: integrity, a schema
// that this binary knows, and that it says, or the caller, when it was taken. Whoever opens the database next
// must call BeginQuarantine, since CopyOf says that it is one. ErrLocked: a server is running on it.
func (r Restore) Run(ctx context.Context) (kept string, err error) {
	path := r.To.path()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return "", err
	}
	defer lock.Close()
	_, missing := os.Lstat(path)
	if missing == nil && !r.Replace {
		return "", fmt.Errorf("%w: %s", ErrThere, path)
	}
	part := path + ".restoring"
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			_ = os.Remove(part + suffix) // most are not there
		}
	}()
	if err := copyFile(part, r.File); err != nil {
		return "", err
	}
	if err := r.check(ctx, part); err != nil {
		return "", fmt.Errorf("%s: %w", r.File, err)
	}
	aside := path + ".replaced-" + time.Now().UTC().Format("20060102T150405.000Z")
	// Also where only a journal is left, by a restore that broke off: SQLite would play it into the copy.
	for _, suffix := range []string{"", "-wal", "-shm"} {
		switch err := os.Rename(path+suffix, aside+suffix); {
		case err == nil:
			kept = aside
		case !errors.Is(err, fs.ErrNotExist):
			return kept, err
		}
	}
	return kept, PutInPlace(part, path)
}

// check looks at the copy that is going to be used, and marks one that has no mark.
func (r Restore) check(ctx context.Context, path string) error {
	head := make([]byte, 16)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.ReadFull(f, head)
	f.Close()
	if err != nil || string(head) != "SQLite format 3\x00" { // https://www.sqlite.org/fileformat.html
		return errors.New("this is no SQLite database")
	}
	s, err := Open(ctx, Options{URL: "sqlite:" + path, Shared: true})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := sound(ctx, s.db); err != nil {
		return err
	}
	p, err := s.provider(false)
	if err != nil {
		return err
	}
	if err := s.refuseNewer(ctx, p); err != nil {
		return err
	}
	at, is, err := s.CopyOf(ctx)
	if err != nil {
		return fmt.Errorf("this is no database of Rapport: %w", err)
	}
	if !r.Since.IsZero() && (!is || r.Since.Before(at)) {
		at, is = r.Since, true
	}
	if !is {
		return errors.New("it does not say when it was taken, so rapport backup did not make it: say so with --since, rather too early than too late")
	}
	if at.After(s.Now().Add(time.Minute)) {
		return fmt.Errorf("it was taken at %s, which lies in the future: one of the clocks is wrong", at.Format(time.RFC3339))
	}
	if err := s.putMeta(ctx, backupMark, backedUp{at}); err != nil {
		return err
	}
	return s.Close()
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// CopyOf tells whether this database is a copy that nobody has begun to use, and of when.
func (s *Store) CopyOf(ctx context.Context) (at time.Time, is bool, err error) {
	var b backedUp
	is, err = s.meta(ctx, backupMark, &b)
	return b.At, is, err
}

// Empty tells whether the database holds no table at all, as one that a dump can be restored into.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	n := 0
	err := s.row(ctx, s.d.countTables()).Scan(&n)
	return n == 0, err
}

// meta reads a value of the table meta as JSON; false: it is not there.
func (s *Store) meta(ctx context.Context, key string, to any) (bool, error) {
	var text string
	err := s.row(ctx, `SELECT value FROM meta WHERE key = $1`, key).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal([]byte(text), to)
}

func (s *Store) putMeta(ctx context.Context, key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, string(text))
	return err
}
