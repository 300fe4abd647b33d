package report

import (
	"slices"
	"strings"
)

// complaint reads a feedback report (RFC 5965), or the older form of Hotmail's Junk Mail Reporting Program.
func (l *letter) complaint() (Report, bool) {
	s := senderOf(l.root)
	if len(l.feedback) == 0 {
		return l.junk()
	}
	if l.report == "" && s.answered && !s.auto && !s.null {
		return Report{}, false // a person who passes one on
	}
	var all []field
	for _, c := range l.feedback {
		all = append(all, fields(c)...)
	}
	kind := strings.ToLower(first(all, "feedback-type"))
	kind, _, _ = strings.Cut(kind, " ")
	switch kind {
	case "abuse", "fraud", "virus", "opt-out", "opt-out-list", "miscategorized":
	case "not-spam", "auth-failure", "dmarc", "dkim":
		// The person took it back (RFC 6430), or nobody complained at all (RFC 6591).
		return Report{}, false
	case "":
		return Report{}, false
	default:
		kind = "other" // RFC 5965 §3.1: unknown types are to be taken so
	}
	return l.complained(kind, all), true
}

// junk is Hotmail's form: a notice with the mail attached, whose header names the person.
// https://sendersupport.olc.protection.outlook.com/snds/JMRP.aspx
func (l *letter) junk() (Report, bool) {
	for _, r := range l.returned {
		h := header(r)
		if first(h, "x-hmxmroriginalrecipient") == "" {
			continue
		}
		from := strings.ToLower(address(l.root.Header.Get("From")))
		local, domain, _ := cutLast(from, "@")
		if local == "staff" && slices.Contains([]string{"hotmail.com", "outlook.com", "live.com", "msn.com"}, domain) {
			return l.complained("abuse", nil), true
		}
	}
	return Report{}, false
}

func (l *letter) complained(kind string, all []field) Report {
	r := Report{Kind: Complained, FeedbackType: kind}
	var who recipients
	for _, f := range all {
		if f.name == "original-rcpt-to" || f.name == "removal-recipient" || f.name == "original-recipient" || f.name == "final-recipient" {
			if a := typed(f.value); a != "" {
				who.add(Bounce{Recipient: a, Reason: "complaint"})
			}
		}
	}
	for _, c := range l.returned {
		if a := address(first(header(c), "x-hmxmroriginalrecipient")); a != "" && len(who.list) == 0 {
			who.add(Bounce{Recipient: a, Reason: "complaint"})
		}
	}
	if a := l.wroteTo(); a != "" && len(who.list) == 0 {
		who.add(Bounce{Recipient: a, Reason: "complaint"})
	}
	if len(who.list) == 0 { // it hides the person, or forgot: the token and the Message-ID still know
		who.add(Bounce{Reason: "complaint"})
	}
	r.Bounces, r.More = who.list, who.more
	return r
}
