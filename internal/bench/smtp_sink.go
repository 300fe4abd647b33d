package main

import (
	"bytes"
	"net"
)

// serveSMTP takes mail at the least cost that a server can have: it looks for the ends of commands and of
// the message, offers PIPELINING and 8BITMIME, answers in one write what came in one read, and checks and
// keeps nothing.
func (s *Sink) serveSMTP(c net.Conn) {
	out := append(make([]byte, 0, 512), "220 sink\r\n"...)
	buf, n := make([]byte, 64<<10), 0
	inData := false
	for {
		if _, err := c.Write(out); len(out) > 0 && err != nil || bytes.HasSuffix(out, []byte("221 bye\r\n")) {
			return
		}
		k, err := c.Read(buf[n:])
		if n += k; err != nil {
			return
		}
		used := 0
		out, used, inData = s.dialogue(out[:0], buf[:n], inData)
		if used == 0 && n == len(buf) {
			s.odd.Add(1)
			return
		}
		n = copy(buf, buf[used:n])
	}
}

// dialogue answers what in holds, and says how much of it was used up and whether a message goes on.
func (s *Sink) dialogue(out, in []byte, inData bool) (_ []byte, used int, _ bool) {
	for {
		rest := in[used:]
		if inData {
			end := bytes.Index(rest, []byte("\r\n.\r\n"))
			if end < 0 {
				seen := max(0, len(rest)-4) // the dot's beginning may be there
				s.bytes.Add(int64(seen))
				return out, used + seen, true
			}
			s.bytes.Add(int64(end))
			s.wait()
			s.taken.Add(1)
			out, used, inData = append(out, "250 queued\r\n"...), used+end+5, false
			continue
		}
		end := bytes.Index(rest, []byte("\r\n"))
		if end < 0 {
			return out, used, false
		}
		used += end + 2
		switch line := rest[:end]; {
		case is(line, "MAIL"):
			s.arrive()
			out = append(out, "250 ok\r\n"...)
		case is(line, "DATA"):
			out, inData = append(out, "354 go\r\n"...), true
		case is(line, "EHLO"):
			out = append(out, "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"...)
		case is(line, "QUIT"):
			return append(out, "221 bye\r\n"...), used, false
		default: // RCPT, RSET, NOOP, HELO
			out = append(out, "250 ok\r\n"...)
		}
	}
}

func is(line []byte, verb string) bool {
	return len(line) >= 4 && bytes.EqualFold(line[:4], []byte(verb))
}
