package gateway

import (
	"context"
	"sync"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/internal/deadline"
	"rapport/store"
)

// senders are the goroutines that send. Each goes on with another message after its own: a new goroutine's stack must
// grow several times before it has room for a message, which costs more than to render it. Whoever has waited the
// shortest is asked first, because its stack is still in the processor's cache.
type senders struct {
	g    *Gateway
	mu   sync.Mutex
	idle []chan task // of one place each
	over bool
}

// idleSenders is how many may wait for work.
const idleSenders = 256

// task is one claimed row with its slot.
type task struct {
	batch    *store.Batch
	provider *channels.Provider
	row      *store.Claimed
	group    map[rapport.ID]*content
	slots    *window
	sends    *sync.WaitGroup // of the batch: messages until they are recorded
}

// send hands t to a sender that waits for work, or to a new one. There are never more than there are slots.
func (s *senders) send(t task) {
	t.sends.Add(1)
	s.mu.Lock()
	n := len(s.idle)
	if n == 0 {
		s.mu.Unlock()
		go s.work(t)
		return
	}
	next := s.idle[n-1]
	s.idle = s.idle[:n-1]
	s.mu.Unlock()
	next <- t
}

func (s *senders) work(t task) {
	next := make(chan task, 1)
	for ok := true; ok; t, ok = <-next {
		s.g.send(s.g.flight(&t), t.provider, t.group)
		s.mu.Lock()
		if s.over || len(s.idle) == idleSenders {
			s.mu.Unlock()
			return
		}
		s.idle = append(s.idle, next)
		s.mu.Unlock()
	}
}

// dismiss ends those that wait for work, and the others once they have done theirs.
func (s *senders) dismiss() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for _, next := range s.idle {
		close(next)
	}
	s.idle = nil
}

// flight is one message from its claim until its outcome is durable, when it is kept for another.
type flight struct {
	attempt
	paper    paper // until it is sent
	hand     handOver
	outcome  store.Outcome
	slots    *window
	sends    *sync.WaitGroup
	ctx      *deadline.Context                    // ended only by recall
	wire     func()                               // made once
	recorded func(bool, store.ClaimResult, error) // made once
}

func (g *Gateway) flight(t *task) *flight {
	f, ok := g.flights.Get().(*flight)
	if !ok {
		f = &flight{}
		f.wire = func() {
			g.waiting.end(f.row.ID)
			f.hand.begin()
		}
		f.recorded = func(bool, store.ClaimResult, error) { g.land(f) }
	}
	f.attempt = attempt{row: t.row, batch: t.batch, caps: t.provider.Caps(), provider: t.provider.Entry().Name}
	f.hand = handOver{journal: g.journal, row: t.row}
	f.slots, f.sends = t.slots, t.sends
	f.ctx = deadline.New(context.Background(), 24*time.Hour) // what bounds a send is the provider's own
	return f
}

// land is called when the outcome is durable: only then may the slot be used again.
func (g *Gateway) land(f *flight) {
	f.hand.recorded()
	slots, sends, lane := f.slots, f.sends, f.batch.Lane
	f.paper.reset() // keeps no customer's data alive, nor does what follows
	*f = flight{paper: f.paper, wire: f.wire, recorded: f.recorded}
	g.flights.Put(f)
	slots.give(lane, 1)
	sends.Done()
}
