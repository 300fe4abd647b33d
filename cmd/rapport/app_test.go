package main

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/config"
	"rapport/gateway"
	"rapport/store"
)

// start runs a server in this process, on free ports, and returns it with a shell whose commands find it.
func start(t *testing.T, seed bool, env ...string) (*App, *shell) {
	t.Helper()
	s := newShell(t, append([]string{"RAPPORT_DEMO=true", "RAPPORT_HTTP_ADDR=127.0.0.1:0", "RAPPORT_METRICS_ADDR=localhost:0",
		"RAPPORT_QUIET_HOURS_SMS_MARKETING_FROM=", "RAPPORT_QUIET_HOURS_SMS_MARKETING_UNTIL="}, env...)...)
	cfg, err := config.Load(config.Options{Env: s.env})
	if err != nil {
		t.Fatal(err)
	}
	app, err := Open(t.Context(), cfg, config.RoleServe, newLog(io.Discard, cfg.Log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Stop)
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seed {
		if err := app.seed(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.env = append(s.env, "RAPPORT_URL="+app.URL, "RAPPORT_API_KEY="+strings.TrimSpace(s.must("keys", "create", "--name", "test", "--scopes", "*")))
	return app, s
}

func TestDemo_IsASmallShopAndIsMadeOnce(t *testing.T) {
	t.Parallel()
	app, _ := start(t, true)
	ctx := t.Context()
	look := func() (customers int64, campaigns []*rapport.Campaign, threads []rapport.Thread) {
		customers, _, err := app.Store.CountCustomers(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if campaigns, _, err = app.Store.Campaigns(ctx, store.CampaignFilter{Page: store.Page{Limit: 10}}); err != nil {
			t.Fatal(err)
		}
		if threads, _, err = app.Store.Threads(ctx, store.ThreadFilter{Limit: 100}); err != nil {
			t.Fatal(err)
		}
		return customers, campaigns, threads
	}
	customers, campaigns, threads := look()
	if customers != 40 || len(campaigns) != 1 || campaigns[0].Status != rapport.CampaignFinished || len(threads) != 6 {
		t.Fatalf("%d customers, %d campaigns, %d threads", customers, len(campaigns), len(threads))
	}
	counts, err := app.Gateway.Ledger(ctx, campaigns[0])
	if err != nil {
		t.Fatal(err)
	}
	if counts.Planned != 40 || counts.Replied != 6 || counts.Skipped == 0 || counts.Sent+counts.Delivered+counts.Skipped != counts.Planned {
		t.Errorf("the ledger is %+v", *counts)
	}
	for _, th := range threads {
		if th.Campaign != campaigns[0].ID {
			t.Errorf("the thread %q answers no campaign", th.Preview)
		}
	}
	if err := app.seed(ctx); err != nil {
		t.Fatal(err)
	}
	if again, c, th := look(); again != customers || len(c) != 1 || len(th) != 6 {
		t.Errorf("seeding again made %d customers, %d campaigns, %d threads", again, len(c), len(th))
	}
}

// Two customers cannot share an address: the tour's file would have rows refused after the demo's data.
func TestDemo_SharesNoAddressWithTheTour(t *testing.T) {
	t.Parallel()
	customers, err := demoFile[[]gateway.CustomerInput]("customers.json")
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]bool{}
	for _, c := range customers {
		for _, a := range c.Addresses {
			if taken[a.Address] {
				t.Errorf("%s is there twice", a.Address)
			}
			taken[a.Address] = true
		}
	}
	f, err := os.Open("../../examples/customers.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for n, row := range table {
		for _, cell := range row {
			if cell != "" && taken[cell] {
				t.Errorf("line %d: %s is a demo customer's", n+1, cell)
			}
		}
	}
}

func TestCampaign_AFileGoesOutOnFourChannelsAndIsAccountedFor(t *testing.T) {
	t.Parallel()
	_, s := start(t, true)
	dry := s.must("campaign", "send", "--template", "promotion", "--purpose", "marketing", "--csv", "../../examples/customers.csv", "--dry-run")
	for _, want := range []string{"A dry run: nothing was sent", "email ", "sms ", "telegram ", "webhook ", "no_consent 40", "consent_withdrawn 20"} {
		if !strings.Contains(dry, want) {
			t.Errorf("%q is missing in\n%.800s", want, dry)
		}
	}
	out, errs, code := s.run("campaign", "send", "--template", "promotion", "--purpose", "marketing", "--csv", "../../examples/customers.csv", "--wait")
	if code != 0 || !strings.Contains(errs, "1000 recipients taken, 0 refused.") {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	if !regexp.MustCompile(`(?s)is finished.*recipients +1000.*messages +1000.*delivered +940 .*skipped +60 +no_consent 40, consent_withdrawn 20`).MatchString(out) {
		t.Fatalf("the ledger is\n%s", out)
	}
	id, _, _ := strings.Cut(out, "\n")
	if again := s.must("campaign", "watch", id); !strings.HasSuffix(out, again) {
		t.Errorf("watching it again says\n%s", again)
	}
	if status := s.must("campaign", "status", id, "--json"); !strings.Contains(status, `"delivered": 940`) {
		t.Errorf("the status is\n%s", status)
	}
	if why := s.must("campaign", "explain", id, "ext:tour-0001"); !strings.Contains(why, "telegram") || !strings.Contains(why, "passes") {
		t.Errorf("the explanation is\n%s", why)
	}
	if _, errs, code := s.run("campaign", "pause", id); code != 1 || !strings.Contains(errs, "finished") {
		t.Errorf("pausing what is finished: exit code %d, %s", code, errs)
	}
}

func TestCampaign_WaitsAndIsCancelled(t *testing.T) {
	t.Parallel()
	_, s := start(t, true)
	at := time.Now().Add(time.Hour).Format(time.RFC3339)
	id := strings.TrimSpace(s.must("campaign", "send", "--template", "win-back", "--purpose", "marketing", "--everyone", "--send-at", at, "--data", `{"url":"https://shop.example.com"}`))
	if out := s.must("campaign", "status", id); !strings.Contains(out, "is scheduled") {
		t.Errorf("it is not scheduled:\n%s", out)
	}
	if out := s.must("campaign", "pause", id); !strings.Contains(out, "is paused") {
		t.Errorf("it is not paused:\n%s", out)
	}
	if out := s.must("campaign", "resume", id); !strings.Contains(out, "is scheduled") {
		t.Errorf("it is not resumed:\n%s", out)
	}
	if out := s.must("campaign", "cancel", id); !strings.Contains(out, "is cancelled") {
		t.Errorf("it is not cancelled:\n%s", out)
	}
}

func TestCampaign_ABrokenFileSendsNothing(t *testing.T) {
	t.Parallel()
	app, s := start(t, true)
	file := s.file("broken.csv", "email\nanna@example.com\n\"ben@example.com\n")
	_, errs, code := s.run("campaign", "send", "--template", "promotion", "--purpose", "marketing", "--csv", file)
	if code != 1 || !strings.Contains(errs, "broken.csv") || !strings.Contains(errs, "line") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	rows, _, err := app.Store.Campaigns(t.Context(), store.CampaignFilter{Page: store.Page{Limit: 10}})
	if err != nil || len(rows) != 2 || rows[0].Status != rapport.CampaignCancelled {
		t.Errorf("the draft was not cancelled: %v", err)
	}
}

func TestImport_TellsWhichRowsWereRefused(t *testing.T) {
	t.Parallel()
	app, s := start(t, false)
	file := s.file("crm.csv", "E-Mail,Mobile,Notes\nanna@example.com,+447700900999,likes ferns\nnot an address,,\n")
	out, errs, code := s.run("import", file, "--mapping", "E-Mail=email,Mobile=sms", "--mapping", "Notes=-")
	if code != 0 || !strings.Contains(out, "line 3: email") || !strings.Contains(errs, "1 rows imported, 1 refused.") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if n, _, err := app.Store.CountCustomers(t.Context()); err != nil || n != 1 {
		t.Errorf("%d customers, %v", n, err)
	}
	if _, errs, code := s.run("import", file); code != 1 || !strings.Contains(errs, "E-Mail") || !strings.Contains(errs, "mapping") {
		t.Errorf("unknown columns: exit code %d, %s", code, errs)
	}
}

func TestImport_NothingTakenIsAnError(t *testing.T) {
	t.Parallel()
	_, s := start(t, false)
	out, errs, code := s.run("import", s.file("crm.csv", "email\nnot an address\nneither\n"))
	if code != 1 || !strings.Contains(out, "line 2: email") || !strings.Contains(errs, "nothing was imported: every row was refused") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if _, errs, code := s.run("import", s.file("crm.csv", "E-Mail\nanna@example.com\n"), "--mapping", "E-Mail=frob"); code != 1 || !strings.Contains(errs, `E-Mail (mapped to "frob"): is not a column`) {
		t.Errorf("a mapping to nothing: exit code %d, %s", code, errs)
	}
}

func TestCampaign_TakesAMappingAndRefusesAFileOfNobody(t *testing.T) {
	t.Parallel()
	_, s := start(t, true)
	send := func(csv string, flags ...string) (string, string, int) {
		return s.run(append([]string{"campaign", "send", "--template", "promotion", "--purpose", "marketing", "--csv", s.file("crm.csv", csv)}, flags...)...)
	}
	out, errs, code := send("E-Mail,Notes\nanna@example.com,likes ferns\n", "--mapping", "E-Mail=email,Notes=-", "--dry-run")
	if code != 0 || !strings.Contains(errs, "1 recipients taken, 0 refused.") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	out, errs, code = send("E-Mail\nanna@example.com\n", "--mapping", "E-Mail=frob")
	if code != 1 || !strings.Contains(errs, `E-Mail (mapped to "frob"): is not a column`) {
		t.Errorf("a mapping to nothing: exit code %d\n%s%s", code, out, errs)
	}
	out, errs, code = send("email\nnot an address\n", "--wait")
	if code != 1 || !strings.Contains(errs, "nothing was sent: every row was refused") || !strings.Contains(out, "line 2: ") || strings.Contains(out, "cmp_") {
		t.Errorf("a file of nobody: exit code %d\n%s%s", code, out, errs)
	}
}

func TestCampaignWatch_EndsQuietlyWithCtrlC(t *testing.T) {
	t.Parallel()
	_, s := start(t, true)
	at := time.Now().Add(time.Hour).Format(time.RFC3339)
	id := strings.TrimSpace(s.must("campaign", "send", "--template", "win-back", "--purpose", "marketing", "--everyone", "--send-at", at, "--data", `{"url":"https://shop.example.com"}`))
	var out, errs locked
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() { done <- (&cli{out: &out, err: &errs, env: s.env}).run(ctx, []string{"campaign", "watch", id}) }()
	for end := time.Now().Add(time.Minute); !strings.Contains(errs.String(), "scheduled: "); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not watch:\n%s%s", out.String(), errs.String())
		}
	}
	cancel()
	if code := <-done; code != 130 || strings.Contains(errs.String(), "rapport:") {
		t.Errorf("exit code %d\n%s", code, errs.String())
	}
}

func TestTemplate_IsSavedAndListed(t *testing.T) {
	t.Parallel()
	_, s := start(t, false)
	file := s.file("news.yaml", wholeTemplate)
	for range 2 { // the same text makes no new version
		if _, errs, code := s.run("template", "save", "news", file); code != 0 || !strings.Contains(errs, "news is at version 1.") {
			t.Fatalf("exit code %d, %s", code, errs)
		}
	}
	if out := s.must("template", "list"); !regexp.MustCompile(`news +1 +news`).MatchString(out) {
		t.Errorf("the list is\n%s", out)
	}
	bad := s.file("bad.json", `{"variants":[{"channel":"sms","text":"{{ x | nope }}"}]}`)
	if _, errs, code := s.run("template", "save", "news", bad); code != 1 || !strings.Contains(errs, `line 1: unknown filter "nope"`) {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func TestTemplateStarters_AreListedAndSaved(t *testing.T) {
	t.Parallel()
	_, s := start(t, false)
	if out := s.must("template", "starters"); out != "order-update\npromotion\nsurvey\nwelcome\nwin-back\n" {
		t.Errorf("the starters are\n%s", out)
	}
	s.must("template", "starters", "--save", "survey", "welcome")
	if out := s.must("template", "list"); !strings.Contains(out, "survey") || !strings.Contains(out, "welcome") || strings.Contains(out, "promotion") {
		t.Errorf("saved are\n%s", out)
	}
	if _, errs, code := s.run("template", "starters", "--save", "nope"); code != 1 || !strings.Contains(errs, "there are order-update, promotion") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func TestDoors_ForThoseWhoRunIt(t *testing.T) {
	t.Parallel()
	app, s := start(t, true)
	base := "http://" + app.metrics.Addr
	get := func(path string) string {
		resp, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v", path, resp.Status, err)
		}
		return string(b)
	}
	for path, want := range map[string]string{"/healthz": "alive", "/readyz": "ready", "/debug/pprof/": "goroutine"} {
		if got := get(path); !strings.Contains(got, want) {
			t.Errorf("%s says %q", path, got)
		}
	}
	s.must("template", "list")
	metrics := get("/metrics")
	for _, want := range []string{
		`rapport_sends_total{channel="email",provider="sandbox-email",verdict="ok"}`, `rapport_send_seconds_bucket{channel="telegram"`,
		`rapport_http_request_seconds_count{method="GET",route="/v1/templates",status="200"}`, `rapport_due_batches{lane="bulk"} 0`, `rapport_oldest_due_batch_seconds{lane="fast"}`,
		"rapport_hints_lost_total 0", `rapport_provider_healthy{channel="sms",provider="sandbox-sms"} 1`, "rapport_workers 1", `rapport_database_connections{pool="write",state="idle"}`,
		`rapport_open_campaigns{status="running"} 0`, "go_goroutines", "rapport_build_info",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%s is missing in /metrics", want)
		}
	}
	for _, addr := range []string{"RAPPORT_METRICS_ADDR=" + app.metrics.Addr, "RAPPORT_METRICS_ADDR="} {
		probe := &shell{t, []string{addr, "RAPPORT_HTTP_ADDR=" + strings.TrimPrefix(app.URL, "http://")}}
		if out, errs, code := probe.run("healthcheck"); code != 0 || out != "" || errs != "" {
			t.Errorf("%s: exit code %d, %q, %q", addr, code, out, errs)
		}
	}
}

// Traces go through OpenTelemetry's one global provider, so this test runs alone.
func TestTraces_OfRequestsAndSendsReachTheCollector(t *testing.T) {
	var mu sync.Mutex
	var got strings.Builder
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got.WriteString(r.URL.Path)
		got.Write(b)
	}))
	defer collector.Close()
	app, s := start(t, true, "RAPPORT_OTEL_ENDPOINT="+collector.URL)
	s.must("template", "list")
	if err := app.traces(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"/v1/traces", "GET /v1/templates", "send telegram", "sandbox-telegram", "rapport.verdict"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("the collector did not hear of %q", want)
		}
	}
}

