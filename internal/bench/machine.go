package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Machine is where the figures were made: without it they mean little.
type Machine struct {
	At        time.Time `json:"at"`
	Processor string    `json:"processor"`
	Cores     int       `json:"cores"`
	MemoryGiB float64   `json:"memory_gib"`
	Kernel    string    `json:"kernel"`
	Go        string    `json:"go"`
	Commit    string    `json:"commit"`
	Binary    string    `json:"binary"` // its version
	Disk      string    `json:"disk"`   // where SQLite and the fresh directories stand
	Fsync     float64   `json:"fsync_us"`
	Load      [2]string `json:"load"` // before and after: whoever else was at work
}

func machine(bin, dir string) (Machine, error) {
	m := Machine{At: time.Now().UTC().Truncate(time.Second), Cores: runtime.NumCPU(), Go: runtime.Version(), Disk: dir}
	m.Processor = after("/proc/cpuinfo", "model name")
	var kb float64
	if _, err := fmt.Sscan(after("/proc/meminfo", "MemTotal"), &kb); err == nil {
		m.MemoryGiB = float64(int(kb/(1<<20)*10)) / 10
	}
	m.Kernel = strings.TrimSpace(content("/proc/sys/kernel/osrelease"))
	if out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12").Output(); err == nil {
		m.Commit = strings.TrimSpace(string(out))
	}
	out, err := exec.Command(bin, "version").Output()
	if err != nil {
		return m, fmt.Errorf("asking the binary for its version: %w", err)
	}
	m.Binary = strings.TrimSpace(string(out))
	m.Load[0] = load()
	m.Fsync, err = fsync(dir)
	return m, err
}

func load() string { f, _, _ := strings.Cut(content("/proc/loadavg"), " "); return f }

// fsync is what one costs here, in µs: the mean of 50 after a write of 4 KiB. Commits wait for it.
func fsync(dir string) (float64, error) {
	f, err := os.CreateTemp(dir, "fsync")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	begin := time.Now()
	for range 50 {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(begin).Microseconds()) / 50, nil
}

// after is what a line "name : value" of a file says.
func after(path, name string) string {
	for line := range strings.Lines(content(path)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func content(path string) string {
	b, _ := os.ReadFile(path) // another system has other files: the head says less there
	return string(b)
}
