package crash

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Memory is what one process, or the largest of several, holds: resident, in bytes.
type Memory struct{ Now, Peak int64 }

// Memory reads it from the kernel (proc(5), VmRSS and VmHWM).
func (h *Harness) Memory() (m Memory, err error) {
	for _, p := range h.procs {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if err != nil {
			return m, err
		}
		for line := range strings.Lines(string(raw)) {
			f := strings.Fields(line)
			if len(f) < 2 {
				continue
			}
			n, _ := strconv.ParseInt(f[1], 10, 64)
			switch f[0] {
			case "VmRSS:":
				m.Now = max(m.Now, n<<10)
			case "VmHWM:":
				m.Peak = max(m.Peak, n<<10)
			}
		}
	}
	return m, nil
}

// Processor is the processor time that all processes have used so far (proc(5): utime and stime, in hundredths of a
// second on every Linux that Go runs on).
func (h *Harness) Processor() (time.Duration, error) {
	sum := time.Duration(0)
	for _, p := range h.procs {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		if err != nil {
			return 0, err
		}
		f := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
		if len(f) < 13 {
			return 0, fmt.Errorf("/proc/%d/stat has %d fields", p.cmd.Process.Pid, len(f))
		}
		for _, b := range f[11:13] {
			n, err := strconv.ParseInt(string(b), 10, 64)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return sum, nil
}

// Pids are the processes, the API first.
func (h *Harness) Pids() []int {
	var out []int
	for _, p := range h.procs {
		out = append(out, p.cmd.Process.Pid)
	}
	return out
}
