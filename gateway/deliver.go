package gateway

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// claimMax is how many rows one claim asks for: enough to make a group worth its commit, few enough that a
// batch's pause is felt at once.
const claimMax = 192

// Deliver works on a batch until none of its rows is due. It returns after at most wait, while the work
// goes on; a batch that somebody else has, or that is not due, is no error.
func (g *Gateway) Deliver(ctx context.Context, id rapport.ID, lane rapport.Lane, wait time.Duration) error {
	if !g.engine.hold(id) {
		return nil
	}
	return g.deliver(ctx, id, lane, wait)
}

// deliver works on a batch that this process holds, and lets go of it in the end.
func (g *Gateway) deliver(ctx context.Context, id rapport.ID, lane rapport.Lane, wait time.Duration) error {
	limit, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	e := g.engine
	if err := e.enter(limit, lane); err != nil {
		e.letGo(id)
		if errors.Is(err, errClosing) || limit.Err() != nil {
			return nil // the sweeper will find it
		}
		return err
	}
	worker := g.Worker()
	b, ok, err := g.Store.TakeBatch(ctx, id, worker)
	if err != nil {
		g.spawn(func() { g.untake(id, worker) })
	} else if !ok {
		e.letGo(id)
	}
	if err != nil || !ok {
		<-e.lanes[lane]
		e.work.Done()
		return err
	}
	done := make(chan struct{})
	go func() {
		defer e.work.Done()
		g.work(b, nil, func() { e.exit(lane); close(done) })
	}()
	select {
	case <-done:
	case <-limit.Done():
	}
	return nil
}

// deliverOwn works on batches that were stored as this process's own, in the place that reserve has found for them.
// Nothing of them goes through the queue, nobody else has to be asked whose they are, and what they say is known.
func (g *Gateway) deliverOwn(batches []store.Batch, known map[rapport.ID]*content) {
	var each sync.WaitGroup
	for _, b := range batches {
		g.engine.hold(b.ID)
		each.Go(func() { g.work(b, known, func() {}) })
	}
	go func() {
		each.Wait()
		g.engine.unreserve()
	}()
}

// work does what the batch wants and gives it back. leave is called when no more rows are to be had,
// which may be long before the last of them is recorded. known, which may be nil, is by campaign what messages of it
// say.
func (g *Gateway) work(b store.Batch, known map[rapport.ID]*content, leave func()) {
	ctx := context.Background()
	var err error
	var rest time.Time
	var sends sync.WaitGroup
	switch b.What {
	case store.WhatSettle:
		err = g.settleBatch(ctx, b)
	case store.WhatEscalate:
		err = g.escalateBatch(ctx, b)
	default:
		rest, err = g.sendBatch(ctx, b, known, &sends)
	}
	leave()
	sends.Wait()
	if err != nil {
		g.Log.Error("a batch was interrupted", "batch", int64(b.ID), "what", b.What, "error", err)
		rest = g.now().Add(2 * time.Second)
	}
	g.giveBack(ctx, b, rest)
	g.engine.letGo(b.ID)
}

// sendBatch claims by free slot and sends. rest, when not zero, is until when the batch must wait.
func (g *Gateway) sendBatch(ctx context.Context, b store.Batch, known map[rapport.ID]*content, sends *sync.WaitGroup) (rest time.Time, err error) {
	var after rapport.ID
	left := b.Size // rows that the batch may still have
	for !g.engine.closed.Load() {
		p, until := g.provider(b)
		if p == nil {
			return until, nil
		}
		slots := g.engine.slots(p.Entry().Name, p.Window())
		want := slots.take(b.Lane, min(claimMax, left+1)) // one more than there can be says that there are no more
		res, err := g.engine.claim(store.ClaimRequest{Batch: b, Worker: g.Worker(), Provider: p.Entry().Name, Max: want, After: after, Rate: p.Entry().Rate, DomainRate: domainRate(p), Hold: g.holds()})
		if err != nil {
			slots.give(b.Lane, want)
			return time.Time{}, err
		}
		mine := 0
		var again []store.Claimed
		for i := range res.Rows {
			c := &res.Rows[i]
			after = c.ID
			if c.Mine() {
				mine++
			} else if !c.Held {
				again = append(again, *c)
			}
		}
		left = max(0, left-len(res.Rows))
		slots.give(b.Lane, want-mine)
		if mine > 0 {
			group, err := g.prepare(ctx, b, res.Rows, known)
			if err != nil {
				// The rows are ours and nothing was sent: say so, and they are tried again.
				g.Log.Error("preparing a group of messages", "error", err)
				group = nil
			}
			for i := range res.Rows {
				if c := &res.Rows[i]; c.Mine() {
					g.senders.send(task{&b, p, c, group, slots, sends})
				}
			}
		}
		if len(again) > 0 {
			if err := g.decideAgain(ctx, b, again); err != nil {
				return time.Time{}, err
			}
			after, left = 0, b.Size // some of them may go now
		}
		switch {
		case res.Stop, res.Empty && res.Wait == 0:
			return time.Time{}, nil
		case res.Wait > time.Second:
			return g.now().Add(res.Wait), nil
		case res.Wait > 0:
			time.Sleep(res.Wait)
		}
	}
	return time.Time{}, nil
}

