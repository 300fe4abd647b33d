package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// parrot is a Twilio, a Telegram, a webhook's receiver, a collector of traces and a mail server in one that says
// everything back: each answer that is no success quotes what it was sent, as real providers do. Its answers take turns.
type parrot struct {
	url, mail string
	said      atomic.Int64 // answers that quoted
	updates   atomic.Pointer[string]
	mu        sync.Mutex
	traces    strings.Builder
	turns     map[string]int
}

func newParrot(t *testing.T) *parrot {
	t.Helper()
	p := &parrot{turns: map[string]int{}}
	web := httptest.NewServer(p)
	t.Cleanup(web.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.smtp(c)
		}
	}()
	p.url, p.mail = web.URL, l.Addr().String()
	return p
}

func (p *parrot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch {
	case r.URL.Path == "/v1/traces":
		p.mu.Lock()
		p.traces.Write(body)
		p.mu.Unlock()
		return
	case strings.HasSuffix(r.URL.Path, "/getUpdates"):
		if u := p.updates.Swap(nil); u != nil {
			_, _ = io.WriteString(w, *u)
			return
		}
		fallthrough
	case strings.HasPrefix(r.URL.Path, "/bot") && !strings.HasSuffix(r.URL.Path, "/sendMessage"):
		_, _ = io.WriteString(w, `{"ok":true,"result":[]}`)
		return
	case r.Method == http.MethodGet:
		_, _ = io.WriteString(w, `{"messages":[],"status":"active"}`)
		return
	}
	plain, err := url.QueryUnescape(string(body))
	if err != nil {
		plain = string(body)
	}
	quote, _ := json.Marshal(r.URL.String() + " got " + plain)
	p.said.Add(1)
	who := r.URL.Path[1:min(5, len(r.URL.Path))] // each provider has turns of its own, so that each meets every answer
	p.mu.Lock()
	status := []int{400, 500, 403, 429, 302, 404, 410, 401}[p.turns[who]%8]
	p.turns[who]++
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "http://127.0.0.1:1/"+url.PathEscape(plain))
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":%d,"status":%d,"ok":false,"error_code":%d,"message":%s,"description":%s}`, 21211, status, status, quote, quote)
}

// smtp takes the login and refuses the rest, with the address or the letter in the reply.
func (p *parrot) smtp(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	fmt.Fprintf(c, "220 parrot ESMTP\r\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		switch verb := strings.ToUpper(line); {
		case strings.HasPrefix(verb, "EHLO"):
			fmt.Fprintf(c, "250-parrot\r\n250 8BITMIME\r\n")
		case strings.HasPrefix(verb, "RCPT"):
			switch p.said.Add(1) % 5 {
			case 0:
				fmt.Fprintf(c, "550 5.1.1 %s: no such user\r\n", line)
			case 1:
				fmt.Fprintf(c, "450 4.2.1 %s comes too often\r\n", line)
			case 2:
				fmt.Fprintf(c, "554 5.7.1 policy of %s\r\n", line)
			default:
				fmt.Fprintf(c, "250 ok\r\n")
			}
		case verb == "DATA":
			fmt.Fprintf(c, "354 go on\r\n")
			var letter strings.Builder
			for {
				l, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if l == ".\r\n" {
					break
				}
				letter.WriteString(strings.TrimSpace(l) + " ")
			}
			text := letter.String()
			fmt.Fprintf(c, "554 5.6.0 %.400s\r\n", text[max(0, len(text)-400):])
		case verb == "QUIT":
			fmt.Fprintf(c, "221 bye\r\n")
			return
		default:
			fmt.Fprintf(c, "250 ok %s\r\n", line)
		}
	}
}
