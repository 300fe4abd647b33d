package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rapport"
)

// session is the connection of one transaction, spoken to without database/sql in between: its statements
// are prepared once and kept, and a row costs no conversion through reflection (measured on SQLite: claiming
// and recording a row 28 µs instead of 42).
type session interface {
	exec(ctx context.Context, q string, args []any) (int64, error)
	// each calls fn for every row. fn must not use the session.
	each(ctx context.Context, fn func(scan func(...any) error) error, q string, args []any) error
	// later runs a statement no later than the next one that answers, or the commit: on PostgreSQL they travel
	// together. fn, when not nil, is then called for every row. Its error is that of the statement it went with.
	later(ctx context.Context, fn func(scan func(...any) error) error, q string, args []any) error
	// flush runs what later has put off.
	flush(ctx context.Context) error
	// execEach runs one statement for each row of arguments and adds up what they changed.
	execEach(ctx context.Context, q string, rows [][]any) (int64, error)
	begin(ctx context.Context) error
	commit(ctx context.Context) error
	rollback()
}

// pgSession speaks pgx's own interface, which keeps prepared statements by itself. A round trip costs client
// and server some 30 µs, so what needs no answer yet waits for the next that does, BEGIN first of all.
type pgSession struct {
	conn  *pgx.Conn
	queue []queued
	begun bool
}

type queued struct {
	fn   func(scan func(...any) error) error
	q    string
	args []any
}

func (s *pgSession) begin(context.Context) error {
	s.queue = append(s.queue, queued{q: "BEGIN"})
	return nil
}

func (s *pgSession) later(_ context.Context, fn func(scan func(...any) error) error, q string, args []any) error {
	s.queue = append(s.queue, queued{fn, q, args})
	return nil
}

func (s *pgSession) flush(ctx context.Context) error {
	if len(s.queue) == 0 {
		return nil
	}
	return s.send(ctx, nil, nil)
}

func (s *pgSession) commit(ctx context.Context) error {
	if !s.begun && len(s.queue) == 1 {
		s.queue = nil
		return nil // nothing was done
	}
	var answer string
	err := s.send(ctx, []queued{{q: "COMMIT"}}, func(tag pgconn.CommandTag) { answer = tag.String() })
	if err == nil && answer == "ROLLBACK" { // what PostgreSQL says when a statement had failed
		err = pgx.ErrTxCommitRollback
	}
	return err
}

