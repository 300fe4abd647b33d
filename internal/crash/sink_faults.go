package crash

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"rapport"
	"rapport/channels/email/emailtest"
)

// Fault is what a provider does with one message instead of what it should.
type Fault struct {
	// Taken: the message counts as arrived, and the fault is in the answer. Else nothing of it was taken.
	Taken bool
	// Exactly one of these.
	Cut     bool // the connection is closed (reset, on email) without an answer
	Hang    bool // no answer at all, until the caller goes
	Status  int  // an answer with this status ...
	After   time.Duration
	To      string // ... this Retry-After, and this Location
	Endless bool   // 200, and a body that never ends
	Drip    bool   // 200, and a body of one byte a second
}

// faults are what was scripted for the first requests to an address.
type faults struct {
	mu    sync.Mutex
	queue map[string][]Fault
	tries map[string][]time.Time // when requests to an address came that has a script
}

// Script makes the first messages by HTTP to an address meet with faults, one each. A script may be empty: then the
// requests are only noted.
func (s *Sinks) Script(ch rapport.Channel, address string, list ...Fault) {
	f := &s.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.queue == nil {
		f.queue, f.tries = map[string][]Fault{}, map[string][]time.Time{}
	}
	k := string(ch) + " " + address
	f.queue[k] = list
}

// Tries are when the requests came to an address that has a script.
func (s *Sinks) Tries(ch rapport.Channel, address string) []time.Time {
	f := &s.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]time.Time(nil), f.tries[string(ch)+" "+address]...)
}

func (f *faults) next(ch rapport.Channel, address string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := string(ch) + " " + address
	list, scripted := f.queue[k]
	if !scripted {
		return Fault{}, false
	}
	f.tries[k] = append(f.tries[k], time.Now())
	if len(list) == 0 {
		return Fault{}, false
	}
	f.queue[k] = list[1:]
	return list[0], true
}

// faulty plays the script before, or instead of, what inner answers.
func (s *Sinks) faulty(ch rapport.Channel, sends func(*http.Request) bool, inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !sends(r) {
			inner.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		f, any := s.faults.next(ch, s.addressOf(ch, r, body))
		if !any {
			inner.ServeHTTP(w, r)
			return
		}
		if f.Taken {
			inner.ServeHTTP(&held{header: http.Header{}}, r)
		}
		f.play(w, r)
	})
}

// addressOf is whom a request is for.
func (s *Sinks) addressOf(ch rapport.Channel, r *http.Request, body []byte) string {
	if ch == rapport.Webhook {
		return s.hookURL + r.URL.Path
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	if ch == rapport.SMS {
		return form.Get("To")
	}
	return form.Get("chat_id")
}

func (f Fault) play(w http.ResponseWriter, r *http.Request) {
	flush := func() { _ = http.NewResponseController(w).Flush() }
	switch {
	case f.Cut:
		panic(http.ErrAbortHandler) // net/http closes the connection without a word
	case f.Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case f.Endless:
		w.Header().Set("Content-Type", "application/json")
		for junk := bytes.Repeat([]byte(" "), 64<<10); r.Context().Err() == nil; {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	case f.Drip:
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			flush()
			select {
			case <-r.Context().Done():
			case <-time.After(time.Second):
			}
		}
	default:
		if f.After > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(f.After/time.Second)))
		}
		if f.To != "" {
			w.Header().Set("Location", f.To)
		}
		w.WriteHeader(f.Status)
	}
}

// Doubts are the recipients whose first answer is kept back, by channel and number.
type Doubts map[rapport.Channel]map[int]bool

// Of is how many there are on a channel.
func (d Doubts) Of(ch rapport.Channel) int { return len(d[ch]) }

// KeepBack chooses a share of the recipients. The first message to each of them is taken, and no answer
// comes: mostly the connection is closed, sometimes nothing happens until the caller's time is over.
func (h *Harness) KeepBack(share float64) Doubts {
	draw := rand.New(rand.NewPCG(h.Seed, 5)) // not h.rand: what is drawn here must not depend on what was done before
	out := Doubts{}
	var mail []emailtest.Rule
	hangs := map[rapport.Channel]int{}
	for n := range h.Messages {
		if draw.Float64() >= share {
			continue
		}
		ch := channels[n%len(channels)]
		if out[ch] == nil {
			out[ch] = map[int]bool{}
		}
		out[ch][n] = true
		// Few, because a run of nothing but time-outs opens the breaker, which is another story.
		hang := hangs[ch] < 3 && draw.IntN(4) == 0
		if hang {
			hangs[ch]++
		}
		if ch == rapport.Email {
			mail = append(mail, emailtest.Rule{To: h.Sinks.Address(ch, n), At: emailtest.Dot, Times: 1, Cut: !hang, Hang: hang})
		} else {
			h.Sinks.Script(ch, h.Sinks.Address(ch, n), Fault{Taken: true, Cut: !hang, Hang: hang})
		}
	}
	h.Sinks.Mail.Script(mail...)
	return out
}

// String says how many on each channel.
func (d Doubts) String() string {
	s := ""
	for _, ch := range channels {
		s += fmt.Sprintf(" %s %d", ch, d.Of(ch))
	}
	return s[1:]
}
