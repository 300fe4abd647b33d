// Package email sends messages over SMTP (RFC 5321) through one relay, over connections that are kept open.
//
// The message is rendered to bytes once, signed as those bytes (DKIM), and handed over in a pipelined
// dialogue (RFC 2920). Which of the two sides holds the message is known at each step: only the wait for
// the reply to the final dot leaves doubt.
package email

import (
	"net/mail"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
)

const maxAttachments = 25 << 20 // bytes a message, before base64 adds a third

// Driver serves the channel email.
var Driver = channels.Driver{
	Name:     "email",
	Channels: []rapport.Channel{rapport.Email},
	Caps: channels.Caps{
		Files: map[rapport.Channel]channels.FileLimit{rapport.Email: {Bytes: maxAttachments}},
		// A server may take ten minutes to answer the final dot (RFC 5321 §4.5.3.2.6); giving up earlier
		// makes doubt where there was only patience missing. The other phases have two minutes together.
		Timeout: 12 * time.Minute,
		Phases:  true, Wires: true,
	},
	Settings: []channels.Setting{
		{Key: "host", Help: "the mail relay's name or address", Required: true},
		{Key: "port", Kind: channels.KindNumber, Help: "its port; without it 587 for starttls, 465 for implicit, 25 for none"},
		{Key: "tls", Kind: channels.KindChoice, Choices: []string{"none", "starttls", "implicit"}, Help: "starttls, implicit or none; the first two never fall back to clear text", Default: "starttls"},
		{Key: "tls_server_name", Help: "the name that the relay's certificate must carry; without it host"},
		{Key: "tls_ca_file", Help: "PEM file of the authorities to trust instead of the system's, for a relay with a private certificate"},
		{Key: "username", Help: "login at the relay; empty: none"},
		{Key: "password", Help: "of that login; never sent in clear text, except to this very machine", Secret: true},
		{Key: "helo", Help: "the name by which we introduce ourselves (EHLO); without it this machine's"},
		{Key: "from", Help: "sender as people see it, such as Shop <news@shop.example>", Required: true},
		{Key: "reply_domain", Help: "domain of reply+<token>@ and bounce+<token>@; its mail must come back to Rapport. Empty: answers go to from"},
		{Key: "envelope_domain", Help: "domain of the envelope sender bounce+<token>@; without it reply_domain"},
		{Key: "domain_rate", Kind: channels.KindNumber, Help: "messages a second to any one recipient domain, over all processes; 0: no limit of its own", Default: "0"},
		{Key: "connections", Kind: channels.KindNumber, Help: "open to the relay at most", Default: "10"},
		{Key: "timeout", Kind: channels.KindDuration, Help: "for the connection with TLS and login, and for each other step", Default: "30s"},
		{Key: "dot_timeout", Kind: channels.KindDuration, Help: "for the answer to a whole message; at most 10m", Default: "10m"},
		{Key: "idle_timeout", Kind: channels.KindDuration, Help: "after which an unused connection is closed", Default: "1m"},
		{Key: "dkim.domain", Help: "signing domain (d=), the same organisation's as from. Empty: the relay signs"},
		{Key: "dkim.selector", Help: "signing selector (s=): the key is published at <selector>._domainkey.<domain>"},
		{Key: "dkim.key_file", Help: "PEM file of the private key, RSA (2048 bits are customary) or Ed25519"},
		{Key: "dkim.key", Help: "the private key itself, instead of key_file", Secret: true},
		{Key: "inbound.addresses", Kind: channels.KindList, Help: "mailboxes of ours that answers come to, beside those of reply_domain: support@shop.example"},
		{Key: "inbound.authserv_id", Help: "name of the server whose Authentication-Results (SPF, DKIM, DMARC) are believed"},
		{Key: "inbound.max_size", Kind: channels.KindNumber, Help: "bytes of a mail; a larger one is refused, or by IMAP noted with its header", Default: "36700160"},
		{Key: "inbound.imap.host", Help: "the IMAP server's name or address; without inbound.imap no mailbox is read"},
		{Key: "inbound.imap.port", Kind: channels.KindNumber, Help: "its port; without it 993 for implicit, else 143"},
		{Key: "inbound.imap.tls", Kind: channels.KindChoice, Choices: []string{"none", "starttls", "implicit"}, Help: "implicit, starttls or none; the first two never fall back to clear text, none is for this very machine", Default: "implicit"},
		{Key: "inbound.imap.tls_server_name", Help: "the name that its certificate must carry; without it the host"},
		{Key: "inbound.imap.tls_ca_file", Help: "PEM file of the authorities to trust instead of the system's"},
		{Key: "inbound.imap.username", Help: "login"},
		{Key: "inbound.imap.password", Help: "of that login, or an access token", Secret: true},
		{Key: "inbound.imap.auth", Kind: channels.KindChoice, Choices: []string{"password", "xoauth2"}, Help: "password, or xoauth2 where password is an OAuth 2 access token", Default: "password"},
		{Key: "inbound.imap.timeout", Kind: channels.KindDuration, Help: "for the connection with TLS and login", Default: "30s"},
		{Key: "inbound.imap.folders", Kind: channels.KindList, Help: "to read; the first is watched, the others are looked at twice a minute", Default: "INBOX"},
		{Key: "inbound.imap.since", Kind: channels.KindNumber, Help: "days before the first start of which mail is taken too; 0: only what comes from then on", Default: "0"},
		{Key: "inbound.imap.after", Kind: channels.KindChoice, Choices: []string{"leave", "seen", "move"}, Help: "what happens to a mail that is stored: seen, move or leave", Default: "seen"},
		{Key: "inbound.imap.move_to", Help: "the folder for after: move"},
		{Key: "inbound.listen", Help: "take mail in by SMTP at an address such as :2525, or by LMTP at lmtp://127.0.0.1:24 or unix:/run/rapport/lmtp.sock"},
		{Key: "inbound.hostname", Help: "the name by which the listener greets; without it helo"},
		{Key: "inbound.tls.cert_file", Help: "PEM file of the listener's certificate chain, for STARTTLS; read again when it changes"},
		{Key: "inbound.tls.key_file", Help: "PEM file of its private key"},
		{Key: "inbound.tls.required", Kind: channels.KindBool, Help: "take nothing in clear text", Default: "false"},
		{Key: "inbound.max_recipients", Kind: channels.KindNumber, Help: "of one mail", Default: "100"},
		{Key: "inbound.connections", Kind: channels.KindNumber, Help: "open to the listener at most", Default: "100"},
		{Key: "inbound.connections_per_host", Kind: channels.KindNumber, Help: "of these from one host; 0: no limit of its own. With LMTP there is none by default", Default: "20"},
		{Key: "inbound.rate", Kind: channels.KindNumber, Help: "mails a minute from one host; 0: no limit. With LMTP there is none by default", Default: "600"},
	},
	Open: open,
}

