package store_test

import (
	"testing"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

// TestBatch_KnowsItsRows takes three messages through their batch: one is sent, one tried again in another
// batch, one left. Each batch sees its own rows and no others.
func TestBatch_KnowsItsRows(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		worker, err := s.Register(ctx, "test", "test")
		must(err)
		campaign := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfCampaign, Purpose: rapport.Marketing, Status: rapport.CampaignRunning, CreatedAt: s.Now()}
		must(s.InsertCampaigns(ctx, campaign))
		var patches []store.CustomerPatch
		for _, a := range []string{"a@x.example", "b@x.example", "c@x.example"} {
			patches = append(patches, store.CustomerPatch{Addresses: []store.AddressPatch{{Channel: rapport.Email, Value: a}}})
		}
		var due []store.Batch
		must(s.Tx(ctx, func(s *store.Store) error {
			stored, err := s.UpsertCustomers(ctx, patches)
			if err != nil {
				return err
			}
			profiles, err := s.ProfilesOf(ctx, stored, rapport.Marketing, "")
			if err != nil {
				return err
			}
			var rows []store.Row
			for _, u := range stored {
				a := profiles[u.ID].Facts[0].Address
				rows = append(rows, store.Row{Counted: true, Lane: rapport.Bulk, Message: rapport.Message{ID: s.NewID(), Campaign: campaign.ID, Customer: u.ID, Channel: rapport.Email,
					Address: a.ID, Epoch: a.Epoch, State: rapport.Pending, Due: s.Now()}})
			}
			due, err = s.AddMessages(ctx, worker, rows)
			return err
		}))
		if len(due) != 1 || due[0].Size != 3 {
			t.Fatalf("%+v, want one batch of three", due)
		}
		claim := func(b store.Batch, max int, after rapport.ID) []store.Claimed {
			t.Helper()
			_, res, err := s.Commit(ctx, worker, nil, []store.ClaimRequest{{Batch: b, Worker: worker, Provider: "p", Max: max, After: after}})
			must(err)
			return res[0].Rows
		}
		first, ok, err := s.TakeBatch(ctx, due[0].ID, worker)
		if must(err); !ok {
			t.Fatal("the batch was not to be had")
		}
		rows := claim(first, 2, 0)
		if len(rows) != 2 || !rows[0].Mine() || rows[0].Attempt != 1 || rows[1].Address != "b@x.example" {
			t.Fatalf("claimed %+v, want a and b", rows)
		}
		outcome := store.Outcome{Campaign: campaign.ID, Counted: true, Channel: rapport.Email, Lane: rapport.Bulk, Attempt: 1, Provider: "p"}
		sent, again := outcome, outcome
		sent.ID, sent.To, sent.SentAt, sent.ProviderID = rows[0].ID, rapport.Sent, s.Now(), rapport.KindMessage.Format(rows[0].ID)+"@shop.example"
		again.ID, again.To, again.What, again.Due = rows[1].ID, rapport.Pending, store.WhatSend, s.Now()
		applied, _, err := s.Commit(ctx, worker, []store.Outcome{sent, again}, nil)
		if must(err); !applied[0] || !applied[1] {
			t.Fatalf("applied %v", applied)
		}
		last := claim(first, 10, rows[1].ID)
		if len(last) != 1 || last[0].Address != "c@x.example" {
			t.Fatalf("claimed %+v, want c alone: b stands in another batch now", last)
		}
		third := outcome
		third.ID, third.To, third.SentAt, third.ProviderID = last[0].ID, rapport.Sent, s.Now(), "number 3"
		_, _, err = s.Commit(ctx, worker, []store.Outcome{third}, nil)
		must(err)
		if deleted, err := s.ReleaseBatch(ctx, first); err != nil || !deleted {
			t.Errorf("deleted %v, %v: none of its rows waits", deleted, err)
		}
		batches, err := s.DueBatches(ctx, rapport.Bulk, 10)
		if must(err); len(batches) != 1 {
			t.Fatalf("%d batches, want the one that b moved into", len(batches))
		}
		second, _, err := s.TakeBatch(ctx, batches[0].ID, worker)
		must(err)
		if rows := claim(second, 10, 0); len(rows) != 1 || rows[0].Address != "b@x.example" || rows[0].Attempt != 2 {
			t.Errorf("claimed %+v, want b a second time", rows)
		}
		if rows := claim(second, 10, 0); len(rows) != 0 {
			t.Errorf("claimed %+v again", rows)
		}

		for ref, want := range map[string]rapport.ID{sent.ProviderID: sent.ID, rapport.KindMessage.Format(sent.ID): sent.ID, "number 3": third.ID, "number 4": 0,
			rapport.KindMessage.Format(campaign.ID): 0} {
			if id, err := s.MessageByRef(ctx, "p", ref, last[0].Customer); err != nil || id != want {
				t.Errorf("%q names %d, %v; want %d", ref, id, err, want)
			}
			if id, err := s.MessageByRef(ctx, "another", ref, last[0].Customer); err != nil || id != 0 {
				t.Errorf("%q names %d of another provider, %v", ref, id, err)
			}
		}
		if id, err := s.MessageByRef(ctx, "p", "number 3", rows[0].Customer); err != nil || id != 0 {
			t.Errorf("a number of the provider's names %d to somebody else, %v", id, err)
		}
		// The provider's receipt may come before the outcome: that comes too late then, but says what the provider calls it.
		// But not where another attempt has told it already.
		late, older := sent, third
		late.ProviderID, older.ProviderID = "number 5", "number 6"
		if applied, _, err := s.Commit(ctx, worker, []store.Outcome{late, older}, nil); err != nil || applied[0] || applied[1] {
			t.Errorf("applied %v, %v", applied, err)
		}
		for _, c := range []struct {
			ref            string
			customer, want rapport.ID
		}{{"number 5", rows[0].Customer, sent.ID}, {"number 6", last[0].Customer, 0}, {"number 3", last[0].Customer, third.ID}} {
			if id, err := s.MessageByRef(ctx, "p", c.ref, c.customer); err != nil || id != c.want {
				t.Errorf("%s names %d, %v; want %d", c.ref, id, err, c.want)
			}
		}
	})
}
