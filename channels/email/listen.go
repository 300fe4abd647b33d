package email

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"rapport/channels"
	"rapport/channels/email/smtpd"
)

// door takes mail in by listening: SMTP, as the MX of reply_domain or behind one, or LMTP.
type door struct {
	in      *inbound
	network string // tcp, unix
	addr    string
	server  smtpd.Server
	closed  chan struct{} // the entry is closed
	binding sync.Mutex    // one of Listen and Setup at a time
	bound   bool
}

// readDoor returns nil where nothing is to be listened on.
func readDoor(r *channels.Reader, in *inbound, helo string) *door {
	listen := r.String("inbound.listen", "")
	d := &door{in: in, network: "tcp", closed: make(chan struct{})}
	d.server = smtpd.Server{
		Name:          r.String("inbound.hostname", helo),
		RequireTLS:    r.Bool("inbound.tls.required", false),
		MaxSize:       in.maxSize,
		MaxRecipients: r.Int("inbound.max_recipients", 100, 1, 10_000),
		MaxConns:      r.Int("inbound.connections", 100, 1, 10_000),
		MaxPerHost:    r.Int("inbound.connections_per_host", 20, 0, 10_000),
		Rate:          r.Int("inbound.rate", 600, 0, 1_000_000),
		Accepts:       in.accepts,
		Log:           in.env.Log,
	}
	if !validHost(d.server.Name) {
		r.Fail("inbound.hostname", "must be a host name")
	}
	cert, key := r.String("inbound.tls.cert_file", ""), r.String("inbound.tls.key_file", "")
	switch {
	case cert != "" && key != "":
		c := &certificate{cert: cert, key: key}
		if _, err := c.get(nil); err != nil {
			r.Fail("inbound.tls.cert_file", "%v", err)
		}
		d.server.TLS = &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12}
	case cert != "" || key != "":
		r.Fail("inbound.tls.cert_file", "and settings.inbound.tls.key_file go together")
	case d.server.RequireTLS:
		r.Fail("inbound.tls.required", "needs inbound.tls.cert_file and key_file")
	}
	if listen == "" {
		return nil
	}
	if err := d.at(listen); err != nil {
		r.Fail("inbound.listen", "%v", err)
	}
	if d.server.LMTP { // only our own mail server speaks it, and has limits of its own
		d.server.Rate = r.Int("inbound.rate", 0, 0, 1_000_000)
		d.server.MaxPerHost = r.Int("inbound.connections_per_host", 0, 0, 10_000)
	}
	if !d.server.LMTP && in.box.AuthservID == "" {
		// Who speaks SMTP to us may be anybody, and write any Authentication-Results: nobody has this name.
		own := *in
		own.box.AuthservID = rand.Text()
		d.in = &own
	}
	if len(in.domains) == 0 && len(in.addresses) == 0 {
		r.Fail("inbound.listen", "needs reply_domain or inbound.addresses: there is nothing to take mail for")
	}
	return d
}

// at reads ":2525" (SMTP), "lmtp://127.0.0.1:24" and "unix:/run/rapport/lmtp.sock" (LMTP).
func (d *door) at(listen string) error {
	d.addr = listen
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		d.network, d.addr, d.server.LMTP = "unix", path, true
		if !filepath.IsAbs(path) || len(path) > 100 { // sun_path holds 108 bytes
			return errors.New("must name an absolute path of at most 100 bytes behind unix:")
		}
		return nil
	}
	if strings.HasPrefix(listen, "lmtp://") {
		u, err := url.Parse(listen)
		if err != nil || u.Path != "" || u.RawQuery != "" || u.User != nil {
			return errors.New("must look like lmtp://127.0.0.1:24")
		}
		d.addr, d.server.LMTP = u.Host, true
	}
	_, port, err := net.SplitHostPort(d.addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil || port == "" {
		return errors.New("must be host:port such as :2525 or 127.0.0.1:2525, lmtp://host:port, or unix:/path")
	}
	return nil
}

