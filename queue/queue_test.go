package queue

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"rapport"
	"rapport/gateway"
)

var silent = slog.New(slog.DiscardHandler)

func TestHint_ArrivesAsATaskOfItsLaneThatHoldsAnID(t *testing.T) {
	t.Parallel()
	e, err := StartEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	q, err := Open(e.URL(), silent)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := q.Ping(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := map[string]chan rapport.ID{}
	for _, name := range []string{"fast", "bulk", "plan"} {
		ids := make(chan rapport.ID, 10)
		got[name] = ids
		srv := asynq.NewServerFromRedisClient(q.patient, asynq.Config{Concurrency: 1, Queues: map[string]int{name: 1}, TaskCheckInterval: 20 * time.Millisecond, Logger: quiet{silent}})
		if err := srv.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
			id, err := idOf(task)
			ids <- id
			return err
		})); err != nil {
			t.Fatal(err)
		}
		defer srv.Shutdown()
	}
	q.Hint(gateway.Wake{Batch: 7, Lane: rapport.Fast})
	q.Hint(gateway.Wake{Batch: 8, Lane: rapport.Bulk})
	q.Hint(gateway.Wake{Plan: 9})
	for name, want := range map[string]rapport.ID{"fast": 7, "bulk": 8, "plan": 9} {
		select {
		case id := <-got[name]:
			if id != want {
				t.Errorf("%s: %d, want %d", name, id, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("nothing came to %s", name)
		}
	}
	if _, err := idOf(asynq.NewTask(typeBatch, []byte("x"))); err == nil {
		t.Error("a task without an id was read")
	}
}

func TestHint_NeverBlocksThoughRedisIsGone(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers: the slowest Redis there is
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	q, err := Open("redis://"+l.Addr().String(), silent)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	done := make(chan struct{})
	go func() {
		for i := range 50_000 {
			q.Hint(gateway.Wake{Batch: rapport.ID(i + 1)})
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("hints wait for Redis")
	}
	if q.Lost() == 0 {
		t.Error("50,000 hints found room in a queue of 10,000, with nobody to take them")
	}
}

func TestOpen_RefusesURLsInWords(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://localhost": "must begin with", "redis-sentinel://a:1/0": "master", "redis-sentinel://a:1/x?master=m": "number",
		"redis://localhost:6379/notanumber": "not valid", "::": "not a URL",
	} {
		q, err := Open(url, silent)
		if err == nil {
			q.Close()
			t.Errorf("%s was taken", url)
		} else if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pass") {
			t.Errorf("%s: %v, want something about %q", url, err, want)
		}
	}
	for _, url := range []string{"redis-sentinel://u:p@a:1,b:2/3?master=m", "redis-cluster://:p@a:1,b:2", "rediss://:p@a:1/2"} {
		q, err := Open(url, silent)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		q.Close()
	}
}
