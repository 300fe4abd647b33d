package store_test

import (
	"testing"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

// TestMigrate_KeepsWhatMessagesSayAndAreCalled takes a message through the schema before its variables and its
// provider's id stood in its row, and back.
func TestMigrate_KeepsWhatMessagesSayAndAreCalled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(s.MigrateDown(ctx, 2))
		for _, q := range []string{
			`INSERT INTO messages (id, campaign_id, customer_id, address_id, batch_id, epoch, due_at, window_end, expires_at, updated_at, state, channel, provider) VALUES
				(11, 1, 21, 31, 0, 1, 0, 0, 0, 0, 4, 'sms', 'p'), (12, 1, 22, 32, 0, 1, 0, 0, 0, 0, 4, 'sms', 'p'), (13, 1, 23, 33, 0, 1, 0, 0, 0, 0, 4, 'sms', 'q')`,
			`INSERT INTO message_vars VALUES (11, '{"name":"Ann"}')`,
			`INSERT INTO provider_refs VALUES ('p', 'SM1', 11), ('p', 'SM2', 12), ('p', 'SM3', 13)`, // the last moved on to another provider
		} {
			_, err := s.DB().ExecContext(ctx, q)
			must(err)
		}
		check := func() {
			t.Helper()
			for id, want := range map[rapport.ID]string{11: `{"name":"Ann"}`, 12: "", 13: ""} {
				if vars, err := s.Vars(ctx, id); err != nil || string(vars) != want {
					t.Errorf("%d says %s, %v; want %s", id, vars, err, want)
				}
			}
			for _, c := range []struct {
				provider, ref  string
				customer, want rapport.ID
			}{{"p", "SM1", 21, 11}, {"p", "SM2", 22, 12}, {"p", "SM1", 22, 0}, {"p", "SM3", 23, 0}, {"q", "SM3", 23, 0}, {"q", "", 23, 0}} {
				if id, err := s.MessageByRef(ctx, c.provider, c.ref, c.customer); err != nil || id != c.want {
					t.Errorf("%s %q to %d is %d, %v; want %d", c.provider, c.ref, c.customer, id, err, c.want)
				}
			}
		}
		must(s.Migrate(ctx))
		check()
		must(s.MigrateDown(ctx, 2))
		must(s.Migrate(ctx))
		check()
	})
}
