package gateway

import (
	"context"
	"sync"
	"time"

	"rapport"
	"rapport/store"
)

// submission is one message on its way into the store.
type submission struct {
	ctx      context.Context
	campaign *rapport.Campaign
	patch    store.CustomerPatch
	data     map[string]any
	notes    *Notes
	idem     *Idempotency
	fresh    bool     // nobody has used its Idempotency-Key before
	content  *content // what it says, once it was decided
	result   SendResult
	replayed bool
	err      error
	due      []store.Batch
	done     chan struct{}
}

// submitter writes what gathers, up to submitMax requests, as one transaction: durable before the 202,
// with one fsync for many.
type submitter struct {
	g      *Gateway
	in     chan *submission
	mu     sync.RWMutex
	closed bool
	last   int // how many were in the last group
}

const submitMax = 256

// crowded is a group after which the next one waits for company, mostLinger how long.
const (
	crowded    = 8
	mostLinger = 4 * time.Millisecond
)

func newSubmitter(g *Gateway) *submitter {
	return &submitter{g: g, in: make(chan *submission, 4*submitMax)}
}

func (q *submitter) do(ctx context.Context, s *submission) (SendResult, bool, error) {
	s.done = make(chan struct{})
	q.mu.RLock()
	if q.closed {
		q.mu.RUnlock()
		return SendResult{}, false, &rapport.Error{Code: rapport.CodeUnavailable, Message: "The server is shutting down.", RetryAfter: 2 * time.Second}
	}
	select {
	case q.in <- s:
		q.mu.RUnlock()
	default:
		q.mu.RUnlock()
		return SendResult{}, false, &rapport.Error{Code: rapport.CodeRateLimited, Message: "More messages come in than can be stored.", RetryAfter: time.Second}
	}
	<-s.done // never abandoned: what was stored must be answered
	if s.err != nil {
		return SendResult{}, false, s.err
	}
	for _, b := range s.due {
		q.g.hint(Wake{Batch: b.ID, Lane: b.Lane})
	}
	return s.result, s.replayed, nil
}

func (q *submitter) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

func (q *submitter) loop(ctx context.Context) {
	for {
		select {
		case first := <-q.in:
			q.write(q.gather(first))
		case <-ctx.Done():
			for {
				select {
				case first := <-q.in:
					q.write(q.gather(first))
				default:
					return
				}
			}
		}
	}
}

// gather takes what is there. Whoever was answered just now is likely to ask again at once: where many were, it goes on
// for as long as they come, because a transaction costs as much as ten messages in it.
func (q *submitter) gather(first *submission) []*submission {
	group := append(make([]*submission, 0, 64), first)
	defer func() { q.last = len(group) }()
	var limit, silence <-chan time.Time
	for len(group) < submitMax {
		select {
		case s := <-q.in:
			group, silence = append(group, s), nil
			continue
		default:
		}
		if q.last < crowded {
			break
		}
		if limit == nil {
			limit = time.After(mostLinger)
		}
		if silence == nil {
			silence = time.After(mostLinger / 8)
		}
		select {
		case s := <-q.in:
			group, silence = append(group, s), nil
		case <-silence:
			return group
		case <-limit:
			return group
		}
	}
	return group
}

// write stores a group. When the transaction fails for a reason that one of them may have brought, each is
// tried alone, so that one bad request does not take others with it.
func (q *submitter) write(group []*submission) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	err := q.g.store(ctx, group)
	if err != nil && len(group) > 1 && !q.g.Store.Unavailable(err) {
		for _, s := range group {
			q.write([]*submission{s})
		}
		return
	}
	for _, s := range group {
		if err != nil {
			s.err = err
		}
		close(s.done)
	}
}
