package httpx

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// ErrBodyTooLarge ends the reading of a body that is longer than the client's MaxBody. What was
// read until then is good, and so is the status: a webhook that answers 200 and a gigabyte has
// taken the message.
var ErrBodyTooLarge = errors.New("response body too large")

const (
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	idleTimeout      = 60 * time.Second
	maxIdle          = 512 // kept-open connections over all hosts: bounds file descriptors
	maxHeaderBytes   = 32 << 10
)

type limits struct {
	headerTimeout time.Duration
	connsPerHost  int
}

// newTransport leaves TLSClientConfig alone: certificates are verified, TLS 1.2 is the least.
// It does not set Proxy: a proxy from the environment would resolve and connect in our place,
// behind the guard's back.
func newTransport(l limits) *http.Transport {
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	return &http.Transport{
		Protocols:              http1,
		DisableCompression:     true, // neither asks for gzip nor unpacks it: no bombs
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  l.headerTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxConnsPerHost:        l.connsPerHost,
		MaxIdleConnsPerHost:    l.connsPerHost,
		MaxIdleConns:           maxIdle,
		IdleConnTimeout:        idleTimeout,
	}
}

type roundTripper interface {
	http.RoundTripper
	CloseIdleConnections()
}

func newClient(t roundTripper, timeout time.Duration, maxBody int64) *http.Client {
	return &http.Client{
		Transport:     &capped{roundTripper: t, max: maxBody},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// capped bounds every response body.
type capped struct {
	roundTripper
	max int64
}

func (c *capped) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.roundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &cappedBody{body: resp.Body, left: c.max}
	return resp, nil
}

type cappedBody struct {
	body io.ReadCloser
	left int64
}

// Read asks for one byte more than is allowed, so that a body of exactly the limit ends in io.EOF.
func (b *cappedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrBodyTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		b.left = -1
		return n, ErrBodyTooLarge
	}
	b.left -= int64(n)
	return n, err
}

func (b *cappedBody) Close() error { return b.body.Close() }
