package channels

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rapport"
)

// Hub does once what every provider needs: it opens and caches Conns, bounds each Send, keeps a breaker a
// provider, guards against panics, takes secrets out of errors and refuses what could never be sent.
//
// Hub never fails over by itself. Only the caller knows whether a verdict proves that nothing was taken
// (Verdict.Retryable); only then may it ask Route again and try the next provider. After Ambiguous it must
// settle the doubt first, or the person gets the message twice.
type Hub struct {
	drivers []Driver
	o       HubOptions

	configure sync.Mutex // one Configure or Close at a time
	current   atomic.Pointer[roster]
	retiring  sync.WaitGroup

	mu      sync.Mutex
	errs    []error           // of closing Conns, for Close
	tallies map[string]*tally // by name; they outlive a change of settings
}

// HubOptions are the surroundings of all providers. Everything may be left out.
type HubOptions struct {
	Now           func() time.Time
	Log           *slog.Logger
	PublicURL     string // "https://rapport.example.com"; callbacks are below it
	ReplyToken    func(rapport.ID) string
	Transport     http.RoundTripper            // see Env.Transport
	Observe       func(Observation)            // called after each Send, from many goroutines
	Dropped       func(provider, why string)   // see Env.Dropped
	ResolveSecret func(string) (string, error) // "env:NAME", "file:PATH" in ReadOnly entries; nil: as they stand
	BreakerPause  time.Duration                // how long an open breaker stays open; 0: 10 s
	Demo          bool
}

// Observation is one Send, for metrics.
type Observation struct {
	Provider string
	Driver   string
	Channel  rapport.Channel
	Took     time.Duration
	Verdict  *Verdict // nil: success
}

// Entry is one provider of the configuration.
type Entry struct {
	Name     string
	Driver   string
	Channel  rapport.Channel
	Priority int     // lower is tried first
	Rate     float64 // messages per second over all processes; 0: unlimited. Kept by the store, not here
	Settings Settings
	Window   int  // slots: messages between claim and commit; 0: see window
	ReadOnly bool // from the configuration file: shown, not changed, by the API
}

// sandboxDriver stands in for every channel; see Route.
const sandboxDriver = "sandbox"

// roster is one configuration, never changed once it is published.
type roster struct {
	byName    map[string]*Provider
	all       []*Provider // by name
	byChannel map[rapport.Channel][]*Provider
	sandbox   map[rapport.Channel]*Provider
}

// NewHub returns a Hub with the implicit sandbox providers only. A driver "sandbox" that does not open
// without settings is a programmer's mistake and panics.
func NewHub(drivers []Driver, o HubOptions) *Hub {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ReplyToken == nil {
		o.ReplyToken = func(rapport.ID) string { return "" }
	}
	if o.BreakerPause == 0 {
		o.BreakerPause = 10 * time.Second
	}
	h := &Hub{drivers: slices.Clone(drivers), o: o, tallies: map[string]*tally{}}
	h.current.Store(&roster{})
	if err := h.Configure(nil); err != nil {
		panic(err)
	}
	return h
}

// Configure replaces all entries. An entry whose driver, channel and settings (secrets resolved) have not
// changed keeps its Conn, its connections and its breaker; Conns that are no longer needed are closed
// once their Sends have ended. Mistakes are returned all at once as Mistakes, with paths such as
// "providers.main.settings.host", and leave everything as it was.
func (h *Hub) Configure(entries []Entry) error {
	h.configure.Lock()
	defer h.configure.Unlock()
	old := h.current.Load()
	next := &roster{byName: map[string]*Provider{}, byChannel: map[rapport.Channel][]*Provider{}, sandbox: map[rapport.Channel]*Provider{}}
	var mistakes Mistakes
	var opened []*link
	for i, e := range slices.Concat(entries, h.implicit(entries)) {
		p, fresh, bad := h.provider(e, old.byName[e.Name])
		if next.byName[e.Name] != nil {
			bad = append(bad, rapport.FieldError{Path: "name", Message: "is used twice"})
		}
		for _, m := range bad {
			m.Path = "providers." + e.Name + "." + m.Path
			mistakes = append(mistakes, m)
		}
		if fresh {
			opened = append(opened, p.link)
		}
		if len(bad) == 0 {
			p.implicit = i >= len(entries)
			next.add(p)
		}
	}
	if len(mistakes) > 0 {
		for _, l := range opened {
			h.retire(l)
		}
		return mistakes
	}
	next.sort()
	h.current.Store(next)
	for _, p := range old.all {
		if n := next.byName[p.entry.Name]; n == nil || n.link != p.link {
			h.retire(p.link)
		}
	}
	return nil
}

