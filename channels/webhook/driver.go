// Package webhook sends messages as signed HTTP requests (Standard Webhooks) to the URL that a customer
// is reached at, and takes the customer's signed replies.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
package webhook

import (
	"net/http"
	"net/netip"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/internal/httpx"
)

const timeout = 15 * time.Second

// Driver serves the channel webhook.
var Driver = channels.Driver{
	Name:     "webhook",
	Channels: []rapport.Channel{rapport.Webhook},
	Caps: channels.Caps{
		Idempotent: true, // by webhook-id, which is fixed for all attempts
		Timeout:    timeout,
		Wires:      true,
	},
	Settings: []channels.Setting{
		{Key: "secret", Help: "whsec_ and 24 to 64 bytes of base64; a list while a secret is being replaced (the first is the new one)", Required: true, Secret: true},
		{Key: "allow_networks", Kind: channels.KindList, Help: "networks (CIDR) that may be reached although they are private, on any port and without TLS"},
		{Key: "timeout", Kind: channels.KindDuration, Help: "for one request, from the connection to the answer", Default: "15s"},
		{Key: "connections", Kind: channels.KindNumber, Help: "kept open to one host at most", Default: "32"},
	},
	Open: open,
}

type conn struct {
	env     channels.Env
	client  *http.Client
	keys    []key
	timeout time.Duration
}

func open(s channels.Settings, env channels.Env) (channels.Conn, error) {
	r := s.Read()
	c := &conn{env: env}
	for _, secret := range r.Strings("secret") {
		k, err := parseKey(secret)
		if err != nil {
			r.Fail("secret", "%v", err)
			break
		}
		c.keys = append(c.keys, k)
	}
	if !r.Has("secret") {
		r.Fail("secret", "is required")
	}
	var networks []netip.Prefix
	for _, cidr := range r.Strings("allow_networks") {
		p, err := netip.ParsePrefix(cidr)
		if err != nil {
			r.Fail("allow_networks", "%.60q is not a network such as 10.0.0.0/8", cidr)
			continue
		}
		networks = append(networks, p)
	}
	c.timeout = r.Duration("timeout", timeout)
	if c.timeout < 100*time.Millisecond || c.timeout > 5*time.Minute {
		r.Fail("timeout", "must be from 100ms to 5m")
	}
	connections := r.Int("connections", 32, 1, 1000)
	if err := r.Err(); err != nil {
		return nil, err
	}
	c.client = httpx.Guarded(httpx.Options{AllowNetworks: networks, HeaderTimeout: c.timeout, MaxConnsPerHost: connections})
	c.client.Timeout = 0 // Send's context bounds the exchange, which saves the client's own timer and goroutine
	if env.Transport != nil {
		c.client.Transport = env.Transport
	}
	return c, nil
}

// Close drops idle connections; a Send that runs keeps its own until it ends.
func (c *conn) Close() error {
	c.client.CloseIdleConnections()
	return nil
}
