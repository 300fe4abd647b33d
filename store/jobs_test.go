package store_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestJobs_AreDoneByOneAndGoOnAfterADeath(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		one, err := s.Register(ctx, "one", "worker")
		if err != nil {
			t.Fatal(err)
		}
		j := rapport.Job{Kind: "import", File: 5, Spec: json.RawMessage(`{"a":1}`), Key: 6}
		later := rapport.Job{Kind: "import"}
		for _, j := range []*rapport.Job{&j, &later} {
			if err := s.CreateJob(ctx, j); err != nil {
				t.Fatal(err)
			}
		}
		got, ok, err := s.ClaimJob(ctx, one)
		if err != nil || !ok || got.ID != j.ID || got.File != 5 || string(got.Spec) != `{"a":1}` || got.Key != 6 || got.Owner != one || got.Status != rapport.JobRunning {
			t.Fatalf("%+v, %v, %v", got, ok, err)
		}
		got.Cursor, got.Total, got.Done, got.Rejected = 500, 500, 498, 2
		if err := s.JobProgress(ctx, got); err != nil {
			t.Fatal(err)
		}
		if n, err := s.ReleaseJobs(ctx); err != nil || n != 0 {
			t.Errorf("took a job from the living: %d, %v", n, err)
		}
		s.Resign(ctx, one)
		if n, err := s.ReleaseJobs(ctx); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		code(t, s.JobProgress(ctx, got), rapport.CodeConflict)
		code(t, s.FinishJob(ctx, got.ID, one, ""), rapport.CodeConflict)
		two, err := s.Register(ctx, "two", "worker")
		if err != nil {
			t.Fatal(err)
		}
		again, ok, err := s.ClaimJob(ctx, two)
		if err != nil || !ok || again.ID != j.ID || again.Cursor != 500 || again.Done != 498 || again.Rejected != 2 {
			t.Fatalf("%+v, %v, %v", again, ok, err)
		}
		if err := s.FinishJob(ctx, j.ID, two, ""); err != nil {
			t.Fatal(err)
		}
		if end, err := s.Job(ctx, j.ID); err != nil || end.Status != rapport.JobFinished || end.Owner != 0 {
			t.Errorf("%+v, %v", end, err)
		}
		if got, ok, _ := s.ClaimJob(ctx, two); !ok || got.ID != later.ID {
			t.Errorf("%+v, %v", got, ok)
		}
		if err := s.FinishJob(ctx, later.ID, two, "The file is broken."); err != nil {
			t.Fatal(err)
		}
		if end, err := s.Job(ctx, later.ID); err != nil || end.Status != rapport.JobFailed || end.Error != "The file is broken." {
			t.Errorf("%+v, %v", end, err)
		}
		if _, ok, err := s.ClaimJob(ctx, two); ok || err != nil {
			t.Error(ok, err)
		}
		code(t, second(s.Job(ctx, 5)), rapport.CodeNotFound)
	})
}

// The answer to a claim was lost: its owner is asked again, and must find the job that it does not know it has.
func TestClaimJob_GivesItsOwnerTheSameAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		first, later := &rapport.Job{Kind: "import"}, &rapport.Job{Kind: "import"}
		for _, j := range []*rapport.Job{first, later} {
			if err := s.CreateJob(ctx, j); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if j, ok, err := s.ClaimJob(ctx, 1); err != nil || !ok || j.ID != first.ID || j.Owner != 1 {
				t.Fatalf("%+v, %v, %v", j, ok, err)
			}
		}
		if j, ok, err := s.ClaimJob(ctx, 2); err != nil || !ok || j.ID != later.ID {
			t.Errorf("another one got %+v, %v, %v", j, ok, err)
		}
	})
}

func TestClaimJob_GivesEachJobToOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for range 10 {
			if err := s.CreateJob(ctx, &rapport.Job{Kind: "import"}); err != nil {
				t.Fatal(err)
			}
		}
		claimed := make(chan rapport.ID, 20)
		for owner := range rapport.ID(20) {
			go func() {
				j, ok, err := s.ClaimJob(ctx, owner+1)
				if err != nil || !ok {
					j.ID = 0
				}
				claimed <- j.ID
			}()
		}
		seen := map[rapport.ID]int{}
		for range 20 {
			seen[<-claimed]++
		}
		for id, n := range seen {
			if id != 0 && n != 1 {
				t.Errorf("job %d was claimed %d times", id, n)
			}
		}
		if len(seen) != 11 {
			t.Errorf("%d jobs were claimed, want 10", len(seen)-1)
		}
	})
}

