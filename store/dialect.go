package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	moderncsqlite "modernc.org/sqlite"

	"rapport"
)

// dialect is everything in which the two engines differ. No other file of this package knows which one
// it talks to.
type dialect interface {
	name() string
	// in is the right side of "x IN ..." for parameter n, whose argument is list(values).
	in(n int) string
	list(values any) any
	// skipLocked ends a SELECT that claims rows: other claimers pass over them.
	skipLocked() string
	// forUpdate ends a SELECT whose rows the transaction is going to write: others wait until it ends.
	forUpdate() string
	// text searches without regard to case: "column <like> $n", with the argument wrapped in %.
	like() string
	types() map[string]string
	// grown lists the tables whose planner statistics are out of date; "": the engine keeps none.
	grown() string
	// about asks for the version and for the server's clock in milliseconds (0: it has none of its own);
	// safety lists the settings that must not be "off" for a commit to be durable.
	about() (query string, safety []string)
	isDuplicate(error) bool
	isConflict(error) bool
	isUnavailable(error) bool
}

type sqlite struct{}

func (sqlite) name() string { return "sqlite" }
func (sqlite) in(n int) string {
	return fmt.Sprintf("IN (SELECT value FROM json_each($%d))", n)
}
func (sqlite) list(values any) any {
	b, _ := json.Marshal(values) // of ints and strings: cannot fail
	return string(b)
}
func (sqlite) skipLocked() string { return "" } // one writer: nobody else can be claiming
func (sqlite) forUpdate() string  { return "" }
func (sqlite) like() string       { return "LIKE" }
func (sqlite) types() map[string]string {
	return map[string]string{"{{json}}": "TEXT", "{{blob}}": "BLOB", "{{hot}}": ""}
}

func (sqlite) grown() string { return "" }
func (sqlite) about() (string, []string) {
	return `SELECT 'SQLite ' || sqlite_version(), 0`, nil // opened with synchronous=FULL
}

// Result codes: https://www.sqlite.org/rescode.html
func sqliteCode(err error) int {
	if e, ok := errors.AsType[*moderncsqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}
func (sqlite) isDuplicate(err error) bool { c := sqliteCode(err); return c == 2067 || c == 1555 }
func (sqlite) isConflict(error) bool      { return false }
func (sqlite) isUnavailable(err error) bool {
	switch sqliteCode(err) & 0xff {
	case 5, 6, 8, 10, 13, 14: // busy, locked, read-only, I/O error, full, cannot open
		return true
	}
	return false
}

type postgres struct{}

func (postgres) name() string    { return "postgres" }
func (postgres) in(n int) string { return fmt.Sprintf("= ANY($%d)", n) }
func (postgres) list(values any) any {
	if ids, ok := values.([]rapport.ID); ok {
		out := make([]int64, len(ids))
		for i, id := range ids {
			out[i] = int64(id)
		}
		return out
	}
	return values
}
func (postgres) skipLocked() string { return "FOR UPDATE SKIP LOCKED" }
func (postgres) forUpdate() string  { return "FOR UPDATE" }
func (postgres) like() string       { return "ILIKE" }
func (postgres) types() map[string]string {
	// fillfactor leaves room on each page, so that the updates of claim and record stay on it (HOT).
	return map[string]string{"{{json}}": "JSONB", "{{blob}}": "BYTEA", "{{hot}}": "WITH (fillfactor = 60)"}
}

func (postgres) grown() string {
	return `SELECT quote_ident(relname) FROM pg_stat_user_tables WHERE schemaname = current_schema() AND n_mod_since_analyze > 500 + n_live_tup / 2`
}

func (postgres) about() (string, []string) {
	return `SELECT 'PostgreSQL ' || current_setting('server_version'), (extract(epoch FROM clock_timestamp()) * 1000)::bigint`, []string{"fsync", "synchronous_commit", "full_page_writes"}
}

// SQLSTATEs: https://www.postgresql.org/docs/15/errcodes-appendix.html
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}
func (postgres) isDuplicate(err error) bool { return sqlState(err) == "23505" }
func (postgres) isConflict(err error) bool {
	c := sqlState(err)
	return c == "40001" || c == "40P01"
}
func (postgres) isUnavailable(err error) bool {
	c := sqlState(err)
	if strings.HasPrefix(c, "08") || strings.HasPrefix(c, "53") || strings.HasPrefix(c, "57P") || c == "25006" || c == "55P03" {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "unexpected EOF") || strings.Contains(err.Error(), "conn closed")
}

