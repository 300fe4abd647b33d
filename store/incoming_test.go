package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestParticipants_AreKnownOnceSomebodyNamesThem(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		add := func(thread, entry rapport.ID, people ...rapport.Participant) {
			t.Helper()
			if err := s.AddParticipants(ctx, thread, entry, people); err != nil {
				t.Fatal(err)
			}
		}
		a, b := thread(t, s, rapport.Thread{Customer: 1, Address: 2}), thread(t, s, rapport.Thread{Customer: 1, Address: 3})
		add(a.ID, 10, rapport.Participant{Address: "Ann@example.org", Name: "Ann"}, rapport.Participant{Address: "bob@example.org", Name: "Bob", Known: true})
		if part, err := s.HasPart(ctx, a.ID, "ann@EXAMPLE.org"); err != nil || part {
			t.Errorf("%t, %v", part, err)
		}
		add(a.ID, 11, rapport.Participant{Address: "ann@example.org", Name: "Anna", Known: true})
		add(a.ID, 12, rapport.Participant{Address: "ann@example.org"}) // what is known stays so
		if part, err := s.HasPart(ctx, a.ID, "ann@example.org"); err != nil || !part {
			t.Errorf("%t, %v", part, err)
		}
		first, next, err := s.Participants(ctx, a.ID, "", 1)
		if err != nil || len(first) != 1 || first[0] != (rapport.Participant{Address: "Ann@example.org", Name: "Ann", Known: true, Entry: 10}) {
			t.Errorf("%+v, %v", first, err)
		}
		if rest, end, err := s.Participants(ctx, a.ID, next, 1); err != nil || len(rest) != 1 || rest[0].Name != "Bob" || end != "" {
			t.Errorf("%+v, %q, %v", rest, end, err)
		}
		// Whoever takes part in a thread takes part in the one that it was merged into.
		if err := s.MergeThread(ctx, a.ID, b.ID); err != nil {
			t.Fatal(err)
		}
		add(b.ID, 13, rapport.Participant{Address: "bob@example.org", Name: "Bob"})
		if part, err := s.HasPart(ctx, b.ID, "bob@example.org"); err != nil || !part {
			t.Errorf("%t, %v", part, err)
		}
		if all, _, err := s.Participants(ctx, b.ID, "", 10); err != nil || len(all) != 2 {
			t.Errorf("%+v, %v", all, err)
		}
		if newest, err := s.NewestThread(ctx, 2); err != nil || newest.ID != b.ID {
			t.Errorf("%+v, %v", newest, err)
		}
		for i := range store.MaxParticipants + 5 {
			add(7, 1, rapport.Participant{Address: fmt.Sprintf("p%d@example.org", i)})
		}
		if all, _, err := s.Participants(ctx, 7, "", 1000); err != nil || len(all) != store.MaxParticipants {
			t.Errorf("%d, %v", len(all), err)
		}
	})
}

func TestOriginals_AreFilesOnlyOnceKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		raw := bytes.Repeat([]byte("0123456789abcdef"), 40_000)
		staged, err := s.StageOriginal(ctx, raw)
		if err != nil {
			t.Fatal(err)
		}
		code(t, second(s.File(ctx, staged)), rapport.CodeNotFound)
		no := errors.New("no")
		var small rapport.ID
		for _, outcome := range []error{no, nil} { // what was written ahead outlives a transaction that fails
			err := s.Tx(ctx, func(s *store.Store) (err error) {
				if _, err = s.KeepOriginal(ctx, staged, raw); err != nil {
					return err
				}
				if small, err = s.KeepOriginal(ctx, 0, []byte("small")); err != nil {
					return err
				}
				return outcome
			})
			if !errors.Is(err, outcome) {
				t.Fatal(err)
			}
			if _, err := s.File(ctx, staged); (err == nil) != (outcome == nil) {
				t.Errorf("after %v: %v", outcome, err)
			}
			if _, err := s.File(ctx, small); (err == nil) != (outcome == nil) {
				t.Errorf("after %v: %v", outcome, err)
			}
		}
		r, err := s.OpenFile(ctx, staged)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestStrays_AreForgottenWithTheirOriginals(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		keep := func(about string) rapport.ID {
			file := original(t, s, about)
			if err := s.KeepStray(ctx, store.Stray{Provider: "mail", About: about, Kind: rapport.ReceiptBounced, Reason: "not_proven", Code: "5.1.1", Original: file}); err != nil {
				t.Fatal(err)
			}
			return file
		}
		old := keep("Ann@example.org")
		now.pass(time.Hour)
		fresh := keep("ann@example.org")
		if got, err := s.StraysAbout(ctx, "ann@example.org"); err != nil || len(got) != 2 || got[0].Original != old || got[0].Code != "5.1.1" {
			t.Errorf("%+v, %v", got, err)
		}
		if err := s.PurgeStrays(ctx, now.now().Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.StraysAbout(ctx, "ann@example.org"); err != nil || len(got) != 1 || got[0].Original != fresh {
			t.Errorf("%+v, %v", got, err)
		}
		code(t, second(s.File(ctx, old)), rapport.CodeNotFound)
		if _, err := s.File(ctx, fresh); err != nil {
			t.Error(err)
		}
	})
}

func TestTakeAutoAnswer_OneAKindAndTime(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		take := func(address rapport.ID, kind string, want bool) {
			t.Helper()
			if got, err := s.TakeAutoAnswer(ctx, address, kind, now.now().Add(-time.Hour)); err != nil || got != want {
				t.Errorf("%d %q: %t, %v", address, kind, got, err)
			}
		}
		take(1, "help", true)
		take(1, "help", false)
		take(1, "stopped", true)
		take(2, "help", true)
		now.pass(59 * time.Minute)
		take(1, "help", false)
		now.pass(2 * time.Minute)
		take(1, "help", true)
		take(1, "help", false)
	})
}
