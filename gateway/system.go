package gateway

import (
	"context"
	"time"

	"rapport/store"
)

// System is how the whole is doing.
type System struct {
	Engine     string
	Bytes      int64
	Workers    []WorkerSign
	Due        []store.Due
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
