package main

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"rapport"
	"rapport/api"
	"rapport/assistant"
	"rapport/channels"
	"rapport/channels/all"
	"rapport/channels/webhook"
	"rapport/config"
	"rapport/gateway"
	"rapport/queue"
	"rapport/store"
	"rapport/templates"
)

// App is one running process: everything that is opened, wired together. It is a type, and not a main
// function, because end-to-end tests run it too.
type App struct {
	Config  *config.Config
	Log     *slog.Logger
	Store   *store.Store
	Gateway *gateway.Gateway
	Hub     *channels.Hub
	HTTP    server
	URL     string // where the API answers, once Start has returned

	role     config.Role
	box      *gateway.Box
	redis    *queue.Embedded
	queue    *queue.Queue
	watch    *watch
	metrics  *metricsServer
	traces   func(context.Context) error
	boxStop  context.CancelFunc
	boxDone  sync.WaitGroup
	listener net.Listener
	started  bool
	ending   sync.Once
}

// server is the API's, whatever it is made of.
type server interface {
	Listener(net.Listener) error
	ShutdownWithContext(context.Context) error
}

// Open prepares a process without starting it: nothing is sent and nobody can connect before Start.
func Open(ctx context.Context, cfg *config.Config, role config.Role, log *slog.Logger) (_ *App, err error) {
	a := &App{Config: cfg, Log: log, role: role}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	secret, err := secretKeys(cfg)
	if err != nil {
		return nil, err
	}
	if a.Store, err = store.Open(ctx, store.Options{URL: cfg.DatabaseURL.Reveal(), DataDir: cfg.DataDir}); err != nil {
		return nil, err
	}
	if role == config.RoleServe {
		err = a.Store.Migrate(ctx) // one process, one owner of the schema
	} else {
		err = a.Store.Current(ctx)
	}
	if err != nil {
		return nil, err
	}
	setHashKey(a.Store, secret)
	if err := arrive(ctx, cfg, a.Store, log); err != nil {
		return nil, err
	}
	a.warnOfQuarantine(ctx)
	a.box = gateway.NewBox(a.Store)
	a.watch = newWatch()
	settings, err := gatewaySettings(cfg, secret)
	if err != nil {
		return nil, err
	}
	var g *gateway.Gateway
	a.Hub = channels.NewHub(all.Drivers(a.box), channels.HubOptions{Log: log, PublicURL: cfg.PublicBase(), ResolveSecret: config.ResolveSecret, Demo: cfg.Demo,
		ReplyToken: func(id rapport.ID) string { return g.ReplyToken(id) }, Observe: a.watch.observe, Dropped: a.watch.drop})
	g = gateway.New(a.Store, a.Hub, log, settings)
	g.Courier = webhook.NewCourier(cfg.Endpoints.AllowNetworks, nil)
	a.Gateway = g
	g.FileProviders = entriesOf(cfg)
	if cfg.Demo {
		g.FileProviders = append(g.FileProviders, demoProviders(g.FileProviders)...)
	}
	if err := g.LoadProviders(ctx); err != nil {
		return nil, err
	}
	url := cfg.RedisURL.Reveal()
	if url == "" {
		if a.redis, err = queue.StartEmbedded(); err != nil {
			return nil, err
		}
		url = a.redis.URL()
	}
	if a.queue, err = queue.Open(url, log); err != nil {
		return nil, err
	}
	g.Hint = a.queue.Hint
	return a, nil
}

// pricesOf takes the prices from the settings; a demo without any has some that are believable, so that estimates show what they can.
func pricesOf(cfg *config.Config) gateway.Prices {
	p := cfg.Prices
	if cfg.Demo && p.Currency == "" {
		p = config.Prices{Currency: "EUR", Email: 0.1, SMS: 7, WhatsApp: 5.5}
	}
	return gateway.Prices{Currency: p.Currency, Minor: map[rapport.Channel]float64{rapport.Email: p.Email, rapport.SMS: p.SMS, rapport.WhatsApp: p.WhatsApp, rapport.Telegram: p.Telegram, rapport.Webhook: p.Webhook}}
}