// column of a bulk statement: its name and its PostgreSQL type (bigint, integer, smallint, text).
type column struct{ name, pg string }

// bulk inserts rows with one statement shape for any number of them: on PostgreSQL the columns travel
// as arrays, on SQLite one prepared statement runs a row (a VALUES list is no faster there). suffix is
// an ON CONFLICT clause or empty. It returns how many rows were written. Call it inside a transaction.
func (s *Store) bulk(ctx context.Context, table string, cols []column, rows [][]any, suffix string) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.name
	}
	head := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") "
	if s.d.name() == "postgres" {
		from := make([]string, len(cols))
		args := make([]any, len(cols))
		for i, c := range cols {
			from[i] = fmt.Sprintf("$%d::%s[]", i+1, c.pg)
			args[i] = arrayOf(c.pg, rows, i)
		}
		return s.exec(ctx, head+"SELECT * FROM unnest("+strings.Join(from, ", ")+") "+suffix, args...)
	}
	marks := make([]string, len(cols))
	for i := range cols {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	return s.execEach(ctx, head+"VALUES ("+strings.Join(marks, ", ")+") "+suffix, rows)
}

// update changes rows by key: the first keys columns find a row, the others are what it gets. On
// PostgreSQL the columns travel as arrays, on SQLite one prepared statement runs a row. It returns how
// many rows were found. Call it inside a transaction.
func (s *Store) update(ctx context.Context, table string, keys int, cols []column, rows [][]any) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	pg := s.d.name() == "postgres"
	var find, set, from, names []string
	args := make([]any, len(cols))
	for i, c := range cols {
		value := fmt.Sprintf("$%d", i+1)
		if pg {
			from = append(from, fmt.Sprintf("%s::%s[]", value, c.pg))
			args[i] = arrayOf(c.pg, rows, i)
			value = fmt.Sprintf("v.c%d", i+1)
			names = append(names, value[2:])
		}
		if i < keys {
			find = append(find, table+"."+c.name+" = "+value)
		} else {
			set = append(set, c.name+" = "+value)
		}
	}
	q := "UPDATE " + table + " SET " + strings.Join(set, ", ")
	where := " WHERE " + strings.Join(find, " AND ")
	if pg {
		return s.exec(ctx, q+" FROM unnest("+strings.Join(from, ", ")+") AS v("+strings.Join(names, ", ")+")"+where, args...)
	}
	return s.execEach(ctx, q+where, rows)
}

// execEach runs one prepared statement for each row of arguments.
func (s *Store) execEach(ctx context.Context, q string, rows [][]any) (int64, error) {
	prepare := s.db.PrepareContext
	if s.tx != nil {
		prepare = s.tx.PrepareContext
	}
	st, err := prepare(ctx, q)
	if err != nil {
		return 0, err
	}
	defer st.Close()
	var total int64
	for _, args := range rows {
		r, err := st.ExecContext(ctx, args...)
		if err != nil {
			return total, err
		}
		n, _ := r.RowsAffected()
		total += n
	}
	return total, nil
}

// arrayOf turns column i of rows into the Go slice that pgx sends as a PostgreSQL array.
func arrayOf(pg string, rows [][]any, i int) any {
	if pg == "text" {
		out := make([]*string, len(rows))
		for r := range rows {
			switch v := rows[r][i].(type) {
			case nil:
			case string:
				out[r] = &v
			default:
				t := fmt.Sprint(v)
				out[r] = &t
			}
		}
		return out
	}
	out := make([]*int64, len(rows))
	for r := range rows {
		var n int64
		switch v := rows[r][i].(type) {
		case nil:
			continue
		case int64:
			n = v
		case int:
			n = int64(v)
		case rapport.ID:
			n = int64(v)
		case rapport.State:
			n = int64(v)
		case rapport.Lane:
			n = int64(v)
		case bool:
			n = int64(bit(v))
		case sql.NullInt64:
			if !v.Valid {
				continue
			}
			n = v.Int64
		default:
			panic(fmt.Sprintf("store: a %T cannot stand in a %s column", v, pg))
		}
		out[r] = &n
	}
	return out
}
