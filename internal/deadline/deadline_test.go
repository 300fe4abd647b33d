package deadline

import (
	"context"
	"errors"
	"testing"
	"time"
)

func ended(t *testing.T, ctx context.Context, want error) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("it does not end")
	}
	if err := ctx.Err(); !errors.Is(err, want) || !errors.Is(context.Cause(ctx), want) {
		t.Errorf("ended by %v (cause %v), want %v", err, context.Cause(ctx), want)
	}
}

func TestContext_EndsAtItsTime(t *testing.T) {
	t.Parallel()
	c := New(t.Context(), 20*time.Millisecond)
	defer c.End()
	if err := c.Err(); err != nil {
		t.Errorf("ended at once: %v", err)
	}
	ended(t, c, context.DeadlineExceeded)

	unwatched := New(context.Background(), time.Millisecond)
	defer unwatched.End()
	time.Sleep(5 * time.Millisecond)
	if err := unwatched.Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody waited, and Err is %v", err)
	}
}

func TestContext_EndsWithItsParent(t *testing.T) {
	t.Parallel()
	parent, cancel := context.WithCancel(t.Context())
	watched, unwatched := New(parent, time.Hour), New(parent, time.Hour)
	defer watched.End()
	defer unwatched.End()
	derived, stop := context.WithCancel(watched)
	defer stop()
	cancel()
	ended(t, watched, context.Canceled)
	ended(t, derived, context.Canceled)
	if err := unwatched.Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waited, and Err is %v", err)
	}
	short, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	c := New(short, time.Hour)
	defer c.End()
	if at, _ := c.Deadline(); time.Until(at) > time.Minute {
		t.Errorf("it may outlive its parent by %v", time.Until(at))
	}
	ended(t, c, context.DeadlineExceeded)
}

func TestContext_EndsByEnd(t *testing.T) {
	t.Parallel()
	before, after := New(t.Context(), time.Hour), New(t.Context(), time.Hour)
	done := before.Done()
	before.End()
	<-done
	ended(t, before, context.Canceled)
	after.End()
	ended(t, after, context.Canceled)
}

func TestContext_FunctionRunsWhenItEnds(t *testing.T) {
	t.Parallel()
	c := New(t.Context(), 10*time.Millisecond)
	defer c.End()
	ran := make(chan struct{})
	context.AfterFunc(c, func() { close(ran) })
	stopped := context.AfterFunc(c, func() { t.Error("it was stopped and ran") })
	if !stopped() {
		t.Error("stop came too late")
	}
	<-ran
}

func TestOnly(t *testing.T) {
	t.Parallel()
	parent, cancel := context.WithCancel(context.Background())
	defer cancel()
	for name, tc := range map[string]struct {
		ctx  context.Context
		want bool
	}{
		"no end at all":          {context.Background(), true},
		"a deadline":             {New(context.Background(), time.Hour), true},
		"a deadline in another":  {New(New(context.Background(), time.Hour), time.Minute), true},
		"a parent that may end":  {New(New(parent, time.Hour), time.Minute), false},
		"one that may end below": {parent, false},
	} {
		if got := Only(tc.ctx); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
