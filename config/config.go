// Package config is everything an operator can set: one typed struct, filled from defaults, a YAML
// file, the environment and flags, in that order, and checked once at start.
//
// The struct is the only declaration. Tags carry the key, the default and the help text; the
// environment names, the README's table, the refusal of unknown keys and the limits are read from
// it. Other packages receive plain values, never this struct.
package config

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Config is the whole configuration. Its text forms (fmt, slog, JSON) show no secret.
//
// Tags: key is the name in the file; default is what [Default] sets, in the same notation as the
// environment; help is one line for people; min, max and oneof are checked by [Config.Validate].
type Config struct {
	Demo      bool   `key:"demo" default:"false" help:"Try it out: weak or missing secrets are allowed (a missing one is made and kept in the data directory), and plain http too. Never in production."`
	PublicURL string `key:"public_url" help:"Address under which the world reaches this server, for links and callbacks. https unless it is this machine. Empty: http.addr, when that is loopback."`
	DataDir   string `key:"data_dir" default:"./data" help:"Directory for what is kept on disk: the SQLite database, attachments."`

	DatabaseURL Secret `key:"database_url" help:"postgres://user:password@host/name. Empty: SQLite in the data directory, one process only."`
	RedisURL    Secret `key:"redis_url" help:"redis://, rediss://, redis-sentinel:// or redis-cluster://. Empty: embedded, one process only."`
	SecretKey   Secret `key:"secret_key" help:"Seals provider secrets and signs links: 32 random bytes, as openssl rand -base64 32 prints them. Several, separated by commas: the first seals, all open."`

	DefaultLocale   string `key:"default_locale" default:"en" help:"Language of customers who have none (BCP 47)."`
	DefaultTimezone string `key:"default_timezone" default:"UTC" help:"Zone of customers who have none (IANA name, like Europe/Riga). Quiet hours then also hold while it is night where their phone number is at home."`
	DefaultRegion   string `key:"default_region" help:"Country (ISO 3166, like LV) of phone numbers written without +. Empty: such numbers are refused."`

	HTTP       HTTP       `key:"http"`
	Metrics    Metrics    `key:"metrics"`
	Log        Log        `key:"log"`
	Delivery   Delivery   `key:"delivery"`
	Consent    Consent    `key:"consent"`
	QuietHours QuietHours `key:"quiet_hours"`
	Threads    Threads    `key:"threads"`
	Limits     Limits     `key:"limits"`
	Events     Events     `key:"events"`
	Endpoints  Endpoints  `key:"endpoints"`
	CTI        CTI        `key:"cti"`
	Company    Company    `key:"company"`
	Replies    Replies    `key:"replies"`
	Assistant  Assistant  `key:"assistant"`
	Prices     Prices     `key:"prices"`
	OTel       OTel       `key:"otel"`
	Shutdown   Shutdown   `key:"shutdown"`

	Providers []Provider `key:"providers" help:"Providers, in the file or as a JSON list in the environment; more can be added through the API."`
}

// HTTP is the door for clients, agents and providers' callbacks.
type HTTP struct {
	Addr           string         `key:"addr" default:"127.0.0.1:8080" help:"Address to listen on; :8080 listens on every interface."`
	ReadTimeout    time.Duration  `key:"read_timeout" default:"30s" min:"1s" help:"Longest wait for the next piece of a request."`
	IdleTimeout    time.Duration  `key:"idle_timeout" default:"60s" min:"1s" help:"How long an idle connection is kept open."`
	TrustedProxies []netip.Prefix `key:"trusted_proxies" help:"Addresses or networks whose X-Forwarded-For is believed. Empty: nobody's."`
}

// Metrics is a door of its own, so that it need not be open to the world.
type Metrics struct {
	Addr string `key:"addr" default:"127.0.0.1:9090" help:"Address of /metrics and pprof. Empty: off."`
}

// Log says how much is logged, and how.
type Log struct {
	Level  string `key:"level" default:"info" oneof:"debug info warn error" help:"Least severe line that is written."`
	Format string `key:"format" default:"text" oneof:"text json" help:"One line of text, or of JSON, an event."`
}

// SlogLevel is Level for log/slog.
func (l Log) SlogLevel() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return slog.LevelInfo // Validate has refused every other word
	}
	return level
}

