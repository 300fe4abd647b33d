package gateway

import (
	"context"
	"time"

	"rapport/channels"
	"rapport/store"
)

// poll runs every provider that must ask what happened. One process polls a provider at a time.
func (g *Gateway) poll(ctx context.Context) {
	running := map[string]context.CancelFunc{}
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		wanted := map[string]bool{}
		for _, p := range g.Hub.All() {
			if _, ok := p.Poller(); ok {
				name := p.Entry().Name
				wanted[name] = true
				if running[name] == nil {
					one, cancel := context.WithCancel(ctx)
					running[name] = cancel
					g.spawn(func() { g.pollOne(one, name) })
				}
			}
		}
		for name, cancel := range running {
			if !wanted[name] {
				cancel()
				delete(running, name)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (g *Gateway) pollOne(ctx context.Context, name string) {
	rest := func(d time.Duration) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
	for ctx.Err() == nil {
		p, ok := g.Hub.Provider(name)
		if !ok {
			return
		}
		poller, ok := p.Poller()
		if !ok {
			return
		}
		me := g.Worker()
		mine, err := g.Store.PollTurn(ctx, name, me)
		if err != nil || !mine {
			rest(5 * time.Second)
			continue
		}
		cursor, err := g.Store.Cursor(ctx, name)
		if err == nil {
			var updates []channels.Update
			var next string
			if updates, next, err = poller.Poll(ctx, cursor); err == nil && (next != cursor || len(updates) > 0) {
				err = g.Ingest(ctx, p.Entry(), updates, func(ctx context.Context, s *store.Store) error { return s.MoveCursor(ctx, name, me, next) })
			}
		}
		if ctx.Err() == nil {
			g.asked(name, err)
		}
		if err != nil && ctx.Err() == nil {
			g.Log.Warn("polling a provider", "provider", name, "error", err)
			rest(3 * time.Second)
		}
	}
}
