package smtpd

import (
	"bufio"
	"bytes"
	"errors"
	"time"
)

var (
	errTooLarge = errors.New("too large")
	errBusy     = errors.New("no memory left for it")
)

const small = 1 << 20 // bytes of a message that any connection may have in memory

// body reads a message up to the line with nothing but a dot, and takes away the dots that were put before others
// (RFC 5321 §4.5.2). Only CR LF ends a line: a dot between bare ones is text, whatever other servers make of it. A
// message that is not kept (errTooLarge, errBusy) has been read to its end all the same, so that no part of it can be
// taken for commands.
func (s *session) body() ([]byte, error) {
	var b []byte
	var kept error
	fresh, cr := true, false // at the beginning of a line; the last piece ended with a CR
	for total := int64(0); ; {
		piece, err := s.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if fresh && piece[0] == '.' {
			if string(piece) == ".\r\n" {
				return b, kept
			}
			piece = piece[1:]
		}
		// A line longer than the buffer comes in pieces; its CR and LF may be parted.
		fresh = bytes.HasSuffix(piece, []byte("\r\n")) || cr && string(piece) == "\n"
		cr = err != nil && bytes.HasSuffix(piece, []byte("\r"))
		if total += int64(len(piece)); total > s.MaxSize {
			if b, kept = nil, errTooLarge; total > s.MaxSize+64<<20 {
				return nil, errors.New("there is no end to it")
			}
		}
		if kept == nil && !s.held && len(b) > small && !s.hold() {
			b, kept = nil, errBusy
		}
		if kept == nil {
			b = append(b, piece...)
		}
	}
}

// hold waits for one of the places of large messages; drop gives it back.
func (s *session) hold() bool {
	select {
	case s.large <- struct{}{}:
		s.held = true
	case <-time.After(time.Minute):
	case <-s.ctx.Done():
	}
	return s.held
}

func (s *session) drop() {
	if s.held {
		s.held = false
		<-s.large
	}
}