// demoProviders lets the sandbox stand in for every channel that has no provider.
func demoProviders(have []channels.Entry) []channels.Entry {
	taken := map[rapport.Channel]bool{}
	for _, e := range have {
		taken[e.Channel] = true
	}
	var out []channels.Entry
	for _, c := range rapport.Channels {
		if !taken[c] {
			out = append(out, channels.Entry{Name: "sandbox-" + string(c), Driver: "sandbox", Channel: c, Priority: 100, ReadOnly: true})
		}
	}
	return out
}

// Start runs the process's loops and opens its doors.
func (a *App) Start(ctx context.Context) error {
	host, _ := os.Hostname()
	name := host + ":" + strconv.Itoa(os.Getpid())
	if err := a.Gateway.Start(ctx, name, gateway.Role{Name: string(a.role), Deliver: a.role != config.RoleAPI, Listen: a.role != config.RoleWorker}); err != nil {
		return err
	}
	a.started = true
	run, cancel := context.WithCancel(context.Background())
	a.boxStop = cancel
	a.boxDone.Add(1)
	go func() { defer a.boxDone.Done(); a.box.Run(run, a.Gateway) }()
	var err error
	if a.traces, err = startTraces(ctx, a.Config.OTel.Endpoint); err != nil {
		return err
	}
	if a.metrics, err = startMetrics(a.Config.Metrics.Addr, a, a.Log); err != nil {
		return err
	}
	if a.role != config.RoleAPI {
		d := a.Config.Delivery
		if err := a.queue.Serve(a.Gateway, d.BulkWorkers, d.FastWorkers); err != nil {
			a.Log.Warn("Redis cannot be reached; the sweeper finds the work meanwhile", "error", err)
		}
		a.Gateway.SetUpProviders(ctx)
	}
	if a.role == config.RoleWorker {
		return nil
	}
	a.HTTP = api.New(a.apiOptions())
	if a.listener, err = net.Listen("tcp", a.Config.HTTP.Addr); err != nil {
		return fmt.Errorf("http.addr: %w", err)
	}
	a.URL = "http://" + a.listener.Addr().String()
	go func() {
		if err := a.HTTP.Listener(a.listener); err != nil {
			a.Log.Error("the HTTP server ended", "error", err)
		}
	}()
	return nil
}

// Ready tells whether this process can do its work: the database answers and has this binary's schema.
func (a *App) Ready(ctx context.Context) error { return a.Store.Ping(ctx) }

// Stop takes no more work, lets what is on the wire end and be recorded, and closes everything, within
// shutdown.timeout. Twice is once.
func (a *App) Stop() { a.ending.Do(a.stop) }

func (a *App) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), a.Config.Shutdown.Timeout)
	defer cancel()
	if a.HTTP != nil {
		if err := a.HTTP.ShutdownWithContext(ctx); err != nil {
			a.Log.Warn("some requests had not ended", "error", err)
		}
	}
	if a.queue != nil {
		a.queue.Quiesce()
	}
	if a.started {
		a.Gateway.Stop(ctx)
	}
	if a.boxStop != nil {
		a.boxStop()
		a.boxDone.Wait()
	}
	if a.traces != nil {
		if err := a.traces(ctx); err != nil {
			a.Log.Warn("the last traces were not handed over", "error", err)
		}
	}
	a.close()
}

func (a *App) close() {
	if a.metrics != nil {
		a.metrics.close()
	}
	if a.queue != nil {
		a.queue.Close()
	}
	if a.Hub != nil {
		a.Hub.Close()
	}
	if a.redis != nil {
		a.redis.Close()
	}
	if a.Store != nil {
		a.Store.Close()
	}
}

// secretKeys are the keys of secret_key. In demo mode a missing one is made once and kept beside the data.
func secretKeys(cfg *config.Config) ([][]byte, error) {
	var out [][]byte
	for _, k := range cfg.SecretKeys() {
		out = append(out, []byte(k.Reveal()))
	}
	if len(out) > 0 {
		return out, nil
	}
	if !cfg.Demo {
		return nil, errors.New("secret_key: is empty; set RAPPORT_SECRET_KEY to the output of: openssl rand -base64 32")
	}
	path := filepath.Join(cfg.DataDir, "demo.secret")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw := make([]byte, 32)
		rand.Read(raw)
		b = []byte(base64.StdEncoding.EncodeToString(raw))
		if err = os.MkdirAll(cfg.DataDir, 0o700); err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("keeping the demo's secret: %w", err)
	}
	return [][]byte{b}, nil
}

