package crash

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"rapport"
)

// Audience sends a marketing campaign by mail to recipients r<first>@ and on, n of them, streamed. It returns the
// campaign's id and how long the API needed until all were durable.
func (h *Harness) Audience(ctx context.Context, first, n int) (id string, accepted time.Duration, err error) {
	var made struct{ ID string }
	draft := map[string]any{"name": fmt.Sprintf("to %d", n), "purpose": rapport.Marketing, "template": "crash", "status": "draft"}
	if err := h.send(ctx, http.MethodPost, "/v1/campaigns", draft, &made); err != nil {
		return "", 0, err
	}
	path := "/v1/campaigns/" + url.PathEscape(made.ID)
	rows, writer := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(writer, 64<<10)
		for k := first; k < first+n; k++ {
			// Written by hand: encoding a million maps would cost more than taking them.
			fmt.Fprintf(w, `{"external_id":"a-%d","name":"Recipient %d","data":{"n":%d},"addresses":[{"channel":"email","address":"r%d@tally.example"}],"consents":[{"channel":"email","purpose":"marketing","topic":"crash","granted":true,"source":"test"}]}`+"\n", k, k, k, k)
		}
		writer.CloseWithError(w.Flush())
	}()
	begin := time.Now()
	var took struct{ Added, Refused int }
	err = h.call(ctx, http.MethodPost, path+"/recipients", "application/x-ndjson", rows, &took)
	rows.Close()
	if err != nil {
		return "", 0, err
	}
	accepted = time.Since(begin)
	if took.Added != n || took.Refused != 0 {
		return "", 0, fmt.Errorf("%d recipients were taken and %d refused, of %d", took.Added, took.Refused, n)
	}
	return made.ID, accepted, h.send(ctx, http.MethodPost, path+"/launch", map[string]any{}, nil)
}

// Counts waits until a campaign is finished and returns its ledger.
func (h *Harness) Counts(ctx context.Context, campaign string, limit time.Duration) (rapport.Counts, error) {
	var v View
	err := h.until(ctx, limit, "the campaign is finished", func() (bool, error) {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return false, err
		}
		err := h.call(ctx, http.MethodGet, "/v1/campaigns/"+url.PathEscape(campaign), "", nil, &v)
		return v.Status == rapport.CampaignFinished, err
	})
	if err != nil {
		return v.Counts, fmt.Errorf("%w; it stands at %+v", err, v)
	}
	return v.Counts, nil
}
