package crash

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// Daemon is a server that a scenario stops and starts again, apart from those that all tests share.
type Daemon struct {
	Name string
	Log  string // file that it writes to
	path string
	args []string
	uid  int // runs as this user; 0: as we do
	gid  int

	cmd   *exec.Cmd
	ended chan struct{}
}

// Start sets it going; it may not be ready yet.
func (d *Daemon) Start() error {
	log, err := os.OpenFile(d.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	d.cmd = exec.Command(d.path, d.args...)
	d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr = filepath.Dir(d.Log), log, log
	d.cmd.SysProcAttr = dieWithUs()
	if d.uid != 0 {
		as(d.cmd, d.uid, d.gid)
	}
	d.ended = make(chan struct{})
	if err := d.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", d.Name, err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) { _ = cmd.Wait(); close(ended) }(d.cmd, d.ended)
	return nil
}

// Stop sends a signal and waits for the end.
func (d *Daemon) Stop(sig syscall.Signal) error {
	if d.cmd == nil || d.cmd.Process == nil {
		return nil
	}
	if err := d.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-d.ended:
		return nil
	case <-time.After(20 * time.Second):
		return fmt.Errorf("%s is still there 20 s after %v", d.Name, sig)
	}
}

// Port is a free port below those that the kernel gives to clients: a server that is stopped for a while
// finds it free again.
func Port() (int, error) {
	for range 100 {
		port := 12_000 + rand.IntN(8000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("found no free port")
}

// waits asks until ok or the time is over.
func waits(ctx context.Context, limit time.Duration, what string, ok func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := ok(ctx)
		if err == nil {
			return nil
		}
		if pause(ctx, 20*time.Millisecond) != nil {
			return fmt.Errorf("did not happen within %v: %s: %w", limit, what, err)
		}
	}
}

// Redis is one Redis server, or a sentinel. It keeps nothing on disk: stopped, it has lost everything.
type Redis struct {
	Daemon
	Port     int
	Password string
}

// NewRedis prepares a server; lines are more of its configuration.
func NewRedis(dir, name, password string, lines ...string) (*Redis, error) {
	port, err := Port()
	if err != nil {
		return nil, err
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "redis.conf") // sentinels and cluster nodes write into theirs
	lines = append([]string{"bind 127.0.0.1", "port " + strconv.Itoa(port), "dir " + dir, "requirepass " + password}, lines...)
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	return &Redis{Daemon: Daemon{Name: name, Log: filepath.Join(dir, "log"), path: path, args: []string{conf}}, Port: port, Password: password}, nil
}

// unkept is the configuration of a server that keeps nothing.
var unkept = []string{`save ""`, "appendonly no"}

// Addr is where it listens.
func (r *Redis) Addr() string { return "127.0.0.1:" + strconv.Itoa(r.Port) }

// Do runs one command.
func (r *Redis) Do(ctx context.Context, args ...any) (string, error) {
	c := redis.NewClient(&redis.Options{Addr: r.Addr(), Password: r.Password, MaxRetries: -1, DialTimeout: time.Second})
	defer c.Close()
	v, err := c.Do(ctx, args...).Result()
	return fmt.Sprint(v), err
}

// Up starts it and waits until it answers.
func (r *Redis) Up(ctx context.Context) error {
	if err := r.Start(); err != nil {
		return err
	}
	return waits(ctx, 20*time.Second, r.Name+" answers", func(ctx context.Context) error { _, err := r.Do(ctx, "PING"); return err })
}

// Says waits until a command's answer holds a text.
func (r *Redis) Says(ctx context.Context, text string, args ...any) error {
	return waits(ctx, 30*time.Second, fmt.Sprintf("%s says %q to %v", r.Name, text, args), func(ctx context.Context) error {
		said, err := r.Do(ctx, args...)
		if err == nil && !strings.Contains(said, text) {
			err = fmt.Errorf("it says %.300s", said)
		}
		return err
	})
}

// StartRedis starts a single server.
func StartRedis(ctx context.Context, dir string) (*Redis, error) {
	r, err := NewRedis(dir, "redis", "crash", unkept...)
	if err != nil {
		return nil, err
	}
	return r, r.Up(ctx)
}

// Sentinel is a primary with one replica, and three sentinels that watch them.
type Sentinel struct {
	Primary, Replica *Redis
	Sentinels        []*Redis
}

// StartSentinel starts all five; they see each other when it returns.
func StartSentinel(ctx context.Context, dir string) (*Sentinel, error) {
	s := &Sentinel{}
	var err error
	data := append([]string{"masterauth crash"}, unkept...)
	if s.Primary, err = NewRedis(dir, "primary", "crash", data...); err != nil {
		return nil, err
	}
	if s.Replica, err = NewRedis(dir, "replica", "crash", append(data, fmt.Sprintf("replicaof 127.0.0.1 %d", s.Primary.Port), "repl-diskless-sync-delay 0")...); err != nil {
		return nil, err
	}
	for n := range 3 {
		r, err := NewRedis(dir, fmt.Sprintf("sentinel%d", n+1), "watch", "sentinel sentinel-pass watch",
			fmt.Sprintf("sentinel monitor rapport 127.0.0.1 %d 2", s.Primary.Port), "sentinel auth-pass rapport crash",
			"sentinel down-after-milliseconds rapport 1000", "sentinel failover-timeout rapport 5000")
		if err != nil {
			return nil, err
		}
		r.args = append(r.args, "--sentinel")
		s.Sentinels = append(s.Sentinels, r)
	}
	for _, r := range append([]*Redis{s.Primary, s.Replica}, s.Sentinels...) {
		if err := r.Up(ctx); err != nil {
			return s, err
		}
	}
	if err := s.Primary.Says(ctx, "state=online", "INFO", "replication"); err != nil {
		return s, err
	}
	for _, r := range s.Sentinels {
		if err := r.Says(ctx, "slaves=1,sentinels=3", "INFO", "sentinel"); err != nil {
			return s, err
		}
	}
	return s, nil
}

// URL is the redis_url of it.
func (s *Sentinel) URL() string {
	var at []string
	for _, r := range s.Sentinels {
		at = append(at, r.Addr())
	}
	return "redis-sentinel://default:crash@" + strings.Join(at, ",") + "/0?master=rapport&sentinel_password=watch"
}

// Close kills all of them.
func (s *Sentinel) Close() {
	for _, r := range append([]*Redis{s.Primary, s.Replica}, s.Sentinels...) {
		if r != nil {
			_ = r.Stop(syscall.SIGKILL)
		}
	}
}

// Cluster is a Redis Cluster: three primaries, and with replicas one for each.
type Cluster struct{ Nodes []*Redis }

// StartCluster starts the nodes and joins them.
func StartCluster(ctx context.Context, dir string, replicas bool) (*Cluster, error) {
	c := &Cluster{}
	nodes := 3
	if replicas {
		nodes = 6
	}
	for n := range nodes {
		bus, err := Port()
		if err != nil {
			return c, err
		}
		r, err := NewRedis(dir, fmt.Sprintf("node%d", n+1), "crash", slices.Concat(unkept, []string{"masterauth crash", "repl-diskless-sync-delay 0", "cluster-enabled yes",
			"cluster-port " + strconv.Itoa(bus), "cluster-node-timeout 1500", "cluster-config-file nodes.conf", "cluster-require-full-coverage no"})...)
		if err != nil {
			return c, err
		}
		c.Nodes = append(c.Nodes, r)
		if err := r.Up(ctx); err != nil {
			return c, err
		}
		if n < 3 {
			if _, err := r.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", n*16384/3, (n+1)*16384/3-1); err != nil {
				return c, err
			}
		}
		if n > 0 {
			if _, err := r.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", c.Nodes[0].Port, busOf(c.Nodes[0])); err != nil {
				return c, err
			}
		}
	}
	for _, r := range c.Nodes {
		if err := r.Says(ctx, fmt.Sprintf("cluster_known_nodes:%d", nodes), "CLUSTER", "INFO"); err != nil {
			return c, err
		}
	}
	for n, r := range c.Nodes[3:] {
		id, err := c.Nodes[n].Do(ctx, "CLUSTER", "MYID")
		if err != nil {
			return c, err
		}
		if _, err := r.Do(ctx, "CLUSTER", "REPLICATE", id); err != nil {
			return c, err
		}
		if err := c.Nodes[n].Says(ctx, "state=online", "INFO", "replication"); err != nil {
			return c, err
		}
	}
	for _, r := range c.Nodes {
		if err := r.Says(ctx, "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384", "CLUSTER", "INFO"); err != nil {
			return c, err
		}
	}
	return c, nil
}

