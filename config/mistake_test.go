package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func toText(v any) string { return fmt.Sprint(v) }

func TestLoad_NamesEachMistakeAndItsCure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		file string // below a valid secret_key
		env  string
		role Role
		want string // the whole line, without the file's name
	}{
		{name: "unknown section", file: "htp: {addr: x}", want: "htp: is not a setting; did you mean http?"},
		{name: "unknown setting", file: "http: {adr: x}", want: "http.adr: is not a setting; did you mean http.addr?"},
		{name: "flat spelling", file: "http_addr: x", want: "http_addr: is not a setting; did you mean http.addr?"},
		{name: "dotted key", file: "http.addr: x", want: "http.addr: is not a setting; a dot is not a level: write the section, and the setting below it, indented"},
		{name: "nothing near", file: "wombat_farming: x", want: "wombat_farming: is not a setting; remove it"},
		{name: "in a provider", file: "providers: [{name: a, driver: sandbox, channel: sms, prioritty: 1}]", want: "providers[0].prioritty: is not a setting; did you mean providers[].priority?"},
		{name: "unknown variable", env: "RAPPORT_HTTP_ADRR=x", want: "RAPPORT_HTTP_ADRR: is not a setting; did you mean RAPPORT_HTTP_ADDR?"},

		{name: "value for a section", file: "http: 5", want: "http: is a section, not a value; write its settings below it, indented"},
		{name: "text", file: "company: {name: 5}", want: `company.name: "5" is not a text; put it in quotes`},
		{name: "bool", file: "demo: maybe", want: `demo: "maybe" is neither true nor false; write true or false`},
		{name: "int", file: "delivery: {window: many}", want: `delivery.window: "many" is not a whole number; write it in digits, like 8`},
		{name: "fraction", file: "delivery: {window: 1.5}", want: `delivery.window: "1.5" is not a whole number; write it in digits, like 8`},
		{name: "float", file: "providers: [{name: a, driver: sandbox, channel: sms, rate: fast}]", want: `providers[0].rate: "fast" is not a number; write it in digits, like 14.5`},
		{name: "duration", file: "http: {read_timeout: 5}", want: `http.read_timeout: "5" is not a duration; write it like 30s, 15m or 24h`},
		{name: "size", file: "limits: {body_bytes: 1 meg}", want: `limits.body_bytes: "1 meg" is not a size; write it like 24MiB or 1048576`},
		{name: "network", file: "http: {trusted_proxies: [10.0.0.0/33]}", want: `http.trusted_proxies[0]: "10.0.0.0/33" is not a network; write it like 10.0.0.0/8 or 192.0.2.7`},
		{name: "list", file: "providers: {name: a}", want: "providers: is not a list; write [a, b], or in a variable a,b; providers as a JSON list"},
		{name: "list as JSON", env: "RAPPORT_PROVIDERS=[{", want: "providers (RAPPORT_PROVIDERS): is not a list; write [a, b], or in a variable a,b; providers as a JSON list"},
		{name: "item of a list", env: `RAPPORT_PROVIDERS=[5]`, want: "providers[0] (RAPPORT_PROVIDERS): is a section, not a value; write its settings below it, indented"},
		{name: "settings", file: "providers: [{name: a, driver: sandbox, channel: sms, settings: 5}]", want: "providers[0].settings: is a section, not a value; write the driver's settings below it, indented"},
		{name: "secret as a number", file: "database_url: 12345", want: "database_url: is not a text; put it in quotes"},

		{name: "too small", file: "delivery: {worker_dead_after: 1s}", want: "delivery.worker_dead_after: 1s is too small; the least is 3s"},
		{name: "too large", file: "delivery: {group_size: 501}", want: "delivery.group_size: 501 is too large; the most is 256"},
		{name: "group", file: "delivery: {group_size: 1000}", want: "delivery.group_size: 1000 is too large; the most is 256"},
		{name: "small size", file: "limits: {body_bytes: 5}", want: "limits.body_bytes: 5 is too small; the least is 1KiB"},
		{name: "negative rate", file: "providers: [{name: a, driver: sandbox, channel: sms, rate: -1}]", want: "providers[0].rate: -1 is too small; the least is 0"},
		{name: "word", file: "log: {level: loud}", want: `log.level: "loud" is not allowed; write one of debug, info, warn, error`},
		{name: "word in the environment", env: "RAPPORT_LOG_LEVEL=loud", want: `log.level (RAPPORT_LOG_LEVEL): "loud" is not allowed; write one of debug, info, warn, error`},
		{name: "policy", file: "consent: {default_policy: maybe}", want: `consent.default_policy: "maybe" is not allowed; write one of opt_in, opt_out, none`},

		{name: "address", file: "http: {addr: '8080'}", want: `http.addr: "8080" is not an address to listen on; write host:port, like 127.0.0.1:8080 or :8080`},
		{name: "port", file: "http: {addr: '127.0.0.1:99999'}", want: `http.addr: "127.0.0.1:99999" is not an address to listen on; write host:port, like 127.0.0.1:8080 or :8080`},
		{name: "same address", file: "metrics: {addr: '127.0.0.1:8080'}", want: "metrics.addr: is the address of http.addr; choose another port, or empty for off"},
		{name: "assistant without a model", file: "assistant: {url: 'https://m.example/v1'}", want: "assistant.model: is missing; name the model to ask"},
		{name: "assistant without a URL", file: "assistant: {drafts: true}", want: "assistant.url: is missing, so nobody can be asked; write it like https://api.example.com/v1, or switch understand and drafts off"},
		{name: "collector", file: "otel: {endpoint: 'localhost:4318'}", want: "otel.endpoint: is not an http or https address; write it like http://localhost:4318, or leave it empty"},
		{name: "data directory", file: "data_dir: ''", want: "data_dir: is empty; name a directory, like ./data"},
		{name: "database", file: "database_url: mysql://root:hunter2@h/d", want: "database_url: is not an address of a known kind; begin it with postgres:// or postgresql://, or leave it empty for the embedded one"},
		{name: "redis", file: "redis_url: ':hunter2@h'", want: "redis_url: is not an address of a known kind; begin it with redis:// or rediss:// or redis-sentinel:// or redis-cluster://, or leave it empty for the embedded one"},
		{name: "api on SQLite", role: RoleAPI, file: "redis_url: redis://h", want: "database_url: is empty, but SQLite belongs to one process and api is one of several; name a PostgreSQL, or run rapport serve"},
		{name: "worker on embedded Redis", role: RoleWorker, file: "database_url: postgres://h/d", want: "redis_url: is empty, but the embedded Redis belongs to one process and worker is one of several; name a Redis, or run rapport serve"},

		{name: "locale", file: "default_locale: english please", want: `default_locale: "english please" is not a language; write a BCP 47 tag, like en or pt-BR`},
		{name: "zone", file: "default_timezone: Riga", want: `default_timezone: "Riga" is not a time zone; write an IANA name, like UTC or Europe/Riga`},
		{name: "local zone", file: "default_timezone: Local", want: `default_timezone: "Local" is not a time zone; write an IANA name, like UTC or Europe/Riga`},
		{name: "region", file: "default_region: lv", want: `default_region: "lv" is not a country; write two capital letters, like LV, or leave it empty`},
		{name: "no region of the earth", file: "default_region: ZZ", want: `default_region: "ZZ" is not a country; write two capital letters, like LV, or leave it empty`},
		{name: "hour", file: "quiet_hours: {sms_marketing: {from: '25:00'}}", want: `quiet_hours.sms_marketing.from: "25:00" is not a time of day; write it like 21:00, or empty both for no quiet hours`},
		{name: "half a span", file: "quiet_hours: {sms_marketing: {until: ''}}", want: `quiet_hours.sms_marketing.until: "" is not a time of day; write it like 21:00, or empty both for no quiet hours`},
		{name: "no span", file: "quiet_hours: {sms_marketing: {until: '21:00'}}", want: "quiet_hours.sms_marketing.until: is the same as from; empty both for no quiet hours"},

		{name: "asking during a send", file: "delivery: {ask_after: {transactional: 20s}}\nproviders: [{name: a, driver: twilio, channel: sms}]", want: "delivery.ask_after.transactional: 20s is not longer than providers[0].settings.timeout (30s); wait longer before asking, or shorten that time-out"},
		{name: "asking during a provider's send", file: "providers: [{name: a, driver: email, channel: email, settings: {timeout: 10m}}]",
			want: "delivery.ask_after.transactional: 2m0s is not longer than providers[0].settings.timeout (10m0s); wait longer before asking, or shorten that time-out"},
		{name: "hold", file: "delivery: {hold: 10m}", want: "delivery.hold: 10m0s is not longer than delivery.ask_after.marketing (15m0s); hold longer, or ask earlier"},

		{name: "provider name", file: "providers: [{name: My Mail, driver: sandbox, channel: sms}]", want: `providers[0].name: "My Mail" is not a name; use up to 63 small letters, digits, - and _`},
		{name: "provider twice", file: "providers: [{name: a, driver: sandbox, channel: sms}, {name: a, driver: sandbox, channel: sms}]", want: `providers[1].name: "a" is also the name of providers[0]; give each its own name`},
		{name: "driver", file: "providers: [{name: a, channel: sms}]", want: "providers[0].driver: is empty; write email, twilio, telegram, webhook or sandbox"},
		{name: "channel", file: "providers: [{name: a, driver: sandbox, channel: fax}]", want: `providers[0].channel: "fax" is not allowed; write one of email, sms, whatsapp, telegram, webhook`},
		{name: "reference in settings", file: "providers: [{name: a, driver: sandbox, channel: sms, settings: {x: [{y: 'env:NOPE'}]}}]",
			want: "providers[0].settings.x[0].y: cannot be read: the environment variable NOPE is not set; set it, or correct the reference"},

		{name: "public address missing", file: "http: {addr: ':8080'}", want: "public_url: is empty, but http.addr listens beyond this machine; write the address that customers and providers reach, like https://rapport.example.com"},
		{name: "public address relative", file: "public_url: rapport.example.com", want: "public_url: is not an absolute http or https address; write it like https://rapport.example.com"},
		{name: "public address of another kind", file: "public_url: ftp://rapport.example.com", want: "public_url: is not an absolute http or https address; write it like https://rapport.example.com"},
		{name: "public address with more", file: "public_url: https://rapport.example.com/?x=1", want: "public_url: has more than scheme, host and path; write it like https://rapport.example.com"},
		{name: "public address in the clear", file: "public_url: http://rapport.example.com", want: "public_url: is plain http: links and signatures could be read on the way; use https, or localhost for trying it out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := write(t, "secret_key: "+strongKey+"\n"+tt.file+"\n")
			env := []string{}
			if tt.env != "" {
				env = append(env, tt.env)
			}
			_, err := Load(Options{File: file, Env: env, Role: tt.role})
			if err == nil {
				t.Fatal("accepted")
			}
			got := strings.ReplaceAll(err.Error(), " ("+file+")", "")
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("a secret shows")
			}
		})
	}
}