// rollback leaves a connection that cannot be told so to the pool, which throws it away.
func (s *pgSession) rollback() {
	s.queue = nil
	if !s.begun {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = s.conn.Exec(ctx, "ROLLBACK")
}

func (s *pgSession) exec(ctx context.Context, q string, args []any) (n int64, err error) {
	err = s.send(ctx, []queued{{nil, q, args}}, func(tag pgconn.CommandTag) { n = tag.RowsAffected() })
	return n, err
}

func (s *pgSession) each(ctx context.Context, fn func(scan func(...any) error) error, q string, args []any) error {
	return s.send(ctx, []queued{{fn, q, args}}, func(pgconn.CommandTag) {})
}

func (s *pgSession) execEach(ctx context.Context, q string, rows [][]any) (n int64, err error) {
	all := make([]queued, len(rows))
	for i, args := range rows {
		all[i] = queued{nil, q, args}
	}
	err = s.send(ctx, all, func(tag pgconn.CommandTag) { n += tag.RowsAffected() })
	return n, err
}

// send runs what waits, and then last, in one round trip. done hears what each of last did.
func (s *pgSession) send(ctx context.Context, last []queued, done func(pgconn.CommandTag)) error {
	waited := len(s.queue)
	all := append(s.queue, last...)
	s.queue, s.begun = nil, true
	if len(all) == 1 {
		rows, err := s.conn.Query(ctx, all[0].q, all[0].args...)
		if err != nil {
			return err
		}
		if err := all[0].read(rows); err != nil {
			return err
		}
		if waited == 0 {
			done(rows.CommandTag())
		}
		return nil
	}
	b := &pgx.Batch{}
	for _, x := range all {
		b.Queue(x.q, x.args...)
	}
	r := s.conn.SendBatch(ctx, b)
	for i, x := range all {
		rows, err := r.Query()
		if err == nil {
			err = x.read(rows)
		}
		if err != nil {
			_ = r.Close() // says the same again
			return err
		}
		if i >= waited {
			done(rows.CommandTag())
		}
	}
	return r.Close()
}

func (x queued) read(rows pgx.Rows) error {
	defer rows.Close()
	for rows.Next() {
		if x.fn == nil {
			continue
		}
		if err := x.fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// sqliteSession is the one writer connection of SQLite. Its statements do not listen to the context while
// they run: each takes microseconds, and listening costs a goroutine.
type sqliteSession struct {
	conn  driver.Conn
	kept  map[string]driver.Stmt
	named []driver.NamedValue
}

// keptMost bounds the statements that a connection keeps: there are about as many texts in this package.
const keptMost = 400

func (s *sqliteSession) begin(ctx context.Context) error {
	_, err := s.exec(ctx, "BEGIN IMMEDIATE", nil)
	return err
}

func (s *sqliteSession) commit(ctx context.Context) error {
	_, err := s.exec(ctx, "COMMIT", nil)
	return err
}

// rollback fails when SQLite has rolled back by itself, as it does when the disk is full.
func (s *sqliteSession) rollback() { _, _ = s.exec(context.Background(), "ROLLBACK", nil) }

// prepare hands out a kept statement, or makes one; done is called after its use.
func (s *sqliteSession) prepare(ctx context.Context, q string) (st driver.Stmt, done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if st := s.kept[q]; st != nil {
		return st, func() {}, nil
	}
	// SQLite looks at the value of a bare parameter after LIMIT, and makes its plan anew each time that one is bound:
	// 90 µs for a claim. It does not look into a sum.
	if st, err = s.conn.Prepare(strings.ReplaceAll(q, "LIMIT $", "LIMIT 0+$")); err != nil {
		return nil, nil, err
	}
	if len(s.kept) >= keptMost {
		return st, func() { _ = st.Close() }, nil
	}
	s.kept[q] = st
	return st, func() {}, nil
}

// values puts args into the driver's form, in a slice that the next call uses again.
func (s *sqliteSession) values(args []any) ([]driver.NamedValue, error) {
	s.named = s.named[:0]
	for i, a := range args {
		v, err := valueOf(a)
		if err != nil {
			return nil, err
		}
		s.named = append(s.named, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return s.named, nil
}

func (s *sqliteSession) run(ctx context.Context, st driver.Stmt, args []any) (int64, error) {
	values, err := s.values(args)
	if err != nil {
		return 0, err
	}
	r, err := st.(driver.StmtExecContext).ExecContext(ctx, values)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (s *sqliteSession) exec(ctx context.Context, q string, args []any) (int64, error) {
	st, done, err := s.prepare(ctx, q)
	if err != nil {
		return 0, err
	}
	defer done()
	return s.run(context.WithoutCancel(ctx), st, args)
}

func (s *sqliteSession) later(ctx context.Context, fn func(scan func(...any) error) error, q string, args []any) error {
	if fn != nil {
		return s.each(ctx, fn, q, args)
	}
	_, err := s.exec(ctx, q, args)
	return err
}

func (s *sqliteSession) flush(context.Context) error { return nil }

func (s *sqliteSession) execEach(ctx context.Context, q string, rows [][]any) (total int64, err error) {
	st, done, err := s.prepare(ctx, q)
	if err != nil {
		return 0, err
	}
	defer done()
	ctx = context.WithoutCancel(ctx)
	for _, args := range rows {
		n, err := s.run(ctx, st, args)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

func (s *sqliteSession) each(ctx context.Context, fn func(scan func(...any) error) error, q string, args []any) error {
	st, done, err := s.prepare(ctx, q)
	if err != nil {
		return err
	}
	defer done()
	values, err := s.values(args)
	if err != nil {
		return err
	}
	rows, err := st.(driver.StmtQueryContext).QueryContext(context.WithoutCancel(ctx), values)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // only resets the statement
	row := make([]driver.Value, len(rows.Columns()))
	scan := func(dest ...any) error {
		if len(dest) != len(row) {
			return fmt.Errorf("a row of %d columns is read into %d places", len(row), len(dest))
		}
		for i, d := range dest {
			if err := assign(d, row[i]); err != nil {
				return fmt.Errorf("column %s: %w", rows.Columns()[i], err)
			}
		}
		return nil
	}
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := fn(scan); err != nil {
			return err
		}
	}
}

// valueOf is v as SQLite's driver takes it.
func valueOf(v any) (driver.Value, error) {
	switch v := v.(type) {
	case nil, int64, string, []byte, float64:
		return v, nil
	case rapport.ID:
		return int64(v), nil
	case int:
		return int64(v), nil
	case bool:
		return int64(bit(v)), nil
	case driver.Valuer:
		return v.Value()
	}
	return driver.DefaultParameterConverter.ConvertValue(v)
}

// assign stores a value of SQLite's driver where dest points.
func assign(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case *int64:
		if n, ok := v.(int64); ok {
			*d = n
			return nil
		}
	case *rapport.ID:
		if n, ok := v.(int64); ok {
			*d = rapport.ID(n)
			return nil
		}
	case *int:
		if n, ok := v.(int64); ok {
			*d = int(n)
			return nil
		}
	case *string:
		if t, ok := v.(string); ok {
			*d = t
			return nil
		}
	case *sql.NullInt64:
		if n, ok := v.(int64); ok {
			*d = sql.NullInt64{Int64: n, Valid: true}
			return nil
		}
		return d.Scan(v)
	case *sql.NullString:
		if t, ok := v.(string); ok {
			*d = sql.NullString{String: t, Valid: true}
			return nil
		}
		return d.Scan(v)
	case sql.Scanner:
		return d.Scan(v)
	}
	to := reflect.ValueOf(dest)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("a %T is no place for a value", dest)
	}
	to = to.Elem()
	switch v := v.(type) {
	case int64:
		switch {
		case to.CanInt() && !to.OverflowInt(v):
			to.SetInt(v)
			return nil
		case to.CanUint() && v >= 0 && !to.OverflowUint(uint64(v)):
			to.SetUint(uint64(v))
			return nil
		case to.CanFloat():
			to.SetFloat(float64(v))
			return nil
		case to.Kind() == reflect.Bool && v>>1 == 0:
			to.SetBool(v == 1)
			return nil
		}
	case float64:
		if to.CanFloat() {
			to.SetFloat(v)
			return nil
		}
	case string:
		if to.Kind() == reflect.String {
			to.SetString(v)
			return nil
		}
		if to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8 {
			to.SetBytes([]byte(v))
			return nil
		}
	case []byte:
		if to.Kind() == reflect.String {
			to.SetString(string(v))
			return nil
		}
		if to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8 {
			to.SetBytes(v)
			return nil
		}
	case nil:
		if to.Kind() == reflect.Slice || to.Kind() == reflect.Pointer {
			to.SetZero()
			return nil
		}
	}
	return fmt.Errorf("a %T cannot be read into a %s", v, to.Type())
}
