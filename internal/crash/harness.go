package crash

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rapport"
)

// Run describes one run.
type Run struct {
	Seed     uint64
	Bin      string        // the binary
	Dir      string        // for its data, configuration and logs
	Database string        // postgres://...; "": SQLite
	Redis    string        // redis://...; with PostgreSQL only
	Workers  int           // with PostgreSQL: so many beside one api; else everything is one process
	Messages int           // recipients, on the four channels in turn
	Latency  time.Duration // of the sinks
	Window   int           // messages that a process may have in flight with one provider
	// Impatient ends doubt that nobody can settle as soon as nothing else is left, instead of after the minute
	// that is the shortest hold.
	Impatient bool
	Purpose   rapport.Purpose // of the campaign; "": marketing
	Rate      float64         // messages a second that each provider takes; 0: as many as go
	// Shared says that other scenarios run on this machine at the same time, so that the first send after a restart
	// may take longer than it may otherwise.
	Shared bool
	// Prepare, when set, changes the sinks before the configuration names them, and Settings the configuration
	// before it is written.
	Prepare  func(*Sinks) error
	Settings func(map[string]any)
}

// Harness is the processes of a run and the sinks they send to.
type Harness struct {
	Run
	Sinks *Sinks
	Kills int // so far

	rand     *rand.Rand
	url      string
	key      string
	procs    []*process
	campaign string
	submits  int // requests that Submit had to make
	stopped  int // times that StopPoller stopped one

	first  Spread            // from a restart to the first message after it
	exits  Spread            // from SIGTERM to the end
	killed map[int]time.Time // when, by pid
}

// channels are served in turn.
var channels = []rapport.Channel{rapport.Email, rapport.SMS, rapport.Telegram, rapport.Webhook}

// Start writes the configuration, prepares the database and starts the processes. Close ends them.
func Start(ctx context.Context, r Run) (_ *Harness, err error) {
	h := &Harness{Run: r, rand: rand.New(rand.NewPCG(r.Seed, 0)), killed: map[int]time.Time{}}
	if h.Sinks, err = StartSinks(r.Latency); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	if r.Prepare != nil {
		if err := r.Prepare(h.Sinks); err != nil {
			return nil, err
		}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	h.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	if err := h.configure(); err != nil {
		return nil, err
	}
	if _, err := h.command(ctx, "migrate"); err != nil {
		return nil, err
	}
	if err := h.witness(ctx); err != nil {
		return nil, err
	}
	if r.Database != "" {
		h.procs = append(h.procs, &process{h: h, name: "api", role: "api"})
		for n := range r.Workers {
			h.procs = append(h.procs, &process{h: h, name: fmt.Sprintf("worker%d", n+1), role: "worker"})
		}
	} else {
		h.procs = append(h.procs, &process{h: h, name: "serve", role: "serve"})
	}
	for _, p := range h.procs {
		if err := p.start(); err != nil {
			return nil, err
		}
	}
	for _, p := range h.procs {
		if err := p.ready(ctx); err != nil {
			return nil, err
		}
	}
	out, err := h.command(ctx, "keys", "create", "--name", "crash", "--scopes", "*")
	h.key = strings.TrimSpace(out)
	return h, err
}

// Close kills what still runs.
func (h *Harness) Close() {
	for _, p := range h.procs {
		p.kill()
	}
	h.Sinks.Close()
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (h *Harness) configure() error {
	provider := func(name, driver string, ch rapport.Channel, settings map[string]any) map[string]any {
		return map[string]any{"name": name, "driver": driver, "channel": ch, "rate": h.Rate, "settings": settings}
	}
	cfg := map[string]any{
		"data_dir": filepath.Join(h.Dir, "data"), "secret_key": "Y3Jhc2ggdGVzdHMgbmVlZCBubyByZWFsIHNlY3JldCE=",
		"public_url": h.url, "http": map[string]any{"addr": strings.TrimPrefix(h.url, "http://")},
		"log": map[string]any{"format": "json"}, "quiet_hours": map[string]any{"sms_marketing": map[string]any{"from": "", "until": ""}},
		"delivery": map[string]any{"window": h.Window, "hold": "1m",
			"ask_after": map[string]any{"marketing": "4s", "transactional": "4s"}},
		"providers": []any{
			provider("mail", "email", rapport.Email, map[string]any{"host": h.Sinks.Mail.Host(), "port": h.Sinks.Mail.Port(), "tls": "none", "from": "Crash <crash@sink.example>",
				"connections": h.Window, "timeout": "3s", "dot_timeout": "3s"}),
			provider("sms", "twilio", rapport.SMS, map[string]any{"account_sid": twilioSID, "auth_token": twilioToken, "from": "+15005550006", "base_url": h.Sinks.twilioURL, "timeout": "3s"}),
			provider("bot", "telegram", rapport.Telegram, map[string]any{"token": telegramToken, "api_url": h.Sinks.botURL, "timeout": "3s"}),
			provider("hook", "webhook", rapport.Webhook, map[string]any{"secret": hookSecret, "allow_networks": []string{"127.0.0.0/8"}, "timeout": "3s", "connections": h.Window}),
		},
	}
	if h.Database != "" {
		cfg["database_url"], cfg["redis_url"] = h.Database, h.Redis
	}
	if h.Settings != nil {
		h.Settings(cfg)
	}
	raw, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(h.config(), raw, 0o600) // JSON is YAML
}

func (h *Harness) config() string { return filepath.Join(h.Dir, "rapport.yaml") }

// environment is ours without what would be taken for settings.
func environment() []string {
	var out []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "RAPPORT_") {
			out = append(out, e)
		}
	}
	return out
}

