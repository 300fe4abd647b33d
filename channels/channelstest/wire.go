package channelstest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport/channels"
)

// announces: with Caps.Wires, Outgoing.Wire is called before the first byte of a message leaves, and not at all for one
// that never got a connection. After a crash the one proves that nothing was sent, and the other must not cast doubt.
func announces(t *testing.T, h Harness) {
	if !h.Driver.Caps.Wires {
		return // Provider.Send announces for it
	}
	for name, own := range map[string]bool{"on the suite's connections": false, "on the driver's own": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, h)
			var wired atomic.Bool
			o := b.message(0)
			if own {
				b.env.Transport, b.env.Dial = nil, nil
			} else {
				dial := b.env.Dial
				watched := func(ctx context.Context, network, addr string) (net.Conn, error) {
					c, err := dial(ctx, network, addr)
					return &listening{Conn: c, t: t, wired: &wired, words: []string{o.Token, o.To}}, err
				}
				transport := &http.Transport{DialContext: watched}
				t.Cleanup(transport.CloseIdleConnections)
				b.env.Transport, b.env.Dial = transport, watched
			}
			o.Wire = func() {
				time.Sleep(20 * time.Millisecond) // in which a byte that has left would arrive
				if !wired.Load() && len(b.up.Received()) > 0 {
					t.Error("the upstream had the message before the wire was announced")
				}
				wired.Store(true)
			}
			conn := b.open(t, b.up.Settings)
			if _, v := b.send(t, conn, o); v != nil {
				t.Fatal(v)
			}
			if !wired.Load() {
				t.Error("the message was sent and the wire was not announced")
			}
			b.tookOnce(t, 1)

		})
	}
	t.Run("not without a connection", func(t *testing.T) {
		t.Parallel()
		b := start(t, h)
		refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("connection refused") }
		b.env.Transport, b.env.Dial = &http.Transport{DialContext: refuse}, refuse
		o := b.message(0)
		o.Wire = func() { t.Error("the wire was announced although there was no connection") }
		if _, v := b.send(t, b.open(t, b.up.Settings), o); v == nil || v.Kind != channels.Temporary {
			t.Errorf("verdict is %v, want %s", v, channels.Temporary)
		}
	})
}

// listening is a connection that knows what no message may say before it was announced.
type listening struct {
	net.Conn
	t     *testing.T
	wired *atomic.Bool
	words []string
}

func (c *listening) Write(p []byte) (int, error) {
	if !c.wired.Load() {
		for _, w := range c.words {
			if bytes.Contains(p, []byte(w)) || strings.HasPrefix(string(p), "POST ") {
				c.t.Errorf("%q left before the wire was announced", p)
				break
			}
		}
	}
	return c.Conn.Write(p)
}
