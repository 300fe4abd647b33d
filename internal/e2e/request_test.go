package e2e

import (
	"database/sql"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // registers "sqlite"
)

// secret is a secret_key for installations without demo data: SECRET_KEY=...
const secret = "SECRET_KEY=Yk1mZ0p2c2hLcW5XdGJ4UmR1WnlMZWFvQ2lTVGpNcEg="

// response is what came back for one request.
type response struct {
	Status int
	Header http.Header
	Body   []byte
}

// as is the installation seen with another key.
func (in *Installation) as(key string) *Installation {
	return &Installation{t: in.t, dir: in.dir, env: in.env, URL: in.URL, Key: key}
}

// on is the installation seen by a subtest, which fails for itself.
func (in *Installation) on(t *testing.T) *Installation {
	return &Installation{t: t, dir: in.dir, env: in.env, URL: in.URL, Key: in.Key}
}

// ask sends any body with any header ("Name: value") and does not judge the answer.
func (in *Installation) ask(t *testing.T, method, path, contentType string, body io.Reader, headers ...string) response {
	t.Helper()
	req, err := http.NewRequest(method, in.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+in.Key)
	req.Header.Set("Content-Type", contentType)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return response{res.StatusCode, res.Header, raw}
}

// refused fails unless a is a problem (RFC 9457) of that status which names each of says.
func (a response) refused(t *testing.T, status int, says ...string) {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
		RequestID           string `json:"request_id"`
	}
	if a.Status != status || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got %d %s, want %d: %.400s", a.Status, a.Header.Get("Content-Type"), status, a.Body)
	}
	if err := json.Unmarshal(a.Body, &p); err != nil || p.Status != status || p.Type == "" || p.Title == "" || p.Detail == "" || p.RequestID == "" {
		t.Fatalf("not a whole problem (%v): %s", err, a.Body)
	}
	for _, s := range says {
		if !strings.Contains(string(a.Body), s) {
			t.Errorf("does not say %q: %.400s", s, a.Body)
		}
	}
}

// rows counts what the SQLite file of an installation holds, past the program that owns it.
func (in *Installation) rows(t *testing.T) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(in.dir, "data", "rapport.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string]int{}
	for _, table := range []string{"campaigns", "recipients", "recipient_keys", "customers", "addresses", "consents", "topics", "messages", "batches", "files", "file_chunks", "keys", "suppressions"} {
		var n int
		if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
			t.Fatalf("counting %s: %v", table, err)
		}
		out[table] = n
	}
	return out
}

// unchanged waits until the database holds just as much as before: what a refused request had stored is
// taken back in pieces, behind its answer.
func (in *Installation) unchanged(t *testing.T, before map[string]int) {
	t.Helper()
	var now map[string]int
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if now = in.rows(t); maps.Equal(before, now) {
			return
		}
	}
	t.Errorf("something was left half done:\nbefore %v\nafter  %v", before, now)
}
