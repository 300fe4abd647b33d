package gateway_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

// Both of each pair are in the audience, and become one while the campaign is planned: whoever is planned first, they get it
// once.
func TestMergeCustomers_DuringACampaignNobodyGetsItTwice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const pairs = 30
		people := persons(2*pairs, rapport.Email)
		w.status(w.campaign(people, transactional), rapport.CampaignFinished) // so that all exist
		start := w.clock.now().UTC().Add(2 * time.Hour)
		window := func(m map[string]any) {
			m["send_window"] = map[string]any{"from": start.Format("15:04"), "until": start.Add(3 * time.Hour).Format("15:04"), "timezone": "UTC"}
		}
		var wg sync.WaitGroup
		var c *rapport.Campaign
		wg.Go(func() { c = w.campaign(people, window) })
		merges := make([]store.CustomerMerge, pairs)
		for i := range pairs {
			var err error
			in := gateway.CustomerMergeInput{From: fmt.Sprintf("ext:c-%d", 2*i+1), Into: fmt.Sprintf("ext:c-%d", 2*i+2)}
			if i%2 == 1 {
				in.From, in.Into = in.Into, in.From
			}
			if merges[i], err = w.g.MergeCustomers(t.Context(), gateway.Caller{Name: "Eva"}, in); err != nil {
				t.Fatal(err)
			}
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		w.until("all is planned", func() bool {
			now, err := w.st.Campaign(t.Context(), c.ID)
			return err == nil && now.Status == rapport.CampaignRunning
		})
		w.clock.forward(2*time.Hour + 5*time.Minute)
		w.status(c, rapport.CampaignFinished)
		for i := range pairs {
			n := w.email.count(addressOf(rapport.Email, 2*i+1)) + w.email.count(addressOf(rapport.Email, 2*i+2)) - 2 // the first campaign's
			if n != 1 {
				rows, _ := w.st.OfCampaign(t.Context(), c.ID, merges[i].From)
				more, _ := w.st.OfCampaign(t.Context(), c.ID, merges[i].Into)
				t.Errorf("pair %d: %d messages; rows %+v, %+v", i, n, rows, more)
			}
		}
	})
}

func TestMergeCustomers_ByAPersonWithAnActor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.status(w.campaign(persons(3, rapport.Email), transactional), rapport.CampaignFinished)
		in := gateway.CustomerMergeInput{From: "ext:c-1", Into: "ext:c-2"}
		p, err := w.g.PreviewMerge(t.Context(), in)
		if err != nil || p.Holdings.Messages != 1 || len(p.Addresses) != 1 || len(p.Choices) == 0 {
			t.Fatalf("%+v, %v", p, err)
		}
		m, err := w.g.MergeCustomers(t.Context(), gateway.Caller{Name: "key"}, gateway.CustomerMergeInput{From: in.From, Into: in.Into, Agent: "Eva"})
		if err != nil || m.Actor != "Eva" || m.Rule != "" {
			t.Fatalf("%+v, %v", m, err)
		}
		log, _, err := w.st.AuditLog(t.Context(), store.AuditFilter{Subject: rapport.KindCustomer.Format(m.Into), Page: store.Page{Limit: 5}})
		if err != nil || len(log) != 1 || log[0].Action != "customer.merged" {
			t.Errorf("%+v, %v", log, err)
		}
		conflict := func(what string, err error) {
			t.Helper()
			if rapport.CodeOf(err) != rapport.CodeConflict {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err = w.g.MergeCustomers(t.Context(), gateway.Caller{}, in)
		conflict("one already", err)
		if _, err := w.g.MergeCustomers(t.Context(), gateway.Caller{}, gateway.CustomerMergeInput{From: "ext:c-9", Into: "ext:c-2"}); rapport.CodeOf(err) != rapport.CodeInvalid {
			t.Error(err)
		}
		later, err := w.g.MergeCustomers(t.Context(), gateway.Caller{}, gateway.CustomerMergeInput{From: "ext:c-2", Into: "ext:c-3"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.g.UndoMerge(t.Context(), gateway.Caller{}, m.ID, "")
		conflict("the survivor was merged since", err)
		if _, err := w.g.UndoMerge(t.Context(), gateway.Caller{}, later.ID, ""); err != nil {
			t.Fatal(err)
		}
		if u, err := w.g.UndoMerge(t.Context(), gateway.Caller{Name: "Ivan"}, m.ID, ""); err != nil || u.UndoneBy != "Ivan" {
			t.Fatalf("%+v, %v", u, err)
		}
		_, err = w.g.UndoMerge(t.Context(), gateway.Caller{}, m.ID, "")
		conflict("undone", err)
	})
}

// Nobody is merged by a rule that was not switched on, nor again after somebody undid it.
func TestMergeByRules_OnlyOnesThatStand(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		two := []map[string]any{
			{"external_id": "old", "addresses": []map[string]any{{"channel": "sms", "address": "+37120000001"}}},
			{"external_id": "new", "addresses": []map[string]any{{"channel": "whatsapp", "address": "+37120000001"}}}}
		w.status(w.campaign(two, transactional), rapport.CampaignFinished)
		run := func(want int) {
			t.Helper()
			if n, err := w.g.MergeByRules(t.Context()); err != nil || n != want {
				t.Errorf("%d merges, %v, want %d", n, err, want)
			}
		}
		run(0)
		if err := w.g.SetMergeRules(t.Context(), gateway.Caller{}, gateway.MergeRules{SamePhone: true}); err != nil {
			t.Fatal(err)
		}
		run(1)
		run(0)
		list, _, err := w.st.CustomerMerges(t.Context(), store.Page{Limit: 5})
		if err != nil || len(list) != 1 || list[0].Rule != "same_phone" {
			t.Fatalf("%+v, %v", list, err)
		}
		if c, err := w.st.FindCustomer(t.Context(), "ext:new"); err != nil || c.ExternalID != "old" {
			t.Errorf("%+v, %v", c, err)
		}
		if _, err := w.g.UndoMerge(t.Context(), gateway.Caller{Name: "Eva"}, list[0].ID, ""); err != nil {
			t.Fatal(err)
		}
		run(0)
	})
}
