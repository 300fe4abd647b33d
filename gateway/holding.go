package gateway

import (
	"context"
	"time"

	"rapport"
	"rapport/store"
)

// hold says that this process takes a batch, or finds out whether it has it. False: it holds it already.
func (e *engine) hold(id rapport.ID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.held[id] {
		return false
	}
	e.held[id] = true
	return true
}

// letGo ends hold.
func (e *engine) letGo(id rapport.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.held, id)
}

// giveBack releases a batch, at rest's time when that is not zero. It tries until the database has done it:
// others look only at what has no owner or a dead one, and this one lives. When the process drains it ends,
// and resigns, which is as good.
func (g *Gateway) giveBack(ctx context.Context, b store.Batch, rest time.Time) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		var err error
		if !rest.IsZero() {
			err = g.Store.DeferBatch(ctx, b, rest)
		} else {
			err = g.release(ctx, b)
		}
		if err == nil {
			return
		}
		g.Log.Warn("a batch could not be given back; trying again", "batch", int64(b.ID), "error", err)
		if g.engine.closed.Load() {
			return
		}
		time.Sleep(wait)
	}
}

// untake gives back a batch of which nobody told us whether it became ours: the answer was lost, but perhaps
// not the update.
func (g *Gateway) untake(id rapport.ID, worker rapport.ID) {
	defer g.engine.letGo(id)
	g.giveBack(g.engine.over, store.Batch{ID: id, Owner: worker, What: store.WhatSend}, g.now())
}

// releaseEvery is how long batches that are done wait for company: nobody waits for them, and each alone would cost as
// much as ten messages.
const releaseEvery = 20 * time.Millisecond

// giving is a batch to be given back.
type giving struct {
	batch store.Batch
	err   chan error
}

// release gives a batch back together with others.
func (g *Gateway) release(ctx context.Context, b store.Batch) error {
	x := giving{b, make(chan error, 1)}
	select {
	case g.engine.done <- x:
		return <-x.err
	case <-g.engine.over.Done(): // nobody gathers any more
		_, err := g.Store.ReleaseBatch(ctx, b)
		return err
	}
}

// releaseLoop gives batches back until ctx ends, when the engine has drained.
func (g *Gateway) releaseLoop(ctx context.Context) {
	for {
		var all []giving
		select {
		case x := <-g.engine.done:
			all = append(all, x)
		case <-ctx.Done():
			return
		}
		for limit := time.After(releaseEvery); limit != nil; {
			select {
			case x := <-g.engine.done:
				all = append(all, x)
			case <-limit:
				limit = nil
			}
		}
		try, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		err := g.Store.Tx(try, func(s *store.Store) error {
			for _, x := range all {
				if _, err := s.ReleaseBatch(try, x.batch); err != nil {
					return err
				}
			}
			return nil
		})
		for _, x := range all {
			if err != nil && !g.Store.Unavailable(err) { // one that fails by itself must not keep the others
				_, alone := g.Store.ReleaseBatch(try, x.batch)
				x.err <- alone
				continue
			}
			x.err <- err
		}
		cancel()
	}
}
