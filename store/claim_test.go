package store_test

import (
	"fmt"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

// TestClaim_MarksWhatMayGoAndNothingElse claims a batch of which each row differs: with and without somebody to be
// asked about each row, which are two ways on PostgreSQL.
func TestClaim_MarksWhatMayGoAndNothingElse(t *testing.T) {
	t.Parallel()
	ask := map[string]func(*store.Claimed) time.Time{"nobody is asked": nil, "each is asked about": func(*store.Claimed) time.Time { return time.Time{} }}
	for name, hold := range ask {
		t.Run(name, func(t *testing.T) {
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
				past, future := s.Now().Add(-time.Hour), s.Now().Add(time.Hour)
				rows := []struct {
					name   string
					change func(*rapport.Message)
					mine   bool
				}{
					{"fresh", func(*rapport.Message) {}, true},
					{"address changed since", func(m *rapport.Message) { m.Epoch += 7 }, false},
					{"window open", func(m *rapport.Message) { m.WindowEnd, m.ExpiresAt = future, future }, true},
					{"window closed", func(m *rapport.Message) { m.WindowEnd = past }, false},
					{"expired", func(m *rapport.Message) { m.ExpiresAt = past }, false},
					{"address gone", func(m *rapport.Message) { m.Address = 99 }, false},
					{"fresh, and the last", func(*rapport.Message) {}, true},
				}
				var due []store.Batch
				ids := make([]rapport.ID, len(rows))
				must(s.Tx(ctx, func(s *store.Store) error {
					var made []store.Row
					for i := range rows {
						stored, err := s.UpsertCustomers(ctx, []store.CustomerPatch{{Addresses: []store.AddressPatch{{Channel: rapport.Email, Value: fmt.Sprintf("p%d@x.example", i)}}}})
						if err != nil {
							return err
						}
						profiles, err := s.ProfilesOf(ctx, stored, rapport.Marketing, "")
						if err != nil {
							return err
						}
						a := profiles[stored[0].ID].Facts[0].Address
						m := rapport.Message{ID: s.NewID(), Campaign: campaign.ID, Customer: stored[0].ID, Channel: rapport.Email, Address: a.ID, Epoch: a.Epoch, State: rapport.Pending, Due: past}
						rows[i].change(&m)
						ids[i] = m.ID
						made = append(made, store.Row{Counted: true, Lane: rapport.Bulk, Message: m, Vars: []byte(fmt.Sprintf(`{"n":%d}`, i))})
					}
					due, err = s.AddMessages(ctx, 0, made)
					return err
				}))
				b, ok, err := s.TakeBatch(ctx, due[0].ID, worker)
				if must(err); !ok {
					t.Fatal("the batch was not to be had")
				}
				claim := func(r store.ClaimRequest) store.ClaimResult {
					t.Helper()
					r.Batch, r.Provider, r.Hold = b, "p", hold
					_, res, err := s.Commit(ctx, worker, nil, []store.ClaimRequest{r})
					must(err)
					return res[0]
				}
				unmarked := func(when string) {
					t.Helper()
					for i, id := range ids {
						if m, err := s.Message(ctx, id); err != nil || m.State != rapport.Pending || m.Attempt != 0 {
							t.Fatalf("%s: %s is %v, attempt %d, %v", when, rows[i].name, m.State, m.Attempt, err)
						}
					}
				}

				if res := claim(store.ClaimRequest{Worker: worker + 1, Max: 10}); !res.Stop {
					t.Errorf("somebody else's batch: %+v", res)
				}
				_, err = s.MoveCampaign(ctx, campaign.ID, rapport.CampaignPaused, rapport.CampaignRunning)
				must(err)
				if res := claim(store.ClaimRequest{Worker: worker, Max: 10}); !res.Stop {
					t.Errorf("paused: %+v", res)
				}
				_, err = s.MoveCampaign(ctx, campaign.ID, rapport.CampaignRunning, rapport.CampaignPaused)
				must(err)
				unmarked("before any claim")

				first := claim(store.ClaimRequest{Worker: worker, Max: 4})
				if first.Stop || first.Empty || len(first.Rows) != 4 {
					t.Fatalf("%+v, want the first four", first)
				}
				rest := claim(store.ClaimRequest{Worker: worker, Max: 10, After: first.Rows[3].ID})
				if !rest.Empty || len(rest.Rows) != 3 {
					t.Fatalf("%+v, want the last three", rest)
				}
				for i, c := range append(first.Rows, rest.Rows...) {
					if c.ID != ids[i] || c.Mine() != rows[i].mine {
						t.Errorf("row %d: %+v, want %s", i, c, rows[i].name)
					}
					m, err := s.Message(ctx, ids[i])
					must(err)
					want, attempt := rapport.Pending, 0
					if rows[i].mine {
						want, attempt = rapport.Sending, 1
						if c.Attempt != 1 || c.Address != fmt.Sprintf("p%d@x.example", i) || string(c.Vars) != fmt.Sprintf(`{"n":%d}`, i) || c.Provider != "p" {
							t.Errorf("%s was claimed as %+v", rows[i].name, c)
						}
					}
					if m.State != want || m.Attempt != attempt {
						t.Errorf("%s is %v, attempt %d", rows[i].name, m.State, m.Attempt)
					}
				}
				counts, err := s.Counts(ctx, campaign)
				if must(err); counts[0].Sending != 3 || counts[0].Pending != 4 {
					t.Errorf("counted %+v, want 3 sending and 4 pending", counts[0])
				}
			})
		})
	}
}
