// Package gateway holds the verbs of Rapport: what happens to a campaign, a message, an answer. The doors
// (api, queue, commands) call these; these call the store, the templates and the channels.
package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
	"rapport/templates"
)

// Settings are the plain values that the verbs need; cmd fills them from the configuration.
type Settings struct {
	PublicURL       string
	DefaultLocale   string
	DefaultZone     *time.Location
	DefaultRegion   string
	DefaultPolicy   rapport.Policy
	Company         templates.Company
	QuietMarketing  map[rapport.Channel]*rapport.QuietHours // by channel
	GroupSize       int                                     // outcomes and claims in one transaction
	BulkWorkers     int
	FastWorkers     int
	MaxAttempts     int
	DeadAfter       time.Duration
	AskMarketing    time.Duration // doubt: when to ask the provider
	AskTransaction  time.Duration
	Hold            time.Duration // doubt that nobody can settle: when it ends as unknown
	EscalateAfter   time.Duration
	Tick            time.Duration // how often the sweeper looks; 0: every second
	InlineCustomers int
	Keys            [][]byte // signing keys, the first signs, all verify
	Seals           [][]byte // keys that provider settings are sealed with, in the same order
	SMSCost         int64    // micros a segment, by configuration; 0: not counted
}

// Gateway is one process's engine. Its fields are set once, in New.
type Gateway struct {
	Store *store.Store
	Hub   *channels.Hub
	Log   *slog.Logger
	set   Settings

	templates *templates.Cache
	campaigns *memo[rapport.ID, *rapport.Campaign]
	topics    *memo[string, rapport.Topic]
	current   *memo[string, pinned] // templates by key

	worker atomic.Int64 // who this process is in the store
	engine *engine
	submit *submitter

	// Hint tells the queue that a batch, or a campaign to plan, is due. It never blocks for long and may
	// lose what it is told: the sweeper finds it. nil: no queue.
	Hint func(Wake)
	// FileProviders are the provider entries of the configuration; those of the database come beside them.
	FileProviders []channels.Entry

	// Changed, when not nil, is told which campaigns moved (progress for the event stream).
	Changed func(rapport.ID)

	pauses   atomic.Pointer[map[string]time.Time]
	planning atomic.Bool
	stop     context.CancelFunc
	wg       sync.WaitGroup
}

// Wake names something that is due.
type Wake struct {
	Plan  rapport.ID // a campaign to plan
	Batch rapport.ID
	Lane  rapport.Lane
}

// New prepares a gateway. Start sets its loops going.
func New(st *store.Store, hub *channels.Hub, log *slog.Logger, set Settings) *Gateway {
	if set.Tick == 0 {
		set.Tick = time.Second
	}
	g := &Gateway{Store: st, Hub: hub, Log: log, set: set}
	g.templates = templates.NewCache(256, func(ctx context.Context, id rapport.ID) (*templates.Compiled, error) {
		v, err := st.TemplateVersion(ctx, id)
		if err != nil {
			return nil, err
		}
		c := &templates.Compiled{}
		return c, json.Unmarshal(v.Compiled, c)
	})
	g.campaigns = newMemo(1024, time.Hour, func(ctx context.Context, id rapport.ID) (*rapport.Campaign, error) { return st.Campaign(ctx, id) })
	g.topics = newMemo(1024, 2*time.Second, st.Topic)
	g.current = newMemo(1024, time.Second, g.pinned)
	empty := map[string]time.Time{}
	g.pauses.Store(&empty)
	g.engine = newEngine(g)
	g.submit = newSubmitter(g)
	return g
}

// Worker is this process's identity; 0 before Start.
func (g *Gateway) Worker() rapport.ID { return rapport.ID(g.worker.Load()) }

// Role says which loops a process runs.
type Role struct {
	Name    string // all, api, worker
	Deliver bool   // claims and sends, sweeps, polls
}

// Start registers the process and runs its loops until Stop.
func (g *Gateway) Start(ctx context.Context, name string, role Role) error {
	id, err := g.Store.Register(ctx, name, role.Name)
	if err != nil {
		return err
	}
	g.worker.Store(int64(id))
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g.stop = cancel
	g.spawn(func() { g.beat(run, name, role) })
	g.spawn(func() { g.engine.commitLoop(run) })
	g.spawn(func() { g.submit.loop(run) })
	g.spawn(func() { g.followProviders(run) })
	if role.Deliver {
		g.spawn(func() { g.sweep(run) })
		g.spawn(func() { g.watch(run) })
		g.spawn(func() { g.poll(run) })
		g.spawn(func() { g.runJobs(run) })
	}
	return nil
}

func (g *Gateway) spawn(fn func()) {
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		fn()
	}()
}

// Stop claims nothing more, waits for what is being sent until ctx ends, records it, and resigns. What is
// still on the wire then is declared doubtful by whoever comes next.
func (g *Gateway) Stop(ctx context.Context) {
	if g.stop == nil {
		return
	}
	g.submit.close()
	g.engine.drain(ctx)
	g.stop()
	g.wg.Wait()
	if err := g.Store.Resign(context.WithoutCancel(ctx), g.Worker()); err != nil {
		g.Log.Warn("resigning", "error", err)
	}
	g.stop = nil
}

// beat bumps this worker's counter every second. When somebody has declared it dead (it was stopped for
// too long) it takes a new identity: what the old one held is being settled by others, and its fence holds.
func (g *Gateway) beat(ctx context.Context, name string, role Role) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		alive, err := g.Store.Beat(ctx, g.Worker())
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			g.Log.Warn("the heartbeat was not stored", "error", err)
			continue
		}
		if !alive {
			id, err := g.Store.Register(ctx, name, role.Name)
			if err != nil {
				g.Log.Error("registering again", "error", err)
				continue
			}
			g.Log.Warn("this worker was declared dead and has a new identity", "was", int64(g.Worker()), "is", int64(id))
			g.worker.Store(int64(id))
		}
	}
}

func (g *Gateway) hint(w Wake) {
	if g.Hint != nil {
		g.Hint(w)
	}
}

func (g *Gateway) now() time.Time { return g.Store.Now() }
