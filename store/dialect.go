package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	moderncsqlite "modernc.org/sqlite"

	"rapport"
)

// dialect is everything in which the two engines differ. No other file of this package knows which one
// it talks to.
type dialect interface {
	name() string
	// session speaks to a connection of the driver, while a transaction has it for itself.
	session(conn any) session
	// in is the right side of "x IN ..." for parameter n, whose argument is list(values).
	in(n int) string
	list(values any) any
	// among is a FROM clause: the rows of table (known as alias) that meet where and whose column is in list
	// parameter n, each found by its key. "x IN ..." leaves PostgreSQL the choice to read all rows that meet
	// where, and as long as it has no figures about a table it takes it.
	among(n int, pg, table, alias, where, column string) string
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
	// size asks for the bytes of the database, from what the engine knows anyway.
	size() string
	// countTables asks how many tables there are.
	countTables() string
	// Full-text search. addWords takes an entry's id and words(...); dropWords ends before the list of ids; findWords are
	// queries for the ids of entries that hold terms(...) ($1), those below an id ($2), the newest first, at most so many ($3): each finds
	// all that the one before finds and is asked only when that found too few; before a query stands what the transaction needs, or nothing. A word is letters, digits and ~, so
	// that nothing in it is an operator.
	addWords() string
	dropWords() string
	findWords(limit int) []lookup
	words([]string) any
	terms([]string) any
	// attribute is a condition on the member key of the JSON object in a column: it exists and is not null, or op (eq, gt, lt,
	// contains) holds between it and value, which is of a kind (text, number, true, false). A text contains a part, a list a
	// text. It is never NULL, and false where the kinds differ.
	attribute(column, key, op, kind, value string) string
	// members is a FROM item that lists the members of the JSON object in a column, each with its j.key, and a condition: its value
	// is a text.
	members(column string) (from, isText string)
	isDuplicate(error) bool
	isConflict(error) bool
	isUnavailable(error) bool
}

// sqlite keeps the session of its one writer connection.
type sqlite struct{ writer **sqliteSession }

func (sqlite) name() string { return "sqlite" }
func (d sqlite) session(conn any) session {
	if c := conn.(driver.Conn); *d.writer == nil || (*d.writer).conn != c {
		*d.writer = &sqliteSession{conn: c, kept: map[string]driver.Stmt{}}
	}
	return *d.writer
}
func (sqlite) in(n int) string {
	return fmt.Sprintf("IN (SELECT value FROM json_each($%d))", n)
}
func (sqlite) list(values any) any {
	b, _ := json.Marshal(values) // of ints and strings: cannot fail
	return string(b)
}
func (sqlite) among(n int, _, table, alias, where, column string) string {
	return fmt.Sprintf(`json_each($%d) AS k CROSS JOIN %s AS %s ON %s AND %s.%s = k.value`, n, table, alias, where, alias, column)
}
func (sqlite) skipLocked() string { return "" } // one writer: nobody else can be claiming
func (sqlite) forUpdate() string  { return "" }
func (sqlite) like() string       { return "LIKE" }
func (sqlite) types() map[string]string {
	return map[string]string{"{{json}}": "TEXT", "{{blob}}": "BLOB", "{{hot}}": "", "{{id}}": "INTEGER", "{{flat}}": "WITHOUT ROWID",
		"{{words}}": `CREATE VIRTUAL TABLE entry_words USING fts5 (words, content='', contentless_delete=1, detail=none, tokenize="unicode61 remove_diacritics 0 tokenchars '~'");`}
}

func (sqlite) grown() string { return "" }
func (sqlite) about() (string, []string) {
	return `SELECT 'SQLite ' || sqlite_version(), 0`, nil // opened with synchronous=FULL
}

