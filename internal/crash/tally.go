package crash

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"
)

// Tally is a mail server that takes everything and keeps a byte for each recipient r<number>@, however many there
// are; of probes, p<number>@, it keeps when they came. It costs a few microseconds a mail, so that what is measured
// beside it is the sender.
type Tally struct {
	l net.Listener

	mu     sync.Mutex
	counts []uint8
	total  int
	probes map[int]chan time.Time
}

// StartTally starts one for recipients below n. Close it.
func StartTally(n int) (*Tally, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &Tally{l: l, counts: make([]uint8, n), probes: map[int]chan time.Time{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go t.serve(c)
		}
	}()
	return t, nil
}

// Port is where it listens on 127.0.0.1.
func (t *Tally) Port() int { return t.l.Addr().(*net.TCPAddr).Port }

// Close stops listening.
func (t *Tally) Close() { _ = t.l.Close() }

// Total is how many mails came to recipients.
func (t *Tally) Total() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

// Count is how many of the recipients from first, n of them, got nothing, and how many more than one mail.
func (t *Tally) Count(first, n int) (none, many int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.counts[first : first+n] {
		switch {
		case c == 0:
			none++
		case c > 1:
			many++
		}
	}
	return none, many
}

// Probe is told when probe n comes.
func (t *Tally) Probe(n int) <-chan time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := make(chan time.Time, 1)
	t.probes[n] = at
	return at
}

func (t *Tally) took(to []byte) {
	local, _, _ := bytes.Cut(to, []byte("@"))
	if len(local) < 2 {
		return
	}
	n, err := strconv.Atoi(string(local[1:]))
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case local[0] == 'p':
		if at := t.probes[n]; at != nil {
			at <- time.Now()
			delete(t.probes, n)
		}
	case local[0] == 'r' && n < len(t.counts):
		if t.total++; t.counts[n] < 255 {
			t.counts[n]++
		}
	}
}

// serve speaks as much SMTP (RFC 5321, with RFC 2920) as the product needs. Replies go out when nothing more is there to be read.
func (t *Tally) serve(c net.Conn) {
	defer c.Close()
	r, w := bufio.NewReaderSize(c, 16<<10), bufio.NewWriter(c)
	say := func(s string) {
		_, _ = w.WriteString(s)
		if r.Buffered() == 0 {
			_ = w.Flush()
		}
	}
	say("220 tally.example\r\n")
	var to []byte
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case bytes.HasPrefix(line, []byte("EHLO")):
			say("250-tally.example\r\n250 PIPELINING\r\n")
		case bytes.HasPrefix(line, []byte("RCPT TO:<")):
			to = append(to[:0], line[len("RCPT TO:<"):]...)
			say("250 ok\r\n")
		case bytes.HasPrefix(line, []byte("DATA")):
			say("354 go on\r\n")
			_ = w.Flush()
			for !bytes.Equal(line, []byte(".\r\n")) {
				if line, err = r.ReadSlice('\n'); err != nil && !errors.Is(err, bufio.ErrBufferFull) {
					return
				}
			}
			t.took(to)
			say("250 ok\r\n")
		case bytes.HasPrefix(line, []byte("QUIT")):
			say("221 bye\r\n")
			return
		default:
			say("250 ok\r\n")
		}
	}
}
