package sandbox

import (
	"context"
	"sync"

	"rapport"
)

// Memory is a Box for tests and single processes. It forgets everything when the process ends.
type Memory struct {
	mu         sync.Mutex
	sent       []Sent
	byID       map[string]int // index into sent
	behaviours map[place]Behaviour
}

type place struct {
	channel rapport.Channel
	address string // "": the channel
}

// NewMemory returns an empty box in which every channel accepts.
func NewMemory() *Memory {
	return &Memory{byID: map[string]int{}, behaviours: map[place]Behaviour{}}
}

// Keep implements Box.
func (m *Memory) Keep(_ context.Context, s Sent) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i, ok := m.byID[s.MessageID]; ok {
		s.Copies = m.sent[i].Copies + 1
		m.sent[i] = s
		return nil
	}
	m.byID[s.MessageID] = len(m.sent)
	m.sent = append(m.sent, s)
	return nil
}

// Find implements Box.
func (m *Memory) Find(_ context.Context, messageID string) (Sent, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.byID[messageID]
	if !ok {
		return Sent{}, false, nil
	}
	return m.sent[i], true, nil
}

// Behaviour implements Box.
func (m *Memory) Behaviour(_ context.Context, ch rapport.Channel, address string) (Behaviour, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, ok := m.behaviours[place{ch, address}]; ok {
		return b, nil
	}
	b := m.behaviours[place{ch, ""}]
	b.Channelwide = true
	return b, nil
}

// Behave sets the behaviour of an address, or, with address "", of the channel.
func (m *Memory) Behave(ch rapport.Channel, address string, b Behaviour) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.behaviours[place{ch, address}] = b
}

// Outbox lists what was kept, oldest first; an empty channel or address means all.
func (m *Memory) Outbox(ch rapport.Channel, address string) []Sent {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Sent
	for _, s := range m.sent {
		if (ch == "" || s.Channel == ch) && (address == "" || s.To == address) {
			out = append(out, s)
		}
	}
	return out
}
