// Package twilio sends SMS and WhatsApp messages through Twilio's Messaging API and understands what
// Twilio calls back: https://www.twilio.com/docs/messaging/api/message-resource
package twilio

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/twilio/twilio-go/client"

	"rapport"
	"rapport/channels"
	"rapport/internal/httpx"
)

const (
	maxText      = 1600           // characters of a Body: https://www.twilio.com/docs/api/errors/21617
	maxMedia     = 16 << 20       // bytes of one file, WhatsApp's limit, the larger one: https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages
	maxMMS       = 5 << 20        // bytes of an MMS with all its files: https://www.twilio.com/docs/messaging/guides/accepted-mime-types
	maxMediaURLs = 10             // files of an MMS: https://www.twilio.com/docs/api/errors/21623
	replyWindow  = 24 * time.Hour // of WhatsApp: https://www.twilio.com/docs/whatsapp/key-concepts#the-24-hour-messaging-window
	maxValidity  = 10 * time.Hour // 1 to 36,000 s: https://www.twilio.com/docs/api/errors/21624
)

// Driver serves one Twilio account, as SMS or as WhatsApp.
var Driver = channels.Driver{
	Name:     "twilio",
	Channels: []rapport.Channel{rapport.SMS, rapport.WhatsApp},
	Caps: channels.Caps{
		Receipts: true,
		Lookup:   true,
		MaxText:  maxText,
		Files: map[rapport.Channel]channels.FileLimit{
			rapport.SMS:      {Bytes: maxMMS, Number: maxMediaURLs, Linked: true},
			rapport.WhatsApp: {Bytes: maxMedia, Number: 1, Linked: true},
		},
		Timeout:     30 * time.Second,
		Wires:       true,
		ReplyWindow: map[rapport.Channel]time.Duration{rapport.WhatsApp: replyWindow},
	},
	Settings: []channels.Setting{
		{Key: "account_sid", Help: "Account SID, from the first page of the Twilio console", Required: true},
		{Key: "auth_token", Help: "Auth Token of that account; it also signs Twilio's callbacks", Required: true, Secret: true},
		{Key: "from", Help: "Sender: a number in E.164 form, a short code or an alphanumeric name; this or messaging_service_sid"},
		{Key: "messaging_service_sid", Help: "Messaging Service that picks the sender (MG...); this or from"},
		{Key: "opt_out", Kind: channels.KindChoice, Choices: []string{"rapport", "twilio"}, Help: "Who answers STOP, START and HELP on SMS where Advanced Opt-Out is off: rapport, or twilio, which does so in English unless it is told not to", Default: "rapport"},
		{Key: "base_url", Help: "Address of Twilio's API, for a proxy, a region or a test", Default: "https://api.twilio.com"},
		{Key: "timeout", Kind: channels.KindDuration, Help: "How long Twilio may take to answer a request (1s to 30s)", Default: "15s"},
		{Key: "validity_max", Kind: channels.KindDuration, Help: "How long Twilio may hold a message in its own queue at most (1s to 10h)", Default: "10h"},
	},
	Open: open,
}

type conn struct {
	sid, token string
	from       string // with "whatsapp:" where needed; may be empty beside service
	service    string
	base       *url.URL
	timeout    time.Duration
	validity   time.Duration
	answers    bool   // Twilio answers its own words
	callback   string // up to and including "m="; "" when Twilio cannot reach us

	channel rapport.Channel
	now     func() time.Time
	http    *http.Client // to Twilio
	media   *http.Client // to where Twilio's answer sends us for a file
	signed  client.RequestValidator

	messages   *url.URL // where messages are created
	formHeader http.Header

	sending sync.RWMutex // read-held by every Send, so that Close can wait
	closed  bool
}

