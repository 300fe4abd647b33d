package templates

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"

	"rapport"
)

// Cache keeps the parsed templates that are being sent, by version. A version never changes, so nothing
// is ever stale. Safe for concurrent use.
type Cache struct {
	load func(context.Context, rapport.ID) (*Compiled, error)
	max  int

	mu     sync.Mutex
	known  map[rapport.ID]*list.Element // of *cached
	recent *list.List                   // the least used last
}

// cached is a template, or the wait for one.
type cached struct {
	version  rapport.ID
	ready    chan struct{} // closed when template or err is set
	template *Template
	err      error
}

// NewCache keeps at most max templates, at least one. load reads a version from the store; it is called
// once for all who ask for a version at the same time.
func NewCache(max int, load func(context.Context, rapport.ID) (*Compiled, error)) *Cache {
	return &Cache{load: load, max: max, known: map[rapport.ID]*list.Element{}, recent: list.New()}
}

// Get returns a version's template. Errors are those of load, and are not kept.
func (c *Cache) Get(ctx context.Context, version rapport.ID) (*Template, error) {
	for {
		e, mine := c.entry(version)
		if mine {
			e.template, e.err = c.fetch(ctx, version)
			if e.err != nil {
				c.forget(e)
			}
			close(e.ready)
			return e.template, e.err
		}
		select {
		case <-e.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		// Who loaded it gave up, not the store: ask again in our own name.
		if (errors.Is(e.err, context.Canceled) || errors.Is(e.err, context.DeadlineExceeded)) && ctx.Err() == nil {
			continue
		}
		return e.template, e.err
	}
}

// entry finds the entry of a version, or makes one for the caller to fill.
func (c *Cache) entry(version rapport.ID) (e *cached, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.known[version]; ok {
		c.recent.MoveToFront(at)
		return at.Value.(*cached), false
	}
	e = &cached{version: version, ready: make(chan struct{})}
	c.known[version] = c.recent.PushFront(e)
	for c.recent.Len() > max(c.max, 1) {
		last := c.recent.Back()
		c.recent.Remove(last)
		delete(c.known, last.Value.(*cached).version)
	}
	return e, true
}

func (c *Cache) forget(e *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.known[e.version]; ok && at.Value == e {
		c.recent.Remove(at)
		delete(c.known, e.version)
	}
}

// fetch turns a panic of load into an error, so that those who wait for it do not wait for ever.
func (c *Cache) fetch(ctx context.Context, version rapport.ID) (t *Template, err error) {
	defer func() {
		if r := recover(); r != nil {
			t, err = nil, fmt.Errorf("loading template version %d: panic: %v", version, r)
		}
	}()
	compiled, err := c.load(ctx, version)
	if err != nil {
		return nil, err
	}
	return Load(rapport.KindTemplate.Format(version), compiled)
}