// Delivery is how messages leave.
type Delivery struct {
	BulkWorkers     int           `key:"bulk_workers" default:"8" min:"1" max:"1000" help:"Campaign batches worked on at once in a process."`
	FastWorkers     int           `key:"fast_workers" default:"4" min:"1" max:"1000" help:"The same for single messages, replies and confirmations, which never wait behind campaigns."`
	Window          int           `key:"window" default:"0" min:"0" max:"100000" help:"Messages handed to one provider and not yet recorded; a lost machine leaves at most so many in doubt, a killed process only those that were on a connection. 0: 384, or 8 for each connection if that is more; for the sandbox 100."`
	GroupSize       int           `key:"group_size" default:"256" min:"1" max:"256" help:"Outcomes recorded in one transaction at most."`
	MaxAttempts     int           `key:"max_attempts" default:"8" min:"1" max:"100" help:"Attempts before a message that can be retried has failed."`
	WorkerDeadAfter time.Duration `key:"worker_dead_after" default:"10s" min:"3s" max:"10m" help:"A worker without a sign of life for so long is dead, and what it was sending is in doubt."`
	AskAfter        AskAfter      `key:"ask_after"`
	Hold            time.Duration `key:"hold" default:"24h" min:"1m" help:"How long a message in doubt waits for proof before it ends as unknown."`
	EscalateAfter   time.Duration `key:"escalate_after" default:"1h" min:"1m" help:"Routing fallback: how long without a delivery receipt before the next channel, unless the campaign says."`
}

// AskAfter is how long a message stays in doubt before the provider is asked about it, or it is
// sent again. Asking early misreads a late answer, so it is longer than any send may take.
type AskAfter struct {
	Marketing     time.Duration `key:"marketing" default:"15m" min:"1s" help:"When to ask the provider about a marketing message in doubt."`
	Transactional time.Duration `key:"transactional" default:"2m" min:"1s" help:"The same for a transactional one."`
}

// Consent is what holds where a topic says nothing.
type Consent struct {
	DefaultPolicy string `key:"default_policy" default:"opt_in" oneof:"opt_in opt_out none" help:"Policy of a topic at its first use. opt_in: no consent, no send."`
}

// QuietHours are hours in which a kind of message waits, in the customer's zone.
type QuietHours struct {
	SMSMarketing Hours `key:"sms_marketing"`
}

// Hours is a span of the day, over midnight where Until is before From; both empty: no span.
type Hours struct {
	From  string `key:"from" default:"21:00" help:"Marketing SMS are held from this hour of the customer's day (US law: 47 CFR 64.1200). Both empty: never held."`
	Until string `key:"until" default:"08:00" help:"Marketing SMS go out again from this hour."`
}

// Threads is how conversations go on.
type Threads struct {
	ReopenWithin ReopenWithin `key:"reopen_within"`
}

// ReopenWithin is how long after a thread was resolved an answer opens it again, by channel. Later, or with 0, it begins a
// new thread that names the old one. A mail counts as an answer when it refers to the thread.
type ReopenWithin struct {
	Email    time.Duration `key:"email" default:"168h" min:"0s" help:"How long after a thread was resolved a mail that answers it opens it again; later it begins a new one. 0: never."`
	Texts    time.Duration `key:"sms" default:"24h" min:"0s" help:"The same for SMS."`
	WhatsApp time.Duration `key:"whatsapp" default:"24h" min:"0s" help:"The same for WhatsApp."`
	Telegram time.Duration `key:"telegram" default:"24h" min:"0s" help:"The same for Telegram."`
	Webhook  time.Duration `key:"webhook" default:"24h" min:"0s" help:"The same for webhooks."`
}

// Limits are the largest requests that are taken, and how many at once.
type Limits struct {
	Requests        int  `key:"requests" default:"512" min:"1" help:"Requests at once; fewer while they take long. More are refused with 503."`
	LargeRequests   int  `key:"large_requests" default:"64" min:"1" help:"Campaigns, streams, imports and files that are read at once. More are refused with 429."`
	HeldBytes       Size `key:"held_bytes" default:"64MiB" min:"1KiB" help:"Bodies held in memory at once, together. More are refused with 503."`
	EventStreams    int  `key:"event_streams" default:"256" min:"1" help:"Clients that follow the event stream at once, in a process. More are refused with 503."`
	InlineCustomers int  `key:"inline_customers" default:"100000" min:"1" help:"Customers in the body of one campaign."`
	InlineBytes     Size `key:"inline_bytes" default:"24MiB" min:"1KiB" help:"Body of such a campaign."`
	StreamBytes     Size `key:"stream_bytes" default:"2GiB" min:"1KiB" help:"Streamed recipients and imports."`
	AttachmentBytes Size `key:"attachment_bytes" default:"25MiB" min:"1KiB" help:"Attachments of one message."`
	BodyBytes       Size `key:"body_bytes" default:"1MiB" min:"1KiB" help:"Every other body."`
}

// Events is what happened here, as others can read it.
type Events struct {
	Keep     time.Duration `key:"keep" default:"168h" min:"96h" max:"8760h" help:"How long the event stream can be read back, and replayed to endpoints, whose last attempt is after three days."`
	KeepMost int           `key:"keep_most" default:"1000000" min:"1000" help:"Events of the stream that are kept at most, besides those that an endpoint still waits for."`
}

// Endpoints are other people's servers that are told what happens.
type Endpoints struct {
	AllowNetworks []netip.Prefix `key:"allow_networks" help:"Networks that endpoints may be in although they are private, on any port and without TLS."`
}

// CTI are the doors for telephone exchanges.
type CTI struct {
	Doors []Door `key:"doors" help:"Telephone exchanges that report calls at /in/cti/{token}, in the file or as a JSON list in the environment."`
}