// command runs the binary to its end and returns what it printed.
func (h *Harness) command(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, h.Bin, append(args, "--config", h.config())...)
	cmd.Env = environment()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("rapport %s: %w: %s", args[0], err, said.String())
	}
	return string(out), nil
}

// process is one running rapport.
type process struct {
	h    *Harness
	name string
	role string // the command

	cmd   *exec.Cmd
	ended chan struct{}
	door  string // where it tells how it is, once it has started
}

// Log is where the processes write.
func (h *Harness) Log() string { return filepath.Join(h.Dir, "log") }

func (p *process) start() error {
	log, err := os.OpenFile(p.h.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	port, err := freePort()
	if err != nil {
		return err
	}
	p.door = fmt.Sprintf("127.0.0.1:%d", port)
	p.cmd = exec.Command(p.h.Bin, p.role, "--config", p.h.config(), "--metrics.addr", p.door)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = environment(), log, log
	p.cmd.SysProcAttr = dieWithUs()
	p.ended = make(chan struct{})
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) { _ = cmd.Wait(); close(ended) }(p.cmd, p.ended)
	return nil
}

// kill is SIGKILL; it returns when the process is gone.
func (p *process) kill() {
	if p.cmd != nil && p.cmd.Process != nil {
		p.h.killed[p.cmd.Process.Pid] = time.Now()
	}
	_ = p.end(syscall.SIGKILL, 10*time.Second)
}

// end sends a signal and waits for the process to be gone.
func (p *process) end(sig syscall.Signal, limit time.Duration) error {
	cmd, ended := p.cmd, p.ended
	if cmd == nil || cmd.Process == nil {
		return nil
	}
	select {
	case <-ended:
		return fmt.Errorf("%s had ended by itself: %s", p.name, cmd.ProcessState)
	default:
	}
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-ended:
	case <-time.After(limit):
		return fmt.Errorf("%s was still there %v after %v", p.name, limit, sig)
	}
	if sig != syscall.SIGKILL && !cmd.ProcessState.Success() {
		return fmt.Errorf("%s ended with %s after %v", p.name, cmd.ProcessState, sig)
	}
	return nil
}

// ready waits until the process has started, and its API, when it has one, answers.
func (p *process) ready(ctx context.Context) error {
	doors := []string{"http://" + p.door + "/metrics"}
	if p.role != "worker" {
		doors = append(doors, p.h.url+"/readyz")
	}
	return p.h.until(ctx, 30*time.Second, p.name+" is ready", func() (bool, error) {
		for _, door := range doors {
			resp, err := http.Get(door)
			if err != nil {
				return false, nil
			}
			resp.Body.Close()
			if resp.StatusCode >= 300 {
				return false, nil
			}
		}
		return true, nil
	})
}

