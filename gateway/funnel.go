package gateway

import (
	"context"
	"sync"
	"time"

	"rapport"
	"rapport/store"
)

// Funnel is how a campaign fares, as it was a short while ago.
type Funnel struct {
	store.Funnel
	Replies store.ReplySummary
	At      time.Time
}

// funnels keeps answers about campaigns that are looked at. Counting reads all rows of a campaign, so one process counts
// each at most once at a time, and spends at most a twentieth of its time with it, however many look.
type funnels struct {
	mu   sync.Mutex
	kept map[rapport.ID]*funnel
}

type funnel struct {
	mu    sync.Mutex
	until time.Time
	v     *Funnel
}

const mostFunnels = 100

func (f *funnels) of(id rapport.ID) *funnel {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.kept[id]
	if x == nil {
		if f.kept == nil || len(f.kept) >= mostFunnels {
			f.kept = map[rapport.ID]*funnel{}
		}
		x = &funnel{}
		f.kept[id] = x
	}
	return x
}

// Funnel counts how a campaign fares.
func (g *Gateway) Funnel(ctx context.Context, id rapport.ID) (*Funnel, error) {
	if _, err := g.Store.Campaign(ctx, id); err != nil {
		return nil, err
	}
	x := g.funnels.of(id)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.v != nil && time.Now().Before(x.until) {
		return x.v, nil
	}
	began := time.Now()
	v := &Funnel{At: g.now()}
	var err error
	if v.Funnel, err = g.Store.Funnel(ctx, id); err != nil {
		return nil, err
	}
	if v.Replies, err = g.Store.ReplySummary(ctx, id); err != nil {
		return nil, err
	}
	now := time.Now()
	x.v, x.until = v, now.Add(max(time.Second, 20*now.Sub(began)))
	return v, nil
}
