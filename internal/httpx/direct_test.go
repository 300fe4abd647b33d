package httpx_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rapport/internal/httpx"
)

// answering is a server that gives each request on a connection the next of answers, and closes the
// connection after the last. It counts both.
func answering(t *testing.T, answers ...string) (url string, conns, requests *atomic.Int32) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	conns, requests = new(atomic.Int32), new(atomic.Int32)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Add(1)
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for _, a := range answers {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					requests.Add(1)
					if _, err := io.WriteString(c, a); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "http://" + ln.Addr().String(), conns, requests
}

// talk posts a word and reads the whole answer.
func talk(client *http.Client, url string) (body string, written bool, err error) {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader("hello"))
	if err != nil {
		return "", false, err
	}
	resp, written, err := httpx.Do(client, req)
	if err != nil {
		return "", written, err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		err = fmt.Errorf("answered %s", resp.Status)
	}
	b, broken := io.ReadAll(resp.Body)
	return string(b), written, errors.Join(err, broken)
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestPost_KeepsTheConnection(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"length":    ok,
		"no body":   "HTTP/1.1 204 No Content\r\n\r\n",
		"chunked":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"announced": "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, conns, _ := answering(t, answer, answer, answer)
			client := httpx.Vendor(httpx.VendorOptions{})
			for range 3 {
				if _, _, err := talk(client, url); err != nil {
					t.Fatal(err)
				}
			}
			if n := conns.Load(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

func TestPost_LeavesAConnectionThatCannotBeTrusted(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"closed without a word": ok,
		"announced":             "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0":              "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"more than was said":    ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := []string{answer}
			if name != "closed without a word" {
				answers = append(answers, answer)
			}
			url, conns, requests := answering(t, answers...)
			client := httpx.Vendor(httpx.VendorOptions{})
			for i := range 3 {
				body, written, err := talk(client, url)
				if err != nil {
					t.Fatalf("request %d: written=%v, %v", i, written, err)
				}
				if body == "evil" {
					t.Error("took what was left of the answer before")
				}
				time.Sleep(20 * time.Millisecond) // so that the end of the connection is here
			}
			if conns.Load() != 3 || requests.Load() != 3 {
				t.Errorf("%d connections, %d requests, want 3 and 3", conns.Load(), requests.Load())
			}
		})
	}
}

func TestPost_AnswerThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"another protocol": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
		"interim for ever": strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100),
		"large header":     "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 64<<10) + "\r\n\r\n",
		"not HTTP":         "hello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _, _ := answering(t, answer)
			if got, written, err := talk(httpx.Vendor(httpx.VendorOptions{}), url); err == nil || !written {
				t.Errorf("%q, written=%v, %v", got, written, err)
			}
		})
	}
}

func TestPost_StatusComesBeforeASlowBody(t *testing.T) {
	t.Parallel()
	url := rawServer(t, func(c net.Conn) {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	client := httpx.Vendor(httpx.VendorOptions{Timeout: 300 * time.Millisecond})
	resp, err := client.Post(url, "text/plain", strings.NewReader("x"))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the body never came, and no error")
	}
	resp.Body.Close()
}

// What arrives is what net/http's own Transport would have sent.
func TestPost_RequestIsNetHTTPs(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []*http.Request
	var bodies []string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen, bodies = append(seen, r), append(bodies, string(b))
	}))
	t.Cleanup(srv.Close)
	for i, body := range []string{"", "{}", strings.Repeat("x", 60<<10)} {
		for _, client := range []*http.Client{{Transport: &http.Transport{DisableCompression: true}}, httpx.Vendor(httpx.VendorOptions{})} {
			req, err := http.NewRequest(http.MethodPost, srv.URL+"/a%20b/ü?q=1&r=%0d%0a", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header["X-Two"] = []string{"1", "2"}
			if i == 1 {
				req.Header.Set("User-Agent", "Rapport")
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
	}
	for i := 0; i < len(seen); i += 2 {
		a, b := seen[i], seen[i+1]
		if !reflect.DeepEqual(a.Header, b.Header) || a.RequestURI != b.RequestURI || a.Host != b.Host || a.ContentLength != b.ContentLength || bodies[i] != bodies[i+1] {
			t.Errorf("net/http: %s %s %v %d\nours: %s %s %v %d", a.Host, a.RequestURI, a.Header, a.ContentLength, b.Host, b.RequestURI, b.Header, b.ContentLength)
		}
	}
}

func TestPost_HeaderThatBreaksOutIsRefused(t *testing.T) {
	t.Parallel()
	url, _, requests := answering(t, ok)
	for name, value := range map[string]string{"X-A": "a\r\nX-B: c", "X A": "a", "X-Nul": "\x00"} {
		req, err := http.NewRequest(http.MethodPost, url, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header[name] = []string{value}
		if _, written, err := httpx.Do(httpx.Vendor(httpx.VendorOptions{}), req); err == nil || written {
			t.Errorf("%q: %q was sent", name, value)
		}
	}
	if requests.Load() != 0 {
		t.Error("something arrived")
	}
}

func TestPost_AtMostSoManyConnectionsToAHost(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	srv, _ := serve(t, func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(2 * time.Millisecond)
		now.Add(-1)
	})
	client := httpx.Vendor(httpx.VendorOptions{MaxConnsPerHost: 3})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, _, err := post(client, srv); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() > 3 {
		t.Errorf("%d at once", most.Load())
	}
}

func TestPost_CancelledWaitLeavesThePoolWhole(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv, hits := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	client := httpx.Vendor(httpx.VendorOptions{MaxConnsPerHost: 1})
	go func() { _, _, _ = post(client, srv) }()
	for hits.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, written, err := httpx.Do(client, req); err == nil || written {
			t.Errorf("written=%v, %v", written, err)
		}
		cancel()
	}
	close(release)
	for range 3 {
		if _, _, err := post(client, srv); err != nil {
			t.Error(err)
		}
	}
}

// A deadline that stands from the exchange before must serve the next one as well, however short both are beside the
// time that an answer may take.
func TestPost_TheDeadlineOfTheExchangeBeforeEndsNoOther(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(250 * time.Millisecond)
		w.WriteHeader(http.StatusNoContent)
	})
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	client := httpx.Vendor(httpx.VendorOptions{Timeout: time.Minute, MaxBody: 1 << 20})
	for i := range 4 {
		ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
		a, _, err := httpx.Post(ctx, client, u, http.Header{}, []byte("x"), httpx.Exchange{})
		cancel()
		if err != nil {
			t.Fatalf("post %d: %v", i, err)
		}
		a.Close()
		time.Sleep(200 * time.Millisecond)
	}
}
