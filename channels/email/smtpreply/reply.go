// Package smtpreply judges what a mail server says: the same words mean the same when they refuse a message of ours on
// the wire and when a bounce brings them hours later.
package smtpreply

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport/channels"
)

// Stage is how far a transaction got; it decides what a failure proves.
type Stage int

const (
	AtGreeting Stage = iota
	AtMail
	AtRcpt
	AtData
	AtDot // the whole message was handed to the kernel: only here is there doubt
)

// Reply is a server's answer. Its text has lost personal data (addresses), control characters and the
// enhanced codes in front of its lines.
type Reply struct {
	Code     int
	Enhanced string // RFC 3463, such as "5.1.1"; "" when the server gave none
	Text     string
}

// New reads text as it came, lines parted by \n.
func New(code int, text string) Reply {
	r := Reply{Code: code}
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		enhanced, rest := cutEnhanced(strings.TrimSpace(line))
		if r.Enhanced == "" && enhanced != "" && int(enhanced[0]-'0') == code/100 {
			r.Enhanced = enhanced
		}
		for word := range strings.FieldsFuncSeq(rest, func(c rune) bool { return c <= ' ' || c == 0x7f || c == 0x85 || c == 0x2028 || c == 0x2029 }) {
			if b.Len() >= 400 {
				break
			}
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			if strings.Contains(word, "@") {
				word = "[address]"
			}
			b.WriteString(strings.ToValidUTF8(word[:min(len(word), 200)], "?"))
		}
	}
	r.Text = b.String()
	return r
}

// cutEnhanced splits "5.1.1 text" (RFC 2034 §4).
func cutEnhanced(s string) (enhanced, rest string) {
	word, rest, _ := strings.Cut(s, " ")
	parts := strings.Split(word, ".")
	if len(parts) != 3 || len(word) > 9 || len(parts[0]) != 1 || !strings.ContainsAny(parts[0], "245") {
		return "", s
	}
	for _, p := range parts {
		if n, err := strconv.Atoi(p); err != nil || n < 0 || n > 999 || p[0] == '+' || p[0] == '-' {
			return "", s
		}
	}
	return word, rest
}

// Ends tells whether the connection is of no use after r: the server closes it, or speaks out of turn.
func (r Reply) Ends() bool { return r.Code == 421 || r.Code < 400 }

// Verdict says what a refusal at a stage proves.
func (r Reply) Verdict(at Stage) *channels.Verdict {
	v := r.judge(at)
	v.Code = strconv.Itoa(r.Code)
	if r.Enhanced != "" {
		v.Code += " " + r.Enhanced
	}
	v.Detail = r.Text
	return &v
}

func (r Reply) judge(at Stage) channels.Verdict {
	if r.Code < 400 { // neither yes nor no
		if at == AtDot {
			return channels.Verdict{Kind: channels.Ambiguous, Reason: "protocol"}
		}
		return channels.Verdict{Kind: channels.Temporary, Reason: "protocol"}
	}
	v := rules[r.rule(at)].verdict
	if at == AtRcpt && v.Kind == channels.Misconfigured && (v.Reason == "relay_denied" || v.Reason == "sender_rejected") {
		// Said of one recipient, it may be about that recipient's domain alone: the others must not wait for it.
		v.Scope = channels.ScopeDomain
	}
	return v
}

// rule is the index of the first rule that matches; the last one takes every 5xx, so there is one.
func (r Reply) rule(at Stage) int {
	said := ""
	for word := range strings.FieldsSeq(strings.ToLower(r.Text)) {
		if !strings.Contains(word, "://") { // help pages have names like /notspam
			said += " " + word
		}
	}
	return slices.IndexFunc(rules, func(u rule) bool { return u.matches(r, at, said) })
}

// rule maps replies to a verdict. A field left empty matches all; the first rule that matches decides.
type rule struct {
	at       []Stage
	code     string   // beginning of the code: "5", "421"
	enhanced []string // "5.1.1" exactly; "5.7." any of that kind; "-" none, or nothing said by it (5.0.0)
	says     []string // one of these, in lower case
	verdict  channels.Verdict
}

