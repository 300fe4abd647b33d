package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// carryMost is how many deliveries to one endpoint a process has under way: one that is slow keeps nobody else waiting.
const carryMost = 16

// carryEvery is how often a process looks for deliveries that became due; what has just been told is heard of at once.
const carryEvery = 500 * time.Millisecond

// carryTimeout bounds one attempt, waiting for a connection included.
const carryTimeout = 30 * time.Second

// carryPatience is how long an endpoint may fail before it is told nothing more. Standard Webhooks asks for days; five
// is what others give.
const carryPatience = 5 * 24 * time.Hour

// carrySteps is how long a delivery waits after each attempt that failed, the first one at once: ten attempts in
// three days, the schedule that Standard Webhooks recommends.
var carrySteps = [...]time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// carryHaste is how many attempts in a row an endpoint may have sooner than carrySteps says, by Retry-After: else one that
// always says a second would have used up all of them in ten.
const carryHaste = 3

// carried is what came of one attempt.
type carried struct {
	store.DeliveryEnd
	endpoint rapport.Endpoint // as it was when the attempt began
	signed   channels.Signed
}

// carrier has the deliveries of this process that are under way.
type carrier struct {
	g    *Gateway
	mu   sync.Mutex
	busy map[rapport.ID]int // by endpoint
	ends chan carried
}

// carry delivers to endpoints until ctx ends. What is under way then has two seconds more; what does not make it is
// delivered again by the next process, under the same webhook-id.
func (g *Gateway) carry(ctx context.Context) {
	if g.Courier == nil {
		return
	}
	c := &carrier{g: g, busy: map[rapport.ID]int{}, ends: make(chan carried, 64)}
	late, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(2*time.Second, giveUp) })()
	var under, recording sync.WaitGroup
	recording.Go(func() { c.record(late) })
	defer recording.Wait()
	defer close(c.ends)
	defer under.Wait()
	tick := time.NewTicker(carryEvery)
	defer tick.Stop()
	var looked time.Time
	for ctx.Err() == nil {
		if time.Since(looked) > time.Second {
			looked = time.Now()
			if err := g.Store.TakeOverDeliveries(ctx); err != nil && ctx.Err() == nil {
				g.Log.Warn("deliveries of dead workers were not taken over", "error", err)
			}
		}
		if err := c.claim(ctx, late, &under); err != nil && ctx.Err() == nil {
			g.Log.Warn("deliveries could not be claimed", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-g.telling.waiting:
		}
	}
}

// claim takes what is due as far as each endpoint has room, and sets it going.
func (c *carrier) claim(ctx, late context.Context, under *sync.WaitGroup) error {
	due, err := c.g.Store.DueEndpoints(ctx)
	if err != nil {
		return err
	}
	for _, e := range due {
		c.mu.Lock()
		free := carryMost - c.busy[e.ID]
		c.mu.Unlock()
		if free <= 0 {
			continue
		}
		worker := c.g.Worker()
		all, err := c.g.Store.ClaimDeliveries(ctx, worker, e.ID, free)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			continue
		}
		secrets, err := c.g.secretsOf(e)
		if err != nil {
			c.g.Log.Error("the secret of an endpoint does not open", "endpoint", rapport.KindEndpoint.Format(e.ID), "error", err)
		}
		c.mu.Lock()
		c.busy[e.ID] += len(all)
		c.mu.Unlock()
		for _, h := range all {
			under.Go(func() { c.one(late, worker, e, secrets, h) })
		}
	}
	return nil
}

// one makes an attempt, and hands what came of it to the recorder.
func (c *carrier) one(ctx context.Context, worker rapport.ID, e rapport.Endpoint, secrets []string, h store.Handed) {
	g := c.g
	end := carried{DeliveryEnd: store.DeliveryEnd{Handed: h, Worker: worker, Try: rapport.DeliveryTry{At: g.now()}}, endpoint: e}
	if h.Content.ID == 0 {
		end.signed.Err = "what it told is not kept any more"
	} else {
		try, cancel := context.WithTimeout(ctx, carryTimeout)
		end.signed = g.Courier.Carry(try, channels.Parcel{URL: e.URL, Secrets: secrets, ID: rapport.KindEvent.Format(h.Notice), Body: noticeBody(h.Content)})
		cancel()
	}
	if ctx.Err() == nil || end.signed.Status != 0 { // else nobody knows, and somebody else tries again
		g.weigh(&end)
		c.ends <- end
	}
	c.mu.Lock()
	if c.busy[e.ID]--; c.busy[e.ID] == 0 {
		delete(c.busy, e.ID)
	}
	c.mu.Unlock()
	rouse(g.telling.waiting)
}

