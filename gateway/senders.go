package gateway

import (
	"context"
	"sync"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// senders are the goroutines that send a batch. Each goes on with the next message after its own: a new goroutine's
// stack must grow several times before it has room for a message, which costs more than to render it.
type senders struct {
	g     *Gateway
	batch store.Batch
	sends *sync.WaitGroup // messages until they are recorded
	tasks chan task
}

// task is one claimed row with its slot.
type task struct {
	provider *channels.Provider
	row      *store.Claimed
	group    map[rapport.ID]*content
	slots    *window
}

func newSenders(g *Gateway, b store.Batch, sends *sync.WaitGroup) *senders {
	return &senders{g: g, batch: b, sends: sends, tasks: make(chan task)}
}

// send hands t to a sender that waits for work, or to a new one. There are never more than there are slots.
func (s *senders) send(t task) {
	s.sends.Add(1)
	select {
	case s.tasks <- t:
	default:
		go s.work(t)
	}
}

func (s *senders) work(t task) {
	for ok := true; ok; t, ok = <-s.tasks {
		s.g.send(context.Background(), s.flight(t), t.provider, t.group)
	}
}

// flight is one message from its claim until its outcome is durable, when it is kept for another.
type flight struct {
	attempt
	paper    paper // until it is sent
	hand     handOver
	outcome  store.Outcome
	slots    *window
	sends    *sync.WaitGroup
	wire     func()                               // hand.begin, made once
	recorded func(bool, store.ClaimResult, error) // made once
}

func (s *senders) flight(t task) *flight {
	f, ok := s.g.flights.Get().(*flight)
	if !ok {
		f = &flight{}
		f.wire = f.hand.begin
		f.recorded = func(bool, store.ClaimResult, error) { s.g.land(f) }
	}
	f.attempt = attempt{row: t.row, batch: s.batch, caps: t.provider.Caps(), provider: t.provider.Entry().Name}
	f.hand = handOver{journal: s.g.journal, row: t.row}
	f.slots, f.sends = t.slots, s.sends
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

// dismiss ends the senders once they have sent what they have.
func (s *senders) dismiss() { close(s.tasks) }
