package store_test

import (
	"reflect"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestReceived_ListsWhatCampaignsHadForACustomer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		who := upsert(t, s, store.CustomerPatch{ExternalID: "a"})[0]
		var want []rapport.ID
		var rows []store.Row
		for i, kind := range []rapport.CampaignKind{rapport.KindOfCampaign, rapport.KindOfReply, rapport.KindOfCampaign} {
			c := &rapport.Campaign{ID: s.NewID(), Kind: kind, Name: string(kind), Purpose: rapport.Marketing, Topic: "news", Status: rapport.CampaignFinished}
			if err := s.InsertCampaigns(ctx, c); err != nil {
				t.Fatal(err)
			}
			m := rapport.Message{ID: s.NewID(), Campaign: c.ID, Customer: who, Channel: rapport.SMS, State: rapport.Skipped, Reason: "suppressed"}
			if rows = append(rows, store.Row{Message: m}); i != 1 {
				want = append([]rapport.ID{m.ID}, want...)
			}
		}
		if err := s.Tx(ctx, func(s *store.Store) error { _, err := s.AddMessages(ctx, 0, rows); return err }); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []rapport.Engagement{rapport.Opened, rapport.Clicked} {
			if _, err := s.Engage(ctx, 1, want[1], kind, kind == rapport.Opened); err != nil {
				t.Fatal(err)
			}
		}
		first, next, err := s.Received(ctx, who, store.Page{Limit: 1})
		if err != nil || len(first) != 1 || first[0].Message.ID != want[0] || first[0].Campaign != "campaign" || first[0].Topic != "news" || first[0].Message.Reason != "suppressed" || next != want[0] {
			t.Fatalf("%+v, %d, %v", first, next, err)
		}
		rest, next, err := s.Received(ctx, who, store.Page{Limit: 5, After: next})
		if err != nil || len(rest) != 1 || rest[0].Message.ID != want[1] || !reflect.DeepEqual(rest[0].Engaged, []rapport.Engagement{rapport.Clicked}) || next != 0 {
			t.Errorf("%+v, %d, %v", rest, next, err)
		}
		if rows, _, err := s.Received(ctx, 5, store.Page{Limit: 5}); err != nil || len(rows) != 0 {
			t.Error(rows, err)
		}
	})
}

func TestActivities_TellWhatThereWasOfLateWithEach(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		ids := upsert(t, s, store.CustomerPatch{Addresses: mail("anna@shop.example")}, store.CustomerPatch{Addresses: mail("boris@shop.example")})
		th := thread(t, s, rapport.Thread{Customer: ids[0], Address: 1})
		thread(t, s, rapport.Thread{Customer: ids[0], Address: 2, Status: rapport.ThreadResolved})
		e := rapport.Entry{Thread: th.ID, Customer: ids[0], Kind: rapport.Inbound, Text: "x"}
		if err := s.AddEntry(ctx, &e); err != nil {
			t.Fatal(err)
		}
		now.pass(time.Hour)
		of, err := s.Activities(ctx, ids, now.now())
		if err != nil {
			t.Fatal(err)
		}
		if a := of[ids[0]]; !a.LastReply.Equal(e.CreatedAt) || a.OpenThreads != 1 || a.Messages != 0 || !a.LastMessage.IsZero() {
			t.Errorf("%+v", a)
		}
		if a := of[ids[1]]; a != (store.Activity{}) {
			t.Errorf("one of whom nothing is known: %+v", a)
		}
		if of, err := s.Activities(ctx, nil, now.now()); err != nil || len(of) != 0 {
			t.Errorf("of nobody: %v, %v", of, err)
		}
	})
}

func TestArchiveTemplate_TakesItOutOfTheList(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, key := range []string{"a", "b"} {
			if _, _, err := s.SaveTemplate(ctx, key, "{}", []byte(`{}`)); err != nil {
				t.Fatal(err)
			}
		}
		keys := func(archived bool) (out []string) {
			rows, _, err := s.Templates(ctx, archived, store.Page{Limit: 9})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range rows {
				out = append(out, v.Key)
			}
			return out
		}
		for range 2 {
			if err := s.ArchiveTemplate(ctx, "a", true); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(keys(false), []string{"b"}) || !reflect.DeepEqual(keys(true), []string{"a"}) {
			t.Error(keys(false), keys(true))
		}
		if err := s.ArchiveTemplate(ctx, "a", false); err != nil || len(keys(false)) != 2 {
			t.Error(keys(false), err)
		}
		code(t, s.ArchiveTemplate(ctx, "none", true), rapport.CodeNotFound)
	})
}