func (h *Harness) until(ctx context.Context, limit time.Duration, what string, ok func() (bool, error)) error {
	for deadline := time.Now().Add(limit); ; {
		done, err := ok()
		if done || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("did not happen within %v: %s", limit, what)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// call is one request to the API; what it answers goes into out.
func (h *Harness) call(ctx context.Context, method, path, contentType string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, h.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %.2000s", method, path, resp.Status, said)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(said, out)
}

func (h *Harness) send(ctx context.Context, method, path string, in, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return h.call(ctx, method, path, "application/json", bytes.NewReader(raw), out)
}

// Launch sends a marketing campaign to Messages recipients, each with one address and the consent for it:
// streamed into a draft, as large audiences are.
func (h *Harness) Launch(ctx context.Context) error {
	if err := h.Template(ctx); err != nil {
		return err
	}
	var made struct{ ID string }
	draft := map[string]any{"name": "crash", "purpose": cmp.Or(h.Purpose, rapport.Marketing), "template": "crash", "status": "draft"}
	if err := h.send(ctx, http.MethodPost, "/v1/campaigns", draft, &made); err != nil {
		return err
	}
	h.campaign = made.ID
	rows, writer := io.Pipe()
	go func() { writer.CloseWithError(h.write(writer)) }()
	var took struct{ Added, Refused int64 }
	err := h.call(ctx, http.MethodPost, "/v1/campaigns/"+h.campaign+"/recipients", "application/x-ndjson", rows, &took)
	rows.Close() // lets the writer go when the answer came early
	if err != nil {
		return err
	}
	if took.Added != int64(h.Messages) || took.Refused != 0 {
		return fmt.Errorf("%d recipients were taken and %d refused, of %d", took.Added, took.Refused, h.Messages)
	}
	return h.send(ctx, http.MethodPost, "/v1/campaigns/"+h.campaign+"/launch", map[string]any{}, nil)
}

func (h *Harness) write(w io.Writer) error {
	lines := json.NewEncoder(w)
	for n := range h.Messages {
		if err := lines.Encode(h.recipient(n)); err != nil {
			return err
		}
	}
	return nil
}

// recipient n is reached on one channel, and has consented to it.
func (h *Harness) recipient(n int) map[string]any {
	ch := channels[n%len(channels)]
	return map[string]any{"external_id": fmt.Sprintf("r-%d", n), "name": fmt.Sprintf("Recipient %d", n), "data": map[string]any{"n": n},
		"addresses": []any{map[string]any{"channel": ch, "address": h.Sinks.Address(ch, n)}},
		"consents":  []any{map[string]any{"channel": ch, "purpose": "marketing", "topic": "crash", "granted": true, "source": "test"}}}
}

// Submit sends an inline campaign of n recipients, all reached by webhook, under one Idempotency-Key: again
// and again until it is taken, as a careful caller does whose server dies under it.
func (h *Harness) Submit(ctx context.Context, name string, from, n int) error {
	people := make([]any, n)
	for i := range people {
		people[i] = map[string]any{"external_id": fmt.Sprintf("r-%d", from+i), "data": map[string]any{"n": from + i}, "name": "Recipient",
			"addresses": []any{map[string]any{"channel": rapport.Webhook, "address": h.Sinks.Address(rapport.Webhook, from+i)}}}
	}
	return h.insist(ctx, "/v1/campaigns", name, map[string]any{"name": name, "purpose": "transactional", "template": "crash", "audience": map[string]any{"customers": people}})
}

// insist sends a request under one Idempotency-Key until it is accepted.
func (h *Harness) insist(ctx context.Context, path, key string, in any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return h.until(ctx, time.Minute, key+" is accepted", func() (bool, error) {
		h.submits++
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+path, bytes.NewReader(body))
		if err != nil {
			return false, err
		}
		req.Header.Set("Authorization", "Bearer "+h.key)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, nil // killed under us
		}
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		switch {
		case err != nil, resp.StatusCode == http.StatusConflict, resp.StatusCode >= 500:
			return false, nil
		case resp.StatusCode != http.StatusAccepted:
			return false, fmt.Errorf("%s: %s: %.500s", key, resp.Status, said)
		}
		return true, nil
	})
}

// Template saves the template that all runs send, for the four channels.
func (h *Harness) Template(ctx context.Context) error {
	return h.send(ctx, http.MethodPut, "/v1/templates/crash", map[string]any{"topic": "crash", "variants": []any{
		map[string]any{"channel": "email", "subject": "Hello {{ customer.name }}", "text": "Number {{ data.n }}, {{ customer.name }}."},
		map[string]any{"channel": "sms", "text": "Number {{ data.n }}"},
		map[string]any{"channel": "telegram", "text": "Number {{ data.n }}"},
		map[string]any{"channel": "webhook", "body": map[string]any{"n": "{{ data.n }}"}},
	}}, nil)
}

// View is what the API says about the campaign.
type View struct {
	Status  rapport.CampaignStatus
	Refused int64
	Counts  rapport.Counts
}

// View asks the API.
func (h *Harness) View(ctx context.Context) (v View, err error) {
	err = h.call(ctx, http.MethodGet, "/v1/campaigns/"+url.PathEscape(h.campaign), "", nil, &v)
	return v, err
}

// Drain waits until the campaign is finished. It returns how long that took, and how long until nothing was
// left but doubt that is held.
func (h *Harness) Drain(ctx context.Context, limit time.Duration) (settled, finished time.Duration, err error) {
	begin := time.Now()
	for _, p := range h.procs {
		if err := p.ready(ctx); err != nil {
			return 0, 0, err
		}
	}
	var last View
	err = h.until(ctx, limit, "the campaign is finished", func() (bool, error) {
		v, err := h.View(ctx)
		if err != nil {
			return false, err
		}
		last = v
		if v.Status == rapport.CampaignFinished {
			return true, nil
		}
		if v.Status == rapport.CampaignRunning && v.Counts.Pending+v.Counts.Sending == 0 {
			if settled == 0 {
				settled = time.Since(begin)
			}
			if err := h.wind(ctx); err != nil {
				return false, err
			}
		}
		return false, pause(ctx, 200*time.Millisecond)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("%w; it stands at %+v", err, last)
	}
	return settled, time.Since(begin), nil
}
