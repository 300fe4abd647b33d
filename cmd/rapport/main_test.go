package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// shell runs commands as a person would, each with the same environment.
type shell struct {
	t   *testing.T
	env []string
}

func newShell(t *testing.T, env ...string) *shell {
	return &shell{t, append([]string{"RAPPORT_DATA_DIR=" + t.TempDir()}, env...)}
}

func (s *shell) run(args ...string) (out, errs string, code int) {
	s.t.Helper()
	var o, e bytes.Buffer
	c := &cli{out: &o, err: &e, env: s.env}
	code = c.run(s.t.Context(), args)
	return o.String(), e.String(), code
}

// must runs what has to succeed and returns its standard output.
func (s *shell) must(args ...string) string {
	s.t.Helper()
	out, errs, code := s.run(args...)
	if code != 0 {
		s.t.Fatalf("rapport %s: exit code %d\n%s", strings.Join(args, " "), code, errs)
	}
	return out
}

func (s *shell) file(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func TestHelp_EveryCommandHasItWithAnExample(t *testing.T) {
	t.Parallel()
	var look func(*cobra.Command)
	look = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Example == "" {
			t.Errorf("%s has no description or no example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			look(sub)
		}
	}
	look((&cli{out: os.Stdout, err: os.Stderr}).root())
}

func TestCommands_MistakesAreNamedAndExitWithOne(t *testing.T) {
	t.Parallel()
	sample := "RAPPORT_SECRET_KEY=changeme"
	for _, c := range []struct {
		name string
		env  []string
		args []string
		want []string
	}{
		{"unknown command", nil, []string{"serv"}, []string{`unknown command "serv"`, "serve"}},
		{"unknown member", nil, []string{"keys", "make"}, []string{`unknown command "make"`}},
		{"unknown flag", nil, []string{"serve", "--htp.addr", ":1"}, []string{"unknown flag: --htp.addr", "rapport serve --help"}},
		{"no secret", nil, []string{"serve"}, []string{"secret_key: is empty", "openssl rand -base64 32"}},
		{"sample secret", []string{sample}, []string{"serve"}, []string{"secret_key (RAPPORT_SECRET_KEY)"}},
		{"several at once", []string{"RAPPORT_HTTP_ADR=x", "RAPPORT_LOG_LEVEL=loud"}, []string{"serve", "--http.addr", "nowhere"}, []string{"4 mistakes", "did you mean RAPPORT_HTTP_ADDR", `log.level (RAPPORT_LOG_LEVEL): "loud"`, "http.addr (flag http.addr)"}},
		{"SQLite for many", []string{"RAPPORT_DEMO=true"}, []string{"worker"}, []string{"database_url: is empty, but SQLite belongs to one process", "redis_url"}},
		{"no such file", nil, []string{"migrate", "--config", "nowhere.yaml"}, []string{"nowhere.yaml"}},
		{"no API key", nil, []string{"campaign", "status", "cmp_1"}, []string{"RAPPORT_API_KEY is not set"}},
		{"no server", []string{"RAPPORT_API_KEY=x", "RAPPORT_URL=http://127.0.0.1:1"}, []string{"template", "list"}, []string{"http://127.0.0.1:1 does not answer"}},
		{"bad URL", []string{"RAPPORT_API_KEY=x", "RAPPORT_URL=localhost:8080"}, []string{"template", "list"}, []string{"RAPPORT_URL is not"}},
		{"nobody to send to", []string{"RAPPORT_API_KEY=x"}, []string{"campaign", "send", "--template", "x"}, []string{"--csv FILE, or --everyone"}},
		{"two kinds of recipients", []string{"RAPPORT_API_KEY=x"}, []string{"campaign", "send", "--csv", "x.csv", "--everyone"}, []string{"only one of --csv and --everyone"}},
		{"mapping of nothing", []string{"RAPPORT_API_KEY=x"}, []string{"campaign", "send", "--everyone", "--mapping", "a=b"}, []string{"--mapping is about the columns of --csv"}},
		{"key of the past", nil, []string{"keys", "create", "--name", "x", "--scopes", "*", "--expires-in", "-5s"}, []string{"--expires-in lies in the past"}},
		{"bad time", []string{"RAPPORT_API_KEY=x"}, []string{"campaign", "send", "--everyone", "--send-at", "tomorrow"}, []string{`--send-at: "tomorrow" is not a time`}},
		{"no healthy server", []string{"RAPPORT_METRICS_ADDR=127.0.0.1:1"}, []string{"healthcheck"}, []string{"127.0.0.1:1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, errs, code := newShell(t, c.env...).run(c.args...)
			if code != 1 || out != "" {
				t.Errorf("exit code %d and on standard output %q", code, out)
			}
			for _, want := range c.want {
				if !strings.Contains(errs, want) {
					t.Errorf("%q is missing in:\n%s", want, errs)
				}
			}
		})
	}
}

func TestKeys_AreMadeBeforeTheFirstStartListedAndRevoked(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	key := s.must("keys", "create", "--name", "shop", "--scopes", "read:*,write:messages", "--expires-in", "24h")
	if !regexp.MustCompile(`^rpt_live_\S{40,}\n$`).MatchString(key) {
		t.Fatalf("standard output is not the key alone: %q", key)
	}
	list := s.must("keys", "list")
	id := regexp.MustCompile(`key_\w+`).FindString(list)
	if id == "" || !strings.Contains(list, "shop") || !strings.Contains(list, "read:*,write:messages") || !strings.Contains(list, "valid until") {
		t.Fatalf("the list is\n%s", list)
	}
	if strings.Contains(list, strings.TrimSpace(key)) {
		t.Error("the list shows the key")
	}
	s.must("keys", "revoke", id)
	if list := s.must("keys", "list"); !strings.Contains(list, "revoked") {
		t.Errorf("after the revocation the list is\n%s", list)
	}
	for _, args := range [][]string{
		{"keys", "create", "--scopes", "*"}, {"keys", "create", "--name", "x", "--scopes", "everything"}, {"keys", "create", "--name", "x", "--scopes", "*", "--expires-in", "-1h"},
		{"keys", "revoke", "cus_1"},
	} {
		if out, errs, code := s.run(args...); code != 1 || out != "" || errs == "" {
			t.Errorf("%v: exit code %d, %q, %q", args, code, out, errs)
		}
	}
}

func TestMigrate_MakesTheSchemaAndMayRunAgain(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for range 2 {
		if _, errs, code := s.run("migrate"); code != 0 || !strings.Contains(errs, "up to date (sqlite)") {
			t.Fatalf("exit code %d: %s", code, errs)
		}
	}
}

func TestVersion_IsTheLinkersWord(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if a, b := s.must("version"), s.must("--version"); a != version+"\n" || b != a {
		t.Errorf("version says %q, --version %q", a, b)
	}
}
