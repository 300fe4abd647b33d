package maildns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// Status of a record as the world sees it.
type Status string

// Unknown: no name server answered.
const (
	OK        Status = "ok"
	Missing   Status = "missing"
	Different Status = "different"
	Unknown   Status = "unknown"
)

// Finding is what a look at the DNS found of one record.
type Finding struct {
	Record
	Status Status
	Found  []string // records of this kind, at most ten of at most 1,000 bytes
	At     string   // where they were found, when not at Name: DMARC of the organisation
	Says   string   // what is wrong, in a sentence for people; "" when it is ok
	Mend   string   // what to do about it
}

// Resolver looks into the DNS. *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
}

// lookFor is how long one record may take.
const lookFor = 10 * time.Second

// Check looks every record up, side by side.
func Check(ctx context.Context, dns Resolver, records []Record) []Finding {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	out := make([]Finding, len(records))
	done := make(chan struct{})
	places := make(chan struct{}, 8) // name servers answer many at once, and limit who asks too much
	for i, r := range records {
		go func() {
			places <- struct{}{}
			out[i] = check(ctx, dns, r)
			<-places
			done <- struct{}{}
		}()
	}
	for range records {
		<-done
	}
	return out
}

func check(ctx context.Context, dns Resolver, r Record) Finding {
	f := Finding{Record: r, Status: OK}
	var err error
	switch r.Purpose {
	case SPF:
		err = f.spf(ctx, dns)
	case DKIM:
		err = f.dkim(ctx, dns)
	case DMARC:
		err = f.dmarc(ctx, dns)
	case MX:
		err = f.mx(ctx, dns)
	}
	if err != nil {
		return Finding{Record: r, Status: Unknown, Says: "The name servers did not answer: " + reason(err), Mend: "try again; if it stays so, the resolver of this machine does not answer"}
	}
	if len(f.Found) > 10 {
		f.Found = f.Found[:10]
	}
	for i, text := range f.Found {
		if len(text) > 1000 {
			text = text[:1000]
		}
		f.Found[i] = strings.ToValidUTF8(text, "")
	}
	return f
}

func (f *Finding) is(s Status, mend, format string, args ...any) {
	f.Status, f.Mend, f.Says = s, mend, fmt.Sprintf(format, args...)
}

func (f *Finding) spf(ctx context.Context, dns Resolver) (err error) {
	if f.Found, err = texts(ctx, dns, f.Name, "v=spf1"); err != nil {
		return err
	}
	publish := fmt.Sprintf("publish at %s TXT %q, or your provider's include", f.Name, f.Wanted)
	switch {
	case len(f.Found) == 0:
		f.is(Missing, publish, "%s has no SPF record.", f.Name)
		return nil
	case len(f.Found) > 1:
		f.is(Different, "join them into one", "%s has %d SPF records, which counts as none (RFC 7208 §4.5).", f.Name, len(f.Found))
		return nil
	}
	terms := strings.Fields(strings.ToLower(f.Found[0]))
	if slices.Contains(terms, "+all") || slices.Contains(terms, "all") {
		f.is(Different, "end it with -all or ~all", "The record of %s lets everybody send (+all).", f.Name)
		return nil
	}
	for _, m := range f.must {
		if !slices.ContainsFunc(terms, func(t string) bool { return strings.TrimPrefix(t, "+") == strings.ToLower(m) }) {
			f.is(Different, "add "+m+" to it", "The record of %s does not allow %s.", f.Name, m)
			return nil
		}
	}
	return nil
}

