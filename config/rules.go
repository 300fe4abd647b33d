package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// Role is what a process does, as far as the rules differ.
type Role string

const (
	RoleServe  Role = "serve"  // everything in one process
	RoleAPI    Role = "api"    // the doors; workers are other processes
	RoleWorker Role = "worker" // the deliveries; the doors are other processes
	RoleTool   Role = "tool"   // migrate, keys, backup: only the database is used
)

// Validate checks the configuration for a role and returns all mistakes joined, each a [*Mistake];
// "" means RoleServe. [Load] has done so for its Options.Role.
func (c *Config) Validate(role Role) error {
	return join(c.mistakes(role, os.LookupEnv))
}

func (c *Config) mistakes(role Role, lookup func(string) (string, bool)) []*Mistake {
	r := &rules{c: c, lookup: lookup}
	r.bounds("", reflect.ValueOf(c).Elem())
	r.addresses()
	r.storage(role)
	r.locale()
	r.quietHours()
	r.doubt()
	r.assistant()
	r.prices()
	r.providers(role)
	r.doors()
	if role != RoleTool {
		r.secretKey()
		r.publicURL()
	}
	return r.found
}

type rules struct {
	c      *Config
	lookup func(string) (string, bool)
	found  []*Mistake
}

// currency is three capital letters: the list of ISO 4217 changes more often than we do.
var currency = regexp.MustCompile(`^[A-Z]{3}$`)

// prices need a currency.
func (r *rules) prices() {
	p := r.c.Prices
	switch priced := p.Email+p.SMS+p.WhatsApp+p.Telegram+p.Webhook > 0; {
	case p.Currency == "" && priced:
		r.say("prices.currency", "is missing", "name the currency that the prices are in, like EUR")
	case p.Currency != "" && !currency.MatchString(p.Currency):
		r.say("prices.currency", "is no currency", "write it as ISO 4217 does, like EUR")
	}
}

// assistant needs a model to ask as soon as it has a URL, and a URL as soon as it is to do something.
func (r *rules) assistant() {
	a := r.c.Assistant
	if a.URL == "" {
		if a.Understand || a.Drafts {
			r.say("assistant.url", "is missing, so nobody can be asked", "write it like https://api.example.com/v1, or switch understand and drafts off")
		}
		return
	}
	if u, err := url.Parse(a.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		r.say("assistant.url", "is not an http or https address", "write it like https://api.example.com/v1")
	}
	if a.Model == "" {
		r.say("assistant.model", "is missing", "name the model to ask")
	}
}

func (r *rules) say(path, problem, mend string) {
	r.found = append(r.found, &Mistake{Path: path, Problem: problem, Mend: mend})
}

// bounds checks what the tags min, max and oneof say.
func (r *rules) bounds(path string, v reflect.Value) {
	for i := range v.NumField() {
		f, field := v.Type().Field(i), v.Field(i)
		at := joinPath(path, f.Tag.Get("key"))
		if isSection(f.Type) {
			r.bounds(at, field)
			continue
		}
		if field.Type() == reflect.TypeFor[[]Provider]() {
			for n := range field.Len() {
				r.bounds(fmt.Sprintf("%s[%d]", at, n), field.Index(n))
			}
		}
		if words := strings.Fields(f.Tag.Get("oneof")); len(words) > 0 && !slices.Contains(words, field.String()) {
			r.say(at, fmt.Sprintf("%q is not allowed", field.String()), "write one of "+strings.Join(words, ", "))
		}
		if low := f.Tag.Get("min"); low != "" && less(field, bound(low, f.Type)) {
			r.say(at, fmt.Sprintf("%v is too small", field), "the least is "+low)
		}
		if high := f.Tag.Get("max"); high != "" && less(bound(high, f.Type), field) {
			r.say(at, fmt.Sprintf("%v is too large", field), "the most is "+high)
		}
	}
}

func bound(text string, t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	if problem, _ := scalar(text, v); problem != "" {
		panic("config: bound " + problem) // a slip in a tag; the first test finds it
	}
	return v
}

