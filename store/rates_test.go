package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

// queued makes n pending mails to addresses of domain, in one batch that a new worker owns.
func queued(t *testing.T, s *store.Store, n int, domain string) (rapport.ID, store.Batch) {
	t.Helper()
	worker, err := s.Register(ctx, "test", "worker")
	if err != nil {
		t.Fatal(err)
	}
	c := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfCampaign, Purpose: rapport.Marketing, Status: rapport.CampaignRunning, CreatedAt: s.Now()}
	if err := s.InsertCampaigns(ctx, c); err != nil {
		t.Fatal(err)
	}
	var patches []store.CustomerPatch
	for i := range n {
		patches = append(patches, store.CustomerPatch{Addresses: []store.AddressPatch{{Channel: rapport.Email, Value: fmt.Sprintf("c%d@%s", i, domain), Primary: true}}})
	}
	up, err := s.UpsertCustomers(ctx, patches)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]rapport.ID, n)
	for i := range up {
		ids[i] = up[i].ID
	}
	people, err := s.Profiles(ctx, ids, rapport.Marketing, "")
	if err != nil {
		t.Fatal(err)
	}
	var rows []store.Row
	for _, id := range ids {
		a := people[id].Facts[0]
		rows = append(rows, store.Row{Counted: true, Message: rapport.Message{ID: s.NewID(), Campaign: c.ID, Customer: id, Channel: rapport.Email, Address: a.ID, Epoch: a.Epoch, State: rapport.Pending, Due: s.Now()}})
	}
	var due []store.Batch
	err = s.Tx(ctx, func(s *store.Store) error {
		due, err = s.AddMessages(ctx, worker, rows)
		return err
	})
	if err != nil || len(due) != 1 {
		t.Fatalf("%d batches, %v", len(due), err)
	}
	b, ok, err := s.TakeBatch(ctx, due[0].ID, worker)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	return worker, b
}

func claim(t *testing.T, s *store.Store, r store.ClaimRequest) (mine int, res store.ClaimResult) {
	t.Helper()
	_, rs, err := s.Commit(ctx, r.Worker, nil, []store.ClaimRequest{r})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rs[0].Rows {
		if rs[0].Rows[i].Mine() {
			mine++
		}
	}
	return mine, rs[0]
}

func TestClaim_KeepsAProvidersRate(t *testing.T) {
	eachAt(t, func(t *testing.T, s *store.Store, c *clock) {
		worker, b := queued(t, s, 400, "example.test")
		begin, total := c.now(), 0
		for c.now().Sub(begin) < 3*time.Second {
			n, res := claim(t, s, store.ClaimRequest{Batch: b, Worker: worker, Provider: "p", Max: 100, Rate: 100})
			total += n
			c.pass(max(res.Wait, 5*time.Millisecond))
		}
		// 100 a second for three seconds, and the burst of a quarter second that the bulk lane may take at once.
		if total < 294 || total > 326 {
			t.Errorf("%d messages in 3 s at 100 a second", total)
		}
		// The fast lane finds its share though the bulk lane has just taken all it may.
		claim(t, s, store.ClaimRequest{Batch: b, Worker: worker, Provider: "p", Max: 100, Rate: 100})
		fast := b
		fast.Lane = rapport.Fast
		if n, _ := claim(t, s, store.ClaimRequest{Batch: fast, Worker: worker, Provider: "p", Max: 100, Rate: 100}); n == 0 {
			t.Error("the fast lane has to wait behind the bulk lane")
		}
		c.pass(24 * time.Hour)
		if n, _ := claim(t, s, store.ClaimRequest{Batch: b, Worker: worker, Provider: "p", Max: 100, Rate: 100}); n == 0 {
			t.Error("nothing is sent after the clock jumped")
		}
	})
}

func TestClaim_KeepsADomainsRateAndLetsOthersPass(t *testing.T) {
	eachAt(t, func(t *testing.T, s *store.Store, c *clock) {
		worker, slow := queued(t, s, 100, "slow.test")
		begin, total := c.now(), 0
		for c.now().Sub(begin) < 5*time.Second {
			n, _ := claim(t, s, store.ClaimRequest{Batch: slow, Worker: worker, Provider: "p", Max: 100, DomainRate: 10})
			total += n
			c.pass(20 * time.Millisecond)
		}
		if total < 47 || total > 53 {
			t.Errorf("%d messages in 5 s at 10 a second to one domain", total)
		}
		worker, other := queued(t, s, 5, "other.test")
		if n, _ := claim(t, s, store.ClaimRequest{Batch: other, Worker: worker, Provider: "p", Max: 100, DomainRate: 10}); n == 0 {
			t.Error("another domain has to wait too")
		}
	})
}

// Two processes that claim from the same providers, or for the same domains, in opposite orders.
func TestClaim_ProcessesDoNotWaitCrosswise(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, tt := range []struct {
			name      string
			providers [2]string
			rate      store.ClaimRequest
		}{
			{"providers", [2]string{"a", "b"}, store.ClaimRequest{Max: 1, Rate: 1e6}},
			{"domains", [2]string{"p", "p"}, store.ClaimRequest{Max: 1, DomainRate: 1e6}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				const rounds = 150
				reqs := make([][]store.ClaimRequest, 2)
				for i := range reqs {
					for k, domain := range []string{"x." + tt.name, "y." + tt.name} {
						worker, b := queued(t, s, rounds, domain)
						r := tt.rate
						r.Batch, r.Worker, r.Provider = b, worker, tt.providers[k]
						reqs[i] = append(reqs[i], r)
					}
				}
				slices.Reverse(reqs[1])
				begin := time.Now()
				var both sync.WaitGroup
				for _, mine := range reqs {
					both.Go(func() {
						for range rounds {
							if _, _, err := s.Commit(ctx, mine[0].Worker, nil, mine); err != nil {
								t.Error(err)
							}
						}
					})
				}
				both.Wait()
				if took := time.Since(begin); took > 15*time.Second { // breaking a knot takes PostgreSQL a second
					t.Errorf("%d rounds took %v", rounds, took)
				}
			})
		}
	})
}
