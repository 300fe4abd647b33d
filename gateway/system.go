package gateway

import (
	"context"
	"maps"
	"slices"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// System is how the whole is doing.
type System struct {
	Engine     string
	Bytes      int64
	Workers    []WorkerSign
	Due        []store.Due
	HeldBack   map[rapport.Channel]int64 // messages that wait because no provider of their channel works
	Queues     store.Queues
	Quarantine bool
	Providers  map[string]ProviderStatus
}

// WorkerSign is a living process. At is when its counter was last seen to move; zero: it was not looked at for long enough.
type WorkerSign struct {
	store.Worker
	At time.Time
}

// System looks at the queues and at who works on them. What it asks costs little even while a large campaign runs.
func (g *Gateway) System(ctx context.Context) (out System, err error) {
	if out.Engine, out.Bytes, err = g.Store.Size(ctx); err != nil {
		return out, err
	}
	if out.Due, err = g.Store.DueNow(ctx); err != nil {
		return out, err
	}
	if out.Queues, err = g.Store.Queues(ctx); err != nil {
		return out, err
	}
	if _, out.Quarantine, err = g.Store.Quarantine(ctx); err != nil {
		return out, err
	}
	if out.Quarantine {
		if out.Quarantine, err = g.Store.Held(ctx); err != nil {
			return out, err
		}
	}
	if out.Providers, err = g.ProviderStatuses(ctx); err != nil {
		return out, err
	}
	if out.HeldBack, err = g.heldBack(ctx, out.Providers); err != nil {
		return out, err
	}
	if err = g.watchSigns(ctx); err != nil {
		return out, err
	}
	workers, err := g.Store.Workers(ctx)
	g.reports.mu.Lock()
	defer g.reports.mu.Unlock()
	for _, w := range workers {
		out.Workers = append(out.Workers, WorkerSign{w, g.reports.signs[w.ID].at})
	}
	return out, err
}

// heldBack counts what waits on channels without a provider that works. Such messages are put off again and again, so
// that they are hardly ever due. A provider that is let try after a fault of just now has not shown yet that it works.
func (g *Gateway) heldBack(ctx context.Context, statuses map[string]ProviderStatus) (map[rapport.Channel]int64, error) {
	down := func(p *channels.Provider) bool {
		s := statuses[p.Entry().Name]
		return s.Breaker == channels.BreakerOpen || s.Breaker == channels.BreakerTrying && s.LastError != nil && g.now().Sub(s.LastError.At) < 2*time.Minute
	}
	resting := map[rapport.Channel]bool{}
	for _, ch := range rapport.Channels {
		if route := g.Hub.Route(ch, false); len(route) > 0 && !slices.ContainsFunc(route, func(p *channels.Provider) bool { return !down(p) }) {
			resting[ch] = true
		}
	}
	if len(resting) == 0 { // nearly always
		return nil, nil
	}
	held, err := g.Store.HeldBack(ctx)
	maps.DeleteFunc(held, func(ch rapport.Channel, n int64) bool { return !resting[ch] || n == 0 })
	return held, err
}

// Sends tells whether some living process delivers.
func (s System) Sends() bool {
	for _, w := range s.Workers {
		if w.Role != "api" {
			return true
		}
	}
	return false
}

// OldestDue is when the oldest of what waits was due; zero: nothing waits.
func (s System) OldestDue() (at time.Time) {
	for _, d := range s.Due {
		if at.IsZero() || d.Oldest.Before(at) {
			at = d.Oldest
		}
	}
	return at
}
