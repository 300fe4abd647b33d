//go:build unix

package httpx

import (
	"net"
	"syscall"
)

// probe asks a connection whether it is open and silent.
type probe struct {
	raw    syscall.RawConn // nil: it cannot be asked
	look   func(fd uintptr)
	silent *bool
}

func newProbe(c net.Conn) probe {
	s, ok := c.(syscall.Conn)
	if !ok {
		return probe{}
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return probe{}
	}
	silent := new(bool)
	return probe{raw: raw, silent: silent, look: func(fd uintptr) {
		var b [1]byte
		_, err := syscall.Read(int(fd), b[:]) // never waits: Go's sockets are non-blocking
		*silent = err == syscall.EAGAIN
	}}
}

// alive tells whether an idle connection is still open and silent. It costs one system call; without it a
// request on a connection that the other side has closed ends in doubt.
func (c *kept) alive() bool {
	p := c.probe
	if p.raw == nil {
		return true
	}
	*p.silent = false
	return p.raw.Control(p.look) == nil && *p.silent
}
