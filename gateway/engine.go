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
// that a crash can leave in doubt), and one committer a process takes whatever has gathered, outcomes and
// claims, into one transaction, without a timer.
type engine struct {
	g       *Gateway
	ops     chan op
	lanes   [2]chan struct{} // places for batches, by lane
	mu      sync.Mutex
	windows map[windowKey]chan struct{}
	idle    chan rapport.Lane // a place has become free: there may be work that no hint was heard of
	work    sync.WaitGroup    // batches until their last outcome is recorded; added to under mu, and not once closed
	closed  atomic.Bool
}

type windowKey struct {
	provider string
	lane     rapport.Lane
}

// op is an outcome to record or a claim to serve. done is called after the commit.
type op struct {
	outcome *store.Outcome
	claim   *store.ClaimRequest
	done    func(applied bool, res store.ClaimResult, err error)
}

func newEngine(g *Gateway) *engine {
	e := &engine{g: g, ops: make(chan op, 1024), windows: map[windowKey]chan struct{}{}, idle: make(chan rapport.Lane, 1)}
	e.lanes[rapport.Bulk] = make(chan struct{}, max(1, g.set.BulkWorkers))
	e.lanes[rapport.Fast] = make(chan struct{}, max(1, g.set.FastWorkers))
	return e
}

// commitLoop is the committer. After ctx ends it still records what the last senders hand it.
func (e *engine) commitLoop(ctx context.Context) {
	for {
		select {
		case first := <-e.ops:
			e.commit(context.WithoutCancel(ctx), e.gather(first))
		case <-ctx.Done():
			for {
				select {
				case first := <-e.ops:
					e.commit(context.WithoutCancel(ctx), e.gather(first))
				default:
					return
				}
			}
		}
	}
}

// gather takes what is there, at most GroupSize rows' worth.
func (e *engine) gather(first op) []op {
	group := append(make([]op, 0, 64), first)
	rows := 0
	for {
		last := group[len(group)-1]
		if last.claim != nil {
			rows += last.claim.Max
		} else {
			rows++
		}
		if rows >= e.g.set.GroupSize {
			return group
		}
		select {
		case o := <-e.ops:
			group = append(group, o)
		default:
			return group
		}
	}
}

// commit tries until the database takes it: an outcome that is known must not be lost while the process
// lives, and a database that restarts comes back. Claims are not repeated: their callers ask again.
func (e *engine) commit(ctx context.Context, group []op) {
	var outs []store.Outcome
	var reqs []store.ClaimRequest
	for _, o := range group {
		if o.outcome != nil {
			outs = append(outs, *o.outcome)
		} else {
			reqs = append(reqs, *o.claim)
		}
	}
	var applied []bool
	var res []store.ClaimResult
	var err error
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		try, cancel := context.WithTimeout(ctx, 30*time.Second)
		applied, res, err = e.g.Store.Commit(try, e.g.Worker(), outs, reqs)
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
			return
		}
		time.Sleep(wait)
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

// slots is a provider's window of one lane. The fast lane has a quarter of its own, so that a campaign
// which fills the bulk part cannot make a password reset wait.
func (e *engine) slots(provider string, window int, lane rapport.Lane) chan struct{} {
	k := windowKey{provider, lane}
	e.mu.Lock()
	defer e.mu.Unlock()
	fast := max(1, window/4)
	size := fast
	if lane == rapport.Bulk {
		size = max(1, window-fast)
	}
	if s := e.windows[k]; s != nil && cap(s) == size {
		return s
	}
	s := make(chan struct{}, size) // after a change of the setting, sends under way finish in the old one
	e.windows[k] = s
	return s
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

// exit gives the place back.
func (e *engine) exit(lane rapport.Lane) {
	<-e.lanes[lane]
	select {
	case e.idle <- lane:
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
	}
}
