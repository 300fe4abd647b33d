package httpx_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"rapport/internal/httpx"
)

// oneAtATime serves at address, each answer when release is told so.
func oneAtATime(t *testing.T) (address *url.URL, asked *atomic.Int32, release chan struct{}) {
	t.Helper()
	release = make(chan struct{})
	raw, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the client has gone
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusNoContent)
	})
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u, asked, release
}

// reaches waits until n is at least want.
func reaches(t *testing.T, n *atomic.Int32, want int32) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); n.Load() < want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after ten seconds %d, want %d", n.Load(), want)
		}
	}
}

func TestPost_WireIsCalledBeforeTheFirstByteAndOnlyWithAConnection(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]*http.Client{
		"direct":   httpx.Vendor(httpx.VendorOptions{MaxConnsPerHost: 1}),
		"net/http": {Transport: &http.Transport{MaxConnsPerHost: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(client.CloseIdleConnections)
			u, asked, release := oneAtATime(t)
			done := make(chan error, 1)
			go func() {
				a, _, err := httpx.Post(t.Context(), client, u, http.Header{}, []byte("x"), httpx.Exchange{Wire: func() {
					time.Sleep(20 * time.Millisecond)
					if n := asked.Load(); n != 0 {
						t.Errorf("the server had %d requests before the wire was announced", n)
					}
				}})
				if err == nil {
					a.Close()
				}
				done <- err
			}()
			reaches(t, asked, 1)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, written, err := httpx.Post(ctx, client, u, http.Header{}, []byte("x"), httpx.Exchange{Wire: func() { t.Error("announced without a connection") }})
			if err == nil || written {
				t.Errorf("the only connection was taken: written=%v err=%v", written, err)
			}
			close(release)
			if err := <-done; err != nil {
				t.Error(err)
			}
			if n := asked.Load(); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// A message that had to wait for its turn has as long for its exchange as any other.
func TestPost_WaitingForAConnectionIsNotPartOfItsTimeout(t *testing.T) {
	t.Parallel()
	u, asked, release := oneAtATime(t)
	client := httpx.Vendor(httpx.VendorOptions{MaxConnsPerHost: 1})
	t.Cleanup(client.CloseIdleConnections)
	const timeout = time.Second
	errs := make(chan error, 3)
	for range 3 {
		go func() {
			a, _, err := httpx.Post(t.Context(), client, u, http.Header{}, []byte("x"), httpx.Exchange{Timeout: timeout})
			if err == nil {
				a.Close()
			}
			errs <- err
		}()
	}
	for i := range 3 {
		reaches(t, asked, int32(i+1))
		time.Sleep(timeout * 5 / 8) // the third begins when all would have had to end
		select {
		case release <- struct{}{}:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody waits for an answer any more")
		}
		if err := <-errs; err != nil {
			t.Errorf("answer %d: %v", i, err)
		}
	}
	begin := time.Now()
	_, written, err := httpx.Post(t.Context(), client, u, http.Header{}, []byte("x"), httpx.Exchange{Timeout: timeout})
	if took := time.Since(begin); err == nil || !written || took > 10*time.Second {
		t.Errorf("no answer came: written=%v err=%v after %v", written, err, took)
	}
}
