package store_test

import (
	"strings"
	"testing"
	"time"

	"rapport/store"
	"rapport/store/storetest"
)

func TestAbout_KnowsTheServerAndWrites(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a, err := s.About(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]string{"sqlite": "SQLite 3.", "postgres": "PostgreSQL 1"}[s.Engine()]; !strings.HasPrefix(a.Version, want) {
			t.Errorf("the version is %q", a.Version)
		}
		if a.Write <= 0 || a.Write > 10*time.Second {
			t.Errorf("a write takes %v", a.Write)
		}
		if away := time.Since(a.Clock); s.Engine() == "postgres" && away.Abs() > time.Minute {
			t.Errorf("the clocks differ by %v", away)
		}
		open := 0
		for _, p := range s.Pools() {
			open += p.OpenConnections
		}
		if open == 0 {
			t.Error("no connection is open")
		}
	})
}
