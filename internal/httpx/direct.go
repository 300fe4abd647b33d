package httpx

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"rapport/internal/deadline"
)

// largestDirect is the longest body, in bytes, that is written in one piece with its header.
const largestDirect = 64 << 10

// direct makes small POSTs in the goroutine that asks for them: one write, and the answer read where it is
// wanted. net/http's Transport hands each exchange through two goroutines of its own, which is more
// than half of what a webhook costs (docs/adr/0007-direct-http.md). Everything else, which is whatever is
// not plainly a small POST, goes to that Transport.
//
// Answers are read by net/http's own parser; redirects, cookies and proxies do not exist at this level. A
// request is never made twice.
type direct struct {
	*http.Transport
	limits limits
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	pool   pool
}

func newDirect(t *http.Transport, l limits) *direct {
	d := &direct{Transport: t, limits: l, dial: t.DialContext}
	d.pool.perHost = l.connsPerHost
	return d
}

func (d *direct) CloseIdleConnections() {
	d.Transport.CloseIdleConnections()
	d.pool.closeIdle()
}

// ours are the fields that have a meaning for the connection, or are written from elsewhere: who sets one
// wants more than a plain exchange.
var ours = map[string]bool{"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true, "Connection": true, "Expect": true,
	"Upgrade": true, "Te": true, "Idempotency-Key": true, "X-Idempotency-Key": true}

// plainly tells whether req is a small POST that says no more than that.
func plainly(req *http.Request) bool {
	if req.Method != http.MethodPost || req.ContentLength < 0 || req.ContentLength == 0 && req.Body != nil && req.Body != http.NoBody ||
		len(req.TransferEncoding) > 0 || len(req.Trailer) > 0 || req.Close || req.Host != "" && req.Host != req.URL.Host {
		return false
	}
	return plain(req.URL, req.Header, req.ContentLength)
}

// plain is plainly for what a POST is made of.
func plain(u *url.URL, header http.Header, size int64) bool {
	if size > largestDirect || u.Opaque != "" || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	if host := u.Hostname(); host == "" || strings.ContainsFunc(u.Host, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '%' }) {
		return false
	}
	for name, values := range header {
		if ours[name] || !httpguts.ValidHeaderFieldName(name) {
			return false
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return false
			}
		}
	}
	return true
}

func (d *direct) RoundTrip(req *http.Request) (*http.Response, error) {
	if !plainly(req) {
		return d.Transport.RoundTrip(req)
	}
	body := make([]byte, req.ContentLength)
	if req.Body != nil {
		defer req.Body.Close()
		if _, err := io.ReadFull(req.Body, body); err != nil {
			return nil, fmt.Errorf("reading the request's body: %w", err)
		}
	}
	ctx := req.Context()
	t := httptrace.ContextClientTrace(ctx)
	var x Exchange
	if t != nil && t.GotConn != nil {
		x.Wire = func() { t.GotConn(httptrace.GotConnInfo{}) }
	}
	a, written, err := d.post(ctx, req.URL, req.Header, body, x, req)
	if written && t != nil && t.WroteHeaders != nil {
		t.WroteHeaders()
	}
	return a.resp, err
}

// post makes a POST that is plain. req, if it is not nil, is the request that it is made for: then the answer is read in
// full, by net/http's parser.
func (d *direct) post(ctx context.Context, u *url.URL, header http.Header, body []byte, x Exchange, req *http.Request) (_ Answer, written bool, err error) {
	key := host{u.Scheme, u.Host}
	if err := d.pool.enter(ctx, key); err != nil {
		return Answer{}, false, err
	}
	for {
		c, err := d.connection(ctx, key, u)
		if err != nil {
			d.pool.leave(key)
			return Answer{}, false, err
		}
		c.out = append(appendHead(c.out[:0], u, header, len(body)), body...)
		if x.Wire != nil {
			x.Wire()
		}
		a, written, err := d.exchange(ctx, c, len(c.out)-len(body), x.Timeout, req)
		if errors.Is(err, errGone) && c.used {
			continue // closed while it lay idle, and nothing was written to it
		}
		return a, written, err
	}
}

// errGone: nothing was written, because the connection is closed.
var errGone = errors.New("the connection was closed by the other side")

// address is what to dial.
func address(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	port := "80"
	if u.Scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// connection takes a kept connection, or makes one.
func (d *direct) connection(ctx context.Context, key host, u *url.URL) (*kept, error) {
	for {
		c := d.pool.take(key)
		if c == nil {
			break
		}
		if c.alive() {
			c.used = true
			return c, nil
		}
		c.conn.Close()
	}
	raw, err := d.dial(ctx, "tcp", address(u))
	if err != nil {
		return nil, err
	}
	c := &kept{key: key, pool: &d.pool, raw: raw, conn: raw, probe: newProbe(raw)}
	if u.Scheme == "https" {
		secured := tls.Client(raw, &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12})
		ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
		defer cancel()
		if err := secured.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, err
		}
		c.conn = secured
	}
	c.in = bufio.NewReader(&c.header)
	c.header.r = c.conn
	return c, nil
}

