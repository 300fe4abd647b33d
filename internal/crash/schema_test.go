package crash_test

import (
	"strings"
	"testing"

	"rapport/internal/crash"
)

// A binary whose successor has migrated the database says so and does nothing, whatever it is asked to be;
// one that runs already goes on. Back at its own schema it starts as before.
func TestCrash_OldBinaryRefusesANewerSchema(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			r, _ := base(t)
			r.Messages = 40
			roles := []string{"serve"}
			if engine == "postgres" {
				if !onPostgres(t, &r, 14) {
					return
				}
				roles = []string{"api", "worker", "serve", "migrate"}
			}
			h, err := crash.Start(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(h.Close)
			if err := h.Newer(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			if err := h.Launch(t.Context()); err != nil {
				t.Errorf("a process that runs did not go on: %v", err)
			}
			h.Halt() // SQLite's file belongs to one process
			for _, role := range roles {
				said, err := h.Try(t.Context(), role)
				if err == nil || !strings.Contains(said, "schema version 99999 and this binary knows only") || !strings.Contains(said, "use the newer binary") {
					t.Errorf("%s: %v: %s", role, err, said)
				}
			}
			if err := h.Newer(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			if err := h.Again(t.Context()); err != nil {
				t.Fatalf("it does not start at its own schema: %v\n%s", err, tail(h.Log(), 20))
			}
			t.Logf("crash: %s: seed %d: refused as %s", t.Name(), r.Seed, strings.Join(roles, ", "))
		})
	}
}
