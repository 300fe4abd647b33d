package smtpd_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/smtp"
	"strings"
	"testing"

	"rapport/channels/email/emailtest"
)

// Through net/smtp, which is not ours: TLS, the state forgotten, a mail taken.
func TestServe_SecuresTheLine(t *testing.T) {
	t.Parallel()
	ca, leaf, err := emailtest.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	h := open(t, func(h *house) {
		h.TLS, h.RequireTLS = &tls.Config{Certificates: []tls.Certificate{leaf}}, true
	})
	h.greeted(t).say("MAIL FROM:<a@customers.example>", "530 5.7.0")

	c, err := smtp.Dial(h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.StartTLS(&tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	if ok, _ := c.Extension("STARTTLS"); ok {
		t.Error("STARTTLS is offered again")
	}
	w, err := func() (interface {
		Write([]byte) (int, error)
		Close() error
	}, error) {
		if err := c.Mail("anna@customers.example"); err != nil {
			return nil, err
		}
		if err := c.Rcpt("support@shop.example"); err != nil {
			return nil, err
		}
		return c.Data()
	}()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(w, "Subject: secret\r\n\r\n%s\r\n", strings.Repeat("long line ", 2000)) // longer than any server should see, and taken
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Quit(); err != nil {
		t.Error(err)
	}
	if got := h.mails(); len(got) != 1 || got[0].With != "UTF8SMTPS" || len(got[0].raw) < 20_000 {
		t.Errorf("taken: %.300v", got)
	}
}

// Commands that came in clear text behind STARTTLS (CVE-2011-0411 and its kin) are not taken for ones that came under TLS.
func TestServe_ForgetsWhatStoodBehindSTARTTLS(t *testing.T) {
	t.Parallel()
	_, leaf, err := emailtest.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, func(h *house) { h.TLS = &tls.Config{Certificates: []tls.Certificate{leaf}} })
	c := h.greeted(t)
	c.write("STARTTLS\r\nMAIL FROM:<evil@attacker.example>\r\n")
	c.want("421")
	c.gone()

	// State from before is gone, too.
	c = h.greeted(t)
	c.say("MAIL FROM:<evil@attacker.example>", "250")
	c.say("STARTTLS", "220")
	secured := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true})
	if _, err := secured.Write([]byte("RCPT TO:<x@shop.example>\r\nMAIL FROM:<a@b.example>\r\n")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1000)
	n, err := secured.Read(b)
	if err != nil || !strings.HasPrefix(string(b[:n]), "503") {
		t.Errorf("%q, %v", b[:n], err)
	}
	// Somebody who speaks no TLS after all.
	c = h.greeted(t)
	c.say("STARTTLS", "220")
	c.write("MAIL FROM:<a@b.example>\r\n")
	_ = c.Conn.(*net.TCPConn).CloseWrite()
	for {
		line, err := c.r.ReadLine()
		if err != nil {
			break
		}
		if strings.HasPrefix(line, "250") {
			t.Fatalf("clear text was answered: %q", line)
		}
	}
}
