package store_test

import (
	"context"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestQuarantine_KeepsTheEarlierMomentWhileAnythingIsHeld(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if _, ok, err := s.Quarantine(ctx); ok || err != nil {
			t.Fatalf("a new database was in quarantine: %v", err)
		}
		early := time.Now().Add(-3 * time.Hour).UTC().Truncate(time.Millisecond)
		begin := func(since, want time.Time) {
			t.Helper()
			if _, err := s.BeginQuarantine(ctx, since); err != nil {
				t.Fatal(err)
			}
			if q, ok, err := s.Quarantine(ctx); !ok || err != nil || !q.Since.Equal(want) || time.Since(q.Began) > time.Minute {
				t.Errorf("it is %+v, want since %v: %v", q, want, err)
			}
		}
		begin(early, early)
		begin(early.Add(time.Hour), early.Add(time.Hour)) // nothing was held
		id := s.NewID()
		if err := s.InsertCampaigns(ctx, &rapport.Campaign{ID: id, Kind: rapport.KindOfCampaign, Purpose: rapport.Marketing, Status: rapport.CampaignRunning, CreatedAt: s.Now()}); err != nil {
			t.Fatal(err)
		}
		begin(early.Add(time.Hour), early.Add(time.Hour))
		begin(early.Add(2*time.Hour), early.Add(time.Hour)) // the campaign has been held since then
		if still, err := s.Held(ctx); !still || err != nil {
			t.Errorf("held: %v, %v", still, err)
		}
		if ok, err := s.FreeCampaign(ctx, id); !ok || err != nil {
			t.Errorf("freeing it: %v, %v", ok, err)
		}
		if ok, err := s.FreeCampaign(ctx, id); ok || err != nil {
			t.Errorf("freeing it twice: %v, %v", ok, err)
		}
		if c, err := s.Campaign(ctx, id); err != nil || c.Status != rapport.CampaignRunning {
			t.Errorf("it is %+v, %v", c, err)
		}
	})
}

func TestIdle_SeesAServerByItsHeartbeat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if idle, err := s.Idle(ctx); !idle || err != nil {
			t.Errorf("nobody was ever here: %v, %v", idle, err)
		}
		id, err := s.Register(ctx, "w", "worker")
		if err != nil {
			t.Fatal(err)
		}
		if idle, err := s.Idle(ctx); !idle || err != nil {
			t.Errorf("a copy says that one is alive, and it is not: %v, %v", idle, err)
		}
		beating, stop := context.WithCancel(ctx)
		defer stop()
		go func() {
			for beating.Err() == nil {
				_, _ = s.Beat(beating, id)
				time.Sleep(100 * time.Millisecond)
			}
		}()
		if idle, err := s.Idle(ctx); idle || err != nil {
			t.Errorf("a server beats: %v, %v", idle, err)
		}
	})
}

func TestEmpty_IsADatabaseWithoutTables(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if empty, err := s.Empty(t.Context()); empty || err != nil {
			t.Errorf("a migrated one: %v, %v", empty, err)
		}
	})
	if url, ok := storetest.EmptyPostgres(t); ok {
		s, err := store.Open(t.Context(), store.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if empty, err := s.Empty(t.Context()); !empty || err != nil {
			t.Errorf("a new one: %v, %v", empty, err)
		}
	}
}
