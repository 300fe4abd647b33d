package channels

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"rapport"
	"rapport/internal/deadline"
	"rapport/internal/httpx"
)

// Provider is one opened entry of the configuration. It stays usable after a Configure that removed or
// changed it, but then its Sends get a Temporary verdict.
type Provider struct {
	hub      *Hub
	entry    Entry
	driver   Driver
	timeout  time.Duration
	window   int
	implicit bool
	tally    *tally // shared by all Providers of this name
	link     *link  // shared by the Providers of successive configurations that differ in priority, rate, window only
}

// Send hands o to the provider. v is nil on success. The checks that need no provider come first
// (Caps.Check), and an open breaker gives a Temporary verdict with reason "breaker_open": nothing was tried.
//
// v's texts hold no secret of the settings, no control characters and at most 500 bytes each.
func (p *Provider) Send(ctx context.Context, o *Outgoing) (providerID string, v *Verdict) {
	if v := p.driver.Caps.Check(o); v != nil {
		return "", v
	}
	if ctx.Err() != nil {
		return "", &Verdict{Kind: Temporary, Reason: "cancelled", Err: ctx.Err()}
	}
	if !p.link.enter() {
		return "", &Verdict{Kind: Temporary, Reason: "provider_changed"}
	}
	defer p.link.leave()
	settle, wait := p.link.breaker.allow()
	if settle == nil {
		return "", &Verdict{Kind: Temporary, Reason: "breaker_open", After: wait}
	}
	sending := deadline.New(ctx, p.timeout)
	defer sending.End()
	if o.Wire != nil && !p.driver.Caps.Wires {
		o.Wire()
	}
	begin := time.Now()
	id, err := p.link.send(sending, o)
	v = p.link.clean(VerdictOf(err))
	settle(v, ctx.Err() != nil)
	p.tally.count(p.hub.o.Now(), v, ctx.Err() != nil)
	if p.hub.o.Observe != nil {
		p.hub.o.Observe(Observation{Provider: p.entry.Name, Driver: p.driver.Name, Channel: p.entry.Channel, Took: time.Since(begin), Verdict: v})
	}
	return oneLine(id, 255), v
}

// Entry is the configuration as it was given, secrets not resolved.
func (p *Provider) Entry() Entry { return p.entry }

// Settings is what its driver understands.
func (p *Provider) Settings() []Setting { return p.driver.Settings }

// Caps are the driver's, with the Timeout that applies here.
func (p *Provider) Caps() Caps {
	c := p.driver.Caps
	c.Timeout = p.timeout
	return c
}

// Implicit tells whether nobody configured it: the sandbox of its channel.
func (p *Provider) Implicit() bool { return p.implicit }

// Window is how many messages may be between claim and commit at once.
func (p *Provider) Window() int { return p.window }

// Healthy is false while the breaker is open. It costs one uncontended lock.
func (p *Provider) Healthy() bool { return !p.link.breaker.open() }

// Receiver, if the provider calls back. Panics become ErrMalformed, and errors are redacted.
func (p *Provider) Receiver() (Receiver, bool) {
	r, ok := p.link.conn.(Receiver)
	return guardedReceiver{p.link, r}, ok
}

// Poller, if the provider must be asked.
func (p *Provider) Poller() (Poller, bool) {
	r, ok := p.link.conn.(Poller)
	return guardedPoller{p.link, r}, ok
}

// Listener, if the provider takes connections itself. It is equal (==) to what another call returned as long as it is the
// same opened entry: a change of settings makes another one.
func (p *Provider) Listener() (Listener, bool) {
	l, ok := p.link.conn.(Listener)
	return guardedListener{p.link, l}, ok
}

// Lookup, if the provider can be asked about a message in doubt.
func (p *Provider) Lookup() (Lookup, bool) {
	r, ok := p.link.conn.(Lookup)
	return guardedLookup{p.link, r}, ok && p.driver.Caps.Lookup
}

// link is an opened Conn and what belongs to it for as long as it is open.
type link struct {
	conn     Conn
	settings Settings // secrets resolved
	secrets  []string
	breaker  *breaker
	log      *slog.Logger

	mu      sync.Mutex
	running int
	retired bool
	idle    chan struct{} // made by close, closed when the last Send has left
}

func (l *link) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired {
		return false
	}
	l.running++
	return true
}

func (l *link) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	if l.retired && l.running == 0 {
		close(l.idle)
	}
}

