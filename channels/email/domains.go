package email

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"net/netip"
	"strings"

	"rapport/internal/maildns"
)

// MailSender tells which domains mail is sent from and comes back to.
func (c *conn) MailSender() maildns.Sender {
	_, domain, _ := strings.Cut(strings.ToLower(c.from.Address), "@")
	s := maildns.Sender{Provider: c.env.Name, Domain: domain, Envelope: c.envelopeDomain, Reply: c.replyDomain, SPF: spfOf(c.relayHost)}
	if c.sign != nil {
		s.DKIMName = strings.ToLower(c.sign.Selector + "._domainkey." + c.sign.Domain)
		s.DKIMKey = c.publicKey()
	}
	if c.door != nil && !c.door.server.LMTP && strings.Contains(c.door.server.Name, ".") { // with LMTP another server of theirs takes the mail
		s.Inbound = strings.ToLower(c.door.server.Name)
	}
	return s
}

// spfOf is the SPF mechanism that allows a relay: each vendor's own, since a relay sends from many addresses.
//
//	https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-spf.html
//	https://support.google.com/a/answer/10684623
//	https://learn.microsoft.com/en-us/defender-office-365/email-authentication-spf-configure
//	https://documentation.mailgun.com/docs/mailgun/user-manual/domains/domains-verify
//	https://www.twilio.com/docs/sendgrid/ui/account-and-settings/spf-records
func spfOf(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil {
		switch {
		case !ip.IsGlobalUnicast() || ip.IsPrivate():
			return "" // it sends through an address that we do not know
		case ip.Is4():
			return "ip4:" + host
		}
		return "ip6:" + host
	}
	host = "." + strings.ToLower(host)
	for _, v := range []struct{ relay, include string }{
		{".amazonaws.com", "amazonses.com"}, {".gmail.com", "_spf.google.com"}, {".google.com", "_spf.google.com"}, {".office365.com", "spf.protection.outlook.com"},
		{".protection.outlook.com", "spf.protection.outlook.com"}, {".mailgun.org", "mailgun.org"}, {".sendgrid.net", "sendgrid.net"},
	} {
		if strings.HasSuffix(host, v.relay) {
			return "include:" + v.include
		}
	}
	return ""
}

// publicKey is the record that receivers need to check our signatures (RFC 6376 §3.6.1, RFC 8463 §4.1).
func (c *conn) publicKey() string {
	kind, key := "rsa", []byte(nil)
	if k, ok := c.sign.Signer.Public().(ed25519.PublicKey); ok {
		kind, key = "ed25519", k
	} else {
		var err error
		if key, err = x509.MarshalPKIXPublicKey(c.sign.Signer.Public()); err != nil {
			return "" // an RSA key was checked by Open
		}
	}
	return "v=DKIM1; k=" + kind + "; p=" + base64.StdEncoding.EncodeToString(key)
}
