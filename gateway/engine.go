package gateway

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"rapport"
	"rapport/store"
)

// engine carries messages from due to recorded. Three bounds hold it together: a lane works on so many
// batches at once, a provider has so many slots (messages handed over and not yet recorded: the most
// that a crash can leave in doubt), and one committer a process takes what has gathered, outcomes and
// claims, into one transaction.
type engine struct {
	g       *Gateway
	ops     chan op
	flying  atomic.Int64     // rows claimed and not yet recorded
	lanes   [2]chan struct{} // places for batches, by lane
	own     chan struct{}    // places for groups of single messages that this process sends as soon as it has stored them
	mu      sync.Mutex
	windows map[string]*window  // by provider
	held    map[rapport.ID]bool // batches that this process has, or may have; under mu
	idle    [2]chan struct{}    // by lane: a place has become free: there may be work that no hint was heard of
	work    sync.WaitGroup      // batches until their last outcome is recorded; added to under mu, and not once closed
	closed  atomic.Bool
	// group and outcomes are the committer's, kept for its next transaction.
	group    []op
	outcomes []store.Outcome
	done     chan giving // batches to give back
	// over ends when the time to drain does: what the database does not take then is not recorded any more.
	over   context.Context
	giveUp context.CancelFunc
}

// op is an outcome to record or a claim to serve. done is called after the commit.
type op struct {
	outcome *store.Outcome
	claim   *store.ClaimRequest
	done    func(applied bool, res store.ClaimResult, err error)
}

func newEngine(g *Gateway) *engine {
	e := &engine{g: g, ops: make(chan op, 1024), own: make(chan struct{}, ownMost), done: make(chan giving), windows: map[string]*window{}, held: map[rapport.ID]bool{}, idle: [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}}
	e.over, e.giveUp = context.WithCancel(context.Background())
	e.lanes[rapport.Bulk] = make(chan struct{}, max(1, g.set.BulkWorkers))
	e.lanes[rapport.Fast] = make(chan struct{}, max(1, g.set.FastWorkers))
	return e
}

// linger is how long the bulk lane may wait for company: a transaction costs as much as ten rows in it, and
// nobody waits for the record of a campaign's message. A row is in doubt no longer than its slot is taken.
const linger = 2 * time.Millisecond

// lastTry is how long the database may take to record something when the time to drain is over.
const lastTry = 2 * time.Second

// commitLoop is the committer. After ctx ends it still records what the last senders hand it, unless the database
// does not take it.
func (e *engine) commitLoop(ctx context.Context) {
	for {
		select {
		case first := <-e.ops:
			e.commit(context.WithoutCancel(ctx), e.gather(ctx, first))
		case <-ctx.Done():
			for {
				select {
				case first := <-e.ops:
					if !e.commit(context.WithoutCancel(ctx), e.gather(ctx, first)) {
						return
					}
				default:
					return
				}
			}
		}
	}
}

// gather takes what is there, at most GroupSize rows' worth, and lingers until that is half of what is
// in flight: the rest keeps the connections busy meanwhile. A claim of the fast lane waits for nobody.
func (e *engine) gather(ctx context.Context, first op) []op {
	group := e.group[:0]
	defer func() { e.group = group }()
	outs, rows, now := 0, 0, false
	var limit <-chan time.Time
	for o := first; ; {
		group = append(group, o)
		if o.claim != nil {
			rows += o.claim.Max
			now = now || o.claim.Batch.Lane == rapport.Fast
		} else {
			rows++
			outs++
		}
		if rows >= e.g.set.GroupSize {
			return group
		}
		select {
		case o = <-e.ops:
			continue
		default:
		}
		if now || outs >= int(e.flying.Load()+1)/2 {
			return group
		}
		if limit == nil {
			limit = time.After(linger)
		}
		select {
		case o = <-e.ops:
		case <-limit:
			return group
		case <-ctx.Done():
			return group
		}
	}
}