// Told is a notice as others read it: in the stream, and as the body of a delivery.
type Told struct {
	ID        string             `json:"id"`
	Type      rapport.NoticeType `json:"type"`
	CreatedAt time.Time          `json:"created_at"`
	Data      json.RawMessage    `json:"data"`
}

// ToldOf is n as others read it.
func ToldOf(n rapport.Notice) Told {
	return Told{rapport.KindEvent.Format(n.ID), n.Type, n.CreatedAt, n.Data}
}

func noticeBody(n rapport.Notice) []byte {
	b, err := json.Marshal(ToldOf(n))
	if err != nil {
		panic(err) // its data is JSON: we wrote it
	}
	return b
}

// weigh decides what an attempt means for its delivery.
func (g *Gateway) weigh(end *carried) {
	s := end.signed
	end.Try.Status, end.Try.TookMS, end.Try.Error, end.Try.Answer = s.Status, s.Took.Milliseconds(), s.Err, s.Answer
	switch {
	case s.Status >= 200 && s.Status <= 299:
		end.To = rapport.DeliveryDelivered
	case end.Content.ID == 0 || end.Step > len(carrySteps):
		end.To = rapport.DeliveryFailed
	default:
		wait := carrySteps[max(end.Step, 1)-1]
		if asked := s.Status == http.StatusTooManyRequests || s.Status == http.StatusServiceUnavailable; asked && s.After >= time.Second && end.Step <= carryHaste {
			wait = min(wait, s.After)
		}
		end.To, end.Due = rapport.DeliveryPending, g.now().Add(max(s.After, wait)+jitter(wait/5))
	}
}

// record writes what came of attempts, those that come together in one transaction, until the channel is closed. It tries
// until the database takes them, or ctx ends: then they are delivered again.
func (c *carrier) record(ctx context.Context) {
	for first := range c.ends {
		group := []carried{first}
		for limit := time.After(5 * time.Millisecond); limit != nil && len(group) < 100; {
			select {
			case next, open := <-c.ends:
				if !open {
					limit = nil
					break
				}
				group = append(group, next)
			case <-limit:
				limit = nil
			}
		}
		for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
			try, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTry)
			err := c.g.recordCarried(try, group)
			cancel()
			if err == nil || ctx.Err() != nil {
				break
			}
			c.g.Log.Warn("deliveries could not be recorded; trying again", "error", err, "deliveries", len(group))
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		}
	}
}

func (g *Gateway) recordCarried(ctx context.Context, group []carried) error {
	return g.Store.Tx(ctx, func(s *store.Store) error {
		ends := make([]store.DeliveryEnd, len(group))
		for i := range group {
			ends[i] = group[i].DeliveryEnd
		}
		if err := s.EndDeliveries(ctx, ends); err != nil {
			return err
		}
		healthy := map[rapport.ID]bool{}
		for _, x := range group {
			if x.To == rapport.DeliveryDelivered && healthy[x.Endpoint] {
				continue // said already
			}
			if err := g.health(ctx, s, x); err != nil && rapport.CodeOf(err) != rapport.CodeNotFound { // it was deleted meanwhile
				return err
			}
			healthy[x.Endpoint] = x.To == rapport.DeliveryDelivered
		}
		return nil
	})
}

// health keeps since when an endpoint fails, and switches off one that says it is gone or has failed for days. What was
// not delivered stays, and can be replayed.
func (g *Gateway) health(ctx context.Context, s *store.Store, x carried) error {
	good := x.To == rapport.DeliveryDelivered
	if good && x.endpoint.FailingSince.IsZero() || x.Content.ID == 0 {
		return nil
	}
	var why rapport.DisabledFor
	_, err := s.ChangeEndpoint(ctx, x.Endpoint, func(e *rapport.Endpoint) error {
		switch {
		case good:
			e.FailingSince = time.Time{}
			return nil
		case e.FailingSince.IsZero():
			e.FailingSince = s.Now()
		}
		switch {
		case e.Disabled != "" || e.URL != x.endpoint.URL: // it has moved since
		case x.signed.Status == http.StatusGone:
			why = rapport.DisabledGone
		case s.Now().Sub(e.FailingSince) >= carryPatience:
			why = rapport.DisabledFailed
		}
		if why != "" {
			e.Disabled, e.DisabledAt = why, s.Now()
		}
		return nil
	})
	if err != nil || why == "" {
		return err
	}
	name := rapport.KindEndpoint.Format(x.Endpoint)
	g.Log.Warn("an endpoint was switched off", "endpoint", name, "why", string(why))
	if err := s.Audit(ctx, store.AuditEntry{Action: "endpoint.disabled", Subject: name, Detail: detail("reason", string(why))}); err != nil {
		return err
	}
	return g.publish(ctx, s, rapport.Fact{Endpoint: name, Reason: string(why)}.Notice(rapport.EndpointDisabled, 0))
}
