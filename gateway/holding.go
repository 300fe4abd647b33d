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
			_, err = g.Store.ReleaseBatch(ctx, b)
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
