package gateway

import (
	"context"
	"sync"
	"time"

	"rapport"
	"rapport/store"
)

// The feed reads the stream once for all who follow it in this process, and keeps the newest of it for a minute. Who
// follows has a place of his own: one that lies further back reads the table until he has caught up, and one who is slow
// costs nobody anything.
type feed struct {
	st   *store.Store
	wake chan struct{} // this process's relay has moved something

	mu      sync.Mutex
	readers int
	ring    []passed // without a gap, up to newest
	newest  rapport.ID
	ready   bool          // newest is known
	changed chan struct{} // closed, and replaced, when newest moves
}

type passed struct {
	rapport.Notice
	since time.Time
}

const (
	ringMost = 1024
	ringFor  = time.Minute
	// feedPage is how much is read at once.
	feedPage = 200
)

func newFeed(st *store.Store) *feed {
	return &feed{st: st, wake: make(chan struct{}, 1), changed: make(chan struct{})}
}

// run reads the stream while somebody follows it, until ctx ends.
func (f *feed) run(ctx context.Context) {
	tick := time.NewTicker(relayEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-tick.C:
		}
		for f.read(ctx) {
		}
	}
}

// read takes the next page into the ring. True: there may be another.
func (f *feed) read(ctx context.Context) bool {
	f.mu.Lock()
	if f.readers == 0 {
		f.ring, f.ready = nil, false
		f.mu.Unlock()
		return false
	}
	after, ready := f.newest, f.ready
	f.mu.Unlock()
	var page []rapport.Notice
	var err error
	if !ready {
		_, after, err = f.st.StreamBounds(ctx)
	} else {
		page, err = f.st.Stream(ctx, after, feedPage)
	}
	if err != nil || ready && len(page) == 0 {
		f.mu.Lock()
		f.forget()
		f.mu.Unlock()
		return false // the next tick looks again
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for _, n := range page {
		if n.ID != after+1 { // what was between is purged already: the ring must have no gap
			f.ring = nil
		}
		f.ring = append(f.ring, passed{n, now})
		after = n.ID
	}
	if over := len(f.ring) - ringMost; over > 0 {
		f.ring = f.ring[over:]
	}
	f.forget()
	f.newest, f.ready = after, true
	close(f.changed)
	f.changed = make(chan struct{})
	return len(page) == feedPage
}

// forget drops what is old; it may be about somebody who was erased since.
func (f *feed) forget() {
	for len(f.ring) > 0 && time.Since(f.ring[0].since) > ringFor {
		f.ring = f.ring[1:]
	}
}

// Follower reads the stream from one place on. It belongs to one goroutine.
type Follower struct {
	feed *feed
	at   rapport.ID // the newest that it has been given
	once sync.Once
}

// Follow reads the stream from after on. It must be closed.
func (g *Gateway) Follow(after rapport.ID) *Follower {
	f := g.telling.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers++
	rouse(f.wake)
	return &Follower{feed: f, at: after}
}

// Close may be called more than once, and by another goroutine.
func (f *Follower) Close() {
	f.once.Do(func() {
		f.feed.mu.Lock()
		defer f.feed.mu.Unlock()
		f.feed.readers--
	})
}

// At is the place up to which everything was given.
func (f *Follower) At() rapport.ID { return f.at }

// Next waits until there is something, or ctx ends: then it returns nothing. The first id of a page is the one after At,
// unless what was between is not kept any more.
func (f *Follower) Next(ctx context.Context) ([]rapport.Notice, error) {
	for {
		page, behind, changed := f.feed.after(f.at)
		if len(page) == 0 && behind {
			var err error
			if page, err = f.feed.st.Stream(ctx, f.at, feedPage); err != nil && ctx.Err() == nil {
				return nil, err
			}
		}
		if len(page) > 0 {
			f.at = page[len(page)-1].ID
			return page, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// after is what the ring has after an id. behind: the ring does not reach back so far, or is not known yet; then the
// table has it.
func (f *feed) after(id rapport.ID) (page []rapport.Notice, behind bool, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ring) == 0 || f.ring[0].ID > id+1 {
		return nil, !f.ready || id < f.newest, f.changed
	}
	for _, k := range f.ring[min(int(id+1-f.ring[0].ID), len(f.ring)):] {
		if page = append(page, k.Notice); len(page) == feedPage {
			break
		}
	}
	return page, false, f.changed
}