// commit tries until the database takes it: an outcome that is known must not be lost while the process
// lives, and a database that restarts comes back. Claims are not repeated: their callers ask again. False: the time
// to drain was over first. Those outcomes stay rows that are being sent, and the journal's notes of them stand, by
// which the next process knows what was taken and what never left.
func (e *engine) commit(ctx context.Context, group []op) bool {
	outs := e.outcomes[:0]
	defer func() {
		clear(outs)
		clear(group)
		e.outcomes = outs
	}()
	var reqs []store.ClaimRequest
	st := e.g.Store
	for _, o := range group {
		var lane rapport.Lane
		if o.outcome != nil {
			outs = append(outs, *o.outcome)
			lane = o.outcome.Lane
		} else {
			reqs = append(reqs, *o.claim)
			lane = o.claim.Batch.Lane
		}
		if lane == rapport.Fast {
			st = e.g.Store.Urgent()
		}
	}
	var applied []bool
	var res []store.ClaimResult
	var err error
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		try, cancel := context.WithTimeout(ctx, 30*time.Second)
		hurry := context.AfterFunc(e.over, func() { time.AfterFunc(lastTry, cancel) })
		over := e.over.Err() != nil
		applied, res, err = st.Commit(try, e.g.Worker(), outs, reqs)
		hurry()
		cancel()
		if err == nil {
			break
		}
		e.g.Log.Error("recording was refused; trying again", "error", err, "outcomes", len(outs), "claims", len(reqs))
		if len(reqs) > 0 { // the claims learn of it now; the outcomes stay
			for _, o := range group {
				if o.claim != nil {
					o.done(false, store.ClaimResult{}, err)
				}
			}
			reqs = nil
			group = onlyOutcomes(group)
		}
		if len(outs) == 0 {
			return !over
		}
		if over {
			e.g.Log.Warn("the database did not come back before the time to drain was over; the next process settles what was in hand", "outcomes", len(outs))
			return false
		}
		select {
		case <-time.After(wait):
		case <-e.over.Done(): // once more
		}
	}
	e.flying.Add(-int64(len(outs)))
	for _, r := range res {
		for i := range r.Rows {
			if r.Rows[i].Mine() {
				e.flying.Add(1)
			}
		}
	}
	i, j := 0, 0
	for _, o := range group {
		if o.outcome != nil {
			o.done(applied[i], store.ClaimResult{}, nil)
			i++
		} else {
			o.done(false, res[j], nil)
			j++
		}
	}
	return true
}

func onlyOutcomes(group []op) []op {
	var out []op
	for _, o := range group {
		if o.outcome != nil {
			out = append(out, o)
		}
	}
	return out
}

// claim asks for rows and waits for the commit.
func (e *engine) claim(r store.ClaimRequest) (store.ClaimResult, error) {
	type answer struct {
		res store.ClaimResult
		err error
	}
	ch := make(chan answer, 1)
	e.ops <- op{claim: &r, done: func(_ bool, res store.ClaimResult, err error) { ch <- answer{res, err} }}
	a := <-ch
	return a.res, a.err
}

// slots is a provider's window.
func (e *engine) slots(provider string, size int) *window {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w := e.windows[provider]; w != nil && w.size == size {
		return w
	}
	w := newWindow(size) // after a change of the setting, sends under way finish in the old one
	e.windows[provider] = w
	return w
}

var errClosing = errors.New("closing")

// enter takes a place in the lane for a batch, and counts it as work until work.Done. It fails when ctx
// ends first, or the engine drains.
func (e *engine) enter(ctx context.Context, lane rapport.Lane) error {
	e.mu.Lock()
	if e.closed.Load() {
		e.mu.Unlock()
		return errClosing
	}
	e.work.Add(1)
	e.mu.Unlock()
	select {
	case e.lanes[lane] <- struct{}{}:
		return nil
	case <-ctx.Done():
		e.work.Done()
		return ctx.Err()
	}
}

// ownMost is how many groups of single messages a process may have stored and be sending. More of them are left to
// the queue: the provider is slower than they come in.
const ownMost = 64

// reserve finds a place for a group that is about to be stored as this process's own, and counts it as work, until
// unreserve. False: there is none, or the engine drains.
func (e *engine) reserve() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return false
	}
	select {
	case e.own <- struct{}{}:
		e.work.Add(1)
		return true
	default:
		return false
	}
}

func (e *engine) unreserve() {
	<-e.own
	e.work.Done()
}

// exit gives the place back.
func (e *engine) exit(lane rapport.Lane) {
	<-e.lanes[lane]
	select {
	case e.idle[lane] <- struct{}{}:
	default: // the sweeper has not come to the last one yet
	}
}

// free is how many batches the lane could take on now.
func (e *engine) free(lane rapport.Lane) int { return cap(e.lanes[lane]) - len(e.lanes[lane]) }

// drain stops claiming and waits for what is on the wire.
func (e *engine) drain(ctx context.Context) {
	e.mu.Lock()
	e.closed.Store(true)
	e.mu.Unlock()
	done := make(chan struct{})
	go func() { e.work.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		e.g.Log.Warn("some sends had not ended when the time to drain was over; they are in doubt now")
		e.giveUp()
	}
}
