package main

import (
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/config"
	"rapport/store/storetest"
	"rapport/templates"
)

// serve runs a server with the settings of s, whose commands find it from then on.
func (s *shell) serve(key string) *App {
	s.t.Helper()
	cfg, err := config.Load(config.Options{Env: s.env})
	if err != nil {
		s.t.Fatal(err)
	}
	app, err := Open(s.t.Context(), cfg, config.RoleServe, newLog(io.Discard, cfg.Log))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(app.Stop)
	if err := app.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.env = append([]string{"RAPPORT_URL=" + app.URL, "RAPPORT_API_KEY=" + key}, s.env...) // the first counts
	return app
}

// restoredShop backs up a server that has a campaign open; restore loses it and puts the backup in its place.
func restoredShop(t *testing.T, env ...string) (s *shell, campaign string, restore func()) {
	app, s := start(t, false, env...)
	promo := templates.Source{Topic: "news", Variants: []templates.Variant{{Channel: rapport.Email, Subject: "Hi", Text: "Hello {{ customer.name }}"}}}
	if _, _, _, err := app.Gateway.SaveTemplate(t.Context(), operator(), "promo", promo); err != nil {
		t.Fatal(err)
	}
	var csv strings.Builder
	csv.WriteString("external_id,name,email,consent.email.news\n")
	for n := range 30 {
		fmt.Fprintf(&csv, "c-%d,Anna %d,c%d@example.com,true\n", n, n, n)
	}
	file := s.file("people.csv", csv.String())
	// It waits for its hour, so it is open at the backup, whatever the machine's speed.
	at := time.Now().Add(time.Hour).Format(time.RFC3339)
	out := s.must("campaign", "send", "--template", "promo", "--purpose", "marketing", "--csv", file, "--send-at", at, "--name", "Spring")
	copied := filepath.Join(t.TempDir(), "copy")
	_, errs, code := s.run("backup", copied)
	if code != 0 || !regexp.MustCompile(`copy: [\d.]+ [KM]iB, as of .*checked`).MatchString(errs) {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if _, errs, code := s.run("backup", copied); code != 1 || !strings.Contains(errs, "never overwrites") {
		t.Errorf("over itself: exit code %d: %s", code, errs)
	}
	return s, strings.TrimSpace(out), func() {
		app.Stop()
		args := []string{"restore", copied}
		if app.Store.Engine() == "sqlite" {
			if _, errs, code := s.run(args...); code != 1 || !strings.Contains(errs, "--replace moves it aside") {
				t.Errorf("over a database: exit code %d: %s", code, errs)
			}
			args = append(args, "--replace")
		} else {
			if _, errs, code := s.run(args...); code != 1 || !strings.Contains(errs, "has tables already") {
				t.Errorf("over a database: exit code %d: %s", code, errs)
			}
			url, _ := storetest.EmptyPostgres(t)
			s.env = append([]string{"RAPPORT_DATABASE_URL=" + url}, without(s.env, "RAPPORT_DATABASE_URL=")...)
		}
		_, errs, code := s.run(args...)
		if code != 0 || !strings.Contains(errs, "In quarantine: 1 campaigns and 0 single messages") {
			t.Fatalf("exit code %d: %s", code, errs)
		}
	}
}

func without(env []string, prefix string) (out []string) {
	for _, e := range env {
		if !strings.HasPrefix(e, prefix) {
			out = append(out, e)
		}
	}
	return out
}

func TestRestore_HoldsWhatWasOpenUntilAPersonDecides(t *testing.T) {
	t.Parallel()
	run := func(name string, env ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, id, restore := restoredShop(t, env...)
			restore()
			var key string
			for _, e := range s.env {
				if k, ok := strings.CutPrefix(e, "RAPPORT_API_KEY="); ok {
					key = k
				}
			}
			app := s.serve(key)
			if list := s.must("quarantine", "list"); !strings.Contains(list, id) || !strings.Contains(list, "Spring") || !strings.Contains(list, "scheduled") {
				t.Errorf("the list is\n%s", list)
			}
			if doctor, _, _ := s.run("doctor", "--offline"); !strings.Contains(doctor, "1 campaigns and 0 single messages wait since a restore") {
				t.Errorf("the doctor says\n%s", doctor)
			}
			if _, errs, code := s.run("quarantine", "release", "--all"); code != 1 || !strings.Contains(errs, "AGAIN") || !strings.Contains(errs, "--yes") {
				t.Errorf("without a yes: exit code %d: %s", code, errs)
			}
			if status := s.must("campaign", "status", id); !strings.Contains(status, "is quarantined") {
				t.Errorf("the campaign:\n%s", status)
			}
			if _, errs, code := s.run("quarantine", "release", "cmp_0000000000000", "--yes"); code != 1 || !strings.Contains(errs, "campaign") {
				t.Errorf("of nothing: exit code %d: %s", code, errs)
			}
			if out := s.must("quarantine", "release", id, "--yes"); !strings.Contains(out, "Nothing is held.") {
				t.Errorf("after the release:\n%s", out)
			}
			if c := one(t, app, id); c.Status != rapport.CampaignScheduled {
				t.Errorf("it is %s", c.Status)
			}
		})
	}
	run("sqlite")
	if url, ok := storetest.EmptyPostgres(t); ok {
		run("postgres", "RAPPORT_DATABASE_URL="+url)
	}
}

