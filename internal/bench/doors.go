package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Door is what one of the API's measurements found.
type Door struct {
	N        int // customers or messages
	Took     time.Duration
	Usage    Usage
	P50, P99 time.Duration // of one request
}

// accept posts campaigns of size customers each, due tomorrow, so that nothing but taking them in is
// measured. Every 202 is durable. Clients: how many ask at once.
func accept(l *Layout, channel, webhook string, requests, size, clients int) (*Door, error) {
	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	bodies := make([][]byte, requests)
	for i := range bodies {
		spec := campaignSpec(channel)
		spec["send_at"], spec["cancellation_key"] = tomorrow, "accept"
		spec["audience"] = map[string]any{"customers": audience(channel, webhook, i*size, size, false)}
		var err error
		if bodies[i], err = json.Marshal(spec); err != nil {
			return nil, err
		}
	}
	d, err := ask(l, "/v1/campaigns", bodies, clients)
	if err != nil {
		return nil, err
	}
	d.N = requests * size
	return d, l.in.Call("POST", "/v1/campaigns/cancel", map[string]any{"cancellation_key": "accept"}, nil)
}

// single posts n single messages to known customers. The processor time is that of accepting and sending
// alike: both go on at once.
func single(l *Layout, sink *Sink, channel string, n, known, clients int) (*Door, error) {
	bodies := make([][]byte, n)
	for i := range bodies {
		var err error
		if bodies[i], err = message(channel, i%known); err != nil {
			return nil, err
		}
	}
	before := sink.Taken()
	u0, err := read(l.meters)
	if err != nil {
		return nil, err
	}
	d, err := ask(l, "/v1/messages", bodies, clients)
	if err != nil {
		return nil, err
	}
	d.N = n
	err = Wait(5*time.Minute, fmt.Sprintf("the sink has taken %d single messages", n), func() (bool, error) { return sink.Taken()-before >= int64(n), nil })
	if err != nil {
		return nil, fmt.Errorf("%w: it took %d", err, sink.Taken()-before)
	}
	u, err := read(l.meters)
	d.Usage = u.minus(u0)
	return d, err
}

func message(channel string, i int) ([]byte, error) {
	p := person{channel: channel, i: i}
	return json.Marshal(map[string]any{"purpose": "transactional", "template": "bench-" + channel, "to": p.recipient(true),
		"routing": map[string]any{"channels": []string{channel}}})
}

// ask posts bodies, clients at a time.
func ask(l *Layout, path string, bodies [][]byte, clients int) (*Door, error) {
	n := len(bodies)
	posters := make([]*poster, clients)
	for c := range posters {
		var err error
		if posters[c], err = l.in.poster(path); err != nil {
			return nil, err
		}
		defer posters[c].conn.Close()
	}
	took := make([]time.Duration, n)
	errs := make([]error, clients)
	var next atomic.Int64
	var wg sync.WaitGroup
	u0, err := read(l.meters)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	for c := range clients {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[c] == nil; i = int(next.Add(1)) - 1 {
				at := time.Now()
				errs[c] = posters[c].post(bodies[i])
				took[i] = time.Since(at)
			}
		})
	}
	wg.Wait()
	d := &Door{Took: time.Since(begin)}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	u, err := read(l.meters)
	d.Usage = u.minus(u0)
	slices.Sort(took)
	d.P50, d.P99 = took[n/2], took[n*99/100]
	return d, err
}

// idle measures from before a POST to the first byte of its message at the sink, with nothing else going
// on and at least rest before each try.
func idle(l *Layout, sink *Sink, channel string, tries int, rest time.Duration, path string) (*Door, error) {
	took := make([]time.Duration, tries)
	for i := range took {
		body, err := message(channel, i)
		if path == "/v1/campaigns" {
			spec := campaignSpec(channel)
			spec["audience"] = map[string]any{"customers": []any{person{channel: channel, i: i}.recipient(true)}}
			body, err = json.Marshal(spec)
		}
		if err != nil {
			return nil, err
		}
		time.Sleep(rest + time.Duration(i*137%1000)*time.Millisecond) // at every point of whatever ticks by the second
		sink.Expect()
		begin := time.Now()
		if err := l.in.Call("POST", path, body, nil); err != nil {
			return nil, err
		}
		if err := Wait(30*time.Second, "the sink has a message", func() (bool, error) { return !sink.First().IsZero(), nil }); err != nil {
			return nil, err
		}
		took[i] = sink.First().Sub(begin)
	}
	slices.Sort(took)
	return &Door{N: tries, P50: took[tries/2], P99: took[tries*99/100]}, nil
}

// rest measures what the processes use while nothing is asked of them.
func rest(l *Layout, long time.Duration) (*Door, error) {
	u0, err := read(l.meters)
	if err != nil {
		return nil, err
	}
	time.Sleep(long)
	u, err := read(l.meters)
	return &Door{N: 1, Took: long, Usage: u.minus(u0)}, err
}