func TestServe_TellsTheKeyAtTheFirstRunOnlyAndStopsClean(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"RAPPORT_DEMO=true", "RAPPORT_SECRET_KEY=" + ownKey} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			tellsTheKeyOnce(t, newShell(t, mode, "RAPPORT_HTTP_ADDR=127.0.0.1:0", "RAPPORT_METRICS_ADDR="))
		})
	}
}

func tellsTheKeyOnce(t *testing.T, s *shell) {
	for run := range 2 {
		var out, errs locked
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan int, 1)
		go func() { done <- (&cli{out: &out, err: &errs, env: s.env}).run(ctx, []string{"serve", "--empty"}) }()
		for end := time.Now().Add(time.Minute); !strings.Contains(out.String(), "Ctrl-C stops"); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("it is not ready:\n%s%s", out.String(), errs.String())
			}
		}
		cancel()
		if code := <-done; code != 0 || !strings.Contains(errs.String(), "stopped") {
			t.Errorf("exit code %d\n%s", code, errs.String())
		}
		if told := strings.Contains(out.String(), "RAPPORT_API_KEY=rpt_live_"); told != (run == 0) {
			t.Errorf("run %d told a key: %v\n%s", run+1, told, out.String())
		}
		if strings.Contains(errs.String(), "rpt_live_") {
			t.Error("the log holds the key")
		}
	}
}

// ownKey is a secret key as people make them.
const ownKey = "q9Yd0m1xkVb7wS3Zr5TnU8eJcL2hPfGaXoIiKqEtW4A="

// locked is a buffer that one goroutine writes and another reads.
type locked struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// What the repository ships as an example starts, once the variables that it names are set.
func TestExample_Opens(t *testing.T) {
	for name, value := range map[string]string{"SMTP_PASSWORD": "hunter22", "TWILIO_ACCOUNT_SID": "AC" + strings.Repeat("0a", 16), "TWILIO_AUTH_TOKEN": strings.Repeat("1b", 16),
		"TELEGRAM_TOKEN": "123456:" + strings.Repeat("A", 35), "WEBHOOK_SECRET": strings.Repeat("c", 32)} {
		t.Setenv(name, value)
	}
	s := newShell(t, append(os.Environ(), "RAPPORT_SECRET_KEY="+ownKey)...)
	cfg, err := config.Load(config.Options{File: "../../rapport.example.yaml", Env: s.env})
	if err != nil {
		t.Fatal(err)
	}
	app, err := Open(t.Context(), cfg, config.RoleServe, newLog(io.Discard, cfg.Log))
	if err != nil {
		t.Fatal(err)
	}
	app.Stop()
}