func TestRejects_AreNotedOnceAndPaged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if err := s.AddRejects(ctx, 1, []rapport.Reject{{Line: 9, Reason: "c"}, {Line: 2, Reason: "a"}}); err != nil {
			t.Fatal(err)
		}
		if err := s.AddRejects(ctx, 1, []rapport.Reject{{Line: 2, Reason: "again"}, {Line: 3, Reason: "b"}}); err != nil {
			t.Fatal(err)
		}
		page, next, err := s.Rejects(ctx, 1, 0, 2)
		if err != nil || next != 3 || len(page) != 2 || page[0].Line != 2 || page[0].Reason != "a" {
			t.Errorf("%+v, %d, %v", page, next, err)
		}
		page, next, err = s.Rejects(ctx, 1, next, 2)
		if err != nil || next != 0 || len(page) != 1 || page[0].Line != 9 {
			t.Errorf("%+v, %d, %v", page, next, err)
		}
	})
}

func TestRejects_TheirRowsGoWithThePersonAndWithTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		done, err := s.UpsertCustomers(ctx, []store.CustomerPatch{{ExternalID: "c-1", Addresses: []store.AddressPatch{{Channel: rapport.SMS, Value: "+37120000991"}}}})
		must(err)
		job := rapport.Job{Kind: "import", Spec: []byte(`{}`)}
		must(s.CreateJob(ctx, &job))
		must(s.AddRejects(ctx, job.ID, []rapport.Reject{{Line: 2, Reason: "a", Cells: []string{"Zoe", "(+371) 2000-0991"}}, {Line: 3, Reason: "b", Cells: []string{"Ann", ""}}}))
		rows := func() string {
			page, _, err := s.Rejects(ctx, job.ID, 0, 9)
			must(err)
			return fmt.Sprint(page)
		}
		if got := rows(); got != "[{2 a [Zoe (+371) 2000-0991]} {3 b [Ann ]}]" {
			t.Errorf("kept %s", got)
		}
		must(s.DeleteCustomer(ctx, done[0].ID))
		if got := rows(); got != "[{2 a []} {3 b [Ann ]}]" {
			t.Errorf("after the erasure %s", got)
		}
		if more, err := s.ForgetRejects(ctx, s.Now().Add(-time.Hour)); err != nil || more {
			t.Errorf("%v, %v: it is young", more, err)
		}
		for more := true; more; {
			more, err = s.ForgetRejects(ctx, s.Now().Add(time.Hour))
			must(err)
		}
		if got := rows(); got != "[{2 a []} {3 b []}]" {
			t.Errorf("after its time %s", got)
		}
	})
}

func TestInsertEvents_TellsWhichWereNew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		give := func(ids ...string) []rapport.Event {
			var out []rapport.Event
			for _, id := range ids {
				out = append(out, rapport.Event{ExternalID: id, Customer: 1, Type: "order", OccurredAt: s.Now(), Properties: json.RawMessage(`{"total":100}`)})
			}
			return out
		}
		for i, c := range []struct {
			ids  []string
			want []bool
		}{{[]string{"a", "b"}, []bool{true, true}}, {[]string{"b", "c", "c"}, []bool{false, true, false}}, {nil, []bool{}}} {
			got, err := s.InsertEvents(ctx, give(c.ids...))
			if err != nil || len(got) != len(c.want) {
				t.Fatalf("step %d: %v, %v", i, got, err)
			}
			for k := range got {
				if got[k] != c.want[k] {
					t.Errorf("step %d: %v, want %v", i, got, c.want)
				}
			}
		}
		list, _, err := s.Events(ctx, 1, store.Page{Limit: 9})
		if err != nil || len(list) != 3 || list[0].ExternalID != "c" || string(list[2].Properties) != `{"total":100}` {
			t.Errorf("%+v, %v", list, err)
		}
	})
}
