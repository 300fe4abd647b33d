package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rapport/channels"
	"rapport/internal/httpx"
)

// reserved are the headers that a template may not set: they are the signature, or how HTTP frames and
// routes the request.
var reserved = []string{headerID, headerTimestamp, headerSignature, "Host", "Content-Length", "Content-Type", "Transfer-Encoding",
	"Connection", "Keep-Alive", "Te", "Trailer", "Upgrade", "Expect", "Proxy-Authorization", "Proxy-Connection"}

// Send posts the message to the customer's URL. The provider id is the Token, which the receiver sees as
// webhook-id and names in in_reply_to.
func (c *conn) Send(ctx context.Context, o *channels.Outgoing) (string, error) {
	body, err := bodyOf(o)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(o.To)
	if err != nil {
		return "", &channels.Verdict{Kind: channels.Rejected, Reason: "bad_url"}
	}
	header := make(http.Header, 5+len(o.Headers))
	if v := setHeaders(header, o.Headers); v != nil {
		return "", v
	}
	timestamp := strconv.FormatInt(c.env.Now().Unix(), 10)
	values := []string{o.Token, timestamp, signAll(c.keys, o.Token, timestamp, body), "application/json"}
	for i, name := range [...]string{headerID, headerTimestamp, headerSignature, "Content-Type"} {
		header[name] = values[i : i+1 : i+1]
	}

	a, written, err := httpx.Post(ctx, c.client, u, header, body, httpx.Exchange{Timeout: c.timeout, Wire: o.Wire})
	if err != nil {
		return "", c.unanswered(err, written)
	}
	defer a.Close()
	if v := answered(&a); v != nil {
		return "", v
	}
	// A short body is read so that the connection can be used again; a long one costs more than a new connection.
	if a.Short(4 << 10) {
		_, _ = a.Body(4 << 10)
	}
	return o.Token, nil
}

// bodyOf is the template's JSON, or, for what has only a text (an agent's answer), a plain envelope.
func bodyOf(o *channels.Outgoing) ([]byte, error) {
	if len(o.Body) > 0 {
		return o.Body.Append(make([]byte, 0, o.Body.Len())), nil
	}
	if len(o.Text) == 0 {
		return nil, &channels.Verdict{Kind: channels.Rejected, Reason: "no_body"}
	}
	return json.Marshal(struct {
		ID        string              `json:"id"`
		Text      string              `json:"text"`
		InReplyTo string              `json:"in_reply_to,omitempty"`
		Buttons   [][]channels.Button `json:"buttons,omitempty"`
	}{o.Token, o.Text.String(), o.InReplyTo, o.Buttons})
}

func setHeaders(h http.Header, extra []channels.Header) *channels.Verdict {
	h["User-Agent"] = []string{"Rapport-Webhook/1"}
	for _, e := range extra {
		if strings.ContainsAny(e.Name+e.Value, "\r\n\x00") {
			return &channels.Verdict{Kind: channels.Rejected, Reason: "header_injection"}
		}
		name := textproto.CanonicalMIMEHeaderKey(e.Name)
		if slices.Contains(reserved, name) {
			return &channels.Verdict{Kind: channels.Rejected, Reason: "reserved_header", Detail: name + " cannot be set by a template"}
		}
		h[name] = []string{e.Value}
	}
	return nil
}

// unanswered is the verdict when no status came back. The scope is the recipient's: one customer's server
// that is down must not stop the others' messages.
func (c *conn) unanswered(err error, written bool) *channels.Verdict {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the URL is the customer's address: it belongs in no log
	}
	v := &channels.Verdict{Kind: channels.Temporary, Reason: "unreachable", Scope: channels.ScopeRecipient}
	switch {
	case errors.Is(err, httpx.ErrRefused):
		v.Kind, v.Reason, v.Scope = channels.Rejected, "blocked_address", ""
	case written:
		v.Kind, v.Reason = channels.Ambiguous, "no_answer"
	}
	v.Err = httpx.Redact(err)
	return v
}

// answered is the verdict on a status; nil for 2xx. A 5xx proves little, but the receiver drops what it
// has already seen, so sending again is safe. 404 is a mistake in someone's set-up more often than the
// end of an endpoint; that is what 410 is for.
func answered(a *httpx.Answer) *channels.Verdict {
	code := a.Status
	if code >= 200 && code < 300 {
		return nil
	}
	v := &channels.Verdict{Kind: channels.Rejected, Reason: "refused", Code: strconv.Itoa(code), Detail: excerpt(a)}
	switch {
	case code >= 300 && code < 400:
		v.Reason = "redirect"
	case code == http.StatusGone:
		v.Kind, v.Reason = channels.AddressDead, "gone"
	case code == http.StatusTooManyRequests:
		v.Kind, v.Reason, v.Scope = channels.Throttled, "too_many_requests", channels.ScopeRecipient
		v.After = retryAfter(a.Header("Retry-After"), a.Header("Date"))
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500:
		v.Kind, v.Reason, v.Scope = channels.Temporary, "receiver_unwell", channels.ScopeRecipient
		v.After = retryAfter(a.Header("Retry-After"), a.Header("Date"))
	}
	return v
}

// retryAfter reads the header in seconds or as a date (RFC 9110 §10.2.3), at most an hour: the wait is the
// receiver's wish, the patience ours. 0 if it is absent.
func retryAfter(h, date string) time.Duration {
	var d time.Duration
	if n, err := strconv.Atoi(h); err == nil {
		d = time.Duration(min(max(n, 0), 3600)) * time.Second
	} else if at, err := http.ParseTime(h); err == nil {
		from := time.Now()
		if sent, err := http.ParseTime(date); err == nil {
			from = sent // the receiver's clock, so that ours may differ
		}
		d = at.Sub(from)
	}
	return min(max(d, 0), time.Hour)
}

// excerpt is the beginning of what the receiver said, as one line of plain text.
func excerpt(a *httpx.Answer) string {
	b, _ := a.Body(300) // a broken body leaves us with less to show, nothing worse
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(b), "")))
}