func TestLoad_TellsAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	file := write(t, "htp: 1\nlog: {level: loud}\nhttp: {read_timeout: soon}")
	_, err := Load(Options{File: file, Env: []string{"RAPPORT_DELIVERY_HOLD=1", "RAPPORT_WOMBAT=1"}, Flags: map[string]string{"metrics.addr": "x", "nope": "y"}, Role: RoleAPI})
	lines := strings.Split(fmt.Sprint(err), "\n")
	want := []string{
		"RAPPORT_WOMBAT: ", "database_url: ", "delivery.hold (RAPPORT_DELIVERY_HOLD): ", "htp (" + file + "): ", "http.read_timeout (" + file + "): ",
		"log.level (" + file + "): ", "metrics.addr (flag metrics.addr): ", "nope (flag nope): ", "redis_url: ", "secret_key: ",
	}
	if len(lines) != len(want) {
		t.Fatalf("%d mistakes, want %d:\n%v", len(lines), len(want), err)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("got %q, want %q", line, want[i])
		}
	}
	var m *Mistake
	if !errors.As(err, &m) || m.Path != "RAPPORT_WOMBAT" {
		t.Errorf("no *Mistake in %T", err)
	}
}

func TestLoad_LeavesForeignVariablesAlone(t *testing.T) {
	t.Parallel()
	_, err := Load(Options{Env: []string{"RAPPORT_DEMO=yes", "RAPPORT_URL=x", "RAPPORT_API_KEY=x", "RAPPORT_TEST_DATABASE=x", "RAPPORT_CONFIG=x",
		"RAPPORT_SERVICE_HOST=10.0.0.1", "RAPPORT_SERVICE_PORT=80", "RAPPORT_SERVICE_PORT_HTTP=80", "RAPPORT_PORT=tcp://10.0.0.1:80", "RAPPORT_PORT_80_TCP_ADDR=10.0.0.1"}})
	if err != nil {
		t.Error(err)
	}
}

