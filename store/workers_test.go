package store_test

import (
	"database/sql"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx"

	"rapport/store"
	"rapport/store/storetest"
)

func TestWorkers_DeadOnlyWhileTheCounterStands(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id, err := s.Register(ctx, "one", "worker")
		if err != nil {
			t.Fatal(err)
		}
		if alive, err := s.Beat(ctx, id); err != nil || !alive {
			t.Fatal(alive, err)
		}
		if dead, err := s.DeclareDead(ctx, id, 0); err != nil || dead {
			t.Errorf("declared dead, although its counter had moved: %v", err)
		}
		if gone, err := s.Gone(ctx, id); err != nil || gone {
			t.Errorf("gone while it lives: %v", err)
		}
		if dead, err := s.DeclareDead(ctx, id, 1); err != nil || !dead {
			t.Fatal(dead, err)
		}
		if alive, err := s.Beat(ctx, id); err != nil || alive {
			t.Errorf("the dead beats: %v", err)
		}
	})
}

// The lock falls with the connection, and the next beat takes it again.
func TestWorkers_GoneWithTheConnection(t *testing.T) {
	url, ok := storetest.Postgres(t)
	if !ok {
		return
	}
	s, other := storetest.Open(t, url, nil), storetest.Open(t, url, nil)
	id, err := other.Register(ctx, "other", "worker")
	if err != nil {
		t.Fatal(err)
	}
	until := func(want bool) {
		t.Helper()
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			gone, err := s.Gone(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			if gone == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("gone is still %v", gone)
			}
		}
	}
	until(false)
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cut := func() {
		t.Helper()
		if _, err := db.Exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
			t.Fatal(err)
		}
		until(true)
	}
	cut()
	for alive := false; !alive; { // the first may meet the connection that is gone
		alive, err = other.Beat(ctx, id)
		if err == nil && !alive {
			t.Fatal("declared dead by nobody")
		}
	}
	until(false)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	until(true)
}

// A process that is stopped in the middle of a transaction does not keep the others out for long.
func TestTx_LeftOpenLetsGo(t *testing.T) {
	t.Parallel()
	url, ok := storetest.Postgres(t)
	if !ok {
		return
	}
	s, other := storetest.Open(t, url, nil), storetest.Open(t, url, nil)
	const key = "somebody's rate"
	pause := func(s *store.Store) error { return s.Pause(ctx, "provider", key, time.Now().Add(time.Hour), "") }
	if err := pause(s); err != nil {
		t.Fatal(err)
	}
	locked, done := make(chan struct{}), make(chan error)
	go func() {
		err := s.Tx(ctx, func(s *store.Store) error {
			if err := s.Pause(ctx, "provider", key, time.Now().Add(2*time.Hour), ""); err != nil {
				return err
			}
			close(locked)
			return pause(other) // waits for this very transaction
		})
		done <- err
	}()
	<-locked
	select {
	case err := <-done:
		if !s.Unavailable(err) {
			t.Errorf("the transaction that was left open ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it is still open, and keeps the others out")
	}
}
