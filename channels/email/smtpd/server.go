// Package smtpd is the receiving half of SMTP (RFC 5321) or LMTP (RFC 2033), for recipients that are known beforehand.
// It relays nothing, knows no login, and says 250 to a message only after Deliver has stored it.
//
// It is strict about what ends a message: <CR><LF>.<CR><LF> and nothing else, and what follows a message that was
// refused half-way is never read as commands. go-smtp's server (v0.25.0, which the tests' sink uses) always offers
// CHUNKING and reads the chunk after a refused BDAT as commands, does so with the rest of an LMTP message that is too
// large, and hangs up on a message with a line of more than 2000 bytes; a stranger could speak through an honest relay.
package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Server takes connections. Its fields are set before Serve and not changed.
type Server struct {
	Name          string      // by which it greets
	LMTP          bool        // LHLO, and one answer a recipient
	TLS           *tls.Config // offered with STARTTLS; nil: not
	RequireTLS    bool        // nothing is taken in clear text
	MaxSize       int64       // bytes of a message, announced as SIZE
	MaxRecipients int         // of a message
	MaxConns      int         // open at once
	MaxPerHost    int         // of these from one host (IPv6: one /64); 0: no limit of its own
	Rate          int         // messages a minute from one host; 0: no limit
	Patience      time.Duration

	// Accepts tells whether a recipient is ours. Everybody else is refused, before the message.
	Accepts func(recipient string) bool
	// Deliver stores a message, whose lines end as they came. nil: the sender is told that it is taken. A *Refusal is
	// its answer; after any other error the sender is asked to try again. It may be called many times at once.
	Deliver func(ctx context.Context, e Envelope, raw []byte) error
	Log     *slog.Logger
}

// Envelope is how a message came.
type Envelope struct {
	From string   // "": the null sender, of bounces
	To   []string // each accepted
	Helo string
	Host netip.Addr // not valid over a unix socket
	With string     // as in Received: SMTP, ESMTP, ESMTPS, LMTP, LMTPS, with UTF8 before (RFC 3848, RFC 6531)
}

// Refusal is a final answer, such as "554 5.4.6 Too many hops".
type Refusal struct{ Answer string }

func (r *Refusal) Error() string { return r.Answer }

const (
	patience    = 2 * time.Minute  // for each read; RFC 5321 §4.5.3.2 asks for 5, which strangers need not get
	dataTime    = 10 * time.Minute // for a whole message
	grace       = 10 * time.Second // for messages under way when Serve is to end
	largeAtOnce = 4                // messages above a MiB in memory
)

// house is what the connections of one Serve share.
type house struct {
	*Server
	ctx   context.Context // ends when grace is over
	large chan struct{}

	mu       sync.Mutex
	leaving  bool
	sessions map[*session]struct{}
	perHost  map[netip.Addr]int
	minute   time.Time // that counts is of
	counts   map[netip.Addr]int
}

// Serve takes connections on l until ctx ends. Then it closes l, lets messages under way end within ten seconds, and
// returns nil.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	h := &house{Server: s, ctx: lasting, large: make(chan struct{}, largeAtOnce), sessions: map[*session]struct{}{}, perHost: map[netip.Addr]int{}}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var all sync.WaitGroup
	err := h.accept(ctx, l, &all)
	_ = l.Close()
	h.leave()
	late := time.AfterFunc(grace, func() { cancel(); h.hangUp() })
	all.Wait()
	late.Stop()
	return err
}

func (h *house) accept(ctx context.Context, l net.Listener, all *sync.WaitGroup) error {
	for rest := time.Duration(0); ; {
		c, err := l.Accept()
		if ctx.Err() != nil {
			if c != nil {
				_ = c.Close()
			}
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil { // the machine's files or memory are used up for the moment
			rest = min(max(2*rest, 10*time.Millisecond), time.Second)
			h.Log.Warn("accepting a mail connection", "error", err)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(rest):
			}
			continue
		}
		rest = 0
		se := newSession(h, c)
		if answer := h.enter(se); answer != "" {
			_ = c.SetDeadline(time.Now().Add(time.Second))
			_, _ = c.Write([]byte(answer + "\r\n"))
			_ = c.Close()
			continue
		}
		all.Go(func() {
			defer h.exit(se)
			se.serve()
		})
	}
}

// enter finds a place for a connection; else it returns what to say.
func (h *house) enter(s *session) (answer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.leaving:
		return "421 4.3.2 " + h.Name + " is closing"
	case len(h.sessions) >= h.MaxConns:
		return "421 4.3.2 Too many connections, try again later"
	case h.MaxPerHost > 0 && s.host.IsValid() && h.perHost[s.host] >= h.MaxPerHost:
		return "421 4.7.0 Too many connections from your address, try again later"
	}
	h.sessions[s] = struct{}{}
	h.perHost[s.host]++
	return ""
}

func (h *house) exit(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, s)
	if h.perHost[s.host]--; h.perHost[s.host] == 0 {
		delete(h.perHost, s.host)
	}
}

// slowDown counts a message of a host, and tells whether it is one too many in this minute.
func (h *house) slowDown(host netip.Addr) bool {
	if h.Rate == 0 || !host.IsValid() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); h.counts == nil || now.Sub(h.minute) >= time.Minute {
		h.minute, h.counts = now, map[netip.Addr]int{}
	}
	h.counts[host]++ // as many hosts as can connect in a minute: bounded by MaxConns and the handshake
	return h.counts[host] > h.Rate
}

func (h *house) leave() {
	h.mu.Lock()
	h.leaving = true
	sessions := make([]*session, 0, len(h.sessions))
	for s := range h.sessions {
		sessions = append(sessions, s)
	}
	h.mu.Unlock()
	for _, s := range sessions {
		s.leave()
	}
}

func (h *house) hangUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.sessions {
		_ = s.raw.Close()
	}
}

// hostOf is the address that limits count: one IPv4 address, or the /64 that one customer of an IPv6 network has.
func hostOf(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	host := t.AddrPort().Addr().Unmap().WithZone("")
	if host.Is6() {
		if p, err := host.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return host
}
