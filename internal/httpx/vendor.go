package httpx

import (
	"net"
	"net/http"
	"time"
)

// VendorOptions bounds a client for a provider's own API.
type VendorOptions struct {
	Timeout         time.Duration // whole exchange, body included; 0 means 30 s. Long polling needs more
	HeaderTimeout   time.Duration // from the last byte sent to the last header byte received; 0 means Timeout
	MaxBody         int64         // bytes of an answer's body; 0 means 8 MiB
	MaxConnsPerHost int           // 0 means 100
}

// Vendor returns a client for the fixed base URL of a provider (Twilio, Telegram). The URL comes
// from the operator's settings, so its address is not checked; a URL that the provider's answer
// names (a media link) is a stranger's and goes through [Guarded]. It may be used concurrently
// and should be kept: connections stay open between requests.
func Vendor(o VendorOptions) *http.Client {
	o.Timeout = orDefault(o.Timeout, 30*time.Second)
	o.HeaderTimeout = orDefault(o.HeaderTimeout, o.Timeout)
	l := limits{headerTimeout: o.HeaderTimeout, connsPerHost: orDefault(o.MaxConnsPerHost, 100)}
	t := newTransport(l)
	t.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	return newClient(newDirect(t, l), o.Timeout, orDefault(o.MaxBody, 8<<20))
}
