package httpx

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"rapport/internal/deadline"
)

// Answer is what came back of a [Post].
type Answer struct {
	Status int
	whole  []byte         // the body, of an answer that was there as a whole
	resp   *http.Response // of any other answer
	end    func()         // ends its bound; nil: it has none
}

// Exchange is what a [Post] may take and who is told of it.
type Exchange struct {
	// Timeout bounds the exchange once it has a connection: waiting for one is not the other side's fault, and bounded
	// by the context alone. 0: the context bounds everything.
	Timeout time.Duration
	// Wire is called, by the goroutine that posts, when a connection is there and before the first byte of the request
	// may leave on it; again for another connection. nil: nobody wants to know.
	Wire func()
}

// Header is a field of the answer's header. Of a success it may be "" although the field was there: nobody asks.
func (a *Answer) Header(name string) string {
	if a.resp == nil {
		return ""
	}
	return a.resp.Header.Get(name)
}

// Short tells whether the body is known to have at most n bytes.
func (a *Answer) Short(n int64) bool {
	return a.resp == nil || a.resp.ContentLength >= 0 && a.resp.ContentLength <= n
}

// Body reads the body, of which it takes no more than most bytes; ErrBodyTooLarge comes with what was read.
func (a *Answer) Body(most int64) ([]byte, error) {
	if a.resp == nil {
		return a.whole, nil
	}
	return io.ReadAll(&cappedBody{body: a.resp.Body, left: most})
}

// Close must be called once there is an Answer.
func (a *Answer) Close() {
	if a.resp != nil {
		a.resp.Body.Close()
	}
	if a.end != nil {
		a.end()
	}
}

// Post posts body to u by way of c, bounded by ctx and x and not by c.Timeout. What it says of written is what [Do] says,
// and so are its errors. header is not changed. On its way by net/http, waiting for a connection counts as exchange.
//
// A message is a POST like a thousand others, and its answer says no more than yes: where both are plain they are
// written and read without a Request and a Response of net/http, which cost as much as the system calls.
func Post(ctx context.Context, c *http.Client, u *url.URL, header http.Header, body []byte, x Exchange) (_ Answer, written bool, err error) {
	guard, _ := c.Transport.(*capped)
	if guard != nil {
		if d := guard.direct(u.Scheme); d != nil && plain(u, header, int64(len(body))) {
			a, written, err := d.post(ctx, u, header, body, x, nil)
			if a.resp != nil {
				a.resp.Body = &cappedBody{body: a.resp.Body, left: guard.max}
			}
			return a, written, err
		}
	}
	var end func()
	if x.Timeout > 0 {
		own := deadline.New(ctx, x.Timeout)
		ctx, end = own, own.End
	}
	ctx, wire := Watch(ctx, x.Wire)
	req := &http.Request{Method: http.MethodPost, URL: u, Header: header, ContentLength: int64(len(body))}
	if len(body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := c.Transport.RoundTrip(req.WithContext(ctx)) //nolint:bodyclose // the Answer has it, and Answer.Close closes it
	if err != nil {
		if end != nil {
			end()
		}
		return Answer{}, wire.Written(), err
	}
	return Answer{Status: resp.StatusCode, resp: resp, end: end}, wire.Written(), nil
}

// direct is the transport of plain POSTs by c, if it has one.
func (c *capped) direct(scheme string) *direct {
	switch t := c.roundTripper.(type) {
	case *direct:
		return t
	case *byScheme:
		switch scheme {
		case "https":
			return t.secure
		case "http":
			return t.plain
		}
	}
	return nil
}

// success reads an answer of 2xx that has come as a whole and says nothing about the connection or how its body is
// framed, but its length. When it is not plainly that, nothing of it is read: net/http's parser has the word.
func (c *kept) success() (status int, body []byte, ok bool) {
	c.header.left = maxHeaderBytes
	if _, err := c.in.Peek(1); err != nil {
		return 0, nil, false // which will be found again
	}
	b, _ := c.in.Peek(c.in.Buffered())
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return 0, nil, false
	}
	line, fields, _ := bytes.Cut(b[:end+2], []byte("\r\n"))
	if status = successful(line); status == 0 {
		return 0, nil, false
	}
	length := -1
	for len(fields) > 0 {
		line, fields, _ = bytes.Cut(fields, []byte("\r\n"))
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || !harmless(name, value) {
			return 0, nil, false
		}
		if bytes.EqualFold(name, []byte("Content-Length")) {
			n := decimal(bytes.Trim(value, " \t"))
			if n < 0 || length >= 0 {
				return 0, nil, false
			}
			length = n
		}
	}
	if status == http.StatusNoContent && length < 0 {
		length = 0
	}
	if length < 0 || length > 0 && status == http.StatusNoContent || end+4+length != len(b) {
		return 0, nil, false
	}
	body = bytes.Clone(b[end+4:])
	_, _ = c.in.Discard(len(b))
	return status, body, true
}

// successful is the status of a status line of HTTP/1.1 that says 2xx; 0: it says something else.
func successful(line []byte) int {
	const version = "HTTP/1.1 "
	if len(line) < len(version)+3 || string(line[:len(version)]) != version || len(line) > len(version)+3 && line[len(version)+3] != ' ' || !text(line) {
		return 0
	}
	n := decimal(line[len(version) : len(version)+3])
	if n < 200 || n > 299 || n == http.StatusResetContent {
		return 0
	}
	return n
}

// harmless tells whether a field of the header changes nothing about how the answer is read.
func harmless(name, value []byte) bool {
	for _, c := range name {
		if !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	if len(name) == 0 || !text(value) {
		return false
	}
	for _, other := range [...]string{"Connection", "Transfer-Encoding", "Trailer", "Upgrade"} {
		if len(name) == len(other) && bytes.EqualFold(name, []byte(other)) {
			return false
		}
	}
	return true
}

func text(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// decimal is -1 when b is no number of at most six digits.
func decimal(b []byte) int {
	if len(b) == 0 || len(b) > 6 {
		return -1
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