func (u *rule) matches(r Reply, at Stage, said string) bool {
	if !strings.HasPrefix(strconv.Itoa(r.Code), u.code) {
		return false
	}
	if len(u.at) > 0 && !slices.Contains(u.at, at) {
		return false
	}
	if len(u.enhanced) > 0 && !u.matchesEnhanced(r.Enhanced) {
		return false
	}
	if len(u.says) == 0 {
		return true
	}
	for _, s := range u.says {
		if strings.Contains(said, s) {
			return true
		}
	}
	return false
}

func (u *rule) matchesEnhanced(enhanced string) bool {
	for _, e := range u.enhanced {
		switch {
		case e == "-" && (enhanced == "" || strings.HasSuffix(enhanced, ".0.0") || enhanced == "5.3.0" || enhanced == "5.5.0"):
			return true
		case strings.HasSuffix(e, ".") && strings.HasPrefix(enhanced, e):
			return true
		case e == enhanced && e != "":
			return true
		}
	}
	return false
}

// How long to leave a server alone. Greylisting asks for five minutes at least.
const (
	soon      = 5 * time.Minute
	later     = 15 * time.Minute
	muchLater = time.Hour
)

// rules from the particular to the general. Three principles:
// an address is called dead only where the reply says so, because a suppressed address gets no mail at all;
// what speaks of policy, spam or authentication (5.7.x) says nothing about the address;
// what would be the same for every message (login, relaying, our sender) is Misconfigured, so that one
// mistake of ours does not burn a whole campaign.
//
// RFC 5321 §4.2, RFC 3463, and the replies that large providers document:
// https://support.google.com/a/answer/3726730 (Gmail), https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/
// (Outlook), https://senders.yahooinc.com/smtp-error-codes/ (Yahoo), https://postmaster.mail.ru/ (Mail.ru), https://yandex.com/support/mail/ (Yandex).
var rules = []rule{
	// The login, whenever it is asked for (530, 534, 535, 538), and the connection itself.
	{code: "53", verdict: login},
	{at: []Stage{AtGreeting}, code: "4", says: []string{"too many", "rate", "limit", "throttl"}, verdict: channels.Verdict{Kind: channels.Throttled, Reason: "connections", After: time.Minute, Scope: channels.ScopeProvider}},
	{at: []Stage{AtGreeting}, code: "4", verdict: channels.Verdict{Kind: channels.Temporary, Reason: "unavailable", After: time.Minute}},
	{at: []Stage{AtGreeting}, code: "5", verdict: channels.Verdict{Kind: channels.Misconfigured, Reason: "refused_by_server"}},

	// Our login in other words, our right to relay, our sender.
	{code: "5", enhanced: []string{"-", "5.7.0", "5.7.1"}, says: []string{"authentication required", "auth is required", "must authenticate", "client not authenticated", "client was not authenticated"}, verdict: login},
	{code: "5", says: []string{"relay access denied", "relaying denied", "relay denied", "unable to relay", "relay not permitted", "not permitted to relay", "relaying not allowed", "relay is not allowed", "rcpthosts"},
		verdict: channels.Verdict{Kind: channels.Misconfigured, Reason: "relay_denied"}},
	{code: "5", says: []string{"sender address rejected", "sender rejected", "not owned by user", "send as this sender", "sender not allowed", "sender verify failed", "sender domain must exist", "sender denied"}, verdict: sender},
	{code: "5", enhanced: []string{"5.1.7", "5.1.8"}, verdict: sender},
	{at: []Stage{AtMail}, code: "553", verdict: sender},

	// Too much at once: the whole domain is slowed down, or the one mailbox.
	{code: "4", says: []string{"receiving mail too quickly", "receiving mail at a rate", "exceeded their message rate", "recipient rate"},
		verdict: channels.Verdict{Kind: channels.Throttled, Reason: "recipient_rate", After: later, Scope: channels.ScopeRecipient}},
	{code: "4", enhanced: []string{"4.2.2"}, verdict: full},
	{code: "4", says: []string{"over quota", "overquota", "mailbox full", "mailbox is full", "quota exceeded", "exceeded storage"}, verdict: full},
	{code: "4", enhanced: []string{"4.7.28"}, verdict: slower},
	{code: "4", says: []string{"grey", "gray", "come back later", "deferred recipient"}, verdict: greylisted},
	{code: "4", says: []string{"rate limit", "ratelimit", "rate-limit", "unusual rate", "too many", "throttl", "[ts0", "[tss0", "unexpected volume", "user complaints", "suspicious", "temporarily deferred", "try slower", "unauthenticated"}, verdict: slower},
	{at: []Stage{AtMail}, code: "421", verdict: channels.Verdict{Kind: channels.Temporary, Reason: "unavailable", After: time.Minute}},
	{code: "421", verdict: slower},
	{code: "4", enhanced: []string{"4.7."}, verdict: greylisted},
	{code: "4", verdict: channels.Verdict{Kind: channels.Temporary, Reason: "deferred", After: soon}},

	// Some call every refusal of a recipient 5.1.1: what they say beside it counts.
	{code: "5", enhanced: []string{"5.1.1"}, says: []string{"over quota", "overquota", "quota exceeded", "exceeded quota", "mailbox full", "mailbox is full"}, verdict: overfull},
	{code: "5", enhanced: []string{"5.1.1"}, says: []string{"too many recipients", "blacklisted", "blocklisted"}, verdict: policy},
	{code: "5", says: []string{"host not found, try again"}, verdict: channels.Verdict{Kind: channels.Rejected, Reason: "unroutable"}},
	{code: "5", says: []string{"receiving mail too quickly", "receiving mail at a rate"}, verdict: channels.Verdict{Kind: channels.Rejected, Reason: "recipient_rate"}},

	// The address. Yandex says "no such user" under 5.7.1, Exchange Online says it as "Access denied" under 5.4.1.
	{code: "5", enhanced: []string{"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"}, verdict: dead},
	{code: "550", enhanced: []string{"5.7.1"}, says: []string{" no such user"}, verdict: dead},
	{code: "550", enhanced: []string{"5.4.1"}, says: []string{"recipient address rejected", "recipient addresses rejected"}, verdict: dead},
	{code: "556", verdict: dead}, // RFC 7504: the domain takes no mail

	// The mailbox and the message.
	{code: "5", enhanced: []string{"5.2.2"}, verdict: overfull},
	{code: "5", enhanced: []string{"5.2.3", "5.3.4"}, verdict: tooLarge},
	{code: "5", enhanced: []string{"5.4.6", "5.4.14"}, verdict: loop},
	{code: "5", enhanced: []string{"5.6.7"}, verdict: channels.Verdict{Kind: channels.Rejected, Reason: "smtputf8"}},
	{code: "5", enhanced: []string{"5.6."}, verdict: channels.Verdict{Kind: channels.Rejected, Reason: "content"}},
	{code: "5", enhanced: []string{"5.7."}, verdict: policy},
	{code: "571", verdict: policy},

	// Words, where the code says nothing. Policy before the address: "550 spam: no such user here" proves nothing.
	{code: "5", enhanced: []string{"-", "5.1.0", "5.2.0", "5.2.1", "5.4."}, says: []string{"spam", "unsolicited", "blacklist", "blocklist", "block list", "blocked", "dnsbl", "reputation", "policy", "dmarc", "dkim", "spf ", "banned", "virus", "malware", "ptr record", "ptr resource record", "reverse dns", "not accepted for", "[ph01]", "[bl2"}, verdict: policy},
	{code: "5", enhanced: []string{"-"}, says: []string{"too large", "too big", "message size", "maximum size", "size exceeds", "exceeds size"}, verdict: tooLarge},
	{code: "5", enhanced: []string{"-", "5.2.1"}, says: []string{"over quota", "overquota", "quota exceeded", "mailbox full", "mailbox is full", "exceeded storage", "mailbox size limit"}, verdict: overfull},
	{code: "5", says: []string{"loop", "hop count", "too many hops"}, verdict: loop},
	{code: "5", enhanced: []string{"-", "5.2.1", "5.1.0"}, says: []string{"is disabled", "disabled", "is terminated", "deactivated", "inactive", "discontinued", "account is locked", "mailbox is frozen"}, verdict: channels.Verdict{Kind: channels.AddressDead, Reason: "mailbox_disabled"}},
	{code: "5", enhanced: []string{"-", "5.1.0", "5.1.351", "5.2.1", "5.4.1", "5.4.4", "5.4.310"}, says: []string{"user unknown", "unknown user", "no such user", "no such recipient", "no such mailbox", "no such address",
		"user not found", "mailbox not found", "recipient not found", "address not found", "does not exist", "doesn't exist", "doesn't have a", "no mailbox", "invalid mailbox", "invalid recipient",
		"unknown recipient", "recipient unknown", "unknown local", "unrouteable address", "unroutable address", "not a valid mailbox", "not our customer", "user does not", "account does not", "no account", "user not exist", "no such domain", "invalid domain", "host not found", "host unknown", "unknown host", "domain not found", "domain name not found", "nxdomain", "non-existent domain", "nullmx", "null mx", "indicated no smtp service"}, verdict: dead},
	// Hotmail and many others say just this at RCPT when they know no such user.
	{at: []Stage{AtRcpt}, code: "550", enhanced: []string{"-"}, says: []string{"mailbox unavailable"}, verdict: dead},
	{at: []Stage{AtRcpt}, code: "552", verdict: overfull},
	{code: "552", verdict: tooLarge},
	{code: "550", enhanced: []string{"-", "5.5."}, says: []string{"mailbox unavailable"}, verdict: channels.Verdict{Kind: channels.Rejected, Reason: "mailbox_unavailable"}},
	{code: "5", enhanced: []string{"5.1.", "5.2."}, verdict: channels.Verdict{Kind: channels.Rejected, Reason: "address"}},
	{code: "5", enhanced: []string{"5.4."}, verdict: channels.Verdict{Kind: channels.Rejected, Reason: "unroutable"}},
	// Bad syntax in an address is that address's fault; anywhere else it is ours.
	{at: []Stage{AtRcpt}, code: "50", verdict: channels.Verdict{Kind: channels.Rejected, Reason: "address"}},
	{at: []Stage{AtRcpt}, code: "553", verdict: channels.Verdict{Kind: channels.Rejected, Reason: "address"}},
	{code: "5", enhanced: []string{"5.5."}, verdict: protocol},
	{code: "50", verdict: protocol},
	{at: []Stage{AtMail}, code: "5", verdict: sender},
	{code: "5", verdict: channels.Verdict{Kind: channels.Rejected, Reason: "refused"}},
}

// The verdicts that several rules give.
var (
	login      = channels.Verdict{Kind: channels.Misconfigured, Reason: "login"}
	sender     = channels.Verdict{Kind: channels.Misconfigured, Reason: "sender_rejected"}
	protocol   = channels.Verdict{Kind: channels.Misconfigured, Reason: "protocol"}
	dead       = channels.Verdict{Kind: channels.AddressDead, Reason: "hard_bounce"}
	full       = channels.Verdict{Kind: channels.Temporary, Reason: "mailbox_full", After: muchLater}
	overfull   = channels.Verdict{Kind: channels.Rejected, Reason: "mailbox_full"}
	tooLarge   = channels.Verdict{Kind: channels.Rejected, Reason: "too_large"}
	loop       = channels.Verdict{Kind: channels.Rejected, Reason: "mail_loop"}
	policy     = channels.Verdict{Kind: channels.Rejected, Reason: "policy"}
	slower     = channels.Verdict{Kind: channels.Throttled, Reason: "domain_rate", After: soon, Scope: channels.ScopeDomain}
	greylisted = channels.Verdict{Kind: channels.Temporary, Reason: "greylisted", After: soon}
)
