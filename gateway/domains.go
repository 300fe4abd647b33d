package gateway

import (
	"context"
	"net"
	"slices"
	"strings"

	"rapport"
	"rapport/internal/maildns"
)

// Domain is one that mail is sent from.
type Domain struct {
	Name      string
	Providers []string // that send from it, by name
	Unsigned  []string // of them, whose mail the relay must sign
	Records   []maildns.Record
}

// Domains lists the domains of the email providers of this process, by name.
func (g *Gateway) Domains() []Domain {
	senders := map[string][]maildns.Sender{}
	for _, p := range g.Hub.All() {
		if s, ok := p.MailSender(); ok {
			senders[s.Domain] = append(senders[s.Domain], s)
		}
	}
	out := make([]Domain, 0, len(senders))
	for name, list := range senders {
		d := Domain{Name: name, Records: maildns.Records(list...)}
		for _, s := range list {
			d.Providers = append(d.Providers, s.Provider)
			if s.DKIMName == "" {
				d.Unsigned = append(d.Unsigned, s.Provider)
			}
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Domain) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// CheckDomain looks the records of a sender domain up in the DNS, now.
func (g *Gateway) CheckDomain(ctx context.Context, name string) (Domain, []maildns.Finding, error) {
	list := g.Domains()
	i := slices.IndexFunc(list, func(d Domain) bool { return d.Name == strings.ToLower(name) })
	if i < 0 {
		return Domain{}, nil, rapport.NotFound("domain")
	}
	var dns maildns.Resolver = net.DefaultResolver
	if g.Resolver != nil {
		dns = g.Resolver
	}
	return list[i], maildns.Check(ctx, dns, list[i].Records), nil
}
