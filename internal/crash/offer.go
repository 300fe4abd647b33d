package crash

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rapport"
)

// Offer is how requests are offered: each sends one transactional message by webhook to a recipient of its own.
type Offer struct {
	First       int     // number of the first recipient
	Rate        float64 // requests a second, on time whether answers come or not; 0: each connection asks again at once
	Connections int
	For         time.Duration
}

// Answers is what came of an Offer.
type Answers struct {
	Offered  int
	Late     int   // requests that were due while every connection waited for an answer: not offered
	Accepted []int // recipients whose message got a 202
	Refused  int   // 429 or 503 with Retry-After
	Wrong    map[string]int
	Took     []time.Duration // each accepted one, sorted
	Spent    time.Duration
}

// Rate is accepted requests a second.
func (l *Answers) Rate() float64 { return float64(len(l.Accepted)) / l.Spent.Seconds() }

// P is a quantile of what accepted requests took.
func (l *Answers) P(q float64) time.Duration {
	if len(l.Took) == 0 {
		return 0
	}
	return l.Took[min(len(l.Took)-1, int(q*float64(len(l.Took))))]
}

func (l *Answers) String() string {
	return fmt.Sprintf("%d offered in %.1f s (%d not offered), %d accepted (%.0f/s, p50 %v, p99 %v), %d refused with Retry-After", l.Offered, l.Spent.Seconds(), l.Late,
		len(l.Accepted), l.Rate(), l.P(0.5).Round(time.Millisecond), l.P(0.99).Round(time.Millisecond), l.Refused)
}

// Offer offers. It speaks HTTP by itself on connections that it keeps, because net/http's client would need more of
// the processor than the server under test.
func (h *Harness) Offer(ctx context.Context, o Offer) (*Answers, error) {
	ctx, cancel := context.WithTimeout(ctx, o.For)
	defer cancel()
	sum := &Answers{Wrong: map[string]int{}}
	var mu sync.Mutex
	var failed error
	var all sync.WaitGroup
	begin := time.Now()
	for i := range o.Connections {
		all.Go(func() {
			c := caller{h: h, ctx: ctx, offer: o, begin: begin, place: i}
			err := c.run()
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
			sum.Offered += c.offered
			sum.Late += c.late
			sum.Accepted = append(sum.Accepted, c.accepted...)
			sum.Refused += c.refused
			sum.Took = append(sum.Took, c.took...)
			for k, n := range c.wrong {
				sum.Wrong[k] += n
			}
		})
	}
	all.Wait()
	sum.Spent = o.For
	slices.Sort(sum.Took)
	return sum, failed
}

// caller is one connection.
type caller struct {
	h     *Harness
	ctx   context.Context
	offer Offer
	begin time.Time
	place int

	conn     net.Conn
	r        *bufio.Reader
	offered  int
	late     int
	accepted []int
	refused  int
	took     []time.Duration
	wrong    map[string]int
}

func (c *caller) run() error {
	c.wrong = map[string]int{}
	defer func() {
		if c.conn != nil {
			_ = c.conn.Close()
		}
	}()
	step := time.Duration(0)
	if c.offer.Rate > 0 {
		step = time.Duration(float64(c.offer.Connections) / c.offer.Rate * float64(time.Second))
	}
	due := c.begin.Add(step * time.Duration(c.place) / time.Duration(c.offer.Connections))
	for k := 0; c.ctx.Err() == nil; k++ {
		if step > 0 {
			if pause(c.ctx, time.Until(due)) != nil {
				return nil
			}
		}
		c.offered++
		if err := c.ask(c.offer.First + k*c.offer.Connections + c.place); err != nil {
			// The server closed, or refuses, the connection: that is an answer, but not a clean one.
			c.wrong[err.Error()]++
			c.conn = nil
			if pause(c.ctx, 50*time.Millisecond) != nil {
				return nil
			}
		}
		for due = due.Add(step); step > 0 && time.Since(due) > step; due = due.Add(step) {
			c.late++
		}
	}
	return nil
}

func (c *caller) ask(n int) error {
	if c.conn == nil {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.h.url, "http://"))
		if err != nil {
			return errors.New("no connection")
		}
		c.conn, c.r = conn, bufio.NewReaderSize(conn, 8<<10)
	}
	body := fmt.Sprintf(`{"purpose":"transactional","template":"crash","to":{"external_id":"o-%d","name":"Recipient","data":{"n":%d},"addresses":[{"channel":"webhook","address":%q}]}}`,
		n, n, c.h.Sinks.Address(rapport.Webhook, n))
	req := fmt.Sprintf("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", c.h.key, len(body), body)
	began := time.Now()
	_ = c.conn.SetDeadline(began.Add(30 * time.Second))
	if _, err := io.WriteString(c.conn, req); err != nil {
		_ = c.conn.Close()
		return errors.New("writing failed")
	}
	status, retry, closes, err := readAnswer(c.r)
	if err != nil {
		_ = c.conn.Close()
		return errors.New("no answer")
	}
	switch {
	case status == 202:
		c.accepted = append(c.accepted, n)
		c.took = append(c.took, time.Since(began))
	case (status == 429 || status == 503) && retry:
		c.refused++
	default:
		c.wrong["HTTP "+strconv.Itoa(status)]++
	}
	if closes {
		_ = c.conn.Close()
		c.conn = nil
	}
	return nil
}

// readAnswer reads one answer to its end and says what of it matters here.
func readAnswer(r *bufio.Reader) (status int, retryAfter, closes bool, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, false, false, err
	}
	if len(line) < 12 {
		return 0, false, false, errors.New("not HTTP")
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, false, err
	}
	size := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, false, false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if size, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, false, false, err
			}
		case bytes.EqualFold(name, []byte("Retry-After")):
			retryAfter = true
		case bytes.EqualFold(name, []byte("Connection")):
			closes = bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
		}
	}
	_, err = r.Discard(size)
	return status, retryAfter, closes, err
}
