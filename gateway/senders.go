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
	row      store.Claimed
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
		slots := t.slots
		s.g.send(context.Background(), s.batch, t.provider, t.row, t.group, func() { slots.give(1); s.sends.Done() })
	}
}

// dismiss ends the senders once they have sent what they have.
func (s *senders) dismiss() { close(s.tasks) }