// domainRate is the provider's settings.domain_rate: messages a second to one mail domain.
func domainRate(p *channels.Provider) float64 {
	switch n := p.Entry().Settings["domain_rate"].(type) {
	case float64:
		return n
	case int:
		return float64(n)
	}
	return 0
}

// faithful is how long a provider that is down keeps what it may have sent already.
const faithful = 24 * time.Hour

// provider picks who carries the next group: the first healthy one that is not paused; for rows sent again
// after a doubt the same one as before, because another would send for certain what it may have sent. Without one, the
// batch rests until the first pause ends, or for some seconds.
func (g *Gateway) provider(b store.Batch) (*channels.Provider, time.Time) {
	pauses := *g.pauses.Load()
	rest := g.now().Add(5 * time.Second)
	route := g.Hub.Route(b.Channel, b.Sandbox)
	if p, ok := g.Hub.Provider(b.Provider); ok && b.Provider != "" && g.now().Sub(b.ID.Time()) < faithful {
		route = []*channels.Provider{p} // one that is gone from the settings pins nothing
	}
	for _, p := range route {
		until, paused := pauses[string(channels.ScopeProvider)+" "+p.Entry().Name]
		if paused && until.After(g.now()) {
			if until.Before(rest) {
				rest = until
			}
			continue
		}
		if !p.Healthy() {
			continue
		}
		return p, time.Time{}
	}
	return nil, rest
}

// failsOver tells whether the next claim will leave the provider aside that has just failed: it is paused or
// its breaker is open, and another one could carry the message now.
func (g *Gateway) failsOver(a *attempt) bool {
	p, until := g.provider(*a.batch)
	return p != nil && until.IsZero() && p.Healthy() && p.Entry().Name != a.provider
}

// pause makes a pause hold in this process at once; the others, and this one after a restart, read it from
// the store.
func (g *Gateway) pause(scope channels.Scope, key string, until time.Time) {
	for {
		old := g.pauses.Load()
		m := make(map[string]time.Time, len(*old)+1)
		maps.Copy(m, *old)
		k := string(scope) + " " + key
		if !until.After(m[k]) {
			return
		}
		m[k] = until
		if g.pauses.CompareAndSwap(old, &m) {
			return
		}
	}
}

// holds is held, or nil while nothing is paused.
func (g *Gateway) holds() func(*store.Claimed) time.Time {
	if len(*g.pauses.Load()) == 0 {
		return nil
	}
	return g.held
}

// held tells until when a row must rest because its mail domain or its chat is paused.
func (g *Gateway) held(c *store.Claimed) time.Time {
	pauses := *g.pauses.Load()
	if len(pauses) == 0 {
		return time.Time{}
	}
	until := pauses[string(channels.ScopeRecipient)+" "+pauseKey(channels.ScopeRecipient, c.Channel, c.Address)]
	if d := pauses[string(channels.ScopeDomain)+" "+pauseKey(channels.ScopeDomain, c.Channel, c.Address)]; d.After(until) {
		until = d
	}
	if until.After(g.now()) {
		return until
	}
	return time.Time{}
}

// pauseKey names what a pause is about without holding an address in clear.
func pauseKey(s channels.Scope, c rapport.Channel, address string) string {
	if s == channels.ScopeDomain {
		_, domain, _ := strings.Cut(address, "@")
		return domain
	}
	return store.OpaqueKey(c, address)
}
