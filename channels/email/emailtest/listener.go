package emailtest

import (
	"bytes"
	"net"
	"strings"
	"sync"
)

// listener keeps the connections it has accepted, to close them and to change what the server says on them.
type listener struct {
	net.Listener
	noPipelining bool

	mu       sync.Mutex
	accepted int
	conns    map[net.Conn]struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted++
	l.conns[c] = struct{}{}
	return &conn{Conn: c, of: l}, nil
}

func (l *listener) count() (accepted, open int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted, len(l.conns)
}

func (l *listener) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Close()
	}
	clear(l.conns)
}

// conn stands between go-smtp and the network, for what go-smtp cannot be told to do.
type conn struct {
	net.Conn
	of *listener

	mu   sync.Mutex
	data *Rule // what comes instead of 354
}

func (c *conn) instead(r Rule) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data = &r
}

// Write sees one line of a reply at a time, because go-smtp flushes each.
func (c *conn) Write(p []byte) (int, error) {
	if c.of.noPipelining && bytes.Equal(p, []byte("250-PIPELINING\r\n")) {
		return len(p), nil
	}
	c.mu.Lock()
	rule := c.data
	if bytes.HasPrefix(p, []byte("354 ")) {
		c.data = nil
	} else {
		rule = nil
	}
	c.mu.Unlock()
	if rule == nil {
		return c.Conn.Write(p)
	}
	switch {
	case rule.Cut:
		c.reset()
	case rule.Reply != "":
		_, _ = c.Conn.Write([]byte(strings.ReplaceAll(rule.Reply, "\n", "\r\n") + "\r\n"))
		_ = c.Close()
	}
	return len(p), nil
}

func (c *conn) Close() error {
	c.of.mu.Lock()
	delete(c.of.conns, c.Conn)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// reset closes the connection so that what the client still sends fails.
func (c *conn) reset() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
