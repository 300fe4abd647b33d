package api

import (
	"context"
	"net/http"
	"time"

	"rapport/gateway"
	"rapport/internal/maildns"
)

// SenderDomain is a domain that mail is sent from.
type SenderDomain struct {
	Domain    string      `json:"domain"`
	Providers []string    `json:"providers" nullable:"false" doc:"That send from it."`
	Unsigned  []string    `json:"unsigned" nullable:"false" doc:"Of them, those without a DKIM key of their own: the relay must sign."`
	Records   []DNSRecord `json:"records" nullable:"false"`
	CheckedAt *time.Time  `json:"checked_at,omitempty" doc:"In the answer of a check."`
}

// DNSRecord is one that a sender domain needs.
type DNSRecord struct {
	Purpose maildns.Purpose `json:"purpose" enum:"spf,dkim,dmarc,mx" doc:"mx: so that answers and bounces come back."`
	Type    string          `json:"type" enum:"TXT,MX"`
	Name    string          `json:"name"`
	Wanted  string          `json:"wanted,omitempty" doc:"As it would be published. Another one may do as well: the check knows. Absent: any will do."`
	Status  maildns.Status  `json:"status,omitempty" enum:"ok,missing,different,unknown" doc:"In the answer of a check. unknown: no name server answered."`
	Found   []string        `json:"found,omitempty" doc:"What is published."`
	FoundAt string          `json:"found_at,omitempty" doc:"Where, when not at name: a DMARC record of the organisation."`
	Says    string          `json:"says,omitempty" doc:"What is wrong."`
	Mend    string          `json:"mend,omitempty" doc:"What to do about it."`
}

func domainView(d gateway.Domain) SenderDomain {
	v := SenderDomain{Domain: d.Name, Providers: append([]string{}, d.Providers...), Unsigned: append([]string{}, d.Unsigned...), Records: []DNSRecord{}}
	for _, r := range d.Records {
		v.Records = append(v.Records, DNSRecord{Purpose: r.Purpose, Type: r.Type, Name: r.Name, Wanted: r.Wanted})
	}
	return v
}

func (d *door) domains() {
	const tag = "Providers"
	handle(d, route{Method: http.MethodGet, Path: "/v1/domains", Scope: "read:providers", Tag: tag, Summary: "Domains that mail is sent from",
		About: "With the DNS records that each needs. They follow from the settings of the email providers."}, d.listDomains)
	handle(d, route{Method: http.MethodPost, Path: "/v1/domains/{domain}/check", Scope: "read:providers", Tag: tag, Summary: "Look a domain's DNS records up", Refuses: []int{404},
		About: "Now, within ten seconds. Says of each record whether it is there as it should be."}, d.checkDomain)
}

func (d *door) listDomains(_ context.Context, in *shortList) (*reply[List[SenderDomain]], error) {
	page, err := excerpt("domains", in.Paging, d.g.Domains(), func(x gateway.Domain) string { return x.Name }, domainView)
	if err != nil {
		return nil, err
	}
	return ok(page)
}

type oneDomain struct {
	Request
	Domain string `path:"domain" maxLength:"253" example:"shop.example"`
}

func (d *door) checkDomain(ctx context.Context, in *oneDomain) (*reply[SenderDomain], error) {
	domain, found, err := d.g.CheckDomain(ctx, in.Domain)
	if err != nil {
		return nil, err
	}
	now := d.st.Now()
	v := domainView(domain)
	v.CheckedAt = &now
	for i, f := range found {
		r := &v.Records[i]
		r.Status, r.Found, r.FoundAt, r.Says, r.Mend = f.Status, f.Found, f.At, f.Says, f.Mend
	}
	return ok(v)
}
