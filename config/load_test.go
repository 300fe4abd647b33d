package config

import (
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/internal/fuzzing"
)

// strongKey is no key of anybody's: random bytes, made for this test.
const strongKey = "kJ3v9Qm0T7xYbR2nL5wZc8HfUe1GsApD4oViKqXjMt6="

func TestDefault_NeedsOnlyASecret(t *testing.T) {
	t.Parallel()
	c, err := Load(Options{Env: []string{"RAPPORT_SECRET_KEY=" + strongKey}})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP.Addr != "127.0.0.1:8080" || c.Delivery.Hold != 24*time.Hour || c.Limits.InlineBytes != 24<<20 ||
		c.Consent.DefaultPolicy != "opt_in" || c.Delivery.AskAfter.Transactional != 2*time.Minute {
		t.Errorf("defaults: %+v", c)
	}
	if got := c.PublicBase(); got != "http://127.0.0.1:8080" {
		t.Errorf("public base %q", got)
	}
}

func TestLoad_LaterLayerWins(t *testing.T) {
	t.Parallel()
	file := write(t, `
demo: true
http: {addr: "file:1", read_timeout: 1s, trusted_proxies: [10.0.0.0/8]}
log: {level: warn}
delivery: {ask_after: {marketing: 20m}}
metrics:
`)
	env := []string{"RAPPORT_HTTP_ADDR=env:2", "RAPPORT_LOG_LEVEL=debug", "RAPPORT_DELIVERY_ASK_AFTER_TRANSACTIONAL=3m",
		"RAPPORT_HTTP_TRUSTED_PROXIES=192.0.2.7, 2001:db8::/32", "RAPPORT_SHUTDOWN_TIMEOUT=", "PATH=/bin"}
	flags := map[string]string{"http.addr": "flag:3"}

	for _, tt := range []struct {
		name       string
		o          Options
		addr       string
		level      string
		read       time.Duration
		marketing  time.Duration
		transact   time.Duration
		proxyCount int
	}{
		{"file", Options{File: file, Env: []string{}}, "file:1", "warn", time.Second, 20 * time.Minute, 2 * time.Minute, 1},
		{"environment", Options{File: file, Env: env}, "env:2", "debug", time.Second, 20 * time.Minute, 3 * time.Minute, 2},
		{"flags", Options{File: file, Env: env, Flags: flags}, "flag:3", "debug", time.Second, 20 * time.Minute, 3 * time.Minute, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := Load(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if c.HTTP.Addr != tt.addr || c.Log.Level != tt.level || c.HTTP.ReadTimeout != tt.read || len(c.HTTP.TrustedProxies) != tt.proxyCount ||
				c.Delivery.AskAfter != (AskAfter{tt.marketing, tt.transact}) {
				t.Errorf("got %+v", c)
			}
			if c.Metrics.Addr != "127.0.0.1:9090" || c.Shutdown.Timeout != time.Minute {
				t.Errorf("an empty section or variable took the default away: %+v %+v", c.Metrics, c.Shutdown)
			}
		})
	}
}

