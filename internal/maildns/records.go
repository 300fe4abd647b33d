// Package maildns knows which DNS records a domain needs that mail is sent from, and reads whether they are there: SPF (RFC
// 7208), DKIM (RFC 6376), DMARC (RFC 7489), MX (RFC 5321 §5.1). Gmail and Yahoo refuse bulk mail without the first three:
// https://support.google.com/mail/answer/81126
package maildns

import (
	"slices"
	"strings"
)

// Sender is what one mail account says of the domains that it uses. All are lower case, in their ASCII form.
type Sender struct {
	Provider string
	Domain   string // of From
	Envelope string // of the envelope sender, which SPF is looked up for; "": Domain
	Reply    string // answers come to it; "": they go to Domain's own mailboxes
	SPF      string // the mechanism that allows its relay: "include:amazonses.com", "ip4:192.0.2.1"; "": nobody knows
	Inbound  string // host that takes the mail of Envelope and Reply; "": whoever does (a mailbox that is read)
	DKIMName string // "s1._domainkey.shop.example"; "": the relay signs
	DKIMKey  string // the record's text, "v=DKIM1; k=rsa; p=..."; "": any key will do
}

// Purpose of a record.
type Purpose string

// The purposes, in the order in which they are shown.
const (
	SPF   Purpose = "spf"
	DKIM  Purpose = "dkim"
	DMARC Purpose = "dmarc"
	MX    Purpose = "mx"
)

// Record is one that should be published.
type Record struct {
	Purpose Purpose
	Type    string // TXT, MX
	Name    string
	Wanted  string // as it would be published; an MX without its host: any will do
	// must lists what the record has to say, beside being one of its kind.
	must []string
}

// Records lists what senders of one domain need together, each once.
func Records(senders ...Sender) []Record {
	var out []Record
	add := func(r Record) {
		i := slices.IndexFunc(out, func(x Record) bool {
			return x.Purpose == r.Purpose && x.Name == r.Name && (r.Purpose != DKIM || x.Wanted == r.Wanted)
		})
		if i < 0 {
			out = append(out, r)
			return
		}
		for _, m := range r.must { // one record must allow them all (RFC 7208 §4.5)
			if !slices.Contains(out[i].must, m) {
				out[i].must = append(out[i].must, m)
			}
		}
	}
	for _, s := range senders {
		envelope := s.Envelope
		if envelope == "" {
			envelope = s.Domain
		}
		r := Record{Purpose: SPF, Type: "TXT", Name: envelope}
		if s.SPF != "" {
			r.must = []string{s.SPF}
		}
		add(r)
		if s.DKIMName != "" {
			add(Record{Purpose: DKIM, Type: "TXT", Name: s.DKIMName, Wanted: s.DKIMKey})
		}
		add(Record{Purpose: DMARC, Type: "TXT", Name: "_dmarc." + s.Domain, Wanted: "v=DMARC1; p=none; rua=mailto:dmarc@" + s.Domain})
		for _, d := range []string{s.Envelope, s.Reply} {
			if d == "" {
				continue
			}
			r := Record{Purpose: MX, Type: "MX", Name: d}
			if s.Inbound != "" {
				r.must = []string{s.Inbound}
			}
			add(r)
		}
	}
	for i := range out {
		r := &out[i]
		switch {
		case r.Purpose == SPF && len(r.must) > 0:
			r.Wanted = "v=spf1 " + strings.Join(r.must, " ") + " -all"
		case r.Purpose == SPF:
			r.Wanted = "v=spf1 ip4:<your relay's address> -all"
		case r.Purpose == MX && len(r.must) > 0:
			r.Wanted = "10 " + strings.Join(r.must, ", 10 ")
		}
	}
	slices.SortStableFunc(out, func(a, b Record) int { return order(a.Purpose) - order(b.Purpose) })
	return out
}

func order(p Purpose) int { return slices.Index([]Purpose{SPF, DKIM, DMARC, MX}, p) }
