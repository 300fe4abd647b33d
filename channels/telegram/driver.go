// Package telegram talks with people through a Telegram bot: https://core.telegram.org/bots/api
package telegram

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"rapport"
	"rapport/channels"
	"rapport/internal/httpx"
)

const (
	maxText     = 4096     // UTF-16 units of a text without its markup: https://core.telegram.org/bots/api#sendmessage
	maxCaption  = 1024     // the same of a caption: https://core.telegram.org/bots/api#sendphoto
	maxUpload   = 50 << 20 // https://core.telegram.org/bots/api#sending-files
	maxPhoto    = 10 << 20 // a larger picture goes as a document; the same page
	maxDownload = 20 << 20 // https://core.telegram.org/bots/api#getfile
)

// Driver serves one bot. Its Conn is a Poller in mode polling and a Receiver in mode webhook: Telegram
// gives updates one way or the other, never both.
var Driver = channels.Driver{
	Name:     "telegram",
	Channels: []rapport.Channel{rapport.Telegram},
	Caps: channels.Caps{
		MaxText: maxText,
		Measure: measure,
		Files:   map[rapport.Channel]channels.FileLimit{rapport.Telegram: {Bytes: maxUpload}},
		Timeout: time.Minute,
		Wires:   true,
	},
	Settings: []channels.Setting{
		{Key: "token", Help: "Token of the bot, from @BotFather", Required: true, Secret: true},
		{Key: "mode", Kind: channels.KindChoice, Choices: []string{"polling", "webhook"}, Help: "How answers come in: polling needs no public address, webhook does", Default: "polling"},
		{Key: "webhook_secret", Help: "Secret that Telegram repeats with every webhook call: 1 to 256 of A-Z a-z 0-9 _ -; needed in mode webhook", Secret: true},
		{Key: "bot_username", Help: "Public name of the bot, for the links of {{ link_telegram_url }}"},
		{Key: "api_url", Help: "Address of the Bot API, for an own server, a proxy or a test", Default: "https://api.telegram.org"},
		{Key: "timeout", Kind: channels.KindDuration, Help: "How long Telegram may take to answer a request (1s to 60s)", Default: "30s"},
	},
	Open: open,
}

type conn struct {
	token    string
	secret   string
	webhook  bool
	api      *url.URL
	endpoint string // api as the format that tgbotapi wants
	timeout  time.Duration
	callback string

	log        *slog.Logger
	http       *http.Client
	formHeader http.Header // of every request but uploads; never changed

	sending sync.RWMutex // read-held by every Send, so that Close can wait
	closed  bool
}

// hooked is a conn that Telegram calls, polling one that asks.
type (
	hooked  struct{ *conn }
	polling struct {
		*conn
		mu      sync.Mutex
		pressed map[int64]string // update id → callback query that waits to be answered
	}
)

// https://core.telegram.org/bots/features#creating-a-new-bot
var botName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{4,31}$`)

func open(s channels.Settings, env channels.Env) (channels.Conn, error) {
	r := s.Read()
	if name := strings.TrimPrefix(r.String("bot_username", ""), "@"); name != "" && !botName.MatchString(name) {
		r.Fail("bot_username", "must be the bot's name of 5 to 32 of A-Z, a-z, 0-9 and _")
	}
	c := &conn{
		token:    r.Required("token"),
		secret:   r.String("webhook_secret", ""),
		webhook:  r.OneOf("mode", "polling", "polling", "webhook") == "webhook",
		timeout:  r.Duration("timeout", 30*time.Second),
		callback: env.Callback,
		log:      env.Log,

		formHeader: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {"Rapport/1"}},
	}
	base := r.String("api_url", "https://api.telegram.org")
	if c.token != "" && !tokenShape.MatchString(c.token) {
		r.Fail("token", "must look like 123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11")
	}
	if c.secret != "" && !secretShape.MatchString(c.secret) {
		r.Fail("webhook_secret", "must be 1 to 256 of A-Z, a-z, 0-9, _ and -")
	}
	if c.webhook && c.secret == "" {
		r.Fail("webhook_secret", "is required in mode webhook")
	}
	if c.webhook && c.callback == "" {
		r.Fail("mode", "webhook needs a public URL of this server; use polling without one")
	}
	var err error
	if c.api, err = url.Parse(strings.TrimSuffix(base, "/")); err != nil || c.api.Host == "" || c.api.Scheme != "https" && c.api.Scheme != "http" || c.api.RawQuery != "" || c.api.User != nil {
		r.Fail("api_url", "must be an absolute http(s) URL without user name and query")
	}
	if c.timeout < time.Second || c.timeout > time.Minute {
		r.Fail("timeout", "must be between 1s and 60s")
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.endpoint = strings.ReplaceAll(c.api.String(), "%", "%%") + "/bot%s/%s"
	// The header of a long poll comes when the poll ends; deadlines are set call by call.
	c.http = httpx.Vendor(httpx.VendorOptions{HeaderTimeout: 2 * time.Minute, MaxBody: maxDownload})
	if env.Transport != nil {
		c.http = &http.Client{Transport: env.Transport, CheckRedirect: c.http.CheckRedirect}
	}
	if c.webhook {
		return hooked{c}, nil
	}
	return &polling{conn: c, pressed: map[int64]string{}}, nil
}

var (
	tokenShape  = regexp.MustCompile(`^[0-9]+:[A-Za-z0-9_-]+$`)
	secretShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`) // https://core.telegram.org/bots/api#setwebhook
)

// updateKinds is what we understand; Telegram keeps the rest to itself.
const updateKinds = `["message","edited_message","callback_query","my_chat_member"]`

// Setup tells Telegram which way updates go, which also proves the token. It may be called at every
// start: it drops nothing that waits.
func (c *conn) Setup(ctx context.Context) error {
	if c.webhook {
		_, refused := c.ask(ctx, c.timeout, "setWebhook", tg.Params{"url": c.callback, "secret_token": c.secret, "allowed_updates": updateKinds})
		return asError(refused)
	}
	_, refused := c.ask(ctx, c.timeout, "deleteWebhook", nil)
	return asError(refused)
}

// Close waits for running Sends. A running Poll ends with its context.
func (c *conn) Close() error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if !c.closed {
		c.closed = true
		c.http.CloseIdleConnections()
	}
	return nil
}
