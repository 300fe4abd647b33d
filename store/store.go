// Package store holds all SQL. A Store is the record of Rapport: losing everything else loses nothing.
//
// One file a noun; the SQL stands inside the method that runs it, in one text for both engines ($1
// placeholders, which SQLite and PostgreSQL share). What must differ stands in dialect.go. Times are
// milliseconds since 1970 UTC, written from Go, never by the database.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"rapport"
)

// MaxRows is the largest number of rows that one write transaction may touch: SQLite has one writer,
// and the fast lane waits behind it.
const MaxRows = 500

// Store is a handle on one database. It is safe for concurrent use; one bound to a transaction is not.
type Store struct {
	db   *sql.DB // SQLite: the one writer connection
	read *sql.DB // SQLite: readers beside the writer; PostgreSQL: the same as db
	// pulse is one connection of its own, for signs of life alone: they wait for no free connection, and the
	// server knows by it when this process has died. nil on SQLite, where the file's lock says so.
	pulse *sql.DB
	tx    session // of the transaction that this handle is bound to; nil: none
	d     dialect
	lock  *os.File
	path  string // the SQLite file; PostgreSQL: ""
	ids   *rapport.Minter
	now   func() time.Time

	turns  *turn // of SQLite's writer; nil on PostgreSQL
	urgent bool
	after  *[]func()               // of the transaction: see Committed
	told   *atomic.Pointer[func()] // see SetTold

	hashKey []byte // see SetHashKey
}

// Options for Open.
type Options struct {
	URL     string           // "" or "sqlite:<path>": SQLite; "postgres://...": PostgreSQL
	DataDir string           // where rapport.db stands when URL is empty
	Now     func() time.Time // nil: time.Now
	Shared  bool             // do not take the SQLite file's lock (commands that run beside a server)
	Conns   int              // PostgreSQL: at most so many connections; 0: 16
}

// ErrLocked means that another process holds the SQLite file.
var ErrLocked = errors.New("another rapport process is using this data directory")

// Open opens the database without changing it; see Migrate. The ids it mints carry node 0 until
// Register gives the process a node of its own.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{now: o.Now, ids: rapport.NewMinter(0, o.Now), told: &atomic.Pointer[func()]{}}
	if strings.HasPrefix(o.URL, "postgres://") || strings.HasPrefix(o.URL, "postgresql://") {
		cfg, err := pgx.ParseConfig(o.URL)
		if err != nil {
			return nil, fmt.Errorf("database_url: %w", redactURL(err))
		}
		s.d = postgres{}
		s.db = stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(prepare))
		if o.Conns == 0 {
			o.Conns = 16
		}
		s.db.SetMaxOpenConns(o.Conns)
		s.db.SetMaxIdleConns(o.Conns)
		s.db.SetConnMaxIdleTime(5 * time.Minute)
		s.read = s.db
		s.pulse = stdlib.OpenDB(*cfg) // connects at the first use
		s.pulse.SetMaxOpenConns(1)
	} else {
		if err := s.openSQLite(o.path(), o.Shared); err != nil {
			return nil, err
		}
	}
	if err := s.db.PingContext(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("opening the database: %w", redactURL(err))
	}
	return s, nil
}

