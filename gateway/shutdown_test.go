package gateway_test

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // registers "sqlite"

	"rapport"
	"rapport/gateway"
	"rapport/store/storetest"
)

// The database takes nothing any more while a worker drains: the process must end all the same, within
// the time it was given, and its notes tell the next one what the provider had taken.
func TestStop_EndsWhenNothingCanBeRecorded(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, driver, url, name string) {
		dir := t.TempDir()
		w := newWorld(t, url, func(s *gateway.Settings) { s.JournalDir = dir })
		quiet := slog.New(slog.DiscardHandler) // what cannot be recorded is an error in the log, as it should be
		w.g = gateway.New(w.st, w.hub, quiet, w.set)
		open := w.email.hold()
		t.Cleanup(open)
		if err := w.g.Start(context.Background(), "first", gateway.Role{Name: "all", Deliver: true}); err != nil {
			t.Fatal(err)
		}
		c := w.campaign(persons(20, rapport.Email))
		w.until("all are in hand", func() bool { return w.states(c)["sending"] == 20 })
		db, err := sql.Open(driver, name)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		rename := func(from, to string) {
			t.Helper()
			w.until("the table is renamed", func() bool {
				_, err := db.Exec(`ALTER TABLE ` + from + ` RENAME TO ` + to)
				return err == nil
			})
		}
		rename("messages", "messages_away")
		open()
		w.until("the provider has taken all", func() bool { n, _ := w.email.total(); return n == 20 })

		limit, done := context.WithTimeout(context.Background(), time.Second)
		defer done()
		ended := make(chan struct{})
		go func() { w.g.Stop(limit); close(ended) }()
		select {
		case <-ended:
		case <-time.After(15 * time.Second):
			t.Fatal("the process does not end")
		}

		rename("messages_away", "messages")
		if n := w.states(c)["sending"]; n != 20 {
			t.Fatalf("%d rows are still being sent, want 20: %v", n, w.states(c))
		}
		// The lock on the notes ends with the process, and this one goes on: the successor gets a copy.
		left := t.TempDir()
		notes := strconv.FormatInt(int64(w.g.Worker()), 10)
		raw, err := os.ReadFile(filepath.Join(dir, notes))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(left, notes), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		w.set.JournalDir = left
		w.g = gateway.New(w.st, w.hub, quiet, w.set)
		w.start()
		w.status(c, rapport.CampaignFinished)
		w.want(c, "sent=20")
		if n, most := w.email.total(); n != 20 || most != 1 {
			t.Errorf("the provider was given %d, the same at most %d times", n, most)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		url := storetest.SQLite(t)
		run(t, "sqlite", url, "file:"+strings.TrimPrefix(url, "sqlite:")+"?_pragma=busy_timeout(5000)")
	})
	if url, ok := storetest.Postgres(t); ok {
		t.Run("postgres", func(t *testing.T) { t.Parallel(); run(t, "pgx", url, url) })
	}
}
