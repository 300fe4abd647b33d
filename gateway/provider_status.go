package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"sync"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// reportEvery is how often a process says how its providers are doing.
const reportEvery = 5 * time.Second

// ProviderStatus is how a provider is doing, over all processes.
type ProviderStatus struct {
	Breaker        channels.Breaker `json:"breaker" enum:"closed,trying,open" doc:"open: it failed too often just now, and rests. trying: some messages are let through."`
	LastError      *ProviderError   `json:"last_error,omitempty" doc:"The last answer that spoke against the provider itself, not against one recipient."`
	RateInUse      float64          `json:"rate_in_use" doc:"Messages a second that it took over the last minute."`
	SentLastHour   int64            `json:"sent_last_hour" doc:"Messages that it took."`
	FailedLastHour int64            `json:"failed_last_hour" doc:"Attempts that it did not take; most are tried again."`
	PausedUntil    *time.Time       `json:"paused_until,omitempty" doc:"It asked to be left alone until then."`
	Inbound        ProviderInbound  `json:"inbound"`
}

// ProviderError is an answer of a provider. Addresses are left out.
type ProviderError struct {
	At      time.Time     `json:"at"`
	Verdict channels.Kind `json:"verdict" enum:"throttled,temporary,misconfigured,ambiguous,rejected,address_dead,opted_out,address_moved"`
	Reason  string        `json:"reason,omitempty"`
	Code    string        `json:"code,omitempty"`
	Detail  string        `json:"detail,omitempty" doc:"What the provider said."`
}

// ProviderInbound is how answers and receipts come in from a provider.
type ProviderInbound struct {
	By        string     `json:"by" enum:"none,callback,polling,listening,polling and listening" doc:"callback: the provider calls us. polling: we ask it. listening: we take mail in ourselves."`
	LastAt    *time.Time `json:"last_at,omitempty" doc:"When something came last."`
	CheckedAt *time.Time `json:"checked_at,omitempty" doc:"When asking last went well."`
	Error     string     `json:"error,omitempty" doc:"Why asking or listening does not work now."`
	ErrorAt   *time.Time `json:"error_at,omitempty" doc:"Since when."`
}

// providerState is what one process says of a provider.
type providerState struct {
	Breaker channels.Breaker `json:"breaker"`
	Fault   *ProviderError   `json:"fault,omitempty"`
	Inbound inboundState     `json:"inbound"`
}

type inboundState struct {
	HeardAt   time.Time `json:"heard_at,omitzero"`
	CheckedAt time.Time `json:"checked_at,omitzero"`
	Error     string    `json:"error,omitempty"`
	ErrorAt   time.Time `json:"error_at,omitzero"`
}

// reports is what this process has seen of its providers and will say, or has said.
type reports struct {
	mu    sync.Mutex
	state map[string]*providerState

	saying sync.Mutex        // one Report at a time
	said   map[string]string // what stands in the store; under saying
	signs  map[rapport.ID]sign
}

// sign is when a worker's counter was last seen to have moved.
type sign struct {
	beats int64
	at    time.Time
}

// watchSigns remembers when which worker gave a sign of life, by the clock of this process.
func (g *Gateway) watchSigns(ctx context.Context) error {
	workers, err := g.Store.Workers(ctx)
	if err != nil {
		return err
	}
	now := g.now()
	g.reports.mu.Lock()
	defer g.reports.mu.Unlock()
	next := make(map[rapport.ID]sign, len(workers))
	for _, w := range workers {
		s, known := g.reports.signs[w.ID]
		if known && s.beats != w.Beats || w.ID == g.Worker() {
			s.at = now
		}
		s.beats = w.Beats
		next[w.ID] = s
	}
	g.reports.signs = next
	return nil
}

// see changes what this process thinks of a provider.
func (r *reports) see(name string, change func(*providerState)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == nil {
		r.state = map[string]*providerState{}
	}
	x := r.state[name]
	if x == nil {
		x = &providerState{}
		r.state[name] = x
	}
	change(x)
}

// heard notes that something came in from a provider.
func (g *Gateway) heard(name string) {
	now := g.now()
	g.reports.see(name, func(x *providerState) { x.Inbound.HeardAt = now })
}

// asked notes how asking a provider, or listening for it, went. Only the first of the same errors has a time.
func (g *Gateway) asked(name string, err error) {
	now := g.now()
	g.reports.see(name, func(x *providerState) {
		if err == nil {
			x.Inbound.CheckedAt, x.Inbound.Error, x.Inbound.ErrorAt = now, "", time.Time{}
			return
		}
		if x.Inbound.Error == "" {
			x.Inbound.ErrorAt = now
		}
		x.Inbound.Error = withoutAddresses(err.Error())
	})
}

// reportLoop says from time to time how the providers of this process are doing.
func (g *Gateway) reportLoop(ctx context.Context) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := errors.Join(g.Report(ctx), g.watchSigns(ctx))
		if err == nil && n%60 == 0 {
			err = g.Store.ForgetReports(ctx)
		}
		if err != nil && ctx.Err() == nil {
			g.Log.Warn("how the providers are doing was not stored; trying again", "error", err)
		}
	}
}

