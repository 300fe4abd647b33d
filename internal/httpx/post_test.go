package httpx

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"rapport/internal/fuzzing"
)

// successes are answers that are read without net/http, and others those that are left to it.
var (
	successes = []string{
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\nDate: Sun, 22 Nov 2026 05:00:00 GMT\r\n\r\n{}",
		"HTTP/1.1 201 Created\r\ncontent-length:\t 3 \r\nX-Empty:\r\n\r\nabc",
		"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
	}
	others = []string{
		"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nuntil the end",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding : chunked\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nX: 1\r\n Content-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
		"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 205 Reset Content\r\n\r\n",
		"HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n",
		"nonsense",
		"",
	}
)

func succeed(text string) (status int, body []byte, ok bool, left string) {
	c := &kept{header: limitedHeader{r: strings.NewReader(text)}}
	c.in = bufio.NewReader(&c.header)
	status, body, ok = c.success()
	c.header.left = 1 << 30
	rest, _ := io.ReadAll(c.in)
	return status, body, ok, string(rest)
}

func TestSuccess_OnlyThePlainestAnswersAreReadWithoutNetHTTP(t *testing.T) {
	t.Parallel()
	for _, text := range successes {
		if _, _, ok, left := succeed(text); !ok || left != "" {
			t.Errorf("%q was not read: %q is left", text, left)
		}
	}
	for _, text := range others {
		if _, _, ok, left := succeed(text); ok || left != text {
			t.Errorf("%q was read, or lost: %q is left", text, left)
		}
	}
}

// FuzzSuccess: what is read without net/http means to net/http the same.
func FuzzSuccess(f *testing.F) {
	for _, text := range append(successes, others...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzzing.Budget(t)()
		status, body, ok, left := succeed(text)
		if !ok {
			if left != text {
				t.Errorf("%q was touched: %q is left", text, left)
			}
			return
		}
		r := bufio.NewReader(strings.NewReader(text))
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("%q is no answer: %v", text, err)
		}
		whole, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status || !bytes.Equal(whole, body) || resp.Close || r.Buffered() > 0 {
			t.Errorf("%q: read %d with %q; net/http %d with %q (%v), close %v, %d bytes left", text, status, body, resp.StatusCode, whole, err, resp.Close, r.Buffered())
		}
	})
}

func TestPost_AnswerIsTheSameOnEitherWay(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "7")
		switch r.URL.Path {
		case "/busy":
			w.WriteHeader(http.StatusTooManyRequests)
		case "/long":
			_, _ = w.Write(bytes.Repeat([]byte("x"), 10_000))
			return
		}
		_, _ = w.Write(append([]byte(r.Method+" "+r.Header.Get("X-Who")+" "), body...))
	}))
	t.Cleanup(srv.Close)
	direct := Vendor(VendorOptions{})
	t.Cleanup(direct.CloseIdleConnections)
	for name, c := range map[string]*http.Client{"direct": direct, "net/http": {Transport: srv.Client().Transport}} {
		for _, tc := range []struct {
			path, after, body string
			status            int
		}{
			{"/", "", "POST me hello", 200},
			{"/busy", "7", "POST me hello", 429},
			{"/long", "", strings.Repeat("x", 100), 200},
			{"/", "", "POST me hello", 200}, // on a connection that the others left in order
		} {
			u, err := url.Parse(srv.URL + tc.path)
			if err != nil {
				t.Fatal(err)
			}
			a, written, err := Post(t.Context(), c, u, http.Header{"X-Who": {"me"}}, []byte("hello"), Exchange{})
			if err != nil || !written {
				t.Fatalf("%s, %s: written %v, %v", name, tc.path, written, err)
			}
			body, _ := a.Body(100)
			if a.Status != tc.status || string(body) != tc.body || tc.after != "" && a.Header("Retry-After") != tc.after {
				t.Errorf("%s, %s: %d %q, Retry-After %q", name, tc.path, a.Status, body, a.Header("Retry-After"))
			}
			a.Close()
		}
	}
}
