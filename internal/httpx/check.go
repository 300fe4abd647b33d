package httpx

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// maxURLLength is what every browser and proxy still carries.
const maxURLLength = 2048

// CheckURL tells a person at save time what [Guarded] would refuse later, as far as it can be
// seen without DNS; the check at dial time remains the one that counts. The error's text is for
// people and does not repeat the URL.
func CheckURL(raw string, o Options) error {
	o = o.withDefaults()
	if raw == "" {
		return errors.New("the URL is empty")
	}
	if len(raw) > maxURLLength {
		return fmt.Errorf("the URL is longer than %d characters", maxURLLength)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("this is not a valid URL")
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("the URL must begin with https://")
	}
	if u.User != nil {
		return errors.New("the URL must not carry a user name or password")
	}
	host, err := plainHost(u.Hostname())
	if err != nil {
		return err
	}
	port, err := portOf(u)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return o.checkName(host, u.Scheme, port)
	}
	return o.checkLiteral(ip, u.Scheme, port)
}

// plainHost writes a host as net/http will dial it: ①②⑦.⓪.⓪.① becomes 127.0.0.1.
func plainHost(host string) (string, error) {
	if strings.Contains(host, ":") { // an IPv6 literal, whose brackets url.Hostname has removed
		return host, nil
	}
	if !isASCII(host) {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return "", errors.New("the URL has an invalid host name")
		}
		host = ascii
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "" {
		return "", errors.New("the URL has no host name")
	}
	// The underscore is no letter of a host name, but it is found in the wild and resolves.
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || strings.Contains(host, "..") || host[0] == '.' {
		return "", errors.New("the URL has an invalid host name")
	}
	return host, nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

func portOf(u *url.URL) (int, error) {
	if u.Port() == "" {
		return map[string]int{"https": 443, "http": 80}[u.Scheme], nil
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil || port < 1 || port > 65535 {
		return 0, errors.New("the URL's port is not between 1 and 65535")
	}
	return port, nil
}

// checkLiteral decides for an address what the dial would decide.
func (o Options) checkLiteral(ip netip.Addr, scheme string, port int) error {
	if o.listed(ip) {
		return nil
	}
	if err := o.checkPublic(scheme, port); err != nil {
		return err
	}
	if o.fence().check(netip.AddrPortFrom(ip, uint16(port))) != nil {
		return errors.New("the URL's address is not a public one; private networks must be listed in allow_networks")
	}
	return nil
}

// checkName refuses names that cannot be public. Where networks are listed, a name may lead
// there, on any port and over http, and only the dial can tell.
func (o Options) checkName(host, scheme string, port int) error {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if isNumber(last) {
		// 127.1, 0x7f000001 and 2130706433 are names to Go but addresses to some resolvers.
		return errors.New("the URL's host is a number; write an address as four decimal numbers")
	}
	if len(o.AllowNetworks) > 0 {
		return nil
	}
	if !strings.Contains(host, ".") || slices.Contains([]string{"localhost", "local", "internal", "arpa"}, last) {
		return errors.New("the URL's host is not a public name; private networks must be listed in allow_networks")
	}
	return o.checkPublic(scheme, port)
}

func (o Options) checkPublic(scheme string, port int) error {
	if scheme == "http" && !o.AllowHTTP {
		return errors.New("the URL must begin with https://")
	}
	if !slices.Contains(o.Ports, port) {
		return fmt.Errorf("the URL's port %d is not allowed; allowed are %s", port, strings.Trim(fmt.Sprint(o.Ports), "[]"))
	}
	return nil
}

// isNumber is the test of the URL standard: https://url.spec.whatwg.org/#ends-in-a-number-checker
func isNumber(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}
