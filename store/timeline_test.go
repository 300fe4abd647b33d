package store_test

import (
	"slices"
	"testing"
	"time"

	"rapport"
	"rapport/store"
)

func TestTimeline_ShowsAllSourcesOnceWhateverThePageSize(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		id := upsert(t, s, store.CustomerPatch{ExternalID: "a", Addresses: mail("a@example.com")})[0]
		other := upsert(t, s, store.CustomerPatch{ExternalID: "b"})[0]
		th := thread(t, s, rapport.Thread{Customer: id})
		total := 0
		for round := range 3 {
			if round == 2 {
				now.pass(time.Second) // the first two rounds are of one millisecond
			}
			for _, who := range []rapport.ID{id, other} {
				c := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfCampaign, Name: "Spring", Purpose: rapport.Marketing, Status: rapport.CampaignRunning, CreatedAt: s.Now()}
				must(s.InsertCampaigns(ctx, c))
				m := rapport.Message{ID: s.NewID(), Campaign: c.ID, Customer: who, Channel: rapport.Email, State: rapport.Sent}
				must(s.Tx(ctx, func(s *store.Store) error {
					_, err := s.AddMessages(ctx, 0, []store.Row{{Message: m}})
					return err
				}))
				for _, k := range []rapport.Engagement{rapport.Opened, rapport.Clicked} {
					_, err := s.Engage(ctx, 0, m.ID, k, false)
					must(err)
				}
				_, err := s.Engage(ctx, 0, m.ID, rapport.Complained, true) // by a machine: it is not shown
				must(err)
				must(s.AddConsents(ctx, []rapport.Consent{{Customer: who, Channel: rapport.Email, Purpose: rapport.Marketing, Source: "x"}}))
				must(s.AddEntry(ctx, &rapport.Entry{Thread: th.ID, Customer: who, Kind: rapport.Inbound, Text: "x"}))
				_, err = s.InsertEvents(ctx, []rapport.Event{{ExternalID: string(rune('a'+round)) + rapport.KindCustomer.Format(who), Customer: who, Type: "order", OccurredAt: s.Now().Add(-time.Hour)}})
				must(err)
				_, _, err = s.ReportedCall(ctx, rapport.Call{Door: "pbx", CallID: rapport.KindMessage.Format(m.ID), Direction: rapport.CallIn, Customer: who, StartedAt: s.Now()})
				must(err)
				for _, k := range []rapport.Receipt{rapport.ReceiptBounced, rapport.ReceiptDelivered} { // the message says that it was delivered
					_, _, err = s.ApplyReceipt(ctx, 0, m.ID, "mail", store.ReceiptRow{Kind: k, Reason: "hard_bounce", At: s.Now()})
					must(err)
				}
			}
			total += 8
		}
		whole, next, err := s.Timeline(ctx, id, store.Moment{}, 100)
		if err != nil || len(whole) != total || next.ID != 0 {
			t.Fatalf("%d items, want %d, next %v, %v", len(whole), total, next, err)
		}
		kinds := map[string]int{}
		for i, x := range whole {
			if i > 0 && x.At.After(whole[i-1].At) {
				t.Error("not newest first")
			}
			switch {
			case x.Message != nil && x.Campaign == "Spring" && x.Message.Customer == id:
				kinds["message"]++
			case x.Engagement != nil && x.Campaign == "Spring" && x.Engagement.N == 1:
				kinds[string(x.Engagement.Kind)]++
			case x.Entry != nil && x.Entry.Customer == id:
				kinds["entry"]++
			case x.Consent != nil && x.Consent.Customer == id:
				kinds["consent"]++
			case x.Event != nil && x.Event.Customer == id:
				kinds["event"]++
			case x.Call != nil && x.Call.Customer == id:
				kinds["call"]++
			case x.Report != nil && x.Report.Kind == rapport.ReceiptBounced && x.Campaign == "Spring":
				kinds["report"]++
			default:
				t.Errorf("%+v", x)
			}
		}
		for kind, n := range kinds {
			if n != 3 {
				t.Errorf("%s: %d", kind, n)
			}
		}
		if some, next, err := s.Timeline(ctx, id, store.Moment{}, 4, "call", "report"); err != nil || len(some) != 4 || next.ID == 0 || some[0].Call == nil || some[1].Report == nil {
			t.Errorf("some kinds: %+v, %v", some, err)
		}
		for limit := 1; limit < 8; limit++ {
			var got []store.Moment
			for before := (store.Moment{}); ; {
				page, next, err := s.Timeline(ctx, id, before, limit)
				if err != nil || len(page) > limit || len(got) > total {
					t.Fatal(limit, len(page), len(got), err)
				}
				for _, x := range page {
					got = append(got, x.Moment)
				}
				if before = next; next.ID == 0 {
					break
				}
			}
			if !slices.EqualFunc(got, whole, func(m store.Moment, x store.TimelineItem) bool { return m == x.Moment }) {
				t.Errorf("%d a page: %d items, another order or others than in one page", limit, len(got))
			}
		}
		_, _, err = s.Timeline(ctx, 5, store.Moment{}, 10)
		code(t, err, rapport.CodeNotFound)
	})
}
