package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestOutbox_ShowsWhatWasSentNewestFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		sent := []store.SandboxSent{
			{ID: s.NewID(), Channel: rapport.Email, Address: "Ann@example.com", Message: 1, Campaign: 7, Content: json.RawMessage(`{"text":"one"}`)},
			{ID: s.NewID(), Channel: rapport.SMS, Address: "+37120000001", Message: 2, Campaign: 7, Content: json.RawMessage(`{}`)},
			{ID: s.NewID(), Channel: rapport.Email, Address: "bob@example.com", Message: 3, Content: json.RawMessage(`{}`)},
		}
		for range 2 { // a second time changes nothing
			if err := s.KeepSandbox(ctx, sent); err != nil {
				t.Fatal(err)
			}
		}
		for name, c := range map[string]struct {
			filter store.OutboxFilter
			want   []rapport.ID
		}{
			"all":                       {store.OutboxFilter{}, []rapport.ID{3, 2, 1}},
			"channel":                   {store.OutboxFilter{Channel: rapport.Email}, []rapport.ID{3, 1}},
			"address in any case":       {store.OutboxFilter{Channel: rapport.Email, Address: "ANN@example.com"}, []rapport.ID{1}},
			"address without channel":   {store.OutboxFilter{Address: "ANN@example.com"}, []rapport.ID{1}},
			"address of no letters":     {store.OutboxFilter{Address: "+37120000001"}, []rapport.ID{2}},
			"campaign":                  {store.OutboxFilter{Campaign: 7}, []rapport.ID{2, 1}},
			"message":                   {store.OutboxFilter{Message: 2}, []rapport.ID{2}},
			"what no database can hold": {store.OutboxFilter{Address: "\x00"}, nil},
		} {
			c.filter.Limit = 10
			got, next, err := s.Outbox(ctx, c.filter)
			if err != nil || next != 0 || len(got) != len(c.want) {
				t.Errorf("%s: %+v, %v", name, got, err)
				continue
			}
			for i := range got {
				if got[i].Message != c.want[i] {
					t.Errorf("%s: %+v", name, got)
				}
			}
		}
		page, next, err := s.Outbox(ctx, store.OutboxFilter{Page: store.Page{Limit: 2}})
		if err != nil || len(page) != 2 || next != sent[1].ID {
			t.Errorf("%+v, %v, %v", page, next, err)
		}
	})
}

func TestBehaviour_TheAddressGoesBeforeTheChannel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		want := func(address, mode string, delay time.Duration) {
			t.Helper()
			if b, err := s.Behaviour(ctx, rapport.Email, address); err != nil || b.Mode != mode || b.Delay != delay {
				t.Errorf("%+v, %v", b, err)
			}
		}
		want("a@example.com", "accept", 0)
		for _, b := range []store.Behaviour{{Channel: rapport.Email, Mode: "slow", Delay: time.Second}, {Channel: rapport.Email, Address: "A@example.com", Mode: "down"},
			{Channel: rapport.Email, Address: "a@example.com", Mode: "reject"}, {Channel: rapport.SMS, Mode: "throttle"}} {
			if err := s.SetBehaviour(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
		want("A@EXAMPLE.com", "reject", 0)
		want("b@example.com", "slow", time.Second)
		if all, err := s.Behaviours(ctx); err != nil || len(all) != 3 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

func TestProviders_AreStoredReplacedAndDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := store.StoredProvider{Name: "main", Driver: "email", Channel: rapport.Email, Priority: 2, Rate: 12.5, Settings: "sealed"}
		var versions []int64
		for range 2 {
			if err := s.PutProvider(ctx, p); err != nil {
				t.Fatal(err)
			}
			got, err := s.Provider(ctx, "main")
			if err != nil {
				t.Fatal(err)
			}
			versions = append(versions, got.Version)
			got.Version, got.UpdatedAt = 0, time.Time{}
			if got != p {
				t.Errorf("%+v", got)
			}
			p.Rate, p.Priority = 0, -1
		}
		if versions[1] <= versions[0] {
			t.Errorf("versions %v", versions)
		}
		if all, err := s.Providers(ctx); err != nil || len(all) != 1 || all[0].Priority != -1 {
			t.Errorf("%+v, %v", all, err)
		}
		if err := s.DeleteProvider(ctx, "main"); err != nil {
			t.Fatal(err)
		}
		code(t, s.DeleteProvider(ctx, "main"), rapport.CodeNotFound)
		code(t, second(s.Provider(ctx, "main")), rapport.CodeNotFound)
	})
}

