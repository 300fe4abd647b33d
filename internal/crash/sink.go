// Package crash proves that nothing is lost and nothing is sent twice: it runs the real binary against
// sinks that count, kills it again and again, and then checks every recipient against what arrived.
package crash

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rapport"
	"rapport/channels/email/emailtest"
	"rapport/channels/telegram/telegramtest"
	"rapport/channels/twilio/twiliotest"
)

// Logins of the sinks.
const (
	twilioSID     = "ACcrash0000000000000000000000000"
	twilioToken   = "crashtoken"
	telegramToken = "42:crash"
	hookSecret    = "whsec_Y3Jhc2hjcmFzaGNyYXNoY3Jhc2hjcmFzaGNyYXNoMTI="
)

// Sinks are the four receivers on loopback. Each counts a message by its recipient half way through the
// latency, so that a kill hits both sides of the moment: taken and not told, told and not recorded.
type Sinks struct {
	Latency time.Duration

	Mail   *emailtest.Sink
	Twilio *twiliotest.Fake
	Bot    *telegramtest.Fake
	Hook   *Hook

	twilioURL, botURL, hookURL string
	web                        atomic.Int64 // messages that came by HTTP
	stop                       []func()

	faults faults // of the three that speak HTTP; the mail server has a script of its own
}

// StartSinks starts all four. Close them.
func StartSinks(latency time.Duration) (*Sinks, error) {
	s := &Sinks{Latency: latency, Twilio: twiliotest.New(twilioSID, twilioToken), Bot: telegramtest.New(telegramToken)}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hookSecret, "whsec_"))
	if err != nil {
		return nil, err
	}
	s.Hook = &Hook{key: key, byPath: map[string]int{}, byID: map[string]int{}, pathOf: map[string]string{}}
	if s.Mail, err = emailtest.Start(emailtest.Options{Latency: latency, Keep: -1}); err != nil {
		return nil, err
	}
	s.stop = append(s.stop, s.Mail.Close)
	for _, x := range []struct {
		channel rapport.Channel
		url     *string
		handler http.Handler
		sends   func(*http.Request) bool
	}{
		{rapport.SMS, &s.twilioURL, s.Twilio, func(r *http.Request) bool { return r.Method == http.MethodPost }},
		{rapport.Telegram, &s.botURL, s.Bot, func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/send") }},
		{rapport.Webhook, &s.hookURL, s.Hook, func(*http.Request) bool { return true }},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.Close()
			return nil, err
		}
		server := &http.Server{Handler: s.faulty(x.channel, x.sends, s.late(x.handler, x.sends)), ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = server.Serve(l) }()
		*x.url = "http://" + l.Addr().String()
		s.stop = append(s.stop, func() { _ = server.Close() })
	}
	return s, nil
}

// Close stops all four.
func (s *Sinks) Close() {
	for _, stop := range s.stop {
		stop()
	}
}

// Total is how many messages arrived so far.
func (s *Sinks) Total() int { return s.Mail.Total() + int(s.web.Load()) }

// late lets a handler act half way through the latency of requests that send something. A caller that is
// gone by then changes nothing: the request had arrived.
func (s *Sinks) late(inner http.Handler, sends func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !sends(r) {
			inner.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return // the caller died while it was still writing: nothing arrived
		}
		time.Sleep(s.Latency / 2)
		r = r.WithContext(context.WithoutCancel(r.Context()))
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := &held{header: http.Header{}, status: http.StatusOK}
		inner.ServeHTTP(answer, r)
		if answer.status < 300 {
			s.web.Add(1)
		}
		time.Sleep(s.Latency - s.Latency/2)
		maps.Copy(w.Header(), answer.header)
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body.Bytes())
	})
}

// held is an answer that is not on the wire yet.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *held) Header() http.Header         { return h.header }
func (h *held) WriteHeader(status int)      { h.status = status }
func (h *held) Write(b []byte) (int, error) { return h.body.Write(b) }

// Address is where recipient n is reached on a channel.
func (s *Sinks) Address(ch rapport.Channel, n int) string {
	switch ch {
	case rapport.Email:
		return fmt.Sprintf("r%d@sink.example", n)
	case rapport.SMS:
		return fmt.Sprintf("+371%08d", 20_000_000+n)
	case rapport.Telegram:
		return strconv.Itoa(1_000_000 + n)
	default:
		return fmt.Sprintf("%s/r/%d", s.hookURL, n)
	}
}

// Count is how often something arrived at an address.
func (s *Sinks) Count(ch rapport.Channel, address string) int {
	switch ch {
	case rapport.Email:
		return s.Mail.Count(address)
	case rapport.SMS:
		return s.Twilio.Count(address)
	case rapport.Telegram:
		chat, err := strconv.ParseInt(address, 10, 64)
		if err != nil {
			return 0
		}
		return s.Bot.Count(chat)
	default:
		return s.Hook.Count(strings.TrimPrefix(address, s.hookURL))
	}
}

// Hook is a receiver of Standard Webhooks: it checks the signature and counts by path and by webhook-id.
type Hook struct {
	key []byte

	mu     sync.Mutex
	byPath map[string]int
	byID   map[string]int
	pathOf map[string]string
	wrong  []error
	total  int
}

// Count is how often something arrived at a path.
func (h *Hook) Count(path string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byPath[path]
}

// Err joins what was wrong with requests: a bad signature, one webhook-id for two receivers.
func (h *Hook) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return errors.Join(h.wrong...)
}

// Total is how many requests were taken.
func (h *Hook) Total() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.total
}

// Repeated is how many requests a receiver that remembers ids would have dropped.
func (h *Hook) Repeated() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, k := range h.byID {
		n += k - 1
	}
	return n
}

func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // late has it in memory
	id := r.Header.Get("webhook-id")
	err := h.check(id, r.Header, body)
	h.mu.Lock()
	defer h.mu.Unlock()
	if p, seen := h.pathOf[id]; err == nil && seen && p != r.URL.Path {
		err = fmt.Errorf("webhook-id %s came to %s and to %s", id, p, r.URL.Path)
	}
	if err != nil {
		h.wrong = append(h.wrong, err)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	h.pathOf[id] = r.URL.Path
	h.byID[id]++
	h.total++
	h.byPath[r.URL.Path]++
	w.WriteHeader(http.StatusNoContent)
}

// check follows https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func (h *Hook) check(id string, header http.Header, body []byte) error {
	stamp := header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return fmt.Errorf("webhook without id or timestamp: %q %q", id, stamp)
	}
	if age := time.Since(time.Unix(seconds, 0)).Abs(); age > 5*time.Minute {
		return fmt.Errorf("webhook %s is signed for %v away", id, age)
	}
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for got := range strings.FieldsSeq(header.Get("webhook-signature")) {
		if hmac.Equal([]byte(got), []byte(want)) {
			return nil
		}
	}
	return fmt.Errorf("webhook %s: the signature is wrong", id)
}
