// Package gateway holds the verbs of Rapport: what happens to a campaign, a message, an answer. The doors
// (api, queue, commands) call these; these call the store, the templates and the channels.
package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/insights"
	"rapport/internal/journal"
	"rapport/internal/maildns"
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
	Keys            [][]byte                          // signing keys, the first signs, all verify
	Seals           [][]byte                          // keys that provider settings are sealed with, in the same order
	JournalDir      string                            // where this machine's processes note what they hand over; "": nowhere
	ReopenWithin    map[rapport.Channel]time.Duration // how long a resolved thread is opened again by an answer; after that a new one begins
	Replies         Replies                           // our own words where it has none
	Assistant       Assistant                         // zero: no language model is asked
	Prices          Prices                            // what messages cost; without, costs are not counted
	ReadMail        MailReader                        // nil: mail is shown without its inline pictures
	KeepStream      time.Duration                     // how long the event stream can be read back; 0: a week
	KeepNotices     int64                             // and how many of it; 0: a million
}

// Gateway is one process's engine. Its fields are set once, in New.
type Gateway struct {
	Store *store.Store
	Hub   *channels.Hub
	Log   *slog.Logger
	// Agents are the people who sign in.
	Agents *Agents
	set    Settings

	templates *templates.Cache
	campaigns *memo[rapport.ID, *rapport.Campaign]
	topics    *memo[string, rapport.Topic]
	current   *memo[string, pinned] // templates by key
	contents  *memo[rapport.ID, *content]
	sheets    sync.Pool // of *sheet
	flights   sync.Pool // of *flight
	sealers   sync.Pool // of *sealer

	reader  *insights.Reader
	reading chan struct{}    // a place for each mail that is being read again, see ShowHTML
	asks    chan rapport.ID  // entries that wait for the assistant
	worker  atomic.Int64     // who this process is in the store
	journal *journal.Journal // nil: nothing is noted
	engine  *engine
	senders senders
	waiting waiting
	submit  *submitter
	intake  chan struct{} // a place for each inline campaign that is being stored
	funnels funnels
	staging sync.Map // ids of drafts that a request of this process has, or may have, in hand

	// Hint tells the queue that a batch, or a campaign to plan, is due. It never blocks for long and may
	// lose what it is told: the sweeper finds it. nil: no queue.
	Hint func(Wake)
	// FileProviders are the provider entries of the configuration; those of the database come beside them.
	FileProviders []channels.Entry

	// Resolver looks DNS records up; nil: the machine's own.
	Resolver maildns.Resolver

	// Courier carries notices to endpoints; nil: deliveries wait for a process that has one.
	Courier channels.Courier

	telling telling
	reports reports

	pauses   atomic.Pointer[map[string]time.Time]
	planning atomic.Bool
	died     chan struct{} // a worker was declared dead: there is something to take over
	delivers bool          // set by Start
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
	if set.KeepStream == 0 {
		set.KeepStream = 7 * 24 * time.Hour
	}
	if set.KeepNotices == 0 {
		set.KeepNotices = 1_000_000
	}
	g := &Gateway{Store: st, Hub: hub, Log: log, set: set, died: make(chan struct{}, 1)}
	g.asks = make(chan rapport.ID, asksWaiting)
	g.reading = make(chan struct{}, 2)
	var err error
	if g.reader, err = insights.New(); err != nil {
		panic(err) // the word lists are part of the binary
	}
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
	g.contents = newMemo(256, time.Hour, func(ctx context.Context, id rapport.ID) (*content, error) {
		campaign, err := g.campaigns.get(ctx, id)
		if err != nil {
			return nil, err
		}
		return g.said(ctx, campaign)
	})
	empty := map[string]time.Time{}
	g.pauses.Store(&empty)
	g.engine = newEngine(g)
	g.senders.g = g
	g.Agents = NewAgents(st, set)
	g.telling.init(g)
	g.submit = newSubmitter(g)
	g.intake = make(chan struct{}, max(4, 2*runtime.GOMAXPROCS(0)))
	return g
}

