//go:build !linux

package crash

import "syscall"

// dieWithUs: only Linux can promise it.
func dieWithUs() *syscall.SysProcAttr { return nil }