func less(a, b reflect.Value) bool {
	if a.CanFloat() {
		return a.Float() < b.Float()
	}
	return a.Int() < b.Int()
}

func (r *rules) addresses() {
	for _, a := range []struct {
		path, addr string
		optional   bool
	}{{"http.addr", r.c.HTTP.Addr, false}, {"metrics.addr", r.c.Metrics.Addr, true}} {
		if a.addr == "" && a.optional {
			continue
		}
		_, port, err := net.SplitHostPort(a.addr)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err != nil || port == "" {
			r.say(a.path, fmt.Sprintf("%q is not an address to listen on", a.addr), "write host:port, like 127.0.0.1:8080 or :8080")
		}
	}
	if r.c.HTTP.Addr == r.c.Metrics.Addr {
		r.say("metrics.addr", "is the address of http.addr", "choose another port, or empty for off")
	}
	if e := r.c.OTel.Endpoint; e != "" {
		if u, err := url.Parse(e); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			r.say("otel.endpoint", "is not an http or https address", "write it like http://localhost:4318, or leave it empty")
		}
	}
	if strings.TrimSpace(r.c.DataDir) == "" {
		r.say("data_dir", "is empty", "name a directory, like ./data")
	}
}

func (r *rules) storage(role Role) {
	r.scheme("database_url", r.c.DatabaseURL, "postgres", "postgresql")
	r.scheme("redis_url", r.c.RedisURL, "redis", "rediss", "redis-sentinel", "redis-cluster")
	if role != RoleAPI && role != RoleWorker {
		return
	}
	if r.c.DatabaseURL == "" {
		r.say("database_url", fmt.Sprintf("is empty, but SQLite belongs to one process and %s is one of several", role), "name a PostgreSQL, or run rapport serve")
	}
	if r.c.RedisURL == "" {
		r.say("redis_url", fmt.Sprintf("is empty, but the embedded Redis belongs to one process and %s is one of several", role), "name a Redis, or run rapport serve")
	}
}

func (r *rules) scheme(path string, setting Secret, allowed ...string) {
	if setting == "" {
		return
	}
	scheme, rest, ok := strings.Cut(setting.Reveal(), "://")
	if !ok || rest == "" || !slices.Contains(allowed, scheme) {
		r.say(path, "is not an address of a known kind", "begin it with "+strings.Join(allowed, ":// or ")+"://, or leave it empty for the embedded one")
	}
}

func (r *rules) locale() {
	if _, err := language.Parse(r.c.DefaultLocale); err != nil {
		r.say("default_locale", fmt.Sprintf("%q is not a language", r.c.DefaultLocale), "write a BCP 47 tag, like en or pt-BR")
	}
	zone := r.c.DefaultTimezone
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		r.say("default_timezone", fmt.Sprintf("%q is not a time zone", zone), "write an IANA name, like UTC or Europe/Riga")
	}
	if region := r.c.DefaultRegion; region != "" {
		parsed, err := language.ParseRegion(region)
		if err != nil || len(region) != 2 || !parsed.IsCountry() || parsed.String() != region {
			r.say("default_region", fmt.Sprintf("%q is not a country", region), "write two capital letters, like LV, or leave it empty")
		}
	}
}

func (r *rules) quietHours() {
	hours := r.c.QuietHours.SMSMarketing
	if hours == (Hours{}) {
		return
	}
	for _, h := range []struct{ path, text string }{{"quiet_hours.sms_marketing.from", hours.From}, {"quiet_hours.sms_marketing.until", hours.Until}} {
		if _, err := time.Parse("15:04", h.text); err != nil || len(h.text) != len("15:04") {
			r.say(h.path, fmt.Sprintf("%q is not a time of day", h.text), "write it like 21:00, or empty both for no quiet hours")
		}
	}
	if hours.From == hours.Until {
		r.say("quiet_hours.sms_marketing.until", "is the same as from", "empty both for no quiet hours")
	}
}