func TestUseLink_WorksOnceAndInTime(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		err := s.CreateLinks(ctx, []store.Link{{Token: "a", Kind: "start", Customer: 1, Message: 2, Payload: "p", ExpiresAt: now.now().Add(time.Hour)},
			{Token: "b", Kind: "start", Customer: 1, ExpiresAt: now.now().Add(time.Hour)}})
		if err != nil {
			t.Fatal(err)
		}
		code(t, second(s.UseLink(ctx, "confirm", "a")), rapport.CodeNotFound)
		if l, err := s.Link(ctx, "start", "a"); err != nil || !l.UsedAt.IsZero() {
			t.Errorf("%+v, %v", l, err)
		}
		used := make(chan error, 10)
		for range cap(used) {
			go func() {
				l, err := s.UseLink(ctx, "start", "a")
				if err == nil && (l.Customer != 1 || l.Message != 2 || l.Payload != "p" || l.UsedAt.IsZero()) {
					t.Errorf("%+v", l)
				}
				used <- err
			}()
		}
		worked := 0
		for range cap(used) {
			if err := <-used; err == nil {
				worked++
			} else {
				code(t, err, rapport.CodeConflict)
			}
		}
		if worked != 1 {
			t.Errorf("worked %d times", worked)
		}
		now.pass(time.Hour)
		code(t, second(s.UseLink(ctx, "start", "b")), rapport.CodeConflict)
		code(t, second(s.UseLink(ctx, "start", "c")), rapport.CodeNotFound)
		code(t, second(s.UseLink(ctx, "start", "\x00")), rapport.CodeNotFound)
		if n, err := s.PurgeLinks(ctx, now.now().Add(time.Second)); err != nil || n != 2 {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestCursor_IsMovedByWhoeverHasTheTurn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		at := func(want string) {
			t.Helper()
			if got, err := s.Cursor(ctx, "bot"); err != nil || got != want {
				t.Errorf("the cursor is %q, %v, want %q", got, err, want)
			}
		}
		turn := func(worker rapport.ID, want bool) {
			t.Helper()
			if got, err := s.PollTurn(ctx, "bot", worker); err != nil || got != want {
				t.Errorf("a turn: %v, %v", got, err)
			}
		}
		first, err := s.Register(ctx, "first", "worker")
		if err != nil {
			t.Fatal(err)
		}
		at("")
		code(t, s.MoveCursor(ctx, "bot", first, "1"), rapport.CodeConflict) // nobody has the turn
		turn(first, true)
		turn(12345, false) // somebody else
		turn(first, true)
		code(t, s.MoveCursor(ctx, "bot", first, "7"), "")
		at("7")
		second, err := s.Register(ctx, "second", "worker")
		if err != nil {
			t.Fatal(err)
		}
		if s.Engine() == "postgres" { // on SQLite the second one's start has said so
			if _, err := s.DeclareDead(ctx, first, 0); err != nil {
				t.Fatal(err)
			}
		}
		code(t, s.MoveCursor(ctx, "bot", first, "8"), "") // taken for dead, but nobody has read since
		turn(second, true)
		code(t, s.MoveCursor(ctx, "bot", second, "9"), "")
		code(t, s.MoveCursor(ctx, "bot", first, "8"), rapport.CodeConflict)
		at("9")
	})
}

func TestAuditLog_NewestFirstAndBySubject(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, e := range []store.AuditEntry{{Key: 1, Action: "key.created", Subject: "key_1"}, {Action: "customer.erased", Subject: "cus_1", Detail: json.RawMessage(`{"n":1}`)}, {Action: "x", Subject: "key_1"}} {
			if err := s.Audit(ctx, e); err != nil {
				t.Fatal(err)
			}
		}
		all, next, err := s.AuditLog(ctx, store.AuditFilter{Subject: "", Page: store.Page{Limit: 2}})
		if err != nil || len(all) != 2 || all[0].Action != "x" || string(all[1].Detail) != `{"n":1}` || next == 0 || all[0].At.IsZero() {
			t.Errorf("%+v, %v", all, err)
		}
		mine, _, err := s.AuditLog(ctx, store.AuditFilter{Subject: "key_1", Page: store.Page{Limit: 9}})
		if err != nil || len(mine) != 2 || mine[1].Key != 1 {
			t.Errorf("%+v, %v", mine, err)
		}
	})
}
