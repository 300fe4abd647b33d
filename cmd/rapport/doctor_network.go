package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rapport/channels"
	"rapport/config"
)

// absent tells whether the SQLite database is still to be made, and whether it could be.
func absent(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, "rapport.db"))
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	// The nearest directory that exists must let us in.
	for at, _ := filepath.Abs(dir); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err == nil && !info.IsDir() {
			return false, fmt.Errorf("%s is not a directory", at)
		}
		if err == nil {
			probe, err := os.CreateTemp(at, ".rapport-doctor-*")
			if err != nil {
				return false, err
			}
			return true, errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
		if at == filepath.Dir(at) {
			return false, err
		}
	}
}

// examinePublicURL visits the server as its customers and providers will.
func examinePublicURL(ctx context.Context, cfg *config.Config) []finding {
	if cfg.PublicURL == "" {
		return []finding{{doubtful, "public_url", "is empty: links and callbacks say " + cfg.PublicBase(), "set it to the https address under which the world reaches this server; without it nobody can unsubscribe by a link"}}
	}
	var out []finding
	if !strings.HasPrefix(cfg.PublicURL, "https://") {
		out = append(out, finding{doubtful, "public_url", "is plain http", "put a reverse proxy with TLS before the server: mail programs show one-click unsubscribe for https only"})
	}
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := alive(limited, cfg.PublicBase()+"/healthz")
	if err == nil {
		return append(out, finding{fine, "public_url", cfg.PublicBase() + " answers", ""})
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return append(out, finding{doubtful, "public_url", "/healthz does not answer: " + err.Error(), "start the server, then see DNS, certificate and the reverse proxy; from inside a network it may be right all the same"})
}

// sender is a domain that mail is sent from.
type sender struct {
	provider string
	domain   string // of from
	envelope string // of the envelope sender: what SPF is looked up for
	dkim     string // selector._domainkey.domain; empty: the relay signs
}

func senders(entries []channels.Entry) []sender {
	var out []sender
	for _, e := range entries {
		if e.Driver != "email" {
			continue
		}
		r := e.Settings.Read()
		read := func(key, fallback string) string {
			value, _ := config.ResolveSecret(r.String(key, fallback)) // one that cannot be read is a mistake of the configuration, and said there
			return value
		}
		from, err := mail.ParseAddress(read("from", ""))
		if err != nil {
			continue
		}
		_, domain, _ := strings.Cut(from.Address, "@")
		s := sender{provider: e.Name, domain: domain, envelope: read("envelope_domain", read("reply_domain", domain))}
		if d, selector := read("dkim.domain", ""), read("dkim.selector", ""); d != "" && selector != "" {
			s.dkim = selector + "._domainkey." + d
		}
		out = append(out, s)
	}
	return out
}

// texts finds TXT records; a name that has none is no error.
type texts interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

type resolver struct{}

func (resolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	records, err := net.DefaultResolver.LookupTXT(ctx, name)
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return nil, nil
	}
	return records, err
}

// examineSender reads what receivers will read about the sender: SPF (RFC 7208), DKIM (RFC 6376), DMARC
// (RFC 7489). Gmail and Yahoo refuse bulk mail without them: https://support.google.com/mail/answer/81126
func examineSender(ctx context.Context, dns texts, s sender) []finding {
	limited, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	var out []finding
	say := func(g grade, what, found, mend string) {
		out = append(out, finding{g, what + " of " + s.provider, found, mend})
	}
	beginning := func(name, begin string) (found []string, err error) {
		records, err := dns.LookupTXT(limited, name)
		for _, r := range records {
			if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r)), begin) {
				found = append(found, r)
			}
		}
		return found, err
	}
	const noDNS = "the resolver of this machine does not answer; try again, or look with dig TXT"

	switch spf, err := beginning(s.envelope, "v=spf1"); {
	case err != nil:
		say(doubtful, "SPF", err.Error(), noDNS)
	case len(spf) == 0:
		say(wrong, "SPF", s.envelope+" has no record", fmt.Sprintf(`publish at %s TXT "v=spf1 ip4:<your relay's address> -all", or your provider's include`, s.envelope))
	case len(spf) > 1:
		say(wrong, "SPF", fmt.Sprintf("%s has %d records, which counts as none (RFC 7208 §4.5)", s.envelope, len(spf)), "join them into one")
	case strings.Contains(spf[0], "+all"):
		say(wrong, "SPF", "the record of "+s.envelope+" lets everybody send (+all)", "end it with -all or ~all")
	default:
		say(fine, "SPF", s.envelope+": "+spf[0], "")
	}

	if s.dkim == "" {
		say(doubtful, "DKIM", "Rapport does not sign; the relay must", "set settings.dkim, or see that the relay signs as "+s.domain+" and covers List-Unsubscribe")
	} else {
		records, err := dns.LookupTXT(limited, s.dkim)
		key := slices.IndexFunc(records, func(r string) bool { return strings.Contains(r, "p=") })
		switch {
		case err != nil:
			say(doubtful, "DKIM", err.Error(), noDNS)
		case key < 0:
			say(wrong, "DKIM", s.dkim+" has no key", `publish the public key there: TXT "v=DKIM1; k=rsa; p=..." (docs/channels/email.md tells how to make it)`)
		case revoked(records[key]):
			say(wrong, "DKIM", "the key at "+s.dkim+" is revoked (empty p=)", "publish the public key, or use another selector")
		default:
			say(fine, "DKIM", "a key is published at "+s.dkim, "")
		}
	}

	dmarc, at, err := findDMARC(beginning, s.domain)
	switch {
	case err != nil:
		say(doubtful, "DMARC", err.Error(), noDNS)
	case len(dmarc) == 0:
		say(wrong, "DMARC", at+" has no record", fmt.Sprintf(`publish at %s TXT "v=DMARC1; p=none; rua=mailto:dmarc@%s"`, at, s.domain))
	case len(dmarc) > 1:
		say(wrong, "DMARC", fmt.Sprintf("%s has %d records, which counts as none", at, len(dmarc)), "keep one")
	default:
		say(fine, "DMARC", at+": "+dmarc[0], "")
	}
	return out
}

func revoked(key string) bool {
	for tag := range strings.SplitSeq(key, ";") {
		if name, value, _ := strings.Cut(tag, "="); strings.TrimSpace(name) == "p" {
			return strings.TrimSpace(value) == ""
		}
	}
	return true
}

// findDMARC looks at the domain itself and then upwards, as receivers do (they stop at the organisation's
// domain, which takes a list to know; a record found above it would be a mistake of others).
func findDMARC(beginning func(name, begin string) ([]string, error), domain string) (found []string, at string, err error) {
	at = "_dmarc." + domain
	for d := domain; strings.Contains(d, "."); _, d, _ = strings.Cut(d, ".") {
		found, err = beginning("_dmarc."+d, "v=dmarc1")
		if err != nil || len(found) > 0 {
			return found, "_dmarc." + d, err
		}
	}
	return nil, at, nil
}
