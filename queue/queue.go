// Package queue is Asynq, and only Asynq: it carries hints that something is due. A task holds ids, never
// content, and may be lost or come twice: the database is the record, and the gateway's sweeper finds
// whatever no hint was heard of. So no task is retried, kept, or unique (docs/adr/0003-hints.md).
package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"rapport"
	"rapport/gateway"
)

// Task types.
const (
	typeBatch = "batch" // payload: the batch's id
	typePlan  = "plan"  // payload: the campaign's id
)

// One queue and one server a lane, so that neither can occupy the other's workers; planning has its own.
var queueOf = map[rapport.Lane]string{rapport.Fast: "fast", rapport.Bulk: "bulk"}

const planQueue = "plan"

// handlerTime is how long a handler may work before it lets go; the work itself goes on.
const handlerTime = 10 * time.Second

// Queue sends hints and, with Serve, acts on them.
type Queue struct {
	log     *slog.Logger
	client  *asynq.Client
	redis   redis.UniversalClient
	patient redis.UniversalClient
	hints   chan gateway.Wake
	servers []*asynq.Server
	lost    atomic.Int64
	wg      sync.WaitGroup
	stop    context.CancelFunc
}

// Open connects lazily: a Redis that is down stops nothing.
func Open(redisURL string, log *slog.Logger) (*Queue, error) {
	// The client that hints is impatient, because a hint is not worth waiting for. The servers' client is
	// patient: with the default one a task that ends during a short outage stays active and runs again.
	quick, err := client(redisURL, 1, 50*time.Millisecond)
	if err != nil {
		return nil, err
	}
	patient, err := client(redisURL, 25, 500*time.Millisecond)
	if err != nil {
		return nil, err
	}
	redis.SetLogger(aside{log}) // else it writes to standard error, a line for each attempt while a server is away
	q := &Queue{log: log, redis: quick, patient: patient, client: asynq.NewClientFromRedisClient(quick), hints: make(chan gateway.Wake, 10_000)}
	ctx, cancel := context.WithCancel(context.Background())
	q.stop = cancel
	q.wg.Add(1)
	go q.send(ctx)
	return q, nil
}

// Hint enqueues without ever blocking: when Redis is slow or down, hints are dropped and the sweeper takes over.
func (q *Queue) Hint(w gateway.Wake) {
	select {
	case q.hints <- w:
	default:
		q.lost.Add(1)
	}
}

// Lost is how many hints were dropped since the start.
func (q *Queue) Lost() int64 { return q.lost.Load() }

// Ping asks Redis for a sign of life.
func (q *Queue) Ping(ctx context.Context) error { return q.redis.Ping(ctx).Err() }

func (q *Queue) send(ctx context.Context) {
	defer q.wg.Done()
	var down time.Time // after a failure, hints are dropped for a moment instead of each waiting for its time-out
	for {
		var w gateway.Wake
		select {
		case <-ctx.Done():
			return
		case w = <-q.hints:
		}
		if time.Now().Before(down) {
			q.lost.Add(1)
			continue
		}
		kind, id, name := typeBatch, w.Batch, queueOf[w.Lane]
		if w.Plan != 0 {
			kind, id, name = typePlan, w.Plan, planQueue
		}
		limit, cancel := context.WithTimeout(ctx, time.Second)
		_, err := q.client.EnqueueContext(limit, asynq.NewTask(kind, binary.BigEndian.AppendUint64(nil, uint64(id))),
			asynq.Queue(name), asynq.MaxRetry(1), asynq.Timeout(time.Minute))
		cancel()
		if err != nil && ctx.Err() == nil {
			q.lost.Add(1)
			down = time.Now().Add(2 * time.Second)
			q.log.Warn("a hint was not sent; the sweeper will find the work", "error", err)
		}
	}
}

// Serve starts one server a lane and one for planning.
func (q *Queue) Serve(g *gateway.Gateway, bulk, fast int) error {
	deliver := func(lane rapport.Lane) asynq.HandlerFunc {
		return func(ctx context.Context, t *asynq.Task) error {
			id, err := idOf(t)
			if err != nil {
				return err
			}
			return g.Deliver(context.WithoutCancel(ctx), id, lane, handlerTime)
		}
	}
	plan := asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		id, err := idOf(t)
		if err != nil {
			return err
		}
		more, err := g.Plan(ctx, id, handlerTime)
		if more && err == nil {
			q.Hint(gateway.Wake{Plan: id})
		}
		return err
	})
	// look is the pause after which an empty queue is looked into again: Asynq does not wait at Redis. Somebody waits
	// for what the fast lane carries; fifty looks a second cost a hundredth of a processor.
	for _, s := range []struct {
		name    string
		workers int
		look    time.Duration
		handler asynq.Handler
	}{{queueOf[rapport.Fast], fast, 20 * time.Millisecond, deliver(rapport.Fast)}, {queueOf[rapport.Bulk], bulk, 100 * time.Millisecond, deliver(rapport.Bulk)},
		{planQueue, 1, 100 * time.Millisecond, plan}} {
		srv := asynq.NewServerFromRedisClient(q.patient, asynq.Config{
			Concurrency: s.workers, Queues: map[string]int{s.name: 1}, TaskCheckInterval: s.look, DelayedTaskCheckInterval: 5 * time.Second,
			RetryDelayFunc:  func(int, error, *asynq.Task) time.Duration { return time.Minute },
			ShutdownTimeout: 2 * time.Second, // handlers only wait; the engine drains by itself
			Logger:          quiet{q.log}, LogLevel: asynq.WarnLevel,
			ErrorHandler: asynq.ErrorHandlerFunc(func(_ context.Context, t *asynq.Task, err error) {
				q.log.Warn("a hint could not be acted on; the sweeper will find the work", "task", t.Type(), "error", err)
			}),
		})
		if err := srv.Start(s.handler); err != nil {
			return fmt.Errorf("starting the %s queue: %w", s.name, err)
		}
		q.servers = append(q.servers, srv)
	}
	return nil
}

