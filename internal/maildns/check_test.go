package maildns_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/internal/maildns"
	"rapport/internal/maildns/maildnstest"
)

func TestRecords_OfTwoAccountsOfOneDomainAreJoined(t *testing.T) {
	t.Parallel()
	records := maildns.Records(
		maildns.Sender{Provider: "a", Domain: "shop.example", Envelope: "reply.shop.example", Reply: "reply.shop.example", SPF: "include:amazonses.com", Inbound: "in.shop.example", DKIMName: "a._domainkey.shop.example", DKIMKey: "v=DKIM1; k=rsa; p=AAAA"},
		maildns.Sender{Provider: "b", Domain: "shop.example", Envelope: "reply.shop.example", SPF: "ip4:192.0.2.7", DKIMName: "b._domainkey.shop.example"})
	var got []string
	for _, r := range records {
		got = append(got, r.Type+" "+r.Name+" "+r.Wanted)
	}
	want := []string{
		"TXT reply.shop.example v=spf1 include:amazonses.com ip4:192.0.2.7 -all",
		"TXT a._domainkey.shop.example v=DKIM1; k=rsa; p=AAAA",
		"TXT b._domainkey.shop.example ",
		"TXT _dmarc.shop.example v=DMARC1; p=none; rua=mailto:dmarc@shop.example",
		"MX reply.shop.example 10 in.shop.example",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the records are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCheck_SaysWhatTheWorldSees(t *testing.T) {
	t.Parallel()
	long := "v=DKIM1; k=rsa; p=" + strings.Repeat("MIIB", 90)
	s := maildns.Sender{Provider: "mail", Domain: "news.shop.example", Envelope: "reply.shop.example", Reply: "reply.shop.example", SPF: "include:amazonses.com", Inbound: "in.shop.example", DKIMName: "r1._domainkey.shop.example", DKIMKey: long}
	good := maildnstest.Zone{
		"reply.shop.example":         {"google-site-verification=x", "v=spf1 include:amazonses.com -all"},
		"r1._domainkey.shop.example": {strings.Replace(long, "MIIBMIIB", "MIIB MIIB", 1)},
		"_dmarc.shop.example":        {"v=DMARC1; p=none"}, // of the organisation, not of the sub-domain
		"mx reply.shop.example":      {"in.shop.example."},
	}
	for _, c := range []struct {
		name  string
		key   string
		texts []string
		want  string // SPF DKIM DMARC MX
		says  string
	}{
		{"all there", "", nil, "ok ok ok ok", ""},
		{"no SPF", "reply.shop.example", []string{}, "missing ok ok ok", "has no SPF record"},
		{"SPF of another relay", "reply.shop.example", []string{"v=spf1 include:sendgrid.net -all"}, "different ok ok ok", "does not allow include:amazonses.com"},
		{"two SPF records", "reply.shop.example", []string{"v=spf1 include:amazonses.com -all", "V=SPF1 ~all"}, "different ok ok ok", "counts as none"},
		{"SPF for everybody", "reply.shop.example", []string{"v=spf1 include:amazonses.com +ALL"}, "different ok ok ok", "+all"},
		{"no key", "r1._domainkey.shop.example", []string{"hello"}, "ok missing ok ok", "has no key"},
		{"another key", "r1._domainkey.shop.example", []string{"v=DKIM1; p=QUFB"}, "ok different ok ok", "another one"},
		{"a revoked key", "r1._domainkey.shop.example", []string{"v=DKIM1; p= "}, "ok different ok ok", "revoked"},
		{"a hostile record", "r1._domainkey.shop.example", []string{"<script>alert(1)</script>;p=\x00\xff\r\nx"}, "ok different ok ok", "another one"},
		{"no DMARC", "_dmarc.shop.example", []string{}, "ok ok missing ok", "has no record"},
		{"DMARC without a policy", "_dmarc.shop.example", []string{"v=DMARC1; rua=mailto:a@shop.example"}, "ok ok different ok", "no policy"},
		{"no MX", "mx reply.shop.example", []string{}, "ok ok ok missing", "no MX"},
		{"no mail, please", "mx reply.shop.example", []string{"."}, "ok ok ok different", "takes no mail"},
		{"mail goes elsewhere", "mx reply.shop.example", []string{"mx.elsewhere.example."}, "ok ok ok different", "mx.elsewhere.example"},
		{"the name server fails", "_dmarc.shop.example", []string{"broken"}, "ok ok unknown ok", "did not answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			zone := maildnstest.Zone{}
			for k, v := range good {
				zone[k] = v
			}
			if c.key != "" {
				zone[c.key] = c.texts
			}
			var states, says []string
			for _, f := range maildns.Check(t.Context(), maildnstest.Resolver(t, zone), maildns.Records(s)) {
				states, says = append(states, string(f.Status)), append(says, f.Says)
				if f.Status == maildns.OK && len(f.Found) == 0 || f.Status != maildns.OK && f.Mend == "" {
					t.Errorf("%s: %+v", f.Purpose, f)
				}
			}
			if got := strings.Join(states, " "); got != c.want || !strings.Contains(strings.Join(says, "\n"), c.says) {
				t.Errorf("%s, want %s with %q:\n%s", got, c.want, c.says, strings.Join(says, "\n"))
			}
		})
	}
}

func TestCheck_DoesNotWaitForASilentServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	dns := maildnstest.Resolver(t, maildnstest.Zone{"shop.example": {"silent"}, "_dmarc.shop.example": {"silent"}})
	begin := time.Now()
	for _, f := range maildns.Check(ctx, dns, maildns.Records(maildns.Sender{Domain: "shop.example"})) {
		if f.Status != maildns.Unknown {
			t.Errorf("%s: %s", f.Purpose, f.Status)
		}
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
