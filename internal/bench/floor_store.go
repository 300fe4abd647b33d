package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rapport"
	"rapport/store"
)

const (
	planPage  = 250 // rows of one planning transaction, as the gateway has it
	claimRows = 128 // rows of one claim
)

// storeFloor takes N messages through the store alone: written page by page, claimed, and recorded with
// the next claim in one transaction, as delivering does. The customers are there already.
func storeFloor(t floorTask) (*Floor, error) {
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{URL: t.Database})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	st.SetHashKey([]byte("bench"))
	if err := st.Migrate(ctx); err != nil {
		return nil, err
	}
	worker, err := st.Register(ctx, "bench", "bench")
	if err != nil {
		return nil, err
	}
	campaign := &rapport.Campaign{ID: st.NewID(), Kind: rapport.KindOfCampaign, Name: "bench", Purpose: rapport.Marketing, Topic: topic, Status: rapport.CampaignRunning,
		Audience: int64(t.N), CreatedAt: st.Now()}
	if err := st.InsertCampaigns(ctx, campaign); err != nil {
		return nil, err
	}
	rows, err := messageRows(ctx, st, campaign.ID, t.N)
	if err != nil {
		return nil, err
	}
	if err := st.Analyze(ctx); err != nil {
		return nil, err
	}

	meters := []Meter{selfMeter()}
	if t.Postgres != 0 {
		meters = append(meters, familyMeter("database", "postgres", t.Postgres))
	}
	u0, err := read(meters)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	var batches []store.Batch
	for from := 0; from < len(rows); from += planPage {
		err := st.Tx(ctx, func(s *store.Store) error {
			due, err := s.AddMessages(ctx, worker, rows[from:min(from+planPage, len(rows))])
			batches = append(batches, due...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	mid, err := read(meters)
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		if err := deliver(ctx, st, worker, b.ID); err != nil {
			return nil, err
		}
	}
	took := time.Since(begin)
	u, err := read(meters)
	if err != nil {
		return nil, err
	}
	left, err := st.Undecided(ctx, campaign.ID)
	if err == nil && left != 0 {
		err = fmt.Errorf("%d rows are left over", left)
	}
	all := u.minus(u0)
	return &Floor{N: t.N, Took: took, Usage: Usage{"app": all["bench"], "database": all["database"]}, Insert: total(mid.minus(u0))}, err
}

func total(u Usage) (sum time.Duration) {
	for _, d := range u {
		sum += d
	}
	return sum
}

// messageRows makes N customers with an address each, and a message for each that is due now.
func messageRows(ctx context.Context, st *store.Store, campaign rapport.ID, n int) ([]store.Row, error) {
	var rows []store.Row
	for from := 0; from < n; from += planPage {
		var patches []store.CustomerPatch
		for i := from; i < min(from+planPage, n); i++ {
			p := person{channel: "email", i: i}
			patches = append(patches, store.CustomerPatch{ExternalID: p.externalID(), Addresses: []store.AddressPatch{{Channel: rapport.Email, Value: p.address()}}})
		}
		made, err := st.UpsertCustomers(ctx, patches)
		if err != nil {
			return nil, err
		}
		ids := make([]rapport.ID, len(made))
		for i, m := range made {
			ids[i] = m.ID
		}
		profiles, err := st.Profiles(ctx, ids, rapport.Marketing, topic)
		if err != nil {
			return nil, err
		}
		for i, id := range ids {
			p := person{channel: "email", i: from + i}
			vars, err := json.Marshal(map[string]any{"customer": map[string]any{"name": p.name(), "external_id": p.externalID()}, "data": p.data()})
			if err != nil {
				return nil, err
			}
			a := profiles[id].Facts[0].Address
			rows = append(rows, store.Row{Counted: true, Lane: rapport.Bulk, Vars: vars, Message: rapport.Message{ID: st.NewID(), Campaign: campaign, Customer: id,
				Channel: rapport.Email, Address: a.ID, Epoch: a.Epoch, State: rapport.Pending, Due: st.Now(), Seq: int64(from + i + 1)}})
		}
	}
	return rows, nil
}

// deliver claims and records one batch, claimRows at a time.
func deliver(ctx context.Context, st *store.Store, worker, id rapport.ID) error {
	b, ok, err := st.TakeBatch(ctx, id, worker)
	if err == nil && !ok {
		err = fmt.Errorf("batch %d was not to be had", id)
	}
	if err != nil {
		return err
	}
	var outs []store.Outcome
	for end := false; !end; {
		_, res, err := st.Commit(ctx, worker, outs, []store.ClaimRequest{{Batch: b, Worker: worker, Provider: "bench", Max: claimRows}})
		if err != nil {
			return err
		}
		outs = outs[:0]
		for _, c := range res[0].Rows {
			if c.Mine() {
				outs = append(outs, store.Outcome{ID: c.ID, Campaign: c.Campaign, Counted: true, Channel: c.Channel, Lane: rapport.Bulk, Attempt: c.Attempt, Provider: "bench",
					To: rapport.Sent, SentAt: st.Now()})
			}
		}
		end = len(res[0].Rows) == 0
	}
	_, err = st.ReleaseBatch(ctx, b)
	return err
}
