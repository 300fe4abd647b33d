package templates

import (
	"hash/maphash"
	"strconv"
	"sync"

	"rapport/channels"
)

// shapes gives the key of a rendering: two with equal keys have the same static segments at the same
// places. A variant without Liquid tags has one shape; with them, each way through has its own. Only the
// first few get a key, since a provider keeps what it encoded by key: a rendering beyond them has none,
// and is encoded whole.
type shapes struct {
	key  string
	seen *sync.Map // hash → key; nil when there is but one shape
	seed maphash.Seed
	n    *counter
}

type counter struct {
	sync.Mutex
	n int
}

const mostShapes = 16

func newShapes(key string, branches bool) shapes {
	s := shapes{key: key}
	if branches {
		s.seen, s.n, s.seed = &sync.Map{}, &counter{}, maphash.MakeSeed()
	}
	return s
}

func (s *shapes) of(parts ...channels.Part) string {
	if s.seen == nil {
		return s.key
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, p := range parts {
		for i := range p {
			if p[i].Static {
				h.Write(p[i].Bytes)
				h.WriteByte(0)
			} else {
				h.WriteByte(1)
			}
		}
		h.WriteByte(2)
	}
	sum := h.Sum64()
	if key, ok := s.seen.Load(sum); ok {
		return key.(string)
	}
	s.n.Lock()
	defer s.n.Unlock()
	if s.n.n == mostShapes {
		return ""
	}
	s.n.n++
	key, _ := s.seen.LoadOrStore(sum, s.key+"#"+strconv.Itoa(s.n.n))
	return key.(string)
}
