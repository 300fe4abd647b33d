package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Binary is the program under test: the one that RAPPORT_TEST_BIN names, else one built now into dir.
func Binary(dir string) (string, error) {
	if b := os.Getenv("RAPPORT_TEST_BIN"); b != "" {
		return b, nil
	}
	path := filepath.Join(dir, "rapport")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "rapport/cmd/rapport")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	return path, nil
}

// Installation is one set of processes over one database.
type Installation struct {
	bin   string
	env   []string
	dir   string
	URL   string
	Key   string
	http  *http.Client
	runs  []*process
	Pprof []string // role and address of each process's /debug/pprof
}

type process struct {
	role string
	cmd  *exec.Cmd
	log  string
	end  chan struct{}
}

// Install prepares an installation in dir; settings are RAPPORT_ variables ("DATABASE_URL=...").
func Install(bin, dir string, settings ...string) (*Installation, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	in := &Installation{bin: bin, dir: dir, URL: "http://" + addr}
	in.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 5 * time.Minute}
	in.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.TempDir(), "RAPPORT_HTTP_ADDR=" + addr, "RAPPORT_PUBLIC_URL=" + in.URL,
		"RAPPORT_DATA_DIR=" + filepath.Join(dir, "data"), "RAPPORT_LOG_FORMAT=json"}
	for _, name := range []string{"GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG"} {
		if v, ok := os.LookupEnv(name); ok {
			in.env = append(in.env, name+"="+v)
		}
	}
	for _, s := range settings {
		in.env = append(in.env, "RAPPORT_"+s)
	}
	return in, nil
}

// Start runs one process of a role and waits, when it has an API, until that answers.
func (in *Installation) Start(role string) error {
	metrics, err := freeAddr()
	if err != nil {
		return err
	}
	p := &process{role: role, log: filepath.Join(in.dir, fmt.Sprintf("%s-%d.log", role, len(in.runs))), end: make(chan struct{})}
	f, err := os.Create(p.log)
	if err != nil {
		return err
	}
	p.cmd = exec.Command(in.bin, role)
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = append(in.env, "RAPPORT_METRICS_ADDR="+metrics), in.dir, f, f
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() { _ = p.cmd.Wait(); f.Close(); close(p.end) }()
	in.runs = append(in.runs, p)
	in.Pprof = append(in.Pprof, role+" http://"+metrics+"/debug/pprof/")
	url := "http://" + metrics + "/readyz"
	if role != "worker" {
		url = in.URL + "/readyz"
	}
	err = Wait(30*time.Second, role+" answers", func() (bool, error) {
		if err := in.Alive(); err != nil {
			return false, err
		}
		r, err := http.Get(url)
		if err != nil {
			return false, nil
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK, nil
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, p.tail())
	}
	return nil
}

// Alive is an error once a process has ended by itself.
func (in *Installation) Alive() error {
	for _, p := range in.runs {
		select {
		case <-p.end:
			return fmt.Errorf("%s has ended: %s\n%s", p.role, p.cmd.ProcessState, p.tail())
		default:
		}
	}
	return nil
}

func (p *process) tail() string {
	b, _ := os.ReadFile(p.log)
	return string(b[max(0, len(b)-3000):])
}

// Complaints are the warnings and errors that the processes have logged, at most some.
func (in *Installation) Complaints() (out []string) {
	for _, p := range in.runs {
		b, _ := os.ReadFile(p.log)
		for line := range strings.Lines(string(b)) {
			var l struct{ Level, Msg, Error string }
			if json.Unmarshal([]byte(line), &l) == nil && (l.Level == "WARN" || l.Level == "ERROR") {
				out = append(out, strings.TrimSpace(p.role+": "+l.Msg+" "+l.Error))
			}
		}
	}
	if len(out) > 10 {
		out = append(out[:10], fmt.Sprintf("and %d more", len(out)-10))
	}
	return out
}

// Run runs a command of the binary against this installation and returns what it printed.
func (in *Installation) Run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, in.bin, args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = in.env, in.dir, &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("rapport %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// NewKey makes an API key with every scope.
func (in *Installation) NewKey() error {
	out, err := in.Run("keys", "create", "--name", "bench", "--scopes", "*")
	in.Key = strings.TrimSpace(out)
	return err
}

// Call sends a request with the key and decodes the answer into out (nil: not). A body of bytes is sent as
// it is, anything else as JSON.
func (in *Installation) Call(method, path string, body, out any) error {
	raw, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	contentType := "application/json"
	switch {
	case strings.HasSuffix(path, "/recipients"), strings.HasSuffix(path, "/import"):
		contentType = "application/x-ndjson"
	case strings.HasPrefix(path, "/v1/files"):
		contentType = "application/octet-stream"
	}
	req, err := http.NewRequest(method, in.URL+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+in.Key)
	req.Header.Set("Content-Type", contentType)
	res, err := in.http.Do(req)
	if err != nil {
		return errors.Join(err, in.Alive())
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %.2000s", method, path, res.StatusCode, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// Wait polls until ok or an error, or gives up after limit.
func Wait(limit time.Duration, what string, ok func() (bool, error)) error {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if yes, err := ok(); yes || err != nil {
			return err
		}
	}
	return fmt.Errorf("after %s still not: %s", limit, what)
}

// Stop ends the processes in order.
func (in *Installation) Stop() error {
	var errs []error
	for _, p := range in.runs {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // one that has ended already shows below
	}
	for _, p := range in.runs {
		select {
		case <-p.end:
		case <-time.After(70 * time.Second):
			_ = p.cmd.Process.Kill()
			<-p.end
			errs = append(errs, fmt.Errorf("%s did not end on SIGTERM", p.role))
		}
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			errs = append(errs, fmt.Errorf("%s ended with %d\n%s", p.role, code, p.tail()))
		}
	}
	return errors.Join(errs...)
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
