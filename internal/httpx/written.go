package httpx

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// Do sends req and says whether the other side can have seen it. After an error, written == false
// means that no complete request header was handed to a connection (refused, unresolved,
// unreachable, TLS failed, no free connection in time), so nothing can have been acted on and a
// retry is safe; true means that the outcome is not known. It errs towards true.
//
// A request is repeated on a fresh connection when an idle one had died and nothing was written. What is no
// small POST (see direct) is repeated by net/http also after a write when it is a GET or has an
// Idempotency-Key header; leave that header off where a second copy would be acted on.
func Do(c *http.Client, req *http.Request) (resp *http.Response, written bool, err error) {
	ctx, wire := Watch(req.Context(), nil)
	req = req.WithContext(ctx)
	if c.Timeout > 0 {
		resp, err = c.Do(req)
	} else { // nothing is left of what http.Client is for: no time-out, redirect or cookie
		resp, err = c.Transport.RoundTrip(req)
	}
	return resp, wire.Written(), err
}

// Wire is what [Watch] has seen of the requests made with its context.
type Wire struct{ written atomic.Bool }

// Written reports what [Do] calls written. It may be called once the request has returned.
func (w *Wire) Written() bool { return w.written.Load() }

// Watch is [Do] for a vendor's SDK, which makes the request itself: hand it the returned context. before, if it is not
// nil, is called when a connection is there and before the first byte of a request may leave on it.
//
// The mark is set when the header was handed to the kernel (small POSTs, see direct) or is complete in
// net/http's buffer, which comes before its last byte reaches the kernel; and a cancelled exchange closes
// its connection before it returns, so that no byte can follow the answer given here.
func Watch(ctx context.Context, before func()) (context.Context, *Wire) {
	wire := new(Wire)
	trace := &httptrace.ClientTrace{WroteHeaders: func() { wire.written.Store(true) }}
	if before != nil {
		trace.GotConn = func(httptrace.GotConnInfo) { before() }
	}
	return httptrace.WithClientTrace(ctx, trace), wire
}
