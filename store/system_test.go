package store_test

import (
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestReports_AreSummedOverProcessesAndForgotten(t *testing.T) {
	t.Parallel()
	urls := map[string]string{"sqlite": storetest.SQLite(t)}
	if url, ok := storetest.Postgres(t); ok {
		urls["postgres"] = url
	}
	for engine, url := range urls {
		now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		s := storetest.Open(t, url, func() time.Time { return now })
		t.Log(engine)
		ctx := t.Context()
		one, err := s.Register(ctx, "one", "all")
		if err != nil {
			t.Fatal(err)
		}
		other := one + 1
		report := func(worker rapport.ID, sent, failed int64, state string) {
			t.Helper()
			if err := s.ReportProviders(ctx, worker, []store.ProviderTally{{Provider: "a", Sent: sent, Failed: failed}}, []store.ProviderState{{Provider: "a", State: []byte(state)}}); err != nil {
				t.Fatal(err)
			}
		}
		report(one, 1, 0, `{"n":1}`)
		report(one, 2, 1, `{"n":2}`)
		report(other, 4, 0, `{"n":3}`) // no living process
		if got, err := s.ProviderTallies(ctx, now.Add(-time.Minute)); err != nil || got["a"] != (store.ProviderTally{Provider: "a", Sent: 7, Failed: 1}) {
			t.Errorf("tallies: %v %v", got, err)
		}
		if got, err := s.ProviderStates(ctx); err != nil || len(got) != 1 || string(got[0].State) != `{"n":2}` || !got[0].At.Equal(now) {
			t.Errorf("states: %v %v", got, err)
		}
		now = now.Add(2 * time.Minute)
		if got, err := s.ProviderTallies(ctx, now.Add(-time.Minute)); err != nil || len(got) != 0 {
			t.Errorf("two minutes later: %v %v", got, err)
		}
		now = now.Add(3 * time.Hour)
		if err := s.ForgetReports(ctx); err != nil {
			t.Fatal(err)
		}
		if got, err := s.ProviderTallies(ctx, now.Add(-24*time.Hour)); err != nil || len(got) != 0 {
			t.Errorf("three hours later: %v %v", got, err)
		}
		if q, err := s.Queues(ctx); err != nil || q != (store.Queues{}) {
			t.Errorf("queues of an empty house: %+v %v", q, err)
		}
		if due, err := s.DueNow(ctx); err != nil || len(due) != 0 {
			t.Errorf("due in an empty house: %+v %v", due, err)
		}
	}
}
