package email

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"rapport/channels"
	"rapport/channels/email/smtpreply"
	"rapport/internal/deadline"
)

// line is one open connection. One goroutine uses it at a time.
type line struct {
	client     *smtp.Client
	raw        net.Conn // below TLS; deadlines are set here
	pipelining bool
	utf8       bool
	sizes      bool
	maxSize    int64     // that the server announces; 0: none
	until      time.Time // the deadline for reading and writing, as it was last set
	since      time.Time // idle
	commands   []byte    // the last envelope

	served bool // a transaction was tried before on this connection
	open   bool // a transaction may be open, so the next one begins with RSET
	broken bool // must not be used again
}

// errStale: the server had closed an idle connection, or says goodbye on it. Nothing of the message was
// written, so another connection may be tried at once.
var errStale = errors.New("the kept connection was closed by the server")

// block is how many bytes of a message are written at once.
const block = 256 << 10

// timeouts of a transaction.
type timeouts struct {
	step time.Duration // each of: the envelope, a block of the message
	dot  time.Duration
}

// refuses says why the server would not take d, of size bytes; nil: it may.
func (l *line) refuses(d *draft, size int) *channels.Verdict {
	switch {
	case d.utf8 && !l.utf8:
		return refuse("smtputf8", errors.New("the server does not take addresses beyond ASCII (RFC 6531)"))
	case l.maxSize > 0 && int64(size) > l.maxSize:
		return refuse("too_large", errors.New("the message is larger than the server takes"))
	}
	return nil
}

// transfer hands over what stands in d.b after from, which ends with the final dot. begun: the envelope was written before. along is asked, when
// the message is about to be written, for a send whose envelope may follow it in the same breath, which RFC 2920 §3.1
// allows: that spares a write, a wait and a read for each message of a campaign. What becomes of the message is not
// changed by it; the other's is not on the wire before the other writes it. next is whom along returned.
//
// Its errors are verdicts, or errStale.
func (l *line) transfer(ctx context.Context, d *draft, from int, begun bool, along func(*line) *waiter, t timeouts) (next *waiter, err error) {
	served := l.served
	l.served = true
	if !deadline.Only(ctx) {
		stop := context.AfterFunc(ctx, func() { _ = l.raw.SetDeadline(time.Unix(1, 0)) })
		defer func() {
			if !stop() { // it may yet run, and must not hit the next transaction
				l.broken = true
			}
		}()
	}

	refused, at, of, err := l.envelope(ctx, d, len(d.b)-from, begun, t.step)
	goodbye := refused.Code == 421 && at == smtpreply.AtMail
	if served && (goodbye || err != nil && !isTimeout(err)) {
		l.broken = true
		return nil, errStale
	}
	if err != nil {
		return nil, l.lost(ctx, err)
	}
	if refused.Code != 0 {
		l.open = true
		l.broken = l.broken || refused.Ends()
		if of > 0 {
			return nil, copyRefused(refused, d.also[of-1])
		}
		return nil, refused.Verdict(at)
	}
	end := len(d.b)
	if end <= block { // of a long one, nobody waits for the end without need
		next = along(l)
	}
	if next != nil {
		d.b = l.appendEnvelope(d.b, next.d, next.size)
	}
	if err := l.message(ctx, d.b[from:], end-from, t.step); err != nil {
		return next, err
	}
	r, err := l.answer(ctx, t.dot)
	if err != nil {
		l.broken = true
		return next, &channels.Verdict{Kind: channels.Ambiguous, Reason: "no_answer", Err: err}
	}
	if r.Code/100 == 2 {
		return next, nil
	}
	l.broken = r.Ends()
	return next, r.Verdict(smtpreply.AtDot)
}

// appendEnvelope appends MAIL, RCPT and DATA, which are written at once where the server allows.
func (l *line) appendEnvelope(b []byte, d *draft, size int) []byte {
	b = append(append(append(b, "MAIL FROM:<"...), d.from...), '>')
	if l.sizes {
		b = strconv.AppendInt(append(b, " SIZE="...), int64(size), 10)
	}
	if d.utf8 {
		b = append(b, " SMTPUTF8"...)
	}
	b = append(append(append(b, "\r\nRCPT TO:<"...), d.to...), '>')
	for _, address := range d.also {
		b = append(append(append(b, "\r\nRCPT TO:<"...), address...), '>')
	}
	return append(b, "\r\nDATA\r\n"...)
}

