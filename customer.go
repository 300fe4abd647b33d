package rapport

import (
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"encoding/json"
)

// Customer is one person (or organisation) that we talk with, whoever they are to the business.
type Customer struct {
	ID         ID
	ExternalID string
	Audience   string // customer, employee, partner, shareholder
	Name       string
	Locale     string          // BCP 47; empty: the default locale
	Timezone   string          // IANA; empty: the default zone
	Attributes json.RawMessage // a JSON object
	Addresses  []Address
	Order      []Channel   // preferred first
	Quiet      *QuietHours // nil: none of their own
	Cap        *Cap
	Prefs      []Preference
	MergedInto ID
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Audiences are the kinds of relationship a customer record may stand for.
var Audiences = []string{"customer", "employee", "partner", "shareholder"}

// Channel is a way to reach a person.
type Channel string

const (
	Email     Channel = "email"
	SMS       Channel = "sms"
	WhatsApp  Channel = "whatsapp"
	Telegram  Channel = "telegram"
	Webhook   Channel = "webhook"
	Phone     Channel = "phone" // of threads and entries that are calls; nobody has an address there, and nothing is sent
	NoChannel Channel = "none"  // a message row for a recipient that no channel can reach
)

// Channels lists those that a customer may have addresses on.
var Channels = []Channel{Email, SMS, WhatsApp, Telegram, Webhook}

// ValidChannel tells whether c is one of Channels.
func ValidChannel(c Channel) bool {
	for _, k := range Channels {
		if c == k {
			return true
		}
	}
	return false
}

// Address is one place where one customer is reached: unique by (channel, normalised value).
type Address struct {
	ID       ID
	Customer ID
	Channel  Channel
	Value    string // normalised: see NormalizeAddress
	Primary  bool
	Epoch    int64  // bumped by every change of consent, suppression, preference or zone
	Off      string // why the address is not to be used any more (hard_bounce, blocked, ...); empty: usable
}

// QuietHours is a daily span in the recipient's zone, minutes after midnight; From may be later than Until.
type QuietHours struct {
	From  int
	Until int
}

// Cap is at most Max marketing messages in any Per.
type Cap struct {
	Max int
	Per time.Duration
}

// Preference is one answer to "do you want topic on channel?". Topic "*" is every topic.
type Preference struct {
	Topic   string
	Channel Channel
	Enabled bool
}

// NormalizeAddress brings an address into the one form under which it is stored and compared.
// Email: RFC 5322 addr-spec, domain lower-cased; SMTPUTF8 local parts are kept. SMS and WhatsApp: E.164
// with "+"; anything else must be parsed with a region first (gateway does). Telegram: chat id in
// decimal. Webhook: an absolute http(s) URL without user info or fragment.
func NormalizeAddress(c Channel, value string) (string, *FieldError) {
	bad := func(m string) (string, *FieldError) { return "", &FieldError{Path: "address", Message: m} }
	v := strings.TrimSpace(value)
	if v == "" {
		return bad("is empty")
	}
	if !utf8.ValidString(v) || strings.IndexFunc(v, unicode.IsControl) >= 0 {
		return bad("holds control characters or broken UTF-8")
	}
	switch c {
	case Email:
		a, err := mail.ParseAddress(v)
		if err != nil || a.Address == "" || strings.ContainsAny(v, "<>\"(),;: ") {
			return bad("is not an email address of the form name@domain")
		}
		at := strings.LastIndexByte(a.Address, '@')
		local, domain := a.Address[:at], strings.ToLower(a.Address[at+1:])
		if len(a.Address) > 254 || len(local) > 64 || !strings.Contains(domain, ".") && domain != "localhost" || strings.HasSuffix(domain, ".") || strings.HasPrefix(domain, "[") {
			return bad("is not an email address of the form name@domain")
		}
		return local + "@" + domain, nil
	case SMS, WhatsApp:
		if len(v) < 8 || len(v) > 16 || v[0] != '+' || v[1] == '0' || strings.Trim(v[1:], "0123456789") != "" {
			return bad("is not a phone number in E.164 form such as +37120000000")
		}
		return v, nil
	case Telegram:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n == 0 {
			return bad("is not a Telegram chat id (a decimal number)")
		}
		return strconv.FormatInt(n, 10), nil
	case Webhook:
		u, err := url.Parse(v)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || len(v) > 2000 {
			return bad("is not an absolute http(s) URL without user name")
		}
		u.Fragment = ""
		u.Host = strings.ToLower(u.Host)
		return u.String(), nil
	}
	return bad("is on an unknown channel " + strconv.Quote(string(c)))
}

// AddressKey is the form under which addresses are compared: emails without regard to case.
func AddressKey(c Channel, normalized string) string {
	if c == Email {
		return strings.ToLower(normalized)
	}
	return normalized
}
