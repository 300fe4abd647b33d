package store_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

// eachAt is storetest.Each with a clock that the test sets.
func eachAt(t *testing.T, fn func(*testing.T, *store.Store, *clock)) {
	t.Helper()
	for _, url := range urls(t) {
		c := &clock{}
		c.set(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
		s := storetest.Open(t, url, c.now)
		t.Run(s.Engine(), func(t *testing.T) { fn(t, s, c) })
	}
}

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time       { return time.UnixMilli(c.at.Load()).UTC() }
func (c *clock) set(t time.Time)      { c.at.Store(t.UnixMilli()) }
func (c *clock) pass(d time.Duration) { c.at.Add(d.Milliseconds()) }
func code(t *testing.T, err error, want rapport.Code) {
	t.Helper()
	if rapport.CodeOf(err) != want {
		t.Errorf("want %s, got %v", want, err)
	}
}

func TestKeys_LiveAndAreRevoked(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		k := rapport.Key{Name: "ci", Hint: "rk_ab", Scopes: []string{"customers:read", "campaigns:write"}, ExpiresAt: now.now().Add(time.Hour)}
		if err := s.CreateKey(ctx, &k, "hash1"); err != nil {
			t.Fatal(err)
		}
		other := rapport.Key{Name: "other"}
		if err := s.CreateKey(ctx, &other, "hash1"); !s.Duplicate(err) {
			t.Errorf("the same hash twice: %v", err)
		}
		got, err := s.KeyByHash(ctx, "hash1")
		if err != nil || got.ID != k.ID || got.Name != "ci" || got.Hint != "rk_ab" || !slices.Equal(got.Scopes, k.Scopes) || !got.ExpiresAt.Equal(k.ExpiresAt) || !got.Valid(now.now()) {
			t.Errorf("%+v, %v", got, err)
		}
		if !got.Allows("customers:read") || got.Allows("keys:write") || got.Valid(now.now().Add(time.Hour)) {
			t.Error("scopes or expiry")
		}
		used := func() time.Time { k, _ := s.Key(ctx, k.ID); return k.UsedAt }
		s.TouchKey(ctx, got)
		first := used()
		now.pass(59 * time.Second)
		s.TouchKey(ctx, got) // got is stale: it says never used
		if !used().Equal(first) || first.IsZero() {
			t.Errorf("written twice in a minute: %v, %v", first, used())
		}
		now.pass(time.Second)
		s.TouchKey(ctx, got)
		if used().Sub(first) != time.Minute {
			t.Errorf("%v, %v", first, used())
		}
		for range 2 {
			if err := s.RevokeKey(ctx, k.ID); err != nil {
				t.Fatal(err)
			}
		}
		if got, err = s.KeyByHash(ctx, "hash1"); err != nil || got.Valid(now.now()) {
			t.Errorf("%+v, %v", got, err)
		}
		code(t, s.RevokeKey(ctx, 5), rapport.CodeNotFound)
		code(t, second(s.KeyByHash(ctx, "nope")), rapport.CodeNotFound)
		if all, next, err := s.Keys(ctx, store.Page{Limit: 5}); err != nil || len(all) != 1 || next != 0 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

func TestIdempotency_OneOfManyDoesTheWork(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		worker, err := s.Register(ctx, "w", "api")
		if err != nil {
			t.Fatal(err)
		}
		begin := func(body string) store.Answer {
			t.Helper()
			a, err := s.Begin(ctx, 1, "POST /v1/messages k", body, worker)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		found := make(chan store.Idempotent, 40)
		for range cap(found) {
			go func() {
				a, err := s.Begin(ctx, 1, "POST /v1/messages k", "b1", worker)
				if err != nil {
					t.Error(err)
				}
				found <- a.Found
			}()
		}
		begun := 0
		for range cap(found) {
			if f := <-found; f == store.Begun {
				begun++
			} else if f != store.Running {
				t.Errorf("found %d", f)
			}
		}
		if begun != 1 {
			t.Fatalf("%d began it", begun)
		}
		if a := begin("b2"); a.Found != store.Mismatch {
			t.Errorf("another body: %+v", a)
		}
		if err := s.Finish(ctx, 1, "POST /v1/messages k", worker, 202, `{"id":"x"}`); err != nil {
			t.Fatal(err)
		}
		if a := begin("b1"); a != (store.Answer{Found: store.Replay, Status: 202, Response: `{"id":"x"}`}) {
			t.Errorf("%+v", a)
		}
		if a := begin("b2"); a.Found != store.Mismatch {
			t.Errorf("another body: %+v", a)
		}
		code(t, s.Finish(ctx, 1, "POST /v1/messages k", worker, 202, `{}`), rapport.CodeConflict)
		if a, _ := s.Begin(ctx, 2, "POST /v1/messages k", "b2", worker); a.Found != store.Begun {
			t.Errorf("another API key: %+v", a)
		}
		now.pass(store.KeepAnswers + time.Second)
		if a := begin("b2"); a.Found != store.Begun {
			t.Errorf("a day later: %+v", a)
		}
	})
}

func TestIdempotency_AnswersOfAGroup(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		worker, err := s.Register(ctx, "w", "api")
		if err != nil {
			t.Fatal(err)
		}
		answer := func(key rapport.ID, scope string) store.Answered {
			return store.Answered{RequestKey: store.RequestKey{Key: key, Scope: scope}, BodyHash: "b", Status: 202, Response: `{"id":"` + scope + `"}`}
		}
		overtaken := errors.New("overtaken")
		add := func(answers ...store.Answered) error {
			return s.Tx(ctx, func(s *store.Store) error {
				if ok, err := s.AddAnswers(ctx, worker, answers); err != nil || ok {
					return err
				}
				return overtaken
			})
		}
		if err := add(answer(1, "a"), answer(1, "b"), answer(2, "a")); err != nil {
			t.Fatal(err)
		}
		if err := add(answer(1, "c"), answer(1, "b")); !errors.Is(err, overtaken) {
			t.Fatalf("an answer that was there: %v", err)
		}
		asked := []store.RequestKey{{Key: 1, Scope: "a"}, {Key: 1, Scope: "b"}, {Key: 1, Scope: "c"}, {Key: 2, Scope: "a"}, {Key: 2, Scope: "b"}}
		known, err := s.RequestsKnown(ctx, asked)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{true, true, false, true, false} {
			if known[asked[i]] != want {
				t.Errorf("%v is known: %t", asked[i], !want)
			}
		}
		if a, err := s.Begin(ctx, 1, "b", "b", worker); err != nil || a != (store.Answer{Found: store.Replay, Status: 202, Response: `{"id":"b"}`}) {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

func TestIdempotency_OnlySuccessIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		worker, _ := s.Register(ctx, "w", "api")
		for _, status := range []int{422, 500, 199, 300} {
			if a, err := s.Begin(ctx, 1, "x", "b", worker); err != nil || a.Found != store.Begun {
				t.Fatalf("before %d: %+v, %v", status, a, err)
			}
			if err := s.Finish(ctx, 1, "x", worker, status, "no"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestIdempotency_TheDeadAreTakenOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		one, err := s.Register(ctx, "one", "api")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Begin(ctx, 1, "x", "b", one); err != nil {
			t.Fatal(err)
		}
		if err := s.Resign(ctx, one); err != nil {
			t.Fatal(err)
		}
		two, err := s.Register(ctx, "two", "api")
		if err != nil {
			t.Fatal(err)
		}
		if a, err := s.Begin(ctx, 1, "x", "other body", two); err != nil || a.Found != store.Mismatch {
			t.Errorf("%+v, %v", a, err)
		}
		if a, err := s.Begin(ctx, 1, "x", "b", two); err != nil || a.Found != store.Begun {
			t.Errorf("%+v, %v", a, err)
		}
		if a, err := s.Begin(ctx, 1, "x", "b", two); err != nil || a.Found != store.Running {
			t.Errorf("%+v, %v", a, err)
		}
		code(t, s.Finish(ctx, 1, "x", one, 202, ""), rapport.CodeConflict)
		if err := s.Finish(ctx, 1, "x", two, 202, ""); err != nil {
			t.Error(err)
		}
	})
}

func TestPurgeIdempotency_RemovesTheOldInPieces(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		err := s.Tx(ctx, func(s *store.Store) error {
			for i := range store.MaxRows + 10 {
				if _, err := s.Begin(ctx, rapport.ID(i+1), "x", "b", 0); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		now.pass(store.KeepAnswers + time.Second)
		if _, err := s.Begin(ctx, 9999, "x", "b", 0); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int64{store.MaxRows, 10, 0} {
			if n, err := s.PurgeIdempotency(ctx); err != nil || n != want {
				t.Errorf("%d, %v, want %d", n, err, want)
			}
		}
	})
}