// doubt keeps the waits of a message in doubt in their order. Asking, or sending again, while the
// first attempt may still be answered would turn a slow provider into a duplicate.
func (r *rules) doubt() {
	d := r.c.Delivery
	var longest time.Duration
	of := ""
	for i, p := range r.c.Providers {
		t := 30 * time.Second // what drivers take where nothing is set
		if text, ok := p.Settings["timeout"].(string); ok {
			if own, err := time.ParseDuration(text); err == nil {
				t = own
			}
		}
		if t > longest {
			longest, of = t, fmt.Sprintf("providers[%d].settings.timeout", i)
		}
	}
	for _, ask := range []struct {
		path string
		wait time.Duration
	}{{"delivery.ask_after.marketing", d.AskAfter.Marketing}, {"delivery.ask_after.transactional", d.AskAfter.Transactional}} {
		if ask.wait <= longest {
			r.say(ask.path, fmt.Sprintf("%s is not longer than %s (%s)", ask.wait, of, longest), "wait longer before asking, or shorten that time-out")
		}
		if ask.wait >= d.Hold {
			r.say("delivery.hold", fmt.Sprintf("%s is not longer than %s (%s)", d.Hold, ask.path, ask.wait), "hold longer, or ask earlier")
		}
	}
}

func (r *rules) providers(role Role) {
	names := map[string]int{}
	for i, p := range r.c.Providers {
		at := fmt.Sprintf("providers[%d]", i)
		if !providerName.MatchString(p.Name) {
			r.say(at+".name", fmt.Sprintf("%q is not a name", p.Name), "use up to 63 small letters, digits, - and _")
		} else if first, taken := names[p.Name]; taken {
			r.say(at+".name", fmt.Sprintf("%q is also the name of providers[%d]", p.Name, first), "give each its own name")
		} else {
			names[p.Name] = i
		}
		if p.Driver == "" {
			r.say(at+".driver", "is empty", "write email, twilio, telegram, webhook or sandbox")
		}
		if role != RoleTool {
			r.references(at+".settings", map[string]any(p.Settings))
		}
	}
}

func (r *rules) doors() {
	names, tokens := map[string]bool{}, map[Secret]bool{}
	for i, d := range r.c.CTI.Doors {
		at := fmt.Sprintf("cti.doors[%d]", i)
		if !providerName.MatchString(d.Name) || names[d.Name] {
			r.say(at+".name", fmt.Sprintf("%q is not a name, or another door's", d.Name), "use up to 63 small letters, digits, - and _")
		}
		if !doorToken.MatchString(d.Token.Reveal()) || tokens[d.Token] {
			r.say(at+".token", "is not a token, or another door's", "set it to the output of: openssl rand -hex 20")
		}
		names[d.Name], tokens[d.Token] = true, true
	}
}

var doorToken = regexp.MustCompile(`^[A-Za-z0-9_-]{20,200}$`)

var providerName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// references checks that every env: and file: in a provider's settings leads somewhere.
func (r *rules) references(path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			r.references(path+"."+key, inner)
		}
	case []any:
		for i, inner := range v {
			r.references(fmt.Sprintf("%s[%d]", path, i), inner)
		}
	case string:
		if _, err := resolve(v, r.lookup); err != nil {
			r.say(path, "cannot be read: "+err.Error(), "set it, or correct the reference")
		}
	}
}

func (r *rules) publicURL() {
	if r.c.PublicURL == "" {
		if host, _, err := net.SplitHostPort(r.c.HTTP.Addr); err == nil && !isLoopback(host) && !r.c.Demo {
			r.say("public_url", "is empty, but http.addr listens beyond this machine", "write the address that customers and providers reach, like https://rapport.example.com")
		}
		return
	}
	u, err := url.Parse(r.c.PublicURL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		r.say("public_url", "is not an absolute http or https address", "write it like https://rapport.example.com")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		r.say("public_url", "has more than scheme, host and path", "write it like https://rapport.example.com")
	case u.Scheme == "http" && !isLoopback(u.Hostname()) && !r.c.Demo:
		r.say("public_url", "is plain http: links and signatures could be read on the way", "use https, or localhost for trying it out")
	}
}

func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
