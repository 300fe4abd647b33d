package httpx_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"rapport/internal/fuzzing"
	"rapport/internal/httpx"
)

func TestCheckURL_RefusesEveryHostileAddressWrittenAsOne(t *testing.T) {
	t.Parallel()
	byName := []string{"127.0.0.1.nip.example", "rebind.example"} // only DNS knows about these
	for _, host := range hostileHosts {
		err := httpx.CheckURL("https://"+host+"/hook", httpx.Options{})
		if known := slices.Contains(byName, host); (err == nil) != known {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range numericHosts {
		if httpx.CheckURL("https://"+host+"/", httpx.Options{AllowNetworks: loopback()}) == nil {
			t.Errorf("%s: accepted", host)
		}
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	lan := httpx.Options{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, tt := range []struct {
		name, url string
		o         httpx.Options
		want      string // part of the error; "" means accepted
	}{
		{name: "plain", url: "https://example.com/hook?x=1"},
		{name: "port 8443", url: "https://example.com:8443/"},
		{name: "unicode name", url: "https://пример.рф/hook"},
		{name: "underscore", url: "https://my_hook.example.com/"},
		{name: "trailing dot", url: "https://example.com./"},
		{name: "public IPv4", url: "https://8.8.8.8/"},
		{name: "public IPv6", url: "https://[2606:4700:4700::1111]/"},
		{name: "upper case", url: "HTTPS://EXAMPLE.COM/"},
		{name: "http when allowed", url: "http://example.com/", o: httpx.Options{AllowHTTP: true}},
		{name: "listed literal on any port over http", url: "http://10.1.2.3:9000/", o: lan},
		{name: "name that may lead to a listed network", url: "http://crm:9000/", o: lan},

		{name: "empty", url: "", want: "empty"},
		{name: "too long", url: "https://example.com/" + strings.Repeat("x", 2048), want: "longer than 2048"},
		{name: "no scheme", url: "example.com/hook", want: "https://"},
		{name: "http", url: "http://example.com/", want: "https://"},
		{name: "file", url: "file:///etc/passwd", want: "https://"},
		{name: "javascript", url: "javascript:alert(1)", want: "https://"},
		{name: "opaque", url: "https:example.com", want: "no host name"},
		{name: "no host", url: "https:///hook", want: "no host name"},
		{name: "user", url: "https://user:hunter2@example.com/", want: "user name"},
		{name: "host hidden behind userinfo", url: "https://example.com@127.0.0.1/", want: "user name"},
		{name: "backslash", url: `https://example.com\@127.0.0.1/`, want: "valid URL"},
		{name: "line break", url: "https://example.com/\r\nX: y", want: "valid URL"},
		{name: "space in host", url: "https://exam ple.com/", want: "valid URL"},
		{name: "empty label", url: "https://a..example.com/", want: "invalid host name"},
		{name: "port", url: "https://example.com:22/", want: "port 22 is not allowed; allowed are 443 8443"},
		{name: "port zero", url: "https://example.com:0/", want: "between 1 and 65535"},
		{name: "port too high", url: "https://example.com:70000/", want: "between 1 and 65535"},
		{name: "other private network", url: "https://192.168.0.1/", o: lan, want: "allow_networks"},
		{name: "http to a public literal beside a listed network", url: "http://8.8.8.8/", o: lan, want: "https://"},
		{name: "single label", url: "https://intranet/", want: "not a public name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := httpx.CheckURL(tt.url, tt.o)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the password shows: %v", err)
			}
		})
	}
}

// What CheckURL accepts with an address for a host, it accepts for the address itself.
func FuzzCheckURL(f *testing.F) {
	for _, host := range hostileHosts {
		f.Add("https://" + host + "/")
	}
	for _, url := range []string{"", "://", "https://[::1", "https://example.com:443", "http://%41:80/", "https://a@b@c/", "HTTPS://8.8.8.8"} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		defer fuzzing.Budget(t)()
		if err := httpx.CheckURL(url, httpx.Options{}); err == nil && !strings.HasPrefix(strings.ToLower(url), "https://") {
			t.Errorf("accepted %q", url)
		}
	})
}
