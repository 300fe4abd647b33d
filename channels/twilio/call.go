package twilio

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"rapport/internal/deadline"
	"rapport/internal/httpx"
)

// call is one request to Twilio. twilio-go knows no context, always talks to api.twilio.com and drops
// status and headers from its errors; so each call is a RoundTripper of its own, which adds what is
// missing on the way out and keeps what would be lost on the way back.
type call struct {
	*conn
	ctx     context.Context
	wire    *httpx.Wire   // of a request of twilio-go's
	written bool          // of another: Twilio can have seen it
	status  int           // of the answer; 0: none came
	after   time.Duration // its Retry-After; 0: none
}

// call prepares a request of twilio-go's that ends with ctx or after the configured time-out; end must be called.
func (c *conn) call(ctx context.Context) (k *call, end func()) {
	own := deadline.New(ctx, c.timeout)
	return &call{conn: c, ctx: own}, own.End
}

// seen tells whether Twilio can have seen the request.
func (k *call) seen() bool { return k.written || k.wire != nil && k.wire.Written() }

// api is twilio-go's client over this call. The struct literal keeps TWILIO_EDGE and TWILIO_REGION of
// the environment out, which NewRequestHandler would read: base_url says where to go.
func (k *call) api() *api.ApiService {
	k.ctx, k.wire = httpx.Watch(k.ctx, nil)
	c := &client.Client{
		Credentials: client.NewCredentials(k.sid, k.token),
		HTTPClient: &http.Client{
			Transport:     k,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	c.SetAccountSid(k.sid)
	return api.NewApiService(&client.RequestHandler{Client: c})
}

// create posts a message's form and returns the SID of what Twilio made of it. twilio-go would take three times as long
// as all the rest: it puts the form together by way of two maps and reads twenty fields of the answer.
func (k *call) create(form []byte, wire func()) (sid string, err error) {
	a, written, err := httpx.Post(k.ctx, k.http, k.messages, k.formHeader, form, httpx.Exchange{Timeout: k.timeout, Wire: wire})
	k.written = written
	if err != nil {
		return "", err
	}
	defer a.Close()
	k.answered(a.Status, a.Header("Retry-After"))
	body, err := a.Body(maxAnswer)
	if err != nil {
		return "", err
	}
	if a.Status >= 400 {
		refused := &client.TwilioRestError{}
		if err := json.Unmarshal(body, refused); err != nil {
			return "", fmt.Errorf("reading the refusal: %w", err)
		}
		return "", refused
	}
	var made struct{ Sid string }
	if err := json.Unmarshal(body, &made); err != nil {
		return "", err
	}
	if made.Sid == "" {
		return "", errNoSID
	}
	return made.Sid, nil
}

// formHeader is the same for every form of a login; it is shared and never changed.
func formHeader(sid, token string) http.Header {
	r := http.Request{Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {"Rapport/1"}}}
	r.SetBasicAuth(sid, token)
	return r.Header
}

// RoundTrip makes a request of twilio-go's.
func (k *call) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.WithContext(k.ctx)
	u := *req.URL
	u.Scheme, u.Host, u.Path = k.base.Scheme, k.base.Host, k.base.Path+u.Path
	req.URL, req.Host = &u, ""
	resp, err := k.http.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	k.answered(resp.StatusCode, resp.Header.Get("Retry-After"))
	return resp, nil
}

func (k *call) answered(status int, retryAfter string) {
	k.status = status
	if s, err := strconv.Atoi(retryAfter); err == nil && s > 0 {
		k.after = time.Duration(min(s, 3600)) * time.Second
	}
}

// maxAnswer is far more than Twilio says about one message, and small enough that a window full of answers without an
// end costs little.
const maxAnswer = 256 << 10
