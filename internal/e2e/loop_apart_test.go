package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// What is different when the api and the workers are processes of their own, on PostgreSQL and Redis: a worker reads the
// mailbox, the api shows what came with it and takes LMTP.
func loopApart(t *testing.T, way string) {
	b := prepareBoxes(t, way)
	var door *gate
	if way == "imap" {
		door = openGate(t, b.read)
		b.read = door.addr
	}
	db, redis := services(t)
	b.install(t, "DATABASE_URL="+db, "REDIS_URL="+redis)
	if _, err := b.in.Run("migrate"); err != nil {
		t.Fatal(err)
	}
	b.in.Start("api")
	reader := b.in.Start("worker")
	b.in.NewKey()
	b.ask(t)
	const unknown = "nobody-here@box.test"
	sent := map[string]string{"unknown": b.send(t, unknown)}
	answer := func(name string) {
		t.Helper()
		for _, a := range mailAnswers() {
			if a.name == name {
				sent[name] = b.send(t, b.box(name))
				b.answers(t, a)
				b.got(t, a, sent[name])
			}
		}
	}
	answer("file")
	b.bounced(t, unknown, sent["unknown"])
	if way == "lmtp" {
		return
	}

	one := func() bool { return door.most() == 1 }
	b.in.Wait(20*time.Second, "one connection is left", one) // each process tries the login when it starts
	b.in.Start("worker")
	b.in.Wait(20*time.Second, "the second worker has tried the login", func() bool { return door.most() == 2 })
	b.in.Wait(20*time.Second, "one connection is left", one)
	time.Sleep(3 * time.Second) // by now it would read too
	if !one() {
		t.Fatal("two workers read one mailbox")
	}
	b.in.kill(reader)
	b.in.Wait(20*time.Second, "who was killed is gone from the mailbox", func() bool { return door.open() == 0 })
	began := time.Now()
	answer("inline")
	t.Logf("the other worker had read the next answer %v after the kill", time.Since(began).Round(100*time.Millisecond))
	b.entry(t, sent["file"]) // demands that there is one
	if !one() {
		t.Error("two connections to the mailbox at once")
	}
}

// gate stands before a server and counts the connections through it.
type gate struct {
	addr      string
	mu        sync.Mutex
	now, peak int
}

func openGate(t *testing.T, server string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	g := &gate{addr: l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go g.pass(c, server)
		}
	}()
	return g
}

func (g *gate) pass(c net.Conn, server string) {
	g.count(1)
	defer g.count(-1)
	defer c.Close()
	to, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	go func() { io.Copy(c, to); c.Close() }()
	io.Copy(to, c)
	to.Close()
}

func (g *gate) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += n
	g.peak = max(g.peak, g.now)
}

func (g *gate) open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

// most is how many were open at once since it was asked last.
func (g *gate) most() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.peak
	g.peak = g.now
	return n
}
