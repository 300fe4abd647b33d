package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"rapport/channels"
	"rapport/internal/httpx"
)

// Courier carries what happened to endpoints, by the same rules as messages to customers: Standard Webhooks, and
// only to addresses that a stranger may name.
type Courier struct {
	o      httpx.Options
	client *http.Client
	now    func() time.Time
}

// courierConns are kept open to one host at most.
const courierConns = 32

// NewCourier reaches private networks only if they are listed. now is for tests; nil: time.Now.
func NewCourier(allow []netip.Prefix, now func() time.Time) *Courier {
	if now == nil {
		now = time.Now
	}
	o := httpx.Options{AllowNetworks: allow, HeaderTimeout: timeout, MaxConnsPerHost: courierConns}
	c := &Courier{o: o, client: httpx.Guarded(o), now: now}
	c.client.Timeout = 0 // Carry bounds the exchange
	return c
}

// Close drops idle connections.
func (c *Courier) Close() { c.client.CloseIdleConnections() }

// Check is part of channels.Courier.
func (c *Courier) Check(url string) error { return httpx.CheckURL(url, c.o) }

// CheckSecret is part of channels.Courier.
func (c *Courier) CheckSecret(secret string) error {
	_, err := parseKey(secret)
	return err
}

// Carry is part of channels.Courier.
func (c *Courier) Carry(ctx context.Context, p channels.Parcel) channels.Signed {
	began := time.Now()
	s := c.carry(ctx, p)
	s.Took = time.Since(began)
	return s
}

func (c *Courier) carry(ctx context.Context, p channels.Parcel) channels.Signed {
	var keys []key
	for _, secret := range p.Secrets {
		k, err := parseKey(secret)
		if err != nil {
			return channels.Signed{Err: "the secret " + err.Error()}
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return channels.Signed{Err: "there is no secret to sign with"}
	}
	u, err := url.Parse(p.URL)
	if err != nil {
		return channels.Signed{Err: "this is not a valid URL"}
	}
	timestamp := strconv.FormatInt(c.now().Unix(), 10)
	header := http.Header{"User-Agent": {"Rapport-Webhook/1"}, "Content-Type": {"application/json"}, headerID: {p.ID}, headerTimestamp: {timestamp},
		headerSignature: {signAll(keys, p.ID, timestamp, p.Body)}}
	a, _, err := httpx.Post(ctx, c.client, u, header, p.Body, httpx.Exchange{Timeout: timeout})
	if err != nil {
		return channels.Signed{Err: unreached(err)}
	}
	defer a.Close()
	s := channels.Signed{Status: a.Status, Answer: harmless(excerpt(&a))}
	if a.Status < 200 || a.Status > 299 {
		s.After = retryAfter(a.Header("Retry-After"), a.Header("Date"))
	}
	return s
}

// unreached says why there was no answer.
func unreached(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	switch {
	case errors.Is(err, httpx.ErrRefused):
		return "the address is not a public one; private networks must be listed in endpoints.allow_networks"
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %s", timeout)
	}
	text := httpx.Redact(err).Error()
	return text[:min(len(text), 300)]
}

// telling are parts of an answer that a log must not keep: addresses, and long runs that may be tokens.
var telling = regexp.MustCompile(`[^\s<>"'=:,;]+@[^\s<>"',;]+|\+?\d[\d ()-]{6,}\d|[A-Za-z0-9_\-./+=]{24,}`)

func harmless(answer string) string { return telling.ReplaceAllString(answer, "[redacted]") }
