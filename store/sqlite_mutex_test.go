package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

func TestSQLite_ConnectionsHaveNoLock(t *testing.T) {
	t.Parallel()
	s := openEmpty(t)
	tls := libc.NewTLS()
	defer tls.Close()
	for name, db := range map[string]*sql.DB{"writer": s.db, "reader": s.read} {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = conn.Raw(func(c any) error {
			handle := uintptr(reflect.ValueOf(c).Elem().FieldByName("db").Uint())
			if p := sqlite3.Xsqlite3_db_mutex(tls, handle); p != noLock {
				return fmt.Errorf("the mutex of the %s is %#x", name, p)
			}
			return nil
		})
		if err = errors.Join(err, conn.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestSQLite_OwnStateIsLocked(t *testing.T) {
	t.Parallel()
	if err := unlockConnections(); err != nil {
		t.Fatal(err)
	}
	tls := libc.NewTLS()
	defer tls.Close()
	seen := map[uintptr]int32{}
	for kind := int32(sqlite3.SQLITE_MUTEX_STATIC_MAIN); kind <= sqlite3.SQLITE_MUTEX_STATIC_VFS3; kind++ {
		p := allocMutex(tls, kind)
		if other, taken := seen[p]; taken || p != allocMutex(tls, kind) {
			t.Errorf("kinds %d and %d have the mutex %#x", kind, other, p)
		}
		seen[p] = kind
	}
	p := sqlite3.Xsqlite3_mutex_alloc(tls, sqlite3.SQLITE_MUTEX_FAST)
	sqlite3.Xsqlite3_mutex_enter(tls, p)
	if rc := sqlite3.Xsqlite3_mutex_try(tls, p); rc != sqlite3.SQLITE_BUSY {
		t.Errorf("a locked mutex was taken: %d", rc)
	}
	sqlite3.Xsqlite3_mutex_leave(tls, p)
	if rc := sqlite3.Xsqlite3_mutex_try(tls, p); rc != sqlite3.SQLITE_OK {
		t.Errorf("a free mutex was not taken: %d", rc)
	}
	sqlite3.Xsqlite3_mutex_leave(tls, p)
	sqlite3.Xsqlite3_mutex_free(tls, p)
}

// One writer and readers on connections of their own, as many as there are, in two files of one process; and
// statements that are broken off by sqlite3_interrupt from another goroutine. go test -race sees more of it.
func TestSQLite_ConnectionsBesideOneAnother(t *testing.T) {
	t.Parallel()
	const writes = 200
	long := `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT count(*) FROM n`
	var running sync.WaitGroup
	for range 2 {
		s := openEmpty(t)
		if _, err := s.exec(t.Context(), `CREATE TABLE pairs (a INTEGER, b TEXT)`); err != nil {
			t.Fatal(err)
		}
		written := make(chan struct{})
		running.Go(func() {
			defer close(written)
			for i := range writes {
				err := s.Tx(t.Context(), func(tx *Store) error {
					for range 2 {
						if _, err := tx.exec(t.Context(), `INSERT INTO pairs (a, b) VALUES ($1, $2)`, i, fmt.Sprint(i)); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		for range 4 {
			running.Go(func() {
				for last := 0; ; {
					n, sum, texts := 0, 0, 0
					if err := s.row(t.Context(), `SELECT count(*), coalesce(sum(a), 0), coalesce(sum(b), 0) FROM pairs`).Scan(&n, &sum, &texts); err != nil {
						t.Error(err)
						return
					}
					if n%2 != 0 || n < last || sum != texts || sum != n/2*(n/2-1) {
						t.Errorf("%d rows after %d, sums %d and %d", n, last, sum, texts)
					}
					last = n
					select {
					case <-written:
						return
					default:
					}
				}
			})
		}
		for range 2 {
			running.Go(func() {
				for i := range 10 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i)*time.Millisecond)
					var n int
					if err := s.row(ctx, long).Scan(&n); !s.Unavailable(err) {
						t.Errorf("broken off: %d, %v", n, err)
					}
					cancel()
				}
			})
		}
	}
	running.Wait()
}

func openEmpty(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