func (f *Finding) dkim(ctx context.Context, dns Resolver) error {
	all, err := texts(ctx, dns, f.Name, "")
	if err != nil {
		return err
	}
	for _, t := range all {
		if _, ok := tag(t, "p"); ok {
			f.Found = append(f.Found, t)
		}
	}
	mend := `publish the public key there: TXT "` + f.Wanted + `"`
	if f.Wanted == "" {
		mend = `publish the public key there: TXT "v=DKIM1; k=rsa; p=..."`
	}
	if len(f.Found) == 0 {
		f.is(Missing, mend, "%s has no key.", f.Name)
		return nil
	}
	if len(f.Found) > 1 {
		f.is(Different, "keep one; a new key needs a selector of its own", "%s has %d keys; receivers take any of them (RFC 6376 §3.6.2.2).", f.Name, len(f.Found))
		return nil
	}
	want, _ := tag(f.Wanted, "p")
	switch found, _ := tag(f.Found[0], "p"); {
	case found == "":
		f.is(Different, "publish the public key, or use another selector", "The key at %s is revoked (empty p=).", f.Name)
	case want != "" && found != want:
		f.is(Different, mend, "The key at %s is another one than mail is signed with.", f.Name)
	}
	return nil
}

// dmarc looks at the domain itself and then upwards, as receivers do (they stop at the organisation's domain, which takes a
// list to know; a record found above it would be a mistake of others).
func (f *Finding) dmarc(ctx context.Context, dns Resolver) error {
	domain := strings.TrimPrefix(f.Name, "_dmarc.")
	for d, n := domain, 0; strings.Contains(d, ".") && n < 8; _, d, _ = strings.Cut(d, ".") {
		found, err := texts(ctx, dns, "_dmarc."+d, "v=dmarc1")
		if err != nil {
			return err
		}
		n++
		if len(found) == 0 {
			continue
		}
		if f.Found = found; d != domain {
			f.At = "_dmarc." + d
		}
		switch policy, ok := tag(found[0], "p"); {
		case len(found) > 1:
			f.is(Different, "keep one", "_dmarc.%s has %d records, which counts as none.", d, len(found))
		case !ok || !slices.Contains([]string{"none", "quarantine", "reject"}, strings.ToLower(policy)):
			f.is(Different, "say p=none, p=quarantine or p=reject", "The record at _dmarc.%s has no policy.", d)
		}
		return nil
	}
	f.is(Missing, fmt.Sprintf("publish at %s TXT %q", f.Name, f.Wanted), "%s has no record.", f.Name)
	return nil
}

func (f *Finding) mx(ctx context.Context, dns Resolver) error {
	found, err := dns.LookupMX(ctx, f.Name)
	if err != nil && !absent(err) && len(found) == 0 {
		return err
	}
	var hosts []string
	for _, m := range found {
		host := strings.ToLower(strings.TrimSuffix(m.Host, "."))
		hosts = append(hosts, host)
		f.Found = append(f.Found, fmt.Sprintf("%d %s", m.Pref, host))
	}
	switch {
	case len(hosts) == 0:
		f.is(Missing, "publish an MX record that leads to the server that takes its mail", "%s has no MX record: answers and bounces do not come back.", f.Name)
	case slices.Contains(hosts, ""):
		f.is(Different, "publish an MX record that leads to the server that takes its mail", "%s says that it takes no mail (RFC 7505).", f.Name)
	default:
		for _, m := range f.must {
			if !slices.Contains(hosts, strings.ToLower(m)) {
				f.is(Different, "let its MX lead to "+m+", or forward its mail there", "The mail of %s goes to %s, not to %s.", f.Name, strings.Join(hosts, ", "), m)
			}
		}
	}
	return nil
}

// texts lists the TXT records of name that begin so, whatever the case. A name that has none is no error.
func texts(ctx context.Context, dns Resolver, name, begin string) (found []string, err error) {
	records, err := dns.LookupTXT(ctx, name)
	if err != nil && !absent(err) {
		return nil, err
	}
	for _, r := range records {
		if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r)), begin) {
			found = append(found, strings.TrimSpace(r))
		}
	}
	return found, nil
}

func absent(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

// reason leaves the address of the name server out.
func reason(err error) string {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e.Err
	}
	return err.Error()
}

// tag reads one of a list "v=DKIM1; p=..." (RFC 6376 §3.2). White space inside a value says nothing.
func tag(list, name string) (string, bool) {
	for t := range strings.SplitSeq(list, ";") {
		if n, value, ok := strings.Cut(t, "="); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.Join(strings.Fields(value), ""), true
		}
	}
	return "", false
}