// copyRefused is the verdict when the server does not take one of the copies: nobody gets the message, and it says nothing
// of the address that the message is for.
func copyRefused(r smtpreply.Reply, address string) *channels.Verdict {
	v := r.Verdict(smtpreply.AtRcpt)
	out := &channels.Verdict{Kind: channels.Rejected, Reason: "copy_refused", Code: v.Code, Detail: v.Detail}
	if r.Code < 500 {
		out.Kind = channels.Temporary
	} else if v.Kind == channels.AddressDead {
		out.Copy = address
	}
	return out
}

// envelope runs MAIL, RCPT and DATA, in one round trip where the server allows; begun: they were written before. It
// returns the reply that refused, with its stage and which of the recipients it is about (0: the one that the message is
// for), or a reply with code 0 when the server waits for the message. With copies each step waits for the one before: a
// server that has said 354 although it refused one recipient would give the others an empty message.
func (l *line) envelope(ctx context.Context, d *draft, size int, begun bool, step time.Duration) (refused smtpreply.Reply, at smtpreply.Stage, of int, err error) {
	l.deadline(ctx, step)
	w, r := l.client.Text.W, l.client.Text.R
	reset := l.open
	l.open = false
	if reset {
		_, _ = w.WriteString("RSET\r\n")
	}
	l.commands = l.commands[:0]
	if !begun {
		l.commands = l.appendEnvelope(l.commands, d, size)
	}
	left := l.commands // of which each is written when its turn comes
	ahead := l.pipelining && len(d.also) == 0
	if ahead {
		_, _ = w.Write(left)
		left = nil
	}
	if w.Buffered() > 0 {
		if err := w.Flush(); err != nil {
			return smtpreply.Reply{}, smtpreply.AtMail, 0, err
		}
	}
	if reset {
		if _, err := readReply(r); err != nil {
			return smtpreply.Reply{}, smtpreply.AtMail, 0, err
		}
	}
	for i := range len(d.also) + 3 {
		stage := smtpreply.AtRcpt
		switch i {
		case 0:
			stage = smtpreply.AtMail
		case len(d.also) + 2:
			stage = smtpreply.AtData
		}
		if n := bytes.IndexByte(left, '\n') + 1; n > 0 {
			_, _ = w.Write(left[:n])
			left = left[n:]
			if err := w.Flush(); err != nil {
				return smtpreply.Reply{}, stage, 0, err
			}
		}
		got, err := readReply(r)
		if err != nil && refused.Code != 0 {
			l.broken = true // what was refused stays refused, whatever else the server had to say
			return refused, at, of, nil
		}
		if err != nil {
			return smtpreply.Reply{}, stage, 0, err
		}
		expected := got.Code/100 == 2
		if stage == smtpreply.AtData {
			expected = got.Code == 354
		}
		if stage == smtpreply.AtData && expected && refused.Code != 0 {
			l.decline()
		}
		if !expected && refused.Code == 0 {
			refused, at = got, stage
			if stage == smtpreply.AtRcpt {
				of = i - 1
			}
			if !ahead || got.Ends() {
				return refused, at, of, nil
			}
		}
	}
	return refused, at, of, nil
}

// decline answers a 354 that came although the recipient was refused: a lone dot ends the message before
// it begins (RFC 2920 §3.1). What the server says to that is of no interest.
func (l *line) decline() {
	_, _ = l.client.Text.W.WriteString(".\r\n")
	if l.client.Text.W.Flush() != nil {
		l.broken = true
	} else if _, err := readReply(l.client.Text.R); err != nil {
		l.broken = true
	}
}

// message writes wire, which is the message up to end and perhaps another's envelope. An error is a verdict and means
// that the final dot was not handed to the kernel, so the server must drop what it has (RFC 5321 §4.1.1.4), unless it is
// Ambiguous.
func (l *line) message(ctx context.Context, wire []byte, end int, step time.Duration) error {
	w := l.client.Text.W
	for handed := 0; ; {
		l.deadline(ctx, step)
		n, err := w.Write(wire[handed:min(handed+block, len(wire))])
		if err == nil {
			err = w.Flush()
		}
		// After an error, what is still buffered was not written.
		if err != nil {
			n -= w.Buffered()
		}
		if handed += n; err == nil && handed < len(wire) {
			continue
		}
		if err == nil {
			return nil
		}
		l.broken = true
		if handed > end-len(".\r\n") {
			return &channels.Verdict{Kind: channels.Ambiguous, Reason: "no_answer", Err: err}
		}
		// The server may have said why before it closed.
		l.deadline(ctx, time.Second)
		if r, e := readReply(l.client.Text.R); e == nil && r.Code >= 400 {
			return r.Verdict(smtpreply.AtData)
		}
		return l.lost(ctx, err)
	}
}