// derive makes a key for one use out of a secret (RFC 5869), so that no two uses share one.
func derive(secret []byte, use string) []byte {
	k, err := hkdf.Key(sha256.New, secret, nil, "rapport/"+use, 32)
	if err != nil {
		panic(err) // only for lengths that are not 32
	}
	return k
}

func gatewaySettings(cfg *config.Config, secret [][]byte) (gateway.Settings, error) {
	zone, err := time.LoadLocation(cfg.DefaultTimezone)
	if err != nil {
		return gateway.Settings{}, fmt.Errorf("default_timezone: %w", err)
	}
	s := gateway.Settings{PublicURL: cfg.PublicBase(), DefaultLocale: cfg.DefaultLocale, DefaultZone: zone, DefaultRegion: cfg.DefaultRegion,
		DefaultPolicy: rapport.Policy(cfg.Consent.DefaultPolicy), Company: templates.Company{Name: cfg.Company.Name, PostalAddress: cfg.Company.PostalAddress},
		QuietMarketing: map[rapport.Channel]*rapport.QuietHours{}, GroupSize: cfg.Delivery.GroupSize, BulkWorkers: cfg.Delivery.BulkWorkers, FastWorkers: cfg.Delivery.FastWorkers,
		MaxAttempts: cfg.Delivery.MaxAttempts, DeadAfter: cfg.Delivery.WorkerDeadAfter, AskMarketing: cfg.Delivery.AskAfter.Marketing, AskTransaction: cfg.Delivery.AskAfter.Transactional,
		Hold: cfg.Delivery.Hold, EscalateAfter: cfg.Delivery.EscalateAfter, InlineCustomers: cfg.Limits.InlineCustomers,
		Prices:     pricesOf(cfg),
		KeepStream: cfg.Events.Keep, KeepNotices: int64(cfg.Events.KeepMost), JournalDir: filepath.Join(cfg.DataDir, "journal"), ReadMail: readMail}
	if a := cfg.Assistant; a.URL != "" {
		client, err := assistant.New(assistant.Options{URL: a.URL, Key: a.Key.Reveal(), Model: a.Model, Timeout: a.Timeout, AllowNetworks: a.AllowNetworks})
		if err != nil {
			return s, fmt.Errorf("assistant: %w", err)
		}
		s.Assistant = gateway.Assistant{Client: client, Understand: a.Understand, Drafts: a.Drafts, Names: a.Names}
	}
	reopen := cfg.Threads.ReopenWithin
	s.ReopenWithin = map[rapport.Channel]time.Duration{rapport.Email: reopen.Email, rapport.SMS: reopen.Texts, rapport.WhatsApp: reopen.WhatsApp, rapport.Telegram: reopen.Telegram, rapport.Webhook: reopen.Webhook}
	r := cfg.Replies
	s.Replies = gateway.Replies{}
	for name, w := range map[string]config.Words{"stopped": r.Stopped, "stopped_mail": r.StoppedMail, "started": r.Started, "help": r.Help, "contact": r.Contact, "linked": r.Linked} {
		s.Replies[name] = map[string]string{"en": w.EN, "ru": w.RU}
	}
	if q := cfg.QuietHours.SMSMarketing; q.From != "" {
		h := &rapport.QuietHours{From: minutes(q.From), Until: minutes(q.Until)}
		s.QuietMarketing[rapport.SMS], s.QuietMarketing[rapport.WhatsApp] = h, h
	}
	for _, k := range secret {
		s.Keys = append(s.Keys, derive(k, "links"))
		s.Seals = append(s.Seals, derive(k, "seals"))
	}
	return s, nil
}

// minutes reads "HH:MM", which the configuration has checked.
func minutes(s string) int {
	h, m, _ := strings.Cut(s, ":")
	hours, _ := strconv.Atoi(h)
	mins, _ := strconv.Atoi(m)
	return hours*60 + mins
}
