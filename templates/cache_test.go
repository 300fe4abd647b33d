package templates

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"rapport"
)

func compiledSMS(t *testing.T) *Compiled {
	t.Helper()
	c, err := Compile(Source{Variants: []Variant{{Channel: rapport.SMS, Text: "x"}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCache_LoadsOnceForAllWhoAsk(t *testing.T) {
	t.Parallel()
	compiled := compiledSMS(t)
	var loads atomic.Int32
	gate := make(chan struct{})
	c := NewCache(8, func(context.Context, rapport.ID) (*Compiled, error) {
		loads.Add(1)
		<-gate
		return compiled, nil
	})
	var wg sync.WaitGroup
	got := make([]*Template, 20)
	for i := range got {
		wg.Go(func() { got[i], _ = c.Get(t.Context(), 7) })
	}
	close(gate)
	wg.Wait()
	for _, g := range got {
		if g == nil || g != got[0] {
			t.Fatal("not the same template")
		}
	}
	if loads.Load() != 1 {
		t.Errorf("loaded %d times", loads.Load())
	}
}

func TestCache_ForgetsTheLeastUsed(t *testing.T) {
	t.Parallel()
	compiled := compiledSMS(t)
	var loaded []rapport.ID
	c := NewCache(2, func(_ context.Context, id rapport.ID) (*Compiled, error) {
		loaded = append(loaded, id)
		return compiled, nil
	})
	for _, id := range []rapport.ID{1, 2, 1, 3, 1, 2} { // 3 pushes out 2, then 2 pushes out 3
		if _, err := c.Get(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if len(loaded) != 4 || loaded[3] != 2 || c.recent.Len() != 2 || len(c.known) != 2 {
		t.Errorf("loaded %v, keeps %d", loaded, c.recent.Len())
	}
}

func TestCache_KeepsNoErrors(t *testing.T) {
	t.Parallel()
	compiled := compiledSMS(t)
	n := 0
	c := NewCache(2, func(context.Context, rapport.ID) (*Compiled, error) {
		n++
		switch n {
		case 1:
			return nil, rapport.NotFound("template")
		case 2:
			panic("store closed")
		}
		return compiled, nil
	})
	if _, err := c.Get(t.Context(), 1); rapport.CodeOf(err) != rapport.CodeNotFound {
		t.Errorf("got %v", err)
	}
	if _, err := c.Get(t.Context(), 1); err == nil {
		t.Error("a panic is no error")
	}
	if _, err := c.Get(t.Context(), 1); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestCache_OneWhoGivesUpSpoilsItForNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		compiled := compiledSMS(t)
		loads := 0
		c := NewCache(2, func(ctx context.Context, _ rapport.ID) (*Compiled, error) {
			if loads++; loads == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return compiled, nil
		})
		impatient, giveUp := context.WithCancel(t.Context())
		first := make(chan error)
		go func() {
			_, err := c.Get(impatient, 1)
			first <- err
		}()
		synctest.Wait()
		second := make(chan error)
		go func() {
			_, err := c.Get(t.Context(), 1)
			second <- err
		}()
		synctest.Wait()
		giveUp()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("first: %v", err)
		}
		if err := <-second; err != nil {
			t.Errorf("second: %v", err)
		}
	})
}
