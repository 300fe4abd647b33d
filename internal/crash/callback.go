package crash

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Callback posts to one of the doors for providers, as anybody may who finds it, and returns the status.
func (h *Harness) Callback(ctx context.Context, path string, header http.Header, body string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header = header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// SignedReply is the header of a reply that a customer's system signs at a time, by Standard Webhooks.
func (s *Sinks) SignedReply(id string, at time.Time, body string) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, s.Hook.key)
	mac.Write([]byte(id + "." + stamp + "." + body))
	return http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {stamp},
		"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
}

// Heard is how much of what came in was kept: events, entries of threads, receipts.
func (h *Harness) Heard(ctx context.Context) (events, entries, receipts int, err error) {
	db, err := h.database()
	if err != nil {
		return 0, 0, 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM inbound), (SELECT count(*) FROM entries WHERE kind = 'inbound'), (SELECT count(*) FROM receipts)`).Scan(&events, &entries, &receipts)
	return events, entries, receipts, err
}