// exchange writes c.out, whose header has head bytes, and reads the answer's header, within timeout if that is not 0. The
// connection is given back when the answer's body has been read, and closed after an error.
func (d *direct) exchange(ctx context.Context, c *kept, head int, timeout time.Duration, req *http.Request) (_ Answer, written bool, err error) {
	now := time.Now()
	end, limited := ctx.Deadline()
	if timeout > 0 && (!limited || now.Add(timeout).Before(end)) {
		end, limited = now.Add(timeout), true
	}
	first := now.Add(d.limits.headerTimeout)
	if limited && end.Before(first) {
		first = end
	}
	c.deadline(first, first.Sub(now)/16)
	if !deadline.Only(ctx) {
		c.stop = context.AfterFunc(ctx, func() { _ = c.raw.SetDeadline(time.Unix(1, 0)) })
	}
	n, err := c.conn.Write(c.out)
	written = n >= head
	if err != nil {
		if n == 0 && !errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
			if c.used {
				c.close() // the place is kept: the next connection takes it
				return Answer{}, false, errGone
			}
		}
		c.drop()
		return Answer{}, written, why(ctx, err)
	}
	if req == nil {
		if status, body, ok := c.success(); ok {
			c.settle(false)
			return Answer{Status: status, whole: body}, written, nil
		}
	}
	resp, err := c.answer(req) //nolint:bodyclose // the Answer has it, and Answer.Close closes it
	if err != nil {
		c.drop()
		return Answer{}, written, why(ctx, err)
	}
	switch {
	case resp.Body == http.NoBody || resp.ContentLength == 0:
		c.settle(resp.Close)
	case resp.ContentLength > 0 && resp.ContentLength <= int64(c.in.Buffered()):
		whole := make([]byte, resp.ContentLength)
		_, _ = io.ReadFull(resp.Body, whole) // it is there
		c.settle(resp.Close)
		resp.Body = io.NopCloser(bytes.NewReader(whole))
	default:
		if !limited {
			end = time.Time{}
		}
		if end != first && ctx.Err() == nil {
			c.until = time.Time{}
			_ = c.raw.SetReadDeadline(end)
			if ctx.Err() != nil { // it may have ended between the two lines
				_ = c.raw.SetReadDeadline(time.Unix(1, 0))
			}
		}
		resp.Body = &rest{body: resp.Body, c: c, resp: resp, ctx: ctx}
	}
	return Answer{Status: resp.StatusCode, resp: resp}, written, nil
}

// appendHead writes the request line and the header.
func appendHead(b []byte, u *url.URL, header http.Header, size int) []byte {
	b = append(append(append(b, "POST "...), u.RequestURI()...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, strings.TrimSuffix(u.Host, ":")...), "\r\n"...)
	if _, ok := header["User-Agent"]; !ok {
		b = append(b, "User-Agent: Go-http-client/1.1\r\n"...) // as net/http
	}
	b = append(b, "Content-Length: "...)
	b = append(strconv.AppendInt(b, int64(size), 10), "\r\n"...)
	for name, values := range header {
		for _, v := range values {
			b = append(append(append(append(b, name...), ": "...), v...), "\r\n"...)
		}
	}
	return append(b, "\r\n"...)
}

// answer reads the header of the answer, and skips what only announces one (1xx).
func (c *kept) answer(req *http.Request) (*http.Response, error) {
	c.header.left = maxHeaderBytes
	for range 6 {
		resp, err := http.ReadResponse(c.in, req)
		if err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) && c.header.left <= 0 {
				return nil, errors.New("the header of the answer is too large")
			}
			return nil, err
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return nil, errors.New("the answer changes the protocol")
		}
		if resp.StatusCode >= 200 {
			c.header.left = 1<<63 - 1
			return resp, nil
		}
	}
	return nil, errors.New("too many interim answers")
}

// why is err as the caller's context explains it.
func why(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if end, ok := ctx.Deadline(); ok && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(end) {
		return context.DeadlineExceeded // the connection's clock was faster than the context's
	}
	return err
}

// rest is a body that is still on its way.
type rest struct {
	body io.ReadCloser
	c    *kept
	resp *http.Response
	ctx  context.Context
	err  error // how it ended
}

func (b *rest) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.body.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.err = err
		b.c.settle(b.resp.Close)
	case err != nil:
		err = why(b.ctx, err)
		b.err = err
		b.c.drop()
	}
	return n, err
}

// Close gives up a connection whose answer was not read to its end.
func (b *rest) Close() error {
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
		b.c.drop()
	}
	return nil
}

// limitedHeader is where a connection is read, with a bound while a header is read.
type limitedHeader struct {
	r    io.Reader
	left int64
}

func (l *limitedHeader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}