func busOf(r *Redis) int {
	conf, _ := os.ReadFile(r.args[0]) // it was written a moment ago
	for line := range strings.Lines(string(conf)) {
		if n, ok := strings.CutPrefix(line, "cluster-port "); ok {
			port, _ := strconv.Atoi(strings.TrimSpace(n))
			return port
		}
	}
	return 0
}

// URL is the redis_url of it.
func (c *Cluster) URL() string {
	var at []string
	for _, r := range c.Nodes {
		at = append(at, r.Addr())
	}
	return "redis-cluster://default:crash@" + strings.Join(at, ",")
}

// Holder is the primary that holds a key, among the first three.
func (c *Cluster) Holder(ctx context.Context, key string) (*Redis, error) {
	slot, err := c.Nodes[0].Do(ctx, "CLUSTER", "KEYSLOT", key)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(slot)
	if err != nil {
		return nil, err
	}
	for i := range 3 {
		if n < (i+1)*16384/3 {
			return c.Nodes[i], nil
		}
	}
	return nil, fmt.Errorf("slot %d is nobody's", n)
}

// Close kills all nodes.
func (c *Cluster) Close() {
	for _, r := range c.Nodes {
		_ = r.Stop(syscall.SIGKILL)
	}
}

// Postgres is a PostgreSQL server with fsync on.
type Postgres struct {
	Daemon
	Port int
	dir  string
}

