// Package e2e drives the built binary as its users do: over HTTP, with the command line, and through a
// real mail server.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Binary is the program under test: the one that scripts/test.sh built, else one built now.
var Binary = sync.OnceValues(func() (string, error) {
	if b := os.Getenv("RAPPORT_TEST_BIN"); b != "" {
		return b, nil
	}
	dir, err := os.MkdirTemp("", "rapport-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "rapport")
	out, err := exec.Command("go", "build", "-o", path, "rapport/cmd/rapport").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	return path, nil
})

// Installation is one set of processes over one database.
type Installation struct {
	t    *testing.T
	env  []string
	dir  string
	URL  string
	Key  string
	mu   sync.Mutex
	runs []*process
}

type process struct {
	cmd *exec.Cmd
	log string
	end chan struct{}

	killed bool
}

// Install prepares an installation; settings are RAPPORT_ variables ("DATABASE_URL=..."). Its processes
// end with the test, whose failure shows the ends of their logs.
func Install(t *testing.T, settings ...string) *Installation {
	t.Helper()
	in := &Installation{t: t, dir: t.TempDir()}
	addr := freeAddr(t)
	in.URL = "http://" + addr
	in.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + in.dir, "TMPDIR=" + os.TempDir(), "RAPPORT_HTTP_ADDR=" + addr, "RAPPORT_PUBLIC_URL=" + in.URL, "RAPPORT_METRICS_ADDR=", "RAPPORT_DATA_DIR=" + filepath.Join(in.dir, "data")}
	for _, s := range settings {
		in.env = append(in.env, "RAPPORT_"+s)
	}
	t.Cleanup(in.stopAll)
	return in
}

// Start runs one process of a role and waits, when it has an API, until that answers.
func (in *Installation) Start(role string) *process {
	in.t.Helper()
	bin, err := Binary()
	if err != nil {
		in.t.Fatal(err)
	}
	p := &process{log: filepath.Join(in.dir, fmt.Sprintf("%s-%d.log", role, len(in.runs))), end: make(chan struct{})}
	f, err := os.Create(p.log)
	if err != nil {
		in.t.Fatal(err)
	}
	p.cmd = exec.Command(bin, role)
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = in.env, in.dir, f, f
	if err := p.cmd.Start(); err != nil {
		in.t.Fatal(err)
	}
	go func() { p.cmd.Wait(); f.Close(); close(p.end) }()
	in.mu.Lock()
	in.runs = append(in.runs, p)
	in.mu.Unlock()
	if role == "worker" {
		return p
	}
	in.Wait(30*time.Second, role+" answers", func() bool {
		select {
		case <-p.end:
			in.t.Fatalf("%s ended at its start", role)
		default:
		}
		r, err := http.Get(in.URL + "/readyz")
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return p
}

// kill ends a process as a crash does.
func (in *Installation) kill(p *process) {
	in.mu.Lock()
	defer in.mu.Unlock()
	p.killed = true
	p.cmd.Process.Kill()
	<-p.end
}

// Run runs a command of the binary against this installation and returns what it printed.
func (in *Installation) Run(args ...string) (stdout string, err error) {
	in.t.Helper()
	bin, err := Binary()
	if err != nil {
		in.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = append(in.env, "RAPPORT_URL="+in.URL, "RAPPORT_API_KEY="+in.Key), in.dir, &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("rapport %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// NewKey makes an API key with every scope.
func (in *Installation) NewKey() {
	in.t.Helper()
	out, err := in.Run("keys", "create", "--name", "e2e", "--scopes", "*")
	if err != nil {
		in.t.Fatal(err)
	}
	in.Key = strings.TrimSpace(out)
}

// Call sends a request with the key and decodes the answer into out (nil: not).
func (in *Installation) Call(method, path string, body, out any) (status int) {
	in.t.Helper()
	var r io.Reader
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case io.Reader:
		r, contentType = b, "text/csv"
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			in.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, in.URL+path, r)
	if err != nil {
		in.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+in.Key)
	req.Header.Set("Content-Type", contentType)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		in.t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			in.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, raw)
		}
	}
	if res.StatusCode >= 300 && out == nil {
		in.t.Logf("%s %s: %d %s", method, path, res.StatusCode, raw)
	}
	return res.StatusCode
}

// Must is Call for what has to succeed.
func (in *Installation) Must(method, path string, body, out any) {
	in.t.Helper()
	var raw json.RawMessage
	status := in.Call(method, path, body, &raw)
	if status >= 300 {
		in.t.Fatalf("%s %s: %d %s", method, path, status, raw)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			in.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
}

// Wait polls until ok, or fails.
func (in *Installation) Wait(limit time.Duration, what string, ok func() bool) {
	in.t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	in.t.Fatalf("after %s still not: %s", limit, what)
}

func (in *Installation) stopAll() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, p := range in.runs {
		p.cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, p := range in.runs {
		select {
		case <-p.end:
		case <-time.After(70 * time.Second):
			p.cmd.Process.Kill()
			<-p.end
			in.t.Errorf("%s did not end on SIGTERM", filepath.Base(p.log))
		}
		if code := p.cmd.ProcessState.ExitCode(); code != 0 && !p.killed {
			in.t.Errorf("%s ended with %d", filepath.Base(p.log), code)
		}
		if in.t.Failed() {
			b, _ := os.ReadFile(p.log)
			in.t.Logf("the end of %s:\n%s", filepath.Base(p.log), b[max(0, len(b)-6000):])
		}
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
