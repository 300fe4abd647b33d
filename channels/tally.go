package channels

import (
	"cmp"
	"errors"
	"sync"
	"time"
)

// Breaker is what a provider's breaker is doing.
type Breaker string

// A breaker that is trying lets some messages through, to see whether the provider is back.
const (
	BreakerClosed Breaker = "closed"
	BreakerTrying Breaker = "trying"
	BreakerOpen   Breaker = "open"
)

// Breaker tells whether the provider is being used.
func (p *Provider) Breaker() Breaker { return p.link.breaker.state() }

// Tally is what a provider made of the messages that this process handed to it since the last Drain.
type Tally struct {
	Sent   int64
	Failed int64 // every other answer than yes
	Fault  *Fault
}

// Fault is the last answer that spoke against the provider itself, not against one recipient. Its texts are those of a
// Verdict that was cleaned: no secrets, no line breaks.
type Fault struct {
	At      time.Time
	Verdict Kind
	Reason  string
	Code    string
	Detail  string
}

// Drain takes what was counted; the next one begins at nothing.
func (p *Provider) Drain() Tally { return p.tally.drain() }

// Restore puts back what could not be stored.
func (p *Provider) Restore(t Tally) {
	p.tally.mu.Lock()
	defer p.tally.mu.Unlock()
	p.tally.now.Sent += t.Sent
	p.tally.now.Failed += t.Failed
	p.tally.now.Fault = cmp.Or(p.tally.now.Fault, t.Fault)
}

// Tally is what was counted since the last Drain, which it leaves.
func (p *Provider) Tally() Tally {
	p.tally.mu.Lock()
	defer p.tally.mu.Unlock()
	return p.tally.now
}

// tally counts under a lock of its own: a few nanoseconds beside a provider's answer.
type tally struct {
	mu  sync.Mutex
	now Tally
}

func (t *tally) count(now time.Time, v *Verdict, callerGaveUp bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v == nil {
		t.now.Sent++
		return
	}
	t.now.Failed++
	if errors.Is(blame(v, callerGaveUp), errFault) || v.Kind == Throttled && v.Scope == ScopeProvider {
		t.now.Fault = &Fault{At: now, Verdict: v.Kind, Reason: v.Reason, Code: v.Code, Detail: v.Detail}
	}
}

func (t *tally) drain() Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.now
	t.now = Tally{}
	return out
}

// tally of a name; made at its first use.
func (h *Hub) tally(name string) *tally {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tallies[name] == nil {
		h.tallies[name] = &tally{}
	}
	return h.tallies[name]
}