// lost is the verdict on a connection that failed before the final dot was handed over.
func (l *line) lost(ctx context.Context, err error) error {
	l.broken = true
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return &channels.Verdict{Kind: channels.Temporary, Reason: "connection_lost", Err: err}
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// within is the time in d, or when ctx ends if that comes before.
func within(ctx context.Context, d time.Duration) time.Time { return bounded(ctx, time.Now().Add(d)) }

func bounded(ctx context.Context, until time.Time) time.Time {
	if end, ok := ctx.Deadline(); ok && end.Before(until) {
		return end
	}
	return until
}

// deadline bounds the next step by d and by ctx. One that was set a moment ago serves for this step as well:
// setting it costs more than encoding the message. The order matters: ctx may end between the two calls, and
// then either the check here or the function that waits for ctx comes last.
func (l *line) deadline(ctx context.Context, d time.Duration) {
	now := time.Now()
	until := bounded(ctx, now.Add(d))
	if until.Sub(l.until).Abs() > until.Sub(now)/16 { // a part of the time that is left, or the other may be over
		l.until = until
		_ = l.raw.SetDeadline(until)
	}
	if !deadline.Only(ctx) && ctx.Err() != nil {
		_ = l.raw.SetDeadline(time.Unix(1, 0))
	}
}

// answer waits for the reply to a message. It comes soon as a rule, so the deadline that stands is moved only when it
// would be too early, or too late.
func (l *line) answer(ctx context.Context, d time.Duration) (smtpreply.Reply, error) {
	r := l.client.Text.R
	if until := within(ctx, d); until.Before(l.until) {
		l.patience(ctx, d)
	} else if r.Buffered() == 0 {
		if _, err := r.Peek(1); isTimeout(err) && ctx.Err() == nil {
			l.patience(ctx, time.Until(until))
		}
	}
	return readReply(r)
}

// patience is deadline for a step that only waits: nothing is left to be written.
func (l *line) patience(ctx context.Context, d time.Duration) {
	l.until = time.Time{}
	_ = l.raw.SetReadDeadline(within(ctx, d))
	if ctx.Err() != nil {
		_ = l.raw.SetDeadline(time.Unix(1, 0))
	}
}

// hangUp closes the connection, with a goodbye where the server may still listen.
func (l *line) hangUp() {
	if !l.broken {
		_ = l.raw.SetDeadline(time.Now().Add(2 * time.Second))
		if _, err := l.client.Text.W.WriteString("QUIT\r\n"); err == nil && l.client.Text.W.Flush() == nil {
			_, _ = readReply(l.client.Text.R)
		}
	}
	_ = l.raw.Close()
}

// maxReply is far more than any server says, and bounds what a hostile one can make us hold.
const maxReply = 64 << 10

// readReply reads one reply of any number of lines (RFC 5321 §4.2.1).
func readReply(r *bufio.Reader) (smtpreply.Reply, error) {
	var code int
	var text []byte
	for size := 0; ; {
		s, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return smtpreply.Reply{}, errReply
		}
		if err != nil {
			return smtpreply.Reply{}, err
		}
		if size += len(s); size > maxReply {
			return smtpreply.Reply{}, errReply
		}
		for len(s) > 0 && (s[len(s)-1] == '\n' || s[len(s)-1] == '\r') {
			s = s[:len(s)-1]
		}
		if len(s) < 3 || len(s) > 3 && s[3] != ' ' && s[3] != '-' {
			return smtpreply.Reply{}, errReply
		}
		n := 0
		for _, c := range s[:3] {
			if c < '0' || c > '9' {
				return smtpreply.Reply{}, errReply
			}
			n = n*10 + int(c-'0')
		}
		if n < 200 || n > 599 || code != 0 && n != code {
			return smtpreply.Reply{}, errReply
		}
		code = n
		last := len(s) == 3 || s[3] == ' '
		if last && code < 400 {
			return smtpreply.Reply{Code: code}, nil // nobody reads what a friendly server says
		}
		if len(s) > 4 {
			text = append(append(text, s[4:]...), '\n')
		}
		if last {
			return smtpreply.New(code, string(text)), nil
		}
	}
}

var errReply = errors.New("the server's reply is not SMTP")
