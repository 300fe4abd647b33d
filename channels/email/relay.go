package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"rapport/channels"
	"rapport/channels/email/smtpreply"
)

// relay is where mail is handed in, and on which terms.
type relay struct {
	host     string
	addr     string
	mode     string // none, starttls, implicit
	tls      *tls.Config
	username string
	password string
	helo     string
	timeout  time.Duration
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
}

func readRelay(r *channels.Reader, env channels.Env) relay {
	d := relay{dial: env.Dial}
	if d.dial == nil {
		d.dial = new(net.Dialer).DialContext
	}
	d.host = r.Required("host")
	if d.host != "" && !validHost(d.host) {
		r.Fail("host", "must be a host name or address, without port")
	}
	d.mode = r.OneOf("tls", "starttls", "none", "starttls", "implicit")
	port := map[string]int{"none": 25, "starttls": 587, "implicit": 465}[d.mode]
	d.addr = net.JoinHostPort(d.host, strconv.Itoa(r.Int("port", port, 1, 65535)))
	d.tls = &tls.Config{ServerName: r.String("tls_server_name", d.host), MinVersion: tls.VersionTLS12}
	if file := r.String("tls_ca_file", ""); file != "" {
		d.tls.RootCAs = x509.NewCertPool()
		pem, err := os.ReadFile(file)
		if err != nil {
			r.Fail("tls_ca_file", "%v", err)
		} else if !d.tls.RootCAs.AppendCertsFromPEM(pem) {
			r.Fail("tls_ca_file", "holds no certificate in PEM form")
		}
	}
	d.username, d.password = r.String("username", ""), r.String("password", "")
	if (d.username == "") != (d.password == "") {
		r.Fail("password", "and settings.username go together")
	}
	if d.username != "" && d.mode == "none" && !thisMachine(d.host) {
		r.Fail("tls", "none would send the password in clear text; use starttls or implicit")
	}
	hostname, err := os.Hostname()
	if err != nil || !validHost(hostname) {
		hostname = "localhost"
	}
	d.helo = r.String("helo", hostname)
	if !validHost(d.helo) {
		r.Fail("helo", "must be a host name")
	}
	d.timeout = readDuration(r, "timeout", 30*time.Second, 2*time.Minute)
	return d
}

func thisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// connect dials, secures and logs in. Its errors are verdicts: nothing of a message was written.
//
// The three steps are done with go-mail's SMTP client one by one rather than by its
// DialToSMTPClientWithContext, which leaves the connection open when the second or third fails, and
// returns errors that do not tell them apart.
func (d *relay) connect(ctx context.Context) (*line, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := d.dial(ctx, "tcp", d.addr)
	if err != nil {
		return nil, &channels.Verdict{Kind: channels.Temporary, Reason: "unreachable", Err: err}
	}
	client, err := d.introduce(ctx, raw)
	if err != nil {
		_ = raw.Close()
		return nil, d.refused(err)
	}
	l := &line{client: client, raw: raw}
	l.pipelining, _ = client.Extension("PIPELINING")
	l.utf8, _ = client.Extension("SMTPUTF8")
	if ok, size := client.Extension("SIZE"); ok {
		l.sizes = true
		l.maxSize, _ = strconv.ParseInt(size, 10, 64)
	}
	return l, nil
}

// errClear and errLogin are what a server lacks that our settings ask for.
var (
	errClear = errors.New("the server does not offer STARTTLS")
	errLogin = errors.New("the server offers no login that we know (PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-256)")
)

func (d *relay) introduce(ctx context.Context, raw net.Conn) (client *smtp.Client, err error) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = raw.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() {
			err = context.Cause(ctx)
		}
	}()
	c := raw
	if d.mode == "implicit" {
		secured := tls.Client(raw, d.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		c = secured
	}
	if client, err = smtp.NewClient(c, d.host); err != nil {
		return nil, err
	}
	if err := client.Hello(d.helo); err != nil {
		return nil, err
	}
	if d.mode == "starttls" {
		if ok, _ := client.Extension("STARTTLS"); !ok {
			return nil, errClear
		}
		if err := client.StartTLS(d.tls); err != nil {
			return nil, err
		}
	}
	if d.username == "" {
		return client, nil
	}
	_, offered := client.Extension("AUTH")
	auth := d.login(strings.Fields(offered))
	if auth == nil {
		return nil, errLogin
	}
	return client, client.Auth(auth)
}

// login picks the strongest way that both sides know. open has made sure that the line is private.
func (d *relay) login(offered []string) smtp.Auth {
	has := map[string]bool{}
	for _, m := range offered {
		has[strings.ToUpper(m)] = true
	}
	switch {
	case has["SCRAM-SHA-256"]:
		return smtp.ScramSHA256Auth(d.username, d.password)
	case has["PLAIN"]:
		return smtp.PlainAuth("", d.username, d.password, d.host, true)
	case has["LOGIN"]:
		return smtp.LoginAuth(d.username, d.password, d.host, true)
	case has["CRAM-MD5"]:
		return smtp.CRAMMD5Auth(d.username, d.password)
	}
	return nil
}

// refused reads why a connection did not come about. What our settings cause is Misconfigured: the same
// for every message until a person mends it.
func (d *relay) refused(err error) *channels.Verdict {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return smtpreply.New(e.Code, e.Msg).Verdict(smtpreply.AtGreeting)
	}
	v := &channels.Verdict{Kind: channels.Temporary, Reason: "unreachable", Err: err}
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	op, alert := errors.AsType[*net.OpError](err)
	alert = alert && (op.Op == "remote error" || op.Op == "local error") // what crypto/tls calls its alerts
	switch {
	case certificate:
		v.Kind, v.Reason = channels.Misconfigured, "tls_certificate"
	case record, alert, errors.Is(err, errClear):
		v.Kind, v.Reason = channels.Misconfigured, "tls"
	case errors.Is(err, errLogin):
		v.Kind, v.Reason = channels.Misconfigured, "login"
	}
	return v
}
