//go:build !unix

package httpx

import "net"

type probe struct{}

func newProbe(net.Conn) probe { return probe{} }

// alive cannot be found out here. A request on a connection that the other side has closed ends in doubt.
func (c *kept) alive() bool { return true }
