package email

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"rapport/channels"
	"rapport/internal/fuzzing"
)

// Whatever stands in the cursor, reading it gives places that make sense, and writing them changes nothing.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "12345", "{}", "null", "[1]", `{"INBOX":{"uidvalidity":7,"uidnext":12,"first":3,"since":1795348709,"old":3}}`, `{"INBOX":null,"\u0000":{"uidvalidity":1,"uidnext":1,"first":2}}`,
		`{"INBOX":{"uidvalidity":-1}}`, `{"a":{"uidnext":1e99}}`, strings.Repeat("[", 10_000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		defer fuzzing.Budget(t)()
		c := readCursor(s)
		for folder, p := range c {
			if p.Validity == 0 || p.First == 0 || p.Next < p.First {
				t.Errorf("%q: %+v", folder, p)
			}
		}
		if again := readCursor(c.String()); !maps.Equal(c, again) {
			t.Errorf("%v, and read again %v", c, again)
		}
	})
}

// A server that is none, or a bad one, costs an error and not much time.
func TestPoll_SuffersNoBadServer(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]func(c net.Conn){
		"silent":             func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"hangs up":           func(net.Conn) {},
		"a web server":       func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") },
		"binary":             func(c net.Conn) { _, _ = io.WriteString(c, strings.Repeat("\x00\xff", 10_000)) },
		"says bye":           func(c net.Conn) { _, _ = io.WriteString(c, "* BYE overloaded\r\n") },
		"a line without end": func(c net.Conn) { _, _ = io.WriteString(c, "* OK "+strings.Repeat("x", 1<<20)) },
		"a literal of 4 GB":  func(c net.Conn) { _, _ = io.WriteString(c, "* OK\r\n* 1 FETCH (BODY[] {4294967295}\r\nx") },
		"unasked answers":    func(c net.Conn) { _, _ = io.WriteString(c, "* OK\r\n+ go\r\n+ go\r\nT9 OK\r\n") },
		"nested without end": func(c net.Conn) { _, _ = io.WriteString(c, "* OK\r\n* LIST "+strings.Repeat("(", 100_000)) },
		"silent after hello": func(c net.Conn) { _, _ = io.WriteString(c, "* OK hello\r\n"); _, _ = io.Copy(io.Discard, c) },
		"capable, then quiet": func(c net.Conn) {
			_, _ = io.WriteString(c, "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\r\n")
			time.Sleep(100 * time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dial := func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() { script(theirs); theirs.Close() }()
				return ours, nil
			}
			d := &dovecot{t: t, addr: "127.0.0.1:143", user: "x", password: "hunter2-hunter2"}
			c, err := Driver.Open(d.settings(channels.Settings{"timeout": "500ms"}), channels.Env{Name: "mail", Now: time.Now, Log: slog.New(slog.DiscardHandler), Dial: dial})
			if err != nil {
				t.Fatal(err)
			}
			defer c.(io.Closer).Close()
			begin := time.Now()
			_, _, err = c.(channels.Poller).Poll(t.Context(), "")
			if err == nil || strings.Contains(err.Error(), "hunter2") || errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
