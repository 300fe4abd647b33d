package crash

import (
	"io"
	"net"
	"sync"
	"time"
)

// Front stands before a server: it lets connections through to whoever is behind it, or plays a tarpit.
type Front struct {
	l net.Listener

	mu     sync.Mutex
	behind string // host:port; "": a tarpit
	open   map[net.Conn]bool
}

// StartFront starts one before behind. Close it.
func StartFront(behind string) (*Front, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Front{l: l, behind: behind, open: map[net.Conn]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(c)
		}
	}()
	return f, nil
}

// Host and Port are where it listens.
func (f *Front) Host() string { return "127.0.0.1" }
func (f *Front) Port() int    { return f.l.Addr().(*net.TCPAddr).Port }

// Put puts another server behind it, or the tarpit: "". Open connections end.
func (f *Front) Put(behind string) {
	f.mu.Lock()
	f.behind = behind
	open := f.open
	f.open = map[net.Conn]bool{}
	f.mu.Unlock()
	for c := range open {
		_ = c.Close()
	}
}

// Close stops listening and ends all connections.
func (f *Front) Close() {
	_ = f.l.Close()
	f.Put("")
}

func (f *Front) serve(c net.Conn) {
	defer c.Close()
	f.mu.Lock()
	behind := f.behind
	f.open[c] = true
	f.mu.Unlock()
	defer func() { f.mu.Lock(); delete(f.open, c); f.mu.Unlock() }()
	if behind == "" {
		// A tarpit greets a byte a second, as if it had all the time of the world.
		for _, b := range []byte("220 sink.example welcomes you, and asks for your patience\r\n") {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
		return
	}
	s, err := net.Dial("tcp", behind)
	if err != nil {
		return
	}
	defer s.Close()
	go func() { _, _ = io.Copy(s, c); _ = s.Close() }()
	_, _ = io.Copy(c, s)
}