// Listen serves until ctx ends or the entry is closed.
func (d *door) Listen(ctx context.Context, take func(context.Context, []channels.Update) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-d.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	l, err := d.bind()
	if err != nil {
		return fmt.Errorf("listening for mail: %w", err)
	}
	defer d.unbind()
	d.in.env.Log.Info("taking mail in", "network", d.network, "addr", d.addr, "lmtp", d.server.LMTP)
	s := d.server
	s.Deliver = func(ctx context.Context, e smtpd.Envelope, raw []byte) error {
		updates := d.in.updates(d.stamp(e, raw))
		if len(updates) == 0 { // dropped, and that is final
			return nil
		}
		return take(ctx, updates)
	}
	return s.Serve(ctx, l)
}

// stamp puts in front of a mail what a server that delivers finally puts there: the envelope (RFC 5321 §4.4, RFC 9228).
// What the sender wrote under these names stands below.
func (d *door) stamp(e smtpd.Envelope, raw []byte) []byte {
	b := make([]byte, 0, len(raw)+512+100*len(e.To))
	b = append(append(append(b, "Return-Path: <"...), e.From...), ">\r\n"...)
	for _, to := range e.To {
		b = append(append(append(b, "Delivered-To: "...), to...), "\r\n"...)
	}
	host := ""
	if e.Host.IsValid() {
		host = " ([" + e.Host.String() + "])"
	}
	b = fmt.Appendf(b, "Received: from %s%s by %s with %s;\r\n %s\r\n", e.Helo, host, d.server.Name, e.With, d.in.env.Now().Format(time.RFC1123Z))
	return append(b, raw...)
}

func (d *door) bind() (net.Listener, error) {
	d.binding.Lock()
	defer d.binding.Unlock()
	l, err := net.Listen(d.network, d.addr)
	if err != nil && d.network == "unix" && errors.Is(err, syscall.EADDRINUSE) && d.stale() {
		if err = os.Remove(d.addr); err == nil {
			l, err = net.Listen(d.network, d.addr)
		}
	}
	if err == nil && d.network == "unix" {
		// Who may speak to it is for the directory to say, as with Dovecot's and Postfix's.
		err = os.Chmod(d.addr, 0o666) //nolint:gosec // the mail server runs as another user
	}
	d.bound = err == nil
	return l, err
}

func (d *door) unbind() {
	d.binding.Lock()
	defer d.binding.Unlock()
	d.bound = false
}

// stale tells whether the socket was left behind by a process that was killed.
func (d *door) stale() bool {
	info, err := os.Lstat(d.addr)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return false
	}
	c, err := (&net.Dialer{Timeout: time.Second}).Dial("unix", d.addr)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// check tells whether this process may listen there. That another one does so already is fine: it is the server.
func (d *door) check() error {
	d.binding.Lock()
	defer d.binding.Unlock()
	if d.bound {
		return nil
	}
	if d.network == "unix" {
		_, err := os.Stat(filepath.Dir(d.addr))
		return err
	}
	l, err := net.Listen(d.network, d.addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil
	}
	if err == nil {
		err = l.Close()
	}
	return err
}

// certificate reads its files again when they have changed: authorities renew them while we run.
type certificate struct {
	cert, key string

	mu     sync.Mutex
	looked time.Time
	stamps []time.Time
	last   *tls.Certificate
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && time.Since(c.looked) < 10*time.Second {
		return c.last, nil
	}
	c.looked = time.Now()
	var stamps []time.Time
	for _, f := range []string{c.cert, c.key} {
		if info, err := os.Stat(f); err == nil {
			stamps = append(stamps, info.ModTime())
		}
	}
	if c.last != nil && slices.Equal(stamps, c.stamps) {
		return c.last, nil
	}
	fresh, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		if c.last != nil { // half of a renewal, perhaps; the next look sees the rest
			return c.last, nil
		}
		return nil, err
	}
	c.last, c.stamps = &fresh, stamps
	return c.last, nil
}
