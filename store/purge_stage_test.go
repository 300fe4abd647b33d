package store_test

import (
	"encoding/json"
	"testing"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestPurgedStageKeepsWhatWasRefusedAndWhatIsAnothers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		const n = 2*store.MaxRows + 200
		stage := func() rapport.ID {
			c := &rapport.Campaign{ID: s.NewID(), Kind: rapport.KindOfCampaign, Purpose: rapport.Marketing, Status: rapport.CampaignAccepting, CreatedAt: s.Now()}
			if err := s.InsertCampaigns(ctx, c); err != nil {
				t.Fatal(err)
			}
			var page []store.Recipient
			for i := int64(1); i <= n; i++ {
				r := store.Recipient{Seq: i, Dedupe: i - n/2, Payload: json.RawMessage("{}")}
				if i%300 == 0 {
					r.Refusal, r.Dedupe, r.Payload = "invalid", 0, json.RawMessage(`{"name":"Ann"}`)
				}
				if page = append(page, r); len(page) == store.MaxRows || i == n {
					if _, err := s.Stage(ctx, c.ID, page); err != nil {
						t.Fatal(err)
					}
					page = nil
				}
			}
			return c.ID
		}
		purged, other := stage(), stage()
		steps := 0
		for more := true; more; steps++ {
			var err error
			before, err := s.Recipients(ctx, purged, 0, n)
			if err != nil {
				t.Fatal(err)
			}
			if more, err = s.PurgeStage(ctx, purged); err != nil {
				t.Fatal(err)
			}
			after, err := s.Recipients(ctx, purged, 0, n)
			if err != nil {
				t.Fatal(err)
			}
			if gone := len(before) - len(after); gone > store.MaxRows {
				t.Fatalf("%d rows went at once", gone)
			}
			if steps > 10 {
				t.Fatal("it finds no end")
			}
		}
		left, err := s.Recipients(ctx, purged, 0, n)
		if err != nil {
			t.Fatal(err)
		}
		refused, err := s.Refused(ctx, purged, 0, n)
		if err != nil || len(left) != n/300 || len(refused) != len(left) {
			t.Errorf("%d rows are left, %d of them refused: %v", len(left), len(refused), err)
		}
		for _, r := range left {
			if string(r.Payload) != "{}" {
				t.Fatalf("what a refused row says is left: %s", r.Payload)
			}
		}
		// A name that was staged and purged is a name that nobody has.
		if dup, err := s.Stage(ctx, purged, []store.Recipient{{Seq: n + 1, Dedupe: 1 - n/2, Payload: json.RawMessage("{}")}, {Seq: n + 2, Dedupe: n / 2, Payload: json.RawMessage("{}")}}); err != nil || len(dup) != 0 {
			t.Errorf("keys are left: %v %v", dup, err)
		}
		if rows, err := s.Recipients(ctx, other, 0, 2*n); err != nil || len(rows) != n {
			t.Errorf("the other campaign has %d rows: %v", len(rows), err)
		}
	})
}
