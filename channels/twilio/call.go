package twilio

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"rapport/internal/httpx"
)

// call is one request to Twilio. twilio-go knows no context, always talks to api.twilio.com and drops
// status and headers from its errors; so each call is a RoundTripper of its own, which adds what is
// missing on the way out and keeps what would be lost on the way back.
type call struct {
	*conn
	ctx    context.Context
	wire   *httpx.Wire
	status int           // of the answer; 0: none came
	after  time.Duration // its Retry-After; 0: none
}

// call prepares a request that ends with ctx or after the configured time-out; end must be called.
func (c *conn) call(ctx context.Context) (k *call, end func()) {
	ctx, end = context.WithTimeout(ctx, c.timeout)
	k = &call{conn: c}
	k.ctx, k.wire = httpx.Watch(ctx)
	return k, end
}

// api is twilio-go's client over this call. The struct literal keeps TWILIO_EDGE and TWILIO_REGION of
// the environment out, which NewRequestHandler would read: base_url says where to go.
func (k *call) api() *api.ApiService {
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

func (k *call) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.WithContext(k.ctx)
	u := *req.URL
	u.Scheme, u.Host, u.Path = k.base.Scheme, k.base.Host, k.base.Path+u.Path
	req.URL, req.Host = &u, ""
	resp, err := k.http.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	k.status = resp.StatusCode
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		k.after = time.Duration(min(s, 3600)) * time.Second
	}
	return resp, nil
}