func TestLoad_EmptyVariableEmptiesText(t *testing.T) {
	t.Parallel()
	c, err := Load(Options{Env: []string{"RAPPORT_DEMO=1", "RAPPORT_METRICS_ADDR=", "RAPPORT_LOG_FORMAT="}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Metrics.Addr != "" || c.Log.Format != "text" {
		t.Errorf("got %q, %q", c.Metrics.Addr, c.Log.Format)
	}
}

func TestLoad_EverySettingHasAVariable(t *testing.T) {
	t.Parallel()
	values := map[string]string{ // a value other than the default, by type
		"text": "x", "duration": "61s", "size": "2KiB", "number": "7", "yes or no": "true", "list": "10.0.0.0/8",
	}
	special := map[string]string{
		"database_url": "postgres://h/d", "redis_url": "redis://h", "secret_key": strongKey, "public_url": "https://a.example/x",
		"default_locale": "ru", "default_timezone": "Europe/Riga", "default_region": "LV", "http.addr": ":81", "metrics.addr": ":91",
		"log.level": "error", "log.format": "json", "consent.default_policy": "none", "otel.endpoint": "http://c:4318", "prices.currency": "EUR", "assistant.url": "https://m.example/v1",
		"quiet_hours.sms_marketing.from": "22:00", "quiet_hours.sms_marketing.until": "09:00", "delivery.hold": "25h",
		"delivery.ask_after.marketing": "16m", "delivery.ask_after.transactional": "3m",
		"events.keep": "97h", "events.keep_most": "1001", "cti.doors": `[{"name":"pbx","token":"` + strings.Repeat("a", 20) + `"}]`,
		"providers": `[{"name":"a","driver":"sandbox","channel":"sms","rate":2.5,"settings":{"n":1}}]`,
	}
	var env []string
	want := map[string]bool{}
	for _, f := range Describe() {
		if f.Env == "" {
			continue
		}
		value, ok := special[f.Path]
		if !ok {
			value = values[f.Type]
		}
		env = append(env, f.Env+"="+value)
		want[f.Path] = true
	}
	c, err := Load(Options{Env: env, Role: RoleWorker})
	if err != nil {
		t.Fatal(err)
	}
	before := Default().Redacted()
	after := c.Redacted()
	for path := range want {
		if path == "providers" || path == "cti.doors" {
			continue
		}
		if a, b := show(before[path]), show(after[path]); a == b {
			t.Errorf("%s is still %s", path, a)
		}
	}
	if p := c.Providers; len(p) != 1 || p[0].Rate != 2.5 || p[0].Settings["n"] != 1.0 {
		t.Errorf("providers: %+v", p)
	}
	if d := c.CTI.Doors; len(d) != 1 || d[0].Name != "pbx" || len(d[0].Token.Reveal()) != 20 || show(after["cti.doors[0].token"]) != redacted {
		t.Errorf("doors: %+v", d)
	}
}

func TestLoad_DoorsNeedNamesAndLongTokensOfTheirOwn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 20)
	for doors, says := range map[string]string{
		`[{"name":"a","token":"short"}]`:                                             "cti.doors[0].token",
		`[{"name":"A b","token":"` + long + `"}]`:                                    "cti.doors[0].name",
		`[{"name":"a","token":"` + long + `"},{"name":"a","token":"` + long + `b"}]`: "cti.doors[1].name",
		`[{"name":"a","token":"` + long + `"},{"name":"b","token":"` + long + `"}]`:  "cti.doors[1].token",
		`[{"name":"a","token":"env:RAPPORT_TEST_NO_SUCH_VARIABLE"}]`:                 "is not set",
		`[{"name":"a","token":"` + long + `","secret":"x"}]`:                         "is not a setting",
	} {
		_, err := Load(Options{Env: []string{"RAPPORT_SECRET_KEY=" + strongKey, "RAPPORT_CTI_DOORS=" + doors}})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), long) {
			t.Errorf("%s: %v", doors, err)
		}
	}
}

func TestLoad_ContractNames(t *testing.T) {
	t.Parallel()
	var names []string
	for _, f := range Describe() {
		names = append(names, f.Env)
	}
	for _, name := range []string{"RAPPORT_HTTP_ADDR", "RAPPORT_PUBLIC_URL", "RAPPORT_DATA_DIR", "RAPPORT_DATABASE_URL", "RAPPORT_REDIS_URL", "RAPPORT_SECRET_KEY", "RAPPORT_LOG_LEVEL"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is gone; the contract names it", name)
		}
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] != "" && names[i] == names[i-1] {
			t.Errorf("%s names two settings", names[i])
		}
	}
}

