//go:build unix

package httpx

import (
	"net"
	"syscall"
)

// alive tells whether an idle connection is still open and silent. It costs one system call; without it a
// request on a connection that the other side has closed ends in doubt.
func alive(c net.Conn) bool {
	s, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	silent := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, err := syscall.Read(int(fd), b[:]) // never waits: Go's sockets are non-blocking
		silent = err == syscall.EAGAIN
	})
	return err == nil && silent
}
