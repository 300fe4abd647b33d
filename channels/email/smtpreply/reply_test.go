package smtpreply

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/channels"
)

type wantVerdict struct {
	kind   channels.Kind
	reason string
}

type replyCase struct {
	name  string
	at    Stage
	reply string
	want  wantVerdict
}

func replyCases() []replyCase {
	type want = wantVerdict
	var (
		dead      = want{channels.AddressDead, "hard_bounce"}
		disabled  = want{channels.AddressDead, "mailbox_disabled"}
		policy    = want{channels.Rejected, "policy"}
		full      = want{channels.Rejected, "mailbox_full"}
		large     = want{channels.Rejected, "too_large"}
		slower    = want{channels.Throttled, "domain_rate"}
		grey      = want{channels.Temporary, "greylisted"}
		login     = want{channels.Misconfigured, "login"}
		relay     = want{channels.Misconfigured, "relay_denied"}
		sender    = want{channels.Misconfigured, "sender_rejected"}
		address   = want{channels.Rejected, "address"}
		refused   = want{channels.Rejected, "refused"}
		looping   = want{channels.Rejected, "mail_loop"}
		deferred  = want{channels.Temporary, "deferred"}
		fullNow   = want{channels.Temporary, "mailbox_full"}
		recipient = want{channels.Throttled, "recipient_rate"}
	)
	return []replyCase{
		// No such address.
		{"gmail, no such account", AtRcpt, "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos or\n550 5.1.1 unnecessary spaces. https://support.google.com/mail/?p=NoSuchUser a1-b2.12 - gsmtp", dead},
		{"postfix, unknown in local table", AtRcpt, "550 5.1.1 <anna@shop.example>: Recipient address rejected: User unknown in local recipient table", dead},
		{"exchange, recipient not found", AtRcpt, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", dead},
		{"exchange online, directory based edge blocking", AtRcpt, "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB5EUR01FT010.eop-EUR01.prod.protection.outlook.com]", dead},
		{"hotmail, mailbox unavailable", AtRcpt, "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", dead},
		{"yahoo, no account", AtRcpt, "554 delivery error: dd This user doesn't have a yahoo.com account (anna@yahoo.com) [0] - mta1.mail.yahoo.com", dead},
		{"yahoo, mailbox not found", AtRcpt, "552 1 Requested mail action aborted, mailbox not found", dead},
		{"mail.ru, user not found", AtRcpt, "550 Message was not accepted -- invalid mailbox.  Local mailbox anna@mail.ru is unavailable: user not found", dead},
		{"mail.ru, user terminated", AtRcpt, "550 Message was not accepted -- invalid mailbox.  Local mailbox anna@mail.ru is unavailable: user is terminated", disabled},
		{"mail.ru, account disabled", AtRcpt, "550 Local mailbox anna@mail.ru is unavailable: account is disabled", disabled},
		{"yandex, no such user under 5.7.1", AtRcpt, "550 5.7.1 No such user!", dead},
		{"yandex, no such user", AtRcpt, "550 5.1.1 anna@yandex.ru: Recipient address rejected: No such user", dead},
		{"gmail, account disabled", AtRcpt, "550-5.2.1 The email account that you tried to reach is disabled. Learn more at\n550 5.2.1 https://support.google.com/mail/?p=DisabledUser", disabled},
		{"yahoo, mailbox disabled", AtDot, "554 30 Sorry, your message to anna@yahoo.com cannot be delivered. This mailbox is disabled (554.30).", disabled},
		{"bad destination system", AtRcpt, "550 5.1.2 <anna@nowhere.example>: Recipient address rejected: Domain not found", dead},
		{"bad syntax of the address", AtRcpt, "501 5.1.3 Bad recipient address syntax", dead},
		{"moved without forwarding", AtRcpt, "551 5.1.6 User has moved; no forwarding address", dead},
		{"null MX", AtRcpt, "556 5.1.10 Recipient address has null MX", dead},
		{"RFC 7504, the domain takes no mail", AtRcpt, "556 No mail here", dead},
		{"no enhanced code, user unknown", AtRcpt, "550 unknown user", dead},
		{"exim, unrouteable", AtRcpt, "550 Unrouteable address", dead},
		{"the verdict survives a spammy address", AtRcpt, "550 5.1.1 <spam-policy@blocked.example>: user unknown", dead},
		{"words in an address are not words of the server", AtRcpt, "550 <spam@shop.example>... User unknown", dead},

		{"postfix, no such domain", AtRcpt, "550 5.4.4 Host or domain name not found. Name service error for name=nowhere.example type=A: Host not found", dead},
		{"postfix, null MX", AtRcpt, "550 5.1.0 Domain shop.example does not accept mail (nullMX)", dead},
		{"a name server that did not answer", AtRcpt, "550 Name service error for domain shop.example: Host not found, try again", want{channels.Rejected, "unroutable"}},
		{"exchange online, no such domain", AtRcpt, "550 5.4.310 DNS domain nowhere.example does not exist [Message=InfoDomainNonexistent]", dead},
		{"exchange online hands on what another said", AtRcpt, "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable -> 550 <anna@shop.example>: User unknown", dead},
		{"qmail with chkuser calls a full mailbox 5.1.1", AtRcpt, "550 5.1.1 sorry, mailbox anna@shop.example is over quota temporarily", full},
		{"a limit of ours under 5.1.1", AtRcpt, "550 5.1.1 192.0.2.1 has sent to too many recipients this hour", policy},
		{"gmail, receiving mail at a rate, for good", AtRcpt, "550-5.2.1 The user you are trying to contact is receiving mail at a rate that\n550 5.2.1 prevents additional messages from being delivered.", want{channels.Rejected, "recipient_rate"}},
		{"a locked account", AtRcpt, "550 vdelivermail: account is locked", disabled},
		{"policy under other address status", AtRcpt, "550 5.1.0 192.0.2.1 is not allowed to send from shop.example per its SPF Record", policy},

		// Policy says nothing about the address.
		{"gmail, unsolicited", AtDot, "550-5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail.\n550 5.7.1 https://support.google.com/mail/?p=UnsolicitedMessageError", policy},
		{"gmail, unauthenticated", AtDot, "550-5.7.26 This mail has been blocked because the sender is unauthenticated.", policy},
		{"gmail, dmarc", AtDot, "550-5.7.26 Unauthenticated email from shop.example is not accepted due to domain's DMARC policy.", policy},
		{"outlook, banned address", AtRcpt, "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", policy},
		{"outlook, block list S3150", AtRcpt, "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).", policy},
		{"outlook, authentication level", AtDot, "550 5.7.515 Access denied, sending domain shop.example does not meet the required authentication level", policy},
		{"outlook, restricted group", AtRcpt, "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed because the sender was not authenticated", policy},
		{"not logged in, said at RCPT", AtRcpt, "550 5.7.1 Authentication required", login},
		{"yahoo, policy", AtDot, "554 Message not allowed - [PH01] Email not accepted for policy reasons.", policy},
		{"yahoo, policy with code", AtDot, "554 5.7.9 Message not accepted for policy reasons", policy},
		{"yahoo, blocklist", AtRcpt, "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list", policy},
		{"mail.ru, spam", AtDot, "550 spam message rejected. Please visit http://help.mail.ru/notspam-support/id?c=abc", policy},
		{"yandex, spam", AtDot, "554 5.7.1 Message rejected under suspicion of SPAM; https://ya.cc/1IrBc 1700000000-abc", policy},
		{"dnsbl without code", AtRcpt, "554 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", policy},
		{"old 571", AtRcpt, "571 Delivery not authorized", policy},
		{"policy beats the address", AtRcpt, "550 Blocked as spam, user unknown", policy},

		// The mailbox.
		{"gmail, over quota for good", AtRcpt, "552-5.2.2 The email account that you tried to reach is over quota and inactive.", full},
		{"exchange, full", AtDot, "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded", full},
		{"full, words only", AtRcpt, "550 mailbox is full", full},
		{"gmail, over quota for now", AtRcpt, "452-4.2.2 The email account that you tried to reach is over quota. Please direct\n452 4.2.2 the recipient to https://support.google.com/mail/?p=OverQuotaTemp", fullNow},
		{"storage of the server", AtRcpt, "452 4.3.1 Insufficient system storage", deferred},

		// The message.
		{"too large, by code", AtDot, "552 5.3.4 Message size exceeds fixed limit", large},
		{"too large at MAIL", AtMail, "552 5.3.4 Message size exceeds fixed maximum message size", large},
		{"too large for the mailbox", AtDot, "552 5.2.3 Message length exceeds administrative limit", large},
		{"too large, in words", AtDot, "552 Requested mail action aborted: message too large", large},
		{"too large, bare", AtDot, "552 Requested mail action aborted", large},
		{"full, in the words of RFC 5321", AtDot, "552 Requested mail action aborted: exceeded storage allocation", full},
		{"full, bare, at RCPT", AtRcpt, "552 Requested mail action aborted", full},
		{"yandex, mailbox size limit", AtRcpt, "552 Mailbox size limit exceeded", full},
		{"loop", AtDot, "554 5.4.14 Hop count exceeded - possible mail loop ATTR34", looping},
		{"loop, in words", AtDot, "554 too many hops, this message is looping", looping},
		{"routing loop", AtDot, "554 5.4.6 Too many hops", looping},
		{"content", AtDot, "554 5.6.0 Invalid message content", want{channels.Rejected, "content"}},
		{"no smtputf8 downstream", AtRcpt, "553 5.6.7 SMTPUTF8 is required", want{channels.Rejected, "smtputf8"}},

		// For now.
		{"postgrey", AtRcpt, "450 4.2.0 <anna@shop.example>: Recipient address rejected: Greylisted, see http://postgrey.example/help", grey},
		{"yandex, greylisted", AtRcpt, "451 4.7.1 Sorry, the service is currently unavailable. Please come back later. 17000-abc", grey},
		{"4.7.1", AtRcpt, "450 4.7.1 Client host rejected: cannot find your hostname", grey},
		{"outlook, come back", AtRcpt, "451 4.7.500 Server busy. Please try again later from [192.0.2.1].", grey},
		{"gmail, rate", AtDot, "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address.", slower},
		{"gmail, rate without 421", AtRcpt, "450 4.7.28 Our system has detected an unusual rate of mail", slower},
		{"gmail, recipient too busy", AtRcpt, "450-4.2.1 The user you are trying to contact is receiving mail too quickly.", recipient},
		{"yandex, recipient too busy", AtRcpt, "451 4.5.1 The recipient <anna@yandex.ru> has exceeded their message rate limit. Try again later.", recipient},
		{"outlook, rate limited", AtRcpt, "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.", slower},
		{"yahoo, TSS04", AtRcpt, "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1", slower},
		{"yahoo, TS03", AtRcpt, "421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred", slower},
		{"mail.ru, ratelimit", AtDot, "451 Ratelimit exceeded for sender. Try again later", slower},
		{"421 at RCPT", AtRcpt, "421 Service not available", slower},
		{"421 at MAIL is the relay's own trouble", AtMail, "421 4.3.2 Service shutting down", want{channels.Temporary, "unavailable"}},
		{"unknown domain, for now", AtRcpt, "450 4.1.2 <anna@slow.example>: Recipient address rejected: Domain not found", deferred},
		{"bare 451", AtDot, "451 Local error in processing", deferred},

		// Our fault.
		{"login needed", AtMail, "530 5.7.0 Must issue a STARTTLS command first", login},
		{"exchange, not logged in", AtMail, "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM", login},
		{"wrong password", AtGreeting, "535 5.7.8 Error: authentication failed", login},
		{"mechanism too weak", AtGreeting, "534 5.7.9 Authentication mechanism is too weak", login},
		{"encryption needed", AtGreeting, "538 5.7.11 Encryption required for requested authentication mechanism", login},
		{"login service down", AtGreeting, "454 4.7.0 Temporary authentication failure", want{channels.Temporary, "unavailable"}},
		{"relaying denied", AtRcpt, "550 5.7.1 Relaying denied", relay},
		{"postfix, relay access denied", AtRcpt, "554 5.7.1 <anna@other.example>: Relay access denied", relay},
		{"exchange, unable to relay", AtRcpt, "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", relay},
		{"qmail, rcpthosts", AtRcpt, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", relay},
		{"sender not owned", AtRcpt, "553 5.7.1 <news@shop.example>: Sender address rejected: not owned by user rapport", sender},
		{"sender refused at MAIL", AtMail, "553 Requested action not taken: mailbox name not allowed", sender},
		{"sender domain", AtRcpt, "550 5.1.8 <news@nowhere.example>: Sender address rejected: Domain not found", sender},
		{"bad sender mailbox", AtMail, "501 5.1.7 Bad sender address syntax", sender},
		{"exchange, send as", AtDot, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", sender},
		{"sender refused for good, no reason", AtMail, "550 Denied", sender},
		{"bare 553 at RCPT", AtRcpt, "553 sorry", address},
		{"no route", AtRcpt, "550 5.4.4 Unable to route: no mail hosts for domain", want{channels.Rejected, "unroutable"}},
		{"exim, unrouteable with code", AtRcpt, "550 5.4.4 Unrouteable address", dead},
		{"no yet full, in words", AtRcpt, "452 mailbox full, try again later", fullNow},
		{"4xx without a code, greylisted", AtRcpt, "451 Greylisted for 300 seconds", grey},
		{"bad command, no code", AtData, "502 Not implemented", want{channels.Misconfigured, "protocol"}},
		{"bad sequence", AtData, "503 5.5.1 Bad sequence of commands", want{channels.Misconfigured, "protocol"}},
		{"unknown command", AtMail, "500 5.5.2 Error: bad syntax", want{channels.Misconfigured, "protocol"}},
		{"greeting refuses", AtGreeting, "554 5.7.1 No SMTP service here", want{channels.Misconfigured, "refused_by_server"}},
		{"greeting, too many connections", AtGreeting, "421 4.7.0 Too many connections from your host", want{channels.Throttled, "connections"}},
		{"greeting, not now", AtGreeting, "421 4.3.2 Service not available", want{channels.Temporary, "unavailable"}},

		// Nothing to learn.
		{"bare 550", AtRcpt, "550 No", refused},
		{"bare 554 at the dot", AtDot, "554 Transaction failed", refused},
		{"mailbox unavailable at the dot", AtDot, "550 Requested action not taken: mailbox unavailable", want{channels.Rejected, "mailbox_unavailable"}},
		{"the address is ambiguous", AtRcpt, "553 5.1.4 Mailbox address ambiguous", address},
		{"syntax at RCPT is that address's fault", AtRcpt, "501 Syntax error in parameters", address},
		{"not local", AtRcpt, "551 User not local; please try elsewhere", refused},
		{"a yes out of turn, after the dot", AtDot, "354 Go ahead", want{channels.Ambiguous, "protocol"}},
		{"a yes out of turn, before", AtRcpt, "354 Go ahead", want{channels.Temporary, "protocol"}},
	}
}

func TestReply_Verdicts(t *testing.T) {
	t.Parallel()
	for _, c := range replyCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := said(t, c.reply)
			v := r.Verdict(c.at)
			if got := (wantVerdict{v.Kind, v.Reason}); got != c.want {
				t.Errorf("got %v, want %v (%s)", got, c.want, v)
			}
			if strings.Contains(v.Detail, "anna") {
				t.Errorf("the detail holds an address: %s", v.Detail)
			}
			if v.Kind == channels.Throttled && (v.Scope == "" || v.After < time.Minute) {
				t.Errorf("throttled without scope or patience: %+v", v)
			}
			if v.Reason == "greylisted" && v.After < 5*time.Minute {
				t.Errorf("greylisting asks for five minutes, not %v", v.After)
			}
			if c.at != AtDot && v.Kind == channels.Ambiguous {
				t.Errorf("doubt without the message on the wire")
			}
		})
	}
}

// said reads a reply written as in the cases: every line begins with the code and one more byte.
func said(t *testing.T, reply string) Reply {
	t.Helper()
	code, err := strconv.Atoi(reply[:3])
	if err != nil {
		t.Fatal(err)
	}
	if code < 400 {
		return Reply{Code: code}
	}
	lines := strings.Split(reply, "\n")
	for i, l := range lines {
		lines[i] = l[4:]
	}
	return New(code, strings.Join(lines, "\n"))
}

// A rule that no case reaches stands behind one that takes everything from it, or says nothing we know of.
func TestReply_EveryRuleIsReached(t *testing.T) {
	t.Parallel()
	reached := make([]int, len(rules))
	for _, c := range replyCases() {
		if r := said(t, c.reply); r.Code >= 400 {
			reached[r.rule(c.at)]++
		}
	}
	for i, u := range rules {
		if reached[i] == 0 {
			t.Errorf("rule %d is reached by no case: %+v", i, u)
		}
		for _, s := range u.says {
			if s != strings.ToLower(s) {
				t.Errorf("rule %d can never match %q: it is not in lower case", i, s)
			}
		}
	}
}