func (sqlite) size() string {
	return `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
}

func (postgres) size() string { return `SELECT pg_database_size(current_database())` }

func (sqlite) countTables() string {
	return `SELECT count(*) FROM sqlite_master WHERE type = 'table'`
}

func (sqlite) addWords() string { return `INSERT INTO entry_words (rowid, words) VALUES ($1, $2)` }

func (sqlite) dropWords() string { return `DELETE FROM entry_words WHERE rowid` }
func (sqlite) findWords(int) []lookup {
	return []lookup{{query: `SELECT rowid FROM entry_words WHERE entry_words MATCH $1 AND rowid < $2 ORDER BY rowid DESC LIMIT $3`}}
}
func (sqlite) words(w []string) any { return strings.Join(w, " ") }

// The query language of FTS5: https://www.sqlite.org/fts5.html#full_text_query_syntax
func (sqlite) terms(want []string) any { return `"` + strings.Join(want, `" AND "`) + `"` }

// attribute: json_each knows any key; a JSON path has signs of its own. https://www.sqlite.org/json1.html#jeach
func (sqlite) attribute(column, key, op, kind, value string) string {
	cond := `j.type = '` + kind + `'`
	switch {
	case op == "exists":
		cond = `j.type <> 'null'`
	case op == "contains":
		cond = `(j.type = 'text' AND instr(j.value, ` + value + `) > 0 OR j.type = 'array' AND EXISTS (SELECT 1 FROM json_each(CASE j.type WHEN 'array' THEN j.value ELSE '[]' END) AS x WHERE x.type = 'text' AND x.value = ` + value + `))`
	case kind == "number":
		cond = `j.type IN ('integer', 'real') AND j.value ` + compare[op] + ` ` + value
	case kind == "text":
		cond = `j.type = 'text' AND j.value ` + compare[op] + ` ` + value
	}
	return `EXISTS (SELECT 1 FROM json_each(` + column + `) AS j WHERE j.key = ` + key + ` AND ` + cond + `)`
}

func (sqlite) members(column string) (from, isText string) {
	return `json_each(` + column + `) AS j`, `j.type = 'text'`
}

// compare is how SQL writes an operator.
var compare = map[string]string{"eq": "=", "gt": ">", "lt": "<"}

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

func (postgres) name() string { return "postgres" }
func (postgres) session(conn any) session {
	return &pgSession{conn: conn.(*stdlib.Conn).Conn()}
}
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
func (postgres) among(n int, pg, table, alias, where, column string) string {
	return fmt.Sprintf(`unnest($%d::%s[]) AS k(value) CROSS JOIN LATERAL (SELECT * FROM %s WHERE %s AND %s = k.value OFFSET 0) AS %s`, n, pg, table, where, column, alias)
}
func (postgres) skipLocked() string { return "FOR UPDATE SKIP LOCKED" }
func (postgres) forUpdate() string  { return "FOR UPDATE" }
func (postgres) like() string       { return "ILIKE" }
func (postgres) types() map[string]string {
	// fillfactor leaves room on each page, so that the updates of claim and record stay on it (HOT): for every row
	// once more, because one transaction may claim all that stand there, and only the next can clear what it leaves.
	return map[string]string{"{{json}}": "JSONB", "{{blob}}": "BYTEA", "{{hot}}": "WITH (fillfactor = 45)", "{{id}}": "BIGINT", "{{flat}}": "",
		"{{words}}": `CREATE TABLE entry_words (entry_id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL);
CREATE INDEX entry_words_gin ON entry_words USING gin (words) WITH (fastupdate = off);`}
}

func (postgres) grown() string {
	return `SELECT quote_ident(relname) FROM pg_stat_user_tables WHERE schemaname = current_schema() AND n_mod_since_analyze > 500 + n_live_tup / 2`
}

func (postgres) about() (string, []string) {
	return `SELECT 'PostgreSQL ' || current_setting('server_version'), (extract(epoch FROM clock_timestamp()) * 1000)::bigint`, []string{"fsync", "synchronous_commit", "full_page_writes"}
}

func (postgres) countTables() string {
	return `SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`
}

func (postgres) addWords() string {
	return `INSERT INTO entry_words (entry_id, words) VALUES ($1, array_to_tsvector($2::text[]))`
}

func (postgres) dropWords() string { return `DELETE FROM entry_words WHERE entry_id` }

// findWords: the planner cannot tell a rare word from a common one, and takes 200 ms of a million entries for a rare one that it
// looks for among the newest, or for a common one of which it sorts all. So the newest are looked at first, which is enough for
// a common word; a word that is seldom among them is rare, and its entries are few enough to be sorted. Those are all read before
// the id is looked at: next to the word, the planner would ask the primary key for a bitmap of every entry below it (30 ms).
func (postgres) findWords(limit int) []lookup {
	return []lookup{
		{query: fmt.Sprintf(`SELECT entry_id FROM (SELECT entry_id, words FROM entry_words WHERE entry_id < $2 ORDER BY entry_id DESC LIMIT %d) AS newest
			WHERE words @@ $1::tsquery ORDER BY entry_id DESC LIMIT $3`, max(20_000, 40*limit))},
		// Bitmaps are off (see open), and a GIN index has nothing else.
		{`SET LOCAL enable_bitmapscan = on`, `SELECT entry_id FROM (SELECT entry_id FROM entry_words WHERE words @@ $1::tsquery OFFSET 0) AS rare WHERE entry_id < $2 ORDER BY entry_id DESC LIMIT $3`},
	}
}
func (postgres) attribute(column, key, op, kind, value string) string {
	of := `(CAST(` + column + ` AS JSONB) -> ` + key + `)`
	text := `(CAST(` + column + ` AS JSONB) ->> ` + key + `)`
	when := func(is, then string) string {
		return `(CASE jsonb_typeof(` + of + `) WHEN '` + is + `' THEN ` + then + ` ELSE FALSE END)`
	}
	switch {
	case op == "exists":
		return `(coalesce(jsonb_typeof(` + of + `), 'null') <> 'null')`
	case op == "contains":
		return `(CASE jsonb_typeof(` + of + `) WHEN 'string' THEN strpos(` + text + `, ` + value + `) > 0 WHEN 'array' THEN ` + of + ` @> to_jsonb(` + value + `) ELSE FALSE END)`
	case kind == "number":
		return when("number", `CAST(`+text+` AS NUMERIC) `+compare[op]+` `+value)
	case kind == "text":
		return when("string", text+` COLLATE "C" `+compare[op]+` `+value)
	}
	return when("boolean", text+` = '`+kind+`'`)
}

func (postgres) members(column string) (from, isText string) {
	return `jsonb_each(CAST(` + column + ` AS JSONB)) AS j`, `jsonb_typeof(j.value) = 'string'`
}

func (d postgres) words(w []string) any { return d.list(w) }

// The query language of tsquery: https://www.postgresql.org/docs/15/datatype-textsearch.html#DATATYPE-TSQUERY
func (postgres) terms(want []string) any { return `'` + strings.Join(want, `' & '`) + `'` }

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
	// Class 40: a transaction that got in another's way (deadlock, serialization) and was rolled back.
	if strings.HasPrefix(c, "08") || strings.HasPrefix(c, "40") || strings.HasPrefix(c, "53") || strings.HasPrefix(c, "57P") || c == "25006" || c == "25P03" || c == "55P03" {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "unexpected EOF") || strings.Contains(err.Error(), "conn closed")
}

// column of a bulk statement: its name and its PostgreSQL type (bigint, integer, smallint, text).
type column struct{ name, pg string }

// bulk inserts rows with one statement for any number of them: on PostgreSQL the columns travel as arrays, on
// SQLite one prepared statement runs a row (a VALUES list is no faster there). What all rows have in common
// travels once. suffix is an ON CONFLICT clause or empty. It returns how many rows were written. Call it inside
// a transaction; rows are used up.
func (s *Store) bulk(ctx context.Context, table string, cols []column, rows [][]any, suffix string) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	if s.d.name() == "postgres" {
		q, args := unnest(table, cols, rows, suffix)
		return s.exec(ctx, q, args...)
	}
	marks := make([]string, len(cols))
	bound := make([]int, 0, len(cols))
	for i := range cols {
		if text, ok := literal(rows[0][i]); ok && steady(rows, i) {
			marks[i] = text
			continue
		}
		marks[i] = "?" // without a number: the driver asks for each parameter's name, and makes a string of it
		bound = append(bound, i)
	}
	if len(bound) < len(cols) {
		for r, row := range rows {
			for to, from := range bound {
				row[to] = row[from]
			}
			rows[r] = row[:len(bound)]
		}
	}
	return s.execEach(ctx, into(table, cols)+"VALUES ("+strings.Join(marks, ", ")+") "+suffix, rows)
}

// steady tells whether column i is the same in all of many rows; for few it does not pay to have another text
// prepared.
func steady(rows [][]any, i int) bool {
	if len(rows) < 16 {
		return false
	}
	for _, row := range rows {
		if row[i] != rows[0][i] {
			return false
		}
	}
	return true
}

// literal is a value as it may stand in a statement's text: only what makes few texts, because they are kept, and
// what needs no quoting. Binding a value costs SQLite's driver some 0.3 µs.
func literal(v any) (string, bool) {
	if t, ok := v.(string); ok {
		return "'" + t + "'", len(t) <= 16 && strings.Trim(t, "abcdefghijklmnopqrstuvwxyz_") == ""
	}
	n, ok := whole(v)
	return strconv.FormatInt(n, 10), ok && n >= 0 && n <= 9
}

// bulkLater is bulk where nobody asks how many rows were written: see session.later.
func (s *Store) bulkLater(ctx context.Context, table string, cols []column, rows [][]any, suffix string) error {
	if len(rows) > 0 && s.tx != nil && s.d.name() == "postgres" {
		q, args := unnest(table, cols, rows, suffix)
		return s.tx.later(ctx, nil, q, args)
	}
	_, err := s.bulk(ctx, table, cols, rows, suffix)
	return err
}

func into(table string, cols []column) string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.name
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") "
}

func unnest(table string, cols []column, rows [][]any, suffix string) (q string, args []any) {
	var from, names []string
	values := make([]string, len(cols))
	args = make([]any, len(cols))
	for i, c := range cols {
		if rows[0][i] != nil && i > 0 && steady(rows, i) {
			values[i], args[i] = fmt.Sprintf("$%d::%s", i+1, c.pg), rows[0][i]
			if n, ok := whole(rows[0][i]); ok {
				args[i] = n
			}
			continue
		}
		values[i] = fmt.Sprintf("u.c%d", i+1)
		names = append(names, values[i][2:])
		from = append(from, fmt.Sprintf("$%d::%s[]", i+1, c.pg))
		args[i] = arrayOf(c.pg, rows, i)
	}
	return into(table, cols) + "SELECT " + strings.Join(values, ", ") + " FROM unnest(" + strings.Join(from, ", ") + ") AS u(" + strings.Join(names, ", ") + ") " + suffix, args
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
func (s *Store) execEach(ctx context.Context, q string, rows [][]any) (n int64, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		n, err = s.tx.execEach(ctx, q, rows)
		return err
	})
	return n, err
}

// arrayOf turns column i of rows into the Go slice that pgx sends as a PostgreSQL array: of pointers only where a
// value is missing, because pgx goes through those by reflection.
func arrayOf(pg string, rows [][]any, i int) any {
	missing := false
	texts, numbers := []string(nil), []int64(nil)
	if pg == "text" {
		texts = make([]string, len(rows))
	} else {
		numbers = make([]int64, len(rows))
	}
	for r := range rows {
		v := rows[r][i]
		switch {
		case v == nil || v == any(sql.NullInt64{}):
			missing = true
		case pg == "text":
			if t, ok := v.(string); ok {
				texts[r] = t
			} else {
				texts[r] = fmt.Sprint(v)
			}
		default:
			n, ok := whole(v)
			if !ok {
				panic(fmt.Sprintf("store: a %T cannot stand in a %s column", v, pg))
			}
			numbers[r] = n
		}
	}
	switch {
	case pg == "text" && missing:
		return withNulls(texts, rows, i)
	case pg == "text":
		return texts
	case missing:
		return withNulls(numbers, rows, i)
	}
	return numbers
}

func withNulls[T any](values []T, rows [][]any, i int) []*T {
	out := make([]*T, len(values))
	for r := range values {
		if v := rows[r][i]; v != nil && v != (sql.NullInt64{}) {
			out[r] = &values[r]
		}
	}
	return out
}

// whole is v as a whole number, if it is one.
func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case rapport.ID:
		return int64(v), true
	case rapport.State:
		return int64(v), true
	case rapport.Lane:
		return int64(v), true
	case bool:
		return int64(bit(v)), true
	case sql.NullInt64:
		return v.Int64, v.Valid
	}
	return 0, false
}