// StartPostgres makes a database cluster and starts it. Close it.
func StartPostgres(ctx context.Context) (_ *Postgres, err error) {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(bins) == 0 {
		path, err := exec.LookPath("postgres")
		if err != nil {
			return nil, err
		}
		bins = []string{path}
	}
	newest := slices.MaxFunc(bins, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	p := &Postgres{Daemon: Daemon{Name: "postgres", path: newest}}
	if p.Port, err = Port(); err != nil {
		return nil, err
	}
	// Not the test's own directory: it belongs to us alone, and PostgreSQL refuses to run as root.
	if p.dir, err = os.MkdirTemp("", "rapport-postgres"); err != nil {
		return nil, err
	}
	p.Log = filepath.Join(p.dir, "log")
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return p, err
		}
		p.uid, _ = strconv.Atoi(u.Uid)
		p.gid, _ = strconv.Atoi(u.Gid)
		if err := os.Chown(p.dir, p.uid, p.gid); err != nil {
			return p, err
		}
	}
	data := filepath.Join(p.dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(filepath.Dir(p.path), "initdb"), "-D", data, "-U", "rapport", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	initdb.Dir = p.dir
	if p.uid != 0 {
		as(initdb, p.uid, p.gid)
	}
	if out, err := initdb.CombinedOutput(); err != nil {
		return p, fmt.Errorf("initdb: %w: %s", err, out)
	}
	p.args = []string{"-D", data, "-c", "listen_addresses=127.0.0.1", "-c", "port=" + strconv.Itoa(p.Port), "-c", "unix_socket_directories="}
	_, err = p.Up(ctx)
	return p, err
}

// URL is the database_url of it.
func (p *Postgres) URL() string {
	return fmt.Sprintf("postgres://rapport@127.0.0.1:%d/postgres?sslmode=disable", p.Port)
}

// Up starts the server and waits until it takes connections, which it did at the time returned.
func (p *Postgres) Up(ctx context.Context) (time.Time, error) {
	if err := p.Start(); err != nil {
		return time.Time{}, err
	}
	db, err := sql.Open("pgx", p.URL())
	if err != nil {
		return time.Time{}, err
	}
	defer db.Close()
	err = waits(ctx, 60*time.Second, "PostgreSQL answers", db.PingContext)
	return time.Now(), err
}

// Close kills it and removes its data.
func (p *Postgres) Close() {
	_ = p.Stop(syscall.SIGQUIT)
	_ = os.RemoveAll(p.dir)
}

// as makes a command run as another user, which only root may.
func as(cmd *exec.Cmd, uid, gid int) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
