package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of /proc/<pid>/stat's times: USER_HZ, 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// Meter reads the processor time that one part has used so far.
type Meter struct {
	Part string // app, database, redis
	Name string // the process
	Read func() (time.Duration, error)
}

// processMeter reads a process with many threads: utime + stime, living and ended threads alike.
func processMeter(part, name string, pid int) Meter {
	return Meter{part, name, func() (time.Duration, error) {
		own, _, _, err := procStat(pid)
		return own, err
	}}
}

// familyMeter reads a process and its children: PostgreSQL has one for each connection. What has ended is
// in the parent's cutime + cstime.
func familyMeter(part, name string, pid int) Meter {
	return Meter{part, name, func() (time.Duration, error) {
		_, ended, _, err := procStat(pid)
		if err != nil {
			return 0, err
		}
		sum := ended + exact(pid)
		pids, err := children(pid)
		for _, p := range pids {
			sum += exact(p)
		}
		return sum, err
	}}
}

// selfMeter reads this process.
func selfMeter() Meter {
	return Meter{"bench", "bench", func() (time.Duration, error) {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			return 0, err
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
	}}
}

// exact is the processor time of a process with one thread, to the nanosecond where the kernel tells it: the
// ticks of twenty backends would round away more than they use. 0: it has ended meanwhile.
func exact(pid int) time.Duration {
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid)); err == nil {
		first, _, _ := bytes.Cut(b, []byte(" "))
		if n, err := strconv.ParseInt(string(first), 10, 64); err == nil && n > 0 {
			return time.Duration(n)
		}
	}
	own, _, _, _ := procStat(pid)
	return own
}

// procStat reads /proc/<pid>/stat (proc(5)): utime + stime, cutime + cstime, and the parent.
func procStat(pid int) (own, ended time.Duration, parent int, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, 0, err
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // from state, the third field, on
	if len(f) < 15 {
		return 0, 0, 0, fmt.Errorf("reading /proc/%d/stat: %d fields", pid, len(f))
	}
	var n [4]int64
	for i := range n {
		if n[i], err = strconv.ParseInt(f[11+i], 10, 64); err != nil {
			return 0, 0, 0, fmt.Errorf("reading /proc/%d/stat: %w", pid, err)
		}
	}
	parent, err = strconv.Atoi(f[1])
	return time.Duration(n[0]+n[1]) * tick, time.Duration(n[2]+n[3]) * tick, parent, err
}

func children(of int) (pids []int, err error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		pid, err := strconv.Atoi(filepath.Base(d))
		if err != nil {
			continue
		}
		if _, _, parent, err := procStat(pid); err == nil && parent == of {
			pids = append(pids, pid)
		}
	}
	return pids, err
}

// rss is a process's resident memory now and at its highest, in bytes.
func rss(pid int) (now, peak int64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "VmRSS:":
			now = kb << 10
		case "VmHWM:":
			peak = kb << 10
		}
	}
	return now, peak, err
}

// Usage is processor time by part.
type Usage map[string]time.Duration

func (u Usage) minus(v Usage) Usage {
	d := Usage{}
	for k := range u {
		d[k] = u[k] - v[k]
	}
	return d
}

// server is the sum of everything but the bench itself.
func (u Usage) server() time.Duration { return u["app"] + u["database"] + u["redis"] }

func read(meters []Meter) (Usage, error) {
	u := Usage{}
	for _, m := range meters {
		d, err := m.Read()
		if err != nil {
			return nil, fmt.Errorf("reading the processor time of %s: %w", m.Name, err)
		}
		u[m.Part] += d
	}
	return u, nil
}
