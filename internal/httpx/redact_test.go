package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rapport/internal/fuzzing"
	"rapport/internal/httpx"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	const token = "123456:AAH-secret/with+slash"
	for _, tt := range []struct{ name, text, want string }{
		{"query", `Post "https://example.com/hook?key=s3cret": EOF`, `Post "https://example.com/hook?[redacted]": EOF`},
		{"user info", "https://bob:s3cret@example.com/x", "https://[redacted]@example.com/x"},
		{"password with slash", "https://bob:s3c/ret@example.com/x", "https://[redacted]"},
		{"password with question mark", "https://bob:s3c?ret@example.com/x", "https://[redacted]"},
		{"fragment", "https://example.com/#s3cret", "https://example.com/#[redacted]"},
		{"two URLs", "from http://a.example/?s3cret to ftp://b:s3cret@c.example", "from http://a.example/?[redacted] to ftp://[redacted]@c.example"},
		{"port stays", "http://[::1]:80/x and http://a.example:80/x", "http://[::1]:80/x and http://a.example:80/x"},
		{"token in the path", "https://api.telegram.org/bot" + token + "/sendMessage", "https://api.telegram.org/bot[redacted]/sendMessage"},
		{"token escaped", "bot" + url.PathEscape(token) + " " + url.QueryEscape(token), "bot[redacted] [redacted]"},
		{"nothing to hide", "connection refused", "connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := httpx.Redact(errors.New(tt.text), token, "").Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	for _, tt := range []struct {
		name, text string
		secrets    []string
		want       string
	}{
		{"secrets within what stands for others", "password hunter2 at red.example", []string{"hunter2", "redacted", "acte"}, "password [redacted] at red.example"},
		{"one within another", "the key is swordfish", []string{"sword", "swordfish"}, "the key is [redacted]"},
		{"too short to hide", "a port of the relay is closed", []string{"a", "re", "rel"}, "a port of the relay is closed"},
	} {
		if got := httpx.Redact(errors.New(tt.text), tt.secrets...).Error(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	if httpx.Redact(nil, "x") != nil {
		t.Error("nil became an error")
	}
}

func TestRedact_RealErrorKeepsMeaningAndLosesSecret(t *testing.T) {
	t.Parallel()
	srv := rawServer(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	client := httpx.Vendor(httpx.VendorOptions{Timeout: 50 * time.Millisecond})
	_, err := client.Get(srv + "/bot42:t0ken/getMe?key=s3cret")
	if err == nil || !strings.Contains(err.Error(), "t0ken") {
		t.Fatalf("the test needs an error that shows the token, got %v", err)
	}
	got := fmt.Errorf("asking the bot: %w", httpx.Redact(err, "42:t0ken"))
	for _, text := range []string{got.Error(), fmt.Sprintf("%+v", got), fmt.Sprintf("%q", got)} {
		if strings.Contains(text, "t0ken") || strings.Contains(text, "s3cret") {
			t.Errorf("shows the secret: %s", text)
		}
	}
	var timeout net.Error
	if !errors.Is(got, context.DeadlineExceeded) || !errors.As(got, &timeout) || !timeout.Timeout() {
		t.Error("no longer known as a time-out")
	}
	var inner *url.Error
	if errors.As(got, &inner) {
		t.Error("the URL can be taken out")
	}
	_, err = httpx.Guarded(httpx.Options{}).Get("https://10.0.0.1/?key=s3cret")
	if got := httpx.Redact(err); !errors.Is(got, httpx.ErrRefused) || strings.Contains(got.Error(), "s3cret") {
		t.Errorf("got %v", got)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("host.example", "/p", "k=v")
	f.Add("[::1]:8080", "", "")
	f.Fuzz(func(t *testing.T, host, path, query string) {
		defer fuzzing.Budget(t)()
		// A marker stands where secrets stand in a URL that net/http could have reported.
		u := url.URL{Scheme: "https", User: url.UserPassword("u", "MARKER"), Host: host, Path: path, RawQuery: query + "&MARKER"}
		parsed, err := url.Parse(u.String())
		if err != nil || strings.Contains(host+path+query, "MARKER") {
			return
		}
		err = &url.Error{Op: http.MethodPost, URL: parsed.String(), Err: io.EOF}
		if got := httpx.Redact(err).Error(); strings.Contains(got, "MARKER") {
			t.Errorf("%s\nfrom %s", got, err)
		}
	})
}