func open(s channels.Settings, env channels.Env) (channels.Conn, error) {
	r := s.Read()
	relay := readRelay(r, env)
	sign := readSigner(r)
	c := &conn{env: env, sign: sign, drafts: newDrafts(), large: make(chan struct{}, largeAtOnce)}

	if from, err := mail.ParseAddress(r.Required("from")); err == nil {
		c.from = *from
		if c.from.Address, err = asciiDomain(from.Address); err != nil {
			r.Fail("from", "%v", err)
		}
	} else {
		r.Fail("from", "must be a mailbox such as Shop <news@shop.example>")
	}
	c.replyDomain = readDomain(r, "reply_domain", "")
	c.envelopeDomain = readDomain(r, "envelope_domain", c.replyDomain)
	_, c.idDomain, _ = strings.Cut(c.from.Address, "@")
	if c.replyDomain != "" {
		c.idDomain = c.replyDomain
	}
	c.dotTimeout = readDuration(r, "dot_timeout", 10*time.Minute, 10*time.Minute)
	c.timeout, c.relayHost = relay.timeout, relay.host
	idle := readDuration(r, "idle_timeout", time.Minute, time.Hour)
	if n, err := strconv.ParseFloat(r.String("domain_rate", "0"), 64); err != nil || n < 0 || n > 1e6 { // delivery reads it
		r.Fail("domain_rate", "must be messages a second, such as 20 or 0.5")
	}
	connections := r.Int("connections", 10, 1, 1000)
	in := readInbound(r, c)
	c.mailbox, c.door = readMailbox(r, in), readDoor(r, in, relay.helo)
	if err := r.Err(); err != nil {
		return nil, err
	}
	c.pool = newPool(relay, connections, idle)
	switch {
	case c.mailbox != nil && c.door != nil:
		return both{c, c.mailbox, c.door}, nil
	case c.mailbox != nil:
		return polling{c, c.mailbox}, nil
	case c.door != nil:
		return listening{c, c.door}, nil
	}
	return c, nil
}

// What an entry can do follows from its settings.
type (
	polling struct {
		*conn
		*mailbox
	}
	listening struct {
		*conn
		*door
	}
	both struct {
		*conn
		*mailbox
		*door
	}
)

func readDuration(r *channels.Reader, key string, def, max time.Duration) time.Duration {
	d := r.Duration(key, def)
	if d < 50*time.Millisecond || d > max {
		r.Fail(key, "must be from 50ms to %v", max)
		return def
	}
	return d
}

func readDomain(r *channels.Reader, key, def string) string {
	d := r.String(key, "")
	if d == "" {
		return def
	}
	d, err := asciiDomain("x@" + strings.ToLower(d))
	if err != nil || !validHost(d[2:]) {
		r.Fail(key, "must be a domain such as reply.shop.example")
		return def
	}
	return d[2:]
}

// validHost tells whether s consists of what host names and addresses are made of.
func validHost(s string) bool {
	for _, c := range []byte(s) {
		if !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-._:", c) >= 0) {
			return false
		}
	}
	if strings.Contains(s, ":") {
		_, err := netip.ParseAddr(s)
		return err == nil
	}
	return s != "" && len(s) <= 253 && s[0] != '-'
}