// prepare sets up a session.
//
// enable_seqscan keeps PostgreSQL from reading whole tables where an index would serve. It plans a statement,
// and the check of a foreign key, when the tables are still empty, and keeps that plan until somebody
// analyzes them. Measured in the first 20,000 customers of a new installation, with the lookups of
// dialect.among: 20 µs of the server's time each, 66 without this line, 150 to 360 without both.
//
// enable_bitmapscan would read and sort what is left of a batch to give out its first rows. jit compiles, for 50 ms,
// a statement that reads a whole table all the same, because the line above makes it look dear. Our texts name
// the predicates of partial indexes, so no plan gains by knowing the values: force_generic_plan saves planning
// them again. default_statistics_target is the sample of our own ANALYZE (see Analyze): with 100 it costs 0.5 s of
// the server's time, ten times as much.
//
// The time-out makes the server end a session that leaves a transaction open for five seconds; ours take
// milliseconds. A process that is stopped, or whose machine has lost its power, in the middle of one would keep its
// locks otherwise until the server notices, which may take hours: and the row of a provider's rate is everybody's.
func prepare(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SELECT set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false), set_config('jit', 'off', false),
		set_config('plan_cache_mode', 'force_generic_plan', false), set_config('default_statistics_target', '10', false), set_config('idle_in_transaction_session_timeout', '5s', false)`)
	return err
}

// path is where the SQLite file stands.
func (o Options) path() string {
	if path := strings.TrimPrefix(o.URL, "sqlite:"); path != "" {
		return path
	}
	return filepath.Join(o.DataDir, "rapport.db")
}

func (s *Store) openSQLite(path string, shared bool) error {
	s.path, s.turns = path, &turn{}
	if err := unlockConnections(); err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	if !shared {
		lock, err := lockFile(path + ".lock")
		if err != nil {
			return err
		}
		s.lock = lock
	}
	// SQLite would make it readable for everybody. Its -wal and -shm files take over the permissions.
	switch f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); {
	case err == nil:
		f.Close()
	case !errors.Is(err, os.ErrExist):
		return fmt.Errorf("opening the database: %w", err)
	}
	s.d = sqlite{writer: new(*sqliteSession)}
	// synchronous=FULL: WAL with NORMAL may drop a committed transaction at power loss, and a 202 is a promise.
	pragmas := "&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)"
	// A page cache a connection, in KiB: the writer's holds the pages that a campaign under way changes, a
	// reader's the way down to what it asks for; the rest is in the system's cache anyway.
	const writerCache, readerCache = "&_pragma=cache_size(-4096)", "&_pragma=cache_size(-1024)"
	var err error
	if s.db, err = sql.Open("sqlite", "file:"+url.PathEscape(path)+"?_txlock=immediate"+pragmas+writerCache); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1)
	s.db.SetMaxIdleConns(1)
	if s.read, err = sql.Open("sqlite", "file:"+url.PathEscape(path)+"?_txlock=deferred&_pragma=query_only(1)"+pragmas+readerCache); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(8)
	s.read.SetMaxIdleConns(8)
	return nil
}

// redactURL keeps a connection string's password out of an error.
func redactURL(err error) error {
	if i := strings.Index(err.Error(), "postgres"); i >= 0 && strings.Contains(err.Error()[i:], "@") {
		return errors.New("the connection string is not valid")
	}
	return err
}

// Close ends all connections and gives the SQLite file free.
func (s *Store) Close() error {
	err := s.db.Close()
	if s.read != s.db && s.read != nil {
		err = errors.Join(err, s.read.Close())
	}
	if s.pulse != nil {
		err = errors.Join(err, s.pulse.Close())
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// Engine is "sqlite" or "postgres".
func (s *Store) Engine() string { return s.d.name() }

// Ping asks the database whether it can write. The value is always a new one: SQLite writes nothing when the
// old one stays, and would not notice a full disk.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.exec(ctx, `UPDATE meta SET value = $1 WHERE key = 'ping'`, strconv.FormatInt(time.Now().UnixNano(), 10))
	return err
}

// NewID mints an id.
func (s *Store) NewID() rapport.ID { return s.ids.Next() }

// Now is the program's clock, in UTC.
func (s *Store) Now() time.Time { return s.now().UTC() }

// Tx runs fn in one transaction and hands it a Store bound to that transaction. It commits when fn
// returns nil. A Tx inside a Tx joins it. On PostgreSQL a deadlock or a serialization failure runs fn
// again, a few times and a moment later, so fn must not have effects outside the database.
func (s *Store) Tx(ctx context.Context, fn func(*Store) error) error {
	if s.tx != nil {
		return fn(s)
	}
	for try := 0; ; try++ {
		err := s.once(ctx, fn)
		if err == nil || try == 7 || !s.d.isConflict(err) {
			return err
		}
		time.Sleep(rand.N(time.Duration(try+1) * 10 * time.Millisecond)) // apart, or they meet again
	}
}

// Urgent is the same store, whose transactions pass those of others where there is one writer: for what a person
// waits for.
func (s *Store) Urgent() *Store {
	u := *s
	u.urgent = true
	return &u
}

func (s *Store) once(ctx context.Context, fn func(*Store) error) error {
	if s.turns != nil {
		if err := s.turns.take(ctx, s.urgent); err != nil {
			return fmt.Errorf("beginning: %w", err)
		}
		defer s.turns.leave()
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("beginning: %w", err)
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	return conn.Raw(func(raw any) error {
		bound := *s
		var after []func()
		bound.after = &after
		bound.tx = s.d.session(raw)
		if err := bound.tx.begin(ctx); err != nil {
			return fmt.Errorf("beginning: %w", err)
		}
		open := true
		defer func() {
			if open {
				bound.tx.rollback()
			}
		}()
		if err := fn(&bound); err != nil {
			return err
		}
		if err := bound.tx.commit(ctx); err != nil {
			return fmt.Errorf("committing: %w", err)
		}
		open = false
		for _, fn := range after {
			fn()
		}
		return nil
	})
}

// Committed has fn called once what this store is bound to is committed; at once, if it is bound to no transaction.
// fn must return quickly: the connection waits for it.
func (s *Store) Committed(fn func()) {
	if s.tx == nil {
		fn()
		return
	}
	*s.after = append(*s.after, fn)
}

func (s *Store) exec(ctx context.Context, q string, args ...any) (int64, error) {
	if s.tx != nil {
		return s.tx.exec(ctx, q, args)
	}
	r, err := s.db.ExecContext(ctx, q, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// each calls fn for every row; outside a transaction it reads from the readers.
func (s *Store) each(ctx context.Context, fn func(scan func(...any) error) error, q string, args ...any) error {
	if s.tx != nil {
		return s.tx.each(ctx, fn, q, args)
	}
	rows, err := s.read.QueryContext(ctx, q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// row reads one row; its Scan fails with sql.ErrNoRows when there is none.
func (s *Store) row(ctx context.Context, q string, args ...any) oneRow {
	return oneRow{s, ctx, q, args}
}

type oneRow struct {
	s    *Store
	ctx  context.Context
	q    string
	args []any
}

var errEnough = errors.New("one row was asked for")

func (r oneRow) Scan(dest ...any) error {
	err := r.s.each(r.ctx, func(scan func(...any) error) error {
		if err := scan(dest...); err != nil {
			return err
		}
		return errEnough
	}, r.q, r.args...)
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err == nil:
		return sql.ErrNoRows
	}
	return err
}

// collect gathers the rows that scan reads.
func collect[T any](ctx context.Context, s *Store, scan func(func(...any) error) (T, error), q string, args ...any) ([]T, error) {
	out := []T{}
	err := s.each(ctx, func(f func(...any) error) error {
		v, err := scan(f)
		out = append(out, v)
		return err
	}, q, args...)
	return out, err
}

// Unavailable tells whether err says that the database could not serve now (busy, full, gone), so that
// nothing was kept and trying later is right.
func (s *Store) Unavailable(err error) bool {
	return err != nil && (s.d.isUnavailable(err) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, context.DeadlineExceeded))
}

// Duplicate tells whether err is a broken unique constraint.
func (s *Store) Duplicate(err error) bool { return err != nil && s.d.isDuplicate(err) }

// ms and back: the database's form of a time. The zero time is 0.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