func TestLoad_ReferencesToSecrets(t *testing.T) {
	t.Parallel()
	keyFile := write(t, strongKey+"\n")
	c, err := Load(Options{Env: []string{"RAPPORT_SECRET_KEY=file:" + keyFile, "RAPPORT_DATABASE_URL=env:PG", "PG=postgres://u:p@h/d"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.SecretKey.Reveal() != strongKey || c.DatabaseURL.Reveal() != "postgres://u:p@h/d" {
		t.Error("not resolved")
	}
	empty := write(t, " \n")
	for setting, want := range map[string]string{
		"env:NOT_THERE":                 "environment variable NOT_THERE is not set",
		"file:" + empty:                 "is empty",
		"file:" + filepath.Dir(empty):   "is a directory",
		"file:" + empty + "-not-there":  "no such file",
		"file:" + write(t, bigText(65)): "larger than",
	} {
		if _, err := ResolveSecret(setting); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", setting, err, want)
		}
	}
	if got, err := ResolveSecret("plain"); got != "plain" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestLoad_MissingAndBrokenFile(t *testing.T) {
	t.Parallel()
	if _, err := Load(Options{File: "not-there.yaml", Env: []string{}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := Load(Options{File: write(t, bigText(1025)), Env: []string{}}); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
	for name, text := range map[string]string{
		"syntax":    "http:\n  addr: [hunter2",
		"tab":       "http:\n\taddr: hunter2",
		"scalar":    "hunter2",
		"list":      "- hunter2",
		"anchor":    "secret_key: *hunter2",
		"duplicate": "demo: true\ndemo: hunter2",
		"control":   "secret_key: \"hunter2\x00\"",
		"not UTF-8": "secret_key: hunter2\xff\xfe",
	} {
		_, err := Load(Options{File: write(t, text), Env: []string{}})
		var m *Mistake
		if !errors.As(err, &m) {
			t.Errorf("%s: got %v", name, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the secret shows: %v", name, err)
		}
	}
}

// The example holds every setting, and those that it does not call examples have their defaults.
func TestExample(t *testing.T) {
	t.Parallel()
	const path = "../rapport.example.yaml"
	env := []string{"RAPPORT_SECRET_KEY=" + strongKey, "SMTP_PASSWORD=a", "TWILIO_ACCOUNT_SID=b", "TWILIO_AUTH_TOKEN=c", "TELEGRAM_TOKEN=d", "WEBHOOK_SECRET=e"}
	c, err := Load(Options{File: path, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Providers) != 4 {
		t.Errorf("%d providers", len(c.Providers))
	}
	got, want := c.Redacted(), Default().Redacted()
	maps.DeleteFunc(got, func(path string, _ any) bool { return strings.HasPrefix(path, "providers[") })
	for path := range got {
		switch path {
		case "public_url", "secret_key", "company.name", "company.postal_address":
			continue
		}
		if show(got[path]) != show(want[path]) {
			t.Errorf("%s is %v in the example and %v by default", path, got[path], want[path])
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := parseFile(content)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Describe() {
		if f.Env != "" && !has(settings, strings.Split(f.Path, ".")) {
			t.Errorf("%s is missing", f.Path)
		}
		if key, inList := strings.CutPrefix(f.Path, "providers[]."); inList && !strings.Contains(string(content), " "+key+": ") && !strings.Contains(string(content), " "+key+":\n") {
			t.Errorf("%s is missing", f.Path)
		}
	}
	if _, err := Load(Options{File: path, Env: []string{}}); err == nil || strings.Count(err.Error(), "is not set") != 6 || strings.Count(err.Error(), "secret_key") != 1 {
		t.Errorf("without the secrets, each should be named: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile("../rapport.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		string(example), "", "http:", "http: 5", "http: {addr: 5}", "providers: [1, {name: [x]}]", "a: &a [*a]", "? [x]\n: y",
		"1: 2", "http.addr: x", "limits: {inline_bytes: -1}", "delivery: {hold: .inf}", "providers: {a: b}", "http: {trusted_proxies: [x, 5, null]}",
		"log: !!binary aGk=", "demo: 2001-01-01", "company: {name: {a: b}}", "providers: [null]", "<<: {http: {addr: ':1'}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		defer fuzzing.Budget(t)()
		c, err := load(Options{File: "fuzz.yaml", Env: []string{}}, file)
		if (c == nil) == (err == nil) {
			t.Fatal("neither a configuration nor an error, or both")
		}
		if err == nil {
			if err := c.Validate(""); err != nil {
				t.Errorf("loaded, yet: %v", err)
			}
			return
		}
		if strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without words")
		}
	})
}

func write(t *testing.T, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "rapport.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func bigText(kib int) string { return strings.Repeat("x", kib<<10) }

func show(v any) string {
	if p, ok := v.([]netip.Prefix); ok && len(p) == 0 {
		return "[]"
	}
	return strings.TrimSpace(strings.ReplaceAll(toText(v), "\n", " "))
}