// implicit lists the sandbox entries that exist without being configured. A configured sandbox entry of
// the same name and channel takes the place of one.
func (h *Hub) implicit(entries []Entry) []Entry {
	d, ok := h.driver(sandboxDriver)
	if !ok {
		return nil
	}
	var out []Entry
	for _, c := range d.Channels {
		e := Entry{Name: sandboxName(c), Driver: sandboxDriver, Channel: c, ReadOnly: true}
		taken := slices.ContainsFunc(entries, func(x Entry) bool {
			return x.Name == e.Name && x.Driver == e.Driver && x.Channel == e.Channel
		})
		if !taken {
			out = append(out, e)
		}
	}
	return out
}

func sandboxName(c rapport.Channel) string { return sandboxDriver + "-" + string(c) }

var entryName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`) // it is part of URLs, VERP addresses and metrics

// provider checks e and opens it, unless before has the same Conn already. fresh: the link is a new one.
func (h *Hub) provider(e Entry, before *Provider) (p *Provider, fresh bool, bad Mistakes) {
	mistake := func(path, format string, args ...any) {
		bad = append(bad, rapport.FieldError{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	if !entryName.MatchString(e.Name) {
		mistake("name", "must be 1 to 63 small letters, digits, - and _")
	}
	if e.Rate < 0 || e.Rate > 1e6 {
		mistake("rate", "must be messages per second, 0 for no limit")
	}
	if e.Window < 0 || e.Window > 100_000 {
		mistake("window", "must be from 0 to 100000")
	}
	d, ok := h.driver(e.Driver)
	if !ok {
		mistake("driver", "must be one of %s, not %.40q", strings.Join(h.driverNames(), ", "), e.Driver)
		return nil, false, bad
	}
	if !slices.Contains(d.Channels, e.Channel) {
		mistake("channel", "%s serves %v, not %.40q", d.Name, d.Channels, e.Channel)
		return nil, false, bad
	}
	settings, secrets, wrong := h.resolve(d, e)
	bad = append(bad, wrong...)
	if len(bad) > 0 {
		return nil, false, bad
	}
	p = &Provider{hub: h, entry: e, driver: d, timeout: sendTimeout(d, settings), window: window(e, d, settings), tally: h.tally(e.Name)}
	if before != nil && before.entry.Driver == e.Driver && before.entry.Channel == e.Channel && reflect.DeepEqual(before.link.settings, settings) {
		p.link = before.link
		return p, false, nil
	}
	l, err := h.open(d, e, settings, secrets)
	if err != nil {
		return nil, false, asMistakes(err)
	}
	p.link = l
	return p, true, nil
}

func (h *Hub) open(d Driver, e Entry, settings Settings, secrets []string) (*link, error) {
	env := Env{
		Name:       e.Name,
		Channel:    e.Channel,
		Now:        h.o.Now,
		Log:        h.o.Log.With("provider", e.Name, "driver", d.Name),
		Transport:  h.o.Transport,
		ReplyToken: h.o.ReplyToken,
		Demo:       h.o.Demo,
	}
	if h.o.Dropped != nil {
		env.Dropped = func(why string) { h.o.Dropped(e.Name, why) }
	}
	if h.o.PublicURL != "" {
		env.Callback = strings.TrimSuffix(h.o.PublicURL, "/") + "/in/" + d.Name + "/" + e.Name
	}
	conn, err := d.Open(settings, env)
	if err != nil {
		return nil, err
	}
	return &link{conn: conn, settings: settings, secrets: secrets, breaker: newBreaker(env.Log, h.o.BreakerPause), log: env.Log}, nil
}

// asMistakes reads the error of Open, whose paths begin with "settings.".
func asMistakes(err error) Mistakes {
	if m, ok := errors.AsType[Mistakes](err); ok {
		return m
	}
	path, message, ok := strings.Cut(err.Error(), ": ")
	if !ok || !strings.HasPrefix(path, "settings.") {
		path, message = "settings", err.Error()
	}
	return Mistakes{{Path: path, Message: message}}
}

// resolve returns a copy of e's settings with references (env:NAME, file:PATH) resolved, and the values of
// its secrets. References are the configuration file's alone: whoever may write a provider through the API
// must not read the server's files and environment by one.
func (h *Hub) resolve(d Driver, e Entry) (Settings, []string, Mistakes) {
	var secrets []string
	var bad Mistakes
	var walk func(key string, v any) any
	text := func(key, value string) string {
		if e.ReadOnly && h.o.ResolveSecret != nil {
			clear, err := h.o.ResolveSecret(value)
			if err != nil {
				bad = append(bad, rapport.FieldError{Path: "settings." + key, Message: err.Error()})
				return ""
			}
			value = clear
		}
		if slices.ContainsFunc(d.Settings, func(s Setting) bool { return s.Secret && s.Key == key }) {
			secrets = append(secrets, value)
		}
		return value
	}
	members := func(prefix string, m map[string]any) map[string]any {
		out := make(map[string]any, len(m))
		for k, v := range m {
			out[k] = walk(prefix+k, v)
		}
		return out
	}
	walk = func(key string, v any) any {
		switch v := v.(type) {
		case map[string]any:
			return members(key+".", v)
		case Settings:
			return members(key+".", v)
		case string:
			return text(key, v)
		case []string:
			list := slices.Clone(v)
			for i, x := range list {
				list[i] = text(key, x)
			}
			return list
		case []any:
			list := slices.Clone(v)
			for i, x := range list {
				list[i] = walk(key, x)
			}
			return list
		}
		return v
	}
	return members("", e.Settings), secrets, bad
}

// queueing is how long a message may wait in a driver for a connection: at the other side's usual pace the last of a
// window has one long before.
const queueing = time.Minute

func sendTimeout(d Driver, s Settings) time.Duration {
	limit := cmp.Or(d.Caps.Timeout, 30*time.Second)
	if own := s.Read().Duration("timeout", 0); own > 0 && !d.Caps.Phases {
		limit = own
	}
	if d.Caps.Wires && !d.Caps.Phases {
		limit += queueing
	}
	return limit
}

// window is how many messages may be claimed and not yet recorded: enough to make a transaction worth its commit. What
// waits in it for a connection is not in doubt after a crash (docs/adr/0009-journal.md).
func window(e Entry, d Driver, s Settings) int {
	connections := s.Read().Int("connections", 0, 0, 25_000)
	switch {
	case e.Window > 0:
		return e.Window
	case d.Caps.Wires:
		return max(384, 8*connections)
	}
	return max(100, 4*connections)
}

// Route lists the usable providers of a channel in the order in which to try them: by priority, those
// with an open breaker left out while any other is healthy. With sandbox it is the channel's implicit
// sandbox provider and nothing else.
func (h *Hub) Route(ch rapport.Channel, sandbox bool) []*Provider {
	r := h.current.Load()
	if sandbox {
		if p := r.sandbox[ch]; p != nil {
			return []*Provider{p}
		}
		return nil
	}
	all := r.byChannel[ch]
	healthy := make([]*Provider, 0, len(all))
	for _, p := range all {
		if p.Healthy() {
			healthy = append(healthy, p)
		}
	}
	if len(healthy) == 0 {
		return slices.Clone(all)
	}
	return healthy
}

// Provider finds one by its name.
func (h *Hub) Provider(name string) (*Provider, bool) {
	p, ok := h.current.Load().byName[name]
	return p, ok
}

// All lists every provider by name, the implicit sandboxes included.
func (h *Hub) All() []*Provider { return slices.Clone(h.current.Load().all) }

// Drivers lists those of this build.
func (h *Hub) Drivers() []Driver { return slices.Clone(h.drivers) }

// Close waits for running Sends and closes all Conns. Sends that begin later get a Temporary verdict.
func (h *Hub) Close() error {
	h.configure.Lock()
	defer h.configure.Unlock()
	for _, p := range h.current.Swap(&roster{}).all {
		h.retire(p.link)
	}
	h.retiring.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return errors.Join(h.errs...)
}

// retire refuses new Sends on l and closes it in the background, after the last running one.
func (h *Hub) retire(l *link) {
	idle := l.close()
	h.retiring.Go(func() {
		<-idle
		c, ok := l.conn.(io.Closer)
		if !ok {
			return
		}
		if err := c.Close(); err != nil {
			h.mu.Lock()
			h.errs = append(h.errs, redactError(err, l.secrets))
			h.mu.Unlock()
		}
	})
}

func (h *Hub) driver(name string) (Driver, bool) {
	i := slices.IndexFunc(h.drivers, func(d Driver) bool { return d.Name == name })
	if i < 0 {
		return Driver{}, false
	}
	return h.drivers[i], true
}

func (h *Hub) driverNames() []string {
	names := make([]string, len(h.drivers))
	for i, d := range h.drivers {
		names[i] = d.Name
	}
	return names
}

func (r *roster) add(p *Provider) {
	r.byName[p.entry.Name] = p
	r.all = append(r.all, p)
	if p.entry.Name == sandboxName(p.entry.Channel) {
		r.sandbox[p.entry.Channel] = p
	}
	if !p.implicit {
		r.byChannel[p.entry.Channel] = append(r.byChannel[p.entry.Channel], p)
	}
}

func (r *roster) sort() {
	slices.SortFunc(r.all, func(a, b *Provider) int { return strings.Compare(a.entry.Name, b.entry.Name) })
	for _, list := range r.byChannel {
		slices.SortStableFunc(list, func(a, b *Provider) int { return a.entry.Priority - b.entry.Priority })
	}
}
