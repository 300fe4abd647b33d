package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx"
	"github.com/redis/go-redis/v9"
)

// Layout is a way to run the product, up and running.
type Layout struct {
	Name   string // sqlite, postgres
	Title  string
	in     *Installation
	meters []Meter // of the server side, and of the bench itself
	drop   func() error
}

// openLayout starts the product on sqlite or postgres, with its files in dir. It is told what to close even when it
// fails. Without a PostgreSQL and a Redis to use, errLeftOut.
func openLayout(name, bin, dir string, settings []string) (*Layout, error) {
	if name == "sqlite" {
		return openSQLite(bin, dir, settings)
	}
	database, cache := os.Getenv("RAPPORT_TEST_DATABASE_URL"), os.Getenv("RAPPORT_TEST_REDIS_URL")
	if database == "" || cache == "" {
		return nil, errLeftOut
	}
	return openPostgres(bin, dir, settings, database, cache)
}

var errLeftOut = errors.New("RAPPORT_TEST_DATABASE_URL or RAPPORT_TEST_REDIS_URL is not set; make bench sets both")

// openSQLite is everything in one process.
func openSQLite(bin, dir string, settings []string) (*Layout, error) {
	in, err := Install(bin, dir, settings...)
	if err != nil {
		return nil, err
	}
	l := &Layout{Name: "sqlite", Title: "SQLite + embedded Redis", in: in, drop: func() error { return nil }}
	return l, l.start("serve")
}

// openPostgres is one api and one worker on a database of their own, in PostgreSQL and in Redis.
func openPostgres(bin, dir string, settings []string, database, cache string) (*Layout, error) {
	db, dropDatabase, err := newDatabase(database)
	if err != nil {
		return nil, err
	}
	queues, dropQueues, err := emptyRedis(cache)
	if err != nil {
		return nil, errors.Join(err, dropDatabase())
	}
	drop := func() error { return errors.Join(dropQueues(), dropDatabase()) }
	in, err := Install(bin, dir, append(settings, "DATABASE_URL="+db, "REDIS_URL="+queues)...)
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	l := &Layout{Name: "postgres", Title: "PostgreSQL + Redis", in: in, drop: drop}
	if _, err := in.Run("migrate"); err != nil {
		return l, err
	}
	server, err := postgresPID(database)
	if err != nil {
		return l, err
	}
	cachePID, err := redisPID(cache)
	if err != nil {
		return l, err
	}
	l.meters = append(l.meters, familyMeter("database", "postgres", server), processMeter("redis", "redis", cachePID))
	return l, l.start("api", "worker")
}

func (l *Layout) start(roles ...string) error {
	for _, role := range roles {
		if err := l.in.Start(role); err != nil {
			return err
		}
		l.meters = append(l.meters, processMeter("app", role, l.in.runs[len(l.in.runs)-1].cmd.Process.Pid))
	}
	l.meters = append(l.meters, selfMeter())
	if err := l.in.NewKey(); err != nil {
		return err
	}
	if err := l.in.Call("PUT", "/v1/topics/"+topic, map[string]any{"policy": "opt_in", "title": map[string]string{"en": "Bench"}}, nil); err != nil {
		return err
	}
	for _, c := range channelNames {
		if err := l.in.Call("PUT", "/v1/templates/bench-"+c, template(c), nil); err != nil {
			return err
		}
	}
	return nil
}

// Resident is the resident memory of one process, now and at its highest, in bytes. Processes of one binary share
// what they have read of it, so that a sum would count that twice.
type Resident struct {
	Role string `json:"role"`
	Now  int64  `json:"now_bytes"`
	Peak int64  `json:"peak_bytes"`
}

// RSS is the resident memory of each of the product's processes.
func (l *Layout) RSS() (all []Resident, err error) {
	for _, p := range l.in.runs {
		r := Resident{Role: p.role}
		if r.Now, r.Peak, err = rss(p.cmd.Process.Pid); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// Close stops the processes and drops the database.
func (l *Layout) Close() error {
	return errors.Join(l.in.Stop(), l.drop())
}

// newDatabase makes an empty database on the server at base.
func newDatabase(base string) (name string, drop func() error, err error) {
	admin, err := sql.Open("pgx", base)
	if err != nil {
		return "", nil, err
	}
	db := "bench_" + strings.ToLower(rand.Text())
	if _, err := admin.Exec("CREATE DATABASE " + db); err != nil {
		return "", nil, errors.Join(err, admin.Close())
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", nil, err
	}
	u.Path = "/" + db
	return u.String(), func() error {
		_, err := admin.Exec("DROP DATABASE IF EXISTS " + db + " WITH (FORCE)")
		return errors.Join(err, admin.Close())
	}, nil
}

// emptyRedis finds a database of the server at base that holds nothing. Two installations in one would take each
// other's hints, and their work would wait for the sweeper.
func emptyRedis(base string) (at string, drop func() error, err error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", nil, err
	}
	for n := range 16 { // as many as Redis has unless it is told otherwise
		u.Path = "/" + strconv.Itoa(n)
		o, err := redis.ParseURL(u.String())
		if err != nil {
			return "", nil, err
		}
		c := redis.NewClient(o)
		size, err := c.DBSize(context.Background()).Result()
		if err != nil {
			return "", nil, errors.Join(err, c.Close())
		}
		if size == 0 {
			return u.String(), func() error { return errors.Join(c.FlushDB(context.Background()).Err(), c.Close()) }, nil
		}
		if err := c.Close(); err != nil {
			return "", nil, err
		}
	}
	return "", nil, errors.New("all 16 databases of the Redis are in use")
}

// postgresPID finds the server's first process, the parent of the one that answers us. It must run on this
// machine: its processor time is read from /proc.
func postgresPID(base string) (int, error) {
	db, err := sql.Open("pgx", base)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var pid int
	if err := db.QueryRow("SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return 0, err
	}
	_, _, parent, err := procStat(pid)
	if err == nil {
		err = mustBe(parent, "postgres")
	}
	return parent, err
}

func redisPID(base string) (int, error) {
	u, err := url.Parse(base)
	if err != nil {
		return 0, err
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	ask := "INFO server\r\nQUIT\r\n" // inline commands: https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands
	if password, ok := u.User.Password(); ok {
		ask = "AUTH " + password + "\r\n" + ask
	}
	if _, err := c.Write([]byte(ask)); err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(c); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "process_id:"); ok {
			pid, err := strconv.Atoi(strings.TrimSpace(text))
			if err == nil {
				err = mustBe(pid, "redis")
			}
			return pid, err
		}
	}
	return 0, errors.New("Redis does not tell its process_id")
}

func mustBe(pid int, name string) error {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || !strings.HasPrefix(string(b), name) {
		return fmt.Errorf("%s does not run on this machine, so its processor time cannot be read", name)
	}
	return nil
}