func TestLoad_DemoAllowsWhatProductionRefuses(t *testing.T) {
	t.Parallel()
	env := []string{"RAPPORT_HTTP_ADDR=0.0.0.0:8080", "RAPPORT_PUBLIC_URL=http://rapport.example.com/", "RAPPORT_SECRET_KEY=changeme"}
	if _, err := Load(Options{Env: env}); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("outside demo: %v", err)
	}
	c, err := Load(Options{Env: append(env, "RAPPORT_DEMO=true")})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.PublicBase(); got != "http://rapport.example.com" {
		t.Errorf("public base %q", got)
	}
}

func TestLoad_ToolNeedsNoSecret(t *testing.T) {
	t.Parallel()
	if _, err := Load(Options{Env: []string{}, Role: RoleTool}); err != nil {
		t.Error(err)
	}
	if _, err := Load(Options{Env: []string{"RAPPORT_DATABASE_URL=mysql://h"}, Role: RoleTool}); err == nil {
		t.Error("a tool needs its database")
	}
}

func TestPublicBase(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80", ":81": "http://localhost:81", "0.0.0.0:82": "http://localhost:82", "[::]:83": "http://localhost:83", "[::1]:84": "http://[::1]:84",
	} {
		if got := (&Config{HTTP: HTTP{Addr: addr}}).PublicBase(); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
}