func one(t *testing.T, app *App, id string) *rapport.Campaign {
	t.Helper()
	cmp, err := rapport.KindCampaign.Parse(id)
	if err != nil {
		t.Fatal(err)
	}
	c, err := app.Store.Campaign(t.Context(), cmp)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// An operator at night copies the file by hand. The copy knows that it is one.
func TestServe_ACopyPutInPlaceByHandIsInQuarantineToo(t *testing.T) {
	t.Parallel()
	s, id, _ := restoredShop(t)
	dir := t.TempDir()
	copied := filepath.Join(t.TempDir(), "by-hand.db")
	s.must("backup", copied)
	b, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rapport.db"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	other := &shell{t, append([]string{"RAPPORT_DATA_DIR=" + dir}, without(s.env, "RAPPORT_DATA_DIR=")...)}
	if c := one(t, other.serve("-"), id); c.Status != rapport.CampaignQuarantined {
		t.Errorf("it is %s", c.Status)
	}
}

// A dump that this binary cannot bring up to date stays without its quarantine, and a server must not start on it
// before somebody has seen to that.
func TestRestore_SaysThatTheQuarantineIsMissing(t *testing.T) {
	t.Parallel()
	url, ok := storetest.EmptyPostgres(t)
	if !ok {
		return
	}
	app, s := start(t, false, "RAPPORT_DATABASE_URL="+url)
	app.Stop()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)`); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if _, errs, code := s.run("backup", copied); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	fresh, _ := storetest.EmptyPostgres(t)
	s.env = append([]string{"RAPPORT_DATABASE_URL=" + fresh}, without(s.env, "RAPPORT_DATABASE_URL=")...)
	_, errs, code := s.run("restore", copied)
	if code != 1 || !strings.Contains(errs, "NOT in quarantine") || !strings.Contains(errs, "use the newer binary") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestQuarantineBegin_IsForDatabasesRestoredByOtherMeans(t *testing.T) {
	t.Parallel()
	run := func(name string, env ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, s := start(t, false, env...)
			want := "stop the server first"
			if app.Store.Engine() == "postgres" {
				want = "a server is running on this database"
			}
			since := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
			if _, errs, code := s.run("quarantine", "begin", "--since", since); code != 1 || !strings.Contains(errs, want) {
				t.Errorf("under a running server: exit code %d: %s", code, errs)
			}
			app.Stop()
			if _, errs, code := s.run("quarantine", "begin", "--since", since); code != 0 || !strings.Contains(errs, "nothing is held") {
				t.Errorf("exit code %d: %s", code, errs)
			}
		})
	}
	run("sqlite")
	if url, ok := storetest.EmptyPostgres(t); ok {
		run("postgres", "RAPPORT_DATABASE_URL="+url)
	}
}

func TestBackupAndRestore_NameTheMistake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"nothing to back up", "there is no database in", []string{"backup", "x.db"}},
		{"no file named", "accepts 1 arg", []string{"backup"}},
		{"no such backup", "no such file", []string{"restore", "nowhere.db"}},
		{"a time that is none", `"yesterday" is not a time`, []string{"restore", "x.db", "--since", "yesterday"}},
		{"a moment to come", "lies in the future", []string{"quarantine", "begin", "--since", "2999-01-01T00:00:00Z"}},
		{"no moment", "--since is needed", []string{"quarantine", "begin"}},
		{"nothing named", "name campaigns, or say --messages or --all", []string{"quarantine", "release"}},
		{"a wrong dump", "pg_restore", []string{"restore", "readme_test.go"}},
		{"replacing PostgreSQL", "--replace is for SQLite", []string{"restore", "x", "--replace"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			if strings.Contains(c.want, "pg_restore") || strings.Contains(c.want, "--replace is") {
				s.env = append(s.env, "RAPPORT_DATABASE_URL=postgres://nobody@127.0.0.1:1/none")
			}
			if out, errs, code := s.run(c.args...); code != 1 || out != "" || !strings.Contains(errs, c.want) {
				t.Errorf("exit code %d, %q, %s", code, out, errs)
			}
		})
	}
}

func TestWithoutPassword_NoArgumentHoldsIt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"postgres://u:se%40cret@h:5/d?sslmode=disable":     "postgres://u@h:5/d?sslmode=disable PGPASSWORD=se@cret",
		"postgres://u@h/d?password=secret&sslmode=disable": "postgres://u@h/d?sslmode=disable PGPASSWORD=secret",
		"postgres://u@h/d": "postgres://u@h/d",
	} {
		target, env := withoutPassword(in)
		if got := strings.Join(append([]string{target}, env...), " "); got != want {
			t.Errorf("%s became %s", in, got)
		}
	}
}
