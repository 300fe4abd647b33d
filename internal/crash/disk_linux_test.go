package crash_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rapport"
	"rapport/internal/crash"
)

// room is a way to take the room for the database away from a running process, and to give it back.
type room struct {
	name string
	dir  func(t *testing.T, dir string) bool // before the start; false: not possible here
	take func(h *crash.Harness) error
	give func(h *crash.Harness) error
}

// rooms are two: the kernel's limit on the size of a process's files, for which no rights are needed, and a file system of 48 MB,
// where we may mount one. The errors differ (EFBIG, ENOSPC), what is owed does not.
func rooms(t *testing.T) []room {
	hog := ""
	return []room{
		{"files may not grow", func(*testing.T, string) bool { return true },
			func(h *crash.Harness) error { return limitFiles(h, 64<<10) },
			func(h *crash.Harness) error { return limitFiles(h, unix.RLIM_INFINITY) }},
		{"file system full", func(t *testing.T, dir string) bool {
			data := filepath.Join(dir, "data")
			if os.Mkdir(data, 0o700) != nil || syscall.Mount("tmpfs", data, "tmpfs", 0, "size=48m,mode=0700") != nil {
				return false
			}
			hog = filepath.Join(data, "hog")
			t.Cleanup(func() { _ = syscall.Unmount(data, syscall.MNT_DETACH) })
			return true
		},
			func(*crash.Harness) error {
				f, err := os.Create(hog)
				if err != nil {
					return err
				}
				defer f.Close()
				for piece := make([]byte, 4096); err == nil; {
					_, err = f.Write(piece)
				}
				return nil
			},
			func(*crash.Harness) error { return os.Remove(hog) }},
	}
}

func limitFiles(h *crash.Harness, bytes uint64) error {
	for _, pid := range h.Pids() {
		if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, nil); err != nil {
			return err
		}
	}
	return nil
}

// A disk without room: what was accepted stays, requests get a clean 503, readiness says so, nothing is half there,
// and once there is room everything goes on by itself.
func TestCrash_DiskFull(t *testing.T) {
	for _, room := range rooms(t) {
		t.Run(room.name, func(t *testing.T) {
			t.Parallel()
			r, _ := base(t)
			r.Messages, r.Latency, r.Window = 800, 40*time.Millisecond, 8
			if !room.dir(t, r.Dir) {
				t.Logf("crash: %s: not possible here without the right to mount; the other way stands for it", t.Name())
				return
			}
			h := start(t, r)
			if err := h.Launch(t.Context()); err != nil { // accepted while there is room
				t.Fatal(err)
			}
			if err := room.take(h); err != nil {
				t.Fatal(err)
			}
			full := time.Now()
			ask := func(n int) (int, http.Header) {
				status, header, err := h.Ask(t.Context(), http.MethodPost, "/v1/messages", map[string]any{"purpose": "transactional", "template": "crash", "to": map[string]any{
					"external_id": fmt.Sprintf("d-%d", n), "name": strings.Repeat("n", 200), "data": map[string]any{"n": n}, "addresses": []any{map[string]any{"channel": "webhook", "address": h.Sinks.Address(rapport.Webhook, 5000+n)}}}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				return status, header
			}
			ready := func() int {
				status, _, err := h.Ask(t.Context(), http.MethodGet, "/readyz", nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				return status
			}
			accepted, refused, red := map[int]bool{}, 0, time.Duration(0)
			n := 0
			for ; time.Since(full) < 6*time.Second; n++ {
				switch status, header := ask(n); {
				case status == http.StatusAccepted:
					accepted[n] = true
				case status == http.StatusServiceUnavailable && header.Get("Retry-After") != "":
					refused++
				default:
					t.Fatalf("a full disk is answered with %d", status)
				}
				if red == 0 && ready() != http.StatusOK {
					red = time.Since(full)
				}
				time.Sleep(50 * time.Millisecond)
			}
			if err := room.give(h); err != nil {
				t.Fatal(err)
			}
			again := time.Now()
			for ; ; n++ {
				status, _ := ask(n)
				if status == http.StatusAccepted {
					accepted[n] = true
					if ready() == http.StatusOK {
						break
					}
				}
				if time.Since(again) > 15*time.Second {
					t.Fatalf("there is room again since 15 s: requests get %d, readiness %d", status, ready())
				}
				time.Sleep(50 * time.Millisecond)
			}
			back := time.Since(again)
			if err := h.Finished(t.Context(), 40*time.Second); err != nil {
				t.Fatal(err)
			}
			out, err := h.Outcomes(t.Context(), rapport.Webhook)
			if err != nil {
				t.Fatal(err)
			}
			half := 0
			for k := range n + 1 {
				o, row := out[h.Sinks.Address(rapport.Webhook, 5000+k)]
				if row != accepted[k] || row && (o.State != rapport.Sent || o.Came != 1) {
					t.Errorf("message %d: accepted %t, row %t, %v", k, accepted[k], row, o)
					half++
				}
			}
			campaign := 0
			for _, ch := range []rapport.Channel{rapport.Email, rapport.SMS, rapport.Telegram, rapport.Webhook} {
				out, err := h.Outcomes(t.Context(), ch)
				if err != nil {
					t.Fatal(err)
				}
				for i := range r.Messages {
					if o, ok := out[h.Sinks.Address(ch, i)]; ok {
						if campaign++; o.State != rapport.Sent || o.Came != 1 {
							t.Errorf("recipient %d by %s: %v", i, ch, o)
						}
					}
				}
			}
			if campaign != r.Messages {
				t.Errorf("%d rows of %d that were accepted", campaign, r.Messages)
			}
			t.Logf("crash: %s: seed %d: %d messages accepted before, %d while there was no room, %d refused with 503; readiness red after %v; accepting again %v after there was room; lost 0, half written %d, all sent",
				t.Name(), r.Seed, r.Messages, len(accepted), refused, red.Round(time.Millisecond), back.Round(time.Millisecond), half)
			if refused == 0 || red == 0 {
				t.Errorf("the disk was full for 6 s: %d refused, readiness red after %v", refused, red)
			}
		})
	}
}
