package httpx

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// ErrRefused says that the guard refused an address before anything was sent to it. It is final:
// the same URL is refused again until the settings or its DNS change.
var ErrRefused = errors.New("address refused")

// Options says what a guarded client may reach and how much it may spend on one answer. The zero
// value is the strict one: https to public addresses on ports 443 and 8443.
type Options struct {
	// AllowNetworks lists networks that may be reached although they are not public, on any port
	// and over plain http too: an operator who lists 10.0.0.0/8 means the services inside it.
	AllowNetworks []netip.Prefix

	// Ports that may be reached on public addresses; nil means 443 and 8443, and also 80 with AllowHTTP.
	Ports []int

	// AllowHTTP permits plain http to public addresses.
	AllowHTTP bool

	Timeout         time.Duration // whole exchange, body included; 0 means 15 s
	HeaderTimeout   time.Duration // from the last byte sent to the last header byte received; 0 means 5 s
	MaxBody         int64         // bytes of an answer's body; 0 means 20 KiB
	MaxConnsPerHost int           // 0 means 100

	// Resolver answers DNS; nil means the system's.
	Resolver *net.Resolver
}

func (o Options) withDefaults() Options {
	if o.Ports == nil {
		o.Ports = []int{443, 8443}
		if o.AllowHTTP {
			o.Ports = append(o.Ports, 80)
		}
	}
	o.Timeout = orDefault(o.Timeout, 15*time.Second)
	o.HeaderTimeout = orDefault(o.HeaderTimeout, 5*time.Second)
	o.MaxBody = orDefault(o.MaxBody, 20<<10)
	o.MaxConnsPerHost = orDefault(o.MaxConnsPerHost, 100)
	return o
}

func orDefault[T int | int64 | time.Duration](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// Guarded returns a client for URLs that strangers chose. It may be used concurrently and should
// be kept: connections are reused, and a reused one was checked when it was dialled.
//
// A refusal matches [ErrRefused]. A 3xx comes back as a response, which the caller counts as
// failure. Reading past MaxBody ends with [ErrBodyTooLarge] after exactly MaxBody bytes.
func Guarded(o Options) *http.Client {
	o = o.withDefaults()
	secure, plain := newTransport(o.limits()), newTransport(o.limits())
	secure.DialContext = o.dialer(false).DialContext
	plain.DialContext = o.dialer(!o.AllowHTTP).DialContext
	return newClient(&byScheme{secure: newDirect(secure, o.limits()), plain: newDirect(plain, o.limits())}, o.Timeout, o.MaxBody)
}

func (o Options) limits() limits {
	return limits{headerTimeout: o.HeaderTimeout, connsPerHost: o.MaxConnsPerHost}
}

// dialer checks every address it is about to connect to. listedOnly refuses even public
// addresses, unless AllowNetworks names them.
func (o Options) dialer(listedOnly bool) *net.Dialer {
	fence := o.fence()
	return &net.Dialer{
		Timeout:  dialTimeout,
		Resolver: o.Resolver,
		Control: func(network, address string, _ syscall.RawConn) error {
			target, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrRefused, err)
			}
			if o.listed(target.Addr()) {
				return nil
			}
			if listedOnly {
				return fmt.Errorf("%w: %s may be reached over https only", ErrRefused, target.Addr())
			}
			return fence.check(target)
		},
	}
}

// fence is what may be reached beyond AllowNetworks.
type fence struct{ guardian *ssrf.Guardian }

func (o Options) fence() fence {
	ports := make([]uint16, 0, len(o.Ports))
	for _, p := range o.Ports {
		if 0 < p && p <= 65535 {
			ports = append(ports, uint16(p))
		}
	}
	return fence{ssrf.New(
		ssrf.WithPorts(ports...),
		// The library refuses every range of IANA's special-purpose registries, and with them all
		// metadata services but one: Azure's host answers on a public address.
		// https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
		ssrf.WithDeniedV4Prefixes(netip.PrefixFrom(netip.AddrFrom4([4]byte{168, 63, 129, 16}), 32)),
	)}
}

// check refuses ports that are not listed and every address that is not public. An IPv4 address
// in IPv6 clothes (::ffff:0:0/96) is judged as the IPv4 address the kernel would connect to.
func (f fence) check(target netip.AddrPort) error {
	target = netip.AddrPortFrom(target.Addr().Unmap(), target.Port())
	if err := f.guardian.SafeAddrPort(target); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil
}

func (o Options) listed(ip netip.Addr) bool {
	ip = ip.Unmap()
	return slices.ContainsFunc(o.AllowNetworks, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// byScheme keeps two transports because a dial does not know its scheme, and plain http has
// stricter rules than https.
type byScheme struct{ secure, plain *direct }

func (t *byScheme) RoundTrip(req *http.Request) (*http.Response, error) {
	switch req.URL.Scheme {
	case "https":
		return t.secure.RoundTrip(req)
	case "http":
		return t.plain.RoundTrip(req)
	}
	if req.Body != nil {
		req.Body.Close()
	}
	return nil, fmt.Errorf("%w: scheme %q is neither https nor http", ErrRefused, req.URL.Scheme)
}

func (t *byScheme) CloseIdleConnections() {
	t.secure.CloseIdleConnections()
	t.plain.CloseIdleConnections()
}