// close lets nobody in any more; the channel is closed when all have left. It is called once.
func (l *link) close() (idle <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retired, l.idle = true, make(chan struct{})
	if l.running == 0 {
		close(l.idle)
	}
	return l.idle
}

// send guards against a provider that panics. Nobody knows how far it had got, so the verdict is the one
// that never sends twice.
func (l *link) send(ctx context.Context, o *Outgoing) (id string, err error) {
	defer func() {
		if r := recover(); r != nil {
			l.panicked("send", r)
			id, err = "", &Verdict{Kind: Ambiguous, Reason: "panic"}
		}
	}()
	return l.conn.Send(ctx, o)
}

func (l *link) panicked(doing string, r any) {
	l.log.Error("A provider panicked.", "doing", doing, "panic", redactText(fmt.Sprint(r), l.secrets), "stack", string(debug.Stack()))
}

// clean returns a copy of v that may be stored and shown.
func (l *link) clean(v *Verdict) *Verdict {
	if v == nil {
		return nil
	}
	c := *v
	switch c.Kind {
	case Rejected, AddressDead, OptedOut, AddressMoved, Throttled, Temporary, Misconfigured, Ambiguous:
	default:
		c.Kind = Ambiguous // a word we do not know proves nothing
	}
	if c.Kind == AddressMoved && c.MovedTo == "" {
		c.Kind, c.Reason = Rejected, "moved_nowhere"
	}
	c.After = max(c.After, 0)
	for _, s := range []*string{&c.Reason, &c.Code, &c.Detail} {
		*s = oneLine(redactText(*s, l.secrets), 500)
	}
	if c.Err != nil {
		c.Err = redactError(c.Err, l.secrets)
	}
	return &c
}

type guardedReceiver struct {
	link *link
	r    Receiver
}

func (g guardedReceiver) Receive(ctx context.Context, c *Callback) (updates []Update, reply Reply, err error) {
	defer func() {
		if r := recover(); r != nil {
			g.link.panicked("receive", r)
			updates, reply, err = nil, Reply{}, ErrMalformed
		}
	}()
	updates, reply, err = g.r.Receive(ctx, c)
	if err != nil {
		said, _ := errors.AsType[*rapport.Error](err)
		return nil, Reply{}, refusal{redactError(err, g.link.secrets), said}
	}
	return tidy(updates), reply, nil
}

// refusal is an error of Receive, with what may be said to a sender who has proved who they are; nil: nothing.
type refusal struct {
	error
	said *rapport.Error
}

func (r refusal) Unwrap() []error {
	if r.said == nil {
		return []error{r.error}
	}
	return []error{r.error, r.said}
}

type guardedPoller struct {
	link *link
	p    Poller
}

func (g guardedPoller) Poll(ctx context.Context, cursor string) (updates []Update, next string, err error) {
	defer func() {
		if r := recover(); r != nil {
			g.link.panicked("poll", r)
			updates, next, err = nil, cursor, fmt.Errorf("polling panicked")
		}
	}()
	updates, next, err = g.p.Poll(ctx, cursor)
	return tidy(updates), next, redactError(err, g.link.secrets)
}

type guardedListener struct {
	link *link
	l    Listener
}

func (g guardedListener) Listen(ctx context.Context, take func(context.Context, []Update) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			g.link.panicked("listen", r)
			err = fmt.Errorf("listening panicked")
		}
	}()
	return redactError(g.l.Listen(ctx, take), g.link.secrets)
}

type guardedLookup struct {
	link *link
	l    Lookup
}

func (g guardedLookup) Lookup(ctx context.Context, q Query) (answer Answer, err error) {
	defer func() {
		if r := recover(); r != nil {
			g.link.panicked("look up", r)
			answer, err = Answer{}, fmt.Errorf("looking up panicked")
		}
	}()
	answer, err = g.l.Lookup(ctx, q)
	return answer, redactError(err, g.link.secrets)
}

// redactError keeps errors.Is working; see httpx.Redact.
func redactError(err error, secrets []string) error { return httpx.Redact(err, secrets...) }

func redactText(s string, secrets []string) string {
	if s == "" || len(secrets) == 0 {
		return s
	}
	return httpx.Redact(plain(s), secrets...).Error()
}

type plain string

func (p plain) Error() string { return string(p) }

// oneLine makes s fit for a text column and a log line: no control characters, valid UTF-8, at most n bytes.
func oneLine(s string, n int) string {
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	if strings.IndexFunc(s, unfit) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unfit(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

func unfit(r rune) bool { return unicode.IsControl(r) }
