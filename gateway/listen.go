package gateway

import (
	"context"
	"time"

	"rapport/channels"
)

const (
	listenLook  = 2 * time.Second // how often the providers are looked through
	listenAgain = 5 * time.Second // after a failure: mostly another process has the address, until it ends
)

// listen runs every provider that takes connections itself, in each process that opens doors. One whose settings change is
// ended first, because the new one may want the same address.
func (g *Gateway) listen(ctx context.Context) {
	type open struct {
		listener channels.Listener
		stop     context.CancelFunc
		ended    chan struct{}
	}
	running := map[string]open{}
	tick := time.NewTicker(listenLook)
	defer tick.Stop()
	for {
		wanted := map[string]channels.Listener{}
		for _, p := range g.Hub.All() {
			if l, ok := p.Listener(); ok {
				wanted[p.Entry().Name] = l
			}
		}
		for name, o := range running {
			if wanted[name] != o.listener {
				o.stop()
			}
			select {
			case <-o.ended: // also one that was stopped before
				o.stop()
				delete(running, name)
			default:
			}
		}
		for name, l := range wanted {
			if _, ok := running[name]; ok {
				continue
			}
			one, stop := context.WithCancel(ctx)
			o := open{l, stop, make(chan struct{})}
			running[name] = o
			g.spawn(func() { defer close(o.ended); g.listenOne(one, name, l) })
		}
		select {
		case <-ctx.Done():
			for _, o := range running {
				o.stop()
			}
			return
		case <-tick.C:
		}
	}
}

// listenOne listens until ctx ends. Of failures that repeat themselves only the first is logged.
func (g *Gateway) listenOne(ctx context.Context, name string, l channels.Listener) {
	take := func(ctx context.Context, updates []channels.Update) error {
		p, ok := g.Hub.Provider(name)
		if !ok {
			return context.Canceled
		}
		return g.Ingest(ctx, p.Entry(), updates, nil)
	}
	for said := ""; ctx.Err() == nil; {
		listening := time.AfterFunc(time.Second, func() { g.asked(name, nil) }) // who cannot listen says so at once
		err := l.Listen(ctx, take)
		listening.Stop()
		if ctx.Err() != nil {
			return
		}
		g.asked(name, err)
		if err != nil && err.Error() != said {
			said = err.Error()
			g.Log.Warn("a provider cannot listen; trying again all the time", "provider", name, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(listenAgain):
		}
	}
}
