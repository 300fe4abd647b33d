package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	"rapport/channels"
)

// imapAccess is where a mailbox is, and how to get in.
type imapAccess struct {
	host     string
	addr     string
	mode     string // none, starttls, implicit
	tls      *tls.Config
	username string
	password string // with xoauth2 an access token
	xoauth2  bool
	timeout  time.Duration
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
}

func readIMAPAccess(r *channels.Reader, env channels.Env) imapAccess {
	const at = "inbound.imap."
	a := imapAccess{dial: env.Dial}
	if a.dial == nil {
		a.dial = new(net.Dialer).DialContext
	}
	if a.host = r.Required(at + "host"); a.host != "" && !validHost(a.host) {
		r.Fail(at+"host", "must be a host name or address, without port")
	}
	a.mode = r.OneOf(at+"tls", "implicit", "none", "starttls", "implicit")
	port := map[string]int{"none": 143, "starttls": 143, "implicit": 993}[a.mode]
	a.addr = net.JoinHostPort(a.host, strconv.Itoa(r.Int(at+"port", port, 1, 65535)))
	a.tls = &tls.Config{ServerName: r.String(at+"tls_server_name", a.host), MinVersion: tls.VersionTLS12}
	if file := r.String(at+"tls_ca_file", ""); file != "" {
		a.tls.RootCAs = x509.NewCertPool()
		if pem, err := os.ReadFile(file); err != nil {
			r.Fail(at+"tls_ca_file", "%v", err)
		} else if !a.tls.RootCAs.AppendCertsFromPEM(pem) {
			r.Fail(at+"tls_ca_file", "holds no certificate in PEM form")
		}
	}
	if a.mode == "none" && !thisMachine(a.host) {
		r.Fail(at+"tls", "none would send the password in clear text; use starttls or implicit")
	}
	a.username, a.password = r.Required(at+"username"), r.Required(at+"password")
	a.xoauth2 = r.OneOf(at+"auth", "password", "password", "xoauth2") == "xoauth2"
	a.timeout = readDuration(r, at+"timeout", 30*time.Second, 2*time.Minute)
	return a
}

// imapSession is one connection that has logged in. It is used by one goroutine; hangUp may be called by any.
type imapSession struct {
	raw      net.Conn
	client   *imapclient.Client
	news     chan struct{} // something came into the selected folder
	selected string
	readOnly bool
	state    imapState
}

// imapState is what a server tells about a folder.
type imapState struct {
	validity uint32
	next     imap.UID
}

// open connects and logs in. Its errors are verdicts. go-imap knows no contexts: the connection is closed when ctx ends.
func (a *imapAccess) open(ctx context.Context) (*imapSession, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	raw, err := a.dial(ctx, "tcp", a.addr)
	if err != nil {
		return nil, &channels.Verdict{Kind: channels.Temporary, Reason: "imap_unreachable", Err: err}
	}
	s := &imapSession{raw: raw, news: make(chan struct{}, 1)}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	err = s.introduce(ctx, a)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		s.hangUp()
		return nil, a.refused(err)
	}
	return s, nil
}

func (s *imapSession) introduce(ctx context.Context, a *imapAccess) (err error) {
	options := &imapclient.Options{TLSConfig: a.tls, UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages != nil {
				select {
				case s.news <- struct{}{}:
				default:
				}
			}
		},
	}}
	switch a.mode {
	case "starttls":
		if s.client, err = imapclient.NewStartTLS(s.raw, options); err != nil {
			return err
		}
	case "implicit":
		secured := tls.Client(s.raw, a.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return err
		}
		s.client = imapclient.New(secured, options)
	default:
		s.client = imapclient.New(s.raw, options)
	}
	if err := s.client.WaitGreeting(); err != nil {
		return err
	}
	if s.client.State() == imap.ConnStateAuthenticated {
		return nil // PREAUTH
	}
	caps := s.client.Caps()
	switch {
	case a.xoauth2:
		err = s.client.Authenticate(&xoauth2{a.username, a.password})
	case caps.Has(imap.AuthCap(sasl.Plain)):
		err = s.client.Authenticate(sasl.NewPlainClient("", a.username, a.password))
	default:
		err = s.client.Login(a.username, a.password).Wait()
	}
	if err != nil {
		if e, ok := errors.AsType[*imap.Error](err); ok {
			return errIMAPLogin{e}
		}
	}
	return err
}