func idOf(t *asynq.Task) (rapport.ID, error) {
	if len(t.Payload()) != 8 {
		return 0, fmt.Errorf("a %s task with %d bytes: %w", t.Type(), len(t.Payload()), asynq.SkipRetry)
	}
	return rapport.ID(binary.BigEndian.Uint64(t.Payload())), nil
}

// Quiesce takes no more tasks.
func (q *Queue) Quiesce() {
	for _, s := range q.servers {
		s.Stop()
	}
}

// Close ends servers and connections.
func (q *Queue) Close() error {
	for _, s := range q.servers {
		s.Shutdown()
	}
	q.stop()
	q.wg.Wait()
	return errors.Join(q.redis.Close(), q.patient.Close())
}

// client reads redis://, rediss://, redis-sentinel://[user:pass@]host,host/<db>?master=name and
// redis-cluster://[user:pass@]host,host. Without ContextTimeoutEnabled go-redis would go on reading beyond the
// second that a hint may take.
func client(raw string, retries int, backoff time.Duration) (redis.UniversalClient, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("redis_url: is not a URL")
	}
	wait := 3 * time.Second
	switch u.Scheme {
	case "redis", "rediss":
		o, err := redis.ParseURL(raw)
		if err != nil {
			return nil, errors.New("redis_url: is not valid")
		}
		o.MaxRetries, o.MinRetryBackoff, o.MaxRetryBackoff, o.DialTimeout, o.ContextTimeoutEnabled = retries, 50*time.Millisecond, backoff, wait, true
		return redis.NewClient(o), nil
	case "redis-sentinel":
		db, err := strconv.Atoi(strings.Trim(u.Path, "/"))
		if err != nil && strings.Trim(u.Path, "/") != "" {
			return nil, errors.New("redis_url: the path of redis-sentinel:// is the database's number")
		}
		master := u.Query().Get("master")
		if master == "" {
			return nil, errors.New("redis_url: redis-sentinel:// needs ?master=<name>")
		}
		pass, _ := u.User.Password()
		return redis.NewFailoverClient(&redis.FailoverOptions{MasterName: master, SentinelAddrs: strings.Split(u.Host, ","), DB: db, Username: u.User.Username(), Password: pass,
			SentinelPassword: u.Query().Get("sentinel_password"), MaxRetries: retries, MinRetryBackoff: 50 * time.Millisecond, MaxRetryBackoff: backoff, DialTimeout: wait, ContextTimeoutEnabled: true}), nil
	case "redis-cluster":
		pass, _ := u.User.Password()
		// go-redis asks who holds what once a minute, and goes on calling a node that is dead until then.
		return redis.NewClusterClient(&redis.ClusterOptions{Addrs: strings.Split(u.Host, ","), Username: u.User.Username(), Password: pass, ClusterStateReloadInterval: 5 * time.Second,
			MaxRetries: retries, MinRetryBackoff: 50 * time.Millisecond, MaxRetryBackoff: backoff, DialTimeout: wait, ContextTimeoutEnabled: true}), nil
	}
	return nil, errors.New("redis_url: must begin with redis://, rediss://, redis-sentinel:// or redis-cluster://")
}

// quiet hands Asynq's log lines to ours.
type quiet struct{ log *slog.Logger }

func (l quiet) Debug(a ...any) {}
func (l quiet) Info(a ...any)  {}
func (l quiet) Warn(a ...any)  { l.log.Warn("asynq says", "what", strings.TrimSpace(fmt.Sprint(a...))) }
func (l quiet) Error(a ...any) { l.log.Warn("asynq says", "what", strings.TrimSpace(fmt.Sprint(a...))) }
func (l quiet) Fatal(a ...any) {
	l.log.Error("asynq says", "what", strings.TrimSpace(fmt.Sprint(a...)))
}

// aside hands the Redis client's own lines to ours, for those who look for a reason: what they lead to is
// returned as an error, and said once.
type aside struct{ log *slog.Logger }

func (l aside) Printf(ctx context.Context, format string, a ...any) {
	l.log.DebugContext(ctx, "the Redis client says", "what", fmt.Sprintf(format, a...))
}