// Worker is this process's identity; 0 before Start.
func (g *Gateway) Worker() rapport.ID { return rapport.ID(g.worker.Load()) }

// Role says which loops a process runs.
type Role struct {
	Name    string // all, api, worker
	Deliver bool   // claims and sends, sweeps, polls
	Listen  bool   // runs the providers that take connections themselves
}

// Start registers the process and runs its loops until Stop.
func (g *Gateway) Start(ctx context.Context, name string, role Role) error {
	id, err := g.Store.Register(ctx, name, role.Name)
	if err != nil {
		return err
	}
	g.worker.Store(int64(id))
	if g.delivers = role.Deliver; g.delivers {
		g.openJournal()
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g.stop = cancel
	g.spawn(func() { g.beat(run, name, role) })
	g.spawn(func() { g.engine.commitLoop(run) })
	g.spawn(func() { g.releaseLoop(run) })
	g.spawn(func() { g.submit.loop(run) })
	g.spawn(func() { g.followProviders(run) })
	g.spawn(func() { g.reportLoop(run) })
	if set := g.set.Assistant; set.Client != nil && set.Understand {
		for range asksAtOnce {
			g.spawn(func() { g.askLoop(run) })
		}
	}
	if role.Listen {
		g.spawn(func() { g.listen(run) })
	}
	g.spawn(func() { g.relay(run) })
	g.spawn(func() { g.telling.feed.run(run) })
	if role.Deliver {
		g.spawn(func() { g.carry(run) })
		g.spawn(func() { g.sweep(run) })
		g.spawn(func() { g.watch(run) })
		g.spawn(func() { g.recallLoop(run) })
		g.spawn(func() { g.poll(run) })
		g.spawn(func() { g.runJobs(run) })
		g.spawn(func() { g.mergeLoop(run) })
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
	g.senders.dismiss()
	g.stop()
	g.wg.Wait()
	if ctx.Err() == nil { // everything that was on the wire is recorded
		g.closeJournal()
	}
	resigning, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTry)
	defer cancel()
	if err := g.Store.Resign(resigning, g.Worker()); err != nil { // others notice by its silence
		g.Log.Warn("resigning", "error", err)
	}
	g.stop = nil
}

// beat bumps this worker's counter. When somebody has declared it dead (it was stopped for
// too long) it takes a new identity: what the old one held is being settled by others, and its fence holds.
func (g *Gateway) beat(ctx context.Context, name string, role Role) {
	every := beatEvery
	if g.Store.Alone() {
		every = time.Second // nobody watches, and each beat is a write to the disk
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var beats int64
	for silent := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		try, cancel := context.WithTimeout(ctx, max(g.set.DeadAfter, time.Second)) // after that we are dead to the others, and a new connection may do better
		alive, err := g.Store.Beat(try, g.Worker())
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if !silent {
				g.Log.Warn("a sign of life was not stored; trying again all the time", "error", err)
			}
			silent = true
			continue
		}
		silent = false
		if beats++; alive && g.journal != nil {
			g.journal.Beat(beats)
		}
		if !alive {
			id, err := g.Store.Register(ctx, name, role.Name)
			if err != nil {
				g.Log.Error("registering again", "error", err)
				continue
			}
			g.Log.Warn("this worker was declared dead and has a new identity", "was", int64(g.Worker()), "is", int64(id))
			if g.journal != nil {
				g.journal.Rename(int64(id))
			}
			beats = 0
			g.worker.Store(int64(id))
		}
	}
}

// hint says that there is work. Where this process has a place for it the way through the queue would only cost
// time: half a poll, and more on the embedded one than the message itself.
func (g *Gateway) hint(w Wake) {
	if w.Batch != 0 && g.delivers && g.engine.free(w.Lane) > 0 {
		go func() {
			if err := g.Deliver(context.Background(), w.Batch, w.Lane, 10*time.Second); err != nil {
				g.Log.Warn("a batch was not taken; the sweeper finds it", "error", err)
			}
		}()
		return
	}
	if g.Hint != nil {
		g.Hint(w)
	}
}

func (g *Gateway) now() time.Time { return g.Store.Now() }
