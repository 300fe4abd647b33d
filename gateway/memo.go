package gateway

import (
	"context"
	"sync"
	"time"
)

// memo caches what is read again and again on the hot path: at most max values, each for at most ttl.
type memo[K comparable, V any] struct {
	mu   sync.Mutex
	m    map[K]memoed[V]
	max  int
	ttl  time.Duration
	load func(context.Context, K) (V, error)
}

type memoed[V any] struct {
	v     V
	until time.Time
}

func newMemo[K comparable, V any](max int, ttl time.Duration, load func(context.Context, K) (V, error)) *memo[K, V] {
	return &memo[K, V]{m: map[K]memoed[V]{}, max: max, ttl: ttl, load: load}
}

func (c *memo[K, V]) get(ctx context.Context, k K) (V, error) {
	now := time.Now() // monotonic: a clock that is set does not keep values for ever
	c.mu.Lock()
	e, ok := c.m[k]
	c.mu.Unlock()
	if ok && now.Before(e.until) {
		return e.v, nil
	}
	v, err := c.load(ctx, k)
	if err == nil {
		c.put(k, v)
	}
	return v, err
}

func (c *memo[K, V]) put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= c.max {
		clear(c.m) // rare, and cheaper than keeping an order
	}
	c.m[k] = memoed[V]{v, time.Now().Add(c.ttl)}
}

func (c *memo[K, V]) forget(k K) {
	c.mu.Lock()
	delete(c.m, k)
	c.mu.Unlock()
}
