package crash

import "syscall"

// dieWithUs keeps a test that is killed from leaving servers behind.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