// errIMAPLogin is a server's No to a login.
type errIMAPLogin struct{ answer *imap.Error }

func (e errIMAPLogin) Error() string { return e.answer.Error() }

// xoauth2 is Google's and Microsoft's login with an access token:
// https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
type xoauth2 struct{ username, token string }

func (x *xoauth2) Start() (mech string, ir []byte, err error) {
	return "XOAUTH2", []byte("user=" + x.username + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

// Next answers the server's reasons with nothing, after which it says No.
func (x *xoauth2) Next([]byte) ([]byte, error) { return nil, nil }

// refused reads why a connection did not come about.
func (a *imapAccess) refused(err error) *channels.Verdict {
	v := &channels.Verdict{Kind: channels.Temporary, Reason: "imap_unreachable", Err: err}
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	login, no := errors.AsType[errIMAPLogin](err)
	_, answer := errors.AsType[*imap.Error](err)
	switch {
	case certificate:
		v.Kind, v.Reason = channels.Misconfigured, "imap_certificate"
	case record:
		v.Kind, v.Reason = channels.Misconfigured, "imap_tls"
	case no && login.answer.Code != imap.ResponseCodeUnavailable && login.answer.Code != imap.ResponseCodeInUse:
		v.Kind, v.Reason = channels.Misconfigured, "imap_login"
	case no:
	case answer && a.mode == "starttls": // of STARTTLS
		v.Kind, v.Reason = channels.Misconfigured, "imap_tls"
	}
	return v
}

func (s *imapSession) hangUp() { _ = s.raw.Close() }

// look opens a folder, unless nothing has come since pos: then it returns nil.
func (s *imapSession) look(folder string, pos position, readOnly bool) (*imapState, error) {
	if s.selected != folder {
		is, err := s.status(folder)
		if err != nil {
			return nil, err
		}
		if pos.Next != 0 && is.next != 0 && is.next <= pos.Next && is.validity == pos.Validity {
			return nil, nil
		}
	}
	is, err := s.sel(folder, readOnly)
	return &is, err
}

func (s *imapSession) status(folder string) (imapState, error) {
	d, err := s.client.Status(folder, &imap.StatusOptions{UIDNext: true, UIDValidity: true}).Wait()
	if err != nil {
		return imapState{}, err
	}
	return imapState{d.UIDValidity, d.UIDNext}, nil
}

// sel selects a folder, unless it is. Its UIDVALIDITY does not change while it is selected.
func (s *imapSession) sel(folder string, readOnly bool) (imapState, error) {
	if s.selected == folder && s.readOnly == readOnly {
		return s.state, nil
	}
	s.selected = ""
	d, err := s.client.Select(folder, &imap.SelectOptions{ReadOnly: readOnly}).Wait()
	if err != nil {
		return imapState{}, err
	}
	s.selected, s.readOnly, s.state = folder, readOnly, imapState{d.UIDValidity, d.UIDNext}
	if s.state.validity == 0 || s.state.next == 0 {
		return imapState{}, fmt.Errorf("the server tells no UIDVALIDITY or UIDNEXT of %q, without which mails have no names", folder)
	}
	return s.state, nil
}

func (s *imapSession) search(c *imap.SearchCriteria) ([]imap.UID, error) {
	d, err := s.client.UIDSearch(c, nil).Wait()
	if err != nil {
		return nil, err
	}
	return d.AllUIDs(), nil
}
