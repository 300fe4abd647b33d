//go:build !unix

package httpx

import "net"

// alive is not known here; a request on a connection that the other side has closed ends in doubt.
func alive(net.Conn) bool { return true }
