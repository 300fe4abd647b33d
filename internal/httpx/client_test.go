package httpx_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport/internal/httpx"
)

func TestGuarded_DoesNotFollowRedirect(t *testing.T) {
	t.Parallel()
	inner, innerHits := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, code := range []int{301, 302, 303, 307, 308} {
		outer, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inner, code) })
		for _, client := range clients() {
			resp, err := client.Post(outer, "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != code {
				t.Errorf("got %d, want %d", resp.StatusCode, code)
			}
		}
	}
	if innerHits.Load() != 0 {
		t.Error("followed")
	}
}

func TestGuarded_EndsSlowHeaders(t *testing.T) {
	t.Parallel()
	url := rawServer(t, func(c net.Conn) {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\n")
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(c, "X-%d: y\r\n", i); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	client := httpx.Guarded(httpx.Options{AllowNetworks: loopback(), HeaderTimeout: 150 * time.Millisecond})
	start := time.Now()
	_, written, err := post(client, url)
	if err == nil || !written {
		t.Errorf("written=%v err=%v, want an ambiguous error", written, err)
	}
	if d := time.Since(start); d > 15*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestGuarded_EndsSlowBody(t *testing.T) {
	t.Parallel()
	url := rawServer(t, func(c net.Conn) {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
		for {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	client := httpx.Guarded(httpx.Options{AllowNetworks: loopback(), Timeout: 200 * time.Millisecond})
	start := time.Now()
	if _, err := get(client, url); err == nil {
		t.Error("a body that never ends was read to its end")
	}
	if d := time.Since(start); d > 15*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestGuarded_StopsEndlessBodyAtMaxBody(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	url := rawServer(t, func(c net.Conn) {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\n")
		chunk := bytes.Repeat([]byte("x"), 64<<10)
		for {
			n, err := c.Write(chunk)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	got, err := get(httpx.Guarded(httpx.Options{AllowNetworks: loopback()}), url)
	if !errors.Is(err, httpx.ErrBodyTooLarge) || len(got) != 20<<10 {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	time.Sleep(50 * time.Millisecond)
	if n := sent.Load(); n > 16<<20 {
		t.Errorf("the server could send %d bytes", n)
	}
}

func TestGuarded_BodyOfExactlyMaxBodyIsWhole(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]error{0: nil, 9: nil, 10: nil, 11: httpx.ErrBodyTooLarge} {
		srv, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", size)) })
		client := httpx.Guarded(httpx.Options{AllowNetworks: loopback(), MaxBody: 10})
		got, err := get(client, srv)
		if !errors.Is(err, want) || len(got) != min(size, 10) {
			t.Errorf("%d bytes: read %d, %v", size, len(got), err)
		}
	}
}

func TestGuarded_LeavesGzipPacked(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.CopyN(z, zeros{}, 10<<20); err != nil {
		t.Fatal(err)
	}
	z.Close()
	srv, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "" {
			t.Errorf("asked for %q", got)
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	got, err := get(httpx.Guarded(httpx.Options{AllowNetworks: loopback(), MaxBody: 1 << 20}), srv)
	if err != nil || got != bomb.String() {
		t.Errorf("read %d bytes of %d, %v", len(got), bomb.Len(), err)
	}
}

func TestGuarded_RefusesOversizedHeader(t *testing.T) {
	t.Parallel()
	url := rawServer(t, func(c net.Conn) {
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX: %s\r\n\r\n", strings.Repeat("y", 64<<10))
	})
	if _, err := get(httpx.Guarded(httpx.Options{AllowNetworks: loopback()}), url); err == nil {
		t.Error("64 KiB of header were taken")
	}
}

func TestClients_VerifyCertificates(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	for _, client := range clients() {
		_, written, err := post(client, srv.URL)
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("a self-signed certificate: %v", err)
		}
		if written {
			t.Error("written before the certificate was verified")
		}
	}
}

func TestClients_ReuseConnections(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	for _, client := range clients() {
		for range 10 {
			if _, err := get(client, srv.URL); err != nil {
				t.Fatal(err)
			}
		}
		client.CloseIdleConnections()
	}
	if n := conns.Load(); n != 2 {
		t.Errorf("%d connections for two clients", n)
	}
}

func TestDo_TellsNothingWrittenFromAmbiguous(t *testing.T) {
	t.Parallel()
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + unused.Addr().String()
	unused.Close()

	for _, tt := range []struct {
		name, url   string
		timeout     time.Duration
		wantWritten bool
	}{
		{name: "refused connection", url: closed},
		{name: "guard", url: "https://10.0.0.1/"},
		{name: "cut before the answer", url: rawServer(t, func(c net.Conn) {}), wantWritten: true},
		{name: "half an answer", url: rawServer(t, func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 20") }), wantWritten: true},
		{name: "no answer in time", url: rawServer(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), timeout: 500 * time.Millisecond, wantWritten: true},
		{name: "TLS spoken to a plain server", url: strings.Replace(rawServer(t, func(c net.Conn) { fmt.Fprint(c, "hello\r\n") }), "http:", "https:", 1)},
		{name: "TLS that hangs", url: strings.Replace(silentServer(t), "http:", "https:", 1), timeout: 100 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := httpx.Guarded(httpx.Options{AllowNetworks: loopback(), Timeout: tt.timeout})
			_, written, err := post(client, tt.url)
			if err == nil {
				t.Fatal("no error")
			}
			if written != tt.wantWritten {
				t.Errorf("written = %v, want %v (%v)", written, tt.wantWritten, err)
			}
		})
	}
}

func TestDo_NothingIsWrittenWhileWaitingForAConnection(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv, hits := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	client := httpx.Guarded(httpx.Options{AllowNetworks: loopback(), MaxConnsPerHost: 1})
	first := make(chan error, 1)
	go func() { _, _, err := post(client, srv); first <- err }()
	for hits.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_, written, err := httpx.Do(client, req)
	if !errors.Is(err, context.DeadlineExceeded) || written {
		t.Errorf("written=%v err=%v", written, err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if hits.Load() != 1 {
		t.Errorf("%d hits", hits.Load())
	}
}

// Whatever the moment of cancellation: what is reported as not written never arrives.
func TestDo_NotWrittenNeverArrives(t *testing.T) {
	t.Parallel()
	arrived := make(chan string, 2000)
	srv, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { arrived <- r.Header.Get("X-Id") })
	client := httpx.Guarded(httpx.Options{AllowNetworks: loopback()})
	unwritten := map[string]bool{}
	for i := range 1000 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%50)*100*time.Microsecond)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(i)
		req.Header.Set("X-Id", id)
		resp, written, err := httpx.Do(client, req)
		if err == nil {
			resp.Body.Close()
		} else if !written {
			unwritten[id] = true
		}
		cancel()
	}
	if len(unwritten) == 0 || len(unwritten) == 1000 {
		t.Errorf("%d of 1000 unwritten: this run proves nothing", len(unwritten))
	}
	time.Sleep(100 * time.Millisecond)
	for range len(arrived) {
		if id := <-arrived; unwritten[id] {
			t.Errorf("request %s arrived although reported as not written", id)
		}
	}
}

func TestVendor_BoundsBodyAndTime(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			<-r.Context().Done()
		}
		fmt.Fprint(w, strings.Repeat("x", 100))
	})
	client := httpx.Vendor(httpx.VendorOptions{Timeout: time.Second, MaxBody: 10})
	if got, err := get(client, srv); !errors.Is(err, httpx.ErrBodyTooLarge) || len(got) != 10 {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if _, err := get(client, srv+"/hang"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func clients() []*http.Client {
	return []*http.Client{httpx.Guarded(httpx.Options{AllowNetworks: loopback()}), httpx.Vendor(httpx.VendorOptions{})}
}

func serve(t *testing.T, h http.HandlerFunc) (url string, hits *atomic.Int32) {
	t.Helper()
	return serveOn(t, "127.0.0.1:0", h)
}

func serveOn(t *testing.T, addr string, h http.HandlerFunc) (url string, hits *atomic.Int32) {
	t.Helper()
	ln, err := net.Listen("tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	hits = new(atomic.Int32)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		h(w, r)
	})}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { srv.Close() })
	return "http://" + ln.Addr().String(), hits
}

// rawServer reads one request and lets answer write what it likes, then cuts the connection.
func rawServer(t *testing.T, answer func(net.Conn)) (url string) {
	t.Helper()
	return accept(t, func(c net.Conn) {
		if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		answer(c)
	})
}

// silentServer accepts and never says a word.
func silentServer(t *testing.T) (url string) {
	t.Helper()
	return accept(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
}

func accept(t *testing.T, handle func(net.Conn)) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return "http://" + ln.Addr().String()
}

func get(client *http.Client, url string) (string, error) {
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func post(client *http.Client, url string) (status int, written bool, err error) {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(`{"hello":"world"}`))
	if err != nil {
		return 0, false, err
	}
	resp, written, err := httpx.Do(client, req)
	if err != nil {
		return 0, written, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, written, nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
