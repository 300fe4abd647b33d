package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport/internal/httpx"
)

// hostileHosts are addresses that must never be connected to, as a stranger may write them.
// PORT is where a listener waits on every address of this machine.
var hostileHosts = []string{
	// this machine
	"127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254", "0.0.0.0", "0.0.0.1", "0.255.255.255",
	"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]",
	// IPv4 in IPv6 clothes
	"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[::ffff:0.0.0.0]", "[::ffff:10.0.0.1]",
	"[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
	// private, shared, link-local
	"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
	"100.64.0.1", "100.127.255.254", "169.254.0.1", "[fe80::1]", "[febf::1]", "[fe80::1%25lo]",
	"[fc00::1]", "[fd12:3456:789a::1]", "[fec0::1]",
	// metadata services
	"169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "[fd00:ec2::254]", "[fd20:ce::254]",
	// translation and tunnels to the above
	"[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::7f00:1]", "[64:ff9b:1:ffff::a9fe:a9fe]",
	"[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2002:0a00:0001::1]",
	"[2001::1]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
	// not for anybody
	"192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "192.88.99.1", "192.0.0.1", "240.0.0.1", "255.255.255.255",
	"224.0.0.1", "239.255.255.250", "[ff02::1]", "[ff0e::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]", "[5f00::1]",
	// names that lead to this machine (the test's DNS answers 127.0.0.1 and ::1 to everything)
	"localhost", "LOCALHOST.", "foo.localhost", "127.0.0.1.nip.example", "rebind.example", "metadata.google.internal",
	"0x7f000001", "0x7f.1", "①②⑦.⓪.⓪.①", "127。0。0。1", "ⓛocalhost",
}

// numericHosts are addresses to a resolver of the C library and nonsense to Go's, which does not
// look them up.
var numericHosts = []string{"2130706433", "0177.0.0.1", "127.1", "127.0.1", "017700000001", "4294967295"}

func TestGuarded_NeverConnectsToHostileAddress(t *testing.T) {
	t.Parallel()
	ln := listen(t, ":0")
	port := ln.port
	client := httpx.Guarded(httpx.Options{
		Ports: []int{port}, AllowHTTP: true, Timeout: 5 * time.Second,
		Resolver: resolverOf(t, func(string) []netip.Addr {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
		}),
	})
	if len(hostileHosts) < 60 {
		t.Fatalf("only %d hosts", len(hostileHosts))
	}
	for _, host := range slices.Concat(hostileHosts, numericHosts) {
		for _, scheme := range []string{"http", "https"} {
			target := fmt.Sprintf("%s://%s:%d/hook", scheme, host, port)
			req, err := http.NewRequest(http.MethodPost, target, strings.NewReader("{}"))
			if err != nil {
				t.Fatalf("%s: %v", target, err) // a case that never reaches the guard proves nothing
			}
			resp, written, err := httpx.Do(client, req)
			if err == nil {
				resp.Body.Close()
				t.Errorf("%s was answered", target)
				continue
			}
			if !errors.Is(err, httpx.ErrRefused) && !slices.Contains(numericHosts, host) {
				t.Errorf("%s: not refused but: %v", target, err)
			}
			if written {
				t.Errorf("%s: reported as written", target)
			}
		}
	}
	if n := ln.seen.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// The listener above proves something only if it would have seen a connection.
func TestGuarded_AllowNetworksLetsLoopbackThroughOnAnyPort(t *testing.T) {
	t.Parallel()
	srv, hits := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	client := httpx.Guarded(httpx.Options{AllowNetworks: loopback()})
	if got, err := get(client, srv); err != nil || got != "ok" {
		t.Fatalf("got %q, %v", got, err)
	}
	if hits.Load() != 1 {
		t.Errorf("%d hits", hits.Load())
	}

	strict := httpx.Guarded(httpx.Options{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	if _, err := get(strict, srv); !errors.Is(err, httpx.ErrRefused) {
		t.Errorf("another network's permission let loopback through: %v", err)
	}
}

func TestGuarded_RefusesAfterDNSRebinding(t *testing.T) {
	t.Parallel()
	// The name first leads to 127.0.0.1, which is allowed, then to 127.0.0.2, which is not and
	// where the very same server would answer.
	srv, hits := serveOn(t, "0.0.0.0:0", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	var rebound atomic.Bool
	client := httpx.Guarded(httpx.Options{
		AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Resolver: resolverOf(t, func(string) []netip.Addr {
			if rebound.Load() {
				return []netip.Addr{netip.MustParseAddr("127.0.0.2")}
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
		}),
	})
	url := strings.Replace(srv, "0.0.0.0", "rebind.example", 1)
	if _, err := get(client, url); err != nil {
		t.Fatal(err)
	}
	rebound.Store(true)
	if _, err := get(client, url); err != nil {
		t.Errorf("the kept-open connection was checked when dialled, and yet: %v", err)
	}
	client.CloseIdleConnections()
	if _, err := get(client, url); !errors.Is(err, httpx.ErrRefused) {
		t.Errorf("after rebinding: %v", err)
	}
	if hits.Load() != 2 {
		t.Errorf("%d requests arrived, want 2", hits.Load())
	}
}

func TestGuarded_PublicAddressNeedsHTTPSAndListedPort(t *testing.T) {
	t.Parallel()
	// The guard stands before the connect: nothing is ever sent to this public address.
	resolver := resolverOf(t, func(string) []netip.Addr { return []netip.Addr{netip.MustParseAddr("8.8.8.8")} })
	for _, tt := range []struct {
		name, url string
		o         httpx.Options
	}{
		{"plain http", "http://public.example/", httpx.Options{}},
		{"plain http on the https port", "http://public.example:443/", httpx.Options{}},
		{"other port", "https://public.example:22/", httpx.Options{}},
		{"other port with http", "http://public.example:6379/", httpx.Options{AllowHTTP: true}},
		{"port left out of the list", "https://public.example/", httpx.Options{Ports: []int{8443}}},
		{"no port at all", "https://public.example/", httpx.Options{Ports: []int{}}},
		{"listed network does not cover it", "http://public.example/", httpx.Options{AllowNetworks: loopback()}},
		{"scheme", "gopher://public.example/", httpx.Options{AllowHTTP: true}},
		{"file", "file:///etc/passwd", httpx.Options{AllowHTTP: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.o.Resolver = resolver
			if _, err := get(httpx.Guarded(tt.o), tt.url); !errors.Is(err, httpx.ErrRefused) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestGuarded_IgnoresProxyFromEnvironment(t *testing.T) {
	proxy := listen(t, "127.0.0.1:0")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, fmt.Sprintf("http://127.0.0.1:%d", proxy.port))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	resolver := resolverOf(t, func(string) []netip.Addr { return nil })
	for _, client := range []*http.Client{
		httpx.Guarded(httpx.Options{AllowNetworks: loopback(), AllowHTTP: true, Resolver: resolver}),
		httpx.Vendor(httpx.VendorOptions{}),
	} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://name.invalid/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			t.Error("answered")
		}
	}
	if proxy.seen.Load() != 0 {
		t.Error("the proxy was asked")
	}
}

type listener struct {
	port int
	seen atomic.Int32
}

// listen counts connections and closes them.
func listen(t *testing.T, addr string) *listener {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	l := &listener{port: ln.Addr().(*net.TCPAddr).Port}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			l.seen.Add(1)
			conn.Close()
		}
	}()
	return l
}

func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}