// Door is one telephone exchange.
type Door struct {
	Name  string `key:"name" help:"Name of your choice, which calls are kept under."`
	Token Secret `key:"token" help:"Its part of the address: at least 20 letters, digits, - and _, like openssl rand -hex 20 prints them."`
}

// Company is who sends; commercial mail must say so.
type Company struct {
	Name          string `key:"name" help:"Name in the footer of marketing mail."`
	PostalAddress string `key:"postal_address" help:"Postal address in the footer of marketing mail (US law: 15 USC 7704)."`
}

// Replies are what is answered without a person.
type Replies struct {
	Stopped     Words `key:"stopped"`      // to STOP
	StoppedMail Words `key:"stopped_mail"` // to the same by mail, where it is for marketing only
	Started     Words `key:"started"`      // to START
	Help        Words `key:"help"`         // to HELP
	Contact     Words `key:"contact"`      // to a stranger who starts the Telegram bot
	Linked      Words `key:"linked"`       // to one who has shared their own number there
}

// Words are a text by language.
type Words struct {
	EN string `key:"en" help:"What this automatic answer says in English, with {company} for company.name. Empty: our own words."`
	RU string `key:"ru" help:"The same in Russian."`
}

// Assistant is a language model that may read replies and draft answers. Without a URL nothing leaves.
type Assistant struct {
	URL           string         `key:"url" help:"OpenAI-compatible API, like https://api.example.com/v1. Empty: none is asked, and nothing leaves."`
	Key           Secret         `key:"key" help:"Its key, sent as a bearer token."`
	Model         string         `key:"model" help:"Model to ask."`
	Timeout       time.Duration  `key:"timeout" default:"20s" min:"1s" max:"2m" help:"Longest wait for one answer."`
	Understand    bool           `key:"understand" help:"Have it read what customers write, without addresses, after it is stored."`
	Drafts        bool           `key:"drafts" help:"Let agents ask it for drafts of answers."`
	Names         bool           `key:"names" help:"Send customers' names too; else [name] stands for those that are known."`
	AllowNetworks []netip.Prefix `key:"allow_networks" help:"Networks (CIDR) where it may be although they are private, without TLS too: 127.0.0.0/8 for a model on this machine."`
}

// Prices are what messages cost, for estimates and the costs of campaigns.
type Prices struct {
	Currency string  `key:"currency" help:"Currency of the prices (ISO 4217, like EUR). Needed with a price."`
	Email    float64 `key:"email" default:"0" min:"0" help:"Price of one mail, in minor units (cents; fractions are allowed)."`
	SMS      float64 `key:"sms" default:"0" min:"0" help:"Price of one segment of a text message, in minor units."`
	WhatsApp float64 `key:"whatsapp" default:"0" min:"0" help:"Price of one WhatsApp message, in minor units."`
	Telegram float64 `key:"telegram" default:"0" min:"0" help:"Price of one Telegram message, in minor units."`
	Webhook  float64 `key:"webhook" default:"0" min:"0" help:"Price of one call of a webhook, in minor units."`
}

// OTel is where traces go.
type OTel struct {
	Endpoint string `key:"endpoint" help:"OpenTelemetry collector, like http://localhost:4318. Empty: no traces."`
}

// Shutdown is how a process ends.
type Shutdown struct {
	Timeout time.Duration `key:"timeout" default:"60s" min:"1s" help:"How long sends under way may finish after SIGTERM; the rest is in doubt."`
}

// Provider is one account at a provider. Which drivers there are, and what their settings are
// called, is known to them and not here.
type Provider struct {
	Name     string   `key:"name" help:"Name of your choice; part of its callback address /in/{driver}/{name}."`
	Driver   string   `key:"driver" help:"email, twilio, telegram, webhook or sandbox."`
	Channel  string   `key:"channel" oneof:"email sms whatsapp telegram webhook" help:"Channel it serves."`
	Priority int      `key:"priority" default:"0" help:"Lower comes first where several serve a channel."`
	Rate     float64  `key:"rate" default:"0" min:"0" help:"Messages a second over all processes. 0: the driver's own limit."`
	Settings Settings `key:"settings" help:"Settings of the driver, see docs/channels. Secrets may be env:NAME or file:PATH."`
}

// PublicBase is PublicURL without a slash at the end, or, where it is empty, the address that
// http.addr gives on this machine.
func (c *Config) PublicBase() string {
	if c.PublicURL != "" {
		return strings.TrimRight(c.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(c.HTTP.Addr)
	if err != nil {
		return "" // Validate has said so
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// SecretKeys are the keys of SecretKey, the sealing one first.
func (c *Config) SecretKeys() []Secret {
	var keys []Secret
	for key := range strings.SplitSeq(c.SecretKey.Reveal(), ",") {
		if key = strings.TrimSpace(key); key != "" {
			keys = append(keys, Secret(key))
		}
	}
	return keys
}