// Report stores how the providers of this process are doing: what was counted and what has changed; nothing, when nothing has.
func (g *Gateway) Report(ctx context.Context) error {
	g.reports.saying.Lock()
	defer g.reports.saying.Unlock()
	if g.reports.said == nil {
		g.reports.said = map[string]string{}
	}
	var tallies []store.ProviderTally
	var states []store.ProviderState
	drained := map[*channels.Provider]channels.Tally{}
	for _, p := range g.Hub.All() {
		name := p.Entry().Name
		t := p.Drain()
		drained[p] = t
		if t.Sent+t.Failed > 0 {
			tallies = append(tallies, store.ProviderTally{Provider: name, Sent: t.Sent, Failed: t.Failed})
		}
		state := g.stateOf(p, t)
		text, err := json.Marshal(state)
		if err != nil {
			return err
		}
		if state != (providerState{Breaker: channels.BreakerClosed}) && g.reports.said[name] != string(text) {
			states = append(states, store.ProviderState{Provider: name, State: text})
		}
	}
	if len(tallies)+len(states) == 0 {
		return nil
	}
	if err := g.Store.ReportProviders(ctx, g.Worker(), tallies, states); err != nil {
		for p, t := range drained {
			p.Restore(t)
		}
		return err
	}
	for _, x := range states {
		g.reports.said[x.Provider] = string(x.State)
	}
	return nil
}

// stateOf is how a provider looks from here; a fault in t becomes its last one.
func (g *Gateway) stateOf(p *channels.Provider, t channels.Tally) (out providerState) {
	g.reports.see(p.Entry().Name, func(x *providerState) {
		x.Breaker = p.Breaker()
		if f := t.Fault; f != nil {
			x.Fault = &ProviderError{At: f.At.UTC(), Verdict: f.Verdict, Reason: f.Reason, Code: f.Code, Detail: withoutAddresses(f.Detail)}
		}
		out = *x
	})
	return out
}

// ProviderStatuses tells how every provider of this process is doing, by name. What this process has not stored yet is in it.
func (g *Gateway) ProviderStatuses(ctx context.Context) (map[string]ProviderStatus, error) {
	now := g.now()
	hour, err := g.Store.ProviderTallies(ctx, now.Add(-time.Hour))
	if err != nil {
		return nil, err
	}
	minute, err := g.Store.ProviderTallies(ctx, now.Add(-time.Minute))
	if err != nil {
		return nil, err
	}
	paused, err := g.Store.PausedProviders(ctx)
	if err != nil {
		return nil, err
	}
	said, err := g.Store.ProviderStates(ctx)
	if err != nil {
		return nil, err
	}
	others := map[string][]providerState{}
	for _, row := range said {
		var x providerState
		if err := json.Unmarshal(row.State, &x); err == nil && row.Worker != g.Worker() { // another version may write it otherwise
			others[row.Provider] = append(others[row.Provider], x)
		}
	}
	out := map[string]ProviderStatus{}
	for _, p := range g.Hub.All() {
		name, own := p.Entry().Name, p.Tally()
		out[name] = gathered(append(others[name], g.stateOf(p, own)), ProviderStatus{
			RateInUse:    float64(minute[name].Sent+own.Sent) / time.Minute.Seconds(),
			SentLastHour: hour[name].Sent + own.Sent, FailedLastHour: hour[name].Failed + own.Failed,
			PausedUntil: maybeTime(paused[name]), Inbound: ProviderInbound{By: comesBy(p)},
		})
	}
	return out, nil
}

// gathered joins what several processes say: the worst breaker, the last of everything else.
func gathered(states []providerState, s ProviderStatus) ProviderStatus {
	worse := map[channels.Breaker]int{channels.BreakerClosed: 0, channels.BreakerTrying: 1, channels.BreakerOpen: 2}
	s.Breaker = channels.BreakerClosed
	var in inboundState
	for _, x := range states {
		if worse[x.Breaker] > worse[s.Breaker] {
			s.Breaker = x.Breaker
		}
		if x.Fault != nil && (s.LastError == nil || x.Fault.At.After(s.LastError.At)) {
			s.LastError = x.Fault
		}
		if x.Inbound.HeardAt.After(in.HeardAt) {
			in.HeardAt = x.Inbound.HeardAt
		}
		if x.Inbound.CheckedAt.After(in.CheckedAt) {
			in.CheckedAt = x.Inbound.CheckedAt
		}
		if x.Inbound.Error != "" && x.Inbound.ErrorAt.After(in.ErrorAt) {
			in.Error, in.ErrorAt = x.Inbound.Error, x.Inbound.ErrorAt
		}
	}
	s.Inbound.LastAt, s.Inbound.CheckedAt = maybeTime(in.HeardAt), maybeTime(in.CheckedAt)
	if in.ErrorAt.After(in.CheckedAt) { // one process cannot, because another does
		s.Inbound.Error, s.Inbound.ErrorAt = in.Error, maybeTime(in.ErrorAt)
	}
	return s
}

func comesBy(p *channels.Provider) string {
	_, polls := p.Poller()
	_, listens := p.Listener()
	_, called := p.Receiver()
	switch {
	case polls && listens:
		return "polling and listening"
	case polls:
		return "polling"
	case listens:
		return "listening"
	case called:
		return "callback"
	}
	return "none"
}

func maybeTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

var addressLike = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]+|\+?\d[\d ()-]{6,}\d`)

// withoutAddresses takes out of a provider's words what looks like a mail address or a phone number.
func withoutAddresses(s string) string { return addressLike.ReplaceAllString(s, "[address]") }