func open(s channels.Settings, env channels.Env) (channels.Conn, error) {
	r := s.Read()
	c := &conn{
		sid:      r.Required("account_sid"),
		token:    r.Required("auth_token"),
		from:     r.String("from", ""),
		service:  r.String("messaging_service_sid", ""),
		timeout:  r.Duration("timeout", 15*time.Second),
		validity: r.Duration("validity_max", maxValidity),
		answers:  r.OneOf("opt_out", "rapport", "rapport", "twilio") == "twilio" && env.Channel == rapport.SMS,
		channel:  env.Channel,
		now:      env.Now,
	}
	base := r.String("base_url", "https://api.twilio.com")
	// twilio-go refuses other characters in the login, and the SID becomes part of a path.
	if c.sid != "" && !accountSID.MatchString(c.sid) {
		r.Fail("account_sid", "must be AC and letters and digits, not %.40q", c.sid)
	}
	if c.token != "" && !alphanumeric.MatchString(c.token) {
		r.Fail("auth_token", "must be letters and digits only")
	}
	switch {
	case c.from == "" && c.service == "":
		r.Fail("from", "is required, unless messaging_service_sid is set")
	case c.from != "" && !senderNumber.MatchString(c.from) && (!senderName.MatchString(c.from) || len(c.from) > 11):
		r.Fail("from", "must be a number such as +15005550006, a short code or an alphanumeric name of at most 11 characters, not %.40q", c.from)
	}
	if c.service != "" && !serviceSID.MatchString(c.service) {
		r.Fail("messaging_service_sid", "must be MG and letters and digits, not %.40q", c.service)
	}
	var err error
	if c.base, err = url.Parse(strings.TrimSuffix(base, "/")); err != nil || c.base.Host == "" || c.base.Scheme != "https" && c.base.Scheme != "http" || c.base.RawQuery != "" || c.base.User != nil {
		r.Fail("base_url", "must be an absolute http(s) URL without user name and query")
	}
	if c.timeout < time.Second || c.timeout > 30*time.Second {
		r.Fail("timeout", "must be between 1s and 30s")
	}
	if c.validity < time.Second || c.validity > maxValidity {
		r.Fail("validity_max", "must be between 1s and 10h")
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if c.channel == rapport.WhatsApp {
		c.from = whatsApp(c.from)
	}
	if env.Callback != "" {
		c.callback = env.Callback + "?m="
		if strings.Contains(env.Callback, "?") {
			c.callback = env.Callback + "&m="
		}
	}
	c.signed = client.NewRequestValidator(c.token)
	messages := *c.base
	messages.Path += "/2010-04-01/Accounts/" + c.sid + "/Messages.json"
	c.messages = &messages
	c.formHeader = formHeader(c.sid, c.token)
	c.http = httpx.Vendor(httpx.VendorOptions{Timeout: c.timeout, MaxBody: maxMedia})
	c.media = httpx.Guarded(httpx.Options{Timeout: c.timeout, HeaderTimeout: c.timeout, MaxBody: maxMedia})
	if env.Transport != nil {
		c.http = &http.Client{Transport: env.Transport, CheckRedirect: c.http.CheckRedirect}
		c.media = c.http
	}
	return c, nil
}

var (
	accountSID   = regexp.MustCompile(`^AC[0-9A-Za-z]{1,60}$`)
	serviceSID   = regexp.MustCompile(`^MG[0-9A-Za-z]{1,60}$`)
	alphanumeric = regexp.MustCompile(`^[0-9A-Za-z]+$`)
	// https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id
	senderName   = regexp.MustCompile(`^[0-9A-Za-z &+_-]*[A-Za-z][0-9A-Za-z &+_-]*$`)
	senderNumber = regexp.MustCompile(`^((whatsapp:)?\+[1-9][0-9]{6,14}|[0-9]{3,8})$`)
)

// whatsApp writes a number as a WhatsApp address: https://www.twilio.com/docs/messaging/channels
func whatsApp(number string) string {
	if number == "" || strings.HasPrefix(number, "whatsapp:") {
		return number
	}
	return "whatsapp:" + number
}

// address writes a normalised address as Twilio wants it on this channel.
func (c *conn) address(number string) string {
	if c.channel == rapport.WhatsApp {
		return whatsApp(number)
	}
	return number
}

// Setup asks Twilio for the account: it proves that the login is right, and changes nothing.
func (c *conn) Setup(ctx context.Context) error {
	k, end := c.call(ctx)
	defer end()
	if _, err := k.api().FetchAccount(c.sid); err != nil {
		return k.verdict(err)
	}
	return nil
}

// Close waits for running Sends. Media that is being read may be read to its end.
func (c *conn) Close() error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if !c.closed {
		c.closed = true
		c.http.CloseIdleConnections()
		c.media.CloseIdleConnections()
	}
	return nil
}
