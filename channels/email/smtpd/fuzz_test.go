package smtpd

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"rapport/internal/fuzzing"
)

// tape is a connection on which everything has been said already.
type tape struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (p *tape) Read(b []byte) (int, error)       { return p.in.Read(b) }
func (p *tape) Write(b []byte) (int, error)      { return p.out.Write(b) }
func (p *tape) Close() error                     { p.in.Reset(nil); return nil }
func (p *tape) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (p *tape) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)} }
func (p *tape) SetDeadline(time.Time) error      { return nil }
func (p *tape) SetReadDeadline(time.Time) error  { return nil }
func (p *tape) SetWriteDeadline(time.Time) error { return nil }

// Whatever is sent, what is taken are pieces of it up to a CR LF . CR LF, as often as there are such ends and no more, each
// for recipients of ours, with an envelope that can stand in a header; and each answer is a line of SMTP.
func FuzzSession(f *testing.F) {
	f.Add([]byte("EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@shop.example>\r\nDATA\r\nHi\r\n.\r\nQUIT\r\n"), false)
	f.Add([]byte("LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<x@shop.example>\r\nRCPT TO:<y@shop.example>\r\nDATA\r\n..\r\n\n.\n\r\n.\r\n"), true)
	f.Add([]byte("EHLO c\r\nMAIL FROM:<a@b.example> SMTPUTF8 SIZE=9\r\nRCPT TO:<@r:\"q>\"@shop.example> X=Y\r\nBDAT 3 LAST\r\n...STARTTLS\r\n"), false)
	f.Add([]byte("HELO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@shop.example>\r\nDATA\r\n"+strings.Repeat("x", 900)+"\r\n.\r\nRSET\r\n"), false)
	f.Fuzz(func(t *testing.T, input []byte, lmtp bool) {
		defer fuzzing.Budget(t)()
		n := 0
		var log bytes.Buffer // where a panic ends
		s := &Server{Name: "mx.shop.example", LMTP: lmtp, MaxSize: 800, MaxRecipients: 3, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Accepts: func(to string) bool { return strings.HasSuffix(to, "@shop.example") },
			Deliver: func(_ context.Context, e Envelope, raw []byte) error {
				n++
				if len(e.To) == 0 || len(e.To) > 3 || len(raw) > 800 {
					t.Errorf("taken for %q: %d bytes", e.To, len(raw))
				}
				for _, a := range append(e.To, e.From, e.Helo) {
					if strings.ContainsAny(a, "\r\n\x00") {
						t.Errorf("%q would break a header", a)
					}
				}
				if len(raw) > 0 && !bytes.HasSuffix(raw, []byte("\r\n")) {
					t.Errorf("the end of %q was not seen", raw)
				}
				return nil
			}}
		p := &tape{in: bytes.NewReader(input)}
		newSession(&house{Server: s, ctx: t.Context(), large: make(chan struct{}, 1)}, p).serve()
		if ends := bytes.Count(input, []byte("\n.\r\n")); n > ends {
			t.Errorf("%d mails of %d ends", n, ends)
		}
		if log.Len() > 0 {
			t.Errorf("logged: %s", &log)
		}
		out := p.out.Bytes()
		if !bytes.HasPrefix(out, []byte("220 ")) {
			t.Errorf("greeted with %.80q", out)
		}
		for line := range bytes.Lines(out) {
			if len(line) > 600 || !bytes.HasSuffix(line, []byte("\r\n")) || len(line) < 6 || line[0] < '2' || line[0] > '5' {
				t.Errorf("answered %q", line)
			}
		}
	})
}
