package email

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
)

// pair sends two messages over one connection, and lets the server go on once the second waits for it.
func pair(t *testing.T, second *channels.Outgoing, cancelled bool, plays func(waits func()) []func(d *dialogue)) (verdicts [2]*channels.Verdict) {
	t.Helper()
	waits := make(chan struct{})
	s := stub(t, plays(func() { <-waits })...)
	s["connections"], s["dot_timeout"] = 1, "300ms"
	c := openConn(t, s)
	send := func(ctx context.Context, o *channels.Outgoing) *channels.Verdict {
		_, err := c.Send(ctx, o)
		return channels.VerdictOf(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	waiting := func(n int) {
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			c.pool.mu.Lock()
			got := len(c.pool.waiting)
			c.pool.mu.Unlock()
			if got == n {
				return
			}
			if time.Now().After(end) {
				t.Errorf("%d wait, want %d", got, n)
				return
			}
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { verdicts[0] = send(t.Context(), outgoing()) })
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		c.pool.mu.Lock()
		free := c.pool.free
		c.pool.mu.Unlock()
		if free == 0 {
			break
		}
	}
	wg.Go(func() { verdicts[1] = send(ctx, second) })
	waiting(1)
	close(waits)
	if cancelled {
		waiting(0)
		cancel()
	}
	wg.Wait()
	return verdicts
}

func kind(v *channels.Verdict) channels.Kind {
	if v == nil {
		return ""
	}
	return v.Kind
}

func TestSend_EnvelopeOfTheNextFollowsTheMessage(t *testing.T) {
	t.Parallel()
	envelope := func(d *dialogue) {
		d.hear("MAIL FROM:<news@shop.example>\r\n")
		d.hear("RCPT TO:<anna@customers.example>\r\n")
		d.hear("DATA\r\n")
	}
	// begin takes the first message, behind which the second one's envelope comes without waiting for an answer.
	begin := func(d *dialogue, waits func()) {
		d.greet("PIPELINING")
		envelope(d)
		waits()
		d.say("250 ok", "250 ok", "354 go")
		d.message()
		envelope(d)
	}
	// alone takes a message on a connection of its own.
	alone := func(d *dialogue) {
		d.greet("PIPELINING")
		envelope(d)
		d.say("250 ok", "250 ok", "354 go")
		d.message()
		d.say("250 queued")
	}
	for _, tc := range []struct {
		name  string
		plays func(waits func()) []func(d *dialogue)
		want  [2]channels.Kind // "": sent
	}{
		{"both are taken", func(waits func()) []func(d *dialogue) {
			return []func(d *dialogue){func(d *dialogue) {
				begin(d, waits)
				d.say("250 queued", "250 ok", "250 ok", "354 go")
				d.message()
				d.say("250 queued")
				d.hear("QUIT")
			}}
		}, [2]channels.Kind{}},
		{"the first one's refusal is its own", func(waits func()) []func(d *dialogue) {
			return []func(d *dialogue){func(d *dialogue) {
				begin(d, waits)
				d.say("554 5.6.0 content refused", "250 ok", "250 ok", "354 go")
				d.message()
				d.say("250 queued")
				d.hear("QUIT")
			}}
		}, [2]channels.Kind{channels.Rejected, ""}},
		{"the second one's refusal is its own", func(waits func()) []func(d *dialogue) {
			return []func(d *dialogue){func(d *dialogue) {
				begin(d, waits)
				d.say("250 queued", "250 ok", "550 5.1.1 no such user", "503 5.5.1 no recipient")
				d.hear("QUIT")
			}}
		}, [2]channels.Kind{"", channels.AddressDead}},
		{"goodbye to the second", func(waits func()) []func(d *dialogue) {
			return []func(d *dialogue){func(d *dialogue) {
				begin(d, waits)
				d.say("250 queued", "421 4.4.2 enough for one connection")
			}, alone}
		}, [2]channels.Kind{}},
		{"cut after the first one's answer", func(waits func()) []func(d *dialogue) {
			return []func(d *dialogue){func(d *dialogue) {
				begin(d, waits)
				d.say("250 queued")
			}, alone}
		}, [2]channels.Kind{}},
		{"cut before the first one's answer", func(waits func()) []func(d *dialogue) {
			return []func(d *dialogue){func(d *dialogue) { begin(d, waits) }, alone}
		}, [2]channels.Kind{channels.Ambiguous, ""}},
		{"no answer to the first", func(waits func()) []func(d *dialogue) {
			return []func(d *dialogue){func(d *dialogue) {
				begin(d, waits)
				_, _ = d.r.ReadByte() // until we hang up
			}, alone}
		}, [2]channels.Kind{channels.Ambiguous, ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for i, v := range pair(t, outgoing(), false, tc.plays) {
				if got := kind(v); got != tc.want[i] {
					t.Errorf("message %d: verdict %v, want %q", i+1, v, tc.want[i])
				}
			}
		})
	}
}

// Who gives up after its envelope was written leaves a connection that waits for a message: it is closed, and nobody
// else's message is taken for that one.
func TestSend_GivingUpWhenTakenAlongClosesTheConnection(t *testing.T) {
	t.Parallel()
	got := pair(t, outgoing(), true, func(waits func()) []func(d *dialogue) {
		return []func(d *dialogue){func(d *dialogue) {
			d.greet("PIPELINING")
			waits()
			d.say("250 ok", "250 ok", "354 go")
			d.message()
			d.hear("MAIL")
			d.hear("RCPT")
			d.hear("DATA")
			time.Sleep(100 * time.Millisecond) // the second gives up meanwhile
			d.say("250 queued", "250 ok", "250 ok", "354 go")
			if s, err := d.r.ReadString('\n'); err == nil {
				d.t.Errorf("heard %q, want the end", s)
			}
		}}
	})
	if got[0] != nil || kind(got[1]) != channels.Temporary {
		t.Errorf("verdicts %v, want the first one sent", got)
	}
}

// A password reset does not bind itself to a connection that may be slow to answer: it takes the first that is free.
func TestSend_TransactionalMailIsNotTakenAlong(t *testing.T) {
	t.Parallel()
	o := outgoing()
	o.Purpose = rapport.Transactional
	got := pair(t, o, false, func(waits func()) []func(d *dialogue) {
		return []func(d *dialogue){func(d *dialogue) {
			d.greet("PIPELINING")
			for range 2 {
				d.hear("MAIL")
				d.hear("RCPT")
				d.hear("DATA")
				waits()
				d.say("250 ok", "250 ok", "354 go")
				d.message()
				if d.r.Buffered() > 0 {
					d.t.Error("something follows the message")
				}
				d.say("250 queued")
			}
			d.hear("QUIT")
		}}
	})
	if got[0] != nil || got[1] != nil {
		t.Errorf("verdicts %v", got)
	}
}

// A send waits to be taken along although a place is free, but not for long, and not when it is urgent.
func TestPool_AnotherPlaceIsTakenAfterAMoment(t *testing.T) {
	t.Parallel()
	open := func(patience time.Duration) (p *pool, take func(last bool) (*line, bool)) {
		p = newPool(relay{}, 4, time.Minute)
		p.few, p.patience = 1, patience
		p.connect = func(context.Context) (*line, error) {
			raw, _ := net.Pipe()
			return &line{raw: raw, pipelining: true}, nil
		}
		return p, func(last bool) (*line, bool) {
			l, begun, err := p.take(t.Context(), &waiter{d: &draft{}, last: last, turn: make(chan turn, 1)})
			if err != nil {
				t.Error(err)
			}
			return l, begun
		}
	}

	p, take := open(time.Hour)
	first, _ := take(false)
	if urgent, begun := take(true); urgent == first || begun {
		t.Error("the urgent one did not get a place of its own")
	}
	taken := make(chan bool)
	go func() { l, begun := take(false); taken <- l == first && begun }()
	var next *waiter
	for end := time.Now().Add(5 * time.Second); next == nil && time.Now().Before(end); time.Sleep(time.Millisecond) {
		next = p.along(first)
	}
	if next == nil {
		t.Fatal("nobody waits to be taken along")
	}
	if p.give(first, next); !<-taken {
		t.Error("who was taken along has not got the connection")
	}

	const patience = 20 * time.Millisecond
	p, take = open(patience)
	first, _ = take(false)
	for range 3 {
		begin := time.Now()
		if l, begun := take(false); l == first || begun {
			t.Error("who was not taken along has not got a place of its own")
		}
		if waited := time.Since(begin); waited < patience {
			t.Errorf("it waited for %v only", waited)
		}
	}
	if p.free != 0 {
		t.Errorf("%d places are free", p.free)
	}
}
